"""Every work-around for scikit-learn, scikeras and Keras, with what retires it."""

from typing import Any

from scikeras.wrappers import KerasClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import ClassifierTags, Tags


class FixedKerasClassifier(KerasClassifier):  # type: ignore[misc]
    """`scikeras.wrappers.KerasClassifier` with scikit-learn's own estimator protocol.

    scikeras 0.13, the last release, was written for scikit-learn 1.5. Subclasses name every
    parameter in their constructor, and do without the parameters that scikeras routes.
    To be retired with scikeras itself.
    """

    # scikeras takes every instance attribute for a parameter, accepts any name in `set_params`,
    # and shows all attributes in `repr`.
    _get_param_names: Any = classmethod(BaseEstimator._get_param_names.__func__)
    set_params = BaseEstimator.set_params
    __repr__ = BaseEstimator.__repr__

    # scikeras scores with its own copy of `accuracy_score`, on targets it encodes itself.
    score = ClassifierMixin.score

    @property
    def current_epoch(self) -> int:
        """Number of epochs that the network has been trained for."""
        # scikeras expects a history after `initialize` too.
        return getattr(self, "n_iter_", 0)

    def __sklearn_tags__(self) -> Tags:
        # KerasClassifier has BaseEstimator before ClassifierMixin, whose tags are thus lost.
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags()
        tags.target_tags.required = True
        return tags
