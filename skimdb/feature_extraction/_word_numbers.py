"""Number the words of texts.

In many texts the distinct words of each block are found by NumPy, and only these are looked up by
Python code. This takes half the time of one lookup per word, and lets other threads run.
"""

import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from skimdb.feature_extraction._cells import blocks_of_rows
from skimdb.feature_extraction._sequences import offsets_of
from skimdb.feature_extraction._words import Prepare, Split, checked, make_preparer, make_splitter

_LookUp: TypeAlias = Callable[[list[str]], Iterable[int]]
_Numbers: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int64]]
_Positions: TypeAlias = NDArray[np.intp]
_Keys: TypeAlias = tuple[NDArray[np.uint64], NDArray[np.uint64]]

_CHARACTERS_PER_BLOCK = 2**19
# With fewer, NumPy's calls take longer than a loop.
_FEW_CHARACTERS = 2**12

_ENCODING = ("utf-8", "surrogatepass")
# What a byte is.
_SEPARATOR, _MARK, _LETTER = range(3)
# Words up to this many bytes are told apart by two integers of 64 bits, one byte being the length.
_MAX_BYTES = 15
_MASKS = np.array([2 ** (8 * n) - 1 for n in range(9)], dtype=np.uint64)
# Odd and without a pattern in their bits.
_MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)


def number_words(
    texts: list[str],
    look_up: _LookUp,
    *,
    normalize: bool,
    lowercase: bool,
    filters: str,
    punctuation: str,
    tokenizer: Callable[[str], Iterable[str]] | None,
) -> _Numbers:
    """Look up the number of each word, and return the number of words in each text too.

    `look_up` is given words in the order in which they first occur, some more than once. The other
    parameters are those of `WordIndexEncoder`.
    """
    prepare = make_preparer(normalize=normalize, lowercase=lowercase, keep=filters + punctuation)
    n_characters = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    if tokenizer is not None or n_characters.sum() < _FEW_CHARACTERS:
        split = make_splitter(filters, punctuation) if tokenizer is None else checked(tokenizer)
        return _number_one_by_one(texts, look_up, lambda text: split(prepare(text)))
    encode = _make_encoder(prepare, filters, punctuation)
    kinds = _kinds_of_bytes(filters, punctuation)
    numbers, lengths = [], []
    for start, stop in blocks_of_rows(offsets_of(n_characters), _CHARACTERS_PER_BLOCK, 1):
        encoded = list(map(encode, texts[start:stop]))
        data = b" ".join([*encoded, b" " * (_MAX_BYTES + 1)])
        if lowercase:
            data = data.lower()
        starts, ends = _find_words(data, kinds)
        numbers.append(_number_block(data, starts, ends, look_up))
        text_starts = np.cumsum([0, *(len(text) + 1 for text in encoded)])
        lengths.append(np.diff(np.searchsorted(starts, text_starts)))
    return np.concatenate(numbers), np.concatenate(lengths)


def number_distinct_words(texts: list[str], **splitting: Any) -> tuple[list[str], _Numbers]:
    """Return the distinct words as they occur, and what `number_words` does of their positions."""
    positions: defaultdict[str, int] = defaultdict()
    positions.default_factory = positions.__len__
    numbers = number_words(texts, partial(map, positions.__getitem__), **splitting)
    return list(positions), numbers


def _number_one_by_one(texts: list[str], look_up: _LookUp, split: Split) -> _Numbers:
    numbers, lengths = array("i"), array("q")
    for text in texts:
        words = split(text)
        numbers.fromlist(list(look_up(words)))
        lengths.append(len(words))
    return np.asarray(numbers), np.asarray(lengths)


def _kinds_of_bytes(filters: str, punctuation: str) -> bytes:
    """Return a table for `bytes.translate`."""
    kinds = [_LETTER] * 256
    for code in range(128):
        if chr(code).isspace():
            kinds[code] = _SEPARATOR
        elif chr(code) in punctuation:
            kinds[code] = _MARK
        elif chr(code) in filters:
            kinds[code] = _SEPARATOR
    return bytes(kinds)


