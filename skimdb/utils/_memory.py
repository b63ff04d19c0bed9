"""The memory that this process may still take."""

import math
import re
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")
# The second and the first version of Linux's control groups, by the name of the controller: where
# they are, the file with the limit, and what of `memory.stat` cannot be given back.
_CONTROL_GROUPS = {
    "": ("sys/fs/cgroup", "memory.max", ("anon", "shmem")),
    "memory": ("sys/fs/cgroup/memory", "memory.limit_in_bytes", ("total_rss", "total_shmem")),
}
# Less is not worth a look at what is free.
_SMALL = 2**24


def check_memory(n_bytes: float, needs: str, instead: str = "") -> None:
    """Raise a MemoryError if this many bytes are not free.

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
    if n_bytes >= _SMALL and n_bytes > (free := free_memory()):
        raise MemoryError(
            f"{needs} {n_bytes / 2**30:,.1f} GiB, but only {free / 2**30:,.1f} GiB of memory are "
            f"free. {instead}".rstrip()
        )


def free_memory() -> float:
    """Return the bytes that the machine or container has left; infinity where it is not Linux."""
    machine = _sizes(_ROOT / "proc/meminfo", 2**10)
    if "MemAvailable" not in machine:
        return math.inf
    free = machine["MemAvailable"] + machine.get("SwapFree", 0)
    return max(0, min([free, *_free_in_control_groups()]))


def _free_in_control_groups() -> Iterator[int]:
    """Yield what is left of each limit that this process has."""
    for line in _read(_ROOT / "proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        for controller in _CONTROL_GROUPS.keys() & set(controllers.split(",")):
            folder, limit_file, kept = _CONTROL_GROUPS[controller]
            path = _ROOT / folder
            # In a container, its own group may be the first folder.
            for name in ["", *group.strip("/").split("/")]:
                path /= name
                limit = _read(path / limit_file).strip()
                if limit.isdecimal():
                    sizes = _sizes(path / "memory.stat")
                    yield int(limit) - sum(sizes.get(key, 0) for key in kept)


def _sizes(path: Path, unit: int = 1) -> dict[str, int]:
    """Read the names and numbers that a file has in its lines; empty without the file."""
    fields = re.findall(r"^(\w+):?\s+(\d+)", _read(path), flags=re.MULTILINE)
    return {name: int(number) * unit for name, number in fields}


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
