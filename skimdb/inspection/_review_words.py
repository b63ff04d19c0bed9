"""The words of reviews in order, and the contribution of each."""

import string
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.pipeline import FeatureUnion
from sklearn.utils import get_tags

from skimdb.datasets._base import INDEX_FROM, START_CHAR
from skimdb.feature_extraction import CharacterEncoder
from skimdb.feature_extraction._sequences import flatten_sequences
from skimdb.inspection._split_pipeline import FloatArray, SplitPipeline
from skimdb.utils._pipelines import flat_steps

# Padding and the start marker are not words.
_MARKERS = {0, START_CHAR}


class ReviewWord(NamedTuple):
    """A word of a review.

    Attributes
    ----------
    text : str
        The word as it is shown, with the punctuation of a text.
    features : tuple of str
        The names of the one-word features that it counts as, usually one.
    """

    text: str
    features: tuple[str, ...]


def review_words(
    split: SplitPipeline, X: Any, names: NDArray[np.object_]
) -> list[tuple[ReviewWord, ...]] | None:
    """Return the words of each review, or None if `X` holds neither texts nor word indices.

    Each distinct word is vectorized alone, to find its features whatever the pipeline does with
    words: change them, merge them or leave them out.
    """
    if hasattr(type(X), "columns") or sp.issparse(X):
        return None
    reviews = _as_list(X)
    if all(isinstance(review, str) for review in reviews):
        texts = [review.split() for review in reviews]
        distinct = list(dict.fromkeys(word for text in texts for word in text))
        features = _features_alone(split, _like(X, [*distinct, ""]), names)
        by_text = {
            word: ReviewWord(word, found or (word.strip(string.punctuation).lower(),))
            for word, found in zip(distinct, features, strict=True)
        }
        return [tuple(by_text[word] for word in text) for text in texts]
    first = split.vectorizing[0]
    # Numbers are word indices only if the first step does not take a matrix.
    if not hasattr(first, "__sklearn_tags__") or get_tags(first).input_tags.two_d_array:
        return None
    try:
        flat, offsets = flatten_sequences(X)
    except (TypeError, ValueError):
        return None
    indices = sorted({*flat.tolist()} - _MARKERS)
    alone = _features_alone(split, _like(X, [*([index] for index in indices), []]), names)
    by_index = _index_words(split, indices, alone)
    return [
        tuple(by_index[i] for i in row.tolist() if i in by_index)
        for row in np.split(flat, offsets[1:-1])
    ]


def shade_words(words: Sequence[ReviewWord], contributions: Mapping[str, float]) -> FloatArray:
    """Return the contribution of each word, of shape (n_words,), given those of the features.

    The contribution of an n-gram, named by its words with spaces between, is divided evenly among
    its words.
    """
    shades = np.zeros(len(words))
    features = [feature for word in words for feature in word.features]
    positions = np.repeat(np.arange(len(words)), [len(word.features) for word in words])
    longest = 1 + max((name.count(" ") for name in contributions), default=0)
    for n in range(1, longest + 1):
        for start in range(len(features) - n + 1):
            name = _ngram(features[start : start + n])
            if name in contributions:
                np.add.at(shades, positions[start : start + n], contributions[name] / n)
    return shades


def _ngram(features: Sequence[str]) -> str:
    """Return the name of an n-gram; a FeatureUnion puts the name of a branch before it once."""
    first = features[0]
    branch = first[: first.find("__") + 2] if "__" in first else ""
    return " ".join([first, *(feature.removeprefix(branch) for feature in features[1:])])


def _as_list(X: Any) -> list[Any]:
    """Return the items of a sequence, those of pyarrow and ragged tensors as Python objects."""
    for method in ("to_pylist", "to_list"):
        if hasattr(X, method):
            return list(getattr(X, method)())
    return list(X)


def _like(X: Any, reviews: list[Any]) -> Any:
    """Return reviews as a Series or 1-D array if X is one, because steps may need it.

    A Series gets a new dtype, because that of X, such as categorical, may not fit the items.
    """
    if hasattr(type(X), "str"):
        return type(X)(reviews)
    if isinstance(X, np.ndarray) and X.ndim == 1:
        return np.fromiter(reviews, object) if X.dtype == object else np.array(reviews)
    return reviews


def _index_words(
    split: SplitPipeline, indices: list[int], features: list[tuple[str, ...]]
) -> dict[int, ReviewWord]:
    word_index = getattr(split.vectorizing[-1], "word_index", None) or {}
    word_of = {rank + INDEX_FROM: word for word, rank in word_index.items()}
    words = {}
    for index, found in zip(indices, features, strict=True):
        text = word_of.get(index, found[0] if found else f"index_{index}")
        words[index] = ReviewWord(text, found or (text,))
    return words


def _is_of_characters(split: SplitPipeline, names: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Tell which features are n-grams of characters, which have no place among words."""
    prefixes = tuple(
        f"{name}__"
        for step in split.vectorizing
        if isinstance(step, FeatureUnion)
        for name, branch in step.transformer_list
        if any(isinstance(part, CharacterEncoder) for part in flat_steps(branch))
    )
    return np.array([name.startswith(prefixes) for name in names], dtype=bool)


def _features_alone(
    split: SplitPipeline, reviews: Any, names: NDArray[np.object_]
) -> list[tuple[str, ...]]:
    """Return the one-word features of all reviews but the last.

    The last review is empty. Features that it has are left out.
    """
    entries = sp.csr_matrix(split.vectorize(reviews))
    everywhere = set(entries[-1].indices.tolist())
    is_shown = np.array([" " not in name for name in names]) & ~_is_of_characters(split, names)
    columns = np.split(entries.indices, entries.indptr[1:-1])[:-1]
    return [
        tuple(names[j] for j in found.tolist() if j not in everywhere and is_shown[j])
        for found in columns
    ]
