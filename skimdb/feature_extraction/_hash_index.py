"""Look up many integers at once in a hash table."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_Keys: TypeAlias = NDArray[np.integer[Any]]

# Fibonacci hashing: the high bits of the product with 2**64 / golden ratio.
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class HashIndex:
    """A hash table of distinct keys, with linear probing.

    Parameters
    ----------
    keys : ndarray of non-negative int
    """

    def __init__(self, keys: _Keys) -> None:
        self._keys = keys
        n_bits = len(keys).bit_length() + 1  # at most half of the slots are taken
        self._shift = np.uint64(64 - n_bits)
        self._mask = 2**n_bits - 1
        self._positions = np.full(2**n_bits, -1, dtype=np.int32)
        waiting = np.arange(len(keys), dtype=np.int32)
        slots = self._slots(keys)
        while len(waiting):
            is_free = self._positions[slots] < 0
            self._positions[slots[is_free]] = waiting[is_free]
            is_waiting = self._positions[slots] != waiting
            waiting = waiting[is_waiting]
            slots = (slots[is_waiting] + 1) & self._mask

    def find(self, keys: _Keys) -> NDArray[np.int32]:
        """Return the position of each key, -1 if it is unknown."""
        if not len(self._keys):
            return np.full(len(keys), -1, dtype=np.int32)
        keys = keys.astype(self._keys.dtype, copy=False)
        slots = self._slots(keys)
        found = self._positions[slots]
        waiting = np.flatnonzero((found >= 0) & (self._keys[found] != keys))
        while len(waiting):
            slots[waiting] = (slots[waiting] + 1) & self._mask
            next_found = self._positions[slots[waiting]]
            found[waiting] = next_found
            is_other = self._keys[next_found] != keys[waiting]
            waiting = waiting[(next_found >= 0) & is_other]
        return found

    def _slots(self, keys: _Keys) -> NDArray[np.intp]:
        return ((keys.astype(np.uint64) * _MULTIPLIER) >> self._shift).astype(np.intp)
