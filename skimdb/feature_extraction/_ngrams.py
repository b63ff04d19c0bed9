"""Learn and find n-grams of word indices, without Python code per n-gram.

An n-gram is represented by the id of its prefix, the first n - 1 words, and its last word. Each
such pair is packed into one integer with its position, and those of a block of sequences are
sorted together, so that the positions of equal n-grams become adjacent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skimdb.feature_extraction._cells import (
    blocks_of_rows,
    concatenate_csr,
    is_first_of,
    sorted_unique,
    split_cells,
)
from skimdb.feature_extraction._hash_index import HashIndex
from skimdb.feature_extraction._runs import DistinctRuns, boolean_csr, distinct_runs
from skimdb.feature_extraction._sequences import FlatSequences, IntArray

NGrams: TypeAlias = NDArray[np.int32]
IsWord: TypeAlias = Callable[[IntArray], NDArray[np.bool]]
_Keys: TypeAlias = NDArray[np.uint64]

_TOKENS_PER_BLOCK = 2**18
_TOKENS_PER_LOOKUP = 2**16
_FEW_TOKENS = 2**12
_ROWS_PER_BLOCK = 2**16  # numpy sorts 16-bit integers by radix


def learn_ngrams(
    sequences: FlatSequences, is_word: IsWord, max_n: int, min_df: int
) -> tuple[NGrams, NDArray[np.int64]]:
    """Return the n-grams of 1 to `max_n` words in at least `min_df` sequences, and their counts.

    `is_word` tells which indices n-grams may contain; 0 is never one. Each row holds the words of
    an n-gram, padded with zeros. Rows are sorted by number of words, then by indices.
    """
    runs = distinct_runs(sequences, is_word(sequences[0]))
    blocks = list(_blocks(sequences, is_word) if runs is None else _blocks(runs.sequences))
    words = np.empty(0, dtype=np.int32)
    longest = np.zeros((1, 0), dtype=np.int32)
    ngrams, counts = [], []
    for n in range(1, max_n + 1):
        groups = [block.group(n, len(words)) for block in blocks]
        keys, df = _merge(groups)
        if runs is not None:
            df = _document_frequencies(runs, blocks, groups, keys)
        keys, df = keys[df >= min_df], df[df >= min_df]
        for block, group in zip(blocks, groups, strict=True):
            block.assign_ids(n, group, _find_keys(group.keys, keys))
        if n == 1:
            words = keys.astype(np.int32)
            longest = words[:, np.newaxis]
        else:
            first, last = np.divmod(keys, np.uint64(max(len(words), 1)))
            longest = np.column_stack([longest[first], words[last]])
        ngrams.append(np.pad(longest, ((0, 0), (0, max_n - n))))
        counts.append(df)
    return np.concatenate(ngrams), np.concatenate(counts)


@dataclass(frozen=True, eq=False)
class NGramTable:
    """N-grams to look up, as a tree of their beginnings.

    Level n has the distinct beginnings of n words. The first level holds words. In the others, a
    beginning is the position of all but its last word in the level before, times the number of
    words in the first level, plus the position of its last word there.

    Attributes
    ----------
    levels : tuple of max_n sorted ndarrays
        The beginnings: int32 in the first level, uint64 in the others.
    prefixes : tuple of max_n sorted ndarrays of int32
        The positions in each level where only longer n-grams begin. All other positions are
        n-grams; counted through all levels, they are the columns of the features.
    """

    levels: tuple[IntArray, ...]
    prefixes: tuple[NDArray[np.int32], ...]

    @classmethod
    def from_ngrams(cls, ngrams: NGrams) -> Self:
        """Build the table of what :func:`learn_ngrams` returns, or of a subset in that order."""
        words = np.unique(ngrams[ngrams > 0])
        ranks = np.searchsorted(words, ngrams)
        lengths = np.count_nonzero(ngrams, axis=1)
        level, ids = words, ranks[:, 0].copy()
        levels: list[IntArray] = []
        prefixes = []
        for n in range(1, ngrams.shape[1] + 1):
            if n > 1:
                is_long = lengths >= n
                keys = _pair(ids[is_long], ranks[is_long, n - 1], len(words))
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
        return _find_keys(keys, self.levels[n - 1])

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

    # For many keys and positions at once; these take as much memory as the table.
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
    sequences: FlatSequences, is_word: IsWord, table: NGramTable
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return CSR indices and indptr: the sorted, unique n-grams of a table in each sequence."""
    flat, offsets = sequences
    are_words = is_word(flat)
    runs = distinct_runs(sequences, are_words) if len(flat) > _FEW_TOKENS else None
    if runs is not None:
        flat, offsets = runs.sequences
        are_words = np.ones(len(flat), dtype=bool)
    n_columns = len(table)
    blocks = []
    for start, stop in blocks_of_rows(offsets, _TOKENS_PER_LOOKUP, n_columns):
        tokens = slice(offsets[start], offsets[stop])
        lengths = np.diff(offsets[start : stop + 1])
        cells = _find_cells(flat[tokens], are_words[tokens], lengths, table)
        blocks.append(split_cells(cells, stop - start, n_columns))
    indices, indptr = concatenate_csr(blocks)
    if runs is not None:
        return runs.unite(boolean_csr(indices, indptr, n_columns))
    return indices, indptr


