"""Explanations of single reviews: their contributions, and how they are shown."""

import os
import re
import sys
import tracemalloc
from html.parser import HTMLParser
from itertools import compress
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC

from skimdb import DenseSentimentClassifier, MultiHotVectorizer, make_text_classifier
from skimdb.datasets import fetch_imdb, make_reviews
from skimdb.feature_extraction import CharacterEncoder, LogCountRatioScaler, WordIndexEncoder
from skimdb.inspection import ReviewExplanation, ReviewExplanations, explain_reviews
from skimdb.inspection._review_words import ReviewWord

WORDS = {"the": 1, "film": 2, "is": 3, "great": 4, "not": 5, "dull": 6, "<b>bad</b>": 7}
TEXTS = [
    "the film is great",
    "the film is not dull",
    "great, great film",
    "the film is dull",
    "not a great film",
    "dull and not great",
]
SENTIMENTS = ["positive", "positive", "positive", "negative", "negative", "negative"]


def encode(text: str) -> list[int]:
    return [1, *(WORDS[word] + 3 for word in text.split())]


REVIEWS, LABELS = make_reviews(240, num_words=150, random_state=0)


def reviews_pipeline(*steps: Any) -> Pipeline:
    return make_pipeline(MultiHotVectorizer(num_words=150), *steps).fit(REVIEWS, LABELS)


def network(**parameters: Any) -> DenseSentimentClassifier:
    defaults = {"units": 5, "epochs": 15, "learning_rate": 0.02, "random_state": 0}
    return DenseSentimentClassifier(**(defaults | parameters))


def text_pipeline(*steps: Any) -> Pipeline:
    steps = steps or (CountVectorizer(binary=True), LogisticRegression())
    return make_pipeline(*steps).fit(TEXTS, SENTIMENTS)


def as_dict(explanation: ReviewExplanation) -> dict[str, float]:
    return dict(zip(explanation.names, explanation.contributions, strict=True))


def occlude_by_hand(pipeline: Pipeline, review: Any, log_odds: Any) -> dict[str, float]:
    """Remove each word index from a review and classify the rest."""
    indices = np.unique(review).tolist()
    full, *without = log_odds(pipeline, [review, *(review[review != i] for i in indices)])
    return {f"index_{i}": full - each for i, each in zip(indices, without, strict=True)}


def decision(pipeline: Pipeline, reviews: Any) -> Any:
    return pipeline.decision_function(reviews)


def joint_log_odds(pipeline: Pipeline, reviews: Any) -> Any:
    negative, positive = pipeline[-1].predict_joint_log_proba(pipeline[:-1].transform(reviews)).T
    return positive - negative


def clipped_log_odds(pipeline: Pipeline, reviews: Any) -> Any:
    eps = np.finfo(np.float64).eps
    return logit(np.clip(pipeline.predict_proba(reviews)[:, 1], eps, 1 - eps))


class UntidyVectorizer(MultiHotVectorizer):
    """Returns a CSR matrix in which each 1 is split into 0.25, 0.75 and an explicit 0."""

    def __init__(self, kind: Any = sp.csr_array) -> None:
        super().__init__(num_words=150)
        self.kind = kind

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        return self.fit(X).transform(X)

    def transform(self, X: Any) -> Any:
        tidy = super().transform(X)
        data = np.tile([0.25, 0.75, 0.0], tidy.nnz).astype(np.float32)
        return self.kind((data, np.repeat(tidy.indices, 3), 3 * tidy.indptr), shape=tidy.shape)


class TestOcclusion:
    @pytest.mark.parametrize(
        ("steps", "log_odds"),
        [
            ([LogisticRegression()], decision),
            ([TfidfTransformer(), LogisticRegression()], decision),
            ([TruncatedSVD(5, random_state=0), LogisticRegression()], decision),
            ([SelectKBest(chi2, k=30), LinearSVC()], decision),
            ([LogCountRatioScaler(), network()], decision),
            ([network(activation="gelu", epochs=5)], decision),
            ([network(dropout=0.3, layers=1, activation="tanh")], decision),
            ([MaxAbsScaler(), network()], decision),
            ([MultinomialNB()], joint_log_odds),
            ([RandomForestClassifier(20, random_state=0)], clipped_log_odds),
        ],
        ids=lambda value: getattr(value, "__name__", None) or type(value[0]).__name__,
    )
    def test_is_how_much_the_log_odds_fall_without_the_word(
        self, steps: list[Any], log_odds: Any
    ) -> None:
        pipeline = reviews_pipeline(*steps)
        for review, explanation in zip(
            REVIEWS[:3], explain_reviews(pipeline, REVIEWS[:3]), strict=True
        ):
            expected = occlude_by_hand(pipeline, review, log_odds)
            found = as_dict(explanation)
            assert found.keys() == expected.keys()
            assert any(abs(value) > 1e-3 for value in expected.values())
            for name, value in found.items():
                assert value == pytest.approx(expected[name], abs=2e-5)
            assert explanation.log_odds == pytest.approx(log_odds(pipeline, [review])[0], abs=1e-5)

    @pytest.mark.parametrize("classifier", [LogisticRegression(), GaussianNB(), network()], ids=str)
    def test_dense_features(self, classifier: Any) -> None:
        vectorizer = MultiHotVectorizer(num_words=150, sparse_output=False)
        pipeline = make_pipeline(vectorizer, classifier).fit(REVIEWS, LABELS)
        log_odds = joint_log_odds if isinstance(classifier, GaussianNB) else decision
        (explanation,) = explain_reviews(pipeline, REVIEWS[:1])
        expected = occlude_by_hand(pipeline, REVIEWS[0], log_odds)
        assert as_dict(explanation) == pytest.approx(expected, abs=1e-4)

    @pytest.mark.parametrize("kind", [sp.csr_array, sp.csr_matrix])
    def test_features_with_explicit_zeros_and_duplicates(self, kind: Any) -> None:
        pipeline = make_pipeline(UntidyVectorizer(kind), LogisticRegression())
        pipeline.fit(REVIEWS, LABELS)
        assert pipeline[0].transform(REVIEWS[:1]).nnz == 3 * len(np.unique(REVIEWS[0]))
        (explanation,) = explain_reviews(pipeline, REVIEWS[:1])
        expected = occlude_by_hand(pipeline, REVIEWS[0], decision)
        assert as_dict(explanation) == pytest.approx(expected, abs=2e-5)

    @pytest.mark.parametrize("kind", [sp.csc_array, sp.coo_matrix])
    def test_features_in_another_sparse_format(self, kind: Any) -> None:
        class Vectorizer(CountVectorizer):
            def transform(self, raw_documents: Any) -> Any:
                return kind(super().transform(raw_documents))

        pipeline = make_pipeline(Vectorizer(), LogisticRegression()).fit(TEXTS, SENTIMENTS)
        plain = make_pipeline(CountVectorizer(), LogisticRegression()).fit(TEXTS, SENTIMENTS)
        for one, other in zip(
            explain_reviews(pipeline, TEXTS), explain_reviews(plain, TEXTS), strict=True
        ):
            assert as_dict(one) == pytest.approx(as_dict(other), abs=1e-6)

    @pytest.mark.parametrize("sparse_output", [True, False])
    def test_long_reviews_take_little_memory(self, sparse_output: bool) -> None:
        reviews = [np.arange(start, 3000) for start in (0, 300, 600, 900)]
        vectorizer = MultiHotVectorizer(3000, sparse_output=sparse_output, dtype=np.float64)
        pipeline = make_pipeline(vectorizer, LogisticRegression()).fit(reviews, [0, 1, 1, 0])
        tracemalloc.start()
        explanations = explain_reviews(pipeline, reviews)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2e8  # without blocks, more than 5e8
        for explanation in explanations:
            columns = [int(name.removeprefix("index_")) for name in explanation.names]
            coef = pipeline[-1].coef_[0, columns]
            np.testing.assert_allclose(explanation.contributions, coef, atol=1e-9)

    def test_reviews_are_explained_independently(self) -> None:
        pipeline = reviews_pipeline(network())
        together = explain_reviews(pipeline, REVIEWS[:5])
        for review, explanation in zip(REVIEWS[:5], together, strict=True):
            (alone,) = explain_reviews(pipeline, [review])
            assert as_dict(explanation) == pytest.approx(as_dict(alone), abs=1e-5)

    def test_saturated_network_is_still_explained(self) -> None:
        pipeline = reviews_pipeline(network(layers=0))
        kernel, bias = pipeline[-1].model_.get_weights()
        pipeline[-1].model_.set_weights([100 * kernel, bias])
        (explanation,) = explain_reviews(pipeline, REVIEWS[:1])
        names = pipeline[:-1].get_feature_names_out().tolist()
        assert 0 in pipeline.predict_proba(REVIEWS[:1]).astype(np.float16)
        for name, value in as_dict(explanation).items():
            assert value == pytest.approx(100 * kernel[names.index(name), 0], abs=1e-3)

    def test_step_may_work_in_place(self) -> None:
        expected = explain_reviews(
            reviews_pipeline(LogCountRatioScaler(), LogisticRegression()), REVIEWS[:3]
        )
        in_place = reviews_pipeline(LogCountRatioScaler(copy=False), LogisticRegression())
        for method in ("occlusion", "gradient"):
            found = explain_reviews(in_place, REVIEWS[:3], method=method)
            for one, other in zip(found, expected, strict=True):
                assert as_dict(one) == pytest.approx(as_dict(other), abs=1e-5)


