"""One metric of several fits, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from matplotlib.axes import Axes

from skimdb.inspection._curves import Curve, History, check_histories, histories_of
from skimdb.inspection._style import (
    label_epochs,
    legend_above,
    metric_label,
    panels,
    plain_text,
    series_style,
)


class HistoryComparisonDisplay:
    """One metric per epoch of several fits on shared axes.

    Several fits under one name, such as with different seeds, are drawn as a line for the median
    and a band for the range, up to the end of the shortest fit. If some fits stopped early, the
    others continue as thin lines, because a median over fewer fits would jump.

    It is recommended to use `from_histories` or `from_estimators` to create a display. All
    parameters are stored as attributes.

    Parameters
    ----------
    curves : dict of str to list of ndarray of shape (n_epochs,)
        The metric of each fit, by name.
    metric : str
        Name of the metric, such as "val_loss".

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        The figure with the axes.
    ax_ : matplotlib Axes
        The axes with the curves.
    lines_ : dict of str to matplotlib Line2D
        The curve, or the median of the curves, of each name.
    bands_ : dict of str to matplotlib PolyCollection
        The range of the curves of each name with several fits.
    tails_ : dict of str to list of matplotlib Line2D
        The thin lines of each name, from the end of its shortest fit on.

    See Also
    --------
    TrainingHistoryDisplay : Training and validation of one fit.
    HyperparameterDisplay : The best epoch's loss and accuracy against a parameter.

    Examples
    --------
    >>> from skimdb.inspection import HistoryComparisonDisplay
    >>> display = HistoryComparisonDisplay.from_histories(
    ...     {
    ...         "plain": [{"val_loss": [0.38, 0.30, 0.31]}, {"val_loss": [0.36, 0.32, 0.35]}],
    ...         "dropout": {"val_loss": [0.45, 0.35, 0.30]},
    ...     }
    ... )
    >>> display.ax_.get_ylabel()
    'Validation loss'
    """

    figure_: Any
    ax_: Any
    lines_: dict[str, Any]
    bands_: dict[str, Any]
    tails_: dict[str, list[Any]]

    def __init__(self, *, curves: dict[str, list[Curve]], metric: str) -> None:
        self.curves = curves
        self.metric = metric

    @classmethod
    def from_histories(
        cls,
        histories: Mapping[str, History | Sequence[History]],
        *,
        metric: str = "val_loss",
        ax: Axes | None = None,
    ) -> Self:
        """Draw a metric of several histories.

        Parameters
        ----------
        histories : mapping of str to history or list of histories
            A history is a mapping of str to array-like of shape (n_epochs,), as in Keras. Several
            under one name are drawn as median and range.
        metric : str, default="val_loss"
            The metric to draw.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        display : HistoryComparisonDisplay

        Raises
        ------
        TypeError
            If `histories` or a history is not a mapping.
        ValueError
            If `histories` is empty, or a history lacks the metric or has no epochs.
        """
        if not isinstance(metric, str):
            raise TypeError(f"metric must be a str, got {metric!r}.")
        checked = check_histories(histories, [metric])
        curves = {name: [run[metric] for run in runs] for name, runs in checked.items()}
        return cls(curves=curves, metric=metric).plot(ax)

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, Any],
        *,
        metric: str = "val_loss",
        ax: Axes | None = None,
    ) -> Self:
        """Draw a metric of the histories of several fitted estimators.

        Parameters
        ----------
        estimators : mapping of str to estimator or list of estimators
            Fitted estimators with `history_`, such as `DenseSentimentClassifier`, or pipelines
            that end in one. Several under one name are drawn as median and range.
        metric : str, default="val_loss"
            The metric to draw.
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        display : HistoryComparisonDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If an estimator is not fitted.
        TypeError
            If `estimators` is not a mapping, or one of them has no `history_`.
        ValueError
            If `estimators` is empty, or a history lacks the metric.
        """
        return cls.from_histories(histories_of(estimators), metric=metric, ax=ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. If None, a new figure is created.

        Returns
        -------
        self : HistoryComparisonDisplay

        Raises
        ------
        TypeError
            If `ax` is not a matplotlib Axes.
        """
        self.figure_, (self.ax_,) = panels(ax, 1)
        self.lines_, self.bands_, self.tails_ = {}, {}, {}
        for number, (name, curves) in enumerate(self.curves.items()):
            self._plot_curves(name, curves, series_style(number))
        self.ax_.set_ylabel(plain_text(metric_label(self.metric)))
        label_epochs(np.array([self.ax_]))
        title = "Median and range of fits" if self.bands_ else None
        legend_above(self.ax_, title=title, ncols=min(len(self.curves), 3))
        return self

    def _plot_curves(self, name: str, curves: list[Curve], style: dict[str, Any]) -> None:
        n_common = min(len(curve) for curve in curves)
        common = np.array([curve[:n_common] for curve in curves])
        epochs = np.arange(1, n_common + 1)
        (self.lines_[name],) = self.ax_.plot(
            epochs,
            np.median(common, axis=0),
            label=plain_text(name),
            markevery=1 + n_common // 25,
            **style,
        )
        if len(curves) > 1:
            self.bands_[name] = self.ax_.fill_between(
                epochs,
                common.min(axis=0),
                common.max(axis=0),
                color=style["color"],
                alpha=0.2,
                linewidth=0,
            )
        self.tails_[name] = [
            self._plot_tail(curve, n_common, style) for curve in curves if len(curve) > n_common
        ]

    def _plot_tail(self, curve: Curve, n_common: int, style: dict[str, Any]) -> Any:
        (line,) = self.ax_.plot(
            np.arange(n_common, len(curve) + 1),
            curve[n_common - 1 :],
            color=style["color"],
            linestyle=style["linestyle"],
            linewidth=0.8,
        )
        return line
