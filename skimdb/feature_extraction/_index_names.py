"""Names of word indices."""

import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimdb.datasets._base import INDEX_FROM
from skimdb.feature_extraction._sequences import MAX_INDEX, IntArray

# Names of the first indices, by Keras' convention.
MARKERS = ("<pad>", "<start>", "<oov>", "<unused>")


def characters() -> NDArray[np.str_]:
    """Return all characters of Unicode, by their code points."""
    return np.arange(sys.maxunicode + 1, dtype=np.uint32).view("U1")


def are_characters(names: Any) -> bool:
    """Tell whether names are those of code points."""
    return names is not None and len(names) > sys.maxunicode and np.array_equal(names, characters())


def index_names(
    indices: IntArray, word_index: Mapping[str, int] | None, input_features: Any
) -> NDArray[np.object_]:
    """Return the names of word indices; those without a name are called "index_17", for example.

    Without `word_index`, `input_features` names the indices from 0 if it begins with the markers,
    or if it has the characters.
    """
    names: dict[int, str] = {}
    if word_index is not None:
        check_word_index(word_index, MAX_INDEX - INDEX_FROM)
        names = dict(enumerate(MARKERS))
        names |= {rank + INDEX_FROM: word for word, rank in word_index.items()}
    elif input_features is not None and (
        tuple(input_features[: len(MARKERS)]) == MARKERS or are_characters(input_features)
    ):
        named = indices[indices < len(input_features)]
        names = {index: str(input_features[index]) for index in named.tolist()}
    return np.array([names.get(i, f"index_{i}") for i in indices.tolist()], dtype=object)


def ngram_names(
    ngrams: IntArray, word_index: Mapping[str, int] | None, input_features: Any
) -> NDArray[np.object_]:
    """Return the names of n-grams, each a row of word indices that may end in zeros.

    The words are named as by :func:`index_names`, and joined by spaces, unless they are characters.
    """
    words = np.unique(ngrams)
    word_names = index_names(words, word_index, input_features)
    between = "" if word_index is None and are_characters(input_features) else " "
    names = word_names[np.searchsorted(words, ngrams[:, 0])]
    for column in ngrams.T[1:]:
        is_long = column > 0
        names[is_long] += between + word_names[np.searchsorted(words, column[is_long])]
    return names


def check_word_index(word_index: Mapping[Any, Any], largest_rank: int) -> None:
    """Raise a ValueError unless the ranks are distinct integers from 1 to `largest_rank`."""
    for word, rank in word_index.items():
        if not (isinstance(word, str) and isinstance(rank, int | np.integer) and rank >= 1):
            raise ValueError(
                f"word_index must map words to ranks, integers from 1, got {word!r}: {rank!r}."
            )
        if rank > largest_rank:
            raise ValueError(
                f"word_index gives {word!r} the rank {rank}, but ranks must be at most "
                f"{largest_rank}, so that word indices are 32-bit integers."
            )
    if len(set(word_index.values())) < len(word_index):
        rank, count = Counter(word_index.values()).most_common(1)[0]
        raise ValueError(f"word_index gives {count} words the same rank, {rank}.")
