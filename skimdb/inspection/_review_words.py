"""The words of reviews in order, and what the n-grams in which they stand contribute."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.utils import get_tags

from skimdb.datasets._base import INDEX_FROM, START_CHAR
from skimdb.feature_extraction._normalization import make_normalizer
from skimdb.feature_extraction._sequences import flatten_sequences
from skimdb.inspection._branches import Branch, Span, Unit, as_list, find_branches
from skimdb.inspection._split_pipeline import FloatArray, SplitPipeline

# Padding and the start marker are not words.
_MARKERS = {0, START_CHAR}
# Scripts without spaces between words: Thai and Lao, Tibetan, Burmese, Khmer; Chinese, Japanese.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"
    "\u2e80-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)


class ReviewWord(NamedTuple):
    """A word of a review, or a character of a script without spaces between words.

    Attributes
    ----------
    text : str
        The word as it is shown, with the punctuation of a text.
    contribution : float
        Its share of the contributions of the n-grams that contain it.
    is_joined : bool
        Whether there is no space between it and the word before.
    """

    text: str
    contribution: float
    is_joined: bool = False


class ReviewWords(NamedTuple):
    """The words of a review, and the names of the features whose contributions they share."""

    words: tuple[ReviewWord, ...]
    placed: frozenset[str]


class _Token(NamedTuple):
    """What stands between two spaces of a text, or a word index."""

    pieces: list[str]  # as they are shown
    units: list[list[Unit]]  # of each branch


def review_words(
    split: SplitPipeline, X: Any, contributions: Sequence[Mapping[str, float]]
) -> list[ReviewWords] | None:
    """Return the words of each review, or None if `X` holds neither texts nor word indices.

    `contributions` has those of the features of each review. Each distinct word goes alone through
    the steps before the vectorizer; n-grams are then searched among the words of a review.
    """
    if hasattr(type(X), "columns") or sp.issparse(X):
        return None
    reviews: list[Any] = as_list(X)
    branches = list(find_branches(split.vectorizing))
    if all(isinstance(review, str) for review in reviews):
        reviews = [review.split() for review in reviews]
        distinct = list(dict.fromkeys(word for review in reviews for word in review))
        pieces = list(map(_pieces, distinct))
        units = _units_alone(branches, _like(X, [*distinct, ""]))
    else:
        first = split.vectorizing[0]
        # Numbers are word indices only if the first step does not take a matrix.
        if not hasattr(first, "__sklearn_tags__") or get_tags(first).input_tags.two_d_array:
            return None
        try:
            flat, offsets = flatten_sequences(X)
        except (TypeError, ValueError):
            return None
        reviews = [row.tolist() for row in np.split(flat, offsets[1:-1])]
        distinct = sorted({*flat.tolist()} - _MARKERS)
        units = _units_alone(branches, _like(X, [*([index] for index in distinct), []]))
        pieces = [[name] for name in _names(distinct, branches, units)]
    tokens = {
        word: _Token(shown, [_locate(names, shown) for names in of_branches])
        for word, shown, of_branches in zip(distinct, pieces, units, strict=True)
    }
    return [
        _place([tokens[word] for word in review if word in tokens], branches, values)
        for review, values in zip(reviews, contributions, strict=True)
    ]


def _place(
    tokens: list[_Token], branches: list[Branch], contributions: Mapping[str, float]
) -> ReviewWords:
    """Divide the contributions of features among the words of a review.

    A feature's contribution is divided evenly among the places where it stands, and there among
    its words or characters other than blanks.
    """
    pieces = [(piece, i > 0) for token in tokens for i, piece in enumerate(token.pieces)]
    shares = [0.0] * len(pieces)
    placed: set[str] = set()
    for number, branch in enumerate(branches):
        units = list(branch.joined(_shifted(tokens, number)))
        of_units, names = _share(branch, units, contributions)
        placed |= names
        for (_, span), share in zip(units, of_units.tolist(), strict=True):
            start, stop = span or (0, 0)
            for i in range(start, stop):
                shares[i] += share / (stop - start)
    words = tuple(
        ReviewWord(piece, share, is_joined)
        for (piece, is_joined), share in zip(pieces, shares, strict=True)
    )
    return ReviewWords(words, frozenset(placed))


def _shifted(tokens: list[_Token], branch: int) -> list[list[Unit]]:
    """Return the units of a branch, with spans from the first piece of the review."""
    shifted, start = [], 0
    for token in tokens:
        units = token.units[branch]
        shifted.append(
            [(name, span and (span[0] + start, span[1] + start)) for name, span in units]
        )
        start += len(token.pieces)
    return shifted


def _share(
    branch: Branch, units: list[Unit], contributions: Mapping[str, float]
) -> tuple[FloatArray, set[str]]:
    """Return the shares of the units of a branch, and the names of the features that they share."""
    n_shown_before = np.cumsum([0, *(span is not None for _, span in units)]).tolist()
    # The difference between the shares of each unit and of the one before.
    steps = [0.0] * (len(units) + 1)
    names = set()
    for name, places in _find_features(branch, units, contributions).items():
        n_shown = [n_shown_before[stop] - n_shown_before[start] for start, stop in places]
        n_places = np.count_nonzero(n_shown)
        if n_places:
            names.add(name)
        for (start, stop), n in zip(places, n_shown, strict=True):
            if n:
                share = contributions[name] / (n_places * n)
                steps[start] += share
                steps[stop] -= share
    return np.cumsum(steps[:-1]), names


def _find_features(
    branch: Branch, units: list[Unit], contributions: Mapping[str, float]
) -> dict[str, list[Span]]:
    """Return the first unit of each occurrence of a feature, and one after its last."""
    prefix, between = branch.prefix, branch.between
    names: Any = [name for name, _ in units]
    if not between:
        names = "".join(names)  # each name is a character
    found = defaultdict(list)
    for n in branch.lengths:
        for start in range(len(names) - n + 1):
            name = prefix + between.join(names[start : start + n])
            if name in contributions:
                found[name].append((start, start + n))
    return found


def _units_alone(branches: list[Branch], alone: Any) -> Iterable[tuple[list[str], ...]]:
    """Return the names of the units of each word in each branch."""
    n_words = len(alone) - 1
    units = [branch.units_alone(alone) for branch in branches]
    return list(zip(*units, strict=True)) if branches else [()] * n_words


def _pieces(word: str) -> list[str]:
    """Split a word into characters where it is in a script without spaces between words."""
    if not _UNSPACED.search(word):
        return [word]
    pieces: list[str] = []
    was_unspaced = False
    for character in word:
        is_mark = unicodedata.category(character).startswith("M")
        is_unspaced = _UNSPACED.match(character) is not None
        if not pieces or ((is_unspaced or was_unspaced) and not is_mark):
            pieces.append("")
            was_unspaced = is_unspaced
        pieces[-1] += character
    return pieces


def _locate(names: list[str], pieces: list[str]) -> list[Unit]:
    """Return each unit of a word with the pieces in which its name stands, or else all pieces."""
    if len(pieces) == 1:
        return [(name, (0, 1)) for name in names]
    normalize = make_normalizer()
    texts = [normalize(piece).lower() for piece in pieces]
    text = "".join(texts)
    owner = [i for i, part in enumerate(texts) for _ in part]
    units: list[Unit] = []
    start = 0
    for name in names:
        found = text.find(name.lower(), start)
        if found < 0:
            units.append((name, (0, len(pieces))))
        else:
            start = found + len(name.lower())
            units.append((name, (owner[found], owner[start - 1] + 1)))
    return units


def _like(X: Any, reviews: list[Any]) -> Any:
    """Return reviews as a Series or 1-D array if X is one, because steps may need it.

    A Series gets a new dtype, because that of X, such as categorical, may not fit the items.
    """
    if hasattr(type(X), "str"):
        return type(X)(reviews)
    if isinstance(X, np.ndarray) and X.ndim == 1:
        return np.fromiter(reviews, object) if X.dtype == object else np.array(reviews)
    return reviews


def _names(
    indices: list[int], branches: list[Branch], units: Iterable[tuple[list[str], ...]]
) -> Iterable[str]:
    """Yield the names of word indices, as they are shown."""
    word_index: Mapping[str, int] = {}
    for branch in branches:
        word_index = getattr(branch.vectorizer, "word_index", None) or word_index
    word_of = {rank + INDEX_FROM: word for word, rank in word_index.items()}
    for index, of_branches in zip(indices, units, strict=True):
        names = [name for names in of_branches for name in names]
        yield word_of.get(index, names[0] if names else f"index_{index}")