class TestGradient:
    @pytest.mark.parametrize(
        ("activation", "scaler"),
        [("tanh", None), ("relu", LogCountRatioScaler()), ("softplus", LogCountRatioScaler())],
    )
    def test_is_the_numerical_gradient_times_the_value(self, activation: str, scaler: Any) -> None:
        epochs = 1 if activation == "softplus" else 15  # Keras trains it, which takes longer
        pipeline = reviews_pipeline(scaler, network(activation=activation, epochs=epochs))
        (explanation,) = explain_reviews(pipeline, REVIEWS[:1], method="gradient")
        weights = [w.astype(np.float64) for w in pipeline[-1].model_.get_weights()]
        x = pipeline[:-1].transform(REVIEWS[:1]).toarray()[0].astype(np.float64)

        functions = {
            "tanh": np.tanh,
            "relu": lambda sums: np.maximum(sums, 0),
            "softplus": lambda sums: np.logaddexp(sums, 0),
        }

        def log_odds(x: Any) -> float:
            for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
                x = functions[activation](x @ kernel + bias)
            return float((x @ weights[-2] + weights[-1])[0])

        h = 1e-6
        names = pipeline[:-1].get_feature_names_out()
        expected = {}
        for j in np.flatnonzero(x):
            step = np.zeros_like(x)
            step[j] = h
            expected[names[j]] = x[j] * (log_odds(x + step) - log_odds(x - step)) / (2 * h)
        assert as_dict(explanation) == pytest.approx(expected, abs=1e-4)

    @pytest.mark.parametrize(
        "steps",
        [
            [LogisticRegression()],
            [LinearSVC()],
            [network(layers=0)],
            [LogCountRatioScaler(), LogisticRegression()],
            [LogCountRatioScaler(), network(layers=0)],
        ],
        ids=str,
    )
    @pytest.mark.parametrize("method", ["occlusion", "gradient"])
    def test_linear_contributions_are_coefficient_times_value(
        self, steps: list[Any], method: Any
    ) -> None:
        pipeline = reviews_pipeline(*steps)
        if isinstance(pipeline[-1], LogisticRegression):
            pipeline[-1].sparsify()
        if hasattr(pipeline[-1], "coef_"):
            coef = pipeline[-1].coef_
            coef = coef.toarray()[0] if sp.issparse(coef) else coef[0]
        else:
            coef = pipeline[-1].model_.get_weights()[0][:, 0]
        X = pipeline[:-1].transform(REVIEWS[:5]).toarray()
        names = pipeline[:-1].get_feature_names_out()
        present = MultiHotVectorizer(num_words=150).transform(REVIEWS[:5]).toarray() > 0
        for row, has, explanation in zip(
            X, present, explain_reviews(pipeline, REVIEWS[:5], method=method), strict=True
        ):
            expected = {names[j]: row[j] * coef[j] for j in np.flatnonzero(has)}
            assert as_dict(explanation) == pytest.approx(expected, abs=1e-5)
            total = explanation.baseline + explanation.contributions.sum()
            assert total == pytest.approx(explanation.log_odds, abs=1e-4)

    def test_shifted_features_are_relative_to_absent_ones(self) -> None:
        vectorizer = MultiHotVectorizer(num_words=150, sparse_output=False, dtype=np.float64)
        pipeline = make_pipeline(vectorizer, StandardScaler(), LogisticRegression())
        pipeline.fit(REVIEWS, LABELS)
        for one, other in zip(
            explain_reviews(pipeline, REVIEWS[:3]),
            explain_reviews(pipeline, REVIEWS[:3], method="gradient"),
            strict=True,
        ):
            assert as_dict(one) == pytest.approx(as_dict(other), abs=1e-9)


THREE_LABELS = np.where(np.arange(len(REVIEWS)) % 3 == 0, 2, LABELS)


def log_odds_of(pipeline: Pipeline, reviews: Any, position: int) -> Any:
    probabilities = pipeline.predict_proba(reviews).astype(np.float64)
    others = np.delete(probabilities, position, axis=1).sum(axis=1)
    return np.log(probabilities[:, position] / others)


