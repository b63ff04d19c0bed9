"""Encode texts as code points, and decode them."""

import sys
from itertools import pairwise
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval

from skimdb.datasets._review_array import as_reviews
from skimdb.feature_extraction._index_names import characters
from skimdb.feature_extraction._normalization import make_normalizer
from skimdb.feature_extraction._sequences import flatten_sequences
from skimdb.feature_extraction._text_encoder import TextEncoder
from skimdb.feature_extraction._texts import as_texts
from skimdb.feature_extraction._word_numbers import number_distinct_words
from skimdb.feature_extraction._words import Splitting
from skimdb.utils._quick_checks import check_fitted, check_parameters

# One 32-bit integer per character; lone surrogates are characters too.
_ENCODING = ("utf-32-le", "surrogatepass")
# Around the padding, which no n-gram contains.
_BETWEEN_WORDS = " \0 "


class CharacterEncoder(TextEncoder):
    """Turn texts into sequences of characters, each as its Unicode code point.

    ``MultiHotVectorizer(None, ngram_range=(1, 5))`` makes n-grams of the characters. These suit
    languages without spaces between words, such as Chinese, Japanese and Thai, and tweets, where
    words have many spellings.

    Parameters
    ----------
    normalize : bool, default=True
        Compose accents, leave out characters of no width, and read typographic and full-width
        marks as those of ASCII, as described for :class:`WordIndexEncoder`.
    lowercase : bool, default=True
        Convert texts to lowercase.
    within_words : bool, default=False
        Put the padding 0 between words, so that every n-gram lies within one word. A word is
        what stands between white space, and has a blank of its own on each side.
    max_word_frequency : float, default=None
        Leave out the characters of all texts if :meth:`fit` finds that `word_frequency_` is above
        this. Words that are learned from many occurrences tell what their characters would, and
        without these fitting and predicting take a fraction of the time. None keeps them always.

    Attributes
    ----------
    word_frequency_ : float
        How often the texts contain each of their distinct words, on average; of equal texts one
        counts. A word is what :class:`WordIndexEncoder` takes for one by default. Only with
        `max_word_frequency`.

    See Also
    --------
    MultiHotVectorizer : Features from the characters.
    WordIndexEncoder : Words instead of characters.
    sklearn.feature_extraction.text.CountVectorizer : Counts of n-grams of characters, with
        ``analyzer="char"``.

    Notes
    -----
    **Fitting.** Without `max_word_frequency` the estimator is stateless: :meth:`transform` works
    without :meth:`fit`, which only validates.

    **Vectorizing.** Give :class:`MultiHotVectorizer` ``num_words=None``. Its default leaves out
    code points from 10,000 on, which are most of Chinese, Japanese and Korean.

    **White space.** Each run of white space becomes one blank. A blank is added at both ends of a
    text, so that the first and the last word begin and end as the others do. A text without any
    other character has no characters.

    **Output.** As that of :class:`WordIndexEncoder`, the output is always an object array;
    ``set_output`` has no effect on this step of a Pipeline. The sequences are read-only.

    References
    ----------
    .. [1] `The Unicode Standard <https://www.unicode.org/versions/latest/>`_: code points, and
       the normalization form NFC.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skimdb.feature_extraction import CharacterEncoder, MultiHotVectorizer
    >>> encoder = CharacterEncoder()
    >>> encoder.transform(["Gut!", "gut"])
    ReviewArray([array([ 32, 103, 117, 116,  33,  32], dtype=int32),
                 array([ 32, 103, 117, 116,  32], dtype=int32)], dtype=object)
    >>> encoder.inverse_transform([[32, 103, 117, 116, 33, 32]])
    array(['gut!'], dtype=object)
    >>> pipeline = make_pipeline(encoder, MultiHotVectorizer(None, ngram_range=(2, 3), min_df=2))
    >>> pipeline.fit(["Gut!", "sehr gut"]).get_feature_names_out()
    array([' g', 'gu', 'ut', ' gu', 'gut'], dtype=object)
    >>> CharacterEncoder(within_words=True).transform(["so gut"])
    ReviewArray([array([ 32, 115, 111,  32,   0,  32, 103, 117, 116,  32], dtype=int32)],
                dtype=object)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "normalize": ["boolean"],
        "lowercase": ["boolean"],
        "within_words": ["boolean"],
        "max_word_frequency": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        *,
        normalize: bool = True,
        lowercase: bool = True,
        within_words: bool = False,
        max_word_frequency: float | None = None,
    ) -> None:
        self.normalize = normalize
        self.lowercase = lowercase
        self.within_words = within_words
        self.max_word_frequency = max_word_frequency

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Validate the texts, and learn how often they repeat words if that is limited.

        Parameters
        ----------
        X : sequence of n_samples str
            The texts, in any container that :class:`WordIndexEncoder` takes.
        y : Ignored
            Present by convention.

        Returns
        -------
        CharacterEncoder
            The encoder.

        Raises
        ------
        TypeError, ValueError
            If X does not hold texts, or if parameters are invalid.
        """
        texts = as_texts(X)
        self.__dict__.pop("word_frequency_", None)  # of an earlier fit
        if self.max_word_frequency is not None:
            self.word_frequency_ = self._mean_frequency(texts)
        return self

    def transform(self, X: Any) -> NDArray[np.object_]:
        """Return the code points of texts.

        Parameters
        ----------
        X : sequence of n_samples str
            The texts.

        Returns
        -------
        ndarray of shape (n_samples,), dtype object
            One int32 array of code points per text. All are views of one flat array and are
            pickled as such.

        Raises
        ------
        TypeError, ValueError
            If X does not hold texts; the message names the first such row.
        """
        check_fitted(self)
        check_parameters(self)
        texts = as_texts(X)
        if self.max_word_frequency is not None and self.word_frequency_ > self.max_word_frequency:
            return as_reviews(np.empty(0, np.int32), np.zeros(len(texts), np.int64))
        if self.normalize:
            texts = list(map(make_normalizer(), texts))
        if self.lowercase:
            texts = list(map(str.lower, texts))
        between = _BETWEEN_WORDS if self.within_words else " "
        texts = [f" {between.join(words)} " if (words := text.split()) else "" for text in texts]
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        flat = np.frombuffer("".join(texts).encode(*_ENCODING), dtype="<i4")
        return as_reviews(flat.astype(np.int32, copy=False), lengths)

    def inverse_transform(self, X: Any) -> NDArray[np.object_]:
        """Return sequences of code points as texts, without white space at their ends.

        Parameters
        ----------
        X : sequence of n_samples sequences of int
            Code points of each text, in any container that :class:`MultiHotVectorizer` takes.

        Returns
        -------
        ndarray of shape (n_samples,), dtype object
            One str per sequence.

        Raises
        ------
        TypeError, ValueError
            If X does not hold sequences of code points.
        """
        flat, offsets = flatten_sequences(X)
        largest = np.max(flat, initial=0)
        if largest > sys.maxunicode:
            row = int(np.searchsorted(offsets, np.argmax(flat), side="right")) - 1
            raise ValueError(
                f"Row {row} of X contains {largest}, but code points are at most {sys.maxunicode}."
            )
        text = flat.astype("<i4").tobytes().decode(*_ENCODING)
        texts = np.empty(len(offsets) - 1, dtype=object)
        texts[:] = [text[start:stop].strip() for start, stop in pairwise(offsets.tolist())]
        if self.within_words:
            texts[:] = [text.replace(_BETWEEN_WORDS, " ") for text in texts]
        return texts

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.str_]:
        """Return the character of each code point.

        Parameters
        ----------
        input_features : Ignored
            Present by convention.

        Returns
        -------
        ndarray of shape (1_114_112,), dtype str
            All characters of Unicode, by their code points. NumPy shows that of code point 0 as
            an empty string.
        """
        return characters()

    def __sklearn_is_fitted__(self) -> bool:
        return self.max_word_frequency is None or hasattr(self, "word_frequency_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = self.max_word_frequency is not None
        return tags

    def _mean_frequency(self, texts: list[str]) -> float:
        splitting = Splitting(self.normalize, self.lowercase)
        words, (numbers, _) = number_distinct_words(list(set(texts)), splitting)
        return len(numbers) / max(len(words), 1)
