"""Checks of the features, in little memory where they are in mapped files."""

from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import validate_data

from skimdb.neural_network._samples import Matrix
from skimdb.utils._mapped import is_mapped, release_pages

# Values looked at before their pages are released: 16 MB of float32.
_BLOCK_SIZE = 2**22


def validate_features(estimator: Any, X: Any, **parameters: Any) -> Any:
    """Check `X` as `sklearn.utils.validation.validate_data` does, as dense or as CSR.

    Parameters
    ----------
    estimator : estimator
        Gets `n_features_in_`, or has it compared.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        A CSR matrix of float32 or float64 is not copied. The values of one that is mapped are
        looked at block by block.
    **parameters
        Of `validate_data`, such as `y`.

    Returns
    -------
    {ndarray, CSR matrix} of float32 or float64, or tuple of it and `y`
        What `validate_data` returns.
    """
    mapped = is_mapped(X)
    checked = validate_data(
        estimator,
        X,
        accept_sparse="csr",
        dtype=[np.float32, np.float64],
        ensure_all_finite=not mapped,
        **parameters,
    )
    if mapped:
        _assert_all_finite(
            checked[0] if isinstance(checked, tuple) else checked, type(estimator).__name__
        )
    return checked


def _assert_all_finite(X: Matrix, estimator_name: str) -> None:
    for start in range(0, X.nnz, _BLOCK_SIZE):
        block = X.data[start : start + _BLOCK_SIZE]
        assert_all_finite(block, estimator_name=estimator_name, input_name="X")
        release_pages(X)
