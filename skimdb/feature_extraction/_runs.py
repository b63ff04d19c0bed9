"""The distinct runs of words in sequences.

A run is what stands between indices that no n-gram may contain. Of characters within words, the
runs are the words of the texts. Most of them occur many times, and their n-grams are found once.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skimdb.feature_extraction._cells import concatenate_csr, is_first_of
from skimdb.feature_extraction._sequences import FlatSequences, IntArray, offsets_of

_Positions: TypeAlias = NDArray[np.int64]

# Longer runs hardly ever occur twice.
_MAX_MEAN_LENGTH = 16
_RUNS_PER_BLOCK = 2**15
_ROWS_PER_BLOCK = 2**11
# The hash of a run is a polynomial with its words as coefficients, modulo 2**64, at this point.
_BASE = np.uint64(0x9E3779B97F4A7C15)


class DistinctRuns(NamedTuple):
    """The distinct runs of some sequences.

    Attributes
    ----------
    sequences : flat array and offsets
        The runs.
    of_rows : CSR array of bool and shape (n_rows, n_runs)
        Which runs each of the sequences contains.
    """

    sequences: FlatSequences
    of_rows: sp.csr_array

    def unite(self, of_runs: sp.csr_array) -> tuple[NDArray[np.int32], _Positions]:
        """Return the sorted columns of each row, as CSR indices and indptr, from those of runs."""
        # Transposing twice sorts the columns, without comparisons.
        united = [(rows @ of_runs).tocsc().tocsr() for rows in self._blocks()]
        return concatenate_csr([(block.indices, np.diff(block.indptr)) for block in united])

    def document_frequencies(self, of_runs: sp.csr_array) -> NDArray[np.int64]:
        """Return in how many rows each column is, from the columns of runs."""
        df = np.zeros(of_runs.shape[1], dtype=np.int64)
        for rows in self._blocks():
            df += np.bincount((rows @ of_runs).indices, minlength=len(df))
        return df

    def _blocks(self) -> Iterator[sp.csr_array]:
        for start in range(0, self.of_rows.shape[0], _ROWS_PER_BLOCK):
            yield self.of_rows[start : start + _ROWS_PER_BLOCK]


def distinct_runs(sequences: FlatSequences, is_word: NDArray[np.bool]) -> DistinctRuns | None:
    """Return the runs of words, or None if too few of them occur again."""
    flat, offsets = sequences
    is_start = is_word.copy()
    is_start[1:] &= ~is_word[:-1]
    first = offsets[:-1][offsets[:-1] < len(flat)]
    is_start[first] = is_word[first]
    is_end = is_word.copy()
    is_end[:-1] &= ~is_word[1:]
    last = offsets[1:][offsets[1:] > 0] - 1
    is_end[last] = is_word[last]
    starts = np.flatnonzero(is_start)
    lengths = np.flatnonzero(is_end) + 1 - starts
    n_words = int(lengths.sum())
    if not 0 < n_words <= _MAX_MEAN_LENGTH * len(starts):
        return None
    try:
        numbers, distinct = _number(flat, starts, lengths)
    except _CollisionError:
        return None
    if 2 * lengths[distinct].sum() > n_words:
        return None
    indptr = np.searchsorted(starts, offsets)
    of_rows = boolean_csr(numbers, indptr, len(distinct))
    of_rows.sum_duplicates()
    runs, _ = _runs(flat, starts[distinct], lengths[distinct])
    return DistinctRuns((runs, offsets_of(lengths[distinct])), of_rows)


class _CollisionError(Exception):
    """Two different runs have the same hash."""


def _number(
    flat: IntArray, starts: _Positions, lengths: _Positions
) -> tuple[_Positions, _Positions]:
    """Return the number of each run among the distinct ones, and a run of each number."""
    if len(starts) <= _RUNS_PER_BLOCK:
        return _number_block(flat, starts, lengths)
    numbers, distinct, n_distinct = [], [], 0
    for start in range(0, len(starts), _RUNS_PER_BLOCK):
        block = slice(start, start + _RUNS_PER_BLOCK)
        of_block, first = _number_block(flat, starts[block], lengths[block])
        numbers.append(of_block + n_distinct)
        distinct.append(first + start)
        n_distinct += len(first)
    candidates = np.concatenate(distinct)
    of_candidates, first = _number_block(flat, starts[candidates], lengths[candidates])
    return of_candidates[np.concatenate(numbers)], candidates[first]


def _number_block(
    flat: IntArray, starts: _Positions, lengths: _Positions
) -> tuple[_Positions, _Positions]:
    """Do the same for runs whose hashes are sorted together."""
    words, places = _runs(flat, starts, lengths)
    offsets = offsets_of(lengths)
    terms = words.astype(np.uint64)
    terms *= np.cumprod(np.full(lengths.max(), _BASE))[places]
    hashes = np.add.reduceat(terms, offsets[:-1])
    order = np.argsort(hashes)
    is_first = is_first_of(hashes[order])
    first = order[is_first]
    numbers = np.empty(len(starts), dtype=np.int64)
    numbers[order] = np.cumsum(is_first) - 1
    if not np.array_equal(lengths, lengths[first][numbers]):
        raise _CollisionError
    if not np.array_equal(words, words[np.repeat(offsets[first][numbers], lengths) + places]):
        raise _CollisionError
    return numbers, first


def _runs(flat: IntArray, starts: _Positions, lengths: _Positions) -> tuple[IntArray, _Positions]:
    """Concatenate runs, and return the place of each word in its run too."""
    offsets = offsets_of(lengths)
    places = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    return flat[np.repeat(starts, lengths) + places], places


def boolean_csr(indices: IntArray, indptr: _Positions, n_columns: int) -> sp.csr_array:
    """Return the matrix that is True at these columns of the rows."""
    data = np.ones(len(indices), dtype=bool)
    return sp.csr_array((data, indices, indptr), shape=(len(indptr) - 1, n_columns))
