import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skimdb.datasets import decode_review, fetch_imdb, fetch_imdb_word_index

# Ranks, as the official file has them; 1 is "the"
TRAIN = [[11, 19, 13, 40], [1, 19, 1, 9000], [2], []]
TEST = [[88, 1], [5, 6, 7]]


def object_array(items):
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def mark(sequences):
    return [[1] + [rank + 3 for rank in sequence] for sequence in sequences]


def save(directory, train=TRAIN, test=TEST, **arrays):
    n_train, n_test = len(train), len(test)
    arrays = {
        "x_train": object_array(train),
        "y_train": np.arange(n_train) % 2,
        "x_test": object_array(test),
        "y_test": np.arange(n_test) % 2,
        **arrays,
    }
    np.savez_compressed(Path(directory) / "imdb.npz", **arrays)


def as_lists(data):
    return [review.tolist() for review in data]


@pytest.fixture
def home(tmp_path):
    save(tmp_path)
    return tmp_path


@pytest.fixture
def real_home(tmp_path):
    """A directory for the cache, with links to the real files."""
    for name in ("imdb.npz", "imdb_word_index.json"):
        (tmp_path / name).symlink_to(Path(os.environ["SKIMDB_DATA"]).resolve() / name)
    return tmp_path


# fetch_imdb


@pytest.mark.parametrize("reading", ["first", "second"])
def test_bunch_holds_reviews_and_labels(home, reading):
    if reading == "second":
        fetch_imdb(data_home=home)
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


def test_all_is_the_training_reviews_followed_by_the_test_reviews(home):
    imdb = fetch_imdb(subset="all", data_home=home)
    assert as_lists(imdb.data) == mark(TRAIN + TEST)
    for subset, rows in imdb.splits.items():
        part = fetch_imdb(subset=subset, data_home=home)
        assert as_lists(imdb.data[rows]) == as_lists(part.data)
        assert imdb.target[rows].tolist() == part.target.tolist()
    assert list(imdb.splits) == ["train", "test"]


def test_what_a_caller_writes_into_reviews_stays_with_him(home):
    for _ in range(2):
        data, target = fetch_imdb(data_home=home, return_X_y=True)
        data[0][:] = 7
        target[:] = 7
    data, target = fetch_imdb(data_home=home, return_X_y=True)
    assert as_lists(data) == mark(TRAIN)
    assert target.tolist() == [0, 1, 0, 1]


def test_file_with_start_markers_is_recognised(tmp_path):
    save(tmp_path, mark(TRAIN), mark(TEST))
    imdb = fetch_imdb(subset="all", data_home=tmp_path)
    assert as_lists(imdb.data) == mark(TRAIN + TEST)


def test_reviews_that_all_begin_with_the_are_ranks(tmp_path):
    reviews = [[1, 19, 1], [1, 2]]
    save(tmp_path, reviews, reviews)
    assert as_lists(fetch_imdb(data_home=tmp_path).data) == mark(reviews)


def keras_limit(sequences, num_words, skip_top, oov_char=2):
    """The loop of keras.datasets.imdb.load_data."""
    return [[w if skip_top <= w < num_words else oov_char for w in x] for x in sequences]


@given(
    reviews=st.lists(st.lists(st.integers(1, 300), min_size=1), min_size=1),
    num_words=st.none() | st.integers(1, 310),
    skip_top=st.integers(0, 310),
)
@settings(max_examples=60, deadline=None)
def test_num_words_and_skip_top_are_those_of_keras(tmp_path_factory, reviews, num_words, skip_top):
    home = tmp_path_factory.mktemp("home")
    save(home, reviews)
    data = fetch_imdb(num_words=num_words, skip_top=skip_top, data_home=home).data
    # None keeps all words, as Keras documents.
    limit = float("inf") if num_words is None else num_words
    assert as_lists(data) == keras_limit(mark(reviews), limit, skip_top)


@pytest.mark.real_data
def test_reviews_are_those_that_keras_loads(real_home, tmp_path, monkeypatch):
    keras_imdb = pytest.importorskip("keras.src.datasets.imdb")
    X, y = fetch_imdb(data_home=real_home, return_X_y=True)
    ranks = [(review[1:] - 3).tolist() for review in X[:500]]
    home = tmp_path / "ranks"
    home.mkdir()
    save(home, ranks[:400], ranks[400:], y_train=y[:400], y_test=y[400:500])
    monkeypatch.setattr(keras_imdb, "get_file", lambda *_, **__: str(home / "imdb.npz"))
    for num_words, skip_top in [(10_000, 0), (500, 20), (2, 0)]:
        limits = {"num_words": num_words, "skip_top": skip_top}
        shuffler = np.random.RandomState(113)
        for subset, (keras_X, keras_y) in zip(
            ["train", "test"], keras_imdb.load_data(**limits), strict=True
        ):
            X, y = fetch_imdb(subset=subset, data_home=home, return_X_y=True, **limits)
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
    # The first review of Keras' documentation
    start = [1, 14, 22, 16, 43, 530, 973, 1622, 1385, 65, 458, 4468, 66, 3941, 4, 173, 36, 256]
    found = [i for i, review in enumerate(imdb.data[:25_000]) if review[:18].tolist() == start]
    assert len(found) == 1
    assert len(imdb.data[found[0]]) == 218
    assert imdb.target[found[0]] == 1
    text = decode_review(imdb.data[found[0]], fetch_imdb_word_index(data_home=real_home))
    assert text.startswith("? this film was just brilliant casting location scenery story")


