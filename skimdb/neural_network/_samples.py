"""From labels and weights to samples."""

import math
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import train_test_split
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, _check_y, check_non_negative

from skimdb.feature_extraction._log_count_ratio import factors, log_count_ratio, weighted_sums
from skimdb.neural_network.arrays import FloatArray, IntArray, Matrix, Samples
from skimdb.utils._naming import naming


def check_samples(
    X: Matrix,
    y: ArrayLike | None,
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
        Checked already. Copied where samples are left out.
    y : array-like of shape (n_samples,)
        Labels.
    sample_weight : array-like of shape (n_samples,) or None
        At least 0; None stands for 1.
    classes : ndarray of shape (n_classes,), default=None
        Sorted labels that `y` may have. By default those that have weight.
    class_weight : dict, "balanced" or None, default=None
        The sample weights are multiplied by it. Classes that a dict leaves out have weight 1.
        As in scikit-learn, a dict may have other classes too, unless it leaves some out.
    suffix : str, default=""
        Of the parameters' names in messages.

    Returns
    -------
    samples : Samples
    classes : ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        For labels that are none, or not among `classes`, and for weights that are negative, not
        finite, or all zero.
    """
    if y is None:
        raise ValueError(f"A classifier requires y{suffix} to be passed, but the target y is None.")
    with naming(f"y{suffix}", instead_of="y"):
        labels: NDArray[Any] = column_or_1d(_check_y(y, multi_output=True), warn=True)
        check_classification_targets(labels)
    if len(labels) != X.shape[0]:
        raise ValueError(
            f"y{suffix} must have a label for each of the {X.shape[0]} samples of X{suffix}; "
            f"got {len(labels)}."
        )
    weight: FloatArray = np.ones(len(labels), X.dtype)
    if sample_weight is not None:
        with naming(f"sample_weight{suffix}", instead_of="sample_weight"):
            weight = _check_sample_weight(
                sample_weight, X, dtype=X.dtype, ensure_non_negative=True, copy=True
            )
            if np.any((weight == 0) & (np.asarray(sample_weight) != 0)):
                raise ValueError(f"sample_weight has numbers that are too small for {X.dtype}.")
        X, labels, weight = _with_weight(X, labels, weight, f"sample_weight{suffix}")
    present, indices = np.unique(labels, return_inverse=True)
    known = present if classes is None else classes
    if len(unknown := np.setdiff1d(present, known)):
        raise ValueError(f"y{suffix} must hold labels out of {known}; got {unknown} too.")
    indices = np.searchsorted(known, present)[indices]
    if class_weight is not None:
        weight_of_class = _class_weights(class_weight, indices, known, weight.dtype)
        with np.errstate(over="ignore"):  # _with_weight refuses infinite weights
            weight = weight * weight_of_class[indices]
        X, indices, weight = _with_weight(X, indices, weight, "class_weight")
        if classes is None:
            present, indices = np.unique(indices, return_inverse=True)
            known = known[present]
    return Samples(X, indices, weight), known


def split_samples(
    samples: Samples, validation_fraction: float, seed: int
) -> tuple[Samples, Samples]:
    """Split off validation data; a class with a single sample stays in the training part.

    Both parts share `X`.
    """
    n_of_class = np.bincount(samples.y)
    is_divisible = n_of_class[samples.y] > 1
    rows = np.flatnonzero(is_divisible)
    n_classes = int(np.count_nonzero(n_of_class > 1))
    n_validation = max(math.ceil(validation_fraction * len(rows)), n_classes)
    if len(rows) - n_validation < max(n_classes, 1):
        raise ValueError(
            f"early_stopping=True cannot set validation_fraction={validation_fraction} of "
            f"{len(samples)} samples of {len(n_of_class)} classes aside: each class must have "
            "samples in both parts. Give X_val and y_val, or choose epochs."
        )
    train_rows, validation_rows = train_test_split(
        rows, test_size=n_validation, stratify=samples.y[rows], random_state=seed
    )
    train_rows = np.concatenate([train_rows, np.flatnonzero(~is_divisible)])
    return samples.select(train_rows), samples.select(validation_rows)


def validation_to_train_on(
    validation: Samples,
    samples: Samples,
    classes: NDArray[Any],
    class_weight: dict[Any, float] | str | None,
    sample_weight: ArrayLike | None,
) -> Samples:
    """Return validation data with the weights that they have among training samples.

    `sample_weight` has those of the training samples, before `class_weight`, if validation data
    without weights are to get their mean.
    """
    weight = validation.sample_weight.copy()
    if sample_weight is not None:
        weights = np.asarray(sample_weight, dtype=np.float64)
        weight *= weights[weights > 0].mean()
    if class_weight is not None:
        weight *= _class_weights(class_weight, samples.y, classes, weight.dtype)[validation.y]
    return replace(validation, sample_weight=weight)


def log_count_ratio_factors(samples: Samples, n_classes: int) -> FloatArray:
    """Return the factor of each feature, as LogCountRatioScaler has it.

    Weights are numbers of samples, and their mean is raised to 1 if it is lower.
    """
    check_non_negative(samples.X, "feature_scaling='log_count_ratio' (X)")
    rows = np.arange(len(samples)) if samples.rows is None else samples.rows
    weights = np.zeros((n_classes, samples.X.shape[0]))
    weights[samples.y, rows] = samples.sample_weight
    # Counts that the smoothing would outweigh tell nothing.
    weights *= max(1.0, 1.0 / samples.sample_weight.mean(dtype=np.float64))
    sums = weighted_sums(weights, samples.X)
    return factors(log_count_ratio(sums, alpha=1.0)).astype(samples.X.dtype)


def _class_weights(
    class_weight: dict[Any, Any] | str,
    indices: IntArray,
    classes: NDArray[Any],
    dtype: np.dtype[Any],
) -> FloatArray:
    """Return the weight of each class, of shape (n_classes,)."""
    if isinstance(class_weight, dict):
        labels = classes.tolist()
        for label, weight in class_weight.items():
            number = _as_float(weight)
            if not 0 <= number < math.inf:
                raise ValueError(
                    "class_weight must have finite numbers of at least 0; "
                    f"got {weight!r} for class {label!r}."
                )
            if number > float(np.finfo(dtype).max) or 0 < number < float(np.finfo(dtype).tiny):
                raise ValueError(
                    f"class_weight must have numbers that {dtype} can hold; got {weight!r} for "
                    f"class {label!r}."
                )
        unweighted = [label for label in labels if label not in class_weight]
        # Classes of weight 0 are no longer among them.
        weighted = [label for label, weight in class_weight.items() if weight]
        unknown = [label for label in weighted if label not in labels]
        if unweighted and unknown:
            raise ValueError(
                f"class_weight must have classes out of {classes}; got {unknown} too, and no "
                f"weight for {unweighted}."
            )
        return np.array([class_weight.get(label, 1.0) for label in labels], dtype)
    n_samples = np.bincount(indices, minlength=len(classes))
    return np.asarray(len(indices) / (len(classes) * n_samples), dtype)


def _as_float(value: Any) -> float:
    """Return a real number as a float, and NaN for everything else."""
    try:
        return float(value) if isinstance(value, Real) else math.nan
    except OverflowError:  # of an integer
        return math.inf


def _with_weight(
    X: Matrix, labels: NDArray[Any], weight: FloatArray, name: str
) -> tuple[Matrix, NDArray[Any], FloatArray]:
    with np.errstate(over="ignore"):
        total = weight.sum(dtype=np.float64)
    if not math.isfinite(total):
        raise ValueError(f"{name} must have weights whose sum is finite in {weight.dtype}.")
    has_weight = weight > 0
    if has_weight.all():
        return X, labels, weight
    if not has_weight.any():
        raise ValueError(f"{name} leaves no sample with a positive weight.")
    return X[has_weight], labels[has_weight], weight[has_weight]
