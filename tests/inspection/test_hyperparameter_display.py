from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skimdb.inspection import HyperparameterDisplay
from tests.inspection.common import HistoryClassifier, X, legend_texts, make_history, y

LOSS, ACCURACY = "Minimum validation loss", "Maximum validation accuracy"


def centers(display: HyperparameterDisplay, label: str) -> np.ndarray:
    return display.errorbars_[label].lines[0].get_xydata()


def spreads(display: HyperparameterDisplay, label: str) -> np.ndarray:
    """Return the lower and upper end of each error bar."""
    (bars,) = display.errorbars_[label].lines[2]
    return np.array([segment[:, 1] for segment in bars.get_segments()])


def draw_values(values: Sequence[Any]) -> Any:
    histories = {value: make_history(seed=seed) for seed, value in enumerate(values)}
    return HyperparameterDisplay.from_histories("units", histories).axes_[1]


def tick_labels(ax: Any) -> list[str]:
    return [label.get_text() for label in ax.get_xticklabels()]


class TestFromHistories:
    def test_points_are_medians_of_best_losses_and_accuracies(self) -> None:
        histories = {
            layers: [make_history(seed=10 * layers + seed) for seed in range(5)]
            for layers in [3, 1, 2]
        }
        display = HyperparameterDisplay.from_histories("layers", histories)
        for label, metric, best in [(LOSS, "val_loss", min), (ACCURACY, "val_accuracy", max)]:
            bests = [sorted(best(run[metric]) for run in histories[layers]) for layers in [1, 2, 3]]
            expected = [[layers, row[2]] for layers, row in zip([1, 2, 3], bests, strict=True)]
            np.testing.assert_allclose(centers(display, label), expected)
            np.testing.assert_allclose(
                spreads(display, label), [[row[0], row[-1]] for row in bests]
            )

    def test_panels_are_labelled(self) -> None:
        display = HyperparameterDisplay.from_histories("layers", {1: make_history()})
        labels = [ax.get_ylabel().replace("\n", " ") for ax in display.axes_]
        assert labels == [LOSS, ACCURACY]
        assert display.axes_[1].get_xlabel() == "layers"
        assert display.errorbars_[LOSS].lines[0].axes is display.axes_[0]
        assert display.errorbars_[ACCURACY].lines[0].axes is display.axes_[1]

    def test_legend_explains_the_error_bars(self) -> None:
        histories = [make_history()] * 2
        display = HyperparameterDisplay.from_histories("l2", {0.1: histories, 0.2: histories})
        assert legend_texts(display.axes_[0]) == ["Median and range of fits"]

    def test_single_fits_have_no_error_bars_and_no_legend(self) -> None:
        display = HyperparameterDisplay.from_histories("l2", {0.1: make_history()})
        assert not display.errorbars_[LOSS].has_yerr
        assert display.axes_[0].get_legend() is None

    def test_diverged_epoch_is_ignored(self) -> None:
        history = {"val_loss": [0.4, 0.3, np.nan], "val_accuracy": [0.8, 0.9, np.nan]}
        display = HyperparameterDisplay.from_histories("l2", {0.1: history})
        assert centers(display, LOSS).tolist() == [[0.1, 0.3]]
        assert centers(display, ACCURACY).tolist() == [[0.1, 0.9]]

    @pytest.mark.parametrize("metric", ["val_loss", "val_accuracy"])
    def test_history_without_validation_is_refused(self, metric: str) -> None:
        history = make_history()
        del history[metric]
        with pytest.raises(ValueError, match=f"history 0 of 16 has no '{metric}'"):
            HyperparameterDisplay.from_histories("units", {16: history})

    def test_histories_must_be_a_dict(self) -> None:
        with pytest.raises(TypeError, match="histories must be a dict"):
            HyperparameterDisplay.from_histories("units", [make_history()])

    def test_empty_histories_are_refused(self) -> None:
        with pytest.raises(ValueError, match="at least one history"):
            HyperparameterDisplay.from_histories("units", {})


class TestFromEstimators:
    def test_estimators_are_drawn_as_their_histories(self) -> None:
        histories = [make_history(seed=seed) for seed in range(3)]
        fitted = [HistoryClassifier(history).fit(X, y) for history in histories]
        pipeline = make_pipeline(StandardScaler(), HistoryClassifier(histories[0])).fit(X, y)
        display = HyperparameterDisplay.from_estimators("layers", {2: fitted, 1: pipeline})
        expected = HyperparameterDisplay.from_histories("layers", {1: histories[0], 2: histories})
        assert display.values == [1, 2]
        for label in [LOSS, ACCURACY]:
            np.testing.assert_array_equal(display.scores[label], expected.scores[label])

    def test_unfitted_estimator_is_refused(self) -> None:
        with pytest.raises(NotFittedError):
            HyperparameterDisplay.from_estimators("layers", {1: HistoryClassifier()})


