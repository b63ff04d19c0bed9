"""Scale features by the log ratio of their frequencies in the classes."""

from numbers import Real
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils import Tags, check_array, column_or_1d
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    check_non_negative,
    validate_data,
)

from skimdb.utils._naming import naming
from skimdb.utils._quick_checks import check_features

FloatArray: TypeAlias = NDArray[np.float64]

_DTYPES = [np.float64, np.float32]

# NumPy and SciPy make 64-bit copies of 32-bit values and indices; blocks keep the copies small.
_ROWS_PER_BLOCK = 1024
_ENTRIES_PER_BLOCK = 2**18


class LogCountRatioScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Scale counts or multi-hot features by their log-count ratios between classes.

    For two classes, feature :math:`j` is multiplied by

    .. math:: r_j = \log \frac{p_j / \lVert p \rVert_1}{q_j / \lVert q \rVert_1},

    where :math:`p_j` is `alpha` plus the sum of the feature over the positive samples, and
    :math:`q_j` the same over the negative ones [1]_. Features that are equally frequent in both
    classes are scaled to about 0, so a regularised classifier relies on those that differ.

    For more classes, there is a ratio :math:`r_{cj}` of each class :math:`c` to the rest, and the
    feature is multiplied by their root mean square :math:`\sqrt{\sum_c r_{cj}^2 / n_{classes}}`.

    Parameters
    ----------
    alpha : float, default=1.0
        Smoothing parameter, added to the count of each feature in each class or rest; must be
        positive. Larger values shrink the ratios towards 0, most of all those of rare features.
    copy : bool, default=True
        If False, :meth:`transform` scales X in place if it is a NumPy array or CSR matrix of
        float32 or float64.

    Attributes
    ----------
    feature_log_count_ratio_ : ndarray of shape (n_features,) or (n_classes, n_features)
        Ratio of each feature for two classes, positive if it is more frequent in the second
        class. For more classes, a row of ratios for each of them against the rest. The dtype is
        float64.
    scale_ : ndarray of shape (n_features,), dtype float64
        Factor of each feature: the ratio for two classes, else the root mean square of the
        ratios. Made of `feature_log_count_ratio_` each time.
    classes_ : ndarray of shape (n_classes,)
        Sorted labels. Of two, the second is the positive class.
    n_features_in_ : int
        Number of features seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,), dtype object
        Names of features seen in :meth:`fit`, if all are strings.

    See Also
    --------
    MultiHotVectorizer : Multi-hot features from sequences of word indices.
    sklearn.naive_bayes.MultinomialNB : Its log probabilities differ by these ratios.
    sklearn.feature_extraction.text.TfidfTransformer : Scaling that ignores the classes.

    Notes
    -----
    Wang and Manning's NBSVM [1]_ applies this scaling to multi-hot features and fits a linear
    support vector machine. It then interpolates the coefficients `w` with their mean magnitude,
    ``(1 - beta) * abs(w).mean() + beta * w``. This scaler followed by ``LinearSVC`` is NBSVM
    with ``beta=1``, which means no interpolation. Use ``LogisticRegression`` for its logistic form,
    or ``DenseSentimentClassifier`` for a neural one, whose first layer learns faster from
    features with large ratios.

    Wang and Manning's own way with more than two classes is one classifier for each, with ratios
    of its own: put the scaler and the classifier into a pipeline within
    :class:`~sklearn.multiclass.OneVsRestClassifier`. The root mean square needs only one
    classifier; signs are lost, which a classifier that learns weights does not need.

    Unless ``copy=False``, a sparse result shares no memory with `X`, not even the indices, so
    in-place methods such as ``sort_indices`` affect only one of them.

    References
    ----------
    .. [1] S. Wang and C. D. Manning, `"Baselines and Bigrams: Simple, Good Sentiment and Topic
       Classification" <https://aclanthology.org/P12-2018/>`_, ACL 2012.

    Examples
    --------
    >>> from skimdb.feature_extraction import LogCountRatioScaler
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> reviews = ["a good film", "good fun in a film", "a bad film", "the film is bad"]
    >>> y = ["positive", "positive", "negative", "negative"]
    >>> vectorizer = CountVectorizer(binary=True)
    >>> X = vectorizer.fit_transform(reviews)
    >>> scaler = LogCountRatioScaler().fit(X, y)
    >>> for word, ratio in zip(vectorizer.get_feature_names_out(), scaler.feature_log_count_ratio_):
    ...     print(f"{word:5}{ratio:5.2f}")
    bad  -1.10
    film  0.00
    fun   0.69
    good  1.10
    in    0.69
    is   -0.69
    the  -0.69
    >>> scaler.transform(X[:1]).toarray().round(2)
    array([[0. , 0. , 0. , 1.1, 0. , 0. , 0. ]])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "copy": ["boolean"],
    }

    def __init__(self, alpha: float = 1.0, *, copy: bool = True) -> None:
        self.alpha = alpha
        self.copy = copy

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn the log-count ratios.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts, multi-hot or other non-negative features.
        y : array-like of shape (n_samples,)
            Labels of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights. Samples of weight 0 and their labels are ignored.

        Returns
        -------
        LogCountRatioScaler
            The fitted scaler.

        Raises
        ------
        ValueError
            If features or weights are negative, or y does not have at least two classes with
            positive weight, or if sums are infinite.
        """
        with naming("X"):
            features = check_array(
                X, accept_sparse="csr", dtype=_DTYPES, input_name="X", estimator=self
            )
            check_non_negative(features, f"X in {type(self).__name__}")
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        with naming("y"):
            y_array = check_array(y, ensure_2d=False, dtype=None, input_name="y")
            labels = column_or_1d(y_array, warn=True)
            check_classification_targets(labels)
        if len(labels) != features.shape[0]:
            raise ValueError(
                f"y must have a label for each of the {features.shape[0]} samples of X; "
                f"got {len(labels)}."
            )
        with naming("sample_weight"):
            weight = _check_sample_weight(
                sample_weight, features, dtype=np.float64, ensure_non_negative=True
            )
        classes = np.unique(labels[weight > 0])
        if len(classes) < 2:
            raise ValueError(
                "y must have at least two classes among the samples of positive sample_weight; "
                f"got {len(classes)} class(es): {classes}."
            )
        class_weights = weight * (labels == classes[:, np.newaxis])
        with np.errstate(over="ignore", invalid="ignore"):
            sums = weighted_sums(class_weights, features)
            ratio = log_count_ratio(sums, self.alpha)
        if not np.isfinite(ratio).all():
            raise ValueError("The sums of X, sample_weight and alpha must be finite in float64.")
        # Set attributes only after all checks, so that a failed fit changes nothing.
        validate_data(self, X, y, skip_check_array=True)
        self.classes_ = classes
        self.feature_log_count_ratio_ = ratio
        return self

    def transform(self, X: Any) -> Any:
        """Multiply each feature by its factor.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Counts, multi-hot or other non-negative features.

        Returns
        -------
        {ndarray, CSR matrix} of shape (n_samples, n_features)
            Scaled features, sparse if `X` is. float32 is kept, other types become float64.

        Raises
        ------
        ValueError
            If features are negative, or their number differs from that in :meth:`fit`.
        """
        if not hasattr(self, "feature_log_count_ratio_"):
            check_is_fitted(self)
        X = check_features(self, X, _DTYPES, non_negative=True, copy=self.copy, writeable=True)
        if not sp.issparse(X):
            X *= self._scale(slice(None), X.dtype)
        elif X.nnz < X.shape[1]:
            X.data[: X.nnz] *= self._scale(X.indices[: X.nnz], X.dtype)
        else:
            scale = self._scale(slice(None), X.dtype)
            for start in range(0, X.nnz, _ENTRIES_PER_BLOCK):
                block = slice(start, start + _ENTRIES_PER_BLOCK)
                X.data[block] *= scale[X.indices[block]]
        return X

    @property
    def scale_(self) -> FloatArray:
        """Factor of each feature."""
        return self._scale(slice(None), np.float64)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _scale(self, columns: Any, dtype: DTypeLike) -> NDArray[Any]:
        """Return the factors of some columns."""
        return factors(self.feature_log_count_ratio_[..., columns]).astype(dtype)


def log_count_ratio(sums: FloatArray, alpha: float) -> FloatArray:
    """Return the log-count ratios of features from their sums in each class.

    `sums` has shape (n_classes, n_features), and so has the result, but for two classes, where it
    has shape (n_features,).
    """
    if len(sums) == 2:
        rest, sums = sums
    else:
        rest = _sums_of_others(sums)
    # Unlike a quotient, a difference of logarithms cannot underflow.
    return _log_frequencies(alpha + sums) - _log_frequencies(alpha + rest)


def factors(ratio: FloatArray) -> FloatArray:
    """Return one factor per feature from the ratios that `log_count_ratio` returns."""
    return ratio if ratio.ndim == 1 else np.sqrt(np.mean(np.square(ratio), axis=0))


def weighted_sums(weights: FloatArray, X: Any) -> FloatArray:
    sums = np.zeros((len(weights), X.shape[1]))
    for start in range(0, X.shape[0], _ROWS_PER_BLOCK):
        block = slice(start, start + _ROWS_PER_BLOCK)
        rows: Any = X[block]
        columns: Any = slice(None)
        if sp.issparse(rows) and rows.nnz < X.shape[1]:  # add up few of the features
            columns, present = np.unique(rows.indices, return_inverse=True)
            shape = (rows.shape[0], len(columns))
            rows = type(rows)((rows.data, present, rows.indptr), shape=shape)
        sums[:, columns] += weights[:, block] @ rows
    return sums


def _sums_of_others(sums: FloatArray) -> FloatArray:
    """Return the sum of all other rows for each row, without differences, which may cancel."""
    others = np.zeros_like(sums)
    others[1:] += np.cumsum(sums[:-1], axis=0)
    others[:-1] += np.cumsum(sums[:0:-1], axis=0)[::-1]
    return others


def _log_frequencies(counts: FloatArray) -> FloatArray:
    return np.asarray(np.log(counts) - np.log(counts.sum(axis=-1, keepdims=True)))
