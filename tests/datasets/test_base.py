import errno
import hashlib
import multiprocessing
import os
import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from skimdb.datasets import _base
from skimdb.datasets._base import (
    RemoteFile,
    fetch_file,
    load_cached,
    locate_data_home,
)
from skimdb.datasets._review_array import as_reviews

BODY = b"the official file" * 1000


def names(directory):
    return sorted(path.name for path in directory.iterdir())


# Places


def test_data_home_is_the_parameter_then_the_environment_then_the_default(monkeypatch):
    monkeypatch.setenv("SKIMDB_DATA", "/from/environment")
    assert locate_data_home("/from/parameter")[0] == Path("/from/parameter")
    assert locate_data_home(None)[0] == Path("/from/environment")
    monkeypatch.setenv("SKIMDB_DATA", "")
    assert locate_data_home(None)[0] == Path.home() / "skimdb_data"
    monkeypatch.delenv("SKIMDB_DATA")
    assert locate_data_home(None)[0] == Path.home() / "skimdb_data"


def test_home_directory_is_expanded(monkeypatch):
    monkeypatch.setenv("SKIMDB_DATA", "~/reviews")
    assert locate_data_home("~/data")[0] == Path.home() / "data"
    assert locate_data_home(None)[0] == Path.home() / "reviews"


# Downloads


class _Server(HTTPServer):
    """Answers each request with the next of `answers`, the last one again and again."""

    answers: tuple[str, ...] = ("whole",)
    n_requests = 0


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self):
        answers = self.server.answers
        answer = answers[min(self.server.n_requests, len(answers) - 1)]
        self.server.n_requests += 1
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


def test_missing_file_is_downloaded_into_a_new_directory(remote, tmp_path):
    data_home = tmp_path / "new" / "directory"
    path = fetch(remote, data_home)
    assert path == data_home / "imdb.npz"
    assert path.read_bytes() == BODY
    assert names(data_home) == ["imdb.npz"]


def test_downloaded_file_can_be_read_by_whom_the_umask_admits(remote, tmp_path):
    umask = os.umask(0o022)
    try:
        assert fetch(remote, tmp_path).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(umask)


def test_file_that_is_there_is_taken_whatever_its_checksum(remote, server, tmp_path):
    (tmp_path / "imdb.npz").write_bytes(b"my own")
    assert fetch(remote, tmp_path).read_bytes() == b"my own"
    assert server.n_requests == 0


@pytest.mark.parametrize("failure", ["error", "truncated"])
def test_failed_download_is_tried_again_with_a_warning(remote, server, tmp_path, failure):
    server.answers = (failure, failure, "whole")
    with pytest.warns(UserWarning, match=f"Downloading {remote.url} failed: .*again in 0 s"):
        path = fetch(remote, tmp_path, n_retries=2)
    assert path.read_bytes() == BODY
    assert server.n_requests == 3


def test_delay_is_kept_between_two_tries(remote, server, tmp_path, monkeypatch):
    delays = []
    monkeypatch.setattr(_base.time, "sleep", delays.append)
    server.answers = ("error", "error", "whole")
    with pytest.warns(UserWarning, match="again in 1.5 s"):
        fetch(remote, tmp_path, n_retries=5, delay=1.5)
    assert delays == [1.5, 1.5]


@pytest.mark.filterwarnings("ignore:Downloading:UserWarning")
@pytest.mark.parametrize(
    ("failure", "n_requests", "message"),
    [
        ("error", 3, "HTTP Error 503"),
        ("truncated", 3, r"IncompleteRead\(100 bytes read, 16900 more expected\)"),
        ("wrong", 1, r"the sha256 checksum of the 12 bytes from .* is [0-9a-f]{64}, expected"),
    ],
)
def test_download_that_fails_for_good_says_why_and_leaves_nothing(
    remote, server, tmp_path, failure, n_requests, message
):
    server.answers = (failure,)
    with pytest.raises(OSError, match=message):
        fetch(remote, tmp_path / "new", n_retries=2)
    assert server.n_requests == n_requests
    assert names(tmp_path) == []


