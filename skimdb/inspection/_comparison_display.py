"""Scores of several estimators on the same folds."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from skimdb.inspection._style import (
    BLUE,
    VERMILLION,
    legend_above,
    panels,
    plain_text,
    score_label,
)


class _Comparison(Protocol):
    """What the display needs of a comparison."""

    @property
    def scores(self) -> Mapping[str, Mapping[str, NDArray[np.float64]]]:
        """The scores per fold, by estimator and metric."""

    @property
    def scoring(self) -> Sequence[str]:
        """The names of the metrics, the main one first."""


class ComparisonDisplay:
    """Scores of several estimators on the same folds of a cross-validation.

    One row per estimator, the best mean at the top. Each fold is a dot, the mean is a diamond, and
    the label gives mean ± sample standard deviation. Thin lines connect the scores on the same
    fold: if all lines between two rows lean the same way, one estimator is better on every fold.

    It is recommended to use `from_comparison` to create a display. All parameters are stored as
    attributes.

    Parameters
    ----------
    scores : dict of str to ndarray of shape (n_folds,)
        Scores of each estimator, on the same folds in the same order.
    scoring : str
        Name of the score, such as "accuracy".

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        The figure with the axes.
    ax_ : matplotlib Axes
        The axes with the scores.
    names_ : list of str
        The estimators, from the bottom row to the top one.
    folds_ : dict of str to matplotlib Line2D
        The dots of each estimator.
    means_ : matplotlib Line2D
        The diamonds of the means, from bottom to top.
    fold_lines_ : list of matplotlib Line2D
        The line of each fold; empty with one estimator.

    See Also
    --------
    skimdb.model_selection.compare_estimators : Cross-validate several classifiers.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> from skimdb.inspection import ComparisonDisplay
    >>> comparison = SimpleNamespace(
    ...     scores={
    ...         "logistic regression": {"accuracy": np.array([0.88, 0.87, 0.89])},
    ...         "dense network": {"accuracy": np.array([0.89, 0.88, 0.89])},
    ...     },
    ...     scoring=["accuracy"],
    ... )
    >>> ComparisonDisplay.from_comparison(comparison).names_
    ['logistic regression', 'dense network']
    """

    figure_: Any
    ax_: Any
    names_: list[str]
    folds_: dict[str, Any]
    means_: Any
    fold_lines_: list[Any]

    def __init__(self, *, scores: dict[str, NDArray[np.float64]], scoring: str) -> None:
        self.scores = scores
        self.scoring = scoring

    @classmethod
    def from_comparison(
        cls, comparison: _Comparison, *, scoring: str | None = None, ax: Axes | None = None
    ) -> Self:
        """Draw a comparison of estimators.

        Parameters
        ----------
        comparison : EstimatorComparison or another object with `scores` and `scoring`
            `scores[name][metric]` is an ndarray of shape (n_folds,). `scoring` lists the metrics,
            the main one first.
        scoring : str, default=None
            Metric to draw. If None, the main one.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        display : ComparisonDisplay

        Raises
        ------
        TypeError
            If `comparison` has no `scores` or `scoring`.
        ValueError
            If `scoring` is not one of its metrics.
        """
        if not (hasattr(comparison, "scores") and hasattr(comparison, "scoring")):
            raise TypeError(
                "comparison must have `scores` and `scoring`, as the result of compare_estimators "
                f"has; got {type(comparison).__name__}."
            )
        metrics = list(comparison.scoring)
        metric = metrics[0] if scoring is None else scoring
        if metric not in metrics:
            raise ValueError(f"scoring must be one of {metrics}, got {scoring!r}.")
        scores = {name: np.asarray(of[metric]) for name, of in comparison.scores.items()}
        return cls(scores=scores, scoring=metric).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        self : ComparisonDisplay

        Raises
        ------
        TypeError
            If `ax` is not a matplotlib Axes.
        """
        self.figure_, (self.ax_,) = panels(ax, 1)
        names = list(self.scores)
        # A score that is not a number is sorted to the end.
        best_first = np.argsort([-self.scores[name].mean() for name in names], kind="stable")
        self.names_ = [names[i] for i in best_first[::-1]]
        rows = np.arange(len(self.names_))
        by_fold = np.column_stack([self.scores[name] for name in self.names_])
        self.fold_lines_ = []
        if len(rows) > 1:
            self.fold_lines_ = [
                self.ax_.plot(fold, rows, color="0.8", linewidth=0.8, zorder=1)[0]
                for fold in by_fold
            ]
        self._plot_rows(by_fold, rows)
        self.ax_.set_yticks(rows, [self._row_label(name) for name in self.names_])
        self.ax_.set_ylim(-0.5, len(rows) - 0.5)
        self.ax_.set_xlabel(plain_text(score_label(self.scoring)))
        legend_above(self.ax_, ncols=2)
        return self

    def _plot_rows(self, by_fold: NDArray[np.float64], rows: NDArray[Any]) -> None:
        self.folds_ = {}
        for row, name in enumerate(self.names_):
            (self.folds_[name],) = self.ax_.plot(
                self.scores[name],
                np.full(len(by_fold), row),
                linestyle="none",
                marker="o",
                markersize=5,
                color=BLUE,
                alpha=0.6,
                label="Fold" if row == 0 else None,
            )
        (self.means_,) = self.ax_.plot(
            by_fold.mean(axis=0),
            rows,
            linestyle="none",
            marker="D",
            markersize=8,
            color=VERMILLION,
            markeredgecolor="black",
            label="Mean",
        )

    def _row_label(self, name: str) -> str:
        scores = self.scores[name]
        spread = f" ± {scores.std(ddof=1):.4f}" if len(scores) > 1 else ""
        return f"{plain_text(name)}\n{scores.mean():.4f}{spread}"