def _find_cells(
    words: IntArray, are_words: NDArray[np.bool], lengths: NDArray[np.int64], table: NGramTable
) -> NDArray[np.uint32]:
    """Return the sorted, unique places of n-grams in the rows times the columns."""
    n_rows, max_n = len(lengths), len(table.levels)
    # No n-gram goes on behind the end of a sequence, where there is an unknown word.
    rows = np.repeat(np.arange(n_rows, dtype=np.uint32), lengths)
    places = np.arange(len(words)) + rows
    ids = table.find(1, words)
    ids[~are_words] = -1
    last_words = np.full(len(words) + n_rows + max_n, -1, dtype=np.int32)
    last_words[places] = ids
    is_known = ids >= 0
    places, ids, rows = places[is_known], ids[is_known], rows[is_known]
    row_cells = rows * np.uint32(len(table))
    found = []
    for n in range(1, max_n + 1):
        if n > 1:
            last = last_words[places + (n - 1)]
            goes_on = np.flatnonzero(last >= 0)
            ids = table.find(n, _pair(ids[goes_on], last[goes_on], len(table.words)))
            is_known = ids >= 0
            goes_on, ids = goes_on[is_known], ids[is_known]
            places, row_cells = places[goes_on], row_cells[goes_on]
        columns = table.columns(n, ids)
        is_ngram = columns >= 0
        found.append(row_cells[is_ngram] + columns[is_ngram].astype(np.uint32))
    return sorted_unique(np.concatenate(found))


def _pair(prefix_ids: IntArray, last: IntArray, n_words: int) -> _Keys:
    """Combine prefix ids and last words into one integer each."""
    return prefix_ids.astype(np.uint64) * np.uint64(n_words) + last.astype(np.uint64)


class _Group(NamedTuple):
    """The n-grams of one length in a block; equal n-grams are adjacent."""

    keys: _Keys  # sorted and unique
    counts: NDArray[np.int32]  # how often each occurs
    positions: NDArray[np.int32]  # in the block, one n-gram after the other
    df: NDArray[np.int32]  # number of rows that contain each
    rows: NDArray[np.uint16]  # these rows, one n-gram after the other


