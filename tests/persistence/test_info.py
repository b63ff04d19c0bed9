import datetime

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

import skimdb
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.datasets import make_reviews
from skimdb.persistence import read_info
from tests.persistence.common import put_together, taken_apart

METADATA = {"accuracy": 0.9, "texts": 25_000, "of": {"labels": ["a", None, True]}}


@pytest.fixture(scope="module")
def model():
    X, y = make_reviews(40, random_state=0)
    pipeline = make_pipeline(MultiHotVectorizer(30), DenseSentimentClassifier(2, epochs=1))
    return pipeline.fit(X, np.where(y == 1, "positive", "negative"))


def test_info_is_read(path, model):
    skimdb.save(model, path, metadata=METADATA)
    info = read_info(path)
    assert info["steps"] == ["MultiHotVectorizer", "DenseSentimentClassifier"]
    assert info["classes"] == ["negative", "positive"]
    assert info["n_features"] == 30
    assert info["metadata"] == METADATA
    assert info["versions"]["skimdb"] == skimdb.__version__
    assert info["versions"]["numpy"] == np.__version__
    assert info["n_bytes"] == path.stat().st_size
    age = datetime.datetime.now().astimezone() - info["modified"]
    assert abs(age) < datetime.timedelta(hours=1)


def test_info_of_an_estimator_that_is_not_fitted(path):
    skimdb.save(MultiHotVectorizer(), path)
    info = read_info(path)
    assert info["steps"] == ["MultiHotVectorizer"]
    assert info["classes"] is info["n_features"] is None
    assert info["metadata"] == {}


@pytest.mark.parametrize("labels", [[0, 1], [2.0, 3.0], [False, True]])
def test_labels_of_any_type(path, labels):
    X, y = make_reviews(40, random_state=0)
    model = make_pipeline(MultiHotVectorizer(30), DenseSentimentClassifier(2, epochs=1))
    skimdb.save(model.fit(X, np.array(labels)[y]), path)
    assert read_info(path)["classes"] == labels


def test_metadata_do_not_change_what_is_loaded(path, model):
    skimdb.save(model, path, metadata=METADATA)
    assert repr(skimdb.load(path)) == repr(model)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ([1], r"metadata must be a dict with keys that are str, got \[1\]"),
        ({1: 2}, r"metadata must be a dict with keys that are str, got \{1: 2\}"),
        ({"a": np.zeros(2)}, "metadata must hold what JSON can hold: .*ndarray"),
        ("", "metadata must be a dict with keys that are str, got ''"),
        ([], r"metadata must be a dict with keys that are str, got \[\]"),
        ({"a": {1: 2}}, r"metadata must hold .* keys that are str and lists .*, got \{'a': \{1"),
        ({"a": (1, 2)}, r"metadata must hold .* lists instead of tuples, got \{'a': \(1, 2\)"),
        ({"a": float("nan")}, "metadata must hold what JSON can hold: Out of range"),
    ],
)
def test_other_metadata_are_refused(path, metadata, message):
    with pytest.raises((TypeError, ValueError), match=message):
        skimdb.save(MultiHotVectorizer(), path, metadata=metadata)
    assert not path.exists()


def test_file_of_version_0_1_0_says_less(path, model):
    skimdb.save(model, path)
    contents, members = taken_apart(path)
    del contents["info"]
    put_together(path, contents | {"format": 1}, members)
    info = read_info(path)
    assert info["steps"] is info["classes"] is info["n_features"] is None
    assert info["metadata"] == {}
    assert info["versions"]["skimdb"] == skimdb.__version__


@pytest.mark.parametrize(
    "change",
    [
        {"steps": "a"},
        {"steps": [1]},
        {"classes": 3},
        {"classes": [[1]]},
        {"n_features": "3"},
        {"metadata": []},
        {"more": 1},
    ],
)
def test_invalid_info_is_refused(path, change):
    skimdb.save(MultiHotVectorizer(), path)
    contents, members = taken_apart(path)
    contents["info"] |= change
    put_together(path, contents, members)
    with pytest.raises(ValueError, match="cannot be loaded: what it says about itself is not"):
        read_info(path)


@pytest.mark.parametrize("info", [None, [], 3])
def test_info_that_is_no_object_is_refused(path, info):
    skimdb.save(MultiHotVectorizer(), path)
    contents, members = taken_apart(path)
    put_together(path, contents | {"info": info}, members)
    with pytest.raises(ValueError, match="cannot be loaded: what it says about itself is not"):
        read_info(path)


def test_damaged_file_is_refused(path):
    skimdb.save(MultiHotVectorizer(), path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="cannot be loaded: it is damaged, or was not written by"):
        read_info(path)


def test_versions_that_are_not_strings_are_refused(path):
    skimdb.save(MultiHotVectorizer(), path)
    contents, members = taken_apart(path)
    contents["versions"]["numpy"] = 3
    put_together(path, contents, members)
    with pytest.raises(ValueError, match=r"its skimdb\.json is not what skimdb\.save writes"):
        read_info(path)


def test_missing_file_is_an_os_error(path):
    with pytest.raises(FileNotFoundError):
        read_info(path)
