"""Sentiment classification of reviews with dense networks on multi-hot features."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skimdb.feature_extraction import MultiHotVectorizer
    from skimdb.neural_network import DenseSentimentClassifier
    from skimdb.persistence import load, load_predictor, save
    from skimdb.pipelines import make_text_classifier

__version__ = "0.2.0.dev0"

# Loaded at first use: TensorFlow takes seconds, and most of the package does not need it.
_HOME = {
    "DenseSentimentClassifier": "skimdb.neural_network",
    "MultiHotVectorizer": "skimdb.feature_extraction",
    "load": "skimdb.persistence",
    "load_predictor": "skimdb.persistence",
    "make_text_classifier": "skimdb.pipelines",
    "save": "skimdb.persistence",
}
_MODULES = [
    "datasets",
    "feature_extraction",
    "inspection",
    "model_selection",
    "neural_network",
    "persistence",
    "pipelines",
]

__all__ = [
    "DenseSentimentClassifier",
    "MultiHotVectorizer",
    "__version__",
    "load",
    "load_predictor",
    "make_text_classifier",
    "save",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
