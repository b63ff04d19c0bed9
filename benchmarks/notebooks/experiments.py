"""The experiments of the two course notebooks, with their published figures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

History = dict[str, list[float]]

NUM_WORDS = 10_000
EXPERIMENTS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "experiments.json").read_text()
)["experiments"]
FIGURES = {
    "final val_accuracy": "Final validation accuracy",
    "best val_accuracy": "Best validation accuracy",
    "final val_loss": "Final validation loss",
    "best val_loss": "Best validation loss",
    "test accuracy": "Test accuracy",
    "test loss": "Test loss",
}


@dataclass(frozen=True)
class Variant:
    """One configuration of an experiment, of several where the experiment sweeps a parameter."""

    experiment: Mapping[str, Any]
    label: str
    params: Mapping[str, Any]
    # Factor of the learning rate in the last epoch.
    last_rate: float = 1.0

    @property
    def name(self) -> str:
        """Name of the experiment, and of the value that is swept."""
        calm = "" if self.last_rate == 1 else f"last_rate={self.last_rate}"
        return " ".join(filter(None, [self.experiment["id"], self.label, calm]))

    @property
    def settings(self) -> dict[str, Any]:
        """All that a fit depends on but the seed."""
        return {**self.params, **({} if self.last_rate == 1 else {"last_rate": self.last_rate})}

    @property
    def uses_all_reviews(self) -> bool:
        """Whether it trains on all training reviews, and so has no validation."""
        return bool(self.experiment["data"].startswith("25000"))

    @property
    def published(self) -> History:
        """The published history, which sweeps do not have."""
        history: History = self.experiment.get("published_history", {})
        return history

    @property
    def is_tested(self) -> bool:
        """Whether test results belong to it."""
        return self.uses_all_reviews or "published_test" in self.experiment

    def published_figure(self, figure: str) -> float | None:
        """Return a figure, as `FIGURES` names it, if it was published."""
        kind, _, metric = figure.partition(" ")
        if kind == "test":
            value: float | None = self.experiment.get("published_test", {}).get(metric)
            return value
        return _figure_of(self.published, figure) if metric in self.published else None


def variants_of(experiment: Mapping[str, Any]) -> list[Variant]:
    """Return the configurations of an experiment."""
    sweep = experiment.get("sweep")
    if sweep is None:
        return [Variant(experiment, "", experiment["params"])]
    [(swept, values)] = sweep.items()
    changes = [value if isinstance(value, dict) else {swept: value} for value in values]
    return [
        Variant(
            experiment,
            ", ".join(f"{name}={value}" for name, value in change.items()) or "none",
            {**experiment["params"], **change},
        )
        for change in changes
    ]


def figures_of(fits: Sequence[Mapping[str, Any]], figure: str) -> NDArray[np.float64]:
    """Return one figure of each fit."""
    kind, _, metric = figure.partition(" ")
    if kind == "test":
        return np.array([fit["test"][metric] for fit in fits])
    return np.array([_figure_of(fit["history"], figure) for fit in fits])


def _figure_of(history: History, figure: str) -> float:
    kind, _, metric = figure.partition(" ")
    values = history[metric]
    if kind == "final":
        return values[-1]
    return min(values) if metric.endswith("loss") else max(values)
