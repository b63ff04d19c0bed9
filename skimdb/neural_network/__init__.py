"""Dense networks for sentiment classification.

Importing this package, and `DenseSentimentPredictor`, does not load TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

from skimdb.neural_network._predictor import DenseSentimentPredictor

if TYPE_CHECKING:
    from skimdb.neural_network._dense import DenseSentimentClassifier
    from skimdb.neural_network.keras._model import build_dense_network

# These load TensorFlow, at first use.
_HOME = {
    "DenseSentimentClassifier": "skimdb.neural_network._dense",
    "build_dense_network": "skimdb.neural_network.keras._model",
}

__all__ = ["DenseSentimentClassifier", "DenseSentimentPredictor", "build_dense_network"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
