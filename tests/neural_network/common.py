"""Data, and training by stock Keras, for the tests of this folder."""

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from skimdb.neural_network.arrays import epoch_rng


def make_multi_hot(
    n_samples=200, n_features=60, *, n_classes=2, n_words=8, random_state=0, dtype=np.float32
):
    """Return a CSR matrix of zeros and ones, and labels 0, 1, ... that depend on it.

    Columns become rarer from left to right; each class prefers some of them.
    """
    rng = np.random.default_rng(random_state)
    y = rng.permutation(np.arange(n_samples) % n_classes)
    taste = np.random.default_rng(0).normal(size=(n_classes, n_features))
    frequency = np.exp(0.8 * taste) / np.arange(1, n_features + 1)
    frequency *= n_words / frequency.sum(axis=1, keepdims=True)
    X = rng.random((n_samples, n_features)) < np.minimum(frequency, 0.9)[y]
    return sp.csr_matrix(X.astype(dtype)), y


def fit_seed(random_state):
    """Return the seed that a fit with an int as `random_state` draws."""
    return int(np.random.RandomState(random_state).randint(np.iinfo(np.int32).max))


def fit_by_keras(
    classifier, X, y, *, sample_weight=None, validation=None, callbacks=None, epochs=None
):
    """Train an unfitted classifier's network by `keras.Model.fit` on the dense matrix.

    It starts from the same weights as `fit` and takes the samples in the same order.
    It runs eagerly, because tracing takes longer than these trainings.
    """
    if sample_weight is not None:
        sample_weight = sample_weight / sample_weight.mean()
    model = clone(classifier).initialize(X, y).model_
    model.run_eagerly = True
    X = X.toarray() if sp.issparse(X) else X
    labels = np.unique(y, return_inverse=True)[1]
    seed = fit_seed(classifier.random_state)
    history = {}
    for epoch in range(epochs or classifier.epochs):
        order = epoch_rng(seed, epoch).permutation(len(y))
        logs = model.fit(
            X[order],
            labels[order],
            sample_weight=None if sample_weight is None else sample_weight[order],
            batch_size=classifier.batch_size,
            epochs=epoch + 1,
            initial_epoch=epoch,
            shuffle=False,
            validation_data=validation,
            callbacks=callbacks,
            verbose=0,
        ).history
        for name, values in logs.items():
            history.setdefault(name, []).extend(values)
    return model, history


def assert_same_training(model, expected, *, atol=1e-5):
    """Compare weights, the optimizer's state and its number of steps."""
    for weight, expected_weight in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected_weight, rtol=0, atol=atol)
    for variable, expected_variable in zip(
        model.optimizer.variables, expected.optimizer.variables, strict=True
    ):
        np.testing.assert_allclose(
            np.asarray(variable), np.asarray(expected_variable), rtol=0, atol=atol
        )


def assert_same_history(history, expected, *, atol=1e-5):
    assert sorted(history) == sorted(expected)
    for name, values in history.items():
        np.testing.assert_allclose(values, expected[name], rtol=0, atol=atol, err_msg=name)


def assert_equal_weights(model, expected):
    """Compare bit for bit."""
    for weight, expected_weight in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected_weight)
