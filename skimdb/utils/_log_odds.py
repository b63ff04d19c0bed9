"""Log-odds of single classes from the logits of all."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.integer[Any]]


def log_odds_of_logits(logits: NDArray[Any], targets: IntArray) -> FloatArray:
    """Return the log-odds of one class of each row, of shape (n_samples,).

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes) or (n_samples, 1)
        Log-probabilities up to a constant in each row; or those of the second of two classes, if
        that of the first is 0.
    targets : ndarray of int of shape (n_samples,)
        The class of each row.
    """
    if logits.shape[1] == 1:
        return np.where(targets == 1, logits[:, 0], -logits[:, 0]).astype(np.float64)
    chosen, others = _split(logits, targets)
    return np.asarray(chosen - logsumexp(others, axis=1))


def slopes_of_log_odds(logits: NDArray[Any], targets: IntArray) -> FloatArray:
    """Return the derivatives of `log_odds_of_logits` by the logits, of the shape of `logits`."""
    if logits.shape[1] == 1:
        return np.where(targets == 1, 1.0, -1.0)[:, np.newaxis]
    slopes = -softmax(_split(logits, targets)[1], axis=1)
    slopes[np.arange(len(targets)), targets] = 1
    return np.asarray(slopes)


def _split(logits: NDArray[Any], targets: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the logits of the targets, and the logits with those replaced by -inf."""
    others = logits.astype(np.float64)
    rows = np.arange(len(targets))
    chosen = others[rows, targets]
    others[rows, targets] = -np.inf
    return chosen, others
