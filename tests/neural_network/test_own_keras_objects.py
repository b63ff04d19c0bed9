"""Activations and optimizers of the user's own: `fit` takes what can be copied and pickled."""

import contextlib
import copy
import pickle

import keras
import numpy as np
import pytest
from sklearn.base import clone

from skimdb import DenseSentimentClassifier

X = np.random.default_rng(0).random((40, 6)).astype(np.float32)
Y = np.arange(40) % 2


def double_relu(x):
    return 2 * keras.ops.relu(x)


class OwnSGD(keras.optimizers.SGD):
    pass


class OwnLayer(keras.layers.Layer):
    def call(self, x):
        return x


@keras.saving.register_keras_serializable("tests")
class RegisteredSGD(keras.optimizers.SGD):
    pass


@keras.saving.register_keras_serializable("tests")
class RegisteredLayer(keras.layers.Layer):
    def call(self, x):
        return 2 * x


class WithoutName(keras.optimizers.SGD):
    def __init__(self, learning_rate):
        super().__init__(learning_rate)


def classifier(**parameters):
    return DenseSentimentClassifier(2, 1, epochs=1, random_state=0, **parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"activation": double_relu, "optimizer": OwnSGD},
        {"activation": RegisteredLayer(), "optimizer": RegisteredSGD(0.5)},
    ],
    ids=["function and class", "instances"],
)
def test_copies_of_what_fit_takes(parameters):
    fitted = classifier(**parameters).fit(X, Y)
    expected = fitted.predict_proba(X)
    for copied in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted)), clone(fitted)):
        if not copied.__sklearn_is_fitted__():
            copied.fit(X, Y)
        np.testing.assert_allclose(copied.predict_proba(X), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("parameter", "value"), [("optimizer", OwnSGD(0.5)), ("activation", OwnLayer())]
)
def test_what_keras_cannot_copy_is_refused(parameter, value):
    with contextlib.suppress(TypeError, ValueError):
        if type(copy.deepcopy(value)) is type(value):
            pytest.skip("this version of Keras copies it")
    message = rf"{parameter} is an object of the class {type(value).__name__}.*register_keras"
    with pytest.raises(ValueError, match=message):
        classifier(**{parameter: value}).fit(X, Y)


def test_optimizer_class_without_the_usual_arguments():
    with pytest.raises(TypeError, match=r"optimizer=WithoutName must be.*learning_rate and name"):
        classifier(optimizer=WithoutName).fit(X, Y)
