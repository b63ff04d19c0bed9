"""Learn the n-grams of word indices, without Python code per n-gram.

An n-gram is represented by the id of its prefix, the first n - 1 words, and its last word. Each
such pair is packed into one integer with its position, and those of a block of sequences are
sorted together, so that the positions of equal n-grams become adjacent.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from skimdb.feature_extraction._cells import IN_BATCHES, blocks_of_rows, is_first_of
from skimdb.feature_extraction._ngram_table import Keys, NGrams, find_keys, pair
from skimdb.feature_extraction._sequences import FlatSequences, IntArray
from skimdb.utils._memory import check_memory

_IsWord: TypeAlias = Callable[[IntArray], NDArray[np.bool]]

_TOKENS_PER_BLOCK = 2**18
_ROWS_PER_BLOCK = 2**16  # numpy sorts 16-bit integers by radix
_BYTES_TO_MERGE = 40  # five copies of a key or count for each n-gram of each block


def learn_ngrams(
    sequences: FlatSequences, is_word: _IsWord, max_n: int, min_df: int
) -> tuple[NGrams, NDArray[np.int64]]:
    """Return the n-grams of 1 to `max_n` words in at least `min_df` sequences, and their counts.

    `is_word` tells which indices n-grams may contain; 0 is never one. Each row holds the words of
    an n-gram, padded with zeros. Rows are sorted by number of words, then by indices.
    """
    blocks = list(_blocks(sequences, is_word))
    words = np.empty(0, dtype=np.int32)
    longest = np.zeros((1, 0), dtype=np.int32)
    ngrams, counts = [], []
    for n in range(1, max_n + 1):
        groups = [block.group(n, len(words)) for block in blocks]
        keys, df = _merge(groups)
        keys, df = keys[df >= min_df], df[df >= min_df]
        if n < max_n:
            for block, group in zip(blocks, groups, strict=True):
                block.assign_ids(n, group, find_keys(group.keys, keys))
        if n == 1:
            words = keys.astype(np.int32)
            longest = words[:, np.newaxis]
        else:
            first, last = np.divmod(keys, np.uint64(max(len(words), 1)))
            longest = np.column_stack([longest[first], words[last]])
        ngrams.append(np.pad(longest, ((0, 0), (0, max_n - n))))
        counts.append(df)
    return np.concatenate(ngrams), np.concatenate(counts)


class _Group(NamedTuple):
    """The n-grams of one length in a block; equal n-grams are adjacent."""

    keys: Keys  # sorted and unique
    counts: NDArray[np.int32]  # how often each occurs
    positions: NDArray[np.int32]  # in the block, one n-gram after the other
    df: NDArray[np.int32]  # number of rows that contain each


class _Block:
    """Concatenated sequences, and the id of the n-gram that begins at each position."""

    def __init__(self, flat: IntArray, offsets: NDArray[np.int64], is_word: _IsWord) -> None:
        n_rows = len(offsets) - 1
        lengths = np.diff(offsets)
        # A separator after each sequence, so that n-grams do not continue into the next one.
        self._rows = np.repeat(np.arange(n_rows, dtype=np.uint16), lengths + 1)
        self._words = np.full(len(self._rows), -1, dtype=np.int32)
        is_item = np.ones(len(self._rows), dtype=bool)
        is_item[np.cumsum(lengths + 1) - 1] = False
        words = flat.astype(np.int32)
        words[~is_word(flat)] = -1
        self._words[is_item] = words
        self._ids = np.zeros(len(self._rows), dtype=np.int32)

    def group(self, n: int, n_words: int) -> _Group:
        """Group the n-grams of n words; `assign_ids` must have run for n - 1."""
        last = self._words[n - 1 :]
        prefix_ids = self._ids[: len(last)]
        positions = np.flatnonzero((prefix_ids | last) >= 0)
        n_bits = np.uint64(len(self._words).bit_length())
        keys = pair(prefix_ids[positions], last[positions], n_words)
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
        )

    def assign_ids(self, n: int, group: _Group, ids: NDArray[np.int32]) -> None:
        """Set the id of each n-gram, -1 for unknown ones."""
        self._ids = np.full(len(self._words), -1, dtype=np.int32)
        self._ids[group.positions] = np.repeat(ids, group.counts)
        if n == 1:
            self._words = self._ids


def _blocks(sequences: FlatSequences, is_word: _IsWord) -> Iterator[_Block]:
    flat, offsets = sequences
    positions = offsets + np.arange(len(offsets))  # with the separators
    for start, stop in blocks_of_rows(positions, _TOKENS_PER_BLOCK, _ROWS_PER_BLOCK):
        yield _Block(flat[offsets[start] : offsets[stop]], offsets[start : stop + 1], is_word)


def _merge(groups: list[_Group]) -> tuple[Keys, NDArray[np.int64]]:
    """Merge the n-grams of all blocks and add up their document frequencies."""
    n_keys = sum(len(group.keys) for group in groups)
    check_memory(_BYTES_TO_MERGE * n_keys, "Learning the n-grams takes", IN_BATCHES)
    keys = np.concatenate([np.empty(0, dtype=np.uint64), *(group.keys for group in groups)])
    df = np.concatenate([np.empty(0, dtype=np.int64), *(group.df for group in groups)])
    if len(groups) > 1:
        order = np.argsort(keys)
        keys, df = keys[order], df[order]
        starts = np.flatnonzero(is_first_of(keys))
        keys, df = keys[starts], np.add.reduceat(df, starts) if len(starts) else df
    return keys, df
