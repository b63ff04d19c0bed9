"""The data sets, and how each is divided into training and test texts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline

from benchmarks._data import find_file, load_texts, read_columns
from benchmarks.suite.models import MODELS, WEIGHTED_MODELS

Fold = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]

_FILES = [
    "customer_reviews",
    "mpqa",
    "subjectivity",
    "airline_tweets",
    "alexa_stars",
    "chinese_hotels",
    "tweets_arabic",
    "tweets_english",
    "tweets_french",
    "tweets_german",
]
_SOURCES = ["amazon", "imdb", "yelp"]
_SAMPLES = [200, 1_000, 5_000]
_N_DRAWS = 5
_N_TEST = 5_000


@dataclass(frozen=True)
class DataSet:
    """A data set.

    Attributes
    ----------
    folds : callable
        Returns the training texts, their labels, the test texts and their labels of each fold.
    by_macro_f1 : bool
        Whether macro F1 is what counts, because some classes are rare.
    models : dict
        What is compared.
    """

    folds: Callable[[], Iterator[Fold]]
    by_macro_f1: bool = False
    models: dict[str, Callable[[int], Pipeline]] = field(default_factory=lambda: MODELS)


def _cross_validated(load: Callable[[], tuple[NDArray[Any], NDArray[Any]]]) -> Iterator[Fold]:
    X, y = load()
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
        yield X[train], y[train], X[test], y[test]


def _load(name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    columns = read_columns(find_file(f"suite/{name}.parquet"), ["text", "label"])
    texts = np.array([text or "" for text in columns["text"]], dtype=object)
    return texts, columns["label"].astype(str)


def _file(name: str) -> DataSet:
    return DataSet(lambda: _cross_validated(lambda: _load(name)), by_macro_f1=name == "alexa_stars")


def _feedback() -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the reviews of alexa_stars and whether they have more than two stars."""
    texts, stars = _load("alexa_stars")
    return texts, np.where(stars.astype(int) > 2, "content", "discontent")


def _sentences(source: str) -> DataSet:
    def load() -> tuple[NDArray[Any], NDArray[Any]]:
        columns = read_columns(
            find_file("sentiment_sentences.parquet"), ["text", "label", "source"]
        )
        rows = columns["source"] == source
        return columns["text"][rows], columns["label"][rows].astype(str)

    return DataSet(lambda: _cross_validated(load))


def _imdb_sample(size: int) -> DataSet:
    def folds() -> Iterator[Fold]:
        X, y = load_texts("train")
        y = y.astype(str)
        for seed in range(_N_DRAWS):
            rows = np.random.default_rng(seed).permutation(len(y))[: size + _N_TEST]
            train, test = rows[:size], rows[size:]
            yield X[train], y[train], X[test], y[test]

    return DataSet(folds)


def _imdb() -> Iterator[Fold]:
    X, y = load_texts("train")
    X_test, y_test = load_texts("test")
    yield X, y.astype(str), X_test, y_test.astype(str)


DATA_SETS: dict[str, DataSet] = {
    **{name: _file(name) for name in _FILES},
    **{f"sentences_{source}": _sentences(source) for source in _SOURCES},
    **{f"imdb_{size}": _imdb_sample(size) for size in _SAMPLES},
    "imdb": DataSet(_imdb),
    "alexa_feedback": DataSet(lambda: _cross_validated(_feedback), models=WEIGHTED_MODELS),
}
