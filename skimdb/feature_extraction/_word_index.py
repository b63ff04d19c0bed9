"""Words to word indices, and back."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise, repeat
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from skimdb.datasets._base import INDEX_FROM, OOV_CHAR, START_CHAR
from skimdb.datasets._review_array import as_reviews
from skimdb.feature_extraction._index_names import MARKERS, check_word_index
from skimdb.feature_extraction._sequences import MAX_INDEX, flatten_sequences, offsets_of
from skimdb.feature_extraction._texts import as_texts

_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_PAD_CHAR = 0
# What stands for a word that was left out, as in `skimdb.datasets.decode_review`.
_LEFT_OUT = "?"


class WordIndexEncoder(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[misc, call-arg]
    """Turn texts into sequences of word indices.

    A text is split into words. Each becomes an index, its rank by frequency plus `index_from`,
    and `start_char` goes before them: Keras' convention for the IMDB reviews.

    Parameters
    ----------
    num_words : int or None, default=None
        Indices below it are kept, the others become `oov_char`. As in Keras' ``load_data``, it
        counts indices, not words, and applies to the start marker too. None keeps all.
    word_index : dict of str to int, default=None
        The rank of each word, counted from 1, as ``fetch_imdb_word_index`` returns it. None
        learns the ranks in :meth:`fit`.
    lowercase : bool, default=True
        Turn texts into lower case before they are split.
    filters : str, default=Keras' filters
        The characters that separate words, besides white space. Keras' are all ASCII punctuation
        but the apostrophe, so that "don't" is one word.
    punctuation : str, default=""
        Characters that are words of their own, such as ".!?", whether `filters` holds them or not.
    index_from : int, default=3
        What is added to a word's rank to make its index.
    start_char : int or None, default=1
        The index that each sequence starts with, at most `index_from`. None for no marker.
    oov_char : int or None, default=2
        The index that stands for a word that is not known or is cut off by `num_words`, at most
        `index_from`. None drops such words.
    min_df : int, default=1
        The number of texts that a word must be in to get a rank. It has no effect where
        `word_index` is given.

    Attributes
    ----------
    word_index_ : dict of str to int
        The rank of each word: `word_index` if that is given, else learned by :meth:`fit`, from
        the most frequent word, which is 1, to the rarest. Of words that are equally frequent,
        the one that was seen first comes first. `num_words` does not limit it.

    See Also
    --------
    MultiHotVectorizer : Features from the word indices.
    skimdb.datasets.fetch_imdb_word_index : The ranks of the words in the IMDB reviews.
    skimdb.datasets.decode_review : The text of one review, with its markers.
    sklearn.feature_extraction.text.CountVectorizer : Word counts from text.

    Notes
    -----
    With `word_index` the estimator is :term:`stateless` and needs no :meth:`fit`, which then
    only validates.

    Words are those of Keras' ``Tokenizer``, but for one thing: Keras splits at spaces only,
    `filters` having become spaces, whereas here all white space separates words, such as the
    no-break space and the "next line" (U+0085) that some IMDB reviews contain.

    Texts may come as a list, a tuple, an array of strings or objects, a pandas or polars Series,
    or a pyarrow array, chunked or not.

    Sequences differ in length, so that no data frame can hold them as columns. ``set_output``
    changes nothing here: the output is always an object array, and a Pipeline's later steps
    follow their own settings.

    References
    ----------
    .. [1] `Keras' imdb.load_data <https://keras.io/api/datasets/imdb/>`_: the convention for
       indices, and `num_words`, `index_from`, `start_char` and `oov_char`.
    .. [2] `Keras' Tokenizer
       <https://www.tensorflow.org/api_docs/python/tf/keras/preprocessing/text/Tokenizer>`_:
       `filters`, and the ranks of equally frequent words.

    Examples
    --------
    >>> from skimdb.feature_extraction import WordIndexEncoder
    >>> encoder = WordIndexEncoder().fit(["A good film, a very good one!", "Good film"])
    >>> encoder.word_index_
    {'good': 1, 'a': 2, 'film': 3, 'very': 4, 'one': 5}
    >>> encoder.transform(["a good plot"])
    ReviewArray([array([1, 5, 4, 2], dtype=int32)], dtype=object)
    >>> encoder.inverse_transform([[1, 5, 4, 2]])
    array(['a good ?'], dtype=object)
    >>> sorted(WordIndexEncoder(punctuation="!?").fit(["Good?", "Good!"]).word_index_)
    ['!', '?', 'good']
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "num_words": [Interval(Integral, 1, None, closed="left"), None],
        "word_index": [dict, None],
        "lowercase": ["boolean"],
        "filters": [str],
        "punctuation": [str],
        "index_from": [Interval(Integral, 0, MAX_INDEX // 2, closed="both")],  # ranks need room too
        "start_char": [Interval(Integral, 0, None, closed="left"), None],
        "oov_char": [Interval(Integral, 0, None, closed="left"), None],
        "min_df": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        num_words: int | None = None,
        *,
        word_index: dict[str, int] | None = None,
        lowercase: bool = True,
        filters: str = _FILTERS,
        punctuation: str = "",
        index_from: int = INDEX_FROM,
        start_char: int | None = START_CHAR,
        oov_char: int | None = OOV_CHAR,
        min_df: int = 1,
    ) -> None:
        self.num_words = num_words
        self.word_index = word_index
        self.lowercase = lowercase
        self.filters = filters
        self.punctuation = punctuation
        self.index_from = index_from
        self.start_char = start_char
        self.oov_char = oov_char
        self.min_df = min_df

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the ranks of words from texts, unless `word_index` gives them.

        Parameters
        ----------
        X : sequence of n_samples str
            The texts.
        y : Ignored
            Present by convention.

        Returns
        -------
        WordIndexEncoder
            The fitted encoder.

        Raises
        ------
        TypeError, ValueError
            If X does not hold texts, if no word is in `min_df` of them, or for parameters that
            do not fit.
        """
        self._check_parameters()
        texts = as_texts(X)
        if self.word_index is None:
            self._learn_ranks(texts)
        else:
            self.word_index_ = self.word_index
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None) -> NDArray[np.object_]:
        """Fit to texts and return their word indices, splitting them into words once.

        Parameters
        ----------
        X : sequence of n_samples str
            The texts.
        y : Ignored
            Present by convention.

        Returns
        -------
        ndarray of shape (n_samples,), dtype object
            The word indices, as :meth:`transform` returns them.

        Raises
        ------
        TypeError, ValueError
            If X does not hold texts, if no word is in `min_df` of them, or for parameters that
            do not fit.
        """
        texts = as_texts(X)
        if self.word_index is not None:
            self.fit(texts)
            return self.transform(texts)
        self._check_parameters()
        return self._encode(*self._learn_ranks(texts))

    def transform(self, X: Any) -> NDArray[np.object_]:
        """Return the word indices of texts.

        Parameters
        ----------
        X : sequence of n_samples str
            The texts.

        Returns
        -------
        ndarray of shape (n_samples,), dtype object
            For each text an int32 array of word indices. All are views on one flat array, as
            which they are pickled too.

        Raises
        ------
        TypeError, ValueError
            If X does not hold texts; the message names the first such row.
        """
        ranks = self._checked_ranks()
        # 0 is no rank.
        return self._encode(
            *self._number_words(as_texts(X), lambda words: map(ranks.get, words, repeat(0)))
        )

    def inverse_transform(self, X: Any) -> NDArray[np.object_]:
        """Return the words of sequences of word indices as texts.

        The start marker and the padding 0 are left out, so that encoding the result again adds
        no second marker. Every other index that is not a word's becomes "?".

        Parameters
        ----------
        X : sequence of n_samples sequences of int
            Word indices of each text, in any container that :class:`MultiHotVectorizer` takes.

        Returns
        -------
        ndarray of shape (n_samples,), dtype object
            For each sequence a str, its words with spaces between them.

        Raises
        ------
        TypeError, ValueError
            If X does not hold sequences of word indices.
        """
        words = self._words()
        # An index that stands for left-out words too is shown as these.
        silent = {_PAD_CHAR, self.start_char} - {self.oov_char}
        flat, offsets = flatten_sequences(X)
        texts = np.empty(len(offsets) - 1, dtype=object)
        for i, (start, stop) in enumerate(pairwise(offsets.tolist())):
            shown = (index for index in flat[start:stop].tolist() if index not in silent)
            texts[i] = " ".join(map(words.get, shown, repeat(_LEFT_OUT)))
        return texts

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return what each word index stands for.

        Parameters
        ----------
        input_features : Ignored
            Present by convention.

        Returns
        -------
        ndarray of shape (n_indices,), dtype object
            A name for each index from 0 to the largest that :meth:`transform` can return: the
            word, or "<pad>" for 0, "<start>" for `start_char`, "<oov>" for `oov_char`,
            "<unused>" for `index_from`, which would be rank 0, or else the likes of "index_17".
            Of markers that are None, 1 and 2 keep the names where they have no other use.

        Raises
        ------
        ValueError
            If a word equals the name of another index.
        """
        known = self._markers()
        known |= self._words()
        largest = max(index for index in known if self._is_kept(index) or index == self.oov_char)
        names = [known.get(index, f"index_{index}") for index in range(largest + 1)]
        name, count = Counter(names).most_common(1)[0]
        if count > 1:
            raise ValueError(
                f"The word {name!r} is also the name of another index. "
                "Leave it out of word_index, or let filters break it up."
            )
        return np.array(names, dtype=object)

    def set_output(
        self, *, transform: Literal["default", "pandas", "polars"] | None = None
    ) -> Self:
        """Do nothing: the output is an object array of sequences in any case.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Accepted so that the other steps of a Pipeline can be configured.

        Returns
        -------
        WordIndexEncoder
            The encoder.
        """
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return self.word_index is not None or hasattr(self, "word_index_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = self.word_index is None
        return tags

    def _check_parameters(self) -> None:
        """Check what the constraints of single parameters cannot say."""
        for name in ("start_char", "oov_char"):
            char = getattr(self, name)
            if char is not None and char > self.index_from:
                raise ValueError(
                    f"{name}={char} must be at most index_from={self.index_from}, "
                    "since the indices above it are those of words."
                )
        if self.word_index is not None:
            check_word_index(self.word_index, MAX_INDEX - self.index_from)

    def _checked_ranks(self) -> dict[str, int]:
        check_is_fitted(self)
        self._validate_params()
        self._check_parameters()
        return self.word_index_ if self.word_index is None else self.word_index

    def _words(self) -> dict[int, str]:
        """Return the word of each word index."""
        return {rank + self.index_from: word for word, rank in self._checked_ranks().items()}

    def _is_kept(self, index: Any) -> Any:
        """Tell whether an index, or which of an array of them, `num_words` keeps."""
        return index < (MAX_INDEX + 1 if self.num_words is None else self.num_words)

    def _markers(self) -> dict[int, str]:
        """Return the names of the indices that are not those of words."""
        pad, start, oov, unused = MARKERS
        names = {self.index_from: unused, _PAD_CHAR: pad}
        for char, usual, name in (
            (self.start_char, START_CHAR, start),
            (self.oov_char, OOV_CHAR, oov),
        ):
            if char is not None:
                names[char] = name
            elif usual < self.index_from:
                names.setdefault(usual, name)
        return names

    def _learn_ranks(self, texts: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Set `word_index_`, and return the rank of each word of the texts as they follow."""
        vocabulary: defaultdict[str, int] = defaultdict()
        vocabulary.default_factory = vocabulary.__len__
        numbers, lengths = self._number_words(texts, partial(map, vocabulary.__getitem__))
        n_texts = np.zeros(len(vocabulary), dtype=np.int64)
        for text_numbers in as_reviews(numbers, lengths):
            n_texts[text_numbers] += 1  # once, however often the text has the word
        by_frequency = np.argsort(-np.bincount(numbers), kind="stable")
        by_frequency = by_frequency[n_texts[by_frequency] >= self.min_df]
        if not by_frequency.size:
            raise ValueError(
                f"X has no word that is in at least min_df={self.min_df} of its {len(texts)} texts."
            )
        words = list(vocabulary)
        self.word_index_ = {words[i]: rank for rank, i in enumerate(by_frequency.tolist(), 1)}
        ranks = np.zeros(len(vocabulary), dtype=np.int32)
        ranks[by_frequency] = np.arange(1, len(by_frequency) + 1)
        return ranks[numbers], lengths

    def _number_words(
        self, texts: list[str], look_up: Callable[[list[str]], Iterable[int]]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Look up the number of each word of the texts, and count the words of each text."""
        split = self._splitter()
        numbers, lengths = array("i"), array("q")
        for text in texts:
            words = split(text)
            numbers.fromlist(list(look_up(words)))
            lengths.append(len(words))
        return np.asarray(numbers), np.asarray(lengths)

    def _splitter(self) -> Callable[[str], list[str]]:
        """Return the function that splits a text into words."""
        lowercase, punctuation = self.lowercase, set(self.punctuation)
        filters = set(self.filters) - punctuation
        table = str.maketrans(dict.fromkeys(filters, " "))
        ascii_filters = "".join(filter(str.isascii, filters)).encode()
        ascii_table = bytes.maketrans(ascii_filters, b" " * len(ascii_filters))

        def split(text: str) -> list[str]:
            if lowercase:
                text = text.lower()
            for mark in punctuation:
                text = text.replace(mark, f" {mark} ")
            if text.isascii():  # in half the time
                return text.encode().translate(ascii_table).decode().split()
            return text.translate(table).split()

        return split

    def _encode(self, ranks: NDArray[np.int32], lengths: NDArray[np.int64]) -> NDArray[np.object_]:
        """Turn ranks, where 0 is that of an unknown word, into sequences of word indices."""
        indices = ranks + np.int32(self.index_from)
        is_known = (ranks > 0) & self._is_kept(indices)
        if self.oov_char is None:
            n_known = np.searchsorted(np.flatnonzero(is_known), offsets_of(lengths))
            indices, lengths = indices[is_known], np.diff(n_known)
        else:
            indices[~is_known] = self.oov_char
        start = self.start_char
        if start is not None and not self._is_kept(start):
            start = self.oov_char
        if start is not None:
            indices = np.insert(indices, offsets_of(lengths)[:-1], start)
            lengths = lengths + 1
        return as_reviews(indices, lengths)
