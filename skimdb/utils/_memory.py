"""The memory that this process may use."""

import math
import os
from pathlib import Path

# Limits of containers, by the second and by the first version of Linux's control groups.
_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
# Less is not worth a look at the limits, which takes as long as the prediction of a text.
_SMALL = 2**28


def check_memory(n_bytes: float, needs: str, instead: str = "") -> None:
    """Raise a MemoryError if this many bytes do not fit beside what the process has.

    Linux grants memory that it does not have, and then kills the process that uses it.

    Parameters
    ----------
    n_bytes : float
        What is about to be allocated.
    needs : str
        What it is for, with the verb, such as "the weights take".
    instead : str, default=""
        What the user can do, as sentences.
    """
    if n_bytes < _SMALL:
        return
    total, used = memory_bytes(), _resident_bytes()
    if n_bytes > total - used:
        raise MemoryError(
            f"{needs} {n_bytes / 2**30:,.1f} GiB, but this process already has "
            f"{used / 2**30:,.1f} of {total / 2**30:,.1f} GiB of memory. {instead}".rstrip()
        )


def memory_bytes() -> float:
    """Return the memory of the machine or container, infinite where Python cannot tell."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return math.inf
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = (_read(path) for path in _LIMITS)
    return min([total, *(int(limit) for limit in limits if limit.isdecimal())])


def _resident_bytes() -> int:
    """Return the memory that this process has, without mapped files; 0 where there is no /proc."""
    pages = _read(Path("/proc/self/statm")).split()
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE") if pages else 0


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
