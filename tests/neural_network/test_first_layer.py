"""What single features do to a network's logits, against whole matrices and Keras' own gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from skimdb import DenseSentimentClassifier
from skimdb.neural_network import _first_layer
from skimdb.neural_network._first_layer import FirstLayer


@pytest.fixture(params=["relu, dropout", "sigmoid", "no hidden layer"])
def classifier(request, reviews):
    parameters = {
        "relu, dropout": {"units": [5, 3], "dropout": 0.4},
        "sigmoid": {"layers": 1, "activation": "sigmoid"},
        "no hidden layer": {"layers": 0},
    }
    fitted = DenseSentimentClassifier(
        epochs=3, learning_rate=0.02, random_state=0, **parameters[request.param]
    )
    return fitted.fit(*reviews)


@pytest.fixture(params=[1, 40, 2**22])
def block_size(request, monkeypatch):
    monkeypatch.setattr(_first_layer, "_SUMS_PER_BLOCK", request.param)


def entries_of(X):
    rows, columns = X.nonzero()
    return rows, columns, 0.5 * np.asarray(X[rows, columns], dtype=np.float64).ravel()


@pytest.mark.usefixtures("block_size")
def test_occlusion_is_the_fall_of_the_logit(classifier, more_reviews):
    X = more_reviews[0][:12]
    rows, columns, values = entries_of(X)
    occluded = X[rows].toarray()
    occluded[np.arange(len(rows)), columns] -= values
    expected = classifier.decision_function(X)[rows] - classifier.decision_function(occluded)
    assert np.abs(expected).max() > 1e-2
    for features in (X, X.toarray()):
        found = FirstLayer(classifier._state.network).occlude(features, rows, columns, values)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.usefixtures("block_size")
def test_gradient_is_that_of_keras(classifier, more_reviews):
    X = more_reviews[0][:12]
    rows, columns, values = entries_of(X)
    model = keras.models.clone_model(classifier.model_)
    model.set_weights(classifier.model_.get_weights())
    model.layers[-1].activation = keras.activations.linear
    with tf.GradientTape() as tape:
        x = tf.constant(X.toarray())
        tape.watch(x)
        logits = model(x, training=False)
    expected = tape.gradient(logits, x).numpy()[rows, columns] * values
    assert np.abs(expected).max() > 1e-2
    found = FirstLayer(classifier._state.network).gradient_times_input(X, rows, columns, values)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_no_features_give_no_contributions(classifier, more_reviews):
    nothing = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0)
    network = FirstLayer(classifier._state.network)
    assert network.occlude(more_reviews[0], *nothing).shape == (0,)
    assert network.gradient_times_input(more_reviews[0], *nothing).shape == (0,)
