"""Loss and accuracy of one fit, epoch by epoch."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skimdb.inspection._curves import Curve, History, check_history, last_step
from skimdb.inspection._style import (
    BLACK,
    BLUE,
    GREY,
    VERMILLION,
    AxesLike,
    label_epochs,
    legend_above,
    panels,
    plain_text,
)


class TrainingHistoryDisplay:
    """Loss and accuracy per epoch of one fit.

    Two panels show loss and accuracy: training values as dots, validation values as a line, and
    the best epoch as a vertical dotted line.

    It is recommended to use `from_estimator` or `from_history` to create a display. All
    parameters are stored as attributes.

    Parameters
    ----------
    history : dict of str to ndarray of shape (n_epochs,)
        "loss" and "accuracy"; with validation data, also "val_loss" and "val_accuracy".
    best_epoch : int or None, default=None
        The epoch to mark, counted from 1. If None, no epoch is marked.
    reference : dict of str to ndarray of shape (n_reference_epochs,) or None, default=None
        Another history, drawn in grey behind the first.
    name : str or None, default=None
        The title of the legend.
    reference_name : str, default="Reference"
        Name of `reference` in the legend.

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        The figure with the panels.
    axes_ : ndarray of matplotlib Axes of shape (2,)
        The panels: loss, accuracy.
    lines_ : dict of str to matplotlib Line2D
        The curve of each metric of `history`.
    reference_lines_ : dict of str to matplotlib Line2D
        The curve of each metric of `reference`.
    best_epoch_lines_ : list of matplotlib Line2D
        The line at the best epoch in each panel; empty if there is none.

    See Also
    --------
    HistoryComparisonDisplay : One metric of several fits.

    References
    ----------
    The plot follows F. Chollet, "Deep Learning with Python", Manning, 2017, section 3.4.

    Examples
    --------
    >>> from skimdb.inspection import TrainingHistoryDisplay
    >>> display = TrainingHistoryDisplay.from_history(
    ...     {
    ...         "loss": [0.51, 0.30, 0.22],
    ...         "accuracy": [0.79, 0.90, 0.93],
    ...         "val_loss": [0.38, 0.30, 0.31],
    ...         "val_accuracy": [0.87, 0.89, 0.87],
    ...     }
    ... )
    >>> display.best_epoch
    2
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['Loss', 'Accuracy']
    """

    figure_: Any
    axes_: NDArray[Any]
    lines_: dict[str, Any]
    reference_lines_: dict[str, Any]
    best_epoch_lines_: list[Any]

    def __init__(
        self,
        *,
        history: dict[str, Curve],
        best_epoch: int | None = None,
        reference: dict[str, Curve] | None = None,
        name: str | None = None,
        reference_name: str = "Reference",
    ) -> None:
        self.history = history
        self.best_epoch = best_epoch
        self.reference = reference
        self.name = name
        self.reference_name = reference_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: AxesLike | None = None,
        reference: History | None = None,
        name: str | None = None,
        reference_name: str = "Reference",
    ) -> Self:
        """Draw the history of a fitted estimator.

        Parameters
        ----------
        estimator : estimator or Pipeline
            A fitted estimator with `history_`, such as `DenseSentimentClassifier`, or a pipeline
            that ends in one. Its `best_epoch_` is marked, or else the epoch with the lowest
            validation loss.
        ax : matplotlib Axes or array-like of 2 Axes, default=None
            A single axes is split in two; two axes are used as they are. If None, a new figure
            is created.
        reference : mapping of str to array-like of shape (n_reference_epochs,), default=None
            Another history, drawn in grey behind the first.
        name : str, default=None
            Title of the legend. If None, the name of the estimator's class.
        reference_name : str, default="Reference"
            Name of `reference` in the legend.

        Returns
        -------
        display : TrainingHistoryDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `estimator` is not fitted.
        TypeError
            If it has no `history_`.
        """
        model = last_step(estimator)
        history = _check(model.history_, "history_")
        best_epoch = getattr(model, "best_epoch_", None)
        return cls(
            history=history,
            best_epoch=_best_epoch(history) if best_epoch is None else best_epoch,
            reference=None if reference is None else _check(reference, "reference"),
            name=type(model).__name__ if name is None else name,
            reference_name=reference_name,
        ).plot(ax)

    @classmethod
    def from_history(
        cls,
        history: History,
        *,
        ax: AxesLike | None = None,
        reference: History | None = None,
        name: str | None = None,
        reference_name: str = "Reference",
    ) -> Self:
        """Draw a history.

        Parameters
        ----------
        history : mapping of str to array-like of shape (n_epochs,)
            "loss" and "accuracy"; with validation data, also "val_loss" and "val_accuracy". The
            epoch with the lowest validation loss is marked.
        ax : matplotlib Axes or array-like of 2 Axes, default=None
            A single axes is split in two; two axes are used as they are. If None, a new figure
            is created.
        reference : mapping of str to array-like of shape (n_reference_epochs,), default=None
            Another history, drawn in grey behind the first.
        name : str, default=None
            The title of the legend.
        reference_name : str, default="Reference"
            Name of `reference` in the legend.

        Returns
        -------
        display : TrainingHistoryDisplay

        Raises
        ------
        TypeError
            If a history is not a mapping.
        ValueError
            If a history lacks "loss" or "accuracy", is empty, or has lists of different lengths.
        """
        checked = _check(history, "history")
        return cls(
            history=checked,
            best_epoch=_best_epoch(checked),
            reference=None if reference is None else _check(reference, "reference"),
            name=name,
            reference_name=reference_name,
        ).plot(ax)

    def plot(self, ax: AxesLike | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of 2 Axes, default=None
            A single axes is split in two; two axes are used as they are. If None, a new figure
            is created.

        Returns
        -------
        self : TrainingHistoryDisplay

        Raises
        ------
        TypeError
            If `ax` does not consist of matplotlib Axes.
        ValueError
            If the number of axes is wrong, or a single axes cannot be split.
        """
        self.figure_, self.axes_ = panels(ax, 2)
        self.lines_, self.reference_lines_, self.best_epoch_lines_ = {}, {}, []
        for panel, metric in zip(self.axes_, ["loss", "accuracy"], strict=True):
            self._plot_panel(panel, metric)
            panel.set_ylabel(metric.capitalize())
        label_epochs(self.axes_)
        legend_above(self.axes_[0], title=self.name, ncols=3 if self.reference is None else 2)
        return self

    def _plot_panel(self, panel: Any, metric: str) -> None:
        training = {"linestyle": "none", "marker": "o", "markersize": 5}
        validation = {"linewidth": 1.8}
        self.lines_ |= _plot_curves(
            panel,
            self.history,
            {
                metric: {**training, "color": BLUE, "label": "Training"},
                f"val_{metric}": {**validation, "color": VERMILLION, "label": "Validation"},
            },
        )
        if self.best_epoch is not None:
            label = f"Best epoch ({self.best_epoch})"
            style = {"color": BLACK, "linestyle": ":", "linewidth": 1.2}
            self.best_epoch_lines_.append(panel.axvline(self.best_epoch, label=label, **style))
        if self.reference is not None:
            behind = {"color": GREY, "zorder": 1.5}
            name = plain_text(self.reference_name)
            self.reference_lines_ |= _plot_curves(
                panel,
                self.reference,
                {
                    metric: {
                        **training,
                        **behind,
                        "fillstyle": "none",
                        "label": f"{name}, training",
                    },
                    f"val_{metric}": {
                        **validation,
                        **behind,
                        "linestyle": "--",
                        "label": f"{name}, validation",
                    },
                },
            )


def _plot_curves(
    panel: Any, history: dict[str, Curve], styles: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Draw those metrics that the history has, and return their lines."""
    lines = {}
    for metric, style in styles.items():
        if metric in history:
            curve = history[metric]
            (lines[metric],) = panel.plot(np.arange(1, len(curve) + 1), curve, **style)
    return lines


def _check(history: History, name: str) -> dict[str, Curve]:
    return check_history(
        history, ["loss", "accuracy"], optional=["val_loss", "val_accuracy"], name=name
    )


def _best_epoch(history: dict[str, Curve]) -> int | None:
    """Return the epoch with the lowest validation loss, counted from 1, if there is one."""
    losses = history.get("val_loss")
    # The losses of a diverged fit are NaN.
    if losses is None or np.isnan(losses).all():
        return None
    return int(np.nanargmin(losses)) + 1
