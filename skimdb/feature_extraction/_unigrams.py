"""Find the single words in sequences."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from skimdb.feature_extraction._cells import (
    Cells,
    blocks_of_rows,
    concatenate_csr,
    max_rows,
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
    flat, offsets = sequences
    blocks = []
    for start, stop in blocks_of_rows(offsets, _TOKENS_PER_BLOCK, max_rows(width)):
        row_starts = np.arange(stop - start, dtype=np.uint32) * np.uint32(width)
        cells = np.repeat(row_starts, np.diff(offsets[start : stop + 1]))
        tokens = flat[offsets[start] : offsets[stop]].astype(np.uint32)
        cells = sorted_unique(add_indices(cells, tokens))
        blocks.append(split_cells(cells, stop - start, width))
    return concatenate_csr(blocks)
