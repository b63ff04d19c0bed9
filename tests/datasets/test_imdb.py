import json
import os
import socket
from pathlib import Path
from urllib.request import ProxyHandler, build_opener, install_opener

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skimdb.datasets import decode_review, fetch_imdb, fetch_imdb_word_index, make_reviews
from tests.datasets.common import (
    TEST,
    TRAIN,
    as_lists,
    file_names,
    object_array,
    save_imdb,
)


def mark(sequences):
    return [[1] + [rank + 3 for rank in sequence] for sequence in sequences]


@pytest.fixture
def home(tmp_path):
    save_imdb(tmp_path)
    return tmp_path


@pytest.fixture
def real_home(tmp_path):
    """Links to the real files, in a directory that the cache may be written to."""
    for name in ("imdb.npz", "imdb_word_index.json"):
        (tmp_path / name).symlink_to(Path(os.environ["SKIMDB_DATA"]).resolve() / name)
    return tmp_path


# fetch_imdb


def test_bunch_has_reviews_and_labels(home):
    for _ in range(2):  # from the file, and from the cache
        imdb = fetch_imdb(data_home=home)
        assert as_lists(imdb.data) == mark(TRAIN)
        assert imdb.target.tolist() == [0, 1, 0, 1]
        assert imdb.target_names == ["negative", "positive"]
        assert "Learning Word Vectors" in imdb.DESCR
        assert sorted(imdb) == ["DESCR", "data", "target", "target_names"]


@pytest.mark.parametrize("subset", ["train", "test", "all"])
def test_reviews_are_int32_views_on_one_flat_array(home, subset):
    for _ in range(2):
        data, target = fetch_imdb(subset=subset, data_home=home, return_X_y=True)
        assert data.dtype == object
        assert {review.dtype for review in data} == {np.dtype(np.int32)}
        assert all(review.base is data[0].base for review in data)
        assert target.dtype == np.int64


def test_subset_all_has_the_training_reviews_before_the_test_reviews(home):
    imdb = fetch_imdb(subset="all", data_home=home)
    assert as_lists(imdb.data) == mark(TRAIN + TEST)
    assert list(imdb.splits) == ["train", "test"]
    for subset, rows in imdb.splits.items():
        part = fetch_imdb(subset=subset, data_home=home)
        assert as_lists(imdb.data[rows]) == as_lists(part.data)
        assert imdb.target[rows].tolist() == part.target.tolist()


def test_file_with_start_markers_is_recognised(tmp_path):
    save_imdb(tmp_path, mark(TRAIN), mark(TEST))
    imdb = fetch_imdb(subset="all", data_home=tmp_path)
    assert as_lists(imdb.data) == mark(TRAIN + TEST)


def test_reviews_that_all_begin_with_the_word_the_are_ranks(tmp_path):
    reviews = [[1, 19, 1], [1, 2]]
    save_imdb(tmp_path, reviews, reviews)
    assert as_lists(fetch_imdb(data_home=tmp_path).data) == mark(reviews)


def keras_limit(sequences, num_words, skip_top, oov_char=2):
    """The loop of keras.datasets.imdb.load_data."""
    return [[w if skip_top <= w < num_words else oov_char for w in x] for x in sequences]


@given(
    reviews=st.lists(st.lists(st.integers(1, 300), min_size=1), min_size=1),
    num_words=st.none() | st.integers(1, 310),
    skip_top=st.integers(0, 310),
)
@settings(max_examples=60)
def test_num_words_and_skip_top_are_those_of_keras(tmp_path_factory, reviews, num_words, skip_top):
    home = tmp_path_factory.mktemp("home")
    save_imdb(home, reviews)
    data = fetch_imdb(num_words=num_words, skip_top=skip_top, data_home=home).data
    # None keeps all words, as Keras documents.
    limit = float("inf") if num_words is None else num_words
    assert as_lists(data) == keras_limit(mark(reviews), limit, skip_top)


