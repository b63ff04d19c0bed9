"""Multi-hot features: which words, or n-grams of words, a review contains."""

from collections import Counter
from functools import partial
from math import ceil, floor, isclose, prod
from numbers import Integral
from operator import itemgetter
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags, check_array
from sklearn.utils._param_validation import Interval, RealNotInt
from sklearn.utils.validation import check_is_fitted

from skimdb.feature_extraction._index_names import MARKERS, index_names, ngram_names
from skimdb.feature_extraction._ngram_table import NGrams, NGramTable, find_ngrams
from skimdb.feature_extraction._ngrams import learn_ngrams
from skimdb.feature_extraction._sequences import (
    MAX_INDEX,
    FlatSequences,
    IntArray,
    flatten_sequences,
)
from skimdb.feature_extraction._unigrams import find_words
from skimdb.utils._memory import check_memory
from skimdb.utils._naming import naming
from skimdb.utils._quick_checks import check_fitted, check_parameters

# The table of n-grams has as many columns.
_MAX_N = 100


class MultiHotVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn sequences of word indices into multi-hot features.

    Feature `j` of a review is 1 if the review contains the word index `j`, else 0. If all
    indices are below `num_words`, the result equals that of the loop ::

        results = np.zeros((len(sequences), num_words))
        for i, sequence in enumerate(sequences):
            results[i, sequence] = 1.0

    With `ngram_range`, `min_df`, `max_df` or `max_features`, the features are instead the n-grams
    that :meth:`fit` learns from the reviews.

    Parameters
    ----------
    num_words : int or None, default=10_000
        Number of features. Indices below `num_words` are kept, the others become `oov_char`. If
        None, :meth:`fit` sets it to one more than the largest index or `oov_char`, whichever is
        larger.
    skip_top : int, default=0
        Indices below `skip_top` become `oov_char` too. As in Keras' ``load_data``, an index `w` is
        kept if ``skip_top <= w < num_words``, whether it stands for a word or for a marker.
    oov_char : int or None, default=2
        Replaces every index outside these limits. It must be below `num_words` and differ from
        `pad_char`; `skip_top` does not apply to it. If None, such indices are dropped.
    pad_char : int or None, default=None
        Index to ignore, such as the 0 that pads a 2-D array. It is removed before `skip_top` and
        `num_words` apply, so it never becomes `oov_char`, and its feature is always 0. If None,
        no index is ignored.
    sparse_output : bool, default=True
        Return a CSR matrix if True, else an array.
    dtype : dtype, default=numpy.float32
        Type of the output: any boolean, integer or floating type. SciPy has no sparse matrices of
        float16.
    ngram_range : tuple of int (min_n, max_n), default=(1, 1)
        Smallest and largest number of words in an n-gram, at most 100. Any range other than
        (1, 1), or any non-default value of the next three parameters, makes :meth:`fit` learn
        n-grams as features. N-grams consist of words only and are interrupted by everything else:
        the indices 0 to 3, `oov_char`, `pad_char`, and indices outside `skip_top` and `num_words`.
    min_df, max_df : int or float in [0.0, 1.0], default=1 and 1.0
        Ignore n-grams that occur in fewer than `min_df` or in more than `max_df` reviews. An int
        is a number of reviews, a float a proportion, without rounding errors: 0.07 of 100 reviews
        are 7, and 4 / 60 of 60 are 4.
    max_features : int or None, default=None
        Keep only this many n-grams, those that occur in the most reviews. Ties are broken by the
        order in `ngrams_`. If None, keep all.
    ensure_min_features : int, default=1
        Raise an error if fewer n-grams are left. With 0 none need be, in a
        :class:`sklearn.pipeline.FeatureUnion` with other features.
    word_index : dict of str to int, default=None
        Frequency rank of each word, counted from 1, as ``fetch_imdb_word_index`` returns it. It
        only affects feature names, which follow Keras' convention: a word's index is its rank + 3,
        and the indices 0 to 3 are "<pad>", "<start>", "<oov>" and "<unused>".

    Attributes
    ----------
    num_words_ : int
        Indices below it are kept. Unless n-grams are learned, it is the number of features. Set
        by :meth:`fit`.
    ngram_table_ : NGramTable
        The learned n-grams, in the form in which :meth:`transform` looks them up. Only set if
        n-grams are learned.
    ngrams_ : ndarray of shape (n_features_out, max_n), dtype int32
        Word indices of each learned n-gram, padded with zeros to `max_n`. Sorted by number of
        words, then by indices. Made of `ngram_table_` each time.

    See Also
    --------
    WordIndexEncoder : Sequences of word indices from texts.
    CharacterEncoder : Sequences of characters, for n-grams of characters.
    LogCountRatioScaler : Scale features by how well they separate the classes.
    sklearn.preprocessing.MultiLabelBinarizer : Multi-hot features from sets of any labels.
    sklearn.feature_extraction.text.CountVectorizer : Features from raw text.

    Notes
    -----
    **Fitting.** Unless `num_words` is None or n-grams are learned, the estimator is
    stateless: :meth:`transform` works without :meth:`fit`, which only validates.

    **Containers.** Pass the reviews as a list, tuple or object array of lists, tuples, ranges or
    arrays; a 2-D array; a pandas or polars Series of lists (polars needs pyarrow); a pyarrow array
    or chunked array of lists; a ``tf.RaggedTensor`` with one ragged dimension; or any other
    sequence of lists, tuples, ranges or arrays.

    **Indices.** Use integers, or floating-point numbers without a fractional part, from 0 to
    2**31 - 1. Other values, booleans and texts raise an error that names the row.

    **Padding.** If shorter reviews are padded, pass `pad_char`; otherwise padding is a feature.

    References
    ----------
    .. [1] F. Chollet, "Deep Learning with Python", section 3.4, Manning, 2017: the multi-hot
       encoding of the IMDB reviews.
    .. [2] `Keras' imdb.load_data <https://keras.io/api/datasets/imdb/>`_: the convention for
       indices, `num_words`, `skip_top` and `oov_char`.

    Examples
    --------
    >>> from skimdb.feature_extraction import MultiHotVectorizer
    >>> reviews = [[1, 4, 5, 4], [1, 6, 99]]
    >>> vectorizer = MultiHotVectorizer(num_words=7)
    >>> vectorizer.transform(reviews).toarray()
    array([[0., 1., 0., 0., 1., 1., 0.],
           [0., 1., 1., 0., 0., 0., 1.]], dtype=float32)
    >>> vectorizer.set_params(word_index={"the": 1, "and": 2, "a": 3}).get_feature_names_out()
    array(['<pad>', '<start>', '<oov>', '<unused>', 'the', 'and', 'a'], dtype=object)

    Pairs of words that occur in at least two reviews:

    >>> vectorizer = MultiHotVectorizer(
    ...     ngram_range=(2, 2), min_df=2, word_index={"not": 1, "a": 2, "good": 3, "film": 4}
    ... )
    >>> vectorizer.fit_transform([[1, 4, 5, 6, 7], [1, 6, 7], [1, 6, 5, 7]]).toarray()
    array([[1.],
           [1.],
           [0.]], dtype=float32)
    >>> vectorizer.get_feature_names_out()
    array(['good film'], dtype=object)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "num_words": [Interval(Integral, 1, MAX_INDEX + 1, closed="both"), None],
        "skip_top": [Interval(Integral, 0, None, closed="left")],
        "oov_char": [Interval(Integral, 0, MAX_INDEX, closed="both"), None],
        "pad_char": [Interval(Integral, 0, None, closed="left"), None],
        "sparse_output": ["boolean"],
        "dtype": "no_validation",  # delegated to numpy
        "ngram_range": [tuple],
        "min_df": [
            Interval(RealNotInt, 0, 1, closed="both"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "max_df": [
            Interval(RealNotInt, 0, 1, closed="both"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "max_features": [Interval(Integral, 1, None, closed="left"), None],
        "ensure_min_features": [Interval(Integral, 0, None, closed="left")],
        "word_index": [dict, None],
    }

    def __init__(
        self,
        num_words: int | None = 10_000,
        *,
        skip_top: int = 0,
        oov_char: int | None = 2,
        pad_char: int | None = None,
        sparse_output: bool = True,
        dtype: DTypeLike = np.float32,
        ngram_range: tuple[int, int] = (1, 1),
        min_df: float = 1,
        max_df: float = 1.0,
        max_features: int | None = None,
        ensure_min_features: int = 1,
        word_index: dict[str, int] | None = None,
    ) -> None:
        self.num_words = num_words
        self.skip_top = skip_top
        self.oov_char = oov_char
        self.pad_char = pad_char
        self.sparse_output = sparse_output
        self.dtype = dtype
        self.ngram_range = ngram_range
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features
        self.ensure_min_features = ensure_min_features
        self.word_index = word_index

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Validate the reviews and learn the number of features or the n-grams, if needed.

        Parameters
        ----------
        X : sequence of n_samples sequences of int
            Word indices of each review.
        y : Ignored
            Present by convention.

        Returns
        -------
        MultiHotVectorizer
            The fitted vectorizer.

        Raises
        ------
        TypeError, ValueError
            If X does not hold sequences of word indices, if parameters are invalid or contradict
            each other, or if fewer than `ensure_min_features` n-grams are left.
        MemoryError
            If n-grams or features do not fit in memory. Fit to a sample of the reviews then.
        """
        self._check_parameters()
        self._learn(flatten_sequences(X))
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit to the reviews and return their features, reading the reviews once.

        Parameters
        ----------
        X : sequence of n_samples sequences of int
            Word indices of each review.
        y : Ignored
            Present by convention.

        Returns
        -------
        {ndarray, CSR matrix} of shape (n_samples, n_features_out)
            The features, as :meth:`transform` returns them.

        Raises
        ------
        TypeError, ValueError
            If X does not hold sequences of word indices, if parameters are invalid or contradict
            each other, or if fewer than `ensure_min_features` n-grams are left.
        MemoryError
            If n-grams or features do not fit in memory. Fit to a sample of the reviews then.
        """
        self._check_parameters()
        sequences = flatten_sequences(X)
        self._learn(sequences)
        return self._encode(sequences)

    def transform(self, X: Any) -> Any:
        """Return the features of reviews.

        Parameters
        ----------
        X : sequence of n_samples sequences of int
            Word indices of each review.

        Returns
        -------
        {ndarray, CSR matrix} of shape (n_samples, n_features_out)
            1 where a review contains a word or n-gram, else 0. A CSR matrix is in canonical
            format, with sorted indices and no duplicates.

        Raises
        ------
        TypeError, ValueError
            If X does not hold sequences of word indices; the message names the first such row.
        MemoryError
            If the features do not fit in memory. Transform the reviews in batches then.
        """
        check_fitted(self)
        check_parameters(self)
        self._check_parameters()
        return self._encode(flatten_sequences(X))

    def inverse_transform(self, X: Any) -> NDArray[np.object_]:
        """Return the word indices or n-grams of reviews from their features.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features_out)
            Features. Every non-zero value counts as 1.

        Returns
        -------
        ndarray of shape (n_samples,), dtype object
            One array per review: its sorted, unique word indices or, if `max_n` is above 1, its
            rows of `ngrams_`.

        Raises
        ------
        ValueError
            If X has a different number of features.
        """
        check_is_fitted(self)
        with naming("X"):
            X = check_array(
                X, accept_sparse="csr", dtype=None, ensure_min_samples=0, ensure_min_features=0
            )
        if X.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__} makes "
                f"{self._n_features_out}."
            )
        X = sp.csr_array(X, copy=True)
        X.sum_duplicates()
        X.eliminate_zeros()
        items = X.indices
        if self._learns_ngrams:
            ngrams = self.ngrams_
            items = ngrams[items] if ngrams.shape[1] > 1 else ngrams[items, 0]
        sequences = np.empty(X.shape[0], dtype=object)
        for i, (start, stop) in enumerate(zip(X.indptr[:-1], X.indptr[1:], strict=True)):
            sequences[i] = items[start:stop]
        return sequences

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the features.

        The words of an n-gram are joined by spaces, its characters by nothing.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the word indices, starting at 0, or of the characters, as
            ``get_feature_names_out`` of :class:`WordIndexEncoder` or :class:`CharacterEncoder`
            returns them. Used if `word_index` is None. Other names, such as that of a column, are
            ignored.

        Returns
        -------
        ndarray of shape (n_features_out,), dtype object
            Words or markers ("<pad>", "<start>", "<oov>", "<unused>"). An index without a name
            is called "index_17", for example.

        Raises
        ------
        ValueError
            If two words in `word_index` have the same rank, or two features the same name.
        """
        check_is_fitted(self)
        if self._learns_ngrams:
            names = ngram_names(self.ngrams_, self.word_index, input_features)
        else:
            names = index_names(np.arange(self._width), self.word_index, input_features)
        name, count = max(Counter(names).items(), key=itemgetter(1), default=(None, 0))
        if count > 1:
            raise ValueError(
                f"{name!r} would be the name of {count} features, because a word has the name of "
                "an n-gram or of another index. Rename it in word_index, or let the tokenizer "
                "return words without blanks."
            )
        return names

    @property
    def ngrams_(self) -> NGrams:
        """Word indices of the learned n-grams."""
        return self.ngram_table_.ngrams

    def __sklearn_is_fitted__(self) -> bool:
        learned = "ngram_table_" if self._learns_ngrams else "num_words_"
        return not self._requires_fit or hasattr(self, learned)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = self._requires_fit
        return tags

    @property
    def _learns_ngrams(self) -> bool:
        limits = (_as_given(self.min_df), _as_given(self.max_df))
        given = (self.ngram_range, *limits, self.max_features)
        return given != ((1, 1), (True, 1), (False, 1.0), None)

    @property
    def _requires_fit(self) -> bool:
        return self.num_words is None or self._learns_ngrams

    @property
    def _width(self) -> int:
        return int(self.num_words_ if self.num_words is None else self.num_words)

    @property
    def _n_features_out(self) -> int:
        return len(self.ngram_table_) if self._learns_ngrams else self._width

    def _check_parameters(self) -> None:
        """Check parameters against each other."""
        with naming("dtype"):
            kind = np.dtype(self.dtype).kind
        if kind not in "biuf":
            raise ValueError(
                f"dtype must be a boolean, integer or floating type, got {np.dtype(self.dtype)}."
            )
        if self.sparse_output and np.dtype(self.dtype) == np.float16:
            raise ValueError(
                "dtype=float16 is a type that SciPy's sparse matrices do not have. Use float32, or "
                "sparse_output=False."
            )
        check_ngram_range(self.ngram_range)
        if self.oov_char is None:
            return
        if self.num_words is not None and self.oov_char >= self.num_words:
            raise ValueError(
                f"oov_char={self.oov_char} must be below num_words={self.num_words}. "
                "Use oov_char=None to drop indices at or above num_words."
            )
        if self.oov_char == self.pad_char:
            raise ValueError(
                f"oov_char and pad_char are both {self.oov_char}. "
                "Use oov_char=None to leave both out of the features."
            )

    def _learn(self, sequences: FlatSequences) -> None:
        num_words = self.num_words
        if num_words is None:
            largest = int(np.max(sequences[0], initial=0))
            num_words = 1 + max(largest, int(self.oov_char or 0))
        if self._learns_ngrams:
            self.ngram_table_ = self._learn_ngrams(sequences, num_words)
        elif hasattr(self, "ngram_table_"):
            del self.ngram_table_
        self.num_words_ = num_words

    def _learn_ngrams(self, sequences: FlatSequences, num_words: int) -> NGramTable:
        n_samples = len(sequences[1]) - 1
        min_df = ceil(_n_samples_of(self.min_df, n_samples))
        max_df = floor(_n_samples_of(self.max_df, n_samples))
        min_n, max_n = map(int, self.ngram_range)
        ngrams, df = learn_ngrams(sequences, partial(self._is_word, num_words), max_n, min_df)
        is_kept = (np.count_nonzero(ngrams, axis=1) >= min_n) & (df <= max_df)
        kept = np.flatnonzero(is_kept)
        if self.max_features is not None and len(kept) > self.max_features:
            most_frequent = np.argsort(-df[kept], kind="stable")[: self.max_features]
            kept = kept[np.sort(most_frequent)]
        if len(kept) < self.ensure_min_features:
            left = f"Only {len(kept)} n-grams are" if len(kept) else "No n-gram is"
            needed = f", and {self.ensure_min_features} are needed" if len(kept) else ""
            raise ValueError(
                f"{left} left with ngram_range={self.ngram_range}, min_df={self.min_df} and "
                f"max_df={self.max_df}{needed}. Use a lower min_df or a higher max_df."
            )
        return NGramTable.from_ngrams(ngrams[kept])

    def _is_word(self, num_words: int, tokens: IntArray) -> NDArray[np.bool]:
        """Tell which indices n-grams may contain."""
        is_word = (tokens >= max(self.skip_top, len(MARKERS))) & (tokens < num_words)
        for marker in (self.oov_char, self.pad_char):
            if marker is not None:
                is_word &= tokens != marker
        return is_word

    def _encode(self, sequences: FlatSequences) -> Any:
        shape = (len(sequences[1]) - 1, self._n_features_out)
        if self._learns_ngrams:
            indices, indptr = find_ngrams(sequences, self.ngram_table_)
        else:
            indices, indptr = find_words(sequences, self._width, self._add_indices)
        if not self.sparse_output:
            n_bytes = prod(shape) * np.dtype(self.dtype).itemsize
            check_memory(n_bytes, "The dense features take", "Use sparse_output=True.")
            array = np.zeros(shape, dtype=self.dtype)
            array[np.repeat(np.arange(shape[0]), np.diff(indptr)), indices] = 1
            return array
        if indptr[-1] <= MAX_INDEX:
            indptr = indptr.astype(np.int32)  # sparse arrays keep wider ones
        csr = sp.csr_array if get_config().get("sparse_interface") == "sparray" else sp.csr_matrix
        features = csr((np.ones(len(indices), dtype=self.dtype), indices, indptr), shape=shape)
        features.has_canonical_format = True
        return features

    def _add_indices(
        self, keys: NDArray[np.uint32], tokens: NDArray[np.uint32]
    ) -> NDArray[np.uint32]:
        """Add each token's feature to the key of its row, and drop tokens without a feature."""
        if self.pad_char is not None:
            is_word = tokens != self.pad_char
            keys, tokens = keys[is_word], tokens[is_word]
        is_known = (tokens >= self.skip_top) & (tokens < self._width)
        if self.oov_char is None:
            return keys[is_known] + tokens[is_known]
        tokens[~is_known] = self.oov_char
        return keys + tokens


def check_ngram_range(ngram_range: Any, name: str = "ngram_range") -> None:
    """Check a parameter that is such a range."""
    is_pair = isinstance(ngram_range, tuple) and len(ngram_range) == 2
    are_integers = is_pair and all(isinstance(n, Integral) for n in ngram_range)
    if not (are_integers and 1 <= ngram_range[0] <= ngram_range[1] <= _MAX_N):
        raise ValueError(
            f"{name} must be a tuple of two integers (min_n, max_n) with 1 <= min_n <= max_n "
            f"<= {_MAX_N}, got {ngram_range!r}."
        )


def _n_samples_of(limit: Any, n_samples: int) -> Any:
    """Return the limit in reviews; as a product of floats, 0.07 * 100 is 7.000000000000001."""
    if isinstance(limit, Integral):
        return limit
    nearest = round(limit * n_samples)
    return nearest if isclose(limit * n_samples, nearest, rel_tol=1e-12) else limit * n_samples


def _as_given(limit: Any) -> tuple[bool, float]:
    """Distinguish 1, one review, from 1.0, all reviews."""
    return isinstance(limit, Integral), limit