class _Block:
    """Concatenated sequences, and the id of the n-gram that begins at each position."""

    def __init__(self, flat: IntArray, offsets: NDArray[np.int64], is_word: IsWord | None) -> None:
        self.n_rows = len(offsets) - 1
        lengths = np.diff(offsets)
        # A separator after each sequence, so that n-grams do not continue into the next one.
        self._rows = np.repeat(np.arange(self.n_rows, dtype=np.uint16), lengths + 1)
        self._words = np.full(len(self._rows), -1, dtype=np.int32)
        is_item = np.ones(len(self._rows), dtype=bool)
        is_item[np.cumsum(lengths + 1) - 1] = False
        words = flat.astype(np.int32)
        if is_word is not None:
            words[~is_word(flat)] = -1
        self._words[is_item] = words
        self._ids = np.zeros(len(self._rows), dtype=np.int32)

    def group(self, n: int, n_words: int) -> _Group:
        """Group the n-grams of n words; `assign_ids` must have run for n - 1."""
        last = self._words[n - 1 :]
        prefix_ids = self._ids[: len(last)]
        positions = np.flatnonzero((prefix_ids | last) >= 0)
        n_bits = np.uint64(len(self._words).bit_length())
        keys = _pair(prefix_ids[positions], last[positions], n_words)
        if len(keys) and int(keys.max()) >> (64 - int(n_bits)):
            raise ValueError("There are too many different n-grams. Increase min_df.")
        keys <<= n_bits
        keys |= positions.view(np.uint64)
        keys.sort()
        position_bits = (np.uint64(1) << n_bits) - np.uint64(1)
        sorted_positions: NDArray[np.int32] = (keys & position_bits).astype(np.int32)
        keys >>= n_bits
        rows = self._rows[sorted_positions]
        is_first = is_first_of(keys)
        is_row = is_first.copy()
        is_row[1:] |= rows[1:] != rows[:-1]
        starts: NDArray[np.int32] = np.flatnonzero(is_first).astype(np.int32)
        return _Group(
            keys=keys[starts],
            counts=np.diff(starts, append=np.int32(len(keys))),
            positions=sorted_positions,
            df=np.add.reduceat(is_row, starts, dtype=np.int32) if len(keys) else starts,
            rows=rows[is_row],
        )

    def assign_ids(self, n: int, group: _Group, ids: NDArray[np.int32]) -> None:
        """Set the id of each n-gram, -1 for unknown ones."""
        self._ids = np.full(len(self._words), -1, dtype=np.int32)
        self._ids[group.positions] = np.repeat(ids, group.counts)
        if n == 1:
            self._words = self._ids


def _blocks(sequences: FlatSequences, is_word: IsWord | None = None) -> Iterator[_Block]:
    flat, offsets = sequences
    n_samples = len(offsets) - 1
    positions = offsets + np.arange(n_samples + 1)
    start = 0
    while start < n_samples:
        end = np.searchsorted(positions, positions[start] + _TOKENS_PER_BLOCK, side="right")
        stop = max(start + 1, min(int(end) - 1, start + _ROWS_PER_BLOCK))
        tokens = flat[offsets[start] : offsets[stop]]
        yield _Block(tokens, offsets[start : stop + 1], is_word)
        start = stop


def _merge(groups: list[_Group]) -> tuple[_Keys, NDArray[np.int64]]:
    """Merge the n-grams of all blocks and add up their document frequencies."""
    keys = np.concatenate([np.empty(0, dtype=np.uint64), *(group.keys for group in groups)])
    df = np.concatenate([np.empty(0, dtype=np.int64), *(group.df for group in groups)])
    if len(groups) > 1:
        order = np.argsort(keys)
        keys, df = keys[order], df[order]
        starts = np.flatnonzero(is_first_of(keys))
        keys, df = keys[starts], np.add.reduceat(df, starts) if len(starts) else df
    return keys, df


def _document_frequencies(
    runs: DistinctRuns, blocks: list[_Block], groups: list[_Group], keys: _Keys
) -> NDArray[np.int64]:
    """Count the sequences with each of the merged n-grams, of which groups count the runs."""
    rows, columns, n_runs = [], [], 0
    for block, group in zip(blocks, groups, strict=True):
        rows.append(group.rows.astype(np.int32) + np.int32(n_runs))
        columns.append(np.repeat(_find_keys(group.keys, keys), group.df))
        n_runs += block.n_rows
    places = (np.concatenate(rows), np.concatenate(columns))
    of_runs = sp.coo_array((np.ones(len(places[0]), dtype=bool), places), (n_runs, len(keys)))
    return runs.document_frequencies(of_runs.tocsr())


def _find_keys(keys: IntArray, known: IntArray) -> NDArray[np.int32]:
    """Return the positions of keys among the sorted known ones, -1 if missing."""
    if not len(known):
        return np.full(len(keys), -1, dtype=np.int32)
    keys = keys.astype(known.dtype, copy=False)  # else NumPy would convert all known ones
    ranks = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[ranks] == keys, ranks, -1).astype(np.int32)