def test_reviews_are_those_that_keras_loads(tmp_path, monkeypatch):
    keras_imdb = pytest.importorskip("keras.src.datasets.imdb")
    X, y = make_reviews(500, num_words=100_000, random_state=0)
    ranks = [(review[1:] - 3).tolist() for review in X]
    save_imdb(tmp_path, ranks[:400], ranks[400:], y_train=y[:400], y_test=y[400:])
    # Instead of downloading.
    monkeypatch.setattr(keras_imdb, "get_file", lambda *_, **__: str(tmp_path / "imdb.npz"))
    for num_words, skip_top in [(10_000, 0), (500, 20), (2, 0)]:
        limits = {"num_words": num_words, "skip_top": skip_top}
        shuffler = np.random.RandomState(113)
        for subset, (keras_X, keras_y) in zip(
            ["train", "test"], keras_imdb.load_data(**limits), strict=True
        ):
            X, y = fetch_imdb(subset=subset, data_home=tmp_path, return_X_y=True, **limits)
            order = np.arange(len(X))
            shuffler.shuffle(order)
            assert as_lists(X[order]) == list(keras_X)
            np.testing.assert_array_equal(y[order], keras_y)


@pytest.mark.real_data
def test_real_reviews_are_complete_and_encoded_as_by_keras(real_home):
    imdb = fetch_imdb(subset="all", data_home=real_home)
    assert imdb.splits == {"train": slice(0, 25_000), "test": slice(25_000, 50_000)}
    assert imdb.data.shape == (50_000,)
    for rows in imdb.splits.values():
        assert np.bincount(imdb.target[rows]).tolist() == [12_500, 12_500]
    # The first review in Keras' documentation.
    start = [1, 14, 22, 16, 43, 530, 973, 1622, 1385, 65, 458, 4468, 66, 3941, 4, 173, 36, 256]
    found = [i for i, review in enumerate(imdb.data[:25_000]) if review[:18].tolist() == start]
    assert len(found) == 1
    assert len(imdb.data[found[0]]) == 218
    assert imdb.target[found[0]] == 1
    text = decode_review(imdb.data[found[0]], fetch_imdb_word_index(data_home=real_home))
    assert text.startswith("? this film was just brilliant casting location scenery story")


def test_environment_variable_gives_the_data_directory(home, monkeypatch):
    monkeypatch.setenv("SKIMDB_DATA", str(home))
    assert as_lists(fetch_imdb().data) == mark(TRAIN)


def test_data_directory_can_be_a_string(home):
    assert as_lists(fetch_imdb(data_home=str(home)).data) == mark(TRAIN)


def test_file_can_have_no_reviews(tmp_path):
    save_imdb(tmp_path, [], [[1]])
    data, target = fetch_imdb(data_home=tmp_path, return_X_y=True)
    assert data.shape == target.shape == (0,)


@pytest.mark.parametrize("fetch", [fetch_imdb, fetch_imdb_word_index])
def test_missing_file_is_an_oserror_without_download(fetch, tmp_path):
    with pytest.raises(OSError, match=r"is not in .*download_if_missing=False.*make_reviews"):
        fetch(data_home=tmp_path, download_if_missing=False)