class TestTarget:
    @pytest.mark.parametrize(
        "steps",
        [
            [LogisticRegression()],
            [LogCountRatioScaler(), network()],
            [TfidfTransformer(), network(activation="tanh")],
            [MultinomialNB()],
        ],
        ids=str,
    )
    def test_contributions_are_to_the_log_odds_of_the_predicted_or_given_class(
        self, steps: list[Any]
    ) -> None:
        pipeline = make_pipeline(MultiHotVectorizer(num_words=150), *steps)
        labels = np.array(["a", "b", "c"])[THREE_LABELS]
        pipeline.fit(REVIEWS, labels)
        predicted = pipeline.predict(REVIEWS[:6])
        assert len(set(predicted)) > 1
        for target in (None, "b"):
            explanations = explain_reviews(pipeline, REVIEWS[:6], target=target)
            for review, each, label in zip(REVIEWS[:6], explanations, predicted, strict=True):
                assert each.predicted == label
                assert each.target == (target or label)
                position = "abc".index(each.target)

                def log_odds(p: Pipeline, reviews: Any, k: int = position) -> Any:
                    return log_odds_of(p, reviews, k)

                expected = occlude_by_hand(pipeline, review, log_odds)
                assert as_dict(each) == pytest.approx(expected, abs=5e-5)
                assert each.log_odds == pytest.approx(log_odds(pipeline, [review])[0], abs=1e-5)
                assert each.baseline == pytest.approx(log_odds(pipeline, [[]])[0], abs=1e-5)
                assert each.probability == pytest.approx(
                    pipeline.predict_proba([review])[0, position]
                )
                assert each.sides == ("other classes", each.target)

    @pytest.mark.parametrize("steps", [[LogisticRegression()], [network(layers=0)]], ids=str)
    def test_gradient_of_three_classes_is_the_numerical_one(self, steps: list[Any]) -> None:
        pipeline = reviews_pipeline(*steps)
        vectorizer = MultiHotVectorizer(num_words=150, dtype=np.float64)
        pipeline = make_pipeline(vectorizer, *steps).fit(REVIEWS, THREE_LABELS)
        (explanation,) = explain_reviews(pipeline, REVIEWS[:1], method="gradient", target=2)
        x = pipeline[0].transform(REVIEWS[:1]).toarray()
        h = 1e-3
        expected = {}
        for j in np.flatnonzero(x[0]):
            step = np.zeros_like(x)
            step[0, j] = h
            up, down = (
                logit(pipeline[-1].predict_proba(x + sign * step)[0, 2].astype(np.float64))
                for sign in (1, -1)
            )
            expected[f"index_{j}"] = (up - down) / (2 * h)
        assert as_dict(explanation) == pytest.approx(expected, abs=1e-3)

    @pytest.mark.parametrize("method", ["occlusion", "gradient"])
    def test_decision_value_of_the_class_without_predict_proba(self, method: Any) -> None:
        pipeline = make_pipeline(MultiHotVectorizer(num_words=150), LinearSVC())
        pipeline.fit(REVIEWS, THREE_LABELS)
        (explanation,) = explain_reviews(pipeline, REVIEWS[:1], method=method, target=1)
        for name, value in as_dict(explanation).items():
            coef = pipeline[-1].coef_[1, int(name.removeprefix("index_"))]
            assert value == pytest.approx(coef, abs=1e-5)
        value = f"{pipeline.decision_function(REVIEWS[:1])[0, 1]:+.2f}"
        assert explanation.title.endswith(f" (decision value of 1 {value})")

    @pytest.mark.parametrize("method", ["occlusion", "gradient"])
    @pytest.mark.parametrize("classifier", [LogisticRegression(), network()], ids=str)
    def test_first_of_two_classes_has_the_opposite_contributions(
        self, classifier: Any, method: Any
    ) -> None:
        pipeline = reviews_pipeline(classifier)
        (second,) = explain_reviews(pipeline, REVIEWS[:1], method=method)
        (first,) = explain_reviews(pipeline, REVIEWS[:1], method=method, target=0)
        assert as_dict(first) == pytest.approx({k: -v for k, v in as_dict(second).items()})
        assert (first.log_odds, first.baseline) == (-second.log_odds, -second.baseline)
        assert first.probability == pytest.approx(1 - second.probability)
        assert first.title.startswith(f"Predicted {second.predicted} (probability of 0: ")
        assert (first.sides, second.sides) == (("1", "0"), ("0", "1"))

    def test_class_of_no_tree_has_finite_log_odds(self) -> None:
        pipeline = make_pipeline(
            MultiHotVectorizer(num_words=150), RandomForestClassifier(2, random_state=0)
        )
        pipeline.fit(REVIEWS, THREE_LABELS)
        explanations = explain_reviews(pipeline, REVIEWS[:9], target=2)
        assert 0 in [each.probability for each in explanations]
        assert all(np.isfinite(each.contributions).all() for each in explanations)


class TestExplanation:
    def test_largest_contribution_comes_first(self) -> None:
        for explanation in explain_reviews(reviews_pipeline(LogisticRegression()), REVIEWS[:5]):
            sizes = np.abs(explanation.contributions)
            assert (np.diff(sizes) <= 0).all()

    def test_prediction_is_that_of_the_pipeline(self) -> None:
        pipeline = text_pipeline()
        explanations = explain_reviews(pipeline, TEXTS)
        assert [each.predicted for each in explanations] == pipeline.predict(TEXTS).tolist()
        probability = [each.probability for each in explanations]
        np.testing.assert_allclose(probability, pipeline.predict_proba(TEXTS)[:, 1])
        assert explanations[0].classes.tolist() == ["negative", "positive"]

    def test_prediction_is_that_of_a_classifier_with_another_threshold(self) -> None:
        classifier = FixedThresholdClassifier(LogisticRegression(), threshold=0.55)
        pipeline = text_pipeline(CountVectorizer(binary=True), classifier)
        explanations = explain_reviews(pipeline, TEXTS)
        assert [each.predicted for each in explanations] == pipeline.predict(TEXTS).tolist()
        (between,) = explain_reviews(pipeline, ["film"])
        assert 0 < between.log_odds < logit(0.55)
        assert between.title.startswith("Predicted negative (probability of positive: 0.5")

    def test_probability_is_that_of_the_classifier(self) -> None:
        class Doubtful(LinearSVC):
            def predict_proba(self, X: Any) -> Any:
                return np.tile([0.375, 0.625], (X.shape[0], 1))

        (explanation,) = explain_reviews(text_pipeline(CountVectorizer(), Doubtful()), ["great"])
        assert explanation.probability == 0.625
        assert "(probability of positive: 0.625, log-odds " in explanation.title

    @pytest.mark.parametrize("classifier", [LinearSVC(), SVC(kernel="linear")], ids=str)
    def test_decision_value_is_shown_without_predict_proba(self, classifier: Any) -> None:
        pipeline = text_pipeline(CountVectorizer(), classifier)
        (explanation,) = explanations = explain_reviews(pipeline, TEXTS[:1])
        assert explanation.probability is None
        value = f"{pipeline.decision_function(TEXTS[:1])[0]:+.2f}"
        assert explanation.title == f"Predicted positive (decision value {value})"
        assert repr(explanations).splitlines()[2].split()[:4] == ["0", "positive", "-", value]

    def test_classifiers_of_pairs_of_classes_have_no_gradient(self) -> None:
        texts, labels = ["good", "bad", "so so", "awful"] * 3, [0, 1, 2, 3] * 3
        for n_classes in (3, 4):
            rows = [label < n_classes for label in labels]
            X, y = list(compress(texts, rows)), list(compress(labels, rows))
            pipeline = make_pipeline(CountVectorizer(), SVC(kernel="linear")).fit(X, y)
            assert len(explain_reviews(pipeline, X)) == len(X)
            with pytest.raises(ValueError, match="whose decision function is the features times"):
                explain_reviews(pipeline, X, method="gradient")
            pipeline[-1].decision_function_shape = "ovo"
            with pytest.raises(ValueError, match="set decision_function_shape='ovr'"):
                explain_reviews(pipeline, X)

    def test_baseline_is_the_log_odds_of_a_review_without_words(self) -> None:
        for pipeline in [text_pipeline(), text_pipeline(TfidfVectorizer(), LogisticRegression())]:
            (explanation,) = explain_reviews(pipeline, ["great"])
            assert explanation.baseline == pytest.approx(pipeline.decision_function([""])[0])

    @pytest.mark.parametrize("method", ["occlusion", "gradient"])
    @pytest.mark.parametrize("classifier", [LogisticRegression(), network()], ids=str)
    def test_all_reviews_may_be_without_features(self, classifier: Any, method: Any) -> None:
        pipeline = reviews_pipeline(classifier)
        first, second = explain_reviews(pipeline, [[], []], method=method)
        assert len(first.names) == len(first.contributions) == 0
        assert first.log_odds == pytest.approx(first.baseline, rel=1e-6)
        assert second.log_odds == pytest.approx(first.baseline, rel=1e-6)

    def test_review_without_features_is_the_baseline(self) -> None:
        empty, other = explain_reviews(text_pipeline(), ["", "great"])
        assert empty.log_odds == empty.baseline == other.baseline
        assert empty.names.tolist() == empty.contributions.tolist() == []
        assert empty.words == ()
        assert repr(empty).startswith("Predicted ")
        assert repr(empty).endswith("feature  contribution")
        assert "<p></p>" in empty._repr_html_()

    def test_to_frame_has_all_features(self) -> None:
        explanation = explain_reviews(reviews_pipeline(LogisticRegression()), REVIEWS[:1])[0]
        frame = explanation.to_frame()
        assert frame.columns.tolist() == ["feature", "contribution"]
        assert frame["feature"].tolist() == explanation.names.tolist()
        assert frame["contribution"].tolist() == explanation.contributions.tolist()
        assert len(frame) == len(np.unique(REVIEWS[0]))

    def test_repr_is_a_table(self) -> None:
        explanation = ReviewExplanation(
            names=np.array(["great", "not"], dtype=object),
            contributions=np.array([1.25, -0.5]),
            predicted="bad",
            probability=0.5,
            log_odds=0.0,
            baseline=-0.75,
            classes=np.array(["bad", "good"]),
            target="good",
            words=(),
            is_in_words=np.zeros(2, dtype=bool),
        )
        assert repr(explanation).splitlines() == [
            "Predicted bad (probability of good: 0.500, log-odds +0.00)",
            "feature  contribution",
            "great          +1.250",
            "not            -0.500",
        ]

    def test_repr_shows_20_features(self) -> None:
        explanation = explain_reviews(reviews_pipeline(LogisticRegression()), REVIEWS[:1])[0]
        lines = repr(explanation).splitlines()
        assert len(lines) == 23
        assert lines[21].split()[0] == explanation.names[19]
        assert lines[-1] == f"... and {len(explanation.names) - 20} more"

    @pytest.mark.parametrize("n_reviews", [1, 2])
    def test_frames_need_pandas(self, n_reviews: int, monkeypatch: pytest.MonkeyPatch) -> None:
        explanations = explain_reviews(text_pipeline(), TEXTS)
        monkeypatch.setitem(sys.modules, "pandas", None)
        for result in (explanations, explanations[0]):
            name = type(result).__name__
            with pytest.raises(
                ImportError,
                match=f"{name}.to_frame needs pandas, which is not installed: pip install",
            ):
                result.to_frame()


