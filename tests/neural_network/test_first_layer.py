"""What single features do to a network's logits, against whole matrices and Keras' own gradient."""

import tracemalloc

import keras
import numpy as np
import pytest
import tensorflow as tf

from skimdb import DenseSentimentClassifier
from skimdb.neural_network._first_layer import FirstLayer
from tests.neural_network.common import make_multi_hot

NETWORKS = {
    "relu, dropout": {"units": [5, 3], "dropout": 0.4},
    "sigmoid": {"layers": 1, "activation": "sigmoid"},
    "no hidden layer": {"layers": 0},
}


@pytest.fixture(scope="module", params=NETWORKS)
def classifier(request):
    fitted = DenseSentimentClassifier(
        epochs=3, learning_rate=0.02, random_state=0, **NETWORKS[request.param]
    )
    return fitted.fit(*make_multi_hot(150, 30))


def entries_of(X):
    rows, columns = X.nonzero()
    return rows, columns, 0.5 * np.asarray(X[rows, columns], dtype=np.float64).ravel()


def test_occlusion_is_the_fall_of_the_logit(classifier, more_reviews):
    X = more_reviews[0][:20]
    rows, columns, values = entries_of(X)
    occluded = X[rows].toarray()
    occluded[np.arange(len(rows)), columns] -= values
    expected = classifier.decision_function(X)[rows] - classifier.decision_function(occluded)
    assert np.abs(expected).max() > 1e-2
    for features in (X, X.toarray()):
        found = FirstLayer(classifier._state.network).occlude(features, rows, columns, values)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_many_features_of_a_wide_network_take_little_memory(more_reviews):
    X = more_reviews[0]
    parameters = {"units": 2**16, "layers": 1, "epochs": 1, "batch_size": 60, "random_state": 0}
    network = DenseSentimentClassifier(**parameters).fit(*more_reviews)._state.network
    rows, columns, values = entries_of(X)
    tracemalloc.start()
    found = FirstLayer(network).occlude(X, rows, columns, values)
    products = FirstLayer(network).gradient_times_input(X, rows, columns, values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5e8  # all at once, more than 4e8
    for i in range(0, len(rows), 20):
        entry = X[rows[i]], [0], columns[[i]], values[[i]]
        np.testing.assert_allclose(found[i], FirstLayer(network).occlude(*entry)[0], atol=1e-5)
        np.testing.assert_allclose(
            products[i], FirstLayer(network).gradient_times_input(*entry)[0], atol=1e-5
        )


def test_gradient_is_that_of_keras(classifier, more_reviews):
    X = more_reviews[0][:20]
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