class TestHorizontalAxis:
    @pytest.mark.parametrize(
        ("values", "scale"),
        [
            ([1, 2, 3, 4], "linear"),
            ([16, 480], "linear"),
            ([16, 481], "log"),
            ([0.001, 0.0001, 0.1], "log"),
            ([0.0, 0.001, 0.01], "linear"),
            ([0.0, 0.0001, 0.01], "symlog"),
            ([0], "linear"),
            ([np.float64(0.5), np.int64(1)], "linear"),
        ],
    )
    def test_numbers_that_span_more_than_a_factor_of_30_have_a_log_scale(
        self, values: list[float], scale: str
    ) -> None:
        ax = draw_values(values)
        assert ax.get_xscale() == scale
        assert ax.lines[0].get_xdata().tolist() == sorted(values)

    def test_numbers_are_connected_by_a_line_and_categories_are_not(self) -> None:
        assert draw_values([1, 2]).lines[0].get_linestyle() == "-"
        assert draw_values(["adam", "rmsprop"]).lines[0].get_linestyle() == "None"

    @pytest.mark.parametrize(
        "values", [["rmsprop", "adam"], [(16, 8), (4, 4)], [True, False], [None, 0.5, 0.1]]
    )
    def test_other_values_are_categories_in_their_order(self, values: list[Any]) -> None:
        ax = draw_values(values)
        assert ax.lines[0].get_xdata().tolist() == list(range(len(values)))
        assert ax.get_xticks().tolist() == list(range(len(values)))
        assert tick_labels(ax) == [str(value) for value in values]

    @pytest.mark.parametrize(
        ("values", "labels"),
        [
            ([4, 16, 512], ["4", "16", "512"]),
            ([0.0, 0.0001, 0.01], ["0", "0.0001", "0.01"]),
            ([1, 2, 3], ["1", "2", "3"]),
            ([500, 5000, 25000], ["500", "5000", "25000"]),
        ],
    )
    def test_ticks_are_at_the_values(self, values: list[float], labels: list[str]) -> None:
        ax = draw_values(values)
        assert ax.get_xticks().tolist() == values
        assert tick_labels(ax) == labels
        assert len(ax.get_xticks(minor=True)) == 0

    def test_tick_labels_do_not_overlap(self) -> None:
        ax = draw_values(np.geomspace(1e-4, 1, 40).tolist())
        ax.figure.canvas.draw()
        boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
        assert len(boxes) >= 5
        assert all(a.x1 < b.x0 for a, b in pairwise(boxes))

    def test_axes_that_are_not_shared_have_the_same_scale(self) -> None:
        histories = {1: make_history(), 100: make_history()}
        display = HyperparameterDisplay.from_histories("u", histories, ax=plt.subplots(1, 2)[1])
        assert [ax.get_xscale() for ax in display.axes_] == ["log", "log"]


SEARCHED_C = [0.001, 0.1, 10.0]
SAMPLES, TARGET = make_classification(120, random_state=0)


def make_classifier() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(solver="liblinear"))


@pytest.fixture(scope="module")
def search() -> GridSearchCV:
    grid = {
        "logisticregression__C": [10.0, 0.001, 0.1],
        "logisticregression__fit_intercept": [True, False],
        "standardscaler__with_std": [True, False],
    }
    return GridSearchCV(make_classifier(), grid, cv=3).fit(SAMPLES, TARGET)