class TestExplanations:
    def test_is_a_sequence(self) -> None:
        explanations = explain_reviews(text_pipeline(), TEXTS)
        assert len(explanations) == 6
        assert [each.log_odds for each in explanations][-1] == explanations[-1].log_odds
        assert isinstance(explanations[1:3], ReviewExplanations)
        assert list(explanations[1:3]) == [explanations[1], explanations[2]]

    def test_to_frame_numbers_the_reviews(self) -> None:
        explanations = explain_reviews(text_pipeline(), ["great film", "", "dull"])
        frame = explanations.to_frame()
        assert frame.columns.tolist() == ["review", "feature", "contribution"]
        assert frame["review"].tolist() == [0, 0, 2]
        for number, rows in frame.groupby("review"):
            assert dict(zip(rows["feature"], rows["contribution"], strict=True)) == as_dict(
                explanations[number]
            )

    def test_to_frame_without_reviews(self) -> None:
        assert len(ReviewExplanations([]).to_frame()) == 0

    def test_repr_has_a_row_for_each_of_20_reviews(self) -> None:
        explanations = explain_reviews(reviews_pipeline(LogisticRegression()), REVIEWS[:25])
        lines = repr(explanations).splitlines()
        assert lines[0] == "ReviewExplanations (n_reviews=25)"
        assert len(lines) == 23
        first = explanations[0]
        assert lines[2].split(maxsplit=4) == [
            "0",
            str(first.predicted),
            f"{first.probability:.3f}",
            f"{first.log_odds:+.2f}",
            ", ".join(first.names[:3]),
        ]
        assert lines[-1] == "... and 5 more"
        assert len(repr(explanations[:20]).splitlines()) == 22

    def test_html_shows_20_reviews(self) -> None:
        explanations = explain_reviews(reviews_pipeline(LogisticRegression()), REVIEWS[:21])
        html = explanations._repr_html_()
        assert html.count("<div>") == 20
        assert html.startswith(explanations[0]._repr_html_())
        assert html.endswith("<p>... and 1 more</p>")


def approx_shades(explanation: ReviewExplanation) -> list[tuple[str, Any]]:
    """Return the shades to compare with others up to rounding."""
    return [(text, pytest.approx(shade, abs=1e-9)) for text, shade in shades(explanation)]


def shades(explanation: ReviewExplanation) -> list[tuple[str, float]]:
    texts = [word.text for word in explanation.words]
    return list(zip(texts, explanation.word_contributions().tolist(), strict=True))


