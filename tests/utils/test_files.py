import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from skimdb.utils._files import atomic_file, atomic_folder, remove_leftovers

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


def write(path, content=b"new"):
    with atomic_file(path) as file:
        file.write(content)


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

    def write_half():
        with atomic_file(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_temporary_file_is_hidden_and_in_the_same_folder(tmp_path):
    with atomic_file(tmp_path / "file"):
        (part,) = tmp_path.iterdir()
        assert part.name.startswith(".file.")


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


@posix
def test_folders_that_killed_processes_left_behind_are_removed(tmp_path):
    killed = KILLED.replace("atomic_file", "atomic_folder")
    subprocess.run([sys.executable, "-c", killed, tmp_path / "folder"], check=False)
    (leftover,) = tmp_path.iterdir()
    assert leftover.name.startswith(".folder.")
    with atomic_folder(tmp_path / "folder"), atomic_folder(tmp_path / "folder"):
        assert not leftover.exists()
        assert len(list(tmp_path.iterdir())) == 2  # of writers that are alive
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_replaced_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_new_file_has_the_usual_mode(tmp_path):
    write(tmp_path / "new")
    (tmp_path / "usual").touch()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


@posix
@pytest.mark.parametrize("exists", [True, False])
def test_link_stays_and_its_target_is_replaced(tmp_path, exists):
    folder = tmp_path / "folder"
    folder.mkdir()
    link, target = tmp_path / "link", folder / "target"
    if exists:
        target.write_bytes(b"old")
    link.symlink_to(target)
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert [*folder.iterdir()] == [target]


@posix
def test_pipe_is_written_to(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=write, args=[path])
    writer.start()
    assert path.read_bytes() == b"new"
    writer.join()
    assert path.is_fifo()


@posix
def test_device_is_written_to():
    write(Path(os.devnull))
    assert Path(os.devnull).is_char_device()


def test_folder_is_refused(tmp_path):
    with pytest.raises(OSError, match=str(tmp_path.name)):
        write(tmp_path)


# A process that is killed while it writes the file that it is given.
KILLED = """if True:
    import os, pathlib, signal, sys
    from skimdb.utils._files import atomic_file
    with atomic_file(pathlib.Path(sys.argv[1])) as file:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def leftover(tmp_path):
    """Return what a killed process has left in the folder when writing "file"."""
    subprocess.run([sys.executable, "-c", KILLED, tmp_path / "file"], check=False)
    (part,) = tmp_path.iterdir()
    return part


@posix
def test_next_writer_removes_what_a_killed_one_left(tmp_path, leftover):
    others = {tmp_path / ".file.part", tmp_path / ".other.0.part", tmp_path / "file.0.part"}
    for path in others:
        path.touch()
    write(tmp_path / "file")
    assert {*tmp_path.iterdir()} == {tmp_path / "file", *others}


@posix
def test_leftovers_are_removed_without_writing(tmp_path, leftover):
    remove_leftovers(tmp_path / "other")
    assert [*tmp_path.iterdir()] == [leftover]
    remove_leftovers(tmp_path / "file")
    assert [*tmp_path.iterdir()] == []


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path):
    path = tmp_path / "file"
    with atomic_file(path) as first:
        first.write(b"first")
        with atomic_file(path) as second:
            second.write(b"second")
            remove_leftovers(path)
        assert path.read_bytes() == b"second"
        remove_leftovers(path)
    assert path.read_bytes() == b"first"
    assert [*tmp_path.iterdir()] == [path]


def test_many_writers_at_once_leave_one_complete_file(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([i]) * 1000 for i in range(20)]
    threads = [threading.Thread(target=write, args=[path, content]) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert [*tmp_path.iterdir()] == [path]


@posix
def test_processes_that_write_the_same_file(tmp_path):
    program = """if True:
        import pathlib, sys
        from skimdb.utils._files import atomic_file
        for i in range(50):
            with atomic_file(pathlib.Path(sys.argv[1])) as file:
                file.write(sys.argv[2].encode() * 1000)
    """
    command = [sys.executable, "-c", program, tmp_path / "file"]
    processes = [subprocess.Popen([*command, str(i)]) for i in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    assert len({*(tmp_path / "file").read_bytes()}) == 1
    assert [*tmp_path.iterdir()] == [tmp_path / "file"]
