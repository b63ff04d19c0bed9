from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from sklearn.pipeline import Pipeline

from skimdb.inspection import (
    ReviewExplanation,
    TopWords,
    WordContributionDisplay,
    explain_reviews,
    top_words,
)
from skimdb.inspection._style import BLUE, ORANGE
from tests.inspection.common import legend_texts


def make_explanation(contributions: list[float], names: Any = None) -> ReviewExplanation:
    names = names or [f"word{number}" for number in range(len(contributions))]
    return ReviewExplanation(
        names=np.array(names, dtype=object),
        contributions=np.array(contributions),
        predicted="good",
        probability=0.731,
        log_odds=1.0,
        baseline=0.0,
        classes=np.array(["bad", "good"]),
        target="good",
        words=(),
        is_in_words=np.zeros(len(names), dtype=bool),
    )


def bars(display: WordContributionDisplay) -> dict[int, float]:
    return {
        round(bar.get_y() + bar.get_height() / 2): bar.get_width()
        for container in display.bars_
        for bar in container
    }


def tick_labels(display: WordContributionDisplay) -> list[str]:
    return [label.get_text() for label in display.ax_.get_yticklabels()]


def test_bars_run_from_top_to_bottom() -> None:
    display = WordContributionDisplay.from_explanation(make_explanation([2.0, -1.0, 0.5]))
    assert bars(display) == {0: 2.0, 1: -1.0, 2: 0.5}
    assert tick_labels(display) == ["word0", "word1", "word2"]
    bottom, top = display.ax_.get_ylim()
    assert bottom > 2
    assert top < 0


def test_bars_are_coloured_by_class() -> None:
    display = WordContributionDisplay.from_explanation(make_explanation([2.0, -1.0, 0.5]))
    first, second = display.bars_
    assert [bar.get_facecolor() for bar in first] == [to_rgba(ORANGE)]
    assert [bar.get_facecolor() for bar in second] == [to_rgba(BLUE)] * 2
    assert legend_texts(display.ax_) == ["For bad", "For good"]


def test_legend_names_both_classes_if_all_words_support_one() -> None:
    display = WordContributionDisplay.from_explanation(make_explanation([2.0]))
    assert legend_texts(display.ax_) == ["For bad", "For good"]


def test_n_largest_are_drawn() -> None:
    explanation = make_explanation([20.0 - k for k in range(20)])
    assert len(bars(WordContributionDisplay.from_explanation(explanation))) == 15
    display = WordContributionDisplay.from_explanation(explanation, n=3)
    assert display.names.tolist() == ["word0", "word1", "word2"]
    assert bars(display) == {0: 20.0, 1: 19.0, 2: 18.0}


def test_prediction_is_the_title_of_the_legend() -> None:
    display = WordContributionDisplay.from_explanation(make_explanation([2.0]))
    expected = "Predicted good (probability of good: 0.731, log-odds +1.00)"
    assert display.ax_.get_legend().get_title().get_text() == expected
    assert display.ax_.get_xlabel() == "Contribution to the log-odds"


@pytest.mark.parametrize("method", ["occlusion", "gradient"])
def test_from_estimator_explains_one_review(pipeline: Pipeline, method: Any) -> None:
    display = WordContributionDisplay.from_estimator(
        pipeline, "great dull plot", method=method, n=2
    )
    (explanation,) = explain_reviews(pipeline, ["great dull plot"], method=method)
    assert display.names.tolist() == explanation.names[:2].tolist()
    np.testing.assert_array_equal(display.contributions, explanation.contributions[:2])


def test_from_estimator_draws_on_the_axes(pipeline: Pipeline) -> None:
    ax = plt.subplots()[1]
    assert WordContributionDisplay.from_estimator(pipeline, "great", ax=ax).ax_ is ax


def test_top_words_are_drawn_with_their_counts(pipeline: Pipeline) -> None:
    words = top_words(pipeline, ["great film", "great cast", "dull"])
    display = WordContributionDisplay.from_top_words(words)
    expected = [f"{name} ({count})" for name, count in zip(words.names, words.counts, strict=True)]
    assert tick_labels(display) == expected
    assert "great (2)" in expected
    assert bars(display) == dict(enumerate(words.mean_contributions))
    assert display.ax_.get_legend().get_title().get_text().endswith("move 3 predictions most")
    assert display.ax_.get_xlabel().startswith("Mean contribution")


def test_explanation_must_be_of_a_single_review(pipeline: Pipeline) -> None:
    explanations = explain_reviews(pipeline, ["great film"])
    with pytest.raises(TypeError, match="explanation must be a ReviewExplanation, such as ex"):
        WordContributionDisplay.from_explanation(explanations)


def test_words_must_be_top_words() -> None:
    with pytest.raises(TypeError, match=r"words must be a TopWords, .*got list"):
        WordContributionDisplay.from_top_words([])


def test_empty_top_words_are_refused() -> None:
    empty = np.empty(0)
    words = TopWords(
        names=empty.astype(object),
        spreads=empty,
        mean_contributions=empty,
        counts=empty.astype(int),
        n_reviews=2,
        classes=np.array(["bad", "good"]),
        target="good",
    )
    with pytest.raises(ValueError, match="words must contain at least one word"):
        WordContributionDisplay.from_top_words(words)


def test_review_without_features_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(ValueError, match="must contain at least one feature, got none"):
        WordContributionDisplay.from_estimator(pipeline, "unknown")


def test_n_must_be_a_positive_integer() -> None:
    with pytest.raises(ValueError, match=r"n == 0, must be >= 1"):
        WordContributionDisplay.from_explanation(make_explanation([1.0]), n=0)


def test_title_can_be_set(pipeline: Pipeline) -> None:
    (explanation,) = explain_reviews(pipeline, ["great film"])
    display = WordContributionDisplay.from_explanation(explanation, title="Misclassified")
    assert display.ax_.get_legend().get_title().get_text() == "Misclassified"
