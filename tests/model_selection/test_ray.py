"""Searches on a local Ray cluster of two worker processes."""

import os
import sys

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.datasets import make_reviews
from skimdb.model_selection import register_ray
from tests.model_selection.common import (
    kill_worker_in_fifth_call,
    killed_process,
    name_of_type,
    notes,
    recorded,
    tensorflow_threads,
)

REVIEWS, LABELS = make_reviews(400, num_words=500, random_state=0)
NETWORK = make_pipeline(
    MultiHotVectorizer(500), DenseSentimentClassifier(4, epochs=2, batch_size=64, random_state=0)
)
GRID = {"densesentimentclassifier__units": [2, 4], "densesentimentclassifier__dropout": [0.0, 0.5]}

pytestmark = [
    # Raised by Ray when it is imported, started and used by joblib.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def cluster():
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = pytest.importorskip("ray")
    ray.init("local", num_cpus=2, include_dashboard=False, object_store_memory=200 * 2**20)
    yield ray
    ray.shutdown()


@pytest.fixture
def on_ray(cluster):
    register_ray()
    with joblib.parallel_config(backend="ray"):
        yield


@pytest.fixture(scope="module")
def parallel(cluster):
    """Start two workers, which takes seconds, for several tests."""
    register_ray()
    with joblib.parallel_config(backend="ray"), joblib.Parallel(n_jobs=2) as parallel:
        yield parallel


def test_a_search_survives_a_killed_worker_with_the_serial_results(on_ray, tmp_path):
    serial = GridSearchCV(NETWORK, GRID, cv=3, refit=False).fit(REVIEWS, LABELS)
    killing = FunctionTransformer(kill_worker_in_fifth_call, kw_args={"folder": tmp_path})
    pipeline = make_pipeline(killing, *map(clone, NETWORK))
    search = GridSearchCV(pipeline, GRID, cv=3, n_jobs=2, refit=False, error_score="raise")
    search.fit(REVIEWS, LABELS)
    assert killed_process(tmp_path) != os.getpid()
    for name in [f"split{fold}_test_score" for fold in range(3)]:
        np.testing.assert_array_equal(search.cv_results_[name], serial.cv_results_[name])


def test_data_is_stored_once(parallel, tmp_path):
    X = recorded(MultiHotVectorizer(500, sparse_output=False).transform(REVIEWS), tmp_path)
    assert parallel([joblib.delayed(np.shape)(X)] * 12) == [X.shape] * 12
    assert notes(tmp_path, "pickled").count(os.getpid()) == 1


def test_data_that_changes_between_calls_is_sent_again(parallel):
    data = np.zeros(1000)
    sums = []
    for _ in range(3):
        data += 1
        sums += parallel([joblib.delayed(np.sum)(data)])
    assert sums == [1000, 2000, 3000]


def test_references_of_the_caller_are_left_alone(parallel, cluster):
    reference = cluster.put("stored")
    (name,) = parallel([joblib.delayed(name_of_type)(reference)])
    assert name == "ObjectRef"


def test_workers_give_tensorflow_one_thread(parallel):
    (threads,) = parallel([joblib.delayed(tensorflow_threads)()])
    assert threads == (1, 1)


def test_without_ray_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "skimdb.model_selection._ray", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"pip install 'skimdb\[ray\]'"):
        register_ray()
