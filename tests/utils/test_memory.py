import math
import os
import sys

import pytest

from skimdb.utils import _memory
from skimdb.utils._memory import check_memory, free_memory

GIB = 2**30


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Have 5 of 8 GiB free, and return a function that writes files of Linux."""
    monkeypatch.setattr(_memory, "_ROOT", tmp_path)

    def write(path, content):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)

    write("proc/meminfo", "MemTotal:  8388608 kB\nActive(anon):\n\nMemAvailable: 5242880 kB\n")
    return write


@pytest.mark.skipif(sys.platform != "linux", reason="known on Linux alone")
def test_this_machine_has_some_left():
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 2**20 < free_memory() < 16 * physical  # with swap space


def test_without_a_container_the_machine_is_the_limit(system):
    assert free_memory() == 5 * GIB


def test_swap_space_counts(system):
    system("proc/meminfo", "MemAvailable: 1048576 kB\nSwapFree: 1048576 kB\nHugePages_Free: 0\n")
    assert free_memory() == 2 * GIB


SECOND = ("sys/fs/cgroup", "memory.max", "anon {}\nfile 5000\nshmem {}\n", "0::{}\n")
FIRST = (
    "sys/fs/cgroup/memory",
    "memory.limit_in_bytes",
    "rss 1\ntotal_cache 5000\ntotal_rss {}\ntotal_shmem {}\n",
    "9:name=systemd:/\n4:cpu,memory:{}\n0::/\n",
)


@pytest.mark.parametrize("version", [FIRST, SECOND], ids=["first", "second"])
class TestControlGroups:
    def test_a_container_may_have_less(self, version, system):
        folder, limit_file, stat, groups = version
        system("proc/self/cgroup", groups.format("/"))
        system(f"{folder}/{limit_file}", f"{3 * GIB}\n")
        system(f"{folder}/memory.stat", stat.format(GIB, GIB // 2))
        assert free_memory() == 1.5 * GIB

    def test_a_group_within_another(self, version, system):
        folder, limit_file, stat, groups = version
        system("proc/self/cgroup", groups.format("/jobs/job 1"))
        system(f"{folder}/jobs/{limit_file}", f"{4 * GIB}\n")
        system(f"{folder}/jobs/memory.stat", stat.format(2 * GIB, 0))
        system(f"{folder}/jobs/job 1/{limit_file}", f"{3 * GIB}\n")
        system(f"{folder}/jobs/job 1/memory.stat", stat.format(GIB // 2, 0))
        assert free_memory() == 2 * GIB

    def test_a_container_does_not_see_the_groups_around_it(self, version, system):
        folder, limit_file, _, groups = version
        system("proc/self/cgroup", groups.format("/docker/1234"))
        system(f"{folder}/{limit_file}", f"{2 * GIB}\n")
        assert free_memory() == 2 * GIB

    @pytest.mark.parametrize("limit", ["max", str(2**63 - 4096)])
    def test_a_container_may_have_no_limit(self, limit, version, system):
        folder, limit_file, _, groups = version
        system("proc/self/cgroup", groups.format("/"))
        system(f"{folder}/{limit_file}", f"{limit}\n")
        assert free_memory() == 5 * GIB

    def test_nothing_may_be_left(self, version, system):
        folder, limit_file, stat, groups = version
        system("proc/self/cgroup", groups.format("/"))
        system(f"{folder}/{limit_file}", f"{GIB}\n")
        system(f"{folder}/memory.stat", stat.format(GIB + 1, 0))
        assert free_memory() == 0


def test_what_is_no_linux_has_no_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(_memory, "_ROOT", tmp_path)
    assert free_memory() == math.inf
    check_memory(2.0**100, "this takes")


def test_what_is_not_free_is_refused(system):
    check_memory(5 * GIB, "that takes")
    message = r"^that takes 5\.5 GiB, but only 5\.0 GiB of memory are free\."
    with pytest.raises(MemoryError, match=message + r" Do less\.$"):
        check_memory(5.5 * GIB, "that takes", "Do less.")
    with pytest.raises(MemoryError, match=message + "$"):
        check_memory(5.5 * GIB, "that takes")


def test_a_small_container(system):
    system("proc/meminfo", f"MemAvailable: {200 * 2**10} kB\n")
    check_memory(199 * 2**20, "that takes")
    with pytest.raises(MemoryError, match="that takes"):
        check_memory(201 * 2**20, "that takes")
