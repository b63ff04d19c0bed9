"""Scores against the values of one hyper-parameter."""

import textwrap
from collections.abc import Hashable, Mapping, Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils.validation import check_is_fitted

from skimdb.inspection._curves import History, check_histories, histories_of
from skimdb.inspection._style import (
    BLUE,
    AxesLike,
    label_x,
    legend_above,
    panels,
    plain_text,
    score_label,
)


class HyperparameterDisplay:
    """Scores against the values of one hyper-parameter.

    One panel per score. Numbers have a numeric axis, which is logarithmic if they span more than a
    factor of 30. Other values are categories, in the order given.

    It is recommended to use `from_histories`, `from_estimators` or `from_cv_results` to create a
    display. All parameters are stored as attributes.

    Parameters
    ----------
    param_name : str
        The name of the parameter.
    values : list
        The values of the parameter; numbers in ascending order.
    scores : dict of str to ndarray of shape (n_values, 3)
        Scores by the label of their panel. The columns are the lower end of the error bar, the
        point, and the upper end.
    description : str or None
        What points and error bars show, for the legend. If None, there are no error bars.

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        The figure with the panels.
    axes_ : ndarray of matplotlib Axes of shape (n_scores,)
        The panels, in the order of `scores`.
    errorbars_ : dict of str to matplotlib ErrorbarContainer
        The points and error bars of each panel.

    See Also
    --------
    HistoryComparisonDisplay : One metric of several fits, epoch by epoch.
    sklearn.model_selection.ValidationCurveDisplay : Training and test score against a parameter.

    Examples
    --------
    >>> from skimdb.inspection import HyperparameterDisplay
    >>> display = HyperparameterDisplay.from_histories(
    ...     "layers",
    ...     {
    ...         1: {"val_loss": [0.40, 0.31, 0.32], "val_accuracy": [0.85, 0.88, 0.87]},
    ...         2: {"val_loss": [0.38, 0.30, 0.31], "val_accuracy": [0.87, 0.89, 0.87]},
    ...     },
    ... )
    >>> display.scores["Minimum validation loss"][:, 1]
    array([0.31, 0.3 ])
    """

    figure_: Any
    axes_: NDArray[Any]
    errorbars_: dict[str, Any]

    def __init__(
        self,
        *,
        param_name: str,
        values: list[Any],
        scores: dict[str, NDArray[np.float64]],
        description: str | None,
    ) -> None:
        self.param_name = param_name
        self.values = values
        self.scores = scores
        self.description = description

    @classmethod
    def from_histories(
        cls,
        param_name: str,
        histories: Mapping[Hashable, History | Sequence[History]],
        *,
        ax: AxesLike | None = None,
    ) -> Self:
        """Draw minimum validation loss and maximum validation accuracy against a parameter.

        Several fits with one value, such as with different seeds, are drawn as median and range.

        Parameters
        ----------
        param_name : str
            The name of the parameter.
        histories : mapping of parameter value to history or list of histories
            A history is a mapping of str to array-like of shape (n_epochs,), as in Keras, with
            "val_loss" and "val_accuracy".
        ax : matplotlib Axes or array-like of 2 Axes, default=None
            A single axes is split in two; two axes are used as they are. If None, a new figure
            is created.

        Returns
        -------
        display : HyperparameterDisplay

        Raises
        ------
        TypeError
            If `histories` or a history is not a mapping.
        ValueError
            If `histories` is empty, or a history has no validation metrics.
        """
        checked = check_histories(histories, ["val_loss", "val_accuracy"])
        values = [list(checked)[i] for i in _order(list(checked))]
        # fmin and fmax ignore the NaN of a diverged epoch.
        losses = [[np.fmin.reduce(run["val_loss"]) for run in checked[value]] for value in values]
        accuracies = [
            [np.fmax.reduce(run["val_accuracy"]) for run in checked[value]] for value in values
        ]
        several = any(len(runs) > 1 for runs in checked.values())
        return cls(
            param_name=param_name,
            values=values,
            scores={
                "Minimum validation loss": _median_and_range(losses),
                "Maximum validation accuracy": _median_and_range(accuracies),
            },
            description="Median and range of fits" if several else None,
        ).plot(ax)

    @classmethod
    def from_estimators(
        cls,
        param_name: str,
        estimators: Mapping[Hashable, Any],
        *,
        ax: AxesLike | None = None,
    ) -> Self:
        """Draw minimum validation loss and maximum validation accuracy of fitted estimators.

        Parameters
        ----------
        param_name : str
            The name of the parameter.
        estimators : mapping of parameter value to estimator or list of estimators
            Fitted estimators with `history_`, such as `DenseSentimentClassifier`, or pipelines
            that end in one. Several with one value are drawn as median and range.
        ax : matplotlib Axes or array-like of 2 Axes, default=None
            A single axes is split in two; two axes are used as they are. If None, a new figure
            is created.

        Returns
        -------
        display : HyperparameterDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If an estimator is not fitted.
        TypeError
            If `estimators` is not a mapping, or one of them has no `history_`.
        ValueError
            If `estimators` is empty, or one was fitted without validation data.
        """
        return cls.from_histories(param_name, histories_of(estimators), ax=ax)

    @classmethod
    def from_cv_results(
        cls,
        search: BaseSearchCV | Mapping[str, Any],
        param_name: str,
        *,
        scoring: str = "score",
        ax: Axes | None = None,
    ) -> Self:
        """Draw the mean test score of a search against one of its parameters.

        Of several candidates with the same value, the one with the best mean test score is drawn.

        Parameters
        ----------
        search : GridSearchCV or another fitted search, or mapping
            A fitted search, or its `cv_results_`.
        param_name : str
            Name of the parameter. Prefixes may be left out, as in "l2" for
            "densesentimentclassifier__l2", if no other step's "l2" was searched.
        scoring : str, default="score"
            Name of the score: "score" if the search has a single metric, otherwise one of the
            names in its `scoring`.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        display : HyperparameterDisplay
            One panel, with mean ± standard deviation over the folds.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the search is not fitted.
        TypeError
            If `search` is not a search.
        ValueError
            If the parameter was not searched, its name is ambiguous, or the score is unknown.
        """
        results = _cv_results(search)
        candidates = results["params"]
        param = _searched_param(candidates, param_name)
        scored = [key.removeprefix("mean_test_") for key in results if key.startswith("mean_test_")]
        if scoring not in scored:
            raise ValueError(f"scoring must be one of {scored}, got {scoring!r}.")
        mean = np.asarray(results[f"mean_test_{scoring}"], dtype=np.float64)
        std = np.asarray(results[f"std_test_{scoring}"], dtype=np.float64)
        best = _best_candidates(candidates, param, mean)
        best = [best[i] for i in _order([candidates[row][param] for row in best])]
        label = score_label(f"mean_test_{scoring}")
        description = "Mean ± standard deviation over folds"
        if any(len(candidate) > 1 for candidate in candidates):
            description += ", best of the other parameters"
        return cls(
            param_name=param_name,
            values=[candidates[row][param] for row in best],
            scores={label: np.column_stack([mean - std, mean, mean + std])[best]},
            description=description,
        ).plot(ax)

    def plot(self, ax: AxesLike | None = None) -> Self:
        """Draw the scores.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of n_scores Axes, default=None
            A single axes is split if there are several scores; several axes are used as they are.
            If None, a new figure is created.

        Returns
        -------
        self : HyperparameterDisplay

        Raises
        ------
        TypeError
            If `ax` does not consist of matplotlib Axes.
        ValueError
            If the number of axes is wrong, or a single axes cannot be split.
        """
        self.figure_, self.axes_ = panels(ax, len(self.scores))
        self.errorbars_ = {}
        numeric = _are_numbers(self.values)
        positions = np.array(self.values if numeric else range(len(self.values)), dtype=np.float64)
        for panel, (label, score) in zip(self.axes_, self.scores.items(), strict=True):
            lower, center, upper = score.T
            self.errorbars_[label] = panel.errorbar(
                positions,
                center,
                yerr=[center - lower, upper - center] if self.description else None,
                color=BLUE,
                marker="o",
                markersize=6,
                linestyle="-" if numeric else "none",
                capsize=4,
                label=self.description and plain_text(self.description),
            )
            # On one line, it would be longer than the panel.
            panel.set_ylabel(plain_text(textwrap.fill(label, 20)))
            if numeric:
                _scale_to_numbers(panel, positions)
            else:
                panel.set_xticks(positions, [plain_text(value) for value in self.values])
                panel.set_xlim(-0.5, len(positions) - 0.5)
        label_x(self.axes_, self.param_name)
        if self.description:
            legend_above(self.axes_[0], ncols=1)
        return self


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, Real) and not isinstance(value, bool) for value in values)


