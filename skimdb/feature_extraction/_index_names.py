"""The names of word indices."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimdb.feature_extraction._sequences import MAX_INDEX

# Keras' convention: what the first indices mean, and how far words are shifted by them.
MARKERS = ("<pad>", "<start>", "<oov>", "<unused>")
_INDEX_FROM = len(MARKERS) - 1


def index_names(
    n_indices: int, word_index: Mapping[str, int] | None, input_features: Any
) -> NDArray[np.object_]:
    """Return names for the word indices from 0 on.

    Parameters
    ----------
    n_indices : int
        How many.
    word_index : dict of str to int or None
        The rank of each word, from 1 on.
    input_features : array-like of str or None
        The names, or the first of them, for when there is no `word_index`. Ignored unless they
        begin with those of the markers.

    Returns
    -------
    ndarray of shape (n_indices,), dtype object
        Indices without a name are called the likes of "index_17".

    Raises
    ------
    ValueError
        If `word_index` does not give every word a rank of its own.
    """
    names = np.array([f"index_{index}" for index in range(n_indices)], dtype=object)
    if word_index is not None:
        names[: len(MARKERS)] = MARKERS[:n_indices]
        check_word_index(word_index, MAX_INDEX - _INDEX_FROM)
        for word, rank in word_index.items():
            if rank + _INDEX_FROM < n_indices:
                names[rank + _INDEX_FROM] = word
    elif input_features is not None and tuple(input_features[: len(MARKERS)]) == MARKERS:
        given = np.asarray(input_features, dtype=object)[:n_indices]
        names[: len(given)] = given
    return names


def check_word_index(word_index: Mapping[Any, Any], largest_rank: int) -> None:
    """Raise a ValueError unless each word has a rank of its own, from 1 to `largest_rank`."""
    for word, rank in word_index.items():
        if not (isinstance(word, str) and isinstance(rank, int | np.integer) and rank >= 1):
            raise ValueError(
                "word_index must map words to ranks, which are integers from 1 on, "
                f"got {word!r}: {rank!r}."
            )
        if rank > largest_rank:
            raise ValueError(
                f"word_index gives {word!r} the rank {rank}, but ranks must be at most "
                f"{largest_rank}, so that word indices are 32-bit integers."
            )
    if len(set(word_index.values())) < len(word_index):
        rank, count = Counter(word_index.values()).most_common(1)[0]
        raise ValueError(f"word_index gives {count} words the same rank, {rank}.")
