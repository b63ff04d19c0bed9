"""Fits on many features, searches, and how the time of a fit grows."""

import pickle
import time
from typing import Any

import numpy as np

from benchmarks._data import load_imdb
from benchmarks._measure import PeakMemory
from benchmarks.speed.classifiers import (
    dense_sentiment_classifier,
    mlp_classifier,
    plain_scikeras,
)
from benchmarks.speed.setting import (
    BATCH_SIZE,
    NUM_WORDS,
    UNITS,
    Measurement,
    multi_hot,
    timed,
)

SEARCH_GRID: dict[str, list[Any]] = {
    "units": [8, 16],
    "learning_rate": [0.001, 0.002],
    "epochs": [2, 4],
}
SEARCH_FOLDS = 3


def measure_ngrams(name: str) -> Measurement:
    """Return seconds and peak memory of a fit on the 1-3-grams of the training reviews.

    These are scaled by their log-count ratios, and the network has one hidden layer of 16 units
    and is trained by Adam for 2 epochs.
    """
    from skimdb import DenseSentimentClassifier, MultiHotVectorizer
    from skimdb.feature_extraction import LogCountRatioScaler

    X, y = load_imdb("train")
    vectorizer = MultiHotVectorizer(None, ngram_range=(1, 3), min_df=2)
    start = time.perf_counter()
    features = vectorizer.fit_transform(X)
    vectorize = time.perf_counter() - start
    features = LogCountRatioScaler().fit(features, y).transform(features)
    classifier: Any = mlp_classifier(layers=1, epochs=2)
    if name == "skimdb":
        classifier = DenseSentimentClassifier(layers=1, optimizer="adam", epochs=2)
    memory = PeakMemory()
    fit = timed(classifier.fit, features, y)
    return {
        "features": features.shape[1],
        "vectorize": vectorize,
        "fit": fit,
        "peak_mb": memory.megabytes(),
    }


def measure_search(name: str) -> Measurement:
    """Return the seconds of a grid search with 24 fits and a final one."""
    from sklearn.model_selection import GridSearchCV

    classifier: Any
    grid: dict[str, list[Any]]
    if name == "skimdb":
        classifier, grid = dense_sentiment_classifier(), dict(SEARCH_GRID)
    elif name == "MLPClassifier":
        classifier = mlp_classifier().set_params(n_iter_no_change=max(SEARCH_GRID["epochs"]))
        grid = {
            "hidden_layer_sizes": [(units, units) for units in SEARCH_GRID["units"]],
            "learning_rate_init": SEARCH_GRID["learning_rate"],
            "max_iter": SEARCH_GRID["epochs"],
        }
    elif name == "plain scikeras on CSR":
        classifier = plain_scikeras()
        grid = {
            "model__units": SEARCH_GRID["units"],
            "model__learning_rate": SEARCH_GRID["learning_rate"],
            "epochs": SEARCH_GRID["epochs"],
        }
    else:
        raise ValueError(name)
    X, y = multi_hot("train")
    search = GridSearchCV(classifier, grid, cv=SEARCH_FOLDS)
    return {"seconds": timed(search.fit, X, y)}


