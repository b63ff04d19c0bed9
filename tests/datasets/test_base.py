"""Data directory, downloads and cache."""

import errno
import hashlib
import multiprocessing
import os
import shutil
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from skimdb.datasets import fetch_imdb
from skimdb.datasets._base import RemoteFile, fetch_file, load_cached, locate_data_home
from tests.datasets.common import as_lists, file_names, save_imdb

BODY = b"the official file" * 1000


# Data directory


def test_data_home_is_the_parameter_or_the_environment_variable_or_the_default(monkeypatch):
    monkeypatch.setenv("SKIMDB_DATA", "/from/environment")
    assert locate_data_home("/from/parameter")[0] == Path("/from/parameter")
    assert locate_data_home(None)[0] == Path("/from/environment")
    monkeypatch.setenv("SKIMDB_DATA", "")
    assert locate_data_home(None)[0] == Path.home() / "skimdb_data"
    monkeypatch.delenv("SKIMDB_DATA")
    assert locate_data_home(None)[0] == Path.home() / "skimdb_data"


def test_tilde_in_data_home_is_expanded(monkeypatch):
    monkeypatch.setenv("SKIMDB_DATA", "~/reviews")
    assert locate_data_home("~/data")[0] == Path.home() / "data"
    assert locate_data_home(None)[0] == Path.home() / "reviews"


# Downloads


class _Server(HTTPServer):
    """Gives one of `answers` to each request, and the last one to all further requests."""

    answers: tuple[str, ...] = ("whole",)

    def __init__(self, *args):
        super().__init__(*args)
        self.times = []


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self):
        answers = self.server.answers
        answer = answers[min(len(self.server.times), len(answers) - 1)]
        self.server.times.append(time.monotonic())
        if answer == "error":
            self.send_error(503)
            return
        body = b"another file" if answer == "wrong" else BODY
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:100] if answer == "truncated" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture
def remote(server):
    return RemoteFile(
        name="imdb.npz",
        url=f"http://127.0.0.1:{server.server_port}/imdb.npz",
        algorithm="sha256",
        checksum=hashlib.sha256(BODY).hexdigest(),
    )


def fetch(remote, data_home, **kwargs):
    kwargs = {"download_if_missing": True, "n_retries": 0, "delay": 0, **kwargs}
    return fetch_file(remote, data_home=data_home, **kwargs)


def test_missing_file_is_downloaded_to_a_new_directory(remote, tmp_path):
    data_home = tmp_path / "new" / "directory"
    path = fetch(remote, data_home)
    assert path == data_home / "imdb.npz"
    assert path.read_bytes() == BODY
    assert file_names(data_home) == ["imdb.npz"]


def test_permissions_of_a_downloaded_file_follow_the_umask(remote, tmp_path):
    umask = os.umask(0o022)
    try:
        assert fetch(remote, tmp_path).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(umask)


def test_existing_file_is_used_whatever_its_checksum(remote, server, tmp_path):
    (tmp_path / "imdb.npz").write_bytes(b"my own")
    assert fetch(remote, tmp_path).read_bytes() == b"my own"
    assert server.times == []


@pytest.mark.parametrize("failure", ["error", "truncated"])
def test_failed_download_is_tried_again_after_the_delay(remote, server, tmp_path, failure):
    server.answers = (failure, failure, "whole")
    with pytest.warns(UserWarning, match=f"Downloading {remote.url} failed: .*again in 0.05 s"):
        path = fetch(remote, tmp_path, n_retries=5, delay=0.05)
    assert path.read_bytes() == BODY
    assert len(server.times) == 3
    assert all(second - first >= 0.05 for first, second in pairwise(server.times))


@pytest.mark.filterwarnings("ignore:Downloading:UserWarning")
@pytest.mark.parametrize(
    ("failure", "n_requests", "message"),
    [
        ("error", 3, "HTTP Error 503"),
        ("truncated", 3, r"IncompleteRead\(100 bytes read, 16900 more expected\)"),
        ("wrong", 1, r"the sha256 checksum of the 12 bytes from .* is [0-9a-f]{64}, expected"),
    ],
)
def test_last_failure_is_raised_and_leaves_no_files(
    remote, server, tmp_path, failure, n_requests, message
):
    server.answers = (failure,)
    with pytest.raises(OSError, match=message):
        fetch(remote, tmp_path / "new", n_retries=2)
    assert len(server.times) == n_requests
    assert file_names(tmp_path) == []


def test_unreachable_server_error_names_the_directory_and_the_alternatives(
    remote, server, tmp_path
):
    server.shutdown()
    server.server_close()
    with pytest.raises(OSError, match=r"downloading it failed: .*refused") as error:
        fetch(remote, tmp_path)
    for hint in (
        f"imdb.npz is not in {tmp_path} (the parameter data_home)",
        remote.url,
        "SKIMDB_DATA",
        "make_reviews",
    ):
        assert hint in str(error.value)


