import math
import os
import re
from pathlib import Path

import numpy as np
import pytest

from skimdb.utils import _memory
from skimdb.utils._memory import check_memory, memory_bytes


@pytest.fixture
def limits(tmp_path, monkeypatch):
    paths = tmp_path / "memory.max", tmp_path / "memory.limit_in_bytes"
    monkeypatch.setattr(_memory, "_LIMITS", paths)
    return paths


def test_without_a_container_the_machine_is_the_limit(limits):
    assert memory_bytes() == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("number", [0, 1])
def test_a_container_may_have_less(limits, number):
    limits[number].write_text("1073741824\n")
    assert memory_bytes() == 2**30


@pytest.mark.parametrize("limit", ["max", str(2**63 - 4096)])
def test_a_container_may_have_no_limit(limits, limit):
    expected = memory_bytes()
    limits[0].write_text(limit)
    assert memory_bytes() == expected


def test_where_python_cannot_tell_there_is_no_limit(monkeypatch):
    monkeypatch.setattr(os, "sysconf_names", {})
    assert memory_bytes() == math.inf
    check_memory(2.0**100, "this takes")


def test_what_the_process_has_counts(limits):
    had = np.ones(2**28, dtype=np.uint8)
    limits[0].write_text(str(memory_bytes() // 4))
    free = memory_bytes() - had.nbytes
    message = r"^that takes [0-9.]+ GiB, but this process already has [0-9.]+ of [0-9.]+ GiB of "
    with pytest.raises(MemoryError, match=message + r"memory\. Do less\.$"):
        check_memory(free, "that takes", "Do less.")
    check_memory(free // 2, "that takes")


def test_the_sizes_are_those_that_are_compared(limits):
    limits[0].write_text(str(3 * 2**30))
    with pytest.raises(MemoryError) as info:
        check_memory(100 * 2**30, "its weights take")
    message = (
        r"its weights take 100\.0 GiB, but this process already has (.*) of 3\.0 GiB of memory\."
    )
    assert 0 < float(re.fullmatch(message, str(info.value))[1]) < 3


def test_mapped_files_do_not_count(limits, tmp_path):
    (tmp_path / "file").write_bytes(bytes(2**29))
    mapped = np.memmap(tmp_path / "file", mode="r")
    assert not mapped.any()  # which reads all of it
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    limits[0].write_text(str(int(status["RssAnon"].split()[0]) * 1024 + 2**29))
    check_memory(2**28, "this takes")
