"""Write files atomically."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

# As many as have written one file at the same time.
_MAX_LEFTOVERS = 8


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces `path` when the block ends.

    A link stays, and the file that it leads to is replaced, which keeps its mode. A device or a
    pipe is written to instead. The temporary file is in the same folder, and is removed if the
    block raises; what a killed process left of the same file is removed first. Its name begins
    with a dot, so that programs that read the folder skip it.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as special_file:
            yield special_file
        return
    target = Path(os.path.realpath(path))
    part, file = _open_part(target)
    with file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, part)
            if sys.platform == "win32":  # where open files cannot be renamed
                file.close()
            part.replace(target)
        except BaseException:
            if sys.platform == "win32":
                file.close()
            part.unlink(missing_ok=True)
            raise


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files that killed processes left behind when writing `path`."""
    path = Path(os.path.realpath(path))
    for number in range(_MAX_LEFTOVERS):
        _remove_abandoned(_part(path, number))


def _part(path: Path, number: int) -> Path:
    return path.with_name(f".{path.name}.{number}.part")


def _open_part(path: Path) -> tuple[Path, BinaryIO]:
    """Make a temporary file, which stays locked as long as it is open."""
    remove_leftovers(path)
    for number in count():
        part = _part(path, number)
        try:
            file = part.open("xb")
        except FileExistsError:
            continue
        _lock(file, wait=True)
        if _is_at(file, part):  # Another writer may have removed it before it was locked.
            break
        file.close()
    return part, file


def _remove_abandoned(part: Path) -> None:
    """Remove a temporary file unless a process is writing it."""
    try:
        with part.open("rb") as file:
            _lock(file, wait=False)
            # Until the file was locked, its writer may have renamed it, and another made a new one.
            if sys.platform != "win32" and _is_at(file, part):
                part.unlink()
        if sys.platform == "win32":  # where files that others have open cannot be removed
            part.unlink()
    except OSError:  # It is locked, already gone, or another user's.
        return


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Tell whether an open file is still the one at its path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _lock(file: BinaryIO, *, wait: bool) -> None:
    """Lock a file; if others have locked it, wait or raise an OSError."""
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        if not wait:
            raise
        # The file system has no locks, so nobody removes what is not locked either.