@pytest.mark.parametrize(
    ("environment", "origin"),
    [("elsewhere", "the environment variable SKIMDB_DATA"), ("", "the default data_home")],
)
def test_missing_file_error_tells_where_the_directory_comes_from(
    remote, server, tmp_path, monkeypatch, environment, origin
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SKIMDB_DATA", environment and str(tmp_path / environment))
    directory = tmp_path / (environment or "skimdb_data")
    with pytest.raises(OSError, match="and download_if_missing=False") as error:
        fetch(remote, None, download_if_missing=False)
    assert str(error.value).startswith(f"imdb.npz is not in {directory} ({origin})")
    assert server.times == []


def test_directory_that_cannot_be_created_is_an_oserror(remote, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"downloading it failed: .*Not a directory"):
        fetch(remote, tmp_path / "file" / "below")


# The cache


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    save_imdb(home, [[4, 5]])
    return home


def load(home):
    return as_lists(fetch_imdb(data_home=home).data)


REVIEWS = [[1, 7, 8]]


def spoil(path):
    """Overwrite a file without changing its size and modification time."""
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def assert_cached(home, reviews=REVIEWS):
    spoil(home / "imdb.npz")
    assert load(home) == reviews


def test_second_call_reads_the_cache(home):
    assert load(home) == REVIEWS
    assert file_names(home) == ["imdb.npz", "imdb_cache.npz"]
    assert_cached(home)


def test_cache_contains_both_subsets_and_no_pickles(home):
    load(home)
    spoil(home / "imdb.npz")
    assert len(fetch_imdb(subset="all", data_home=home).data) == 3
    with np.load(home / "imdb_cache.npz", allow_pickle=False) as cache:
        assert {cache[name].dtype.kind for name in cache} <= {"i", "u"}


def test_loaded_arrays_are_independent_of_the_cache_file(home):
    load(home)
    data, target = fetch_imdb(data_home=home, return_X_y=True)
    data[0][:], target[:] = 7, 7
    assert load(home) == REVIEWS
    (home / "imdb_cache.npz").write_bytes(b"")
    assert as_lists(data) == [[7, 7, 7]]


@pytest.mark.parametrize("same", ["size", "time"])
def test_changed_source_is_read_again(home, same):
    load(home)
    path = home / "imdb.npz"
    status = path.stat()
    save_imdb(home, [[5, 6]] if same == "size" else [[5, 6], [7]])
    assert (path.stat().st_size == status.st_size) == (same == "size")
    change = 1 if same == "size" else 0
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + change))
    assert load(home)[0] == [1, 8, 9]


def test_source_that_changes_while_it_is_read_is_read_again(tmp_path):
    source = tmp_path / "source.npz"
    source.write_bytes(b"old")

    def convert(path):
        content = np.frombuffer(path.read_bytes(), np.uint8)
        path.write_bytes(b"changed")
        return {"content": content}

    lengths = [len(load_cached(source, convert, ["content"])["content"]) for _ in range(2)]
    assert lengths == [3, 7]


def test_cache_of_a_link_is_beside_the_link_and_follows_it(home, tmp_path):
    other, linked = tmp_path / "other", tmp_path / "linked"
    for directory in (other, linked):
        directory.mkdir()
    save_imdb(other, [[6, 7]])
    link = linked / "imdb.npz"
    link.symlink_to(home / "imdb.npz")
    assert load(linked) == REVIEWS
    link.unlink()
    link.symlink_to(other / "imdb.npz")
    assert load(linked) == [[1, 9, 10]]
    assert_cached(linked, [[1, 9, 10]])
    assert file_names(linked) == ["imdb.npz", "imdb_cache.npz"]
    assert file_names(home) == file_names(other) == ["imdb.npz"]


def damage(cache, how):
    content = bytearray(cache.read_bytes())
    with np.load(cache) as archive:
        arrays = dict(archive)
    if how == "truncated":
        content = content[: len(content) // 2]
    elif how == "flipped":
        content[content.index(arrays["indices_train"].tobytes())] ^= 1
    elif how == "other arrays":
        np.savez(cache, key=arrays["key"])
        return
    elif how == "header":
        with zipfile.ZipFile(cache, "w") as archive:
            archive.writestr("key.npy", b"\x93NUMPY\x01\x00\x0a\x00{'descr':\n")
        return
    elif how == "other version":
        arrays["key"][0] += 1
        np.savez(cache, **{**arrays, "indices_train": arrays["indices_train"] + 1})
        return
    else:
        content = how
    cache.write_bytes(content)


@pytest.mark.parametrize(
    "how", ["truncated", "flipped", "header", "other arrays", "other version", b"", b"text"]
)
def test_damaged_or_outdated_cache_is_replaced(home, how):
    load(home)
    damage(home / "imdb_cache.npz", how)
    assert load(home) == REVIEWS
    assert_cached(home)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
@pytest.mark.parametrize("is_cached", [False, True])
def test_no_cache_is_used_without_permission(home, monkeypatch, number, is_cached):
    if is_cached:
        load(home)
    before = file_names(home)
    open_file = Path.open

    def refuse(self, *args, **kwargs):
        if "cache" in self.name:
            raise OSError(number, os.strerror(number), str(self))
        return open_file(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)  # File permissions do not bind root.
    assert load(home) == REVIEWS
    assert file_names(home) == before


def test_full_disk_is_a_warning_and_leaves_no_partial_cache(home, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.warns(UserWarning, match=r"imdb_cache\.npz could not be written.*No space left"):
        assert load(home) == REVIEWS
    assert file_names(home) == ["imdb.npz"]


def _load_in_process(home, barrier, results):
    barrier.wait(60)
    results.put(load(home))


def test_two_processes_can_write_the_cache_at_the_same_time(home):
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=_load_in_process, args=(home, barrier, results)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    loaded = [results.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(30)
    assert loaded == [REVIEWS] * 2
    assert file_names(home) == ["imdb.npz", "imdb_cache.npz"]
    assert_cached(home)


def test_cache_can_be_read_while_it_is_replaced(home):
    load(home)
    spoil(home / "imdb.npz")
    cache = home / "imdb_cache.npz"
    copy = cache.with_name("copy")
    stop = threading.Event()

    def replace():
        while not stop.is_set():
            shutil.copy(cache, copy)
            copy.replace(cache)

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        assert all(load(home) == REVIEWS for _ in range(100))
    finally:
        stop.set()
        thread.join(10)
