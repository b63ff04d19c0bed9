"""N-grams of word indices: learning them and finding them, without Python code per n-gram.

An n-gram is found as the number of the n-gram that its first n - 1 words are, together with its
last word. All such pairs of a block of sequences are sorted at once, each packed into one integer
with its place, so that the places of equal n-grams come to lie side by side.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from skimdb.feature_extraction._sequences import FlatSequences, IntArray
from skimdb.feature_extraction._unigrams import is_first_of

NGrams: TypeAlias = NDArray[np.int32]
IsWord: TypeAlias = Callable[[IntArray], NDArray[np.bool]]
_Keys: TypeAlias = NDArray[np.uint64]

_PLACES_PER_BLOCK = 2**20
_ROWS_PER_BLOCK = 2**16  # numpy sorts 16-bit integers by radix


def learn_ngrams(
    sequences: FlatSequences, is_word: IsWord, max_n: int, min_df: float
) -> tuple[NGrams, NDArray[np.int64]]:
    """Return the n-grams of 1 to `max_n` words that at least `min_df` sequences contain.

    Parameters
    ----------
    sequences : tuple of ndarray
        As :func:`flatten_sequences` returns them.
    is_word : callable
        Tells which indices are words. They are not 0, and n-grams hold nothing else.
    max_n : int
        The largest number of words.
    min_df : float
        The least number of sequences.

    Returns
    -------
    ngrams : ndarray of shape (n_ngrams, max_n), dtype int32
        An n-gram's words in each row, followed by zeros where it has fewer than `max_n`. Sorted by
        the number of words, then by their indices.
    df : ndarray of shape (n_ngrams,), dtype int64
        How many sequences contain each.
    """
    blocks = list(_blocks(sequences, is_word))
    words = np.empty(0, dtype=np.int32)
    longest = np.zeros((1, 0), dtype=np.int32)
    ngrams, counts = [], []
    for n in range(1, max_n + 1):
        groups = [block.group(n, len(words)) for block in blocks]
        keys, df = _add_up(groups)
        keys, df = keys[df >= min_df], df[df >= min_df]
        for block, group in zip(blocks, groups, strict=True):
            block.number(n, group, _ranks(group.keys, keys))
        if n == 1:
            words = keys.astype(np.int32)
            longest = words[:, np.newaxis]
        else:
            first, last = np.divmod(keys, np.uint64(max(len(words), 1)))
            longest = np.column_stack([longest[first], words[last]])
        ngrams.append(np.pad(longest, ((0, 0), (0, max_n - n))))
        counts.append(df)
    return np.concatenate(ngrams), np.concatenate(counts)


def find_ngrams(
    sequences: FlatSequences, is_word: IsWord, ngrams: NGrams
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return which n-grams the sequences contain.

    Parameters
    ----------
    sequences : tuple of ndarray
        As :func:`flatten_sequences` returns them.
    is_word : callable
        As for :func:`learn_ngrams`.
    ngrams : ndarray of shape (n_ngrams, max_n), dtype int32
        The n-grams to find, as :func:`learn_ngrams` returns them, or some of these in that order.

    Returns
    -------
    indices : ndarray, dtype int32
        The n-grams of one sequence after the other, as rows of `ngrams`, sorted and without
        repeats.
    indptr : ndarray of shape (n_sequences + 1,), dtype int64
        Where those of each sequence begin.
    """
    n_words, levels = _levels(ngrams)
    indices = [np.empty(0, dtype=np.int32)]
    counts = [np.zeros(1, dtype=np.int64)]
    for block in _blocks(sequences, is_word):
        rows, columns = [], []
        for n, level in enumerate(levels, 1):
            group = block.group(n, n_words)
            ranks = _ranks(group.keys, level.keys)
            block.number(n, group, ranks)
            group_columns = np.where(ranks >= 0, level.columns[ranks], -1)
            row_columns = np.repeat(group_columns, group.df)
            rows.append(group.rows[row_columns >= 0])
            columns.append(row_columns[row_columns >= 0])
        row, column = np.concatenate(rows), np.concatenate(columns)
        indices.append(column[np.argsort(row, kind="stable")])
        counts.append(np.bincount(row, minlength=block.n_rows))
    return np.concatenate(indices), np.cumsum(np.concatenate(counts))


class _Level(NamedTuple):
    """The n-grams of one length that are to be found, or begin longer ones."""

    keys: _Keys
    columns: NDArray[np.int32]  # -1 for those that only begin longer ones


def _levels(ngrams: NGrams) -> tuple[int, list[_Level]]:
    """Return the number of words in n-grams, and what is to be looked up for each length."""
    words = np.unique(ngrams[ngrams > 0])
    ranks = np.searchsorted(words, ngrams)
    lengths = np.count_nonzero(ngrams, axis=1)
    levels: list[_Level] = []
    for n in range(1, int(lengths.max()) + 1):
        is_long, is_whole = lengths >= n, lengths == n
        if n == 1:
            keys, begun = words.astype(np.uint64), ranks[:, 0].copy()
        else:
            pairs = _pair(begun[is_long], ranks[is_long, n - 1], len(words))
            keys = np.sort(pairs)
            keys = keys[is_first_of(keys)]
            begun[is_long] = np.searchsorted(keys, pairs)
        columns = np.full(len(keys), -1, dtype=np.int32)
        columns[begun[is_whole]] = np.flatnonzero(is_whole)
        levels.append(_Level(keys, columns))
    return len(words), levels


