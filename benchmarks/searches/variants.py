"""The searches whose speed is measured."""

import importlib
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from time import perf_counter
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from benchmarks._data import load_imdb
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.feature_extraction import LogCountRatioScaler
from skimdb.model_selection import dask_client, register_ray

N_FITS = 60
_GRID = {
    "densesentimentclassifier__units": [8, 16, 32, 64],
    "densesentimentclassifier__learning_rate": [0.0005, 0.001, 0.002, 0.003, 0.004],
}
_NGRAM_GRID = {
    "densesentimentclassifier__units": [8, 16],
    "densesentimentclassifier__learning_rate": [0.0005, 0.001, 0.002, 0.003],
}


def make_search(n_jobs: int) -> GridSearchCV:
    """Return the search of 60 fits: 20 candidates on 3 folds."""
    pipeline = make_pipeline(
        MultiHotVectorizer(10_000),
        DenseSentimentClassifier(epochs=4, batch_size=512, random_state=0),
    )
    return GridSearchCV(pipeline, _GRID, cv=3, n_jobs=n_jobs, refit=False, error_score="raise")


def scores(search: GridSearchCV) -> NDArray[np.float64]:
    """Return the score of each fit."""
    return np.array([search.cv_results_[f"split{fold}_test_score"] for fold in range(3)])


@contextmanager
def _one_job() -> Iterator[None]:
    yield


@contextmanager
def _threading() -> Iterator[None]:
    with joblib.parallel_config(backend="threading"):
        yield


@contextmanager
def _loky() -> Iterator[None]:
    with joblib.parallel_config(backend="loky"):
        yield


@contextmanager
def _dask_threads() -> Iterator[None]:
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False}
    with dask_client(**options, dashboard_address=":0"), joblib.parallel_config(backend="dask"):
        yield


@contextmanager
def _dask_processes() -> Iterator[None]:
    options = {"n_workers": 2, "threads_per_worker": 1}
    with dask_client(**options, dashboard_address=":0"), joblib.parallel_config(backend="dask"):
        yield


@contextmanager
def _ray() -> Iterator[None]:
    ray = importlib.import_module("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    register_ray()
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    with joblib.parallel_config(backend="ray"):
        yield
    ray.shutdown()


# Number of jobs, and the context that they run in.
BACKENDS: dict[str, tuple[int, Callable[[], Any]]] = {
    "one job": (1, _one_job),
    "threading": (2, _threading),
    "loky": (2, _loky),
    "Dask threads": (2, _dask_threads),
    "Dask processes": (2, _dask_processes),
    "Ray": (2, _ray),
}


def measure_backend(name: str) -> dict[str, Any]:
    """Time the start of a backend, and the search twice, in this process."""
    n_jobs, context = BACKENDS[name]
    X, y = load_imdb("train")
    make_search(1).estimator.fit(X[:1000], y[:1000])  # TensorFlow starts in its first fit.
    seconds = {}
    with ExitStack() as stack:
        seconds["start"] = _seconds(lambda: stack.enter_context(context()))
        for run in ("first", "later"):
            search = make_search(n_jobs)
            seconds[run] = _seconds(lambda search=search: search.fit(X, y))  # type: ignore[misc]
    return {**seconds, "scores": scores(search).tolist()}


def measure_memory(name: str) -> dict[str, Any]:
    """Time a search over networks on n-grams, and count what its vectorizer does."""
    X, y = load_imdb("train")
    counts: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)

    def count(method: str) -> None:
        function = getattr(MultiHotVectorizer, method)

        def counting(*args: Any, **kwargs: Any) -> Any:
            start = perf_counter()
            result = function(*args, **kwargs)
            counts[method] += 1
            seconds[method] += perf_counter() - start
            return result

        setattr(MultiHotVectorizer, method, counting)

    for method in ("fit_transform", "transform"):
        count(method)
    with tempfile.TemporaryDirectory() as folder:
        pipeline = _ngram_pipeline(folder if name == "memory" else None)
        search = GridSearchCV(pipeline, _NGRAM_GRID, cv=3, refit=False, error_score="raise")
        total = _seconds(lambda: search.fit(X, y))
    return {
        "seconds": total,
        "counts": dict(counts),
        "seconds_of": dict(seconds),
        "scores": scores(search).tolist(),
    }


def measure_key() -> dict[str, float]:
    """Time the key of a fold, and a hash of its indices as one array."""
    X, _ = load_imdb("train")
    rng = np.random.default_rng(0)
    folds = [X[rng.permutation(len(X))[: len(X) * 2 // 3]] for _ in range(5)]
    inputs = {
        "key": folds,
        "flat": [np.concatenate(fold) for fold in folds],
        "objects": [np.asarray(fold) for fold in folds],
    }
    return {
        name: float(np.median([_seconds(partial(joblib.hash, data)) for data in hashed]))
        for name, hashed in inputs.items()
    }


def _ngram_pipeline(memory: str | None) -> Pipeline:
    return make_pipeline(
        MultiHotVectorizer(None, ngram_range=(1, 3), min_df=2),
        LogCountRatioScaler(),
        DenseSentimentClassifier(
            layers=1, optimizer="adam", epochs=2, batch_size=512, random_state=0
        ),
        memory=memory,
    )


def _seconds(function: Callable[[], Any]) -> float:
    start = perf_counter()
    function()
    return perf_counter() - start
