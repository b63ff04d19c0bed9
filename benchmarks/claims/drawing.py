"""Drawing shared by the claims."""

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.claims.statistics import (
    ACCURACY_MARGIN,
    Part,
)
from skimdb.inspection._style import series_style
from skimdb.utils._report import Plot


def mark_margin(line: Callable[..., object], span: Callable[..., object]) -> None:
    """Draw zero, and grey what would not matter, by the methods of one axis."""
    line(0, color="black", linewidth=0.8)
    span(-ACCURACY_MARGIN, ACCURACY_MARGIN, color="0.92", zorder=0)


def forest_plot(parts: Sequence[Part], name: str, label: str) -> Plot:
    """Draw the estimates one below the other."""
    figure, ax = plt.subplots(figsize=(8, 1 + 0.35 * len(parts)), layout="constrained")
    value, low, high = np.array([part.estimate for part in parts]).T
    rows = np.arange(len(parts))
    style = {**series_style(0), "linestyle": "none", "capsize": 3}
    ax.errorbar(value, rows, xerr=[value - low, high - value], **style)
    mark_margin(ax.axvline, ax.axvspan)
    ax.set_yticks(rows, [part.statement for part in parts])
    ax.invert_yaxis()
    ax.set_xlabel(label)
    return Plot(figure, name, f"{label}, with 95 % intervals; grey: the margin")
