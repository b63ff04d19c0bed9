"""What people build of the package's estimators and of scikit-learn's."""

import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline

import skimdb
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.feature_extraction import CharacterEncoder, LogCountRatioScaler, WordIndexEncoder

pytest.importorskip("skops.io")

TEXTS = np.array(["a good film", "a bad film", "good fun", "bad, bad film!"] * 10, dtype=object)
LABELS = np.array(["positive", "negative"] * 20)
DENSE = DenseSentimentClassifier(2, layers=1, epochs=1, random_state=0)
WORDS = make_pipeline(WordIndexEncoder(), MultiHotVectorizer(None, ngram_range=(1, 2)))
CHARACTERS = make_pipeline(
    CharacterEncoder(), MultiHotVectorizer(None, oov_char=None, ngram_range=(1, 2))
)
TEXT = Pipeline(
    [
        ("features", FeatureUnion([("words", WORDS), ("characters", CHARACTERS)])),
        ("ratios", LogCountRatioScaler()),
        ("classifier", DENSE),
    ]
)
PEER = make_pipeline(TfidfVectorizer(), LogisticRegression())
PAIR = [("text", TEXT), ("peer", PEER)]
F1 = make_scorer(f1_score, pos_label="positive")
FOLDS = StratifiedKFold(2)

COMPOSITES = {
    "voting": VotingClassifier(PAIR, voting="soft"),
    "stacking": StackingClassifier(PAIR, cv=2),
    "sigmoid": CalibratedClassifierCV(TEXT, cv=2),
    "isotonic": CalibratedClassifierCV(TEXT, cv=2, method="isotonic", ensemble=False),
    "tuned": TunedThresholdClassifierCV(TEXT, cv=2),
    "tuned F1": TunedThresholdClassifierCV(TEXT, cv=FOLDS, scoring=F1, store_cv_results=True),
    "fixed": FixedThresholdClassifier(TEXT, threshold=0.4, pos_label="positive"),
    "one-vs-rest": OneVsRestClassifier(TEXT),
    "nested": VotingClassifier(
        [("tuned", TunedThresholdClassifierCV(CalibratedClassifierCV(TEXT, cv=2), cv=2))]
    ),
    "columns": make_pipeline(
        ColumnTransformer(
            [("words", WORDS, 0), ("tfidf", TfidfVectorizer(), 1), ("none", "drop", [0])]
        ),
        DENSE,
    ),
    "union": make_pipeline(FeatureUnion([("words", WORDS), ("tfidf", TfidfVectorizer())]), DENSE),
}


def inputs(name):
    return np.column_stack([TEXTS, TEXTS]) if name == "columns" else TEXTS


def reloaded(estimator, path):
    skimdb.save(estimator, path)
    return skimdb.load(path)


@pytest.mark.parametrize("name", COMPOSITES)
def test_composite_comes_back(path, name):
    X = inputs(name)
    fitted = clone(COMPOSITES[name]).fit(X, LABELS)
    loaded = reloaded(fitted, path)
    assert type(loaded) is type(fitted)
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    if hasattr(fitted, "predict_proba"):
        np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    assert repr(loaded) == repr(fitted)


def test_loaded_composite_can_be_fitted_again(path):
    loaded = reloaded(clone(COMPOSITES["voting"]), path).fit(TEXTS, LABELS)
    expected = clone(COMPOSITES["voting"]).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), expected.predict_proba(TEXTS))


@pytest.fixture(scope="module")
def fitted_text():
    return clone(TEXT).fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    "wrap", [FrozenEstimator, lambda text: make_pipeline(FrozenEstimator(text))]
)
def test_frozen_estimator_comes_back(path, fitted_text, wrap):
    loaded = reloaded(wrap(fitted_text), path)
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), fitted_text.predict_proba(TEXTS))


def test_calibrated_frozen_estimator_comes_back(path, fitted_text):
    calibrated = CalibratedClassifierCV(FrozenEstimator(fitted_text)).fit(TEXTS, LABELS)
    loaded = reloaded(calibrated, path)
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), calibrated.predict_proba(TEXTS))


def test_estimator_that_is_there_twice_comes_back_as_one(path, fitted_text):
    voting = VotingClassifier([("text", TEXT)]).fit(TEXTS, LABELS)
    loaded = reloaded(voting, path)
    assert loaded.estimators_[0] is loaded.named_estimators_["text"]


def test_saving_leaves_the_estimator_as_it_was(path):
    voting = VotingClassifier([("text", TEXT)]).fit(TEXTS, LABELS)
    before = vars(voting).copy()
    skimdb.save(voting, path)
    assert vars(voting) == before
    assert isinstance(voting.estimators_[0], Pipeline)


@pytest.fixture(scope="module")
def search():
    return GridSearchCV(TEXT, {"classifier__units": [1, 2]}, cv=2).fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    "wrap", [lambda search: search, FrozenEstimator, lambda search: Pipeline([("a", search)])]
)
def test_of_a_search_the_best_estimator_is_kept(path, search, wrap):
    estimator = wrap(search)
    with pytest.warns(UserWarning, match="Of GridSearchCV, save has kept only the best_estimator_"):
        skimdb.save(estimator, path)
    loaded = skimdb.load(path)
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), search.predict_proba(TEXTS))
    assert "GridSearchCV" not in repr(loaded)


def test_search_that_is_not_fitted_comes_back(path, search):
    unfitted = clone(search)
    assert repr(reloaded(unfitted, path)) == repr(unfitted)


def test_search_within_a_search(path):
    inner = GridSearchCV(DENSE, {"units": [1]}, cv=2)
    outer = GridSearchCV(make_pipeline(*WORDS, inner), {"gridsearchcv__cv": [2]}, cv=2)
    outer.fit(TEXTS, LABELS)
    with pytest.warns(UserWarning, match="Of GridSearchCV"):
        skimdb.save(outer, path)
    loaded = skimdb.load(path)
    assert "GridSearchCV" not in repr(loaded)
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), outer.predict_proba(TEXTS))


@pytest.mark.parametrize("name", ["sigmoid", "columns"])
def test_predictor_of_a_composite_needs_no_classifier(path, name):
    X = inputs(name)
    fitted = clone(COMPOSITES[name]).fit(X, LABELS)
    skimdb.save(fitted, path)
    predictor = skimdb.load_predictor(path)
    np.testing.assert_array_equal(predictor.predict_proba(X), fitted.predict_proba(X))
    assert "DenseSentimentPredictor" in repr(predictor)


def nested(n_pipelines, wrap):
    estimator = MultiHotVectorizer()
    for _ in range(n_pipelines):
        estimator = wrap(estimator)
    return estimator


WRAPPERS = {
    "pipelines": lambda estimator: Pipeline([("a", estimator)]),
    "unions": lambda estimator: FeatureUnion([("a", estimator)]),
    "frozen": FrozenEstimator,
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_nesting_is_bounded(path, wrapper):
    skimdb.save(nested(9, WRAPPERS[wrapper]), path)
    assert type(skimdb.load(path)) is type(nested(1, WRAPPERS[wrapper]))
    message = re.escape("estimators are nested 11 deep, one within another; at most 10 can be kept")
    with pytest.raises(ValueError, match=message):
        skimdb.save(nested(10, WRAPPERS[wrapper]), path)
