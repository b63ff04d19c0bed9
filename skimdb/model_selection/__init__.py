"""Comparing estimators by cross-validation, and searching on a cluster."""

from skimdb.model_selection._clusters import dask_client, register_ray
from skimdb.model_selection._compare_estimators import compare_estimators
from skimdb.model_selection._estimator_comparison import EstimatorComparison, PairwiseDifference

__all__ = [
    "EstimatorComparison",
    "PairwiseDifference",
    "compare_estimators",
    "dask_client",
    "register_ray",
]