def _order(values: Sequence[Any]) -> list[int]:
    """Return the indices that sort numbers; other values keep their order."""
    indices = list(range(len(values)))
    return sorted(indices, key=lambda i: values[i]) if _are_numbers(values) else indices


def _median_and_range(scores: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return minimum, median and maximum of each row."""
    return np.array([[np.min(row), np.median(row), np.max(row)] for row in scores])


def _cv_results(search: Any) -> Mapping[str, Any]:
    """Return the results of a fitted search; a mapping is returned as it is."""
    if isinstance(search, BaseSearchCV):
        check_is_fitted(search, "cv_results_")
        search = search.cv_results_
    if not isinstance(search, Mapping) or "params" not in search:
        raise TypeError(
            "search must be a fitted GridSearchCV or RandomizedSearchCV, or its cv_results_, "
            f"got {type(search).__name__}."
        )
    return search


def _searched_param(candidates: Sequence[Mapping[str, Any]], param_name: str) -> str:
    """Return the full name of a searched parameter."""
    searched = sorted({param for candidate in candidates for param in candidate})
    if param_name in searched:
        return param_name
    matches = [param for param in searched if param.endswith(f"__{param_name}")]
    if not matches:
        raise ValueError(f"param_name must be one of {searched}, got {param_name!r}.")
    if len(matches) > 1:
        raise ValueError(f"param_name {param_name!r} is ambiguous: give one of {matches}.")
    return matches[0]


def _best_candidates(
    candidates: Sequence[Mapping[str, Any]], param: str, mean: NDArray[np.float64]
) -> list[int]:
    """Return the index of the best candidate for each value of the parameter."""
    # A candidate whose fit failed has no mean.
    ranking = np.where(np.isnan(mean), -np.inf, mean)
    best: dict[str, int] = {}
    for row, candidate in enumerate(candidates):
        if param in candidate:
            # Values need not be hashable: `units` may be a list.
            value = str(candidate[param])
            if value not in best or ranking[row] > ranking[best[value]]:
                best[value] = row
    return list(best.values())


def _scale_to_numbers(panel: Any, values: NDArray[np.float64]) -> None:
    """Choose a linear or logarithmic axis, and put ticks at values with room for a label."""
    magnitudes = np.abs(values[values != 0])
    if magnitudes.size and magnitudes.max() > 30 * magnitudes.min():
        if (values > 0).all():
            panel.set_xscale("log")
        else:
            panel.set_xscale("symlog", linthresh=magnitudes.min())
    labels = [f"{value:.5g}" for value in values]
    ticks = _uncrowded(panel, values, labels)
    panel.set_xticks(values[ticks], [labels[i] for i in ticks])
    panel.minorticks_off()


def _uncrowded(panel: Any, values: NDArray[np.float64], labels: list[str]) -> list[int]:
    """Return the indices of ascending values whose tick labels do not overlap."""
    font_size = panel.xaxis.get_major_ticks(1)[0].label1.get_size()
    # A digit is less than 0.7 of the font size wide.
    digit = 0.7 * font_size / 72 * panel.figure.dpi
    distance = digit * (max(map(len, labels)) + 1)
    positions = panel.xaxis.get_transform().transform(values)
    pixels = panel.bbox.width * (positions - positions[0]) / (np.ptp(positions) or 1)
    chosen = [0]
    for i in range(1, len(values)):
        if pixels[i] - pixels[chosen[-1]] > distance:
            chosen.append(i)
    return chosen
