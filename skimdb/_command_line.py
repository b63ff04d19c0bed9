"""What all that runs by ``python -m skimdb`` shares: arguments, errors in one line, quiet."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn


class OneLineParser(argparse.ArgumentParser):
    """Parser of arguments whose errors take one line."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and exit with status 2."""
        self.exit(2, f"skimdb: error: {message}\n")


def integer_from(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a function that reads an integer from `least` to `most`, for `add_argument`."""

    def integer(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {value}")
        if most is not None and value > most:
            raise argparse.ArgumentTypeError(f"must be at most {most}, got {value}")
        return value

    return integer


def fail(error: Exception) -> int:
    """Print an error, and return the status to exit with."""
    print(f"skimdb: error: {one_line(error)}", file=sys.stderr)
    return 2


def one_line(error: Exception) -> str:
    """Return the message of an error without line breaks."""
    return " ".join(str(error).split())


def check_writable(path: Path) -> None:
    """Raise an OSError if a file cannot be made there, before the work for it is done."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} must be a file, and is a folder")
    if not path.parent.is_dir():
        raise NotADirectoryError(f"{path} cannot be written: there is no folder {path.parent}")
    with tempfile.TemporaryFile(dir=path.parent):
        pass


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Drop what native code writes: TensorFlow has notes that no setting turns off."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
