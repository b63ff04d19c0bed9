"""Predictions from logits."""

from abc import abstractmethod
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax, softmax

from skimdb.neural_network.arrays import ArrayNetwork, FloatArray


def with_sorted_rows(X: Any) -> Any:
    """Return features, if sparse with sorted rows: the order would change the last bits of sums."""
    if sp.issparse(X) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


class LogitClassifier:
    """Base class of classifiers that have one logit for two classes, or one for each class."""

    classes_: NDArray[Any]

    @property
    @abstractmethod
    def _array_network(self) -> ArrayNetwork | None:
        """The network with all rows up to date, or None if Keras alone computes it."""

    @abstractmethod
    def _logits(self, X: Any) -> FloatArray:
        """Check the features and return logits of shape (n_samples, n_outputs)."""

    def _usable_logits(self, X: Any) -> FloatArray:
        with np.errstate(all="ignore"):
            logits = self._logits(X)
        # One infinite logit is certainty; of several, softmax would make NaN.
        is_unusable = np.isnan(logits) if logits.shape[1] == 1 else ~(logits < np.inf)
        if is_unusable.any():
            raise ValueError(
                f"X or the weights of the network are too large for {logits.dtype}: results are "
                "infinite or NaN. Scale the features, and fit with a lower learning_rate."
            )
        return logits

    def decision_function(self, X: Any) -> FloatArray:
        """Return the log-odds of the second class, or the logits of all classes if more than two.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Values of the output layer before sigmoid or softmax.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            For another number of features than in `fit`, or values that are not finite or too
            large.
        """
        logits = self._usable_logits(X)
        return logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            For another number of features than in `fit`, or values that are not finite or too
            large.
        """
        logits = self._usable_logits(X)
        if len(self.classes_) > 2:
            return np.asarray(softmax(logits, axis=1))
        return np.column_stack([expit(-logits[:, 0]), expit(logits[:, 0])])

    def predict_log_proba(self, X: Any) -> FloatArray:
        """Return the logarithm of the probability of each class.

        It is finite where a probability is too small for its type.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            For another number of features than in `fit`, or values that are not finite or too
            large.
        """
        logits = self._usable_logits(X)
        if len(self.classes_) > 2:
            return np.asarray(log_softmax(logits, axis=1))
        return np.column_stack([log_expit(-logits[:, 0]), log_expit(logits[:, 0])])

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels out of `classes_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            For another number of features than in `fit`, or values that are not finite or too
            large.
        """
        logits = self._usable_logits(X)
        indices = (
            logits.argmax(axis=1) if len(self.classes_) > 2 else (logits[:, 0] > 0).astype(int)
        )
        return np.asarray(self.classes_[indices])
