"""A pipeline as what makes features of reviews, what reshapes them, and the classifier."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skimdb.utils._pipelines import flat_steps

FloatArray: TypeAlias = NDArray[np.float64]
Matrix: TypeAlias = Any  # an ndarray, or a sparse matrix or array of scipy, which has no types


@dataclass(frozen=True)
class SplitPipeline:
    """A fitted pipeline that ends in a classifier of two classes.

    Attributes
    ----------
    vectorizing : list of transformer
        The steps up to the first that makes a matrix of named features.
    scaling : list of transformer
        The steps between that one and the classifier.
    classifier : classifier
    """

    vectorizing: list[Any]
    scaling: list[Any]
    classifier: Any

    def vectorize(self, X: Any) -> Matrix:
        """Return the features of reviews, {ndarray, sparse matrix} of shape (n, n_features)."""
        return _transform(self.vectorizing, X)

    def scale(self, features: Matrix) -> Matrix:
        """Return what the classifier is given for some features."""
        # A copy, since a step may be told to work in place.
        return _transform(self.scaling, features.copy()) if self.scaling else features

    def feature_names(self) -> NDArray[np.object_]:
        """Return the names of the features that `vectorize` makes."""
        names: Any = None
        for step in self.vectorizing:
            if hasattr(step, "get_feature_names_out"):
                names = step.get_feature_names_out(names)
        # The names that CountVectorizer gives are its tokens, which need not be strings.
        return np.array([str(name) for name in names], dtype=object)

    def keeps_features(self, names: NDArray[np.object_]) -> bool:
        """Tell whether `scale` is known to leave each feature, so named, in its place."""
        names_out = names
        for step in self.scaling:
            if not hasattr(step, "get_feature_names_out"):
                return False
            names_out = step.get_feature_names_out(names_out)
        return np.array_equal(names_out, names)

    def predict(self, features: Matrix) -> NDArray[Any]:
        """Return the labels that the classifier predicts, ndarray of shape (n,)."""
        return np.asarray(self.classifier.predict(self.scale(features)))

    def probability(self, features: Matrix) -> FloatArray | None:
        """Return the classifier's own probability of the second class, if it has any."""
        if not hasattr(self.classifier, "predict_proba"):
            return None
        probabilities = self.classifier.predict_proba(self.scale(features))
        return np.asarray(probabilities[:, 1], dtype=np.float64)

    def log_odds(self, features: Matrix) -> FloatArray:
        """Return the log-odds of the second class, ndarray of shape (n,).

        That is the classifier's decision function, if it has one. Else it comes from the
        probabilities, for naive Bayes from those before normalisation, which do not saturate.
        """
        X = self.scale(features)
        if hasattr(self.classifier, "decision_function"):
            return np.asarray(self.classifier.decision_function(X), dtype=np.float64)
        if hasattr(self.classifier, "predict_joint_log_proba"):
            log_joint = self.classifier.predict_joint_log_proba(X)
            return np.asarray(log_joint[:, 1] - log_joint[:, 0], dtype=np.float64)
        probability = self.classifier.predict_proba(X)[:, 1]
        eps = np.finfo(probability.dtype).eps
        return np.asarray(logit(np.clip(probability, eps, 1 - eps)), dtype=np.float64)


def split_pipeline(pipeline: Pipeline, X: Any) -> tuple[SplitPipeline, Matrix]:
    """Find the step that makes features, and return the features of `X` with the split pipeline.

    Raises
    ------
    TypeError
        If `pipeline` is not a pipeline that ends in a classifier with decision values or
        probabilities.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If no step makes a matrix of named features, or if there are more than two classes.
    """
    *transformers, classifier = _checked_steps(pipeline)
    features, advice = X, ""
    for n_steps, step in enumerate(transformers, start=1):
        features = step.transform(features)
        if _is_matrix(features) and hasattr(step, "get_feature_names_out"):
            split = SplitPipeline(transformers[:n_steps], transformers[n_steps:], classifier)
            return split, features
        if hasattr(type(features), "columns"):
            advice = (
                f" {type(step).__name__} returns a data frame: fit the pipeline after its "
                "set_output(transform='default')."
            )
    raise ValueError(
        "pipeline must have a step that turns reviews into an array or a sparse matrix of named "
        "features, as MultiHotVectorizer does; its steps before the classifier are "
        f"{[type(step).__name__ for step in transformers]}.{advice}"
    )


def _checked_steps(pipeline: Pipeline) -> list[Any]:
    if not isinstance(pipeline, Pipeline):
        raise TypeError(
            "pipeline must be a scikit-learn Pipeline from reviews to a classifier, "
            f"got {type(pipeline).__name__}."
        )
    check_is_fitted(pipeline)
    steps = list(flat_steps(pipeline))
    classifier = steps[-1]
    if not is_classifier(classifier) or not (
        hasattr(classifier, "decision_function") or hasattr(classifier, "predict_proba")
    ):
        raise TypeError(
            "pipeline must end in a classifier with decision_function or predict_proba, "
            f"got {type(classifier).__name__}."
        )
    if len(classifier.classes_) != 2:
        raise ValueError(
            "pipeline must tell two classes apart, since contributions are to the log-odds of one "
            f"against the other; its classifier knows {len(classifier.classes_)}."
        )
    return steps


def _is_matrix(X: Any) -> bool:
    return sp.issparse(X) or (isinstance(X, np.ndarray) and X.ndim == 2)


def _transform(transformers: list[Any], X: Any) -> Any:
    for transformer in transformers:
        X = transformer.transform(X)
    return X
