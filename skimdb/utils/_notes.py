"""Notes that say where an error was raised."""

from types import TracebackType


class note_on_error:
    """Context manager that adds a note to any exception raised in it."""

    def __init__(self, note: str) -> None:
        self.note = note

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            error.add_note(self.note)