def measure_million_words(n_repeats: int) -> dict[str, list[float]]:
    """Return milliseconds of single batches and reviews on a million words, and a pickle's size.

    The IMDB reviews, each word of which is a hundred words at random; one hidden layer of 32 units,
    Adam, batches of 512.
    """
    from skimdb import DenseSentimentClassifier

    X, y = multi_hot("train")
    X = _spread_columns(X, 1_000_000)
    batch, one = (X[:BATCH_SIZE], y[:BATCH_SIZE]), X[:1]
    mlp = mlp_classifier(32, layers=1, epochs=1).fit(*batch)
    runs: dict[str, list[float]] = {}
    for _ in range(n_repeats):
        ours = DenseSentimentClassifier(32, layers=1, optimizer="adam", epochs=1)
        n_batches = -(-len(y) // BATCH_SIZE)
        measured = {
            "fit, per batch": timed(ours.fit, X, y) / n_batches,
            "predict, one review": _median_time(ours.predict, one),
            "MLPClassifier: predict, one review": _median_time(mlp.predict, one),
            "partial_fit, one batch": _median_time(ours.partial_fit, *batch, n_times=20),
            "predict, one review, after partial_fit": _median_time(ours.predict, one),
            "MLPClassifier: partial_fit, one batch": _median_time(
                mlp.partial_fit, *batch, n_times=3
            ),
        }
        for name, seconds in measured.items():
            runs.setdefault(name, []).append(1000 * seconds)
        # Adam keeps two more numbers for each weight.
        n_bytes = 3 * sum(weight.nbytes for weight in ours.model_.get_weights())
        runs.setdefault("bytes of pickle / of weights and slots", []).append(
            len(pickle.dumps(ours)) / n_bytes
        )
    return runs


def _median_time(function: Any, *args: Any, n_times: int = 200) -> float:
    return float(np.median([timed(function, *args) for _ in range(n_times)]))


def growth_cases() -> dict[str, list[int]]:
    """Return the values of each size that is varied."""
    return {
        "rows": [5_000, 10_000, 25_000, 50_000, 100_000],
        "words": [10_000, 30_000, 100_000, 300_000, 1_000_000],
        "units": [16, 32, 64, 128, 256, 512],
        "layers": [1, 2, 3, 4],
    }


def measure_growth(
    size: str, n_repeats: int, n_reviews: int = 25_000
) -> dict[str, dict[str, list[float]]]:
    """Return for each value the seconds of one epoch of both classifiers, in turns."""
    from skimdb import DenseSentimentClassifier, MultiHotVectorizer
    from skimdb.datasets import make_reviews

    reviews, y = make_reviews(n_reviews * 4 if size == "rows" else n_reviews, random_state=0)
    X = MultiHotVectorizer(NUM_WORDS).transform(reviews)
    DenseSentimentClassifier(epochs=1).fit(X[:1000], y[:1000])
    seconds: dict[str, dict[str, list[float]]] = {}
    for value in growth_cases()[size]:
        X_case, y_case, shape = X, y, {"units": UNITS, "layers": 2}
        if size == "rows":
            X_case, y_case = X[:value], y[:value]
        elif size == "words":
            X_case = _spread_columns(X, value)
        else:
            shape[size] = value
        runs: dict[str, list[float]] = {"skimdb": [], "MLPClassifier": []}
        for _ in range(n_repeats):
            ours = DenseSentimentClassifier(
                shape["units"], shape["layers"], epochs=1, batch_size=BATCH_SIZE
            )
            mlp = mlp_classifier(epochs=1, **shape)
            runs["skimdb"].append(timed(ours.fit, X_case, y_case))
            runs["MLPClassifier"].append(timed(mlp.fit, X_case, y_case))
        seconds[str(value)] = runs
    return seconds


def _spread_columns(X: Any, n_columns: int) -> Any:
    """Return a matrix with as many entries, in which each word is several words at random."""
    from scipy.sparse import csr_matrix

    factor = n_columns // X.shape[1]
    copies = np.random.default_rng(0).integers(factor, size=X.nnz)
    indices = (X.indices.astype(np.int64) * factor + copies).astype(np.int32)
    return csr_matrix((X.data, indices, X.indptr), shape=(X.shape[0], n_columns))


def measure_words_and_units(n_repeats: int) -> dict[str, list[float]]:
    """Return seconds of later fits of ours on IMDB with more words, and with more units."""
    X, y = multi_hot("train")
    X_all_words, _ = multi_hot("train", 88_587)
    cases: dict[str, tuple[int, Any]] = {
        "10,000 words, 16 units": (16, X),
        "88,587 words, 16 units": (16, X_all_words),
        "10,000 words, 64 units": (64, X),
    }
    runs: dict[str, list[float]] = {name: [] for name in cases}
    dense_sentiment_classifier().fit(X, y)
    for _ in range(n_repeats):
        for name, (units, matrix) in cases.items():
            runs[name].append(
                timed(dense_sentiment_classifier().set_params(units=units).fit, matrix, y)
            )
    return runs
