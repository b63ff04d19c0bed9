"""Reviews in an object array, which are views on one flat array."""

from itertools import pairwise
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

_INTEGER_TYPES = {np.dtype(code) for code in np.typecodes["AllInteger"]}


class ReviewArray(np.ndarray):
    """An object array of index arrays that is pickled as one flat array.

    Sending it to a process, or hashing it to look up a cached result, then costs what the indices
    cost, and not a thousand times as many objects.
    """

    # What was pickled last, if that was a copy. Pickling the same object each time keeps joblib
    # from writing it to shared memory for each task.
    _copy: NDArray[Any] | None = None

    def __reduce__(self) -> Any:
        """Return what makes the array again, of its rows put end to end where all are alike."""
        rows = self.tolist() if self.ndim == 1 and self.dtype == object else []
        if set(map(type, rows)) != {np.ndarray}:
            return super().__reduce__()
        dtypes, ndims = (set(map(attrgetter(name), rows)) for name in ("dtype", "ndim"))
        if ndims != {1} or len(dtypes) > 1 or not dtypes <= _INTEGER_TYPES:
            return super().__reduce__()
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        flat = rows[0].base
        if not _is_end_to_end(rows, lengths, flat):
            flat = np.concatenate(rows)
            if self._copy is None or not np.array_equal(flat, self._copy):
                self._copy = flat
            flat = self._copy
        return as_reviews, (flat, lengths)


def _is_end_to_end(rows: list[NDArray[Any]], lengths: NDArray[np.int64], flat: Any) -> bool:
    """Whether the rows are all of a flat array, in its order."""
    if not isinstance(flat, np.ndarray) or flat.ndim != 1 or flat.size != lengths.sum():
        return False
    if flat.dtype != rows[0].dtype or not flat.flags.c_contiguous:
        return False
    interfaces = [row.__array_interface__ for row in rows if len(row)]
    if any(interface["strides"] is not None for interface in interfaces):
        return False
    sizes = lengths[lengths > 0] * flat.itemsize
    places = flat.__array_interface__["data"][0] + np.cumsum(sizes) - sizes
    starts = [interface["data"][0] for interface in interfaces]
    return bool(starts == places.tolist())


def as_reviews(indices: NDArray[np.int32], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Cut a flat buffer into reviews.

    Parameters
    ----------
    indices : ndarray of shape (n_tokens,), dtype int32
        The reviews one after the other.
    lengths : ndarray of shape (n_samples,), dtype int64
        Of the reviews.

    Returns
    -------
    reviews : ndarray of shape (n_samples,), dtype object
        Views on `indices`.
    """
    reviews = np.empty(len(lengths), dtype=object).view(ReviewArray)
    bounds = pairwise([0, *lengths.cumsum().tolist()])
    indices = np.asarray(indices)  # Slices of a memmap would be memmaps, which take long to make.
    # One by one, since NumPy would make a matrix of reviews that have the same length.
    for i, (start, end) in enumerate(bounds):
        reviews[i] = indices[start:end]
    return reviews
