"""A table of n-grams, and where they are in sequences."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from skimdb.feature_extraction._cells import (
    blocks_of_rows,
    concatenate_csr,
    is_first_of,
    max_rows,
    sorted_unique,
    split_cells,
)
from skimdb.feature_extraction._hash_index import HashIndex
from skimdb.feature_extraction._sequences import FlatSequences, IntArray

NGrams: TypeAlias = NDArray[np.int32]
Keys: TypeAlias = NDArray[np.uint64]

_TOKENS_PER_BLOCK = 2**16
# Fewer are looked up by bisection, which needs no table of hashes.
_FEW_TOKENS = 2**12


@dataclass(frozen=True, eq=False)
class NGramTable:
    """N-grams to look up, as a trie.

    Level n has the distinct prefixes of n words. The first level holds words. In the others, a
    prefix is the position of all but its last word in the level before, times the number of words
    in the first level, plus the position of its last word there.

    Attributes
    ----------
    levels : tuple of max_n sorted ndarrays
        The prefixes: int32 in the first level, uint64 in the others.
    prefixes : tuple of max_n sorted ndarrays of int32
        Positions in each level of prefixes that are not n-grams themselves. All others are
        n-grams; counted through all levels, they are the columns of the features.
    """

    levels: tuple[IntArray, ...]
    prefixes: tuple[NDArray[np.int32], ...]

    @classmethod
    def from_ngrams(cls, ngrams: NGrams) -> Self:
        """Build the table of what `learn_ngrams` returns, or of a subset in that order."""
        words = np.unique(ngrams[ngrams > 0])
        ranks = np.searchsorted(words, ngrams)
        lengths = np.count_nonzero(ngrams, axis=1)
        level, ids = words, ranks[:, 0].copy()
        levels: list[IntArray] = []
        prefixes = []
        for n in range(1, ngrams.shape[1] + 1):
            if n > 1:
                is_long = lengths >= n
                keys = pair(ids[is_long], ranks[is_long, n - 1], len(words))
                level = np.sort(keys)
                level = level[is_first_of(level)]
                ids[is_long] = np.searchsorted(level, keys)
            is_prefix = np.ones(len(level), dtype=bool)
            is_prefix[ids[lengths == n]] = False
            levels.append(level)
            prefixes.append(np.flatnonzero(is_prefix).astype(np.int32))
        return cls(tuple(levels), tuple(prefixes))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.levels, self.prefixes)

    def find(self, n: int, keys: IntArray) -> NDArray[np.int32]:
        """Return the position of each key in level n, -1 if it is unknown."""
        if len(keys) > _FEW_TOKENS:
            return self._indexes[n - 1].find(keys)
        return find_keys(keys, self.levels[n - 1])

    def columns(self, n: int, positions: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the columns of positions in level n, -1 where only longer n-grams begin."""
        if len(positions) > _FEW_TOKENS:
            return self._columns[n - 1][positions]
        return self._columns_of(n, positions)

    def _columns_of(self, n: int, positions: NDArray[np.int32]) -> NDArray[np.int32]:
        n_before = sum(map(len, self.levels[: n - 1])) - sum(map(len, self.prefixes[: n - 1]))
        prefixes = self.prefixes[n - 1]
        n_prefixes = prefixes.searchsorted(positions)
        is_ngram = n_prefixes == prefixes.searchsorted(positions, "right")
        return np.where(is_ngram, n_before + positions - n_prefixes, -1).astype(np.int32)

    # For many keys and positions at once. Together they take at most twice the table's memory.
    @cached_property
    def _indexes(self) -> list[HashIndex]:
        return list(map(HashIndex, self.levels))

    @cached_property
    def _columns(self) -> list[NDArray[np.int32]]:
        return [
            self._columns_of(n, np.arange(len(level), dtype=np.int32))
            for n, level in enumerate(self.levels, 1)
        ]

    @property
    def words(self) -> NDArray[np.int32]:
        """The distinct words of the n-grams, sorted."""
        return self.levels[0].astype(np.int32, copy=False)

    def __len__(self) -> int:
        return sum(map(len, self.levels)) - sum(map(len, self.prefixes))

    @property
    def ngrams(self) -> NGrams:
        """The n-grams as :meth:`from_ngrams` was given them."""
        max_n = len(self.levels)
        longest = self.words[:, np.newaxis]
        rows = []
        for n, (level, prefixes) in enumerate(zip(self.levels, self.prefixes, strict=True), 1):
            if n > 1:
                first, last = np.divmod(level, np.uint64(len(self.words)))
                longest = np.column_stack([longest[first], self.words[last]])
            rows.append(np.pad(np.delete(longest, prefixes, axis=0), ((0, 0), (0, max_n - n))))
        return np.concatenate(rows)


def find_ngrams(
    sequences: FlatSequences, table: NGramTable
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return CSR indices and indptr: the sorted, unique n-grams of a table in each sequence."""
    flat, offsets = sequences
    blocks = []
    for start, stop in blocks_of_rows(offsets, _TOKENS_PER_BLOCK, max_rows(len(table))):
        lengths = np.diff(offsets[start : stop + 1])
        cells = _find_cells(flat[offsets[start] : offsets[stop]], lengths, table)
        blocks.append(split_cells(cells, stop - start, len(table)))
    return concatenate_csr(blocks)


def _find_cells(
    words: IntArray, lengths: NDArray[np.int64], table: NGramTable
) -> NDArray[np.uint32]:
    """Return the cells of the n-grams in a block of rows, sorted and unique."""
    n_rows, max_n = len(lengths), len(table.levels)
    # `last_words` has a -1 after each sequence, so that n-grams do not go on into the next one.
    rows = np.repeat(np.arange(n_rows, dtype=np.uint32), lengths)
    places = np.arange(len(words)) + rows
    ids = table.find(1, words)
    last_words = np.full(len(words) + n_rows + 1, -1, dtype=np.int32)
    last_words[places] = ids
    is_known = ids >= 0
    places, ids, rows = places[is_known], ids[is_known], rows[is_known]
    row_cells = rows * np.uint32(len(table))
    found = []
    for n in range(1, max_n + 1):
        if n > 1:
            last = last_words[places + (n - 1)]
            goes_on = np.flatnonzero(last >= 0)
            ids = table.find(n, pair(ids[goes_on], last[goes_on], len(table.words)))
            is_known = ids >= 0
            goes_on, ids = goes_on[is_known], ids[is_known]
            places, row_cells = places[goes_on], row_cells[goes_on]
        columns = table.columns(n, ids)
        is_ngram = columns >= 0
        found.append(row_cells[is_ngram] + columns[is_ngram].astype(np.uint32))
    return sorted_unique(np.concatenate(found))


def pair(prefix_ids: IntArray, last: IntArray, n_words: int) -> Keys:
    """Combine prefix ids and last words into one integer each."""
    return prefix_ids.astype(np.uint64) * np.uint64(n_words) + last.astype(np.uint64)


def find_keys(keys: IntArray, known: IntArray) -> NDArray[np.int32]:
    """Return the positions of keys among the sorted known ones, -1 if missing."""
    if not len(known):
        return np.full(len(keys), -1, dtype=np.int32)
    keys = keys.astype(known.dtype, copy=False)  # else NumPy would convert all known ones
    ranks = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[ranks] == keys, ranks, -1).astype(np.int32)
