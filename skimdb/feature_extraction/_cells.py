"""The features of a block of rows as cells.

A cell is the number of the row in its block, times the number of columns, plus the column. Blocks
are small, because cells that fit the second-level cache are sorted fast.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from skimdb.utils._memory import check_memory

Cells: TypeAlias = NDArray[np.uint32]

# What to do about features that do not fit in memory.
IN_BATCHES = (
    "Learn n-grams from a sample of the reviews, and transform the reviews in batches: "
    "skimdb.datasets.iter_batches reads files in batches, and partial_fit of "
    "DenseSentimentClassifier trains on them."
)

_MAX_CELL = int(np.iinfo(np.uint32).max)


def blocks_of_rows(
    offsets: NDArray[np.int64], max_items: int, max_rows: int = _MAX_CELL
) -> Iterator[tuple[int, int]]:
    """Yield the first row of each block and the row after its last.

    `offsets` has the number of items before each row. A block has at most `max_items`, unless it
    is a single row, and at most `max_rows`.
    """
    n_rows, start = len(offsets) - 1, 0
    while start < n_rows:
        end = int(np.searchsorted(offsets, offsets[start] + max_items, side="right")) - 1
        stop = max(start + 1, min(end, start + max_rows))
        yield start, stop
        start = stop


def max_rows(n_columns: int) -> int:
    """Return the number of rows whose cells are all 32-bit integers."""
    return _MAX_CELL // max(n_columns, 1)


def sorted_unique(cells: Cells) -> Cells:
    """Sort cells in place and return the unique ones, ten times as fast as np.unique."""
    cells.sort()
    return cells.compress(is_first_of(cells))  # three times as fast as indexing


def is_first_of(keys: NDArray[Any]) -> NDArray[np.bool]:
    """Mark the first of each run of equal, sorted keys."""
    is_first = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    return is_first


def split_cells(
    cells: Cells, n_rows: int, n_columns: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the columns of sorted cells, and how many each row has."""
    row_ends = np.arange(1, n_rows + 1, dtype=np.uint32) * np.uint32(n_columns)
    counts = np.diff(np.searchsorted(cells, row_ends), prepend=0)
    return (cells % np.uint32(n_columns)).astype(np.int32), counts


def concatenate_csr(
    blocks: Sequence[tuple[NDArray[np.int32], NDArray[np.int64]]],
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return CSR indices and indptr, given the columns and counts of blocks of rows."""
    n_bytes = 2 * sum(columns.nbytes for columns, _ in blocks)  # the values take as much
    check_memory(n_bytes, "Joining the features takes", IN_BATCHES)
    indices = [np.empty(0, dtype=np.int32), *(columns for columns, _ in blocks)]
    counts = [np.zeros(1, dtype=np.int64), *(counts for _, counts in blocks)]
    return np.concatenate(indices), np.cumsum(np.concatenate(counts))