def _pair(begun: IntArray, last: IntArray, n_words: int) -> _Keys:
    """Return one integer for each number of a beginning and last word."""
    return begun.astype(np.uint64) * np.uint64(n_words) + last.astype(np.uint64)


class _Group(NamedTuple):
    """The n-grams of one length within a block, all that are alike side by side."""

    keys: _Keys  # sorted, each once
    counts: NDArray[np.int64]  # how often each occurs
    places: NDArray[np.int64]  # where they occur, for one after the other
    df: NDArray[np.int64]  # in how many rows each occurs
    rows: NDArray[np.uint16]  # these rows, for one after the other


class _Block:
    """Some sequences end to end, and what n-grams begin at each place.

    Attributes
    ----------
    n_rows : int
        The number of sequences.
    """

    def __init__(self, flat: IntArray, offsets: NDArray[np.int64], is_word: IsWord) -> None:
        self.n_rows = len(offsets) - 1
        lengths = np.diff(offsets)
        # A place after each sequence, which is no word, keeps n-grams from going on into the next.
        self._rows = np.repeat(np.arange(self.n_rows, dtype=np.uint16), lengths + 1)
        self._words = np.full(len(self._rows), -1, dtype=np.int32)
        is_item = np.ones(len(self._rows), dtype=bool)
        is_item[np.cumsum(lengths + 1) - 1] = False
        words = flat.astype(np.int32)
        words[~is_word(flat)] = -1
        self._words[is_item] = words
        self._begun = np.zeros(len(self._rows), dtype=np.int32)

    def group(self, n: int, n_words: int) -> _Group:
        """Group the n-grams, those of n - 1 words having been numbered."""
        last = self._words[n - 1 :]
        begun = self._begun[: len(last)]
        places = np.flatnonzero((begun | last) >= 0)
        n_bits = np.uint64(len(self._words).bit_length())
        keys = _pair(begun[places], last[places], n_words)
        if len(keys) and int(keys.max()) >> (64 - int(n_bits)):
            raise ValueError("There are too many different n-grams. Use a greater min_df.")
        keys <<= n_bits
        keys |= places.view(np.uint64)
        keys.sort()
        places = (keys & ((np.uint64(1) << n_bits) - np.uint64(1))).view(np.int64)
        keys >>= n_bits
        rows = self._rows[places]
        is_first = is_first_of(keys)
        is_row = is_first.copy()
        is_row[1:] |= rows[1:] != rows[:-1]
        starts = np.flatnonzero(is_first)
        return _Group(
            keys=keys[starts],
            counts=np.diff(starts, append=len(keys)),
            places=places,
            df=np.add.reduceat(is_row, starts, dtype=np.int64) if len(keys) else starts,
            rows=rows[is_row],
        )

    def number(self, n: int, group: _Group, numbers: NDArray[np.int32]) -> None:
        """Keep the number of each n-gram, which is -1 where it is not known."""
        self._begun = np.full(len(self._words), -1, dtype=np.int32)
        self._begun[group.places] = np.repeat(numbers, group.counts)
        if n == 1:
            self._words = self._begun


def _blocks(sequences: FlatSequences, is_word: IsWord) -> Iterator[_Block]:
    flat, offsets = sequences
    n_samples = len(offsets) - 1
    places = offsets + np.arange(n_samples + 1)
    start = 0
    while start < n_samples:
        end = np.searchsorted(places, places[start] + _PLACES_PER_BLOCK, side="right")
        stop = max(start + 1, min(int(end) - 1, start + _ROWS_PER_BLOCK))
        tokens = flat[offsets[start] : offsets[stop]]
        yield _Block(tokens, offsets[start : stop + 1], is_word)
        start = stop


def _add_up(groups: list[_Group]) -> tuple[_Keys, NDArray[np.int64]]:
    """Return the n-grams of all blocks, and in how many sequences each occurs."""
    keys = np.concatenate([np.empty(0, dtype=np.uint64), *(group.keys for group in groups)])
    df = np.concatenate([np.empty(0, dtype=np.int64), *(group.df for group in groups)])
    if len(groups) > 1:
        order = np.argsort(keys)
        keys, df = keys[order], df[order]
        starts = np.flatnonzero(is_first_of(keys))
        keys, df = keys[starts], np.add.reduceat(df, starts) if len(starts) else df
    return keys, df


def _ranks(keys: _Keys, known: _Keys) -> NDArray[np.int32]:
    """Return the place of sorted keys among the sorted known ones, -1 where they are not there."""
    if not len(known):
        return np.full(len(keys), -1, dtype=np.int32)
    ranks = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[ranks] == keys, ranks, -1).astype(np.int32)
