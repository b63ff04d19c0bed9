"""Number the words of texts.

NumPy finds the distinct words in each block of texts, and Python looks up only these. For reviews
this takes half the time of a lookup per word, and it lets other threads run meanwhile.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache, partial
from itertools import chain
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from skimdb.feature_extraction._cells import blocks_of_rows
from skimdb.feature_extraction._sequences import offsets_of
from skimdb.feature_extraction._words import Splitting

_LookUp: TypeAlias = Callable[[list[str]], Iterable[int]]
_Numbers: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int64]]
_Positions: TypeAlias = NDArray[np.intp]

_CHARACTERS_PER_BLOCK = 2**19
# With fewer, NumPy's calls take longer than a loop.
_FEW_CHARACTERS = 2**13

_ENCODING = ("utf-8", "surrogatepass")
# What a byte is.
_SEPARATOR, _MARK, _LETTER = range(3)
# Two integers of 64 bits hold a word of up to this many bytes, and how many these are.
_MAX_BYTES = 15
_MASKS = np.array([2 ** (8 * n) - 1 for n in range(9)], dtype=np.uint64)
# Odd and without a pattern in their bits.
_MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)


def number_words(texts: list[str], look_up: _LookUp, splitting: Splitting) -> _Numbers:
    """Look up the number of each word, and return the number of words in each text too.

    `look_up` is given words in the order in which they first occur, some more than once.
    """
    split, encode = splitting.make_splitter(), _make_encoder(splitting)
    kind_of_byte = _kinds_of_bytes(splitting.filters, splitting.punctuation)
    offsets = offsets_of(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)))
    results: list[_Numbers] = [(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64))]
    for start, stop in blocks_of_rows(offsets, _CHARACTERS_PER_BLOCK):
        n_characters = offsets[stop] - offsets[start]
        # For a text larger than a block, NumPy's arrays would take many times its memory.
        if splitting.tokenizer is None and _FEW_CHARACTERS <= n_characters <= _CHARACTERS_PER_BLOCK:
            encoded = list(map(encode, texts[start:stop]))
            results.append(_number_by_arrays(encoded, kind_of_byte, look_up))
        else:
            results.append(_number_by_loop(map(split, texts[start:stop]), look_up))
    numbers, lengths = zip(*results, strict=True)
    return np.concatenate(numbers), np.concatenate(lengths)


def number_distinct_words(texts: list[str], splitting: Splitting) -> tuple[list[str], _Numbers]:
    """Return the distinct words in order of first occurrence, and all words as positions therein.

    The latter with the number of words in each text, as `number_words` returns them.
    """
    positions: defaultdict[str, int] = defaultdict()
    positions.default_factory = positions.__len__
    numbers = number_words(texts, partial(map, positions.__getitem__), splitting)
    return list(positions), numbers


def _number_by_loop(texts: Iterable[list[str]], look_up: _LookUp) -> _Numbers:
    words = list(texts)
    numbers = np.fromiter(chain.from_iterable(map(look_up, words)), dtype=np.int32)
    return numbers, np.fromiter(map(len, words), dtype=np.int64, count=len(words))


def _number_by_arrays(texts: list[bytes], kind_of_byte: bytes, look_up: _LookUp) -> _Numbers:
    """Look up most words of encoded texts once, however often they occur."""
    # The blanks are there because `_keys` reads beyond the end of a word.
    data = b" ".join([*texts, b" " * (_MAX_BYTES + 1)])
    starts, lengths = _find_words(data, kind_of_byte)
    heads, tails = _keys(data, starts, lengths)
    first = _first_in_slot(heads, tails)
    is_alone = (heads[first] != heads) | (tails[first] != tails) | (lengths > _MAX_BYTES)
    first[is_alone] = np.flatnonzero(is_alone)
    looked_up = np.flatnonzero(first == np.arange(len(first)))
    words = _words_at(data, starts[looked_up], lengths[looked_up])
    numbers = np.empty(len(first), dtype=np.int32)
    numbers[looked_up] = np.fromiter(look_up(words), dtype=np.int32, count=len(words))
    text_starts = offsets_of(np.array([len(text) + 1 for text in texts]))
    return numbers[first], np.diff(np.searchsorted(starts, text_starts))


@cache
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


def _make_encoder(splitting: Splitting) -> Callable[[str], bytes]:
    """Return a function that encodes a text so that only ASCII characters separate its words."""
    prepare, punctuation = splitting.make_preparer(), splitting.punctuation
    spaced = {mark: f" {mark} " for mark in punctuation if not mark.isspace()}
    pattern = r"[^\S\x00-\x7f]"  # white space that is not ASCII
    others = "".join(mark for mark in splitting.filters + punctuation if not mark.isascii())
    if others:
        pattern += f"|[{re.escape(others)}]"
    separators = re.compile(pattern)

    def encode(text: str) -> bytes:
        if text.isascii():  # there is nothing to normalize
            text = text.lower() if splitting.lowercase else text
        else:
            text = separators.sub(lambda match: spaced.get(match[0], " "), prepare(text))
        return text.encode(*_ENCODING)

    return encode


def _find_words(data: bytes, kind_of_byte: bytes) -> tuple[_Positions, _Positions]:
    """Return where words start, and their lengths. A mark is a word of its own."""
    kinds = np.frombuffer(data.translate(kind_of_byte), dtype=np.uint8)
    is_bound = np.ones(len(kinds) + 1, dtype=bool)
    np.not_equal(kinds[1:], kinds[:-1], out=is_bound[1:-1])
    is_bound[:-1] |= kinds == _MARK
    is_in_word = kinds != _SEPARATOR
    starts = np.flatnonzero(is_bound[:-1] & is_in_word)
    ends = np.flatnonzero(is_bound[1:] & is_in_word) + 1
    return starts, ends - starts


def _keys(
    data: bytes, starts: _Positions, lengths: _Positions
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return two integers for each word: its first 8 bytes; the next 7 and its length.

    Words of up to `_MAX_BYTES` have equal ones only if they are equal, and longer words never have
    those of a shorter one.
    """
    eight_bytes = np.ndarray(len(data) - 7, dtype="<u8", buffer=data, strides=(1,))
    heads = eight_bytes[starts] & _MASKS[np.minimum(lengths, 8)]
    tails = np.minimum(lengths, _MAX_BYTES + 1).astype(np.uint64) << np.uint64(56)
    goes_on = np.flatnonzero(lengths > 8)
    n_more = np.minimum(lengths[goes_on], _MAX_BYTES) - 8
    tails[goes_on] |= eight_bytes[starts[goes_on] + 8] & _MASKS[n_more]
    return heads, tails


def _first_in_slot(heads: NDArray[np.uint64], tails: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Return the position of the first word in each word's slot of a hash table.

    Equal words share a slot. Few others do, because there are four times as many slots as words.
    """
    n_bits = len(heads).bit_length() + 2
    hashes = (heads * _MULTIPLIERS[0] ^ tails * _MULTIPLIERS[1]) * _MULTIPLIERS[0]
    slots = (hashes >> np.uint64(64 - n_bits)).astype(np.intp)
    first = np.full(2**n_bits, len(heads), dtype=np.int32)
    np.minimum.at(first, slots, np.arange(len(heads), dtype=np.int32))
    return np.asarray(first[slots])


def _words_at(data: bytes, starts: _Positions, lengths: _Positions) -> list[str]:
    """Copy words, with a blank after each, and decode and split these at once."""
    copy_ends = np.cumsum(lengths + 1)
    copy_starts = copy_ends - lengths - 1
    positions = np.arange(copy_ends[-1] if len(copy_ends) else 0)
    positions += np.repeat(starts - copy_starts, lengths + 1)
    copies = np.frombuffer(data, dtype=np.uint8)[positions]
    copies[copy_ends - 1] = ord(" ")
    return copies.tobytes().decode(*_ENCODING).split()
