"""What the commands share: arguments, messages in one line, progress on standard error."""

import argparse
import importlib
import os
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from skimdb.cli import SHOWN_ERRORS

_Result = TypeVar("_Result")


class OneLineParser(argparse.ArgumentParser):
    """Parser of arguments whose errors take one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with status 2."""
        self.exit(2, f"skimdb: error: {message}\n")


def integer_from(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a function that parses an integer from `least` to `most`, for `add_argument`."""

    def integer(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {value}")
        if most is not None and value > most:
            raise argparse.ArgumentTypeError(f"must be at most {most}, got {value}")
        return value

    return integer


def file_name(text: str) -> str:
    """Return the name of a file or folder, for `add_argument`; an empty one would be "."."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def file_path(text: str) -> Path:
    """Parse the name of a file or folder, for `add_argument`."""
    return Path(file_name(text))


def add_n_jobs(
    parser: argparse.ArgumentParser, what: str, *, default: str = "the number of processors"
) -> None:
    """Add the argument ``--n-jobs``."""
    parser.add_argument(
        "--n-jobs",
        type=integer_from(1),
        metavar="N",
        help=f"{what} (default: {default})",
    )


def print_error(error: Exception) -> None:
    """Print an error in one line, with its notes."""
    print(f"skimdb: error: {one_line(error)}", file=sys.stderr)


def one_line(error: Exception) -> str:
    """Return the message of an error and its notes, without line breaks."""
    notes = getattr(error, "__notes__", [])
    message = str(error) or type(error).__name__
    if notes:
        message = message.removesuffix(".")
    return " ".join(", ".join([message, *notes]).split())


def check_writable(path: Path, *sources: str | Path | None) -> None:
    """Raise an error if no file can be written there, before the work for it is done.

    It must not replace the `sources`, which are read.
    """
    for source in sources:
        if source is not None and path.exists() and Path(source).exists() and path.samefile(source):
            raise ValueError(f"{path} is a file that is read, and must not be replaced")
    if path.is_dir():
        raise IsADirectoryError(f"{path} must be a file, and is a folder")
    if not path.parent.is_dir():
        raise NotADirectoryError(f"{path} cannot be written: there is no folder {path.parent}")
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def size_text(n_bytes: int) -> str:
    """Return the size of a file for people."""
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:,.0f} kB"


def status(message: str) -> AbstractContextManager[Any]:
    """Show what is being done, while it is being done."""
    return Console(stderr=True).status(message)


@contextmanager
def progress_bar(
    description: str, total: int | None = None, *, visible: bool = True
) -> Iterator[Callable[..., None]]:
    """Show a bar if standard error is a terminal.

    The function that is yielded takes ``completed=``, ``advance=``, ``total=`` or
    ``description=``, and may be called in any thread.
    """
    console = Console(stderr=True)
    if not (visible and console.is_terminal):
        yield lambda **_: None
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        # Otherwise rich writes what is printed to standard output to standard error.
        redirect_stdout=False,
        redirect_stderr=False,
    ) as progress:
        yield partial(progress.update, progress.add_task(description, total=total))


def map_in_threads(
    function: Callable[..., _Result], items: Iterator[tuple[Any, ...]]
) -> Iterator[_Result]:
    """Yield ``function(*item)`` for each item, in order, several of them computed at once.

    If there is an error in the items, it is raised after the results of those before it.
    """
    n_threads = os.cpu_count() or 1
    pending: deque[Future[_Result]] = deque()
    error: Exception | None = None
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            while error is None:
                try:
                    pending.append(pool.submit(function, *next(items)))
                except StopIteration:
                    break
                except SHOWN_ERRORS as caught:
                    error = caught
                if len(pending) > n_threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
    if error is not None:
        raise error


def load_tensorflow() -> None:
    """Import the networks; TensorFlow has notes that no setting turns off, which are dropped."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with status("Loading TensorFlow"), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            importlib.import_module("skimdb.neural_network._dense")
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
