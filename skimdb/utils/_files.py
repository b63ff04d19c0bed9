"""Write files and folders atomically."""

import glob
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Make a temporary folder that replaces the folder `path` when the block ends.

    The temporary folder is beside it, hidden, and is removed if the block raises; what killed
    processes left of the same folder is removed first.
    """
    path = Path(os.path.realpath(path))
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        _remove_abandoned_folder(leftover)
    name = f".{path.name}.{secrets.token_hex(4)}"
    temporary, former = path.with_name(f"{name}.part"), path.with_name(f"{name}.former")
    temporary.mkdir()
    try:
        with _locked_folder(temporary):
            yield temporary
            if path.exists():
                path.rename(former)
            temporary.rename(path)
    finally:
        if former.exists() and not path.exists():
            former.rename(path)
        for folder in (temporary, former):
            shutil.rmtree(folder, ignore_errors=True)


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
        # Before it was locked, another writer may have removed it, and a third one made its own.
        if _is_at(part, file):
            break
        file.close()
    return part, file


def _is_at(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _remove_abandoned(part: Path) -> None:
    """Remove a temporary file unless a process is writing it."""
    try:
        with part.open("rb") as file:
            _lock(file, wait=False)
            # Until the file was locked, its writer may have renamed it, and another made a new one.
            if sys.platform != "win32" and _is_at(part, file):
                part.unlink()
        if sys.platform == "win32":  # where files that others have open cannot be removed
            part.unlink()
    except OSError:  # It is locked, already gone, or another user's.
        return


@contextmanager
def _locked_folder(folder: Path, *, wait: bool = True) -> Iterator[None]:
    if sys.platform == "win32":  # which has no locks of folders
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, wait=wait)
        yield
    finally:
        os.close(descriptor)


def _remove_abandoned_folder(folder: Path) -> None:
    """Remove a temporary folder unless a process is writing it."""
    if sys.platform == "win32":
        return
    with suppress(OSError), _locked_folder(folder, wait=False):
        shutil.rmtree(folder)


def _lock(file: BinaryIO | int, *, wait: bool) -> None:
    """Lock a file; if others have locked it, wait or raise an OSError."""
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        if not wait:
            raise
        # The file system has no locks, so nobody removes what is not locked either.
