"""Helpers for the tests of displays."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

History = dict[str, list[float]]


def make_history(n_epochs: int = 6, *, seed: int = 0, validation: bool = True) -> History:
    rng = np.random.default_rng(seed)
    metrics = ["loss", "accuracy"] + ["val_loss", "val_accuracy"] * validation
    return {metric: rng.uniform(0.2, 0.9, n_epochs).tolist() for metric in metrics}


class HistoryClassifier(ClassifierMixin, BaseEstimator):
    """Stands in for a classifier that keeps its training history."""

    def __init__(self, history: History | None = None, best_epoch: int | None = None) -> None:
        self.history = history
        self.best_epoch = best_epoch

    def fit(self, X: Any, y: Any) -> Self:
        self.history_ = self.history
        self.classes_ = np.unique(y)
        if self.best_epoch is not None:
            self.best_epoch_ = self.best_epoch
        return self


X = np.arange(8.0).reshape(4, 2)
y = np.array([0, 1, 0, 1])


def legend_texts(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def band_edges(band: Any, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper edge of a filled band at the epochs."""
    vertices = band.get_paths()[0].vertices
    at = [vertices[np.isclose(vertices[:, 0], epoch), 1] for epoch in epochs]
    return np.array([v.min() for v in at]), np.array([v.max() for v in at])