class TestWords:
    def test_words_of_a_text_keep_order_case_and_punctuation(self) -> None:
        (explanation,) = explain_reviews(text_pipeline(), ["Great!  A not-dull\nfilm, GREAT."])
        value = as_dict(explanation)
        assert value.keys() == {"great", "not", "dull", "film"}
        assert approx_shades(explanation) == [
            ("Great!", value["great"] / 2),
            ("A", 0.0),
            ("not-dull", value["not"] + value["dull"]),
            ("film,", value["film"]),
            ("GREAT.", value["great"] / 2),
        ]

    def test_start_marker_of_an_encoder_is_not_a_word(self) -> None:
        pipeline = text_pipeline(
            WordIndexEncoder(), MultiHotVectorizer(num_words=None), LogisticRegression()
        )
        (explanation,) = explain_reviews(pipeline, ["Great, unknown film"])
        value = as_dict(explanation)
        assert value.keys() == {"<start>", "<oov>", "great", "film"}
        assert approx_shades(explanation) == [
            ("Great,", value["great"]),
            ("unknown", value["<oov>"]),
            ("film", value["film"]),
        ]
        assert explanation.names[~explanation.is_in_words].tolist() == ["<start>"]

    def test_words_of_indices_are_named_by_the_word_index(self) -> None:
        vectorizer = MultiHotVectorizer(num_words=8, word_index=WORDS)
        pipeline = make_pipeline(vectorizer, LogisticRegression())
        pipeline.fit([[1, 4, 5, 7], [1, 4, 5, 6]], [0, 1])
        review = [0, 0, *encode("the dull film"), 5000]
        (explanation,) = explain_reviews(pipeline, [review])
        value = as_dict(explanation)
        # "dull" is in the word index, but beyond num_words.
        assert value.keys() == {"<pad>", "<start>", "<oov>", "the", "film"}
        assert approx_shades(explanation) == [
            ("the", value["the"]),
            ("dull", value["<oov>"] / 2),
            ("film", value["film"]),
            ("<oov>", value["<oov>"] / 2),
        ]

    def test_words_without_a_feature_are_shown_too(self) -> None:
        vectorizer = MultiHotVectorizer(num_words=8, oov_char=None)
        pipeline = make_pipeline(vectorizer, LogisticRegression())
        pipeline.fit([[1, 4, 5, 7], [1, 4, 5, 6]], [0, 1])
        (explanation,) = explain_reviews(pipeline, [[1, 6, 9]])
        assert approx_shades(explanation) == [
            ("index_6", as_dict(explanation)["index_6"]),
            ("index_9", 0.0),
        ]

    @pytest.mark.parametrize(
        "make",
        [
            tuple,
            lambda rows: np.array(rows, dtype=object),
            pd.Series,
            pl.Series,
            pa.array,
            np.array,
            lambda rows: np.array(rows, dtype=float),
        ],
        ids=["tuple", "object array", "pandas", "polars", "pyarrow", "2-D array", "float array"],
    )
    def test_any_container_of_sequences(self, make: Any) -> None:
        pipeline = reviews_pipeline(LogisticRegression())
        rows = [REVIEWS[0][:9].tolist(), REVIEWS[1][:9].tolist()]
        expected = explain_reviews(pipeline, rows)
        found = explain_reviews(pipeline, make(rows))
        assert [each.words for each in found] == [each.words for each in expected]
        assert len(expected[0].words) == 8

    @pytest.mark.parametrize("make", [np.array, pd.Series, tuple], ids=str)
    def test_any_container_of_texts(self, make: Any) -> None:
        expected = explain_reviews(text_pipeline(), TEXTS)
        found = explain_reviews(text_pipeline(), make(TEXTS))
        assert [each.words for each in found] == [each.words for each in expected]

    def test_ngrams_are_divided_among_their_words(self) -> None:
        vectorizer = CountVectorizer(binary=True, ngram_range=(1, 3))
        pipeline = text_pipeline(vectorizer, LogisticRegression())
        (explanation,) = explain_reviews(pipeline, ["Film is not dull. Is not great"])
        value = as_dict(explanation)
        third = value["film is not"] / 3
        # "is not" and "not" stand there twice.
        expected = {
            "Film": value["film"] + value["film is"] / 2 + third,
            "not": value["not"] / 2 + value["is not"] / 4 + value["not dull"] / 2,
        }
        expected["not"] += (value["film is not"] + value["is not dull"]) / 3
        found = shades(explanation)
        assert found[0] == ("Film", pytest.approx(expected["Film"]))
        assert found[2] == ("not", pytest.approx(expected["not"]))
        assert sum(shade for _, shade in found) == pytest.approx(explanation.contributions.sum())
        assert explanation.is_in_words.all()

    def test_words_within_a_word_are_taken_in_the_order_of_the_text_with_repeats(self) -> None:
        vectorizer = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]")
        pipeline = make_pipeline(vectorizer, LogisticRegression())
        pipeline.fit(["ha-ha-ha film.", "a film. dull - film", ". dull"], [1, 1, 0])
        (explanation,) = explain_reviews(pipeline, ["Ha-ha-ha film. Dull"])
        value = as_dict(explanation)
        assert value.keys() == {
            *("ha", "-", "film", ".", "dull", "ha -", "- ha", "ha film", "film .", ". dull")
        }
        (_, ha), (_, film), (_, dull) = shades(explanation)
        assert ha == pytest.approx(
            value["ha"] + value["-"] + value["ha -"] + value["- ha"] + value["ha film"] / 2
        )
        assert film == pytest.approx(
            value["film"] + value["."] + value["film ."] + (value["ha film"] + value[". dull"]) / 2
        )
        assert dull == pytest.approx(value["dull"] + value[". dull"] / 2)

    def test_stop_words_are_left_out_between_the_words_of_an_ngram(self) -> None:
        vectorizer = CountVectorizer(ngram_range=(2, 2), stop_words=["is"])
        pipeline = make_pipeline(vectorizer, LogisticRegression())
        pipeline.fit(["film is dull", "film is great"], [0, 1])
        (explanation,) = explain_reviews(pipeline, ["The film is dull"])
        assert explanation.names.tolist() == ["film dull"]
        half = explanation.contributions[0] / 2
        assert approx_shades(explanation) == [
            ("The", 0.0),
            ("film", half),
            ("is", 0.0),
            ("dull", half),
        ]

    @pytest.mark.parametrize("analyzer", ["char", "char_wb"])
    def test_ngrams_of_characters_are_divided_among_the_words_that_have_them(
        self, analyzer: str
    ) -> None:
        vectorizer = CountVectorizer(analyzer=analyzer, ngram_range=(1, 3))
        pipeline = text_pipeline(vectorizer, LogisticRegression())
        (explanation,) = explain_reviews(pipeline, ["Not  great"])
        value = as_dict(explanation)
        text = "not great" if analyzer == "char" else " not  great "
        expected = {"Not": 0.0, "great": 0.0}
        for name, contribution in value.items():
            places = [
                (start, start + len(name))
                for start in range(len(text))
                if text.startswith(name, start) and "  " not in name
            ]
            for start, stop in places:
                where = [i for i in range(start, stop) if text[i] != " "]
                for i in where:
                    word = "Not" if i < 4 - (analyzer == "char") else "great"
                    expected[word] += contribution / len(places) / len(where)
        assert dict(shades(explanation)) == pytest.approx(expected)
        assert explanation.names[~explanation.is_in_words].tolist() == [" "]

    def test_each_character_of_a_script_without_spaces_is_a_word(self) -> None:
        texts = ["很好", "不好", "好吃", "不行"]
        steps = CharacterEncoder(), MultiHotVectorizer(None, ngram_range=(1, 2))
        pipeline = make_pipeline(*steps, LogisticRegression()).fit(texts, [1, 0, 1, 0])
        (explanation,) = explain_reviews(pipeline, ["Ok 不好吃!"])
        value = as_dict(explanation)
        assert value.keys() == {" ", " 不", "不", "好", "吃", "不好", "好吃"}
        assert [word.is_joined for word in explanation.words] == [False, False, True, True, True]
        assert approx_shades(explanation) == [
            ("Ok", 0.0),
            ("不", value["不"] + value[" 不"] + value["不好"] / 2),
            ("好", value["好"] + value["不好"] / 2 + value["好吃"] / 2),
            ("吃", value["吃"] + value["好吃"] / 2),
            ("!", 0),
        ]
        assert "Ok <span" in explanation._repr_html_()
        assert "不</span><span" in explanation._repr_html_()

    def test_word_of_a_script_without_spaces_is_shown_at_its_characters(self) -> None:
        steps = WordIndexEncoder(), MultiHotVectorizer(None, word_index=None), LogisticRegression()
        pipeline = make_pipeline(*steps).fit(["很好。不错", "不行。很好"], [1, 0])
        (explanation,) = explain_reviews(pipeline, ["很好。不错"])
        value = as_dict(explanation)
        assert [text for text, _ in shades(explanation)] == [*"很好。不错"]
        assert [shade for _, shade in shades(explanation)] == pytest.approx(
            [value["很好"] / 2, value["很好"] / 2, 0, value["不错"] / 2, value["不错"] / 2]
        )

    def test_features_of_unknown_vectorizers_are_listed_below_the_text(self) -> None:
        class Lengths(TransformerMixin, BaseEstimator):
            def fit(self, X: Any, y: Any = None) -> Self:
                self.fitted_ = True
                return self

            def transform(self, X: Any) -> Any:
                return np.array([[len(text), text.count(",")] for text in X], dtype=float)

            def get_feature_names_out(self, input_features: Any = None) -> Any:
                return np.array(["length", "marks"], dtype=object)

        union = FeatureUnion([("words", CountVectorizer()), ("other", Lengths())])
        pipeline = text_pipeline(union, LogisticRegression())
        (explanation,) = explain_reviews(pipeline, ["Great film,"])
        value = as_dict(explanation)
        assert approx_shades(explanation) == [
            ("Great", value["words__great"]),
            ("film,", value["words__film"]),
        ]
        below = [f"other__{name} {value[f'other__{name}']:+.3f}" for name in ("length", "marks")]
        html = explanation._repr_html_()
        assert re.search(r"<br>Not in the text: (.*)</small>", html)[1] in (
            ", ".join(below),
            ", ".join(below[::-1]),
        )

    def test_only_the_largest_contributions_are_listed_below_the_text(self) -> None:
        names = [f"marker_{i}" for i in range(24)]
        explanation = ReviewExplanation(
            names=np.array(names, dtype=object),
            contributions=np.append(np.linspace(2, -0.1, 22), [0.0004, -0.0004]),
            predicted="good",
            probability=0.5,
            log_odds=0.0,
            baseline=0.0,
            classes=np.array(["bad", "good"]),
            target="good",
            words=(ReviewWord("film", 0.0),),
            is_in_words=np.zeros(24, dtype=bool),
        )
        html = explanation._repr_html_()
        assert html.endswith(", marker_19 +0.100, and 1 more -0.100</small></p></div>")

    def test_ngrams_of_word_indices(self) -> None:
        vectorizer = MultiHotVectorizer(num_words=None, ngram_range=(1, 2), word_index=WORDS)
        pipeline = make_pipeline(vectorizer, LogisticRegression())
        pipeline.fit([encode(text) for text in ["not dull", "not great", "great film"]], [1, 0, 1])
        (explanation,) = explain_reviews(pipeline, [encode("not great film")])
        value = as_dict(explanation)
        assert value.keys() == {"not", "great", "film", "not great", "great film"}
        halves = value["not great"] / 2, value["great film"] / 2
        assert [shade for _, shade in shades(explanation)] == pytest.approx(
            [value["not"] + halves[0], value["great"] + sum(halves), value["film"] + halves[1]]
        )

    def test_ngrams_without_single_words(self) -> None:
        vectorizer = CountVectorizer(binary=True, ngram_range=(2, 2))
        pipeline = text_pipeline(vectorizer, LogisticRegression())
        (explanation,) = explain_reviews(pipeline, ["Not dull!"])
        (value,) = explanation.contributions
        assert approx_shades(explanation) == [("Not", value / 2), ("dull!", value / 2)]

    @given(st.lists(st.sampled_from(["the", "film", "great", "dull", "unknown"]), max_size=12))
    def test_occurrences_of_a_word_share_its_contribution(self, words: list[str]) -> None:
        (explanation,) = explain_reviews(PIPELINE, [" ".join(words)])
        value = as_dict(explanation)
        assert [word for word, _ in shades(explanation)] == words
        assert [shade for _, shade in shades(explanation)] == pytest.approx(
            [value.get(word, 0.0) / words.count(word) for word in words]
        )

    def test_reviews_that_are_neither_texts_nor_indices_have_no_words(self) -> None:
        X = pd.DataFrame(np.eye(4), columns=["one", "two", "three", "four"])
        pipeline = make_pipeline(StandardScaler(), LogisticRegression())
        for features in (X, X.to_numpy()):
            (explanation,) = explain_reviews(pipeline.fit(features, [0, 1, 0, 1]), features[:1])
            assert explanation.words == ()
            html = explanation._repr_html_()
            assert all(name in html for name in explanation.names)

    @pytest.mark.parametrize("kind", [sp.csr_array, sp.coo_array])
    def test_sparse_matrices_have_no_words(self, kind: Any) -> None:
        X = kind(np.eye(4))
        pipeline = make_pipeline(MaxAbsScaler(), LogisticRegression()).fit(X, [0, 1, 0, 1])
        (*_, last) = explain_reviews(pipeline, X)
        assert last.words == ()
        assert last.names.tolist() == ["x3"]

    def test_lists_of_tokens_have_no_words(self) -> None:
        tokens = [text.split() for text in TEXTS]
        pipeline = make_pipeline(CountVectorizer(analyzer=list), LogisticRegression())
        (explanation,) = explain_reviews(pipeline.fit(tokens, SENTIMENTS), tokens[:1])
        assert as_dict(explanation).keys() == {"the", "film", "is", "great"}
        assert explanation.words == ()

    def test_numbers_are_not_words_if_the_first_step_has_no_tags(self) -> None:
        # Earlier versions of Pipeline require tags.
        pytest.importorskip("sklearn", minversion="1.8")

        class Untagged:
            def fit(self, X: Any, y: Any = None) -> Self:
                self.vectorizer = CountVectorizer(analyzer=list).fit(X)
                return self

            def transform(self, X: Any) -> Any:
                return self.vectorizer.transform(X)

            def get_feature_names_out(self, input_features: Any = None) -> Any:
                return self.vectorizer.get_feature_names_out()

        pipeline = make_pipeline(Untagged(), LogisticRegression()).fit([[4, 5], [4, 6]], [0, 1])
        (explanation,) = explain_reviews(pipeline, [[4, 6]])
        assert as_dict(explanation).keys() == {"4", "6"}
        assert explanation.words == ()

    def test_dicts_have_no_words(self) -> None:
        counts = [dict.fromkeys(text.split(), 1) for text in TEXTS]
        pipeline = make_pipeline(DictVectorizer(), LogisticRegression())
        (explanation,) = explain_reviews(pipeline.fit(counts, SENTIMENTS), counts[:1])
        assert as_dict(explanation).keys() == {"the", "film", "is", "great"}
        assert explanation.words == ()

    def test_word_indices_that_are_tokens_are_named_by_their_number(self) -> None:
        reviews = [[1, 4, 5], [1, 7, 5], [1, 6, 7]]
        pipeline = make_pipeline(CountVectorizer(analyzer=list), LogisticRegression())
        (explanation,) = explain_reviews(pipeline.fit(reviews, [0, 1, 1]), [[1, 7, 5]])
        value = as_dict(explanation)
        assert value.keys() == {"1", "5", "7"}
        assert approx_shades(explanation) == [
            ("7", value["7"]),
            ("5", value["5"]),
        ]

    @pytest.mark.parametrize(
        ("make", "lower"),
        [
            (pd.Series, lambda texts: texts.str.lower()),
            (lambda texts: pd.Series(texts, dtype="category"), lambda texts: texts.str.lower()),
            (pl.Series, lambda texts: texts.str.to_lowercase()),
            (lambda texts: np.array(texts, dtype=object), lambda texts: texts.astype(str)),
            (np.array, np.strings.lower),
        ],
        ids=["pandas", "categories", "polars", "object array", "array"],
    )
    def test_first_step_gets_texts_in_their_own_container(self, make: Any, lower: Any) -> None:
        steps = FunctionTransformer(lower), CountVectorizer(binary=True), LogisticRegression()
        pipeline = make_pipeline(*steps)
        expected = explain_reviews(text_pipeline(), TEXTS)
        found = explain_reviews(pipeline.fit(make(TEXTS), SENTIMENTS), make(TEXTS))
        assert [each.words for each in found] == [each.words for each in expected]

    @pytest.mark.parametrize(
        ("make", "check"),
        [
            (pd.Series, lambda rows: rows.map(list)),
            (pl.Series, lambda rows: rows.list.head(99)),
            (lambda rows: pd.Series(rows).to_numpy(), lambda rows: rows[: rows.size]),
        ],
        ids=["pandas", "polars", "object array"],
    )
    def test_first_step_gets_indices_in_their_own_container(self, make: Any, check: Any) -> None:
        class Step(MultiHotVectorizer):
            def transform(self, X: Any) -> Any:
                check(X)
                return super().transform(X)

        reviews = [review.tolist() for review in REVIEWS]
        pipeline = make_pipeline(Step(150), LogisticRegression()).fit(make(reviews), LABELS)
        expected = explain_reviews(reviews_pipeline(LogisticRegression()), reviews[:3])
        found = explain_reviews(pipeline, make(reviews[:3]))
        assert [each.words for each in found] == [each.words for each in expected]


