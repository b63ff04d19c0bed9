"""Axes, labels and line styles that the displays share."""

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

# Okabe and Ito's palette for all kinds of colour vision, without yellow, which is too light for
# lines on white.
BLUE, VERMILLION, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
PURPLE, ORANGE, SKY_BLUE = "#CC79A7", "#E69F00", "#56B4E9"
COLORS = [BLUE, VERMILLION, GREEN, BLACK, PURPLE, ORANGE, SKY_BLUE]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
LINESTYLES: list[Any] = ["-", "--", "-.", ":"]
GREY = "0.65"


def series_style(number: int) -> dict[str, Any]:
    """Return the style of a series; 32 series can be told apart without colour."""
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
    """Ticks at epoch 1 and at all other epochs, or at the multiples of 5, 10, 50 and so on."""

    def __init__(self) -> None:
        super().__init__(nbins=11, steps=[1, 5, 10], integer=True)

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        ticks = super().tick_values(np.floor(vmin), np.ceil(vmax))
        return sorted({max(float(tick), 1.0) for tick in ticks})


def plain_text(text: object) -> str:
    """Return what matplotlib shows as this text.

    It takes text between dollars for mathematics, and leaves labels that begin with "_" out of
    legends.
    """
    escaped = str(text).replace("$", r"\$")
    return f" {escaped}" if escaped.startswith("_") else escaped


def label_epochs(axes: NDArray[Any]) -> None:
    """Label epochs from 1 on the horizontal axes."""
    for ax in axes:
        ax.xaxis.set_major_locator(_EpochLocator())
    label_x(axes, "Epoch")


def label_x(axes: NDArray[Any], label: str) -> None:
    """Label the horizontal axes, except those without tick labels."""
    for ax in axes:
        if ax.xaxis.get_major_ticks()[0].label1.get_visible():
            ax.set_xlabel(plain_text(label))


def legend_above(ax: Axes, *, title: str | None = None, ncols: int) -> None:
    """Put the legend above the axes, where it hides no data."""
    ax.legend(
        title=None if title is None else plain_text(title),
        ncols=ncols,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        frameon=False,
        fontsize="small",
    )


def panels(ax: AxesLike | None, n_panels: int) -> tuple[FigureBase, NDArray[Any]]:
    """Return a figure and the axes to draw on.

    If `ax` is None, the figure is new. A single axes is split if there are several panels. Several
    axes are used as they are.
    """
    if ax is None:
        figure, axes = plt.subplots(n_panels, 1, sharex=True, squeeze=False, layout="constrained")
        return figure, axes.ravel()
    given = np.asarray([ax] if isinstance(ax, Axes) else ax, dtype=object).ravel()
    for one in given:
        if not isinstance(one, Axes):
            raise TypeError(f"ax must be a matplotlib Axes, got {type(one).__name__}.")
    if isinstance(ax, Axes) and n_panels > 1:
        return ax.figure, _split(ax, n_panels)
    if len(given) != n_panels:
        raise ValueError(f"ax must contain {n_panels} axes, got {len(given)}.")
    return given[0].figure, given


def _split(ax: Axes, n_panels: int) -> NDArray[Any]:
    """Replace `ax` with stacked axes that share the horizontal axis."""
    position = ax.get_subplotspec()
    if position is None:
        raise ValueError(
            "ax cannot be split, because it is not a subplot, such as one from plt.subplots; "
            f"pass an array of {n_panels} axes instead."
        )
    if not ax.axison:
        raise ValueError("ax is already used by a display; pass the axes_ of that display instead.")
    figure = ax.figure
    current = figure.gca()
    ax.set_axis_off()
    axes = np.empty(n_panels, dtype=object)
    grid = GridSpecFromSubplotSpec(n_panels, 1, subplot_spec=position)
    for row in range(n_panels):
        axes[row] = figure.add_subplot(grid[row], sharex=axes[0])
        axes[row].tick_params(labelbottom=row == n_panels - 1)
    # add_subplot changes the figure's current axes, which the caller may rely on.
    figure.sca(current)
    return axes
