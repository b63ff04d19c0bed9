"""How much each feature of each review contributes to the log-odds that a pipeline gives."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skimdb.feature_extraction import LogCountRatioScaler
from skimdb.inspection._split_pipeline import FloatArray, Matrix, SplitPipeline, split_pipeline

if TYPE_CHECKING:
    from skimdb.neural_network._first_layer import FirstLayer

IntArray: TypeAlias = NDArray[np.integer[Any]]
Method: TypeAlias = Literal["occlusion", "gradient"]

# Bounds the memory that a block of reviews with a feature taken out takes, to some 100 MB.
_ENTRIES_PER_BLOCK = 2**22


@dataclass(frozen=True)
class Contributions:
    """Contributions of the features that are present in reviews.

    Attributes
    ----------
    split : SplitPipeline
        The pipeline that is explained.
    features : {ndarray, sparse matrix} of shape (n_reviews, n_features)
        What `split` makes of the reviews.
    names : ndarray of str of shape (n_features,)
        The names of all features.
    offsets : ndarray of int of shape (n_reviews + 1,)
        The entries of review `i` are at ``offsets[i]:offsets[i + 1]``.
    columns : ndarray of int of shape (n_entries,)
        The feature of each entry.
    values : ndarray of shape (n_entries,)
        The contribution of each entry to the log-odds of its review.
    log_odds : ndarray of shape (n_reviews,)
        Of the reviews as they are.
    baseline : float
        The log-odds of a review without any feature.
    """

    split: SplitPipeline
    features: Matrix
    names: NDArray[np.object_]
    offsets: IntArray
    columns: IntArray
    values: FloatArray
    log_odds: FloatArray
    baseline: float


def compute_contributions(pipeline: Any, X: Any, method: Method) -> Contributions:
    """Compute the contributions that `skimdb.inspection.explain_reviews` describes."""
    if method not in ("occlusion", "gradient"):
        raise ValueError(f"method must be 'occlusion' or 'gradient', got {method!r}.")
    split, features = split_pipeline(pipeline, X)
    if features.shape[0] == 0:
        raise ValueError("X must hold at least one review, got none.")
    names = split.feature_names()
    entries = _canonical_csr(features)
    log_odds = split.log_odds(features)
    if method == "occlusion":
        values = _occlude(split, features, entries, log_odds)
    else:
        _check_differentiable(split, names)
        values = _gradient_times_input(split, features, entries)
    return Contributions(
        split=split,
        features=features,
        names=names,
        offsets=entries.indptr,
        columns=entries.indices,
        values=values,
        log_odds=log_odds,
        baseline=float(split.log_odds(_empty_review(features))[0]),
    )


def _canonical_csr(features: Matrix) -> Matrix:
    """Return a CSR matrix whose entries are the features that are present, by review."""
    entries = sp.csr_matrix(features)
    if not entries.has_canonical_format or not entries.data.all():
        entries = entries.copy()
        entries.sum_duplicates()
        entries.eliminate_zeros()
    return entries


def _rows(entries: Matrix) -> IntArray:
    return np.repeat(np.arange(entries.shape[0]), np.diff(entries.indptr))


def _empty_review(features: Matrix) -> Matrix:
    shape, dtype = (1, features.shape[1]), features.dtype
    return type(features)(shape, dtype=dtype) if sp.issparse(features) else np.zeros(shape, dtype)


def _occlude(
    split: SplitPipeline, features: Matrix, entries: Matrix, log_odds: FloatArray
) -> FloatArray:
    """Return by how much the log-odds fall when each entry is taken out of its review."""
    scales_each_feature = all(isinstance(step, LogCountRatioScaler) for step in split.scaling)
    if scales_each_feature and _is_network(split.classifier):
        return _first_layer(split.classifier).occlude(*_classified(split, features, entries))
    falls = log_odds[_rows(entries)]
    for block in _blocks(entries, features):
        falls[block] -= split.log_odds(_without_each(entries, block, features))
    return falls


def _blocks(entries: Matrix, features: Matrix) -> Iterator[slice]:
    """Yield ranges of entries that are few enough to take each out of its review at once."""
    sizes = np.diff(entries.indptr) if sp.issparse(features) else np.array(entries.shape[1])
    cost = np.cumsum(np.broadcast_to(sizes, entries.shape[0])[_rows(entries)], dtype=np.int64)
    start = 0
    while start < entries.nnz:
        spent = cost[start - 1] if start else 0
        stop = int(np.searchsorted(cost, spent + _ENTRIES_PER_BLOCK, side="right"))
        yield slice(start, max(stop, start + 1))
        start = max(stop, start + 1)


def _without_each(entries: Matrix, block: slice, features: Matrix) -> Matrix:
    """Return, for each entry of the block, its review without it, in the form of `features`."""
    taken_out = np.arange(block.start, block.stop)
    row = np.searchsorted(entries.indptr, taken_out, side="right") - 1
    starts = entries.indptr[row].astype(np.int64)
    n_kept = entries.indptr[row + 1] - starts - 1
    offsets = np.concatenate([[0], np.cumsum(n_kept)])
    # Kept entries come from the same place of their review, or from the next one where they are
    # behind the entry that is taken out.
    source = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], n_kept)
    source += source >= np.repeat(taken_out, n_kept)
    shape = (len(taken_out), entries.shape[1])
    occluded = sp.csr_matrix((entries.data[source], entries.indices[source], offsets), shape=shape)
    return type(features)(occluded) if sp.issparse(features) else occluded.toarray()


def _check_differentiable(split: SplitPipeline, names: NDArray[np.object_]) -> None:
    advice = "Use method='occlusion', which takes any pipeline."
    if not (_is_network(split.classifier) or hasattr(split.classifier, "coef_")):
        raise ValueError(
            "method='gradient' needs DenseSentimentClassifier, as built and with an activation "
            "that it computes on arrays, or a linear classifier with coef_, "
            f"got {type(split.classifier).__name__}. {advice}"
        )
    if not split.keeps_features(names):
        steps = [type(step).__name__ for step in split.scaling]
        raise ValueError(
            "method='gradient' needs steps that scale features without mixing or leaving out any, "
            f"got {steps} before the classifier. {advice}"
        )


def _gradient_times_input(split: SplitPipeline, features: Matrix, entries: Matrix) -> FloatArray:
    """Return the derivative of the log-odds by each entry, times the entry."""
    classified = _classified(split, features, entries)
    if _is_network(split.classifier):
        return _first_layer(split.classifier).gradient_times_input(*classified)
    _, _, columns, values = classified
    coef = split.classifier.coef_
    return values * np.ravel(coef.toarray() if sp.issparse(coef) else coef)[columns]


def _classified(
    split: SplitPipeline, features: Matrix, entries: Matrix
) -> tuple[Matrix, IntArray, IntArray, FloatArray]:
    """Return what is classified, and each entry's row and column of it and its share in it."""
    scaled = split.scale(features)
    rows, columns = _rows(entries), entries.indices
    if len(rows) == 0:
        values = np.empty(0)  # which SciPy's indexing would return as a matrix
    elif sp.issparse(scaled):
        values = np.ravel(sp.csr_matrix(scaled)[rows, columns])
    else:
        values = scaled[rows, columns] - split.scale(_empty_review(features))[0, columns]
    return scaled, rows, columns, values.astype(np.float64)


def _is_network(classifier: Any) -> bool:
    """Tell whether it is a DenseSentimentClassifier whose arithmetic is known."""
    # It would be imported already; if not, TensorFlow need not be loaded.
    module = sys.modules.get("skimdb.neural_network")
    if module is None or not isinstance(classifier, module.DenseSentimentClassifier):
        return False
    state = classifier._state
    return state.changed_model is None and state.network.has_known_activation


def _first_layer(classifier: Any) -> "FirstLayer":
    from skimdb.neural_network._first_layer import FirstLayer  # noqa: PLC0415 - loads TensorFlow

    return FirstLayer(classifier._state.settled_network)
