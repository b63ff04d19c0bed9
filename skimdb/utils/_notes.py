"""Notes that say where an error was raised."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def note_on_error(note: str) -> Iterator[None]:
    """Add a note to any exception raised in the block."""
    try:
        yield
    except BaseException as error:
        error.add_note(note)
        raise
