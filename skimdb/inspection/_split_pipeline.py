"""A pipeline, split into its vectorizer, its scaling steps and its classifier."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skimdb.utils._log_odds import IntArray, log_odds_of_logits
from skimdb.utils._pipelines import flat_steps

FloatArray: TypeAlias = NDArray[np.float64]
_MAX_CLASSES = 10

Matrix: TypeAlias = Any  # an ndarray, or a sparse matrix or array of scipy, which has no types


@dataclass(frozen=True)
class SplitPipeline:
    """A fitted pipeline that ends in a classifier."""

    vectorizing: list[Any]  # up to the first step that returns a matrix of named features
    scaling: list[Any]  # between that step and the classifier
    classifier: Any

    def vectorize(self, X: Any) -> Matrix:
        """Return the features of reviews, of shape (n_reviews, n_features)."""
        return _transform(self.vectorizing, X)

    def scale(self, features: Matrix) -> Matrix:
        """Return the features as the classifier gets them."""
        # A copy, because a step may work in place.
        return _transform(self.scaling, features.copy()) if self.scaling else features

    def feature_names(self) -> NDArray[np.object_]:
        """Return the names of the features that `vectorize` returns."""
        names: Any = None
        for step in self.vectorizing:
            if hasattr(step, "get_feature_names_out"):
                names = step.get_feature_names_out(names)
        # CountVectorizer returns its tokens, which need not be strings.
        return np.array([str(name) for name in names], dtype=object)

    def keeps_features(self, names: NDArray[np.object_]) -> bool:
        """Return whether `scale` is known to keep each of these features in its column."""
        names_out = names
        for step in self.scaling:
            if not hasattr(step, "get_feature_names_out"):
                return False
            names_out = step.get_feature_names_out(names_out)
        return np.array_equal(names_out, names)

    def predict(self, features: Matrix) -> NDArray[Any]:
        """Return the predicted labels, of shape (n_reviews,)."""
        return np.asarray(self.classifier.predict(self.scale(features)))

    def targets(self, features: Matrix, target: Any) -> IntArray:
        """Return the positions in `classes_` of the classes to explain, of shape (n_reviews,).

        If `target` is None, these are the second of two classes, or the predicted class of each
        review.
        """
        classes = self.classifier.classes_
        if target is None and len(classes) == 2:
            return np.ones(features.shape[0], dtype=np.intp)
        if target is None:
            return np.searchsorted(classes, self.predict(features))
        # A label of another type equals none of them.
        found = [i for i, label in enumerate(classes.tolist()) if label == target]
        if len(found) != 1:
            shown = ", ".join(map(repr, classes.tolist()[:_MAX_CLASSES]))
            more = ", ..." if len(classes) > _MAX_CLASSES else ""
            raise ValueError(f"target must be one of the classes {shown}{more}, got {target!r}.")
        return np.full(features.shape[0], found[0])

    def probability(self, features: Matrix, targets: IntArray) -> FloatArray | None:
        """Return the predicted probability of each review's target, if the classifier has any."""
        if not hasattr(self.classifier, "predict_proba"):
            return None
        probabilities = self.classifier.predict_proba(self.scale(features))
        return np.asarray(probabilities[np.arange(len(targets)), targets], dtype=np.float64)

    def log_odds(self, features: Matrix, targets: IntArray) -> FloatArray:
        """Return the log-odds of each review's target, of shape (n_reviews,).

        Of two classes, these are the decision function, if there is one. Otherwise they come from
        the predicted probabilities; for naive Bayes from the joint ones, which do not saturate.
        """
        X, classifier = self.scale(features), self.classifier
        rows = np.arange(len(targets))
        is_binary = len(classifier.classes_) == 2
        if hasattr(classifier, "decision_function") and (
            is_binary or not hasattr(classifier, "predict_proba")
        ):
            if not is_binary and getattr(classifier, "decision_function_shape", "ovr") != "ovr":
                raise ValueError(
                    f"{type(classifier).__name__} must have a decision for each class: set "
                    "decision_function_shape='ovr'."
                )
            values = np.asarray(classifier.decision_function(X), dtype=np.float64)
            return np.where(targets == 1, values, -values) if is_binary else values[rows, targets]
        if hasattr(classifier, "predict_joint_log_proba"):
            return log_odds_of_logits(classifier.predict_joint_log_proba(X), targets)
        probabilities = classifier.predict_proba(X)
        chosen, others = probabilities[rows, targets], probabilities.copy()
        others[rows, targets] = 0
        eps = np.finfo(probabilities.dtype).eps
        return _log(chosen, eps) - _log(others.sum(axis=1), eps)


def _log(probabilities: NDArray[Any], eps: float) -> FloatArray:
    return np.log(np.where(probabilities > 0, probabilities, eps), dtype=np.float64)


def split_pipeline(pipeline: Pipeline, X: Any) -> tuple[SplitPipeline, Matrix]:
    """Return the pipeline, split after its vectorizer, and the features of `X`."""
    *transformers, classifier = _checked_steps(pipeline)
    features, advice = X, ""
    for n_steps, step in enumerate(transformers, start=1):
        features = step.transform(features)
        if _is_matrix(features) and hasattr(step, "get_feature_names_out"):
            split = SplitPipeline(transformers[:n_steps], transformers[n_steps:], classifier)
            return split, features
        if hasattr(type(features), "columns"):
            advice = (
                f" {type(step).__name__} returns a data frame: call "
                "set_output(transform='default') and fit the pipeline again."
            )
    raise ValueError(
        "pipeline must have a vectorizer, such as MultiHotVectorizer, that returns an array or a "
        "sparse matrix and has get_feature_names_out; its steps before the classifier are "
        f"{[type(step).__name__ for step in transformers]}.{advice}"
    )


def _checked_steps(pipeline: Pipeline) -> list[Any]:
    if not isinstance(pipeline, Pipeline):
        raise TypeError(
            "pipeline must be a scikit-learn Pipeline that ends in a classifier, "
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
    return steps


def _is_matrix(X: Any) -> bool:
    return sp.issparse(X) or (isinstance(X, np.ndarray) and X.ndim == 2)


def _transform(transformers: list[Any], X: Any) -> Any:
    for transformer in transformers:
        X = transformer.transform(X)
    return X
