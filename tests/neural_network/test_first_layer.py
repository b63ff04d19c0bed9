"""What single features do to log-odds, against whole matrices and Keras' own gradient."""

import tracemalloc

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logit

from skimdb import DenseSentimentClassifier
from skimdb.neural_network._first_layer import FirstLayer
from tests.neural_network.common import make_multi_hot

NETWORKS = {
    "relu, dropout": {"units": [5, 3], "dropout": 0.4},
    "sigmoid": {"layers": 1, "activation": "sigmoid"},
    "no hidden layer": {"layers": 0},
    "three classes": {"units": 4, "activation": "tanh"},
}


@pytest.fixture(scope="module", params=NETWORKS)
def classifier(request):
    fitted = DenseSentimentClassifier(
        epochs=3, learning_rate=0.02, random_state=0, **NETWORKS[request.param]
    )
    X, y = make_multi_hot(150, 30)
    if request.param == "three classes":
        y = y + np.arange(len(y)) % 2
    return fitted.fit(X, y)


def entries_of(X):
    rows, columns = X.nonzero()
    return rows, columns, 0.5 * np.asarray(X[rows, columns], dtype=np.float64).ravel()


def targets_of(classifier, X):
    return np.arange(X.shape[0]) % len(classifier.classes_)


def log_odds(classifier, X, targets):
    """Return the log-odds of each row's target from the probabilities."""
    probability = classifier.predict_proba(X).astype(np.float64)[np.arange(len(targets)), targets]
    return logit(probability)


def test_occlusion_is_the_fall_of_the_log_odds(classifier, more_reviews):
    X = more_reviews[0][:20]
    rows, columns, values = entries_of(X)
    occluded = X[rows].toarray()
    occluded[np.arange(len(rows)), columns] -= values
    targets = targets_of(classifier, X)
    expected = log_odds(classifier, X, targets)[rows]
    expected -= log_odds(classifier, occluded, targets[rows])
    assert np.abs(expected).max() > 1e-2
    network = FirstLayer(classifier._state.network)
    for features in (X, X.toarray()):
        found = network.occlude(features, targets, rows, columns, values)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_many_features_of_a_wide_network_take_little_memory(more_reviews):
    X = more_reviews[0]
    parameters = {"units": 2**16, "layers": 1, "epochs": 1, "batch_size": 60, "random_state": 0}
    network = DenseSentimentClassifier(**parameters).fit(*more_reviews)._state.network
    rows, columns, values = entries_of(X)
    targets = np.ones(X.shape[0], dtype=np.intp)
    tracemalloc.start()
    found = FirstLayer(network).occlude(X, targets, rows, columns, values)
    products = FirstLayer(network).gradient_times_input(X, targets, rows, columns, values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5e8  # all at once, more than 4e8
    for i in range(0, len(rows), 20):
        entry = X[rows[i]], targets[:1], [0], columns[[i]], values[[i]]
        np.testing.assert_allclose(found[i], FirstLayer(network).occlude(*entry)[0], atol=1e-5)
        np.testing.assert_allclose(
            products[i], FirstLayer(network).gradient_times_input(*entry)[0], atol=1e-5
        )


def test_gradient_is_that_of_keras(classifier, more_reviews):
    X = more_reviews[0][:20]
    rows, columns, values = entries_of(X)
    targets = targets_of(classifier, X)
    n_classes = len(classifier.classes_)
    with tf.GradientTape() as tape:
        x = tf.constant(X.toarray())
        tape.watch(x)
        output = classifier.model_(x, training=False)
        probabilities = tf.concat([1 - output, output], 1) if n_classes == 2 else output
        probability = tf.reduce_sum(probabilities * tf.one_hot(targets, n_classes), axis=1)
        total = tf.reduce_sum(tf.math.log(probability) - tf.math.log(1 - probability))
    expected = tape.gradient(total, x).numpy()[rows, columns] * values
    assert np.abs(expected).max() > 1e-2
    network = FirstLayer(classifier._state.network)
    found = network.gradient_times_input(X, targets, rows, columns, values)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_no_features_give_no_contributions(classifier, more_reviews):
    X = more_reviews[0]
    nothing = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0)
    network = FirstLayer(classifier._state.network)
    targets = targets_of(classifier, X)
    assert network.occlude(X, targets, *nothing).shape == (0,)
    assert network.gradient_times_input(X, targets, *nothing).shape == (0,)
