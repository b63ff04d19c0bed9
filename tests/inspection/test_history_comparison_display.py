from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skimdb.inspection import HistoryComparisonDisplay
from tests.inspection.common import (
    HistoryClassifier,
    X,
    band_edges,
    legend_texts,
    make_history,
    y,
)


def test_single_fits_are_lines_over_epochs_from_1() -> None:
    histories = {"base": make_history(6), "dropout": make_history(9, seed=1)}
    display = HistoryComparisonDisplay.from_histories(histories)
    assert list(display.lines_) == ["base", "dropout"]
    for name, line in display.lines_.items():
        expected = histories[name]["val_loss"]
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, len(expected) + 1))
        np.testing.assert_array_equal(line.get_ydata(), expected)
    assert display.bands_ == {}
    assert legend_texts(display.ax_) == ["base", "dropout"]
    assert display.ax_.get_legend().get_title().get_text() == ""


@pytest.mark.parametrize(
    ("metric", "label"), [("val_loss", "Validation loss"), ("accuracy", "Training accuracy")]
)
def test_metric_is_drawn_and_named(metric: str, label: str) -> None:
    history = make_history()
    display = HistoryComparisonDisplay.from_histories({"base": history}, metric=metric)
    assert display.lines_["base"].get_ydata().tolist() == history[metric]
    assert display.ax_.get_ylabel() == label
    assert display.ax_.get_xlabel() == "Epoch"


def test_histories_need_only_the_metric() -> None:
    HistoryComparisonDisplay.from_histories({"base": {"val_loss": [0.4, 0.3]}})


@settings(max_examples=15, deadline=None)
@given(
    n_epochs=st.lists(st.integers(1, 12), min_size=2, max_size=6), seed=st.integers(0, 2**32 - 1)
)
def test_several_fits_are_drawn_as_median_and_range(n_epochs: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    runs = [rng.uniform(size=length).tolist() for length in n_epochs]
    display = HistoryComparisonDisplay.from_histories({"base": [{"val_loss": run} for run in runs]})
    common = range(min(n_epochs))
    epochs = np.array([epoch + 1 for epoch in common])
    line = display.lines_["base"]
    np.testing.assert_array_equal(line.get_xdata(), epochs)
    np.testing.assert_allclose(
        line.get_ydata(), [np.quantile([run[epoch] for run in runs], 0.5) for epoch in common]
    )
    lower, upper = band_edges(display.bands_["base"], epochs)
    np.testing.assert_allclose(lower, [min(run[epoch] for run in runs) for epoch in common])
    np.testing.assert_allclose(upper, [max(run[epoch] for run in runs) for epoch in common])
    plt.close(display.figure_)


def test_longer_fits_continue_as_thin_lines() -> None:
    runs = [[0.5, 0.4], [0.6, 0.3, 0.2, 0.1], [0.4, 0.5, 0.6]]
    display = HistoryComparisonDisplay.from_histories({"base": [{"val_loss": run} for run in runs]})
    tails = display.tails_["base"]
    assert [tail.get_xydata().tolist() for tail in tails] == [
        [[2, 0.3], [3, 0.2], [4, 0.1]],
        [[2, 0.5], [3, 0.6]],
    ]
    median = display.lines_["base"]
    for tail in tails:
        assert tail.get_linewidth() < median.get_linewidth()
        assert tail.get_color() == median.get_color()
        assert tail.get_linestyle() == median.get_linestyle()
    assert legend_texts(display.ax_) == ["base"]


def test_band_has_the_colour_of_its_line_and_the_legend_explains_it() -> None:
    runs = [make_history(seed=seed) for seed in range(3)]
    display = HistoryComparisonDisplay.from_histories({"base": runs, "single": runs[0]})
    assert list(display.bands_) == ["base"]
    (color,) = display.bands_["base"].get_facecolor()
    expected = plt.matplotlib.colors.to_rgb(display.lines_["base"].get_color())
    np.testing.assert_allclose(color[:3], expected)
    assert color[3] < 0.5
    assert display.ax_.get_legend().get_title().get_text() == "Median and range of fits"


def test_lines_can_be_told_apart_without_colour() -> None:
    histories = {f"fit {number}": make_history(seed=number) for number in range(12)}
    lines = HistoryComparisonDisplay.from_histories(histories).lines_.values()
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == 12


def test_estimators_are_drawn_as_their_histories() -> None:
    histories = [make_history(seed=seed) for seed in range(3)]
    fitted = [HistoryClassifier(history).fit(X, y) for history in histories]
    pipeline = make_pipeline(StandardScaler(), HistoryClassifier(histories[0])).fit(X, y)
    display = HistoryComparisonDisplay.from_estimators(
        {"seeds": fitted, "pipeline": pipeline}, metric="val_accuracy"
    )
    expected = [history["val_accuracy"] for history in histories]
    assert [curve.tolist() for curve in display.curves["seeds"]] == expected
    assert [curve.tolist() for curve in display.curves["pipeline"]] == expected[:1]
    assert display.metric == "val_accuracy"


def test_unfitted_estimator_is_refused() -> None:
    fitted = HistoryClassifier(make_history()).fit(X, y)
    with pytest.raises(NotFittedError):
        HistoryComparisonDisplay.from_estimators({"base": [fitted, HistoryClassifier()]})


@pytest.mark.parametrize(
    ("histories", "error", "message"),
    [
        ([make_history()], TypeError, "histories must be a dict .*got list"),
        ({}, ValueError, "histories must contain at least one history, got an empty dict"),
        (
            {"base": []},
            ValueError,
            r"histories\['base'\] must contain at least one history",
        ),
        ({"base": 0.5}, TypeError, "history 0 of 'base' must be a dict of one list.*got float"),
        (
            {"base": [make_history(), {"loss": [0.4]}]},
            ValueError,
            r"history 1 of 'base' has no 'val_loss'; it has \['loss'\]",
        ),
        (
            {"base": {"val_loss": []}},
            ValueError,
            r"history 0 of 'base'\['val_loss'\] must",
        ),
        (
            {"base": {"val_loss": ["low"]}},
            ValueError,
            r"history 0 of 'base'\['val_loss'\] must be a list of one number.*'low'",
        ),
    ],
)
def test_invalid_histories_are_refused(
    histories: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        HistoryComparisonDisplay.from_histories(histories)


@pytest.mark.parametrize(
    ("estimators", "error"), [({}, ValueError), ({"base": 3}, TypeError), ([3], TypeError)]
)
def test_invalid_estimators_are_refused(estimators: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="estimators must"):
        HistoryComparisonDisplay.from_estimators(estimators)


def test_metric_must_be_a_name() -> None:
    metric: Any = ["loss"]
    with pytest.raises(TypeError, match=r"metric must be a str, got \['loss'\]"):
        HistoryComparisonDisplay.from_histories({"base": make_history()}, metric=metric)


def test_estimators_must_be_a_dict() -> None:
    with pytest.raises(TypeError, match=r"estimators must be a dict .*got HistoryClassifier"):
        HistoryComparisonDisplay.from_estimators(HistoryClassifier(make_history()).fit(X, y))
