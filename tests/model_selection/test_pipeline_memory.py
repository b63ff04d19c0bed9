"""Searches over pipelines with `memory` fit each transformer once per fold."""

from collections import Counter

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.datasets import make_reviews
from skimdb.feature_extraction import LogCountRatioScaler, WordIndexEncoder

GRID = {
    "densesentimentclassifier__units": [2, 3],
    "densesentimentclassifier__dropout": [0.0, 0.5],
}
NETWORK = DenseSentimentClassifier(layers=1, epochs=1, random_state=0)


@pytest.fixture
def calls(monkeypatch):
    """Count the calls of the transformers' methods in this process."""
    counter = Counter()

    def count(transformer, method):
        function = getattr(transformer, method)

        def counting(*args, **kwargs):
            counter[transformer.__name__] += 1
            return function(*args, **kwargs)

        monkeypatch.setattr(transformer, method, counting)

    for transformer in (WordIndexEncoder, MultiHotVectorizer, LogCountRatioScaler):
        count(transformer, "fit_transform")
    return counter


def search(steps, X, y, memory):
    pipeline = make_pipeline(*steps, NETWORK, memory=memory)
    return GridSearchCV(pipeline, GRID, cv=3, refit=False).fit(X, y)


def assert_same_scores(actual, expected):
    for fold in range(3):
        name = f"split{fold}_test_score"
        np.testing.assert_array_equal(actual.cv_results_[name], expected.cv_results_[name])


def test_reviews_are_vectorized_once_per_fold(calls, tmp_path):
    X, y = make_reviews(300, random_state=0)
    steps = [MultiHotVectorizer(None, ngram_range=(1, 2), min_df=2), LogCountRatioScaler()]
    with_memory = search(steps, X, y, memory=str(tmp_path))
    assert calls == {"MultiHotVectorizer": 3, "LogCountRatioScaler": 3}
    calls.clear()
    without_memory = search(steps, X, y, memory=None)
    assert calls == {"MultiHotVectorizer": 12, "LogCountRatioScaler": 12}
    assert_same_scores(with_memory, without_memory)


def test_texts_are_split_and_vectorized_once_per_fold(calls, tmp_path):
    X = ["a good film, and good fun!", "a bad film.", "good fun!", "bad, not fun."] * 20
    search([WordIndexEncoder(), MultiHotVectorizer()], X, [1, 0, 1, 0] * 20, str(tmp_path))
    assert calls == {"WordIndexEncoder": 3, "MultiHotVectorizer": 3}


def test_another_search_uses_the_cache(calls, tmp_path):
    X, y = make_reviews(300, random_state=0)
    search([MultiHotVectorizer()], X, y, memory=str(tmp_path))
    calls.clear()
    search([MultiHotVectorizer()], X.copy(), y, memory=str(tmp_path))
    assert calls == {}
    search([MultiHotVectorizer(5000)], X, y, memory=str(tmp_path))
    assert calls == {"MultiHotVectorizer": 3}
