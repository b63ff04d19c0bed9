"""Displays of training histories, swept parameters and compared estimators."""

from skimdb.inspection._comparison import ComparisonDisplay
from skimdb.inspection._history_comparison import HistoryComparisonDisplay
from skimdb.inspection._hyperparameter import HyperparameterDisplay
from skimdb.inspection._training_history import TrainingHistoryDisplay

__all__ = [
    "ComparisonDisplay",
    "HistoryComparisonDisplay",
    "HyperparameterDisplay",
    "TrainingHistoryDisplay",
]
