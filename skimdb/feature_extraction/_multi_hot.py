"""Multi-hot features: which words a review contains."""

from collections import Counter
from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags, check_array
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from skimdb.feature_extraction._sequences import (
    MAX_INDEX,
    FlatSequences,
    IntArray,
    flatten_sequences,
)

# Keras' convention: what the first indices mean, and how far words are shifted by them.
_MARKERS = ("<pad>", "<start>", "<oov>", "<unused>")
_INDEX_FROM = len(_MARKERS) - 1

# A block of 32-bit keys is sorted within the second-level cache.
_TOKENS_PER_BLOCK = 2**16
_MAX_KEY = int(np.iinfo(np.uint32).max)


class MultiHotVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn sequences of word indices into multi-hot features.

    Feature `j` of a review is 1 if the review contains the word index `j`, else 0. Where all
    indices are below `num_words`, the result equals that of the loop ::

        results = np.zeros((len(sequences), num_words))
        for i, sequence in enumerate(sequences):
            results[i, sequence] = 1.0

    Parameters
    ----------
    num_words : int or None, default=10_000
        The number of features. Indices below it are kept, the others become `oov_char`. None
        learns it in :meth:`fit`, as one more than the largest index (and than `oov_char`).
    skip_top : int, default=0
        Indices below it become `oov_char` too. As in Keras' ``load_data``, an index `w` is kept
        if ``skip_top <= w < num_words``, whether it stands for a word or for a marker.
    oov_char : int or None, default=2
        The index that stands for every index outside of these limits. It must be below
        `num_words`, is itself exempt from `skip_top`, and must differ from `pad_char`. None
        drops such indices instead.
    pad_char : int or None, default=None
        An index to be left out, such as the 0 with which a 2-D array is filled up. It is taken
        out first, before `skip_top` and `num_words` apply, so it never becomes `oov_char`, and
        its feature is always 0. None leaves nothing out.
    sparse_output : bool, default=True
        Return a CSR matrix if True, else an array.
    dtype : dtype, default=numpy.float32
        The type of the output, any boolean, integer or floating type.
    word_index : dict of str to int, default=None
        The frequency rank of each word, counted from 1, as ``fetch_imdb_word_index`` returns it.
        It names the features, by Keras' convention: a word's index is its rank + 3, and the
        indices 0 to 3 are "<pad>", "<start>", "<oov>" and "<unused>". It changes nothing else.

    Attributes
    ----------
    num_words_ : int
        The number of features. Set by :meth:`fit`.

    See Also
    --------
    sklearn.preprocessing.MultiLabelBinarizer : The same for sets of labels of any kind.
    sklearn.feature_extraction.text.CountVectorizer : Features from raw text.

    Notes
    -----
    Unless `num_words` is None, the estimator is :term:`stateless` and needs no :meth:`fit`, which
    then only validates.

    Reviews may come as a list or tuple of lists, tuples, ranges or arrays, an object array of
    these, a 2-D array, a pandas or polars Series of lists, a pyarrow array (chunked or not) of
    lists, a ``tf.RaggedTensor`` of one ragged dimension, or any other sequence of these. polars
    Series are read through pyarrow. Indices must be integers or whole floating-point numbers
    within 0 and 2**31 - 1; anything else is refused with an error that names the row. Booleans
    and text are refused too.

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
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "num_words": [Interval(Integral, 1, MAX_INDEX + 1, closed="both"), None],
        "skip_top": [Interval(Integral, 0, None, closed="left")],
        "oov_char": [Interval(Integral, 0, None, closed="left"), None],
        "pad_char": [Interval(Integral, 0, None, closed="left"), None],
        "sparse_output": ["boolean"],
        "dtype": "no_validation",  # delegated to numpy
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
        word_index: dict[str, int] | None = None,
    ) -> None:
        self.num_words = num_words
        self.skip_top = skip_top
        self.oov_char = oov_char
        self.pad_char = pad_char
        self.sparse_output = sparse_output
        self.dtype = dtype
        self.word_index = word_index

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Validate the parameters and the reviews; learn `num_words_` if `num_words` is None.

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
            If X does not hold sequences of word indices, or for parameters that do not fit.
        """
        self._check_parameters()
        self._learn(flatten_sequences(X))
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit to the reviews and return their features, reading them once.

        Parameters
        ----------
        X : sequence of n_samples sequences of int
            Word indices of each review.
        y : Ignored
            Present by convention.

        Returns
        -------
        {ndarray, CSR matrix} of shape (n_samples, num_words_)
            The features, as :meth:`transform` returns them.

        Raises
        ------
        TypeError, ValueError
            If X does not hold sequences of word indices, or for parameters that do not fit.
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
        {ndarray, CSR matrix} of shape (n_samples, num_words)
            1 where a review contains a word, else 0. A CSR matrix is in canonical format: sorted
            and without repeats.

        Raises
        ------
        TypeError, ValueError
            If X does not hold sequences of word indices; the message names the first such row.
        """
        check_is_fitted(self)
        self._validate_params()
        self._check_parameters()
        return self._encode(flatten_sequences(X))

    def inverse_transform(self, X: Any) -> NDArray[np.object_]:
        """Return the word indices of reviews from their features.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, num_words)
            Features; whatever is not 0 counts as 1.

        Returns
        -------
        ndarray of shape (n_samples,), dtype object
            For each review an array of its word indices, sorted and without repeats.

        Raises
        ------
        ValueError
            For another number of features.
        """
        check_is_fitted(self)
        X = check_array(X, accept_sparse="csr", dtype=None, ensure_min_samples=0)
        if X.shape[1] != self._width:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__} makes {self._width}."
            )
        X = sp.csr_array(X, copy=True)
        X.sum_duplicates()
        X.eliminate_zeros()
        sequences = np.empty(X.shape[0], dtype=object)
        for i, (start, stop) in enumerate(zip(X.indptr[:-1], X.indptr[1:], strict=True)):
            sequences[i] = X.indices[start:stop]
        return sequences

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the features: words where `word_index` knows them.

        Parameters
        ----------
        input_features : Ignored
            Present by convention.

        Returns
        -------
        ndarray of shape (num_words,), dtype object
            The word, "<pad>", "<start>", "<oov>" or "<unused>", or else the likes of "index_17".

        Raises
        ------
        ValueError
            If `word_index` does not give every word a rank of its own, or if a word equals the
            name of another feature.
        """
        check_is_fitted(self)
        names = np.array([f"index_{index}" for index in range(self._width)], dtype=object)
        if self.word_index is not None:
            names[: len(_MARKERS)] = _MARKERS[: self._width]
            for word, index in _word_indices(self.word_index):
                if index < self._width:
                    names[index] = word
            name, count = Counter(names).most_common(1)[0]
            if count > 1:
                raise ValueError(
                    f"The word {name!r} of word_index is also the name of another feature. "
                    "Leave it out of word_index."
                )
        return names

    def __sklearn_is_fitted__(self) -> bool:
        return self.num_words is not None or hasattr(self, "num_words_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = self.num_words is None
        return tags

    @property
    def _width(self) -> int:
        return self.num_words_ if self.num_words is None else self.num_words

    def _check_parameters(self) -> None:
        """Check what the constraints of single parameters cannot say."""
        if np.dtype(self.dtype).kind not in "biuf":
            raise ValueError(
                f"dtype must be a boolean, integer or floating type, got {np.dtype(self.dtype)}."
            )
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
        if self.num_words is None:
            largest = int(np.max(sequences[0], initial=0))
            self.num_words_ = 1 + max(largest, self.oov_char or 0)
        else:
            self.num_words_ = self.num_words

    def _encode(self, sequences: FlatSequences) -> Any:
        encode = self._encode_sparse if self.sparse_output else self._encode_dense
        return encode(*sequences)

    def _encode_dense(self, flat: IntArray, offsets: NDArray[np.int64]) -> NDArray[Any]:
        features = np.zeros((len(offsets) - 1, self._width), dtype=self.dtype)
        for start, stop, keys in self._blocks(flat, offsets):
            features[start:stop].reshape(-1)[keys] = 1
        return features

    def _encode_sparse(self, flat: IntArray, offsets: NDArray[np.int64]) -> Any:
        n_samples, width = len(offsets) - 1, self._width
        indices = [np.empty(0, dtype=np.int32)]
        indptr = np.zeros(n_samples + 1, dtype=np.int64)
        for start, stop, keys in self._blocks(flat, offsets):
            unique = _sorted_unique(keys)
            row_ends = np.arange(1, stop - start + 1, dtype=np.uint32) * np.uint32(width)
            indptr[start + 1 : stop + 1] = indptr[start] + np.searchsorted(unique, row_ends)
            indices.append((unique % np.uint32(width)).astype(np.int32))
        csr = sp.csr_array if get_config().get("sparse_interface") == "sparray" else sp.csr_matrix
        data = np.ones(indptr[-1], dtype=self.dtype)
        features = csr((data, np.concatenate(indices), indptr), shape=(n_samples, width))
        features.has_canonical_format = True
        return features

    def _blocks(
        self, flat: IntArray, offsets: NDArray[np.int64]
    ) -> Iterator[tuple[int, int, NDArray[np.uint32]]]:
        """Yield blocks of rows, with ``(row - start) * width + index`` for each of their tokens."""
        width, n_samples = self._width, len(offsets) - 1
        start = 0
        while start < n_samples:
            block_end = np.searchsorted(offsets, offsets[start] + _TOKENS_PER_BLOCK, side="right")
            stop = max(start + 1, min(int(block_end) - 1, start + _MAX_KEY // width))
            row_starts = np.arange(stop - start, dtype=np.uint32) * np.uint32(width)
            keys = np.repeat(row_starts, np.diff(offsets[start : stop + 1]))
            tokens = flat[offsets[start] : offsets[stop]].astype(np.uint32)
            yield start, stop, self._add_indices(keys, tokens)
            start = stop

    def _add_indices(
        self, keys: NDArray[np.uint32], tokens: NDArray[np.uint32]
    ) -> NDArray[np.uint32]:
        """Add to the key of each token's row the index that the token counts as."""
        if self.pad_char is not None:
            is_word = tokens != self.pad_char
            keys, tokens = keys[is_word], tokens[is_word]
        is_known = (tokens >= self.skip_top) & (tokens < self._width)
        if self.oov_char is None:
            return keys[is_known] + tokens[is_known]
        tokens[~is_known] = self.oov_char
        return keys + tokens


def _sorted_unique(keys: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Sort keys in place and return each once, in a tenth of the time of np.unique."""
    keys.sort()
    is_first = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    return keys.compress(is_first)  # a third of the time of keys[is_first]


def _word_indices(word_index: Mapping[Any, Any]) -> Iterator[tuple[str, int]]:
    """Yield the words and their indices, each checked."""
    for word, rank in word_index.items():
        if not (isinstance(word, str) and isinstance(rank, Integral) and int(rank) >= 1):
            raise ValueError(
                "word_index must map words to ranks, which are integers from 1 on, "
                f"got {word!r}: {rank!r}."
            )
        yield word, int(rank) + _INDEX_FROM
    if len(set(word_index.values())) < len(word_index):
        rank, count = Counter(word_index.values()).most_common(1)[0]
        raise ValueError(f"word_index gives {count} words the same rank, {rank}.")
