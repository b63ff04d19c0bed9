"""Files with estimators of scikit-learn."""

import importlib
import io
import json
import sys
import warnings
import zipfile

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skimdb
from skimdb import MultiHotVectorizer
from skimdb.datasets import make_reviews
from skimdb.persistence._skops import TRUSTED
from tests.persistence.common import npy, put_together, taken_apart


def test_without_skops_saving_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(ImportError, match=r"pip install 'skimdb\[persistence\]'"):
        skimdb.save(make_pipeline(LogisticRegression()), path)
    assert not path.exists()


def test_without_skops_loading_says_what_to_install(path, monkeypatch):
    skimdb.save(MultiHotVectorizer(), path)
    contents, members = taken_apart(path)
    contents["estimator"] = {"skops": "0.skops"}
    put_together(path, contents, {**members, "0.skops": b""})
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(ImportError, match=r"pip install 'skimdb\[persistence\]'"):
        skimdb.load(path)


@pytest.fixture
def skops_io():
    return pytest.importorskip("skops.io")


@pytest.fixture
def pipeline(skops_io):
    X, y = make_reviews(80, random_state=0)
    return make_pipeline(MultiHotVectorizer(30), TfidfTransformer(), LogisticRegression()).fit(X, y)


def test_pipeline_with_steps_of_scikit_learn_comes_back(path, pipeline):
    X, _ = make_reviews(80, random_state=1)
    skimdb.save(pipeline, path)
    loaded = skimdb.load(path)
    np.testing.assert_array_equal(loaded.predict_proba(X), pipeline.predict_proba(X))
    assert repr(loaded) == repr(pipeline)


def test_function_that_skops_trusts_is_kept(path, skops_io):
    skimdb.save(FunctionTransformer(np.log1p), path)
    assert skimdb.load(path).func is np.log1p


def own_function(X):
    return X


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (FunctionTransformer(own_function), "not trusted: .*own_function"),
        (RandomForestClassifier(2), r"not trusted: sklearn\.tree\._tree\.Tree"),
        (KNeighborsClassifier(2), "a KNeighborsClassifier cannot be kept: .*csr_matrix"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_unsupported_estimators_are_named(path, skops_io, features, estimator, message):
    if not isinstance(estimator, FunctionTransformer):
        estimator.fit(*features)
    with pytest.raises(ValueError, match=message):
        skimdb.save(make_pipeline(estimator), path)
    assert not path.exists()


def test_foreign_estimator_within_one_of_scikit_learn_is_named(path, skops_io):
    class Foreign(BaseEstimator):
        pass

    with pytest.raises(ValueError, match=r"FrozenEstimator cannot be kept: .*Foreign; only estim"):
        skimdb.save(FrozenEstimator(Foreign()), path)


def test_trusted_types_exist_in_scikit_learn(skops_io):
    missing = set()
    for name in TRUSTED:
        module, _, attribute = name.rpartition(".")
        if not hasattr(importlib.import_module(module), attribute):
            missing.add(attribute)
    # Each was or will be in another version.
    assert missing <= {"_RemainderColsList", "_TemperatureScaling"}


def with_inner_file(path, estimator, change):
    """Save an estimator, with a change to the inner file of skops."""
    skimdb.save(estimator, path)
    contents, members = taken_apart(path)
    with zipfile.ZipFile(io.BytesIO(members["0.skops"])) as archive:
        inner = {name: archive.read(name) for name in archive.namelist()}
    compression = change(inner) or zipfile.ZIP_STORED
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in inner.items():
            archive.writestr(name, content)
    put_together(path, contents, {**members, "0.skops": buffer.getvalue()})


@pytest.fixture
def regression(skops_io, features):
    return LogisticRegression().fit(*features)


def refuse(path, regression, change, message):
    with_inner_file(path, regression, change)
    with pytest.raises(ValueError, match=message):
        skimdb.load(path)


def test_types_that_skops_does_not_trust_are_named(path, regression):
    def change(inner):
        schema = json.loads(inner["schema.json"])
        schema["__class__"], schema["__module__"] = "system", "os"
        inner["schema.json"] = json.dumps(schema).encode()

    refuse(path, regression, change, r"holds types that are not trusted: os\.system")


def test_object_that_is_not_an_estimator_is_refused(path, regression, skops_io):
    def change(inner):
        with zipfile.ZipFile(io.BytesIO(skops_io.dumps([1, 2]))) as archive:
            inner["schema.json"] = archive.read("schema.json")

    refuse(path, regression, change, "expected an estimator, found a list")


def test_trusted_types_are_not_called(path, regression):
    def change(inner):
        schema = json.loads(inner["schema.json"])
        schema |= {
            "__module__": "sklearn.calibration",
            "__class__": "_CalibratedClassifier",
            "__loader__": "ConstructorFromReduceNode",
        }
        inner["schema.json"] = json.dumps(schema).encode()

    refuse(path, regression, change, r"it calls sklearn\.calibration\._CalibratedClassifier")


@pytest.mark.parametrize("index", [-1, 1, True, "0"])
def test_parts_that_are_not_there_are_refused(path, skops_io, index):
    def change(inner):
        schema = inner["schema.json"].decode()
        assert schema.count('"content": "0"') == 1
        new = json.dumps(json.dumps(index))
        inner["schema.json"] = schema.replace('"content": "0"', f'"content": {new}').encode()

    refuse(path, FrozenEstimator(MultiHotVectorizer()), change, f"there is no part {index!r}")


def test_part_that_is_missing_is_refused(path, skops_io):
    skimdb.save(FrozenEstimator(MultiHotVectorizer()), path)
    contents, members = taken_apart(path)
    contents["estimator"]["parts"] = []
    put_together(path, contents, members)
    with pytest.raises(ValueError, match="there is no part 0"):
        skimdb.load(path)


def test_compressed_members_are_refused(path, regression):
    def change(inner):
        inner["bomb"] = bytes(10**6)
        return zipfile.ZIP_DEFLATED

    refuse(path, regression, change, "its member '.*' is compressed")


def test_members_that_are_not_plain_arrays_are_refused(path, regression):
    def change(inner):
        name = next(name for name in inner if name.endswith(".npy"))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, bomb=np.zeros(10**6))
        inner[name] = buffer.getvalue()

    refuse(path, regression, change, "an array has a header that is not plain")


def test_arrays_larger_than_the_file_are_refused(path, regression):
    def change(inner):
        name = next(name for name in inner if name.endswith(".npy"))
        inner[name] = npy(np.zeros(3)).replace(b"(3,), }" + b" " * 11, b"(3, 1000000000), }")

    refuse(path, regression, change, "an array of shape .* has 24 bytes")


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b"\xff"])
def test_damaged_schemas_are_refused(path, regression, content):
    def change(inner):
        inner["schema.json"] = content

    refuse(path, regression, change, "in one of scikit-learn's estimators, ")


def test_other_version_of_scikit_learn_gives_its_warning(path, regression, monkeypatch):
    monkeypatch.setattr("sklearn.base.__version__", "0.1")
    skimdb.save(regression, path)
    monkeypatch.undo()
    with pytest.warns(InconsistentVersionWarning, match="from version 0.1"):
        skimdb.load(path)


def test_own_estimators_give_no_warning_for_other_versions(path):
    skimdb.save(MultiHotVectorizer(), path)
    contents, members = taken_apart(path)
    contents["versions"] = dict.fromkeys(contents["versions"], "0.1")
    put_together(path, contents, members)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        skimdb.load(path)
