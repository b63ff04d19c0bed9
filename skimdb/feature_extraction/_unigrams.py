"""Find the single words in sequences."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from skimdb.feature_extraction._sequences import FlatSequences

_Keys: TypeAlias = NDArray[np.uint32]
AddIndices: TypeAlias = Callable[[_Keys, NDArray[np.uint32]], _Keys]

# The 32-bit keys of a block fit the second-level cache.
_TOKENS_PER_BLOCK = 2**16
_MAX_KEY = int(np.iinfo(np.uint32).max)


def find_words(
    sequences: FlatSequences, width: int, add_indices: AddIndices
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return CSR indices and indptr: the sorted, unique features of each sequence.

    `add_indices` adds each token's feature to the key of its row, and drops tokens without one.
    """
    indices = [np.empty(0, dtype=np.int32)]
    indptr = np.zeros(len(sequences[1]), dtype=np.int64)
    for start, stop, keys in _blocks(sequences, width, add_indices):
        unique = _sorted_unique(keys)
        row_ends = np.arange(1, stop - start + 1, dtype=np.uint32) * np.uint32(width)
        indptr[start + 1 : stop + 1] = indptr[start] + np.searchsorted(unique, row_ends)
        indices.append((unique % np.uint32(width)).astype(np.int32))
    return np.concatenate(indices), indptr


def fill_words(features: NDArray[Any], sequences: FlatSequences, add_indices: AddIndices) -> None:
    """Set features to 1 for the words of each sequence."""
    for start, stop, keys in _blocks(sequences, features.shape[1], add_indices):
        features[start:stop].reshape(-1)[keys] = 1


def _blocks(
    sequences: FlatSequences, width: int, add_indices: AddIndices
) -> Iterator[tuple[int, int, _Keys]]:
    """Yield blocks of rows, with ``(row - start) * width + feature`` for each of their tokens."""
    flat, offsets = sequences
    n_samples = len(offsets) - 1
    start = 0
    while start < n_samples:
        block_end = np.searchsorted(offsets, offsets[start] + _TOKENS_PER_BLOCK, side="right")
        stop = max(start + 1, min(int(block_end) - 1, start + _MAX_KEY // width))
        row_starts = np.arange(stop - start, dtype=np.uint32) * np.uint32(width)
        keys = np.repeat(row_starts, np.diff(offsets[start : stop + 1]))
        tokens = flat[offsets[start] : offsets[stop]].astype(np.uint32)
        yield start, stop, add_indices(keys, tokens)
        start = stop


def _sorted_unique(keys: _Keys) -> _Keys:
    """Sort keys in place and return the unique ones, ten times as fast as np.unique."""
    keys.sort()
    return keys.compress(is_first_of(keys))  # three times as fast as indexing


def is_first_of(keys: NDArray[Any]) -> NDArray[np.bool]:
    """Mark the first of each run of equal, sorted keys."""
    is_first = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    return is_first
