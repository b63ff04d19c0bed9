"""Where a published final accuracy lies far from ours: how it varies, over seeds and epochs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from benchmarks._fits import Outcome
from benchmarks.notebooks.experiments import FIGURES, History, Variant, figures_of
from skimdb.inspection._style import series_style
from skimdb.utils._report import Block, Heading, Plot

# A published final accuracy farther than this from our median is looked into, with more seeds and
# with a last epoch that takes smaller steps.
FAR = 0.015
N_SEEDS_FAR = 30
CALM_RATE = 0.1
# Of the last ten epochs, or of the last half of fewer than twenty, an accuracy this far below their
# median is a dip.
N_EPOCHS = 10
DIP = 0.03


class FarFigure(NamedTuple):
    """A final accuracy of a configuration that lies far from the published one."""

    variant: Variant
    figure: str
    published: float


def far_figures(
    variants: Sequence[Variant], fits: Mapping[str, Sequence[Outcome]]
) -> list[FarFigure]:
    """Find the final accuracies that are far from the published ones."""
    return [
        FarFigure(variant, figure, published)
        for variant in variants
        for figure in ("final val_accuracy", "test accuracy")
        if (published := variant.published_figure(figure)) is not None
        and abs(np.median(figures_of(fits[variant.name], figure)) - published) > FAR
    ]


def calmed(variant: Variant) -> Variant:
    """Return the variant with smaller steps in the last epoch."""
    return replace(variant, last_rate=CALM_RATE)


def far_blocks(far: Sequence[FarFigure], fits: Mapping[str, Sequence[Outcome]]) -> list[Block]:
    """Return a section about the figures that `far_figures` found, from more fits."""
    if not far:
        return []
    blocks: list[Block] = [
        Heading("Where the published figure is not ours"),
        (
            f"Published final accuracies that lie more than {100 * FAR:g} points from the median "
            f"above, with {N_SEEDS_FAR} seeds. If the swing of the last steps makes the "
            f"difference, smaller steps in the last epoch ({CALM_RATE:g} times the learning rate) "
            "must remove it."
        ),
    ]
    for case in far:
        own = _Far(*case, fits[case.variant.name], fits[calmed(case.variant).name])
        blocks += [own.text(), own.plot()]
    return blocks


@dataclass(frozen=True)
class _Far:
    """A figure, with the fits as published and those with smaller steps in the last epoch."""

    variant: Variant
    figure: str
    published: float
    fits: Sequence[Outcome]
    calm_fits: Sequence[Outcome]

    @property
    def _has_validation(self) -> bool:
        return "val_accuracy" in self.variant.published

    def text(self) -> str:
        finals = figures_of(self.fits, self.figure)
        calm = figures_of(self.calm_fits, self.figure)
        n_below = int(np.count_nonzero(finals <= self.published))
        n_beyond = min(n_below, int(np.count_nonzero(finals >= self.published)))
        seeds = (
            f"{self.variant.name}, {FIGURES[self.figure].lower()}: {self.published:.4f} was "
            f"published. Of {len(finals)} seeds {n_beyond} went as far out or farther; median "
            f"{np.median(finals):.4f}, range {finals.min():.4f} to {finals.max():.4f}."
        )
        calmly = (
            f"The same fits with {CALM_RATE:g} times the learning rate in the last epoch end at "
            f"{np.median(calm):.4f} (median; range {calm.min():.4f} to {calm.max():.4f}), with a "
            f"standard deviation of {calm.std(ddof=1):.4f} instead of {finals.std(ddof=1):.4f}."
        )
        if not self._has_validation:
            return f"{seeds} {calmly}"
        return " ".join([seeds, self._dips(), calmly, self._conclusion()])

    def _dips(self) -> str:
        histories = [fit["history"] for fit in self.fits]
        dips = np.array([drops(history) for history in histories]) >= DIP
        published = drops(self.variant.published) >= DIP
        levels = [_level(history) for history in histories]
        distances = np.abs(figures_of(self.fits, self.figure) - self.published)
        return (
            f"Over the last {dips.shape[1]} epochs {dips.sum()} of {dips.size} validation "
            f"accuracies ({dips.mean():.1%}) lie {100 * DIP:g} points or more below the median of "
            f"these epochs of the same fit, {dips[:, -1].sum()} of them in the last epoch; "
            f"{dips.any(axis=1).sum()} of {len(dips)} fits have such dips; the published curve has "
            f"{published.sum()} in {published.size} epochs. The median of these epochs is "
            f"{_level(self.variant.published):.4f} as published, {np.median(levels):.4f} with us, "
            f"and {levels[distances.argmin()]:.4f} in the fit that ends nearest to the published "
            "one."
        )

    def _conclusion(self) -> str:
        drop = drops(self.variant.published)[-1]
        if drop >= DIP:
            return f"The published figure is a dip, {100 * drop:.1f} points below its own curve."
        return (
            f"The published figure is no dip ({100 * drop:.1f} points below its own curve): that "
            "fit is lower as a whole."
        )

    def plot(self) -> Plot:
        rows = {
            "Last epoch": figures_of(self.fits, self.figure),
            f"Last epoch, {CALM_RATE:g} of the rate": figures_of(self.calm_fits, self.figure),
        }
        if self._has_validation:
            last = np.array([_last(fit["history"]) for fit in self.fits])
            rows[f"Last {last.shape[1]} epochs"] = last.ravel()
            rows["Published, the same epochs"] = _last(self.variant.published)
        figure, ax = plt.subplots(figsize=(8, 1 + 0.5 * len(rows)), layout="constrained")
        for i, values in enumerate(rows.values()):
            style = {**series_style(i), "linestyle": "none", "alpha": 0.5}
            # Spread downwards in order of size, so that equal ones are all seen.
            ax.plot(np.sort(values), i + np.linspace(-0.3, 0.3, len(values)), **style)
        ax.axvline(self.published, color="black", linestyle="--", label="Published")
        ax.set_yticks(range(len(rows)), list(rows))
        ax.invert_yaxis()
        ax.set_xlabel(FIGURES[self.figure])
        ax.legend(frameon=False)
        name = f"{self.variant.name}-{self.figure}-far".replace(" ", "-").replace("_", "-")
        description = f"{FIGURES[self.figure]} of {self.variant.name} over seeds and epochs"
        return Plot(figure, name, description)


def drops(history: History) -> NDArray[np.float64]:
    """Return how far the last validation accuracies lie below their median."""
    return _level(history) - _last(history)


def _level(history: History) -> float:
    return float(np.median(_last(history)))


def _last(history: History) -> NDArray[np.float64]:
    accuracy = np.array(history["val_accuracy"])
    return accuracy[-min(N_EPOCHS, len(accuracy) // 2) :]
