"""scikit-learn's checks before each prediction, in a fraction of the time for a single row.

Whatever is not plainly right is left to scikit-learn, which raises or converts.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike
from sklearn.utils._param_validation import make_constraint
from sklearn.utils.validation import check_is_fitted, validate_data

from skimdb.utils._naming import naming


def check_fitted(estimator: Any) -> None:
    """Check that an estimator is fitted, if it needs to be."""
    if not estimator.__sklearn_is_fitted__():
        check_is_fitted(estimator)


def check_parameters(estimator: Any) -> None:
    """Check that the parameters have valid types and values, as `fit` does."""
    for name, constraints in _constraints(type(estimator)):  # type: ignore[arg-type]
        value = getattr(estimator, name)
        if not any(constraint.is_satisfied_by(value) for constraint in constraints):
            estimator._validate_params()


def check_features(
    estimator: Any,
    X: Any,
    dtypes: Sequence[DTypeLike],
    *,
    non_negative: bool = False,
    copy: bool = False,
    writeable: bool = False,
) -> Any:
    """Return features for prediction, as an ndarray or CSR matrix of one of the types.

    Parameters
    ----------
    estimator : estimator
        Fitted, with `n_features_in_`.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    dtypes : sequence of dtype
        Other types are converted to the first one.
    non_negative : bool, default=False
        Whether negative values are an error.
    copy : bool, default=False
        Whether the result must share no memory with `X`.
    writeable : bool, default=False
        Whether it must be possible to change the result.
    """
    if (
        sp.issparse(X)
        and X.format == "csr"
        and X.dtype in dtypes
        and X.indices.dtype == np.int32
        and X.shape[0] > 0
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
        and np.isfinite(X.data).all()
        and not (non_negative and X.data.min(initial=0) < 0)
        and not (writeable and not X.data.flags.writeable)
    ):
        return X.copy() if copy else X
    with naming("X"):
        return validate_data(
            estimator,
            X,
            accept_sparse="csr",
            dtype=dtypes,
            ensure_non_negative=non_negative,
            copy=copy,
            force_writeable=writeable,
            reset=False,
        )


@cache
def _constraints(kind: Any) -> list[tuple[str, list[Any]]]:
    return [
        (name, [make_constraint(constraint) for constraint in constraints])
        for name, constraints in kind._parameter_constraints.items()
        if constraints != "no_validation"
    ]
