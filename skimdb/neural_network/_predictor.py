"""Predictions of a fitted network, without Keras and TensorFlow."""

from typing import Any, NoReturn, Self

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags

from skimdb.neural_network._logit_classifier import LogitClassifier, with_sorted_rows
from skimdb.neural_network.arrays import ArrayNetwork, FloatArray, predict_logits
from skimdb.utils._quick_checks import check_features, check_fitted


class DenseSentimentPredictor(LogitClassifier, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The predictions of a fitted `DenseSentimentClassifier`, without Keras and TensorFlow.

    It is made by `DenseSentimentClassifier.to_predictor` or :func:`skimdb.load_predictor`, and
    holds the weights alone. It cannot be trained: :func:`skimdb.load` returns the whole estimator
    that a file holds.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the classifier was fitted on names that are all strings.

    See Also
    --------
    DenseSentimentClassifier : The estimator that is trained.

    Notes
    -----
    :func:`sklearn.base.clone` returns the predictor itself, as for
    :class:`sklearn.frozen.FrozenEstimator`.

    Examples
    --------
    >>> from skimdb import DenseSentimentClassifier, MultiHotVectorizer
    >>> from skimdb.datasets import make_reviews
    >>> sequences, y = make_reviews(500, random_state=0)
    >>> X = MultiHotVectorizer().transform(sequences)
    >>> classifier = DenseSentimentClassifier(random_state=0).fit(X, y)
    >>> predictor = classifier.to_predictor()
    >>> predictor
    DenseSentimentPredictor()
    >>> bool((predictor.predict_proba(X) == classifier.predict_proba(X)).all())
    True
    """

    n_features_in_: int
    _network: ArrayNetwork

    def fit(self, X: Any, y: Any = None, **parameters: Any) -> NoReturn:
        """Raise a TypeError: a predictor cannot be trained."""
        raise TypeError(
            f"A {type(self).__name__} cannot be trained. skimdb.load returns the "
            "DenseSentimentClassifier that a file holds."
        )

    partial_fit = fit

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_network")

    def __sklearn_clone__(self) -> Self:
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def _array_network(self) -> ArrayNetwork:
        return self._network

    def _logits(self, X: Any) -> FloatArray:
        check_fitted(self)
        X = check_features(self, X, [self._network.dtype])
        return predict_logits(self._network, None, with_sorted_rows(X))


def make_predictor(
    network: ArrayNetwork, classes: Any, feature_names: Any = None
) -> DenseSentimentPredictor:
    """Return the predictor of a network for sorted labels.

    Raises
    ------
    ValueError
        If Keras alone computes the network's activation.
    """
    if not network.has_known_activation:
        raise ValueError(
            f"a network whose activation is {network.architecture.activation!r} is computed by "
            "Keras alone; skimdb.load returns the DenseSentimentClassifier that a file holds"
        )
    predictor = DenseSentimentPredictor()
    predictor._network = network
    predictor.classes_ = classes
    predictor.n_features_in_ = network.architecture.n_features
    if feature_names is not None:
        predictor.feature_names_in_ = feature_names
    return predictor
