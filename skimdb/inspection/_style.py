"""Drawing shared by the displays: axes, labels, and styles that greyscale readers can tell."""

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.gridspec import GridSpecFromSubplotSpec
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

AxesLike: TypeAlias = Axes | Sequence[Axes] | NDArray[Any]

# Okabe and Ito's colours for all kinds of colour vision, without their yellow, which is too
# light for lines on white.
BLUE, VERMILLION, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
PURPLE, ORANGE, SKY_BLUE = "#CC79A7", "#E69F00", "#56B4E9"
COLORS = [BLUE, VERMILLION, GREEN, BLACK, PURPLE, ORANGE, SKY_BLUE]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
LINESTYLES: list[Any] = ["-", "--", "-.", ":"]
GREY = "0.65"


def series_style(number: int) -> dict[str, Any]:
    """Return colour, marker and line style of a series, the latter two distinct for 32 series."""
    n_markers = len(MARKERS)
    return {
        "color": COLORS[number % len(COLORS)],
        "marker": MARKERS[number % n_markers],
        "linestyle": LINESTYLES[(number + number // n_markers) % len(LINESTYLES)],
        "markersize": 5,
        "linewidth": 1.5,
    }


def score_label(score: str) -> str:
    """Write the name of a score in words: "Negative log loss" for "neg_log_loss"."""
    words = re.sub(r"^neg_", "negative_", score).replace("_", " ")
    words = re.sub(r"\b(auc|roc)\b", lambda match: match[0].upper(), words)
    return words[:1].upper() + words[1:]


def metric_label(metric: str) -> str:
    """Write the name of a metric per epoch in words: "Validation loss" for "val_loss"."""
    if metric.startswith("val_"):
        return score_label(f"validation_{metric.removeprefix('val_')}")
    return score_label(f"training_{metric}")


class _EpochLocator(MaxNLocator):
    """Ticks at the first epoch and at all others, or at those that are multiples of 5, 10, 50..."""

    def __init__(self) -> None:
        super().__init__(nbins=11, steps=[1, 5, 10], integer=True)

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        ticks = super().tick_values(np.floor(vmin), np.ceil(vmax))
        return sorted({max(float(tick), 1.0) for tick in ticks})


def label_epochs(axes: NDArray[Any]) -> None:
    """Label epochs from 1 on the horizontal axes."""
    for ax in axes:
        ax.xaxis.set_major_locator(_EpochLocator())
    label_x(axes, "Epoch")


def label_x(axes: NDArray[Any], label: str) -> None:
    """Label the horizontal axes, except where the tick labels too are left to the axes below."""
    for ax in axes:
        if ax.xaxis.get_major_ticks()[0].label1.get_visible():
            ax.set_xlabel(label)


def legend_above(ax: Axes, *, title: str | None = None, ncols: int) -> None:
    """Put the legend above the axes, where it hides no data."""
    ax.legend(
        title=title,
        ncols=ncols,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        frameon=False,
        fontsize="small",
    )


def panels(ax: AxesLike | None, n_panels: int) -> tuple[FigureBase, NDArray[Any]]:
    """Make, divide or check the axes to draw on.

    Parameters
    ----------
    ax : matplotlib Axes, array-like of Axes, or None
        With None, a new pyplot figure is made. One axes is divided from top to bottom. Several
        axes are taken as they are.
    n_panels : int
        The number of axes that are needed.

    Returns
    -------
    figure : matplotlib Figure or SubFigure
        The one that the axes belong to.
    axes : ndarray of Axes of shape (n_panels,)

    Raises
    ------
    TypeError
        If `ax` does not hold axes.
    ValueError
        If their number is wrong, or one axes cannot be divided.
    """
    if ax is None:
        figure, axes = plt.subplots(n_panels, 1, sharex=True, squeeze=False, layout="constrained")
        return figure, axes.ravel()
    given = np.asarray([ax] if isinstance(ax, Axes) else ax, dtype=object).ravel()
    for one in given:
        if not isinstance(one, Axes):
            raise TypeError(f"ax must be matplotlib axes, got {type(one).__name__}.")
    if isinstance(ax, Axes) and n_panels > 1:
        return ax.figure, _divide(ax, n_panels)
    if len(given) != n_panels:
        raise ValueError(f"ax must hold {n_panels} axes, got {len(given)}.")
    return given[0].figure, given


def _divide(ax: Axes, n_panels: int) -> NDArray[Any]:
    """Replace `ax` by stacked axes that share the horizontal axis."""
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "ax must be a subplot, as plt.subplots makes it, to be divided; "
            f"give an array of {n_panels} axes instead."
        )
    if not ax.axison:
        raise ValueError("ax is already used by another display; give its axes_ as ax instead.")
    figure = ax.figure
    current = figure.gca()
    ax.set_axis_off()
    axes = np.empty(n_panels, dtype=object)
    grid = GridSpecFromSubplotSpec(n_panels, 1, subplot_spec=place)
    for row in range(n_panels):
        axes[row] = figure.add_subplot(grid[row], sharex=axes[0])
        axes[row].tick_params(labelbottom=row == n_panels - 1)
    # add_subplot moves the figure's current axes, which are the caller's affair.
    figure.sca(current)
    return axes
