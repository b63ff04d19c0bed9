"""Object arrays of reviews that are views on one flat array."""

from itertools import pairwise
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

_INTEGER_TYPES = {np.dtype(code) for code in np.typecodes["AllInteger"]}


class ReviewArray(np.ndarray):
    """An object array of index arrays that is pickled as one flat array.

    Sending it to another process, or hashing it to look up a cached result, is then as fast as for
    one array of all indices.
    """

    # The last pickled array, if it is a copy. joblib identifies arrays in shared memory by id():
    # without this it would write one copy for each task.
    _copy: NDArray[Any] | None = None

    def __reduce__(self) -> Any:
        """Pickle as a flat array and lengths, if all rows are index arrays of one dtype."""
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
    """Whether the rows, in order, are exactly the flat array."""
    if not isinstance(flat, np.ndarray) or flat.ndim != 1 or flat.size != lengths.sum():
        return False
    if flat.dtype != rows[0].dtype or not flat.flags.c_contiguous:
        return False
    interfaces = [row.__array_interface__ for row in rows if len(row)]
    if any(interface["strides"] is not None for interface in interfaces):
        return False
    sizes = lengths[lengths > 0] * flat.itemsize
    expected = flat.__array_interface__["data"][0] + np.cumsum(sizes) - sizes
    addresses = [interface["data"][0] for interface in interfaces]
    return bool(addresses == expected.tolist())


def as_reviews(indices: NDArray[np.int32], lengths: NDArray[np.int64]) -> NDArray[Any]:
    """Return the reviews in a flat array as an object array of views on it."""
    reviews = np.empty(len(lengths), dtype=object).view(ReviewArray)
    bounds = pairwise([0, *lengths.cumsum().tolist()])
    indices = np.asarray(indices)  # Slicing a memmap is slow, since it creates memmaps.
    # One by one: NumPy would turn reviews of equal length into a matrix.
    for i, (start, end) in enumerate(bounds):
        reviews[i] = indices[start:end]
    return reviews
