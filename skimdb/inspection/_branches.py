"""The steps of a pipeline that make n-grams, in each branch of a FeatureUnion."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import FeatureUnion

from skimdb.feature_extraction import MultiHotVectorizer
from skimdb.feature_extraction._index_names import are_characters, index_names
from skimdb.feature_extraction._sequences import flatten_sequences
from skimdb.utils._pipelines import flat_steps

Span: TypeAlias = tuple[
    int, int
]  # the first piece of a text that a unit covers, one after the last
Unit: TypeAlias = tuple[str, Span | None]  # a word or character, and where it is shown

# No n-gram contains it.
_BREAK: Unit = ("\n", None)
_BLANK: Unit = (" ", None)


@dataclass(frozen=True)
class Branch:
    """Steps that turn reviews into n-grams of units: of words or of characters."""

    encoding: list[Any]  # the steps before the vectorizer
    vectorizer: MultiHotVectorizer | CountVectorizer
    prefix: str  # of the names of features

    @property
    def lengths(self) -> range:
        """The numbers of units of an n-gram."""
        shortest, longest = self.vectorizer.ngram_range
        return range(shortest, longest + 1)

    @property
    def between(self) -> str:
        """What stands between the units of an n-gram in its name."""
        return "" if self._blanks else " "

    def units_alone(self, reviews: Any) -> list[list[str]]:
        """Return the names of the units of each review but the last, which is empty.

        Each review is a single word. What an encoder puts at both ends of it, or before an empty
        review, is left out.
        """
        for step in self.encoding:
            reviews = step.transform(reviews)
        if isinstance(self.vectorizer, MultiHotVectorizer):
            units = self._names_of_indices(reviews)
        else:
            units = list(map(_splitter(self.vectorizer), as_list(reviews)))
        if self._blanks:
            return [list("".join(names).strip(" ")) for names in units[:-1]]
        markers = units[-1]
        n_markers = len(markers)
        return [
            names[n_markers:] if names[:n_markers] == markers else names for names in units[:-1]
        ]

    def joined(self, words: list[list[Unit]]) -> Iterator[Unit]:
        """Yield the units of a review, given those of its words."""
        start, middle, end = self._blanks or ([], [], [])
        yield from start if words else []
        for i, units in enumerate(words):
            yield from middle if i else []
            yield from units
        yield from end if words else []

    @cached_property
    def _blanks(self) -> tuple[list[Unit], list[Unit], list[Unit]] | None:
        """The units before, between and after words, if units are characters."""
        if isinstance(self.vectorizer, MultiHotVectorizer):
            is_of_characters = self.vectorizer.word_index is None and are_characters(self._names)
            return ([_BLANK], [_BLANK], [_BLANK]) if is_of_characters else None
        if self.vectorizer.analyzer == "char":
            return ([], [_BLANK], [])
        if self.vectorizer.analyzer == "char_wb":
            return ([_BLANK], [_BLANK, _BREAK, _BLANK], [_BLANK])
        return None

    @cached_property
    def _names(self) -> Any:
        """The names of indices, as the vectorizer gets them."""
        names: Any = None
        for step in self.encoding:
            if hasattr(step, "get_feature_names_out"):
                names = step.get_feature_names_out(names)
        return names

    def _names_of_indices(self, reviews: Any) -> list[list[str]]:
        flat, offsets = flatten_sequences(reviews)
        indices, positions = np.unique(flat, return_inverse=True)
        if not self.vectorizer._learns_ngrams:
            alone = [[index] for index in indices.tolist()]
            # A sub-class may want its own type of reviews.
            matrix = MultiHotVectorizer.transform(self.vectorizer, alone)
            found = self.vectorizer.inverse_transform(matrix)
            features = [
                feature[0] if len(feature) else index
                for feature, index in zip(found, indices, strict=True)
            ]
            indices = np.array(features, dtype=indices.dtype)
        names = index_names(indices, self.vectorizer.word_index, self._names)[positions].tolist()
        return [names[start:stop] for start, stop in pairwise(offsets.tolist())]


def find_branches(steps: list[Any], prefix: str = "") -> Iterator[Branch]:
    """Yield the branches of a list of steps whose n-grams are known."""
    for n_steps, step in enumerate(steps):
        if isinstance(step, MultiHotVectorizer | CountVectorizer):
            yield Branch(steps[:n_steps], step, prefix)
            return
        if isinstance(step, FeatureUnion):
            for name, transformer in step.transformer_list:
                added = f"{name}__" if step.verbose_feature_names_out else ""
                branch = [*steps[:n_steps], *flat_steps(transformer)]
                yield from find_branches(branch, prefix + added)
            return


def as_list(X: Any) -> list[Any]:
    """Return the items of a sequence, those of pyarrow and ragged tensors as Python objects."""
    for method in ("to_pylist", "to_list"):
        if hasattr(X, method):
            return list(getattr(X, method)())
    return list(X)


def _splitter(vectorizer: CountVectorizer) -> Callable[[Any], list[str]]:
    """Return a function from a text to its words or characters."""
    if callable(vectorizer.analyzer):
        analyze = vectorizer.build_analyzer()
        return lambda text: list(map(str, analyze(text)))
    preprocess = vectorizer.build_preprocessor()
    if vectorizer.analyzer != "word":
        return lambda text: list(re.sub(r"\s\s+", " ", preprocess(vectorizer.decode(text))))
    tokenize = vectorizer.build_tokenizer()
    stop_words = vectorizer.get_stop_words() or ()
    return lambda text: [
        word for word in tokenize(preprocess(vectorizer.decode(text))) if word not in stop_words
    ]
