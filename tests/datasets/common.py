"""Helpers for the tests of `skimdb.datasets`."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np

# Ranks, as in the official file; 1 is "the".
TRAIN = [[11, 19, 13, 40], [1, 19, 1, 9000], [2], []]
TEST = [[88, 1], [5, 6, 7]]

_PRINT_PEAK = """
from pathlib import Path
print(Path("/proc/self/status").read_text())
"""


def object_array(items):
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def save_imdb(directory, train=TRAIN, test=TEST, **arrays):
    """Write an imdb.npz whose labels alternate."""
    arrays = {
        "x_train": object_array(train),
        "y_train": np.arange(len(train)) % 2,
        "x_test": object_array(test),
        "y_test": np.arange(len(test)) % 2,
        **arrays,
    }
    np.savez(Path(directory) / "imdb.npz", **arrays)


def as_lists(data):
    return [review.tolist() for review in data]


def file_names(directory):
    return sorted(path.name for path in Path(directory).iterdir())


def peak_memory(program, *args):
    """Run a program in a new process and return its peak memory in megabytes."""
    command = [sys.executable, "-c", program + _PRINT_PEAK, *map(str, args)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # Unlike ru_maxrss this does not include the process that was forked.
    return int(re.search(r"VmHWM:\s+(\d+) kB", printed)[1]) / 1024
