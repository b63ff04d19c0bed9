"""What the benchmarks share: the machine, the reviews, and tables."""

import ctypes
import gc
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skimdb.datasets import fetch_imdb
from skimdb.datasets._base import locate_data_home
from skimdb.utils._files import atomic_file

RESULTS = Path(__file__).parent / "results"
_PACKAGES = (
    "distributed",
    "joblib",
    "keras",
    "numpy",
    "pyarrow",
    "ray",
    "scikeras",
    "scikit-learn",
    "scipy",
    "skimdb",
    "skorch",
    "tensorflow",
    "torch",
)


def machine() -> dict[str, Any]:
    """Return what a reader has to know of the machine, and the versions of the packages."""
    versions: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": versions,
    }


def machine_line(description: dict[str, Any]) -> str:
    """Return the machine and the versions in one line."""
    packages = ", ".join(
        f"{name} {version}" for name, version in description["packages"].items() if version
    )
    return (
        f"{description['processor']}, {description['cores']} cores, "
        f"{description['memory_gib']} GiB; {description['system']}, "
        f"Python {description['python']}, {packages}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def load_imdb(subset: Literal["train", "test"]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the IMDB reviews as sequences of all their word indices, and the labels."""
    X, y = fetch_imdb(subset=subset, return_X_y=True)
    return X, y


def load_texts(subset: Literal["train", "test"]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the IMDB reviews as texts, and the labels.

    Raises
    ------
    OSError
        If ``imdb_train.parquet`` or ``imdb_test.parquet``, with the columns of the Hugging Face
        files of ``stanfordnlp/imdb``, is not in the data home.
    """
    columns = read_columns(find_file(f"imdb_{subset}.parquet"), ["text", "label"])
    return columns["text"], columns["label"]


def find_file(name: str) -> Path:
    """Return a file in the data home.

    Raises
    ------
    OSError
        If it is not there.
    """
    directory, origin = locate_data_home(None)
    if not (directory / name).is_file():
        raise OSError(f"{name} is not in {directory} ({origin})")
    return directory / name


def read_columns(path: Path, columns: list[str]) -> dict[str, NDArray[Any]]:
    """Read columns of a Parquet file."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=columns)
    return {column: table[column].to_numpy() for column in columns}


class PeakMemory:
    """How much memory a process takes at most beyond what it has when this is made."""

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


def measure_in_process(module: str, *what: str) -> Any:
    """Return what ``python -m benchmarks.module --measure`` prints last, as JSON.

    Raises
    ------
    RuntimeError
        If it fails, with the end of what it writes to standard error.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", "--measure", *what]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{' '.join(what)} failed:\n{run.stderr[-2000:]}")
    return json.loads(run.stdout.splitlines()[-1])


def write_json(path: Path, content: Any) -> None:
    """Write a file that is whole or not there."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def write_text(path: Path, content: str) -> None:
    """Write a file that is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        file.write(content.encode())
