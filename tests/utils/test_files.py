import os
import subprocess
import sys

import pytest

from skimdb.utils._files import atomic_file, atomic_folder, leftover_parts


def test_file_is_replaced_when_it_is_complete(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with atomic_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_error_leaves_only_the_old_file(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write():
        with atomic_file(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("exists", [False, True])
def test_folder_is_replaced_when_it_is_complete(tmp_path, exists):
    path = tmp_path / "folder"
    if exists:
        path.mkdir()
        (path / "old").touch()
    with atomic_folder(path) as folder:
        (folder / "new").touch()
        assert path.exists() == exists
    assert [file.name for file in path.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_error_leaves_only_the_old_folder(tmp_path, error):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()

    def write():
        with atomic_folder(path) as folder:
            (folder / "new").touch()
            raise error

    with pytest.raises(error):
        write()
    assert [file.name for file in path.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_old_folder_comes_back_if_the_new_one_cannot_be_put_in_its_place(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()

    def write():
        with atomic_folder(path) as folder:
            folder.rmdir()

    with pytest.raises(FileNotFoundError):
        write()
    assert [file.name for file in path.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_folders_that_killed_processes_left_behind_are_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / f"folder.{ended.pid}-0123abcd.part").mkdir()
    with atomic_folder(tmp_path / "folder"):
        pass
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


@pytest.mark.skipif(sys.platform == "win32", reason="does not look up processes")
def test_leftover_parts_are_those_of_processes_that_ended(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead = f"a.txt.{ended.pid}-0123abcd.part"
    own = f"a.txt.{os.getpid()}-0123abcd.part"
    others = [
        f"a.txt.{os.getppid()}-0123abcd.part",  # alive
        f"b.txt.{ended.pid}-0123abcd.part",  # of another file
        "a.txt.old.part",
        "a.txt",
    ]
    for name in [dead, own, *others]:
        (tmp_path / name).touch()
    missing = tmp_path / "missing" / "c.txt"
    parts = leftover_parts([tmp_path / "a.txt", missing])
    assert sorted(part.name for part in parts) == sorted([dead, own])


def test_parts_of_processes_of_other_users_are_kept(tmp_path, monkeypatch):
    def refuse(pid, number):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    (tmp_path / "a.txt.1-0123abcd.part").touch()
    assert list(leftover_parts([tmp_path / "a.txt"])) == []
