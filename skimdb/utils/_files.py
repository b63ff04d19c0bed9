"""Write files and folders atomically."""

import os
import re
import secrets
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces `path` when the block ends.

    The temporary file is in the same folder, and is removed if the block raises.
    """
    temporary = _part_of(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Make a temporary folder that replaces the folder `path` when the block ends.

    The temporary folder is beside it, and is removed if the block raises. Temporary folders that
    killed processes left behind are removed too.
    """
    for leftover in leftover_parts([path]):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = _part_of(path)
    former = _part_of(path)
    try:
        temporary.mkdir()
        yield temporary
        if path.exists():
            path.rename(former)
        temporary.rename(path)
    finally:
        if former.exists() and not path.exists():
            former.rename(path)
        for folder in (temporary, former):
            shutil.rmtree(folder, ignore_errors=True)


def _part_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")


_PART = re.compile(r"(?P<name>.+)\.(?P<pid>\d+)-[0-9a-f]{8}\.part")


def leftover_parts(paths: Iterable[Path]) -> Iterator[Path]:
    """Find the temporary files that killed processes left behind when writing `paths`."""
    names: defaultdict[Path, set[str]] = defaultdict(set)
    for path in paths:
        names[path.parent].add(path.name)
    for folder in filter(Path.is_dir, names):
        for part in list(folder.iterdir()):
            match = _PART.fullmatch(part.name)
            if match and match["name"] in names[folder] and not _is_alive(int(match["pid"])):
                yield part


def _is_alive(pid: int) -> bool:
    """Whether another process with this id exists."""
    if sys.platform == "win32":  # where os.kill(pid, 0) sends Ctrl+C
        return True
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # a process of another user
        return True
    return True
