"""Scale features by the log ratio of their frequencies in two classes."""

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils import ClassifierTags, Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    check_non_negative,
    check_X_y,
    validate_data,
)

_DTYPES = [np.float64, np.float32]

# NumPy and SciPy make 64-bit copies of 32-bit values and indices; blocks keep the copies small.
_ROWS_PER_BLOCK = 1024
_ENTRIES_PER_BLOCK = 2**18


class LogCountRatioScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Scale counts or multi-hot features by their log-count ratio between two classes.

    Feature :math:`j` is multiplied by

    .. math:: r_j = \log \frac{p_j / \lVert p \rVert_1}{q_j / \lVert q \rVert_1},

    where :math:`p_j` is `alpha` plus the sum of the feature over the positive samples, and
    :math:`q_j` the same over the negative ones [1]_. Features that are equally frequent in both
    classes are scaled to about 0, so a regularised classifier relies on those that differ.

    Parameters
    ----------
    alpha : float, default=1.0
        Smoothing parameter, added to the count of each feature in each class; must be positive.
        Larger values shrink the ratios towards 0, most of all those of rare features.
    copy : bool, default=True
        If False, :meth:`transform` scales X in place if it is a NumPy array or CSR matrix of
        float32 or float64.

    Attributes
    ----------
    feature_log_count_ratio_ : ndarray of shape (n_features,), dtype float64
        Factor of each feature. Positive if it is more frequent in the positive class.
    classes_ : ndarray of shape (2,)
        Sorted labels. The second is the positive class.
    n_features_in_ : int
        Number of features seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,), dtype object
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

    For more than two classes, put the scaler and the classifier into a pipeline within
    :class:`~sklearn.multiclass.OneVsRestClassifier`, so that each class has its own ratios.

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
            Labels with exactly two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights. Samples of weight 0 and their labels are ignored.

        Returns
        -------
        LogCountRatioScaler
            The fitted scaler.

        Raises
        ------
        ValueError
            If features or weights are negative, or y does not have exactly two classes with
            positive weight.
        """
        features, labels = check_X_y(X, y, accept_sparse="csr", dtype=_DTYPES, estimator=self)
        check_non_negative(features, f"X in {type(self).__name__}")
        check_classification_targets(labels)
        weight = _check_sample_weight(
            sample_weight, features, dtype=np.float64, ensure_non_negative=True
        )
        classes = np.unique(labels[weight > 0])
        if len(classes) != 2:
            raise ValueError(
                "y must have exactly two classes among the samples of positive weight; "
                f"got {len(classes)} class(es): {classes}."
            )
        class_weights = weight * (labels == classes[:, np.newaxis])
        counts = self.alpha + _weighted_sums(class_weights, features)
        # Unlike a quotient, a difference of logarithms cannot underflow.
        negative, positive = np.log(counts) - np.log(counts.sum(axis=1, keepdims=True))
        # Set attributes only after all checks, so that a failed fit changes nothing.
        validate_data(self, X, y, skip_check_array=True)
        self.classes_ = classes
        self.feature_log_count_ratio_ = positive - negative
        return self

    def transform(self, X: Any) -> Any:
        """Multiply each feature by its log-count ratio.

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
        check_is_fitted(self)
        X = validate_data(
            self,
            X,
            accept_sparse="csr",
            dtype=_DTYPES,
            ensure_non_negative=True,
            copy=self.copy,
            force_writeable=True,
            reset=False,
        )
        ratio = self.feature_log_count_ratio_.astype(X.dtype)
        if sp.issparse(X):
            for start in range(0, X.nnz, _ENTRIES_PER_BLOCK):
                block = slice(start, start + _ENTRIES_PER_BLOCK)
                X.data[block] *= ratio[X.indices[block]]
        else:
            X *= ratio
        return X

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.target_tags.required = True
        # Not a classifier, but only these tags can say that y must be binary.
        tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags


def _weighted_sums(weights: NDArray[np.float64], X: Any) -> NDArray[np.float64]:
    sums = np.zeros((len(weights), X.shape[1]))
    for start in range(0, X.shape[0], _ROWS_PER_BLOCK):
        block = slice(start, start + _ROWS_PER_BLOCK)
        sums += weights[:, block] @ X[block]
    return sums
