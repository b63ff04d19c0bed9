"""The words of reviews in their order, and how much each of them contributes."""

import string
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import get_tags

from skimdb.datasets._base import INDEX_FROM, START_CHAR
from skimdb.inspection._split_pipeline import FloatArray, SplitPipeline

# Padding and the start of a review are no words.
_MARKERS = {0, START_CHAR}


class ReviewWord(NamedTuple):
    """A word as it stands in a review.

    Attributes
    ----------
    text : str
        The word as it is shown, in a text with the punctuation around it.
    features : tuple of str
        The names of the single words that it counts as; in general one.
    """

    text: str
    features: tuple[str, ...]


def review_words(
    split: SplitPipeline, X: Any, names: NDArray[np.object_]
) -> list[tuple[ReviewWord, ...]] | None:
    """Return the words of each review in their order.

    What a word counts as is found by making features of it alone, so that the pipeline itself
    tells which words it changes, puts together or does not know.

    Parameters
    ----------
    split : SplitPipeline
    X : sequence of n_reviews texts or sequences of word indices
    names : ndarray of str of shape (n_features,)
        The names of the features.

    Returns
    -------
    list of tuple of ReviewWord, or None
        One tuple per review; None if the reviews are neither texts nor word indices.
    """
    if hasattr(type(X), "columns"):
        return None
    reviews = _as_list(X)
    if all(isinstance(review, str) for review in reviews):
        texts = [review.split() for review in reviews]
        distinct = list(dict.fromkeys(word for text in texts for word in text))
        features = _features_alone(split, distinct, "", names)
        by_text = {
            word: ReviewWord(word, found or (word.strip(string.punctuation).lower(),))
            for word, found in zip(distinct, features, strict=True)
        }
        return [tuple(by_text[word] for word in text) for text in texts]
    # Only then can its numbers be word indices.
    if get_tags(split.vectorizing[0]).input_tags.two_d_array:
        return None
    sequences = [np.asarray(review).astype(np.int64).tolist() for review in reviews]
    by_index = _index_words(split, sorted({i for row in sequences for i in row} - _MARKERS), names)
    return [tuple(by_index[i] for i in row if i in by_index) for row in sequences]


def shade_words(words: Sequence[ReviewWord], contributions: Mapping[str, float]) -> FloatArray:
    """Return how much each word of a review contributes, at each of its places.

    The contribution of an n-gram, whose name is that of its words with spaces between, is divided
    evenly among its words.

    Parameters
    ----------
    words : sequence of ReviewWord
    contributions : mapping of str to float
        The contribution of each feature of the review.

    Returns
    -------
    shades : ndarray of shape (n_words,)
    """
    shades = np.zeros(len(words))
    features = [feature for word in words for feature in word.features]
    places = np.repeat(np.arange(len(words)), [len(word.features) for word in words])
    longest = 1 + max((name.count(" ") for name in contributions), default=0)
    for n in range(1, longest + 1):
        for start in range(len(features) - n + 1):
            name = " ".join(features[start : start + n])
            if name in contributions:
                np.add.at(shades, places[start : start + n], contributions[name] / n)
    return shades


def _as_list(X: Any) -> list[Any]:
    """Return the items of a sequence, of a pyarrow array or ragged tensor as Python objects."""
    for method in ("to_pylist", "to_list"):
        if hasattr(X, method):
            return list(getattr(X, method)())
    return list(X)


def _index_words(
    split: SplitPipeline, indices: list[int], names: NDArray[np.object_]
) -> dict[int, ReviewWord]:
    features = _features_alone(split, [[index] for index in indices], [], names)
    word_index = getattr(split.vectorizing[-1], "word_index", None) or {}
    word_of = {rank + INDEX_FROM: word for word, rank in word_index.items()}
    words = {}
    for index, found in zip(indices, features, strict=True):
        text = word_of.get(index, found[0] if found else f"index_{index}")
        words[index] = ReviewWord(text, found or (text,))
    return words


def _features_alone(
    split: SplitPipeline, reviews: list[Any], empty: Any, names: NDArray[np.object_]
) -> list[tuple[str, ...]]:
    """Return the single words among the features of reviews, without those of an empty review."""
    entries = sp.csr_matrix(split.vectorize([*reviews, empty]))
    everywhere = set(entries[-1].indices.tolist())
    columns = np.split(entries.indices, entries.indptr[1:-1])[:-1]
    return [
        tuple(names[j] for j in found.tolist() if j not in everywhere and " " not in names[j])
        for found in columns
    ]
