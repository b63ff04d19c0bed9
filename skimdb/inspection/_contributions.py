"""Contributions of features to the log-odds of reviews."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import softmax

from skimdb.feature_extraction import LogCountRatioScaler
from skimdb.inspection._split_pipeline import FloatArray, Matrix, SplitPipeline, split_pipeline
from skimdb.neural_network._first_layer import FirstLayer
from skimdb.neural_network._logit_classifier import LogitClassifier
from skimdb.neural_network.arrays import ArrayNetwork
from skimdb.utils._log_odds import IntArray, slopes_of_log_odds

Method: TypeAlias = Literal["occlusion", "gradient"]

# Entries per block of occluded reviews; bounds the peak memory to about 100 MB.
_ENTRIES_PER_BLOCK = 2**22
_ADVICE = "Use method='occlusion', which works with any pipeline."


@dataclass(frozen=True)
class Contributions:
    """Contributions of the nonzero features of reviews, in the layout of a CSR matrix."""

    split: SplitPipeline
    features: Matrix  # of shape (n_reviews, n_features), not scaled yet
    names: NDArray[np.object_]  # of shape (n_features,)
    offsets: IntArray  # Review i has the entries offsets[i]:offsets[i + 1].
    columns: IntArray  # of shape (n_entries,): the feature of each entry
    values: FloatArray  # of shape (n_entries,): its contribution to the log-odds
    targets: IntArray  # of shape (n_reviews,): the positions in `classes_` of the classes explained
    log_odds: FloatArray  # of shape (n_reviews,)
    baselines: FloatArray  # of shape (n_reviews,): log-odds of a review without features


def compute_contributions(pipeline: Any, X: Any, method: Method, target: Any) -> Contributions:
    """Compute contributions as `explain_reviews` describes them."""
    if method not in ("occlusion", "gradient"):
        raise ValueError(f"method must be 'occlusion' or 'gradient', got {method!r}.")
    split, features = split_pipeline(pipeline, X)
    if features.shape[0] == 0:
        raise ValueError("X must contain at least one review, got none.")
    names = split.feature_names()
    entries = _canonical_csr(features)
    targets = split.targets(features, target)
    log_odds = split.log_odds(features, targets)
    if method == "occlusion":
        values = _occlude(split, features, entries, targets, log_odds)
    else:
        _check_differentiable(split, names)
        values = _gradient_times_input(split, features, entries, targets)
    explained, position = np.unique(targets, return_inverse=True)
    empty = _empty_reviews(features, len(explained))
    return Contributions(
        split=split,
        features=features,
        names=names,
        offsets=entries.indptr,
        columns=entries.indices,
        values=values,
        targets=targets,
        log_odds=log_odds,
        baselines=split.log_odds(empty, explained)[position],
    )


def readable_name(name: str) -> str:
    """Return the name of a feature, in quotes if there are blanks at its ends to show."""
    return name if name == name.strip() else repr(name)


def _canonical_csr(features: Matrix) -> Matrix:
    """Return the features as CSR, without duplicate entries or explicit zeros."""
    entries = sp.csr_matrix(features)
    if not entries.has_canonical_format or not entries.data.all():
        entries = entries.copy()
        entries.sum_duplicates()
        entries.eliminate_zeros()
    return entries


def _rows(entries: Matrix) -> IntArray:
    return np.repeat(np.arange(entries.shape[0]), np.diff(entries.indptr))


def _empty_reviews(features: Matrix, n_reviews: int) -> Matrix:
    shape, dtype = (n_reviews, features.shape[1]), features.dtype
    return type(features)(shape, dtype=dtype) if sp.issparse(features) else np.zeros(shape, dtype)


def _occlude(
    split: SplitPipeline,
    features: Matrix,
    entries: Matrix,
    targets: IntArray,
    log_odds: FloatArray,
) -> FloatArray:
    """Return how much the log-odds fall when each entry is removed from its review."""
    scales_each_feature = all(isinstance(step, LogCountRatioScaler) for step in split.scaling)
    network = _array_network(split.classifier)
    if scales_each_feature and network is not None:
        scaled, rows, columns, values = _scaled_entries(split, features, entries)
        return FirstLayer(network).occlude(scaled, targets, rows, columns, values)
    rows = _rows(entries)
    falls = log_odds[rows]
    for block in _blocks(entries, features):
        occluded = _without_each(entries, block, features)
        falls[block] -= split.log_odds(occluded, targets[rows[block]])
    return falls


def _blocks(entries: Matrix, features: Matrix) -> Iterator[slice]:
    """Yield ranges of entries whose occluded reviews fit in one block."""
    sizes = np.diff(entries.indptr) if sp.issparse(features) else np.array(entries.shape[1])
    cost = np.cumsum(np.broadcast_to(sizes, entries.shape[0])[_rows(entries)], dtype=np.int64)
    start = 0
    while start < entries.nnz:
        spent = cost[start - 1] if start else 0
        stop = int(np.searchsorted(cost, spent + _ENTRIES_PER_BLOCK, side="right"))
        yield slice(start, max(stop, start + 1))
        start = max(stop, start + 1)


def _without_each(entries: Matrix, block: slice, features: Matrix) -> Matrix:
    """Return a copy of the review of each entry in the block, without that entry."""
    removed = np.arange(block.start, block.stop)
    row = np.searchsorted(entries.indptr, removed, side="right") - 1
    starts = entries.indptr[row].astype(np.int64)
    n_kept = entries.indptr[row + 1] - starts - 1
    offsets = np.concatenate([[0], np.cumsum(n_kept)])
    # Entries after the removed one come from one position further on.
    source = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], n_kept)
    source += source >= np.repeat(removed, n_kept)
    shape = (len(removed), entries.shape[1])
    occluded = sp.csr_matrix((entries.data[source], entries.indices[source], offsets), shape=shape)
    return type(features)(occluded) if sp.issparse(features) else occluded.toarray()


def _check_differentiable(split: SplitPipeline, names: NDArray[np.object_]) -> None:
    if not (_array_network(split.classifier) is not None or hasattr(split.classifier, "coef_")):
        raise ValueError(
            "method='gradient' needs DenseSentimentClassifier, as built and with an activation "
            "that it computes on arrays, or a linear classifier with coef_, "
            f"got {type(split.classifier).__name__}. {_ADVICE}"
        )
    if not split.keeps_features(names):
        steps = [type(step).__name__ for step in split.scaling]
        raise ValueError(
            "method='gradient' needs steps that scale each feature without mixing or dropping any, "
            f"got {steps} before the classifier. {_ADVICE}"
        )


def _gradient_times_input(
    split: SplitPipeline, features: Matrix, entries: Matrix, targets: IntArray
) -> FloatArray:
    """Return the gradient of the log-odds with respect to each entry, times the entry."""
    scaled, rows, columns, values = _scaled_entries(split, features, entries)
    classifier = split.classifier
    network = _array_network(classifier)
    if network is not None:
        layer = FirstLayer(network)
        return layer.gradient_times_input(scaled, targets, rows, columns, values)
    coef = classifier.coef_
    coef = coef.toarray() if sp.issparse(coef) else np.atleast_2d(coef)
    slopes = _slopes_of_decision(classifier, coef, scaled, targets)
    return values * np.sum(slopes[rows] * coef.T[columns], axis=1, dtype=np.float64)


def _slopes_of_decision(
    classifier: Any, coef: FloatArray, X: Matrix, targets: IntArray
) -> FloatArray:
    """Return the derivatives of the log-odds by the decision function, as a matrix."""
    decision = classifier.decision_function(X).reshape(len(targets), -1)
    # SVC has coefficients for each pair of classes, and a decision for each class.
    linear = X @ coef.T + classifier.intercept_
    if linear.shape != decision.shape or not np.allclose(linear, decision, rtol=1e-3, atol=1e-3):
        raise ValueError(
            "method='gradient' needs a classifier whose decision function is the features times "
            f"coef_; that of {type(classifier).__name__} is not. {_ADVICE}"
        )
    if decision.shape[1] > 1 and not hasattr(classifier, "predict_proba"):
        return np.eye(decision.shape[1], dtype=np.float64)[targets]
    if decision.shape[1] > 1:
        probabilities = classifier.predict_proba(X)
        if not np.allclose(softmax(decision, axis=1), probabilities, atol=1e-5):
            raise ValueError(
                "method='gradient' needs a linear classifier whose probabilities are the softmax "
                f"of its decision function, if there are more than two classes; "
                f"{type(classifier).__name__}'s are not. {_ADVICE}"
            )
    return slopes_of_log_odds(decision, targets)


def _scaled_entries(
    split: SplitPipeline, features: Matrix, entries: Matrix
) -> tuple[Matrix, IntArray, IntArray, FloatArray]:
    """Return the scaled features, and the row, column and value of each entry in them.

    Values of dense features are relative to those of an empty review, which a scaler may shift.
    """
    scaled = split.scale(features)
    rows, columns = _rows(entries), entries.indices
    if len(rows) == 0:
        values = np.empty(0)  # SciPy's indexing would return a matrix
    elif sp.issparse(scaled):
        values = np.ravel(sp.csr_matrix(scaled)[rows, columns])
    else:
        values = scaled[rows, columns] - split.scale(_empty_reviews(features, 1))[0, columns]
    return scaled, rows, columns, values.astype(np.float64)


def _array_network(classifier: Any) -> ArrayNetwork | None:
    """Return the network of a classifier if its arithmetic is known."""
    return classifier._array_network if isinstance(classifier, LogitClassifier) else None
