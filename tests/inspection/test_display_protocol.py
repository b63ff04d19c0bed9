"""What all displays have in common."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from skimdb.inspection import (
    ComparisonDisplay,
    HistoryComparisonDisplay,
    HyperparameterDisplay,
    ReviewExplanation,
    ReviewTextDisplay,
    TopWords,
    TrainingHistoryDisplay,
    WordContributionDisplay,
)
from skimdb.inspection._review_words import ReviewWord
from tests.inspection.common import legend_texts, make_history

SEEDS = [make_history(8, seed=seed) for seed in range(3)]
COMPARISON = SimpleNamespace(
    scores={
        name: {"accuracy": np.random.default_rng(seed).uniform(0.8, 0.9, 5)}
        for seed, name in enumerate(["logistic regression", "dense network", "naive Bayes"])
    },
    scoring=["accuracy"],
)
CV_RESULTS = {
    "params": [{"C": 1.0}, {"C": 2.0}],
    "mean_test_score": np.array([0.8, 0.9]),
    "std_test_score": np.array([0.02, 0.01]),
}
WORDS = [f"word{number}" for number in range(300)]
EXPLANATION = ReviewExplanation(
    names=np.array(WORDS, dtype=object),
    contributions=np.linspace(2.5, -1, 300),
    predicted="positive",
    probability=0.818,
    log_odds=1.5,
    baseline=0.0,
    classes=np.array(["negative", "positive"]),
    target="positive",
    words=tuple(ReviewWord(word, 0.5) for word in WORDS),
    is_in_words=np.ones(300, dtype=bool),
)
TOP_WORDS = TopWords(
    names=np.array(WORDS[:20], dtype=object),
    spreads=np.linspace(1, 0.1, 20),
    mean_contributions=np.linspace(-2, 2, 20),
    counts=np.arange(9_980, 10_000),
    n_reviews=25_000,
    classes=np.array(["negative", "positive"]),
    target="positive",
)

# Mathematics that cannot be parsed, and a label that legends leave out.
HOSTILE = "_$\\frac$"
HOSTILE_EXPLANATION = ReviewExplanation(
    names=np.array([HOSTILE], dtype=object),
    contributions=np.array([1.0]),
    predicted=HOSTILE,
    probability=0.7,
    log_odds=1.0,
    baseline=0.0,
    classes=np.array(["$\\frac$", HOSTILE]),
    target=HOSTILE,
    words=(ReviewWord(HOSTILE, 1.0),),
    is_in_words=np.ones(1, dtype=bool),
)
HOSTILE_HISTORY = {**SEEDS[0], f"val_{HOSTILE}": [0.5] * 8}
DRAW_HOSTILE: dict[str, Callable[[], Any]] = {
    "training history": lambda: TrainingHistoryDisplay.from_history(
        SEEDS[0], reference=SEEDS[1], name=HOSTILE, reference_name=HOSTILE
    ),
    "history comparison": lambda: HistoryComparisonDisplay.from_histories(
        {HOSTILE: HOSTILE_HISTORY}, metric=f"val_{HOSTILE}"
    ),
    "hyperparameter": lambda: HyperparameterDisplay(
        param_name=HOSTILE,
        values=[HOSTILE, "other"],
        scores={HOSTILE: np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]])},
        description=HOSTILE,
    ).plot(),
    "comparison": lambda: ComparisonDisplay(
        scores={HOSTILE: np.array([0.8, 0.9])}, scoring=HOSTILE
    ).plot(),
    "word contribution": lambda: WordContributionDisplay.from_explanation(HOSTILE_EXPLANATION),
    "review text": lambda: ReviewTextDisplay.from_explanation(HOSTILE_EXPLANATION),
}


DRAW: dict[str, Callable[..., Any]] = {
    "training history": lambda ax=None: TrainingHistoryDisplay.from_history(
        SEEDS[0], reference=SEEDS[1], name="Base network", ax=ax
    ),
    "history comparison": lambda ax=None: HistoryComparisonDisplay.from_histories(
        {"base": SEEDS, "dropout": SEEDS[0], "L1 and L2": SEEDS[:2]}, ax=ax
    ),
    "hyperparameter": lambda ax=None: HyperparameterDisplay.from_histories(
        "layers", {1: SEEDS, 2: SEEDS[:2], 3: SEEDS[1:]}, ax=ax
    ),
    "hyperparameter of a search": lambda ax=None: HyperparameterDisplay.from_cv_results(
        CV_RESULTS, "C", ax=ax
    ),
    "comparison": lambda ax=None: ComparisonDisplay.from_comparison(COMPARISON, ax=ax),
    "word contribution": lambda ax=None: WordContributionDisplay.from_explanation(
        EXPLANATION, ax=ax
    ),
    "word contribution of top words": lambda ax=None: WordContributionDisplay.from_top_words(
        TOP_WORDS, ax=ax
    ),
    "review text": lambda ax=None: ReviewTextDisplay.from_explanation(EXPLANATION, ax=ax),
}


def axes_of(display: Any) -> list[Any]:
    return list(display.axes_) if hasattr(display, "axes_") else [display.ax_]


@pytest.fixture(params=DRAW.values(), ids=DRAW.keys())
def draw(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return request.param


def test_without_ax_a_new_figure_is_created(draw: Callable[..., Any]) -> None:
    display = draw()
    assert plt.get_fignums() == [display.figure_.number]
    assert display.figure_.axes == axes_of(display)


def test_axes_belong_to_the_figure(draw: Callable[..., Any]) -> None:
    for display in [draw(), draw(ax=plt.subplots()[1])]:
        assert all(ax.figure is display.figure_ for ax in axes_of(display))


def test_with_ax_no_figure_is_created_and_the_current_axes_stay(draw: Callable[..., Any]) -> None:
    figure, (left, right) = plt.subplots(1, 2)
    plt.sca(right)
    other = plt.figure()
    current = other.add_subplot()
    display = draw(ax=left)
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number, other.number]
    assert plt.gca() is current
    assert figure.gca() is right
    assert not right.has_data()


def test_drawing_stays_within_the_given_ax(draw: Callable[..., Any]) -> None:
    _, (left, _) = plt.subplots(1, 2)
    place = left.get_position()
    for ax in axes_of(draw(ax=left)):
        box = ax.get_position()
        assert box.x0 == pytest.approx(place.x0)
        assert box.x1 == pytest.approx(place.x1)
        assert place.y0 - 1e-9 <= box.y0 < box.y1 <= place.y1 + 1e-9


def test_subfigure_can_be_drawn_on(draw: Callable[..., Any]) -> None:
    subfigure = plt.figure().subfigures(1, 2)[0]
    assert draw(ax=subfigure.subplots()).figure_ is subfigure


def test_plot_returns_the_display_and_can_be_repeated(draw: Callable[..., Any]) -> None:
    display = draw()
    first = [line.get_xydata() for ax in axes_of(display) for line in ax.lines]
    assert display.plot() is display
    second = [line.get_xydata() for ax in axes_of(display) for line in ax.lines]
    assert len(plt.get_fignums()) == 2
    for before, after in zip(first, second, strict=True):
        np.testing.assert_array_equal(before, after)


def test_rc_params_stay_the_same_and_nothing_is_shown(
    draw: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plt, "show", lambda *args, **kwargs: pytest.fail("plt.show was called"))
    before = mpl.rcParams.copy()
    draw()
    assert mpl.rcParams == before


def test_legend_is_above_the_data(draw: Callable[..., Any]) -> None:
    display = draw()
    display.figure_.canvas.draw()
    legends = [ax.get_legend() for ax in axes_of(display)]
    assert [legend is not None for legend in legends] == [True] + [False] * (len(legends) - 1)
    assert legends[0].get_window_extent().y0 >= axes_of(display)[0].bbox.y1


def test_all_texts_fit_in_a_figure_of_default_size(draw: Callable[..., Any]) -> None:
    figure = draw().figure_
    np.testing.assert_array_equal(figure.get_size_inches(), [6.4, 4.8])
    figure.canvas.draw()
    box = figure.get_tightbbox()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= 6.4
    assert box.y1 <= 4.8


@pytest.mark.parametrize(
    ("draw", "n_labels"),
    list(zip(DRAW_HOSTILE.values(), [5, 1, 1, 2, 2, 2], strict=True)),
    ids=DRAW_HOSTILE.keys(),
)
def test_names_are_shown_as_they_are(draw: Callable[[], Any], n_labels: int) -> None:
    display = draw()
    display.figure_.canvas.draw()
    assert len(legend_texts(axes_of(display)[0])) == n_labels


def test_vertical_labels_fit_their_panels(draw: Callable[..., Any]) -> None:
    display = draw()
    display.figure_.canvas.draw()
    for ax in axes_of(display):
        assert ax.yaxis.label.get_window_extent().height <= ax.bbox.height


def test_ax_must_be_axes(draw: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="ax must be a matplotlib Axes, got Figure"):
        draw(ax=plt.figure())


@pytest.mark.parametrize("name", ["training history", "hyperparameter"])
class TestTwoPanels:
    def test_array_of_two_axes_becomes_the_panels(self, name: str) -> None:
        figure, axes = plt.subplots(1, 2)
        display = DRAW[name](ax=axes)
        assert display.axes_.tolist() == axes.tolist()
        assert figure.axes == axes.tolist()

    def test_panels_are_one_above_the_other_and_share_the_horizontal_axis(self, name: str) -> None:
        for ax in [None, plt.subplots()[1]]:
            top, bottom = DRAW[name](ax=ax).axes_
            assert top.get_position().y0 > bottom.get_position().y1
            assert top.get_shared_x_axes().joined(top, bottom)
            assert top.get_xlabel() == ""
            assert bottom.get_xlabel() != ""

    def test_axes_that_are_not_shared_are_both_labelled(self, name: str) -> None:
        left, right = DRAW[name](ax=plt.subplots(1, 2)[1]).axes_
        assert left.get_xlabel() == right.get_xlabel() != ""

    def test_frame_of_a_split_ax_is_hidden(self, name: str) -> None:
        _, ax = plt.subplots()
        DRAW[name](ax=ax)
        assert not ax.axison

    def test_wrong_number_of_axes_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="ax must contain 2 axes, got 3"):
            DRAW[name](ax=plt.subplots(3)[1])

    def test_ax_cannot_be_split_twice(self, name: str) -> None:
        _, ax = plt.subplots()
        DRAW[name](ax=ax)
        with pytest.raises(ValueError, match="already used by a display; pass the axes_ of that"):
            DRAW[name](ax=ax)

    def test_axes_of_a_display_can_be_used_again(self, name: str) -> None:
        first = DRAW[name]()
        assert DRAW[name](ax=first.axes_).axes_.tolist() == first.axes_.tolist()

    def test_ax_that_is_not_a_subplot_cannot_be_split(self, name: str) -> None:
        ax = plt.figure().add_axes((0.1, 0.1, 0.8, 0.8))
        with pytest.raises(ValueError, match=r"is not a subplot.*pass an array of 2 axes"):
            DRAW[name](ax=ax)


@pytest.mark.parametrize("name", ["history comparison", "hyperparameter of a search", "comparison"])
def test_single_panel_refuses_two_axes(name: str) -> None:
    with pytest.raises(ValueError, match="ax must contain 1 axes, got 2"):
        DRAW[name](ax=plt.subplots(2)[1])
