import sys

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from skimdb import MultiHotVectorizer
from skimdb.datasets import make_reviews
from skimdb.feature_extraction import LogCountRatioScaler
from skimdb.inspection import TopWords, WordContributionDisplay, explain_reviews, top_words
from tests.inspection.common import legend_texts

REVIEWS, LABELS = make_reviews(240, num_words=150, random_state=0)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    steps = MultiHotVectorizer(num_words=150), LogCountRatioScaler(), LogisticRegression()
    return make_pipeline(*steps).fit(REVIEWS, LABELS)


def test_words_are_ranked_by_the_spread_of_their_contributions(pipeline: Pipeline) -> None:
    frame = explain_reviews(pipeline, REVIEWS).to_frame()
    table = frame.pivot_table(index="review", columns="feature", values="contribution")
    spread = table.fillna(0).std(ddof=0).sort_values(ascending=False)
    words = top_words(pipeline, REVIEWS, n=30)
    assert len(words.names) == 30
    np.testing.assert_allclose(words.spreads, spread[:30], atol=1e-9)
    np.testing.assert_allclose(words.spreads, spread[words.names], atol=1e-9)
    np.testing.assert_allclose(words.mean_contributions, table[words.names].mean(), atol=1e-9)
    assert words.counts.tolist() == table[words.names].count().tolist()
    assert words.n_reviews == 240
    assert words.classes.tolist() == [0, 1]


def test_spread_of_a_linear_classifier_is_its_standardised_coefficient(pipeline: Pipeline) -> None:
    X = pipeline[:-1].transform(REVIEWS).toarray()
    expected = np.abs(pipeline[-1].coef_[0]) * X.std(axis=0)
    for method in ("occlusion", "gradient"):
        words = top_words(pipeline, REVIEWS, n=150, method=method)
        columns = [int(name.removeprefix("index_")) for name in words.names]
        np.testing.assert_allclose(words.spreads, expected[columns], atol=1e-6)


def test_word_in_every_review_with_the_same_effect_has_no_spread() -> None:
    vectorizer = CountVectorizer(binary=True)
    model = make_pipeline(vectorizer, LogisticRegression(fit_intercept=False))
    model.fit(["film good", "film good", "film bad"], [1, 1, 0])
    words = top_words(model, ["film good", "film bad", "film"])
    assert words.names.tolist()[-1] == "film"
    assert words.spreads[-1] == pytest.approx(0)
    assert words.mean_contributions[-1] > 0.1


@pytest.mark.parametrize("target", [None, 2])
def test_contributions_are_to_the_predicted_or_given_class_of_three(target: int | None) -> None:
    labels = np.where(np.arange(len(REVIEWS)) % 3 == 0, 2, LABELS)
    steps = MultiHotVectorizer(num_words=150), LogisticRegression()
    pipeline = make_pipeline(*steps).fit(REVIEWS, labels)
    frame = explain_reviews(pipeline, REVIEWS, target=target).to_frame()
    means = frame.groupby("feature")["contribution"].mean()
    words = top_words(pipeline, REVIEWS, n=30, target=target)
    np.testing.assert_allclose(words.mean_contributions, means[words.names], atol=1e-9)
    assert words.target == target
    display = WordContributionDisplay.from_top_words(words)
    label = "the predicted class" if target is None else "2"
    assert legend_texts(display.ax_) == ["For other classes", f"For {label}"]


def test_target_of_two_classes_is_the_second(pipeline: Pipeline) -> None:
    assert top_words(pipeline, REVIEWS, n=3).target == 1
    one, other = (top_words(pipeline, REVIEWS, n=3, target=target) for target in (0, 1))
    np.testing.assert_allclose(one.mean_contributions, -other.mean_contributions)


def test_words_in_no_review_are_left_out(pipeline: Pipeline) -> None:
    words = top_words(pipeline, [[1, 20, 30], [1, 20]], n=100)
    assert set(words.names) == {"index_1", "index_20", "index_30"}
    assert dict(zip(words.names, words.counts, strict=True)) == {
        "index_1": 2,
        "index_20": 2,
        "index_30": 1,
    }


def test_empty_reviews_have_no_top_words(pipeline: Pipeline) -> None:
    assert top_words(pipeline, [[], []]).names.tolist() == []


def make_top_words() -> TopWords:
    return TopWords(
        names=np.array(["worst", "great film"], dtype=object),
        spreads=np.array([0.25, 0.125]),
        mean_contributions=np.array([-1.5, 0.5]),
        counts=np.array([7, 110]),
        n_reviews=1000,
        classes=np.array(["bad", "good"]),
        target="good",
    )


def test_repr_is_a_table() -> None:
    assert repr(make_top_words()).splitlines() == [
        "TopWords (n_reviews=1000)",
        "feature     spread  mean contribution  count",
        "worst        0.250             -1.500      7",
        "great film   0.125             +0.500    110",
    ]


def test_to_frame() -> None:
    frame = make_top_words().to_frame()
    assert frame.columns.tolist() == ["feature", "spread", "mean_contribution", "count"]
    assert frame.iloc[1].tolist() == ["great film", 0.125, 0.5, 110]


def test_to_frame_needs_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        ImportError, match=r"TopWords.to_frame needs pandas, which is not installed: pip install"
    ):
        make_top_words().to_frame()


def test_n_must_be_a_positive_integer(pipeline: Pipeline) -> None:
    with pytest.raises(ValueError, match=r"n == 0, must be >= 1"):
        top_words(pipeline, REVIEWS, 0)
    with pytest.raises(TypeError, match=r"n must be an instance of"):
        top_words(pipeline, REVIEWS, 2.5)


def test_other_errors_are_those_of_explain_reviews(pipeline: Pipeline) -> None:
    with pytest.raises(ValueError, match=r"method must be 'occlusion' or 'gradient'"):
        top_words(pipeline, REVIEWS, method="shap")
    with pytest.raises(ValueError, match="X must contain at least one review"):
        top_words(pipeline, [])