class TestFromCvResults:
    def test_points_are_mean_and_standard_deviation_of_the_best_candidate(
        self, search: GridSearchCV
    ) -> None:
        display = HyperparameterDisplay.from_cv_results(search, "logisticregression__C")
        expected, ends = [], []
        for C in SEARCHED_C:
            folds = max(
                (
                    cross_val_score(
                        make_classifier().set_params(
                            logisticregression__C=C,
                            logisticregression__fit_intercept=intercept,
                            standardscaler__with_std=with_std,
                        ),
                        SAMPLES,
                        TARGET,
                        cv=3,
                    )
                    for intercept in [True, False]
                    for with_std in [True, False]
                ),
                key=np.mean,
            )
            expected.append([C, folds.mean()])
            ends.append([folds.mean() - folds.std(), folds.mean() + folds.std()])
        np.testing.assert_allclose(centers(display, "Mean test score"), expected)
        np.testing.assert_allclose(spreads(display, "Mean test score"), ends)

    def test_one_panel_with_labels(self, search: GridSearchCV) -> None:
        display = HyperparameterDisplay.from_cv_results(search, "C")
        (ax,) = display.axes_
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("C", "Mean test score")
        assert legend_texts(ax) == [
            "Mean ± standard deviation over folds, best of the other parameters"
        ]

    def test_legend_of_a_single_parameter_names_no_others(self) -> None:
        search = GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, cv=2).fit(SAMPLES, TARGET)
        display = HyperparameterDisplay.from_cv_results(search, "C")
        assert legend_texts(display.axes_[0]) == ["Mean ± standard deviation over folds"]

    @pytest.mark.parametrize("name", ["C", "logisticregression__C"])
    def test_prefix_of_the_step_may_be_left_out(self, search: GridSearchCV, name: str) -> None:
        display = HyperparameterDisplay.from_cv_results(search, name)
        assert display.param_name == name
        assert display.values == SEARCHED_C

    def test_cv_results_are_drawn_like_their_search(self, search: GridSearchCV) -> None:
        of_search = HyperparameterDisplay.from_cv_results(search, "C")
        of_results = HyperparameterDisplay.from_cv_results(search.cv_results_, "C")
        np.testing.assert_array_equal(
            of_search.scores["Mean test score"], of_results.scores["Mean test score"]
        )

    def test_randomized_search_is_drawn(self) -> None:
        search = RandomizedSearchCV(
            LogisticRegression(), {"C": [3.0, 1.0, 2.0]}, n_iter=3, cv=2, random_state=0
        ).fit(SAMPLES, TARGET)
        assert HyperparameterDisplay.from_cv_results(search, "C").values == [1.0, 2.0, 3.0]

    def test_one_of_several_scores_can_be_chosen(self) -> None:
        search = GridSearchCV(
            LogisticRegression(),
            {"C": [0.1, 1.0]},
            cv=2,
            scoring=["accuracy", "roc_auc"],
            refit=False,
        ).fit(SAMPLES, TARGET)
        display = HyperparameterDisplay.from_cv_results(search, "C", scoring="roc_auc")
        assert display.axes_[0].get_ylabel() == "Mean test ROC AUC"
        np.testing.assert_array_equal(
            centers(display, "Mean test ROC AUC")[:, 1], search.cv_results_["mean_test_roc_auc"]
        )
        with pytest.raises(
            ValueError, match=r"scoring must be one of \['accuracy', 'roc_auc'\], got 'score'"
        ):
            HyperparameterDisplay.from_cv_results(search, "C")

    def test_candidates_without_the_parameter_are_left_out(self) -> None:
        results = {
            "params": [{"a": 1}, {"b": 1}, {"a": 2, "b": 2}],
            "mean_test_score": [0.1, 0.2, 0.3],
            "std_test_score": [0.0, 0.0, 0.0],
        }
        assert HyperparameterDisplay.from_cv_results(results, "a").values == [1, 2]

    def test_failed_candidate_is_never_the_best(self) -> None:
        results = {
            "params": [{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 1}],
            "mean_test_score": [np.nan, 0.7, np.nan],
            "std_test_score": [np.nan, 0.1, np.nan],
        }
        display = HyperparameterDisplay.from_cv_results(results, "a")
        assert display.values == [1, 2]
        np.testing.assert_array_equal(centers(display, "Mean test score"), [[1, 0.7], [2, np.nan]])

    def test_values_need_not_be_hashable(self) -> None:
        results = {
            "params": [{"units": units} for units in [[16], [16, 16], [16]]],
            "mean_test_score": [0.1, 0.2, 0.3],
            "std_test_score": [0.0, 0.0, 0.0],
        }
        display = HyperparameterDisplay.from_cv_results(results, "units")
        assert tick_labels(display.axes_[0]) == ["[16]", "[16, 16]"]
        assert centers(display, "Mean test score")[:, 1].tolist() == [0.3, 0.2]

    def test_unknown_parameter_is_refused(self, search: GridSearchCV) -> None:
        with pytest.raises(ValueError, match=r"param_name must be one of \['logisticreg.*'l2'"):
            HyperparameterDisplay.from_cv_results(search, "l2")

    def test_ambiguous_parameter_is_refused(self) -> None:
        results = {
            "params": [{"a__l2": 1, "b__l2": 1, "c__xl2": 1}],
            "mean_test_score": [0.1],
            "std_test_score": [0.0],
        }
        with pytest.raises(
            ValueError, match=r"'l2' is ambiguous: give one of \['a__l2', 'b__l2'\]"
        ):
            HyperparameterDisplay.from_cv_results(results, "l2")

    def test_unfitted_search_is_refused(self) -> None:
        with pytest.raises(NotFittedError):
            HyperparameterDisplay.from_cv_results(
                GridSearchCV(LogisticRegression(), {"C": [1.0]}), "C"
            )

    @pytest.mark.parametrize("search", [LogisticRegression(), {"mean_test_score": [0.1]}])
    def test_other_objects_are_refused(self, search: object) -> None:
        with pytest.raises(TypeError, match="search must be a fitted GridSearchCV or Randomized"):
            HyperparameterDisplay.from_cv_results(search, "C")
