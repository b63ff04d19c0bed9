"""Comparing estimators by cross-validation."""

from skimdb.model_selection._compare_estimators import compare_estimators
from skimdb.model_selection._comparison import EstimatorComparison, PairwiseDifference

__all__ = ["EstimatorComparison", "PairwiseDifference", "compare_estimators"]
