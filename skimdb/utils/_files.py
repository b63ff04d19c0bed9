"""Files that are whole or not there."""

import os
import re
import secrets
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that appears under its name only when it is complete.

    Parameters
    ----------
    path : Path
        The file to make or to replace.

    Yields
    ------
    file : binary file
        A temporary file in the same directory, which replaces `path` at the end of the block
        and is removed if the block raises.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


_PART = re.compile(r"(?P<name>.+)\.(?P<pid>\d+)-[0-9a-f]{8}\.part")


def leftover_parts(paths: Iterable[Path]) -> Iterator[Path]:
    """Find the temporary files of `atomic_file` for some files, of processes that are gone.

    Parameters
    ----------
    paths : iterable of Path
        The files that were to be written.

    Yields
    ------
    part : Path
    """
    names: defaultdict[Path, set[str]] = defaultdict(set)
    for path in paths:
        names[path.parent].add(path.name)
    for folder in filter(Path.is_dir, names):
        for part in list(folder.iterdir()):
            match = _PART.fullmatch(part.name)
            if match and match["name"] in names[folder] and not _is_alive(int(match["pid"])):
                yield part


def _is_alive(pid: int) -> bool:
    """Whether there is such a process, other than this one."""
    if sys.platform == "win32":  # where there is no signal that only asks
        return True
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
