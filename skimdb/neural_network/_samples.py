"""What a network is trained on, and in which order."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
Matrix: TypeAlias = Any  # an ndarray, or a CSR matrix or array of scipy, which has no types


@dataclass(frozen=True)
class Samples:
    """Reviews to train or to validate on.

    Attributes
    ----------
    X : {ndarray, CSR matrix} of float32 or float64 and shape (n_samples, n_features)
    y : ndarray of int64 and shape (n_samples,)
        Indices of the classes.
    sample_weight : ndarray of shape (n_samples,)
        Positive, of the type of `X`.
    """

    X: Matrix
    y: NDArray[np.int64]
    sample_weight: FloatArray

    def take(self, rows: IntArray | slice) -> "Samples":
        """Return some of the samples."""
        return Samples(self.X[rows], self.y[rows], self.sample_weight[rows])

    def __len__(self) -> int:
        return len(self.y)


def epoch_rng(seed: int, epoch: int) -> np.random.Generator:
    """Return the generator of one epoch, the same whatever was drawn before.

    The first thing to be drawn from it is the order of the samples.
    """
    return np.random.default_rng([seed, epoch])


def check_samples(
    X: Matrix,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    *,
    classes: NDArray[Any] | None = None,
    class_weight: dict[Any, float] | str | None = None,
    suffix: str = "",
) -> tuple[Samples, NDArray[Any]]:
    """Check and encode labels and weights; leave out samples without weight.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Checked already.
    y : array-like of shape (n_samples,)
        Labels.
    sample_weight : array-like of shape (n_samples,) or None
        At least 0; None stands for 1.
    classes : ndarray of shape (n_classes,), default=None
        Sorted labels that `y` may have. By default those that have weight.
    class_weight : dict, "balanced" or None, default=None
        The sample weights are multiplied by it. Classes that a dict leaves out have weight 1.
    suffix : str, default=""
        Of the parameters' names in messages.

    Returns
    -------
    samples : Samples
    classes : ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        For labels that are none, or not among `classes`, and for negative or no weights.
    """
    labels: NDArray[Any] = column_or_1d(y, warn=True)
    check_classification_targets(labels)
    weight = _check_sample_weight(
        sample_weight, X, dtype=X.dtype, ensure_non_negative=True, copy=True
    )
    X, labels, weight = _with_weight(X, labels, weight, f"sample_weight{suffix}")
    if class_weight is not None:
        known = np.unique(labels) if classes is None else classes
        weight *= _class_weights(class_weight, labels, known).astype(weight.dtype)
        X, labels, weight = _with_weight(X, labels, weight, "class_weight")
    if classes is None:
        classes = np.unique(labels)
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise ValueError(f"y{suffix} must hold labels out of {classes}; got {unknown} too.")
    return Samples(X, np.searchsorted(classes, labels).astype(np.int64), weight), classes


def _class_weights(
    class_weight: dict[Any, float] | str, labels: NDArray[Any], classes: NDArray[Any]
) -> FloatArray:
    if isinstance(class_weight, dict):
        if unknown := set(class_weight) - set(classes.tolist()):
            raise ValueError(
                f"class_weight must have classes out of {classes}; got {sorted(unknown)} too."
            )
        if any(weight < 0 for weight in class_weight.values()):
            raise ValueError(f"class_weight must not have negative weights; got {class_weight}.")
        present, indices = np.unique(labels, return_inverse=True)
        return np.array([class_weight.get(label, 1.0) for label in present.tolist()])[indices]
    return np.asarray(compute_sample_weight(class_weight, labels))


def _with_weight(
    X: Matrix, labels: NDArray[Any], weight: FloatArray, name: str
) -> tuple[Matrix, NDArray[Any], FloatArray]:
    has_weight = weight > 0
    if has_weight.all():
        return X, labels, weight
    if not has_weight.any():
        raise ValueError(f"{name} leaves no sample with a positive weight.")
    return X[has_weight], labels[has_weight], weight[has_weight]
