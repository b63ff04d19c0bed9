"""The hash table finds what a dictionary does."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skimdb.feature_extraction._hash_index import HashIndex

keys = st.integers(0, 40) | st.integers(0, 2**63)


@given(known=st.lists(keys, unique=True, max_size=60), wanted=st.lists(keys, max_size=60))
def test_finds_what_a_dictionary_does(known, wanted):
    positions = {key: i for i, key in enumerate(known)}
    index = HashIndex(np.array(known, dtype=np.uint64))
    wanted = [*wanted, *known]
    found = index.find(np.array(wanted, dtype=np.uint64))
    assert found.dtype == np.int32
    assert found.tolist() == [positions.get(key, -1) for key in wanted]


def test_keys_that_share_a_slot():
    """The hashes of these keys differ in their low bits alone."""
    inverse = pow(0x9E3779B97F4A7C15, -1, 2**64)
    known = np.array([i * inverse % 2**64 for i in range(1, 100)], dtype=np.uint64)
    index = HashIndex(known)
    assert index.find(known).tolist() == list(range(99))
    assert index.find(np.array([0, 100 * inverse % 2**64], dtype=np.uint64)).tolist() == [-1, -1]