@pytest.fixture
def no_network(monkeypatch):
    """Send all requests to a proxy that cannot be reached."""
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with socket.socket() as unreachable:
        unreachable.bind(("127.0.0.1", 0))  # but it does not listen
        proxy = ProxyHandler({"https": f"http://127.0.0.1:{unreachable.getsockname()[1]}"})
        install_opener(build_opener(proxy))
        yield
        install_opener(None)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("fetch", "name"),
    [(fetch_imdb, "imdb.npz"), (fetch_imdb_word_index, "imdb_word_index.json")],
)
def test_missing_file_is_requested_from_its_official_address(fetch, name, tmp_path):
    url = f"https://storage.googleapis.com/tensorflow/tf-keras-datasets/{name}"
    with (
        pytest.warns(UserWarning, match=f"Downloading {url} failed: .*refused") as warned,
        pytest.raises(OSError, match=rf"downloading it failed: .*Put the file from {url}"),
    ):
        fetch(data_home=tmp_path, n_retries=2, delay=0)
    assert len(warned) == 2
    assert file_names(tmp_path) == []


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y_train": np.array([0, 1])}, "'x_train' has 4 reviews, 'y_train' 2 labels"),
        ({"y_test": np.array([0, 2])}, "'y_test' holds labels other than 0 and 1"),
        ({"y_test": np.array([0.0, 1.0])}, "'y_test' has dtype float64, expected integers"),
        ({"x_test": np.zeros((2, 3), int)}, r"'x_test' has shape \(2, 3\)"),
        ({"x_test": object_array([["good"], [1]])}, "'x_test' holds str, expected only integers"),
    ],
)
def test_invalid_file_is_named_and_not_cached(tmp_path, arrays, message):
    save_imdb(tmp_path, **arrays)
    with pytest.raises(ValueError, match=rf"imdb\.npz cannot be read: {message}"):
        fetch_imdb(data_home=tmp_path)
    assert file_names(tmp_path) == ["imdb.npz"]


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"subset": "validation"}, "subset"),
        ({"num_words": 0}, "num_words"),
        ({"num_words": 1e4}, "num_words"),
        ({"skip_top": -1}, "skip_top"),
        ({"data_home": 3}, "data_home"),
        ({"download_if_missing": "yes"}, "download_if_missing"),
        ({"return_X_y": "yes"}, "return_X_y"),
        ({"n_retries": -1}, "n_retries"),
        ({"delay": -0.5}, "delay"),
    ],
)
def test_invalid_parameter_is_named(parameters, name):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of fetch_imdb must be"):
        fetch_imdb(**parameters)


# fetch_imdb_word_index


def test_word_index_is_read(tmp_path):
    ranks = {"the": 1, "café": 2}
    (tmp_path / "imdb_word_index.json").write_text(json.dumps(ranks), encoding="utf-8")
    assert fetch_imdb_word_index(data_home=tmp_path) == ranks


@pytest.mark.real_data
def test_real_word_index_has_the_ranks_of_keras(real_home):
    word_index = fetch_imdb_word_index(data_home=real_home)
    assert len(word_index) == 88_584
    assert [word_index[word] for word in ("the", "this", "film", "fawn")] == [1, 11, 19, 34701]


NOT_JSON = "is not a JSON file"
NOT_RANKS = "is not a JSON object that maps words to unique positive ranks"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"the": 1', NOT_JSON),
        (b"", NOT_JSON),
        (b"\xff\xfe\xfa", NOT_JSON),
        (b"[" * 100_000, NOT_JSON),
        (b"[1]", NOT_RANKS),
        (b"3", NOT_RANKS),
        (b'{"the": "1"}', NOT_RANKS),
        (b'{"the": 0}', NOT_RANKS),
        (b'{"the": true}', NOT_RANKS),
        (b'{"the": 1, "a": 1}', NOT_RANKS),
    ],
)
def test_invalid_word_index_is_named(tmp_path, content, message):
    (tmp_path / "imdb_word_index.json").write_bytes(content)
    with pytest.raises(ValueError, match=rf"imdb_word_index\.json {message}"):
        fetch_imdb_word_index(data_home=tmp_path)


# decode_review

WORDS = {"the": 1, "this": 11, "film": 19}


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda i: np.array(i, dtype=np.int32)])
def test_review_is_decoded_with_question_marks_for_other_indices(kind):
    assert decode_review(kind([1, 14, 22, 2, 0, 3, 4, 99_999]), WORDS) == "? this film ? ? ? the ?"


def test_ranks_are_decoded_with_index_from_0():
    assert decode_review([11, 19, 1], WORDS, index_from=0) == "this film the"


def test_empty_review_is_decoded_to_an_empty_text():
    assert decode_review([], WORDS) == ""


def test_words_of_imdb_are_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("SKIMDB_DATA", str(tmp_path))
    (tmp_path / "imdb_word_index.json").write_text(json.dumps({"superb": 7}))
    assert decode_review([1, 10]) == "? superb"


@pytest.mark.parametrize("sequence", [[1.0, 2.0], [[1, 2]], "text", 3, [True], [None]])
def test_only_one_review_can_be_decoded(sequence):
    with pytest.raises(ValueError, match="sequence must be one review, a one-dimensional sequence"):
        decode_review(sequence, WORDS)
