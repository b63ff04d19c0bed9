"""Find the single words in sequences."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from skimdb.feature_extraction._cells import (
    Cells,
    blocks_of_rows,
    concatenate_csr,
    sorted_unique,
    split_cells,
)
from skimdb.feature_extraction._sequences import FlatSequences

AddIndices: TypeAlias = Callable[[Cells, NDArray[np.uint32]], Cells]

_TOKENS_PER_BLOCK = 2**16


def find_words(
    sequences: FlatSequences, width: int, add_indices: AddIndices
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return CSR indices and indptr: the sorted, unique features of each sequence.

    `add_indices` adds each token's feature to the first cell of its row, and drops tokens without
    one.
    """
    return concatenate_csr(
        [
            split_cells(sorted_unique(cells), stop - start, width)
            for start, stop, cells in _blocks(sequences, width, add_indices)
        ]
    )


def fill_words(features: NDArray[Any], sequences: FlatSequences, add_indices: AddIndices) -> None:
    """Set features to 1 for the words of each sequence."""
    for start, stop, cells in _blocks(sequences, features.shape[1], add_indices):
        features[start:stop].reshape(-1)[cells] = 1


def _blocks(
    sequences: FlatSequences, width: int, add_indices: AddIndices
) -> Iterator[tuple[int, int, Cells]]:
    flat, offsets = sequences
    for start, stop in blocks_of_rows(offsets, _TOKENS_PER_BLOCK, width):
        row_starts = np.arange(stop - start, dtype=np.uint32) * np.uint32(width)
        cells = np.repeat(row_starts, np.diff(offsets[start : stop + 1]))
        tokens = flat[offsets[start] : offsets[stop]].astype(np.uint32)
        yield start, stop, add_indices(cells, tokens)
