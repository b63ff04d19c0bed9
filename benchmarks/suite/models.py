"""What is compared. Each peer has its regularisation chosen by cross-validation within a fold."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.svm import LinearSVC

from skimdb import DenseSentimentClassifier, MultiHotVectorizer, make_text_classifier
from skimdb.feature_extraction import LogCountRatioScaler, WordIndexEncoder

N_SEEDS = 3
OURS, WORDS = "make_text_classifier", "DenseSentimentClassifier, 10,000 words"
LOGISTIC_REGRESSION = "words 1-2, tf-idf, logistic regression"
# Words and single marks.
_TOKENS = r"(?u)\w+|[^\w\s]"


def _tfidf(**parameters: Any) -> TfidfVectorizer:
    return TfidfVectorizer(sublinear_tf=True, **parameters)


def _characters() -> TfidfVectorizer:
    return _tfidf(analyzer="char_wb", ngram_range=(2, 5), min_df=2)


def _tuned(classifier: Any, name: str, values: list[float], *before: Any) -> GridSearchCV:
    """Choose a parameter; the texts are vectorized once."""
    steps = make_pipeline(*before, classifier)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    return GridSearchCV(steps, {f"{steps.steps[-1][0]}__{name}": values}, cv=folds)


def _svm(**parameters: Any) -> GridSearchCV:
    return _tuned(LinearSVC(**parameters), "C", [0.05, 0.25, 1.0])


def _logistic_regression(**parameters: Any) -> Pipeline:
    classifier = LogisticRegression(max_iter=1000, **parameters)
    return make_pipeline(_tfidf(ngram_range=(1, 2)), _tuned(classifier, "C", [1.0, 10.0, 100.0]))


def _words_and_characters(**parameters: Any) -> Pipeline:
    words = _tfidf(ngram_range=(1, 2), token_pattern=_TOKENS)
    return make_pipeline(make_union(words, _characters()), _svm(**parameters))


# Each model takes a seed, which the peers do without.
MODELS: dict[str, Callable[[int], Pipeline]] = {
    OURS: lambda seed: make_text_classifier(random_state=seed),
    WORDS: lambda seed: make_pipeline(
        WordIndexEncoder(), MultiHotVectorizer(10_000), DenseSentimentClassifier(random_state=seed)
    ),
    LOGISTIC_REGRESSION: lambda _: _logistic_regression(),
    "words 1-2, tf-idf, LinearSVC": lambda _: make_pipeline(_tfidf(ngram_range=(1, 2)), _svm()),
    "words 1-2, MultinomialNB": lambda _: make_pipeline(
        CountVectorizer(ngram_range=(1, 2), binary=True),
        _tuned(MultinomialNB(), "alpha", [0.1, 0.3, 1.0]),
    ),
    "characters 2-5, tf-idf, LinearSVC": lambda _: make_pipeline(_characters(), _svm()),
    "words and characters, tf-idf, LinearSVC": lambda _: _words_and_characters(),
    "words 1-2, NBSVM": lambda _: make_pipeline(
        CountVectorizer(ngram_range=(1, 2), binary=True, token_pattern=_TOKENS, dtype=np.float32),
        _tuned(LinearSVC(), "C", [0.01, 0.05, 0.25], LogCountRatioScaler()),
    ),
}

_MAKERS: dict[str, Callable[..., Pipeline]] = {
    OURS: lambda seed, weight: make_text_classifier(random_state=seed, class_weight=weight),
    LOGISTIC_REGRESSION: lambda _, weight: _logistic_regression(class_weight=weight),
    "words and characters, tf-idf, LinearSVC": lambda _, weight: _words_and_characters(
        class_weight=weight
    ),
}
# For two classes of which one is rare.
WEIGHTED_MODELS: dict[str, Callable[[int], Pipeline]] = {
    f"{name}, class_weight={weight!r}": partial(make, weight=weight)
    for name, make in _MAKERS.items()
    for weight in (None, "balanced")
}
