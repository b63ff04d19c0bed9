"""Measurements, each in a process of its own."""

import ctypes
import gc
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress


class PeakMemory:
    """The largest memory of this process beyond what it has when this is made."""

    def __init__(self) -> None:
        gc.collect()
        # Freed memory that the allocator kept would hide what is allocated anew.
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        self._before = memory_status("VmRSS")

    def megabytes(self) -> float:
        """Return the peak so far."""
        return (memory_status("VmHWM") - self._before) / 1024


def memory_status(name: str) -> float:
    """Return a figure of this process's memory in kB, such as "VmRSS" or its peak, "VmHWM"."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return float(line.split()[1])
    raise OSError(f"no {name} in /proc/self/status")


def measure_in_process(module: str, *arguments: str) -> Any:
    """Return what ``python -m benchmarks.module --measure`` prints last, as JSON.

    Raises
    ------
    RuntimeError
        If it fails, with the end of what it writes to standard error.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", "--measure", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{run.stderr[-2000:]}")
    return json.loads(run.stdout.splitlines()[-1])


def measure_in_turns(
    module: str, part: str, names: Sequence[str], n_repeats: int, *arguments: str
) -> dict[str, list[Any]]:
    """Measure variants several times, in turns, so that a slow minute slows all of them.

    The process gets the part, the name, the number of the repeat and the other arguments.
    """
    results: dict[str, list[Any]] = {name: [] for name in names}
    with Progress() as progress:
        task = progress.add_task(part, total=n_repeats * len(names))
        for repeat in range(n_repeats):
            for name in names:
                progress.update(task, description=f"{part}: {name}")
                measured = measure_in_process(module, part, name, str(repeat), *arguments)
                results[name].append(measured)
                progress.advance(task)
    return results


def median(runs: Sequence[dict[str, Any]], *path: str) -> float:
    """Return the median of a figure, which may be nested, over several runs."""
    values = []
    for run in runs:
        value: Any = run
        for name in path:
            value = value[name]
        values.append(value)
    return float(np.median(values))
