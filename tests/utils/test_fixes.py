"""Subclasses of FixedKerasClassifier follow scikit-learn's estimator protocol."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import StratifiedKFold, check_cv
from sklearn.utils import get_tags

from skimdb.utils._fixes import FixedKerasClassifier


class Constant(FixedKerasClassifier):
    """Always predicts the same label."""

    def __init__(self, label=1, *, verbose=0):
        self.label = label
        self.verbose = verbose

    def predict(self, X):
        return np.full(len(X), self.label)


def test_parameters_are_those_of_the_constructor():
    estimator = Constant(3)
    estimator.fitted_ = True
    estimator.something = 1
    assert estimator.get_params() == {"label": 3, "verbose": 0}
    assert sorted(vars(clone(estimator))) == ["label", "verbose"]


@pytest.mark.parametrize("name", ["labels", "fit__epochs", "optimizer__learning_rate"])
def test_unknown_parameters_are_refused(name):
    with pytest.raises(ValueError, match="Invalid parameter"):
        Constant().set_params(**{name: 1})


def test_set_params_sets():
    assert Constant().set_params(label=4).label == 4


def test_repr_shows_what_differs_from_the_default():
    assert repr(Constant(2)) == "Constant(label=2)"


def test_it_is_a_classifier():
    assert is_classifier(Constant())
    assert not is_regressor(Constant())
    tags = get_tags(Constant())
    assert tags.estimator_type == "classifier"
    assert tags.classifier_tags is not None
    assert tags.classifier_tags.multi_class
    assert tags.target_tags.required


def test_integer_cv_is_stratified():
    assert isinstance(check_cv(3, [0, 1], classifier=is_classifier(Constant())), StratifiedKFold)


def test_score_is_the_weighted_accuracy():
    estimator = Constant("a")
    assert estimator.score([[0], [0], [0], [0]], ["a", "b", "a", "a"]) == 0.75
    assert estimator.score([[0], [0]], ["a", "b"], sample_weight=[1, 3]) == 0.25
