from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from skimdb.inspection import ComparisonDisplay
from tests.inspection.common import legend_texts

SCORES = {
    "dense": [0.90, 0.88, 0.89],
    "logistic": [0.91, 0.92, 0.90],
    "bayes": [0.80, 0.84, 0.85],
}


def make_comparison(scores: dict[str, list[float]]) -> Any:
    return SimpleNamespace(
        scores={
            name: {"accuracy": np.array(folds), "roc_auc": 1 - np.array(folds)}
            for name, folds in scores.items()
        },
        scoring=["accuracy", "roc_auc"],
    )


def test_rows_are_sorted_by_mean_with_the_best_at_the_top() -> None:
    display = ComparisonDisplay.from_comparison(make_comparison(SCORES))
    assert display.names_ == ["bayes", "dense", "logistic"]
    bottom, top = display.ax_.get_ylim()
    assert bottom < 0
    assert top > 2


def test_ties_keep_the_given_order_from_the_top() -> None:
    display = ComparisonDisplay.from_comparison(make_comparison({"a": [0.5], "b": [0.5]}))
    assert display.names_ == ["b", "a"]


def test_undefined_scores_are_at_the_bottom() -> None:
    scores = {"a": [0.8], "b": [float("nan")], "c": [0.9]}
    assert ComparisonDisplay.from_comparison(make_comparison(scores)).names_ == ["b", "a", "c"]


def test_each_fold_is_a_dot_in_its_row() -> None:
    display = ComparisonDisplay.from_comparison(make_comparison(SCORES))
    for row, name in enumerate(["bayes", "dense", "logistic"]):
        dots = display.folds_[name]
        assert dots.get_xdata().tolist() == SCORES[name]
        assert list(dots.get_ydata()) == [row] * 3
        assert (dots.get_marker(), dots.get_linestyle()) == ("o", "None")


def test_means_are_diamonds() -> None:
    means = ComparisonDisplay.from_comparison(make_comparison(SCORES)).means_
    expected = [[sum(SCORES[name]) / 3, row] for row, name in enumerate(["bayes", "dense"])]
    np.testing.assert_allclose(means.get_xydata()[:2], expected)
    assert (means.get_marker(), means.get_linestyle()) == ("D", "None")


def test_rows_are_labelled_with_mean_and_sample_standard_deviation() -> None:
    display = ComparisonDisplay.from_comparison(make_comparison({"a": [0.8, 0.9], "b": [0.5, 0.5]}))
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    # 0.1 / sqrt(2)
    assert labels == ["b\n0.5000 ± 0.0000", "a\n0.8500 ± 0.0707"]


def test_single_fold_has_no_standard_deviation() -> None:
    display = ComparisonDisplay.from_comparison(make_comparison({"a": [0.8]}))
    assert display.ax_.get_yticklabels()[0].get_text() == "a\n0.8000"


def test_each_fold_is_connected_by_a_line_behind_the_dots() -> None:
    display = ComparisonDisplay.from_comparison(make_comparison(SCORES))
    assert [line.get_xydata().tolist() for line in display.fold_lines_] == [
        [[SCORES["bayes"][k], 0], [SCORES["dense"][k], 1], [SCORES["logistic"][k], 2]]
        for k in range(3)
    ]
    assert all(line.get_zorder() < display.means_.get_zorder() for line in display.fold_lines_)


def test_single_estimator_has_no_fold_lines() -> None:
    display = ComparisonDisplay.from_comparison(make_comparison({"a": [0.8, 0.9]}))
    assert display.fold_lines_ == []


def test_main_metric_is_drawn_unless_another_is_chosen() -> None:
    comparison = make_comparison(SCORES)
    display = ComparisonDisplay.from_comparison(comparison)
    assert (display.scoring, display.ax_.get_xlabel()) == ("accuracy", "Accuracy")
    display = ComparisonDisplay.from_comparison(comparison, scoring="roc_auc")
    assert display.ax_.get_xlabel() == "ROC AUC"
    np.testing.assert_allclose(display.folds_["dense"].get_xdata(), [0.10, 0.12, 0.11])


def test_legend_names_dots_and_means() -> None:
    display = ComparisonDisplay.from_comparison(make_comparison(SCORES))
    assert legend_texts(display.ax_) == ["Fold", "Mean"]


def test_unknown_metric_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"scoring must be one of \['accuracy', 'roc_auc'\], .*'f1'"
    ):
        ComparisonDisplay.from_comparison(make_comparison(SCORES), scoring="f1")


def test_object_without_scores_is_refused() -> None:
    with pytest.raises(TypeError, match=r"comparison must have `scores` and `scoring`, .*got dict"):
        ComparisonDisplay.from_comparison({"scores": {}})