def test_environment_names_the_data_directory(home, monkeypatch):
    monkeypatch.setenv("SKIMDB_DATA", str(home))
    assert as_lists(fetch_imdb().data) == mark(TRAIN)


def test_data_directory_may_be_a_string(home):
    assert as_lists(fetch_imdb(data_home=str(home)).data) == mark(TRAIN)


def test_replaced_file_is_noticed(home):
    fetch_imdb(data_home=home)
    save(home, [[4, 5]])
    assert as_lists(fetch_imdb(data_home=home).data) == [[1, 7, 8]]


def test_no_reviews_are_read_as_none(tmp_path):
    save(tmp_path, [], [[1]])
    data, target = fetch_imdb(data_home=tmp_path, return_X_y=True)
    assert data.shape == target.shape == (0,)


@pytest.mark.parametrize("fetch", [fetch_imdb, fetch_imdb_word_index])
def test_missing_file_that_is_not_downloaded_is_an_oserror(fetch, tmp_path):
    with pytest.raises(OSError, match=r"is not in .*download_if_missing=False.*make_reviews"):
        fetch(data_home=tmp_path, download_if_missing=False)


@pytest.mark.parametrize(
    ("fetch", "name"),
    [(fetch_imdb, "imdb.npz"), (fetch_imdb_word_index, "imdb_word_index.json")],
)
def test_missing_file_is_asked_for_at_its_official_address(fetch, name, tmp_path, monkeypatch):
    asked = []

    def fail(url, timeout):
        asked.append(url)
        raise TimeoutError("timed out")

    monkeypatch.setattr("skimdb.datasets._base.urlopen", fail)
    with (
        pytest.warns(UserWarning, match="timed out"),
        pytest.raises(OSError, match="downloading it failed: timed out"),
    ):
        fetch(data_home=tmp_path, n_retries=2, delay=0)
    assert asked == [f"https://storage.googleapis.com/tensorflow/tf-keras-datasets/{name}"] * 3


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y_train": np.array([0, 1])}, "'x_train' has 4 reviews, 'y_train' 2 labels"),
        ({"y_test": np.array([0, 2])}, "'y_test' holds labels other than 0 and 1"),
        ({"y_test": np.array([0.0, 1.0])}, "'y_test' has dtype float64, expected integers"),
        ({"x_test": np.zeros((2, 3), int)}, r"'x_test' has shape \(2, 3\)"),
        ({"x_test": object_array([["good"], [1]])}, "'x_test' holds str, expected integers"),
    ],
)
def test_file_that_holds_anything_else_is_named_and_not_cached(tmp_path, arrays, message):
    save(tmp_path, **arrays)
    with pytest.raises(ValueError, match=rf"imdb\.npz cannot be read: {message}"):
        fetch_imdb(data_home=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["imdb.npz"]


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
def test_a_parameter_out_of_range_is_named(parameters, name):
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


@pytest.mark.parametrize("content", ['{"the": 1', "", b"\xff\xfe\xfa"])
def test_word_index_that_is_no_json_is_named(tmp_path, content):
    path = tmp_path / "imdb_word_index.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=r"imdb_word_index\.json is not a JSON file"):
        fetch_imdb_word_index(data_home=tmp_path)


@pytest.mark.parametrize(
    "content", ["[1]", "3", '{"the": "1"}', '{"the": 0}', '{"the": true}', '{"the": 1, "a": 1}']
)
def test_word_index_of_anything_but_ranks_is_named(tmp_path, content):
    (tmp_path / "imdb_word_index.json").write_text(content)
    with pytest.raises(ValueError, match=r"index\.json is not a JSON object of words and diff"):
        fetch_imdb_word_index(data_home=tmp_path)


# decode_review

WORDS = {"the": 1, "this": 11, "film": 19}


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda i: np.array(i, dtype=np.int32)])
def test_review_is_decoded_with_question_marks_for_what_is_no_word(kind):
    assert decode_review(kind([1, 14, 22, 2, 0, 3, 4, 99_999]), WORDS) == "? this film ? ? ? the ?"


def test_ranks_are_decoded_without_an_offset():
    assert decode_review([11, 19, 1], WORDS, index_from=0) == "this film the"


def test_empty_review_has_no_text():
    assert decode_review([], WORDS) == ""


def test_review_is_decoded_with_the_words_of_imdb_by_default(tmp_path, monkeypatch):
    monkeypatch.setenv("SKIMDB_DATA", str(tmp_path))
    (tmp_path / "imdb_word_index.json").write_text(json.dumps({"superb": 7}))
    assert decode_review([1, 10]) == "? superb"


@pytest.mark.parametrize("sequence", [[1.0, 2.0], [[1, 2]], "text", 3, [True], [None]])
def test_only_one_sequence_of_integers_is_decoded(sequence):
    with pytest.raises(ValueError, match="sequence must hold the word indices of one review"):
        decode_review(sequence, WORDS)
