"""Encode texts as word indices, and decode them."""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise, repeat
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval

from skimdb.datasets._base import INDEX_FROM, OOV_CHAR, START_CHAR
from skimdb.datasets._review_array import as_reviews
from skimdb.feature_extraction._index_names import MARKERS, check_word_index
from skimdb.feature_extraction._sequences import MAX_INDEX, flatten_sequences, offsets_of
from skimdb.feature_extraction._text_encoder import TextEncoder
from skimdb.feature_extraction._texts import as_texts
from skimdb.feature_extraction._word_numbers import number_distinct_words, number_words
from skimdb.feature_extraction._words import FILTERS, Splitting
from skimdb.utils._quick_checks import check_fitted, check_parameters

_PAD_CHAR = 0
# Shown for unknown words, as by `skimdb.datasets.decode_review`.
_UNKNOWN = "?"


class WordIndexEncoder(TextEncoder):
    r"""Turn texts into sequences of word indices.

    A text is split into words. The index of a word is its frequency rank plus `index_from`, and
    each sequence begins with `start_char`, following Keras' convention for the IMDB reviews.

    Parameters
    ----------
    num_words : int or None, default=None
        Indices below `num_words` are kept, the others become `oov_char`. As in Keras'
        ``load_data``, it limits indices, not the number of words, and applies to `start_char` too.
        If None, all indices are kept.
    word_index : dict of str to int, default=None
        Frequency rank of each word, counted from 1, as ``fetch_imdb_word_index`` returns it. If
        None, :meth:`fit` learns the ranks.
    normalize : bool, default=True
        Read text as phones and word processors write it, see Notes. If False, texts are split as
        they are, as by Keras. Pure ASCII text is split the same either way.
    lowercase : bool, default=True
        Convert texts to lowercase before splitting.
    filters : str, default=Keras' filters
        Characters that separate words, besides white space. The default is all ASCII punctuation
        except the apostrophe, so that "don't" is one word.
    punctuation : str, default=""
        Characters that become separate words, such as ".!?". They take precedence over `filters`.
    tokenizer : callable, default=None
        Returns the words of a text, instead of `filters` and `punctuation`, which must keep their
        defaults then. It is given the text after `normalize` and `lowercase`.
    index_from : int, default=3
        Offset between a word's rank and its index.
    start_char : int or None, default=1
        First index of each sequence, at most `index_from`. If None, there is no start marker.
    oov_char : int or None, default=2
        Index that replaces unknown words and those excluded by `num_words`, at most `index_from`.
        If None, such words are dropped.
    min_df : int, default=1
        Ignore words that occur in fewer than `min_df` texts. Has no effect if `word_index` is
        given.

    Attributes
    ----------
    word_index_ : dict of str to int
        Rank of each word: `word_index` if given, else learned by :meth:`fit`. The most frequent
        word has rank 1; ties are broken by first occurrence. `num_words` does not limit it.

    See Also
    --------
    MultiHotVectorizer : Features from the word indices.
    CharacterEncoder : Characters instead of words.
    skimdb.datasets.fetch_imdb_word_index : The ranks of the words in the IMDB reviews.
    skimdb.datasets.decode_review : The text of one review, with its markers.
    sklearn.feature_extraction.text.CountVectorizer : Word counts from text.

    Notes
    -----
    **Fitting.** With `word_index`, the estimator is stateless: :meth:`transform` works
    without :meth:`fit`, which only validates.

    **Splitting.** ASCII text, and all text with ``normalize=False``, is split as by Keras'
    ``Tokenizer``, with one difference. Keras splits only at spaces, after replacing `filters` by
    spaces. Here all white space separates words, including the no-break space and "next line"
    (U+0085), which some IMDB reviews contain.

    **Typography.** With `normalize`, "don't" is the same word with any apostrophe, and "café" with
    a composed or combining accent (Unicode's form NFC). Typographic quotes, dashes, ellipses, and
    the marks of Chinese, Japanese, Arabic and Hindi are read as the ASCII marks that they stand
    for, so that `filters` and `punctuation` apply to them. Full-width letters and digits become
    ASCII too. Characters of no width, such as soft hyphens and variation selectors, are left out;
    a zero-width space separates words. Characters in `filters` and `punctuation` stay as they are.
    The word indices of ``fetch_imdb`` are those of ``normalize=False``.

    **Languages without spaces.** Pass a tokenizer, such as ``lambda text: jieba.lcut(text)`` for
    Chinese, or use :class:`CharacterEncoder`. A method of an object, such as ``jieba.lcut`` itself,
    cannot be cloned if the object cannot be copied. A function with a name can be pickled.

    **Containers.** Pass the texts as a list, a tuple, an array of strings or objects, a pandas or
    polars Series, or a pyarrow array or chunked array.

    **Output.** Sequences differ in length, so data frames cannot hold them as columns. The output
    is always an object array; ``set_output`` has no effect on this step of a Pipeline.

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

    Words in any notation, and words by a function of one's own:

    >>> WordIndexEncoder().fit(["Don't", "\u201cDon\u2019t!\u201d"]).word_index_
    {"don't": 1}
    >>> WordIndexEncoder(tokenizer=lambda text: text.split("|")).fit(["不|好", "好"]).word_index_
    {'好': 1, '不': 2}
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "num_words": [Interval(Integral, 1, None, closed="left"), None],
        "word_index": [dict, None],
        "normalize": ["boolean"],
        "lowercase": ["boolean"],
        "filters": [str],
        "punctuation": [str],
        "tokenizer": [callable, None],
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
        normalize: bool = True,
        lowercase: bool = True,
        filters: str = FILTERS,
        punctuation: str = "",
        tokenizer: Callable[[str], Iterable[str]] | None = None,
        index_from: int = INDEX_FROM,
        start_char: int | None = START_CHAR,
        oov_char: int | None = OOV_CHAR,
        min_df: int = 1,
    ) -> None:
        self.num_words = num_words
        self.word_index = word_index
        self.normalize = normalize
        self.lowercase = lowercase
        self.filters = filters
        self.punctuation = punctuation
        self.tokenizer = tokenizer
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
            If X does not hold texts, if no word occurs in `min_df` of them, or if parameters are
            invalid or contradict each other.
        """
        self._check_parameters()
        texts = as_texts(X)
        if self.word_index is None:
            self._learn_ranks(texts)
        else:
            check_word_index(self.word_index, MAX_INDEX - int(self.index_from))
            self.word_index_ = self.word_index
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None) -> NDArray[np.object_]:
        """Fit to texts and return their word indices, splitting the texts once.

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
            If X does not hold texts, if no word occurs in `min_df` of them, or if parameters are
            invalid or contradict each other.
        """
        if self.word_index is not None:
            self.fit(X)
            return self.transform(X)
        self._check_parameters()
        return self._encode(*self._learn_ranks(as_texts(X)))

    def transform(self, X: Any) -> NDArray[np.object_]:
        """Return the word indices of texts.

        Parameters
        ----------
        X : sequence of n_samples str
            The texts.

        Returns
        -------
        ndarray of shape (n_samples,), dtype object
            One int32 array of word indices per text. All are views of one flat array and are
            pickled as such.

        Raises
        ------
        TypeError, ValueError
            If X does not hold texts; the message names the first such row.
        """
        ranks = self._checked_ranks()

        def look_up(words: list[str]) -> Iterable[int]:
            return map(ranks.get, words, repeat(0))

        return self._encode(*number_words(as_texts(X), look_up, self._splitting()))

    def inverse_transform(self, X: Any) -> NDArray[np.object_]:
        """Return the words of sequences of word indices as texts.

        The start marker and the padding 0 are omitted, so that encoding the result again does
        not add a second marker. Every other index that is not a word becomes "?".

        Parameters
        ----------
        X : sequence of n_samples sequences of int
            Word indices of each text, in any container that :class:`MultiHotVectorizer` takes.

        Returns
        -------
        ndarray of shape (n_samples,), dtype object
            One str per sequence: its words, separated by spaces.

        Raises
        ------
        TypeError, ValueError
            If X does not hold sequences of word indices.
        """
        words = self._words()
        # An index that also replaces unknown words is shown.
        silent = {_PAD_CHAR, self.start_char} - {self.oov_char}
        flat, offsets = flatten_sequences(X)
        texts = np.empty(len(offsets) - 1, dtype=object)
        for i, (start, stop) in enumerate(pairwise(offsets.tolist())):
            shown = (index for index in flat[start:stop].tolist() if index not in silent)
            texts[i] = " ".join(map(words.get, shown, repeat(_UNKNOWN)))
        return texts

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the name of each word index.

        Parameters
        ----------
        input_features : Ignored
            Present by convention.

        Returns
        -------
        ndarray of shape (n_indices,), dtype object
            Names of the indices from 0 to the largest that :meth:`transform` can return. Words
            have their own names, 0 is "<pad>", `start_char` is "<start>", `oov_char` is "<oov>"
            and `index_from`, which would be rank 0, is "<unused>". Other indices are called
            "index_17", for example. If `start_char` or `oov_char` is None, the unused indices 1
            and 2 keep their names.

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

    def __sklearn_is_fitted__(self) -> bool:
        return self.word_index is not None or hasattr(self, "word_index_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = self.word_index is None
        return tags

    def _check_parameters(self) -> None:
        """Check parameters against each other."""
        if self.tokenizer is not None and (self.filters, self.punctuation) != (FILTERS, ""):
            raise ValueError(
                "filters and punctuation must keep their defaults with a tokenizer, which alone "
                "splits the texts."
            )
        for name in ("start_char", "oov_char"):
            char = getattr(self, name)
            if char is not None and char > self.index_from:
                raise ValueError(
                    f"{name}={char} must be at most index_from={self.index_from}, "
                    "because larger indices are words."
                )

    def _checked_ranks(self) -> dict[str, int]:
        check_fitted(self)
        check_parameters(self)
        self._check_parameters()
        # `fit` has checked the mapping that it was given.
        if self.word_index is not None and self.word_index is not vars(self).get("word_index_"):
            check_word_index(self.word_index, MAX_INDEX - int(self.index_from))
        return self.word_index_ if self.word_index is None else self.word_index

    def _words(self) -> dict[int, str]:
        """Map word indices to words."""
        first = int(self.index_from)
        return {int(rank) + first: word for word, rank in self._checked_ranks().items()}

    def _is_kept(self, index: Any) -> Any:
        """Compare an index or an array of indices with `num_words`."""
        return index < (MAX_INDEX + 1 if self.num_words is None else self.num_words)

    def _markers(self) -> dict[int, str]:
        """Return the names of indices that are not words."""
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
        """Set `word_index_`; return the rank of each token, and the lengths of the texts."""
        words, (numbers, lengths) = number_distinct_words(texts, self._splitting())
        by_frequency = np.argsort(-np.bincount(numbers), kind="stable")
        if self.min_df > 1:
            n_texts = np.zeros(len(words), dtype=np.int64)
            for text_numbers in as_reviews(numbers, lengths):
                n_texts[text_numbers] += 1  # once per text
            by_frequency = by_frequency[n_texts[by_frequency] >= self.min_df]
        if not by_frequency.size:
            raise ValueError(
                f"No word occurs in at least min_df={self.min_df} of the {len(texts)} texts in X."
            )
        self.word_index_ = {words[i]: rank for rank, i in enumerate(by_frequency.tolist(), 1)}
        ranks = np.zeros(len(words), dtype=np.int32)
        ranks[by_frequency] = np.arange(1, len(by_frequency) + 1)
        return ranks[numbers], lengths

    def _splitting(self) -> Splitting:
        return Splitting(
            self.normalize, self.lowercase, self.filters, self.punctuation, self.tokenizer
        )

    def _encode(self, ranks: NDArray[np.int32], lengths: NDArray[np.int64]) -> NDArray[np.object_]:
        """Turn ranks, 0 for unknown words, into sequences of word indices."""
        if ranks.max(initial=0) > MAX_INDEX - self.index_from:
            raise ValueError(
                f"index_from={self.index_from} and word_index make indices that do not fit in 32 "
                "bits. Use a lower index_from."
            )
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