def _make_encoder(prepare: Prepare, filters: str, punctuation: str) -> Callable[[str], bytes]:
    """Return a function that encodes a text so that only ASCII characters separate its words."""
    spaced = {mark: f" {mark} " for mark in punctuation if not mark.isspace()}
    pattern = r"[^\S\x00-\x7f]"  # white space that is not ASCII
    others = "".join(mark for mark in filters + punctuation if not mark.isascii())
    if others:
        pattern += f"|[{re.escape(others)}]"
    separators = re.compile(pattern)

    def encode(text: str) -> bytes:
        if not text.isascii():
            text = separators.sub(lambda match: spaced.get(match[0], " "), prepare(text))
        return text.encode(*_ENCODING)

    return encode


def _find_words(data: bytes, kinds: bytes) -> tuple[_Positions, _Positions]:
    """Return where words start and end. A mark is a word of its own."""
    kind = np.frombuffer(data.translate(kinds), dtype=np.uint8)
    is_bound = np.ones(len(kind) + 1, dtype=bool)
    np.not_equal(kind[1:], kind[:-1], out=is_bound[1:-1])
    is_bound[:-1] |= kind == _MARK
    is_in_word = kind != _SEPARATOR
    starts = np.flatnonzero(is_bound[:-1] & is_in_word)
    ends = np.flatnonzero(is_bound[1:] & is_in_word) + 1
    return starts, ends


def _number_block(
    data: bytes, starts: _Positions, ends: _Positions, look_up: _LookUp
) -> NDArray[np.int32]:
    lengths = ends - starts
    first = _first_equal(_keys(data, starts, lengths))
    is_long = lengths > _MAX_BYTES
    first[is_long] = np.flatnonzero(is_long)
    distinct = np.flatnonzero(first == np.arange(len(first)))
    words = _words_at(data, starts[distinct], lengths[distinct])
    numbers = np.empty(len(first), dtype=np.int32)
    numbers[distinct] = np.fromiter(look_up(words), dtype=np.int32, count=len(words))
    return numbers[first]


def _keys(data: bytes, starts: _Positions, lengths: _Positions) -> _Keys:
    """Return two integers for each word, which differ for words of up to `_MAX_BYTES`."""
    eight_bytes = np.ndarray(len(data) - 7, dtype="<u8", buffer=data, strides=(1,))
    begins = eight_bytes[starts] & _MASKS[np.minimum(lengths, 8)]
    ends = lengths.astype(np.uint64) << np.uint64(56)
    goes_on = np.flatnonzero(lengths > 8)
    n_more = np.minimum(lengths[goes_on], _MAX_BYTES) - 8
    ends[goes_on] |= eight_bytes[starts[goes_on] + 8] & _MASKS[n_more]
    return begins, ends


def _first_equal(keys: _Keys) -> NDArray[np.int32]:
    """Return the position of the first of all words with equal keys, for each."""
    begins, ends = keys
    n_words = len(begins)
    n_bits = n_words.bit_length() + 2
    hashes = (begins * _MULTIPLIERS[0] ^ ends * _MULTIPLIERS[1]) * _MULTIPLIERS[0]
    slots = (hashes >> np.uint64(64 - n_bits)).astype(np.intp)
    first_in_slot = np.full(2**n_bits, n_words, dtype=np.int32)
    np.minimum.at(first_in_slot, slots, np.arange(n_words, dtype=np.int32))
    first: NDArray[np.int32] = first_in_slot[slots]
    others = np.flatnonzero((begins[first] != begins) | (ends[first] != ends))
    while len(others):  # each round settles those that equal the first in their slot
        first_in_slot[slots[others]] = n_words
        np.minimum.at(first_in_slot, slots[others], others)
        first[others] = found = first_in_slot[slots[others]]
        others = others[(begins[found] != begins[others]) | (ends[found] != ends[others])]
    return first


def _words_at(data: bytes, starts: _Positions, lengths: _Positions) -> list[str]:
    ends = np.cumsum(lengths + 1)  # in the words, with a space after each
    begins = ends - lengths - 1
    positions = np.arange(ends[-1] if len(ends) else 0)
    positions += np.repeat(starts - begins, lengths + 1)
    codes = np.frombuffer(data, dtype=np.uint8)[positions]
    codes[ends - 1] = ord(" ")
    return codes.tobytes().decode(*_ENCODING).split()