PIPELINE = text_pipeline()


class SpanParser(HTMLParser):
    """Collects texts and what stands below them, with the attributes of the tags around."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.attributes: dict[str, Any] = {}
        self.words: list[tuple[str, dict[str, Any]]] = []
        self.below: list[tuple[str, dict[str, Any]]] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes = dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        self.attributes = {}

    def handle_data(self, data: str) -> None:
        if data.strip():
            found = self.below if "small" in self.tags else self.words
            found.append((data.strip(), self.attributes))


class TestHtml:
    def make(self, words: list[str], contributions: list[float], label: str = "good") -> Any:
        explanation = ReviewExplanation(
            names=np.array(words, dtype=object),
            contributions=np.array(contributions),
            predicted=label,
            probability=0.731,
            log_odds=1.0,
            baseline=0.0,
            classes=np.array(["bad", label]),
            target=label,
            words=(),
            is_in_words=np.zeros(len(words), dtype=bool),
        )
        return SpanParser(explanation._repr_html_())

    def test_words_are_coloured_by_sign_and_size(self) -> None:
        parsed = self.make(["great", "fine", "dull"], [1.0, 0.5, -0.25])
        title, great, fine, dull = parsed.words
        assert title[0] == "Predicted good (probability of good: 0.731, log-odds +1.00)"
        assert great == (
            "great",
            {
                "title": "+1.000",
                "style": "background-color: rgba(0, 114, 178, 0.60); "
                "border-bottom: 2px solid rgba(0, 114, 178, 1.00)",
            },
        )
        assert "rgba(0, 114, 178, 0.30)" in fine[1]["style"]
        assert "rgba(230, 159, 0, 0.15)" in dull[1]["style"]
        assert "dotted" in dull[1]["style"]
        assert dull[1]["title"] == "-0.250"

    def test_word_without_contribution_is_plain(self) -> None:
        parsed = self.make(["film", "is"], [0.0, 0.0])
        assert parsed.words[1:] == [("film is", {})]

    def test_everything_is_escaped(self) -> None:
        nasty = "<script>alert('\"&')</script>"
        parsed = self.make([nasty, nasty], [0.5, 0.0], label=nasty)
        assert parsed.tags == {"div", "p", "b", "span", "small"}
        assert [text for text, _ in parsed.words[1:]] == [nasty, nasty]
        assert nasty in parsed.words[0][0]
        assert parsed.below[1][0] == f"For {nasty}"

    def test_what_colours_mean_stands_below_the_words(self) -> None:
        bad, good = self.make(["great"], [1.0]).below
        assert (bad[0], good[0]) == ("For bad", "For good")
        assert "rgba(230, 159, 0, 0.30)" in bad[1]["style"]
        assert "rgba(0, 114, 178, 0.30)" in good[1]["style"]

    def test_review_keeps_its_order_and_shows_no_markers(self) -> None:
        vectorizer = MultiHotVectorizer(num_words=None, word_index=WORDS)
        pipeline = make_pipeline(vectorizer, LogisticRegression())
        texts = ["film is <b>bad</b>", "great film"]
        pipeline.fit([encode(text) for text in texts], [0, 1])
        (explanation,) = explain_reviews(pipeline, [encode("film is <b>bad</b> not great film")])
        parsed = SpanParser(explanation._repr_html_())
        text = " ".join(word for word, _ in parsed.words[1:])
        assert text == "film is <b>bad</b> not great film"
        assert "b" in parsed.tags  # the title
        assert explanation._repr_html_().count("<b>") == 1


class OnlyPredicts(ClassifierMixin, BaseEstimator):
    """A classifier without decision values and probabilities."""

    def fit(self, X: Any, y: Any) -> Self:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.repeat(self.classes_[:1], X.shape[0])


class TestErrors:
    def test_unknown_method(self) -> None:
        with pytest.raises(
            ValueError, match=r"method must be 'occlusion' or 'gradient', got 'lime'"
        ):
            explain_reviews(text_pipeline(), TEXTS, method="lime")

    @pytest.mark.parametrize("estimator", [LogisticRegression(), None, "model"])
    def test_estimator_that_is_not_a_pipeline(self, estimator: Any) -> None:
        name = type(estimator).__name__
        with pytest.raises(
            TypeError, match=f"pipeline must be a scikit-learn Pipeline.*got {name}"
        ):
            explain_reviews(estimator, TEXTS)

    def test_pipeline_that_is_not_fitted(self) -> None:
        with pytest.raises(NotFittedError):
            explain_reviews(make_pipeline(MultiHotVectorizer(), LogisticRegression()), REVIEWS)

    @pytest.mark.parametrize("last", [LinearRegression(), OnlyPredicts()], ids=str)
    def test_pipeline_without_a_suitable_classifier(self, last: Any) -> None:
        pipeline = make_pipeline(MultiHotVectorizer(num_words=150), last).fit(REVIEWS, LABELS)
        name = type(last).__name__
        with pytest.raises(TypeError, match=f"decision_function or predict_proba, got {name}"):
            explain_reviews(pipeline, REVIEWS[:2])

    @pytest.mark.parametrize("target", ["neutral", 1])
    def test_target_that_is_not_a_class(self, target: Any) -> None:
        message = f"target must be one of the classes 'negative', 'positive', got {target!r}"
        with pytest.raises(ValueError, match=message):
            explain_reviews(text_pipeline(), TEXTS, target=target)

    def test_gradient_of_more_classes_than_two_whose_probabilities_are_not_softmax(self) -> None:
        pipeline = make_pipeline(
            MultiHotVectorizer(num_words=150), SGDClassifier(loss="log_loss", random_state=0)
        )
        pipeline.fit(REVIEWS, np.arange(len(REVIEWS)) % 3)
        with pytest.raises(ValueError, match=r"softmax.*SGDClassifier's are not\. .*occlusion"):
            explain_reviews(pipeline, REVIEWS[:1], method="gradient")

    @pytest.mark.parametrize("steps", [[], [FunctionTransformer()]], ids=str)
    def test_pipeline_without_a_vectorizer(self, steps: list[Any]) -> None:
        X = np.eye(4)
        pipeline = make_pipeline(*steps, LogisticRegression()).fit(X, [0, 1, 0, 1])
        names = [type(step).__name__ for step in steps]
        with pytest.raises(ValueError, match="pipeline must have a vectorizer") as raised:
            explain_reviews(pipeline, X)
        assert str(raised.value).endswith(f"{names}.")

    def test_step_that_returns_a_data_frame(self) -> None:
        vectorizer = MultiHotVectorizer(num_words=150, sparse_output=False)
        pipeline = make_pipeline(vectorizer, LogisticRegression()).set_output(transform="pandas")
        pipeline.fit(REVIEWS, LABELS)
        advice = r"MultiHotVectorizer returns a data frame: call set_output\(transform='default'\)"
        with pytest.raises(ValueError, match=advice):
            explain_reviews(pipeline, REVIEWS[:2])
        pipeline.set_output(transform="default").fit(REVIEWS, LABELS)
        assert len(explain_reviews(pipeline, REVIEWS[:2])) == 2

    def test_no_review(self) -> None:
        with pytest.raises(ValueError, match="X must contain at least one review, got none"):
            explain_reviews(text_pipeline(), [])

    def test_gradient_of_another_classifier(self) -> None:
        pipeline = reviews_pipeline(MultinomialNB())
        with pytest.raises(
            ValueError, match=r"gradient' needs Dense.*got MultinomialNB.*occlusion"
        ):
            explain_reviews(pipeline, REVIEWS[:1], method="gradient")

    @pytest.mark.parametrize(
        "step",
        [
            SelectKBest(chi2, k=9),
            TruncatedSVD(5),
            FunctionTransformer(lambda X: X[:, ::-1]),  # names no features
        ],
        ids=lambda step: type(step).__name__,
    )
    def test_gradient_through_a_step_that_does_not_scale(self, step: Any) -> None:
        pipeline = reviews_pipeline(step, LogisticRegression())
        name = type(step).__name__
        with pytest.raises(ValueError, match=f"needs steps that scale.*got .'{name}'.*occlusion"):
            explain_reviews(pipeline, REVIEWS[:1], method="gradient")

    def test_single_review_instead_of_several(self) -> None:
        with pytest.raises(ValueError, match="single value"):
            explain_reviews(reviews_pipeline(LogisticRegression()), REVIEWS[0])
        with pytest.raises(ValueError, match="Iterable over raw text documents expected"):
            explain_reviews(text_pipeline(), "great film")


@pytest.mark.parametrize("text", ["a\u200bb good film", "good\u200b film", "好 a・b film 好"])
def test_characters_that_vanish_within_a_word(text: str) -> None:
    texts = ["a good film", "a b bad film", "a・b 好", "not a good film", "bad film 坏", "坏 a b"]
    pipeline = make_text_classifier(random_state=0).fit(texts * 9, [1, 0, 1, 0, 0, 0] * 9)
    (explanation,) = explain_reviews(pipeline, [text])
    expected = explanation.contributions[explanation.is_in_words].sum()
    assert explanation.word_contributions().sum() == pytest.approx(expected, abs=1e-9)


class TestPipelines:
    def test_passthrough_steps_are_skipped(self) -> None:
        pipeline = make_pipeline(
            "passthrough", CountVectorizer(binary=True), None, LogisticRegression()
        ).fit(TEXTS, SENTIMENTS)
        assert repr(explain_reviews(pipeline, TEXTS)) == repr(
            explain_reviews(text_pipeline(), TEXTS)
        )

    def test_nested_pipelines(self) -> None:
        inner = make_pipeline(CountVectorizer(binary=True), MaxAbsScaler())
        pipeline = make_pipeline(inner, make_pipeline(LogisticRegression())).fit(TEXTS, SENTIMENTS)
        assert repr(explain_reviews(pipeline, TEXTS)) == repr(
            explain_reviews(text_pipeline(), TEXTS)
        )

    def test_padded_sequences_are_not_features(self) -> None:
        pad = FunctionTransformer(lambda X: np.array([row[:5] for row in X]))
        pipeline = make_pipeline(pad, MultiHotVectorizer(num_words=150), LogisticRegression())
        (explanation,) = explain_reviews(pipeline.fit(REVIEWS, LABELS), REVIEWS[:1])
        assert len(explanation.names) == len(np.unique(REVIEWS[0][:5]))


@pytest.mark.real_data
def test_words_of_real_reviews_share_all_contributions_but_that_of_blanks() -> None:
    table = pd.read_parquet(Path(os.environ["SKIMDB_DATA"], "imdb_test.parquet"))
    table = table.sample(1000, random_state=0)
    texts = table["text"].str.slice(0, 300)
    pipeline = make_text_classifier(ngram_range=(1, 2), char_ngram_range=(1, 2), random_state=0)
    pipeline.set_params(
        classifier__early_stopping=False, classifier__refit=False, classifier__epochs=1
    ).fit(texts, table["label"])
    for text, explanation in zip(texts, explain_reviews(pipeline, texts), strict=True):
        assert [word.text for word in explanation.words] == text.split()
        assert explanation.names[~explanation.is_in_words].tolist() == ["characters__ "]
        total = explanation.contributions.sum()
        blank = explanation.contributions[~explanation.is_in_words].sum()
        assert explanation.word_contributions().sum() + blank == pytest.approx(total, abs=1e-9)


@pytest.mark.real_data
@pytest.mark.parametrize("method", ["occlusion", "gradient"])
def test_words_ranked_highest_matter_more_than_random_words(method: Any) -> None:
    X, y = fetch_imdb(return_X_y=True)
    pipeline = make_pipeline(MultiHotVectorizer(), DenseSentimentClassifier(random_state=0))
    pipeline.fit(X, y)
    reviews = fetch_imdb(subset="test").data[:200]
    rng = np.random.default_rng(0)
    tops, randoms = [], []
    for review, explanation in zip(
        reviews, explain_reviews(pipeline, reviews, method=method), strict=True
    ):
        indices = np.array([int(name.removeprefix("index_")) for name in explanation.names])
        # The ten words that support the predicted class most.
        sign = 1 if explanation.log_odds > 0 else -1
        top = indices[np.argsort(-sign * explanation.contributions)[:10]]
        random = rng.choice(indices, 10, replace=False)
        kept = [review[~np.isin(review, words)] for words in (top, random)]
        top_log_odds, random_log_odds = pipeline.decision_function(kept)
        tops.append(sign * (explanation.log_odds - top_log_odds))
        randoms.append(abs(explanation.log_odds - random_log_odds))
    assert np.mean(tops) > 3 * np.mean(randoms)
    assert np.mean(np.array(tops) > randoms) > 0.95
