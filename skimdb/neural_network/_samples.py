"""What a network is trained on, and in which order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.utils import column_or_1d, gen_batches
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight

from skimdb.utils._mapped import copy_rows, is_mapped, release_pages, view_rows

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
Matrix: TypeAlias = Any  # an ndarray, or a CSR matrix or array of scipy, which has no types

# Rows of a mapped matrix that are read together.
CHUNK_SIZE = 64
# Rows worked with at a time: what more memory depends on than labels and results.
GROUP_SIZE = 1024 * CHUNK_SIZE


@dataclass(frozen=True)
class Samples:
    """Reviews to train or to validate on.

    Attributes
    ----------
    X : {ndarray, CSR matrix} of float32 or float64 and shape (n_samples, n_features)
    y : ndarray of int and shape (n_samples,)
        Indices of the classes.
    sample_weight : ndarray of shape (n_samples,)
        Positive, of the type of `X`.
    """

    X: Matrix
    y: IntArray
    sample_weight: FloatArray

    def take(self, rows: IntArray | slice) -> "Samples":
        """Return some of the samples."""
        return Samples(self.X[rows], self.y[rows], self.sample_weight[rows])

    @property
    def is_mapped(self) -> bool:
        """Whether the features are read from files."""
        return is_mapped(self.X)

    def in_memory(self, rows: IntArray) -> tuple["Samples", IntArray]:
        """Return samples that hold some of these, and the positions of `rows` in them.

        Of a mapped matrix the rows are copied, in the order of the file, which takes less time
        than to read them in random order and less memory than the pages that they are on.
        """
        if not self.is_mapped:
            return self, rows
        order = np.argsort(rows)
        in_order = rows[order]
        positions = np.empty_like(order)
        positions[order] = np.arange(len(order))
        X = copy_rows(self.X, in_order, CHUNK_SIZE)
        return Samples(X, self.y[in_order], self.sample_weight[in_order]), positions

    def __len__(self) -> int:
        return len(self.y)


def epoch_rng(seed: int, epoch: int) -> np.random.Generator:
    """Return the generator of one epoch, the same whatever was drawn before.

    The first thing to be drawn from it is the order of the samples.
    """
    return np.random.default_rng([seed, epoch])


def shuffled_batches(
    n_samples: int, batch_size: int, rng: np.random.Generator, *, in_chunks: bool
) -> Iterator[IntArray]:
    """Yield the rows of each batch of an epoch, cut out of `shuffled_runs`."""
    for run in shuffled_runs(n_samples, batch_size, rng, in_chunks=in_chunks):
        for batch in gen_batches(len(run), batch_size):
            yield run[batch]


def shuffled_runs(
    n_samples: int, batch_size: int, rng: np.random.Generator, *, in_chunks: bool
) -> Iterator[IntArray]:
    """Yield the rows of an epoch in random order, whole batches of them at a time.

    Parameters
    ----------
    n_samples : int
    batch_size : int
        Of all batches but the last, which may be smaller.
    rng : Generator
        Draws the order, where it is drawn at once. Otherwise a child of it does, so that what
        else is drawn from `rng` in between makes no difference.
    in_chunks : bool
        Of more than `GROUP_SIZE` samples, put chunks of `CHUNK_SIZE` rows together at random, as
        many as make a group, and permute their rows. That needs no memory for all of the order,
        and reads a file in pieces of many rows.

    Yields
    ------
    ndarray of int of shape (n_rows,)
        All rows, or about `GROUP_SIZE` of them, or a batch where that is more.
    """
    rows = np.empty(0, np.intp)
    for group in _shuffled_groups(n_samples, rng, in_chunks):
        rows = np.concatenate([rows, group])
        n_whole = len(rows) // batch_size * batch_size
        if n_whole:
            yield rows[:n_whole]
            rows = rows[n_whole:]
    if len(rows):
        yield rows


def _shuffled_groups(
    n_samples: int, rng: np.random.Generator, in_chunks: bool
) -> Iterator[IntArray]:
    if n_samples <= GROUP_SIZE or not in_chunks:
        yield rng.permutation(n_samples)
        return
    (rng,) = rng.spawn(1)
    starts = np.arange(0, n_samples, CHUNK_SIZE)
    n_groups = -(-n_samples // GROUP_SIZE)
    # Each group gets one of every `n_groups` consecutive chunks, and with them its share of each
    # class where the rows are sorted. The last group has the last word on the weights.
    table = np.full((-(-len(starts) // n_groups), n_groups), -1)
    table.flat[: len(starts)] = starts
    for chunks in rng.permuted(table, axis=1).T:
        rows = np.add.outer(chunks[chunks >= 0], np.arange(CHUNK_SIZE)).ravel()
        yield rng.permutation(rows[rows < n_samples])


def ends_group(index: int, batch_size: int) -> bool:
    """Whether a batch, given its place in the epoch, fills up a group of `GROUP_SIZE` rows."""
    return (index + 1) * batch_size // GROUP_SIZE > index * batch_size // GROUP_SIZE


def row_blocks(X: Matrix, batch_size: int = 1) -> Iterator[tuple[slice, Matrix]]:
    """Yield up to `GROUP_SIZE` rows at a time, with their positions.

    Of a mapped matrix, the pages are released after each block.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
    batch_size : int, default=1
        No block ends in the middle of a batch.
    """
    n_samples = X.shape[0]
    size = n_samples if n_samples <= GROUP_SIZE else max(1, GROUP_SIZE // batch_size) * batch_size
    for rows in gen_batches(n_samples, size):
        yield rows, view_rows(X, rows)
        release_pages(X)


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

    Without weights, the result takes a byte per sample for up to 256 classes.

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
    for block in _label_blocks(labels):
        check_classification_targets(block)
    weight: FloatArray = np.broadcast_to(X.dtype.type(1), len(labels))  # takes no memory
    if sample_weight is not None:
        weight = _check_sample_weight(
            sample_weight, X, dtype=X.dtype, ensure_non_negative=True, copy=True
        )
        X, labels, weight = _with_weight(X, labels, weight, f"sample_weight{suffix}")
    present = _unique(labels)
    known = present if classes is None else classes
    unknown = np.setdiff1d(present, known)
    if len(unknown):
        raise ValueError(f"y{suffix} must hold labels out of {known}; got {unknown} too.")
    indices = _class_indices(labels, known)
    if class_weight is not None:
        factors = _class_weights(class_weight, indices, known).astype(weight.dtype)
        weight = weight * _blockwise(factors.take, indices, weight.dtype)
        X, indices, weight = _with_weight(X, indices, weight, "class_weight")
        if classes is None:
            present = _unique(indices)
            known, indices = known[present], _class_indices(indices, present)
    return Samples(X, indices, weight), known


def _label_blocks(labels: NDArray[Any]) -> Iterator[NDArray[Any]]:
    # Scikit-learn warns where a few labels have many values: the last block is none of a few.
    for block in gen_batches(len(labels), GROUP_SIZE, min_batch_size=GROUP_SIZE // 2):
        yield labels[block]


def _blockwise(
    function: Callable[[NDArray[Any]], NDArray[Any]], labels: NDArray[Any], dtype: DTypeLike
) -> NDArray[Any]:
    """Return what an elementwise function makes of labels, without its 64-bit intermediates."""
    result = np.empty(len(labels), dtype)
    for block in gen_batches(len(labels), GROUP_SIZE):
        result[block] = function(labels[block])
    return result


def _unique(labels: NDArray[Any]) -> NDArray[Any]:
    return np.unique(np.concatenate([np.unique(block) for block in _label_blocks(labels)]))


def _class_indices(labels: NDArray[Any], classes: NDArray[Any]) -> IntArray:
    smallest_type = np.min_scalar_type(len(classes) - 1)
    return _blockwise(lambda block: np.searchsorted(classes, block), labels, smallest_type)


def _class_weights(
    class_weight: dict[Any, float] | str, indices: IntArray, classes: NDArray[Any]
) -> FloatArray:
    """Return the weight of each class, of shape (n_classes,)."""
    if isinstance(class_weight, dict):
        if unknown := set(class_weight) - set(classes.tolist()):
            raise ValueError(
                f"class_weight must have classes out of {classes}; got {sorted(unknown)} too."
            )
        if any(weight < 0 for weight in class_weight.values()):
            raise ValueError(f"class_weight must not have negative weights; got {class_weight}.")
        return np.array([class_weight.get(label, 1.0) for label in classes.tolist()])
    n_samples = sum(np.bincount(block, minlength=len(classes)) for block in _label_blocks(indices))
    return np.asarray(len(indices) / (len(classes) * n_samples))


def _with_weight(
    X: Matrix, labels: NDArray[Any], weight: FloatArray, name: str
) -> tuple[Matrix, NDArray[Any], FloatArray]:
    has_weight = weight > 0
    if has_weight.all():
        return X, labels, weight
    if not has_weight.any():
        raise ValueError(f"{name} leaves no sample with a positive weight.")
    return X[has_weight], labels[has_weight], weight[has_weight]