def test_unreachable_server_says_where_it_looked_and_what_to_do(remote, server, tmp_path):
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
def test_missing_file_says_what_chose_the_directory(
    remote, server, tmp_path, monkeypatch, environment, origin
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SKIMDB_DATA", environment and str(tmp_path / environment))
    directory = tmp_path / (environment or "skimdb_data")
    with pytest.raises(OSError, match="and download_if_missing=False") as error:
        fetch(remote, None, download_if_missing=False)
    assert str(error.value).startswith(f"imdb.npz is not in {directory} ({origin})")
    assert server.n_requests == 0


def test_directory_that_cannot_be_made_is_an_oserror(remote, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"downloading it failed: .*Not a directory"):
        fetch(remote, tmp_path / "file" / "below")


# The cache


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.npz"
    path.write_bytes(bytes(range(100)))
    return path


def convert(path):
    return {"content": np.frombuffer(path.read_bytes(), "u1"), "other": np.array([1, 2])}


def refuse(path):
    raise AssertionError(f"{path} was read again")


def load(source, convert=convert):
    return load_cached(source, convert, ["content"])["content"].tolist()


def test_second_reading_comes_from_the_cache(source):
    assert load(source) == load(source, refuse) == list(range(100))
    assert names(source.parent) == ["source.npz", "source_cache.npz"]


def test_cache_holds_all_arrays_and_gives_those_wanted(source):
    load(source)
    arrays = load_cached(source, refuse, ["other"])
    assert list(arrays) == ["other"]
    assert arrays["other"].tolist() == [1, 2]


def test_cache_holds_no_pickle(source):
    load(source)
    with np.load(source.with_name("source_cache.npz"), allow_pickle=False) as cache:
        assert {cache[name].dtype.kind for name in cache} <= {"i", "u"}


def test_arrays_are_the_callers_own(source):
    load(source)
    first = load_cached(source, refuse, ["content"])["content"]
    first[:] = 0
    assert load(source, refuse) == list(range(100))


def test_arrays_outlive_the_cache(source):
    load(source)
    content = load_cached(source, refuse, ["content"])["content"]
    source.with_name("source_cache.npz").write_bytes(b"")
    source.with_name("source_cache.npz").unlink()
    assert content.tolist() == list(range(100))


@pytest.mark.parametrize("same", ["size", "time"])
def test_changed_source_is_read_again(source, same):
    load(source)
    status = source.stat()
    if same == "size":
        source.write_bytes(bytes(100))
        os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        assert load(source) == [0] * 100
    else:
        source.write_bytes(bytes(99))
        os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert load(source) == [0] * 99


def test_link_that_leads_to_another_file_is_read_again_and_cached_beside_itself(source, tmp_path):
    other = tmp_path / "other.npz"
    other.write_bytes(b"\1\2")
    home = tmp_path / "home"
    home.mkdir()
    link = home / "source.npz"
    link.symlink_to(source)
    load(link)
    link.unlink()
    link.symlink_to(other)
    assert load(link) == [1, 2]
    assert load(link, refuse) == [1, 2]
    assert names(home) == ["source.npz", "source_cache.npz"]
    assert names(tmp_path) == ["home", "other.npz", "source.npz"]


def test_source_that_changes_while_it_is_read_is_read_again(source):
    def change(path):
        arrays = convert(path)
        path.write_bytes(b"\5")
        return arrays

    load(source, change)
    assert load(source) == [5]


def test_cache_of_another_version_is_made_anew(source, monkeypatch):
    load(source)
    monkeypatch.setattr(_base, "_CACHE_VERSION", 2)
    source_cache = source.with_name("source_cache.npz").read_bytes()
    load(source)
    assert source.with_name("source_cache.npz").read_bytes() != source_cache


def damage(cache, how):
    content = bytearray(cache.read_bytes())
    if how == "cut":
        content = content[: len(content) // 2]
    elif how == "flipped":
        position = content.index(bytes(range(100)))
        content[position] ^= 1
    elif how == "other arrays":
        with np.load(cache) as arrays:
            key = arrays["key"]
        np.savez(cache, key=key)
        return
    else:
        content = how
    cache.write_bytes(content)


@pytest.mark.parametrize("how", ["cut", "flipped", "other arrays", b"", b"text"])
def test_damaged_cache_is_made_anew(source, how):
    load(source)
    damage(source.with_name("source_cache.npz"), how)
    assert load(source) == list(range(100))
    assert load(source, refuse) == list(range(100))


def fail_to_write(monkeypatch, number):
    def fail(self, mode="r", *_, **__):
        raise OSError(number, os.strerror(number), str(self))

    # Permission bits do not bind root.
    monkeypatch.setattr(_base.Path, "open", fail)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_directory_that_may_not_be_written_to_works_without_a_cache(source, monkeypatch, number):
    fail_to_write(monkeypatch, number)
    monkeypatch.setattr(_base, "_read_cache", lambda *_: None)
    content = load_cached(source, lambda _: {"content": np.arange(3)}, ["content"])["content"]
    assert content.tolist() == [0, 1, 2]
    assert names(source.parent) == ["source.npz"]


def test_full_disk_is_a_warning_and_leaves_no_part_of_a_cache(source, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_base.os, "fsync", fail)
    with pytest.warns(UserWarning, match=r"source_cache\.npz could not be written.*No space left"):
        assert load(source) == list(range(100))
    assert names(source.parent) == ["source.npz"]


def test_cache_that_may_not_be_read_is_passed_over(source, monkeypatch):
    load(source)

    def fail(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(_base, "open_npz", fail)
    assert load(source) == list(range(100))


def _load_in_a_process(source, barrier, results):
    barrier.wait(30)
    results.put(load(source))


def test_processes_can_make_the_cache_at_once(source):
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=_load_in_a_process, args=(source, barrier, results))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    loaded = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(30)
    assert loaded == [list(range(100))] * 2
    assert load(source, refuse) == list(range(100))
    assert names(source.parent) == ["source.npz", "source_cache.npz"]


def test_reading_while_the_cache_is_replaced_gives_whole_arrays(source):
    load(source)
    cache = source.with_name("source_cache.npz")
    copy = cache.with_name("copy")
    stop = threading.Event()

    def replace():
        while not stop.is_set():
            shutil.copy(cache, copy)
            copy.replace(cache)

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        assert all(load(source, refuse) == list(range(100)) for _ in range(100))
    finally:
        stop.set()
        thread.join(10)


# Reviews


@pytest.mark.parametrize("lengths", [[], [0], [2, 0, 3], [2, 2, 2]])
def test_reviews_are_views_on_the_flat_array(lengths):
    flat = np.arange(sum(lengths), dtype=np.int32)
    reviews = as_reviews(flat, np.array(lengths, dtype=np.int64))
    assert reviews.shape == (len(lengths),)
    assert [len(review) for review in reviews] == lengths
    assert all(review.base is flat for review in reviews)
    assert [index for review in reviews for index in review] == flat.tolist()
