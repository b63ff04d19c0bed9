"""Searches on a local Dask cluster of two worker processes."""

import os
import sys
from collections import namedtuple

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Bunch

from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.datasets import make_reviews
from skimdb.model_selection import compare_estimators, dask_client
from tests.model_selection.common import (
    kill_worker_in_fifth_call,
    killed_process,
    notes,
    page_faults_of_many_arrays,
    recorded,
    tensorflow_threads,
)

distributed = pytest.importorskip("distributed")

Point = namedtuple("Point", "x y")
REVIEWS, LABELS = make_reviews(400, num_words=500, random_state=0)
NETWORK = make_pipeline(
    MultiHotVectorizer(500), DenseSentimentClassifier(4, epochs=2, batch_size=64, random_state=0)
)
GRID = {"densesentimentclassifier__units": [2, 4], "densesentimentclassifier__dropout": [0.0, 0.5]}


@pytest.fixture(scope="module")
def serial_search():
    return GridSearchCV(NETWORK, GRID, cv=3).fit(REVIEWS, LABELS)


def assert_same_search(actual, expected):
    for name in [f"split{fold}_test_score" for fold in range(3)]:
        np.testing.assert_array_equal(actual.cv_results_[name], expected.cv_results_[name])
    assert actual.best_params_ == expected.best_params_
    np.testing.assert_array_equal(actual.predict_proba(REVIEWS), expected.predict_proba(REVIEWS))


def test_a_search_gives_the_serial_results(on_dask, serial_search):
    search = GridSearchCV(NETWORK, GRID, cv=3, n_jobs=2).fit(REVIEWS, LABELS)
    assert_same_search(search, serial_search)


def test_a_search_survives_a_killed_worker(on_dask, client, serial_search, tmp_path):
    before = set(client.run(os.getpid).values())
    killing = FunctionTransformer(kill_worker_in_fifth_call, kw_args={"folder": tmp_path})
    pipeline = make_pipeline(killing, *map(clone, NETWORK))
    search = GridSearchCV(pipeline, GRID, cv=3, n_jobs=2, refit=False, error_score="raise")
    search.fit(REVIEWS, LABELS)
    killed = killed_process(tmp_path)
    assert killed in before
    for name in [f"split{fold}_test_score" for fold in range(3)]:
        np.testing.assert_array_equal(search.cv_results_[name], serial_search.cv_results_[name])
    client.wait_for_workers(2)
    assert killed not in client.run(os.getpid).values()


def test_cross_val_score_gives_the_serial_results(on_dask):
    X = MultiHotVectorizer(500).transform(REVIEWS)
    scores = cross_val_score(NETWORK[-1], X, LABELS, cv=3, n_jobs=2)
    np.testing.assert_array_equal(scores, cross_val_score(NETWORK[-1], X, LABELS, cv=3))


def test_compare_estimators_gives_the_serial_results(on_dask):
    linear = make_pipeline(MultiHotVectorizer(500), LogisticRegression())
    estimators = {"network": NETWORK, "linear": linear}
    parallel = compare_estimators(estimators, REVIEWS, LABELS, cv=3, random_state=0, n_jobs=2)
    serial = compare_estimators(estimators, REVIEWS, LABELS, cv=3, random_state=0)
    for name in estimators:
        np.testing.assert_array_equal(parallel.predictions[name], serial.predictions[name])


def test_data_is_sent_to_each_worker_once(on_dask, tmp_path):
    X = recorded(MultiHotVectorizer(500, sparse_output=False).transform(REVIEWS), tmp_path)
    GridSearchCV(
        DenseSentimentClassifier(epochs=1), {"units": [2, 3, 4, 5]}, cv=3, n_jobs=2, refit=False
    ).fit(X, LABELS)
    assert notes(tmp_path, "pickled").count(os.getpid()) == 1
    receivers = notes(tmp_path, "unpickled")
    assert 1 <= len(receivers) == len(set(receivers)) <= 2


def test_workers_give_tensorflow_one_thread(on_dask, client):
    assert set(client.run(tensorflow_threads).values()) == {(1, 1)}


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_workers_reuse_the_memory_of_freed_arrays(on_dask, client):
    # Each array has 8 MB, or 2048 pages.
    assert max(client.run(page_faults_of_many_arrays).values()) < 10 * 2048


@pytest.mark.parametrize(
    "data",
    [np.arange(3), [1, "b"], (1, "b"), {"a": 1, "b": [2]}, {1, 2}, Bunch(a=1), Point(1, 2)],
    ids=repr,
)
def test_scattered_data_are_unchanged(client, data):
    back = client.gather(client.scatter(data))
    np.testing.assert_equal(back, data)
    assert type(back) is type(data)


def test_an_asynchronous_client_is_refused():
    with pytest.raises(ValueError, match="asynchronous must be False"):
        dask_client(asynchronous=True)


def test_the_client_is_closed_if_workers_lack_skimdb(monkeypatch):
    options = {"n_workers": 1, "processes": False, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, monkeypatch.context() as patch:
        before = set(cluster.scheduler.clients)
        patch.setitem(sys.modules, "skimdb.neural_network._dense", None)
        with pytest.raises(ModuleNotFoundError, match=r"skimdb\.neural_network\._dense"):
            dask_client(cluster)
        assert set(cluster.scheduler.clients) == before


def test_an_address_without_a_scheduler_is_an_os_error():
    with pytest.raises(OSError, match=r"127[.]0[.]0[.]1:1"):
        dask_client("tcp://127.0.0.1:1", timeout="0.5s")


def test_without_distributed_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "skimdb.model_selection._dask")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install 'skimdb\[distributed\]'"):
        dask_client()
