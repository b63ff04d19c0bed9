from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from skimdb import MultiHotVectorizer
from skimdb.feature_extraction import WordIndexEncoder
from skimdb.inspection import ReviewTextDisplay, explain_reviews
from skimdb.inspection._style import BLUE, ORANGE
from tests.inspection.common import legend_texts

CLASSES = np.array(["bad", "good"])


def draw(words: list[str], contributions: list[float], ax: Any = None) -> ReviewTextDisplay:
    display = ReviewTextDisplay(
        words=words, contributions=contributions, classes=CLASSES, title="A review"
    )
    return display.plot(ax)


def boxes(display: ReviewTextDisplay) -> list[Any]:
    display.figure_.canvas.draw()
    return [text.get_window_extent() for text in display.texts_]


@pytest.mark.parametrize("layout", [None, "constrained"])
@pytest.mark.parametrize("n_words", [3, 18, 3000])
def test_words_are_wrapped_within_the_axes(layout: Any, n_words: int) -> None:
    words = [f"{'x' * (1 + number % 9)}{number}" for number in range(n_words)]
    ax = plt.figure(layout=layout).subplots(2, 2)[1, 0]
    display = draw(words, [0.1] * n_words, ax)
    n_shown = len(display.texts_)
    shown = [text.get_text() for text in display.texts_]
    assert shown == (words if n_words < 3000 else [*words[: n_shown - 1], "…"])
    assert n_shown > 0.5 * min(n_words, 18)
    room = ax.bbox
    before = None
    for box in boxes(display):
        assert room.x0 - 1 <= box.x0 < box.x1 <= room.x1 + 1
        assert room.y0 - 6 <= box.y0 < box.y1 <= room.y1 + 6
        if before is not None:
            same_line = box.x0 >= before.x1 - 1 and abs(box.y0 - before.y0) < 8
            new_line = box.x0 < before.x0 and box.y1 < before.y0
            assert same_line or new_line
        before = box


def test_words_are_joined_where_there_is_no_space() -> None:
    display = ReviewTextDisplay(
        words=["Ok", "x", "y"],
        contributions=[0.0] * 3,
        classes=CLASSES,
        title="A review",
        is_joined=[False, False, True],
    ).plot()
    ok, first, second = boxes(display)
    assert first.x0 > ok.x1 + 2
    assert second.x0 == pytest.approx(first.x1, abs=1)


@pytest.mark.parametrize("n_words", [3, 3000])
def test_what_is_not_in_the_text_stands_below_it(n_words: int) -> None:
    display = ReviewTextDisplay(
        words=["word"] * n_words,
        contributions=[0.0] * n_words,
        classes=CLASSES,
        title="A review",
        elsewhere="<start> +0.120",
    ).plot()
    (note,) = [text for text in display.ax_.texts if text not in display.texts_]
    assert note.get_text() == "Not in the text: <start> +0.120"
    assert note.get_window_extent().y0 >= display.ax_.bbox.y0 - 1
    assert note.get_window_extent().y1 <= min(box.y0 for box in boxes(display)) + 3


def test_from_explanation_says_what_is_not_in_the_text() -> None:
    pipeline = make_pipeline(WordIndexEncoder(), MultiHotVectorizer(None), MultinomialNB())
    pipeline.fit(["great film", "dull film", "dull plot"], ["good", "bad", "bad"])
    display = ReviewTextDisplay.from_estimator(pipeline, "great film", target="bad")
    assert display.elsewhere.startswith("<start> ")
    assert legend_texts(display.ax_) == ["For good", "For bad"]


def test_long_word_has_its_own_line() -> None:
    display = draw(["a", "x" * 500, "b"], [0.0] * 3)
    first, second, third = boxes(display)
    assert first.y0 > second.y1 > second.y0 > third.y1


def test_words_are_coloured_and_underlined_by_sign_and_size() -> None:
    display = draw(["great", "film", "dull"], [2.0, 0.0, -1.0])
    great, film, dull = display.texts_
    assert great.get_bbox_patch().get_facecolor() == pytest.approx(to_rgba(BLUE, 0.6))
    assert film.get_bbox_patch() is None
    assert dull.get_bbox_patch().get_facecolor() == pytest.approx(to_rgba(ORANGE, 0.3))
    solid, dotted = display.ax_.lines
    assert (solid.get_linestyle(), solid.get_alpha()) == ("-", 1.0)
    assert (dotted.get_linestyle(), dotted.get_alpha()) == (":", 0.5)


def test_underline_is_as_long_as_the_word() -> None:
    display = draw(["great"], [1.0])
    (box,) = boxes(display)
    (line,) = display.ax_.lines
    (start, below), (end, _) = display.ax_.transAxes.transform(line.get_xydata())
    assert (start, end) == pytest.approx((box.x0, box.x1), abs=1.5)
    assert box.y0 - 6 < below < box.y0 + 6


def test_text_without_contributions_is_plain() -> None:
    display = draw(["a", "film"], [0.0, 0.0])
    assert len(display.ax_.lines) == 0


def test_axes_without_words_are_empty() -> None:
    display = draw([], [])
    assert display.texts_ == []
    assert len(display.ax_.lines) == 0


def test_legend_shows_the_classes_and_the_prediction() -> None:
    display = draw(["great"], [1.0])
    assert legend_texts(display.ax_) == ["For bad", "For good"]
    assert display.ax_.get_legend().get_title().get_text() == "A review"


def test_dollar_signs_are_not_parsed_as_math() -> None:
    display = draw(["$\\frac$"], [1.0])
    display.figure_.canvas.draw()
    assert display.texts_[0].get_text() == "$\\frac$"


@pytest.mark.parametrize("method", ["occlusion", "gradient"])
def test_from_estimator_explains_one_review(pipeline: Pipeline, method: Any) -> None:
    ax = plt.subplots()[1]
    display = ReviewTextDisplay.from_estimator(pipeline, "A dull PLOT!", method=method, ax=ax)
    (explanation,) = explain_reviews(pipeline, ["A dull PLOT!"], method=method)
    assert display.ax_ is ax
    assert display.words == ["A", "dull", "PLOT!"]
    assert display.contributions == explanation.word_contributions().tolist()
    assert display.title == explanation.title


def test_other_objects_are_refused(pipeline: Pipeline) -> None:
    with pytest.raises(TypeError, match=r"explanation must be a ReviewExplanation.*got str"):
        ReviewTextDisplay.from_explanation("great film")


def test_review_without_words_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(ValueError, match=r"must contain at least one word, got none"):
        ReviewTextDisplay.from_estimator(pipeline, "")


def test_title_can_be_set(pipeline: Pipeline) -> None:
    (explanation,) = explain_reviews(pipeline, ["great film"])
    display = ReviewTextDisplay.from_explanation(explanation, title="Misclassified")
    assert display.ax_.get_legend().get_title().get_text() == "Misclassified"


def test_ellipsis_is_not_highlighted() -> None:
    display = draw(["word"] * 3000, [1.0] * 3000)
    *words, ellipsis = display.texts_
    assert ellipsis.get_text() == "…"
    assert ellipsis.get_bbox_patch() is None
    assert len(display.ax_.lines) == len(words)
