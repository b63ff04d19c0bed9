"""Training on arrays gives what stock Keras gives from the same weights and batches."""

import keras
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

from skimdb import DenseSentimentClassifier
from skimdb.neural_network import build_dense_network
from skimdb.neural_network.arrays import (
    ACTIVATIONS,
    Architecture,
    ArrayNetwork,
    Samples,
    epoch_rng,
    initial_parameters,
)
from skimdb.neural_network.arrays import train as train_on_arrays
from skimdb.neural_network.keras._optimizer import make_optimizer
from tests.neural_network.common import (
    assert_same_history,
    assert_same_training,
    fit_by_keras,
    fit_seed,
    make_multi_hot,
)

OPTIMIZERS = {
    "rmsprop": keras.optimizers.RMSprop(0.003),
    "rmsprop, rho 0.5": keras.optimizers.RMSprop(0.003, rho=0.5, epsilon=1e-3),
    "adam": keras.optimizers.Adam(0.003),
    "adam, short memory": keras.optimizers.Adam(0.003, beta_1=0.5, beta_2=0.7),
    "sgd": keras.optimizers.SGD(0.1),
    "momentum": keras.optimizers.SGD(0.1, momentum=0.9),
    "nesterov": keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "sgd, momentum 1": keras.optimizers.SGD(0.01, momentum=1.0),
}
NARROW = {"n_samples": 150, "n_features": 30}
# A batch touches a small part of the columns, and some columns are touched by no batch.
WIDE = {"n_samples": 120, "n_features": 1500, "n_words": 20}


def classifier(**parameters):
    defaults = {"units": 6, "epochs": 2, "batch_size": 32, "random_state": 3}
    return DenseSentimentClassifier(**(defaults | parameters))


def assert_trains_as_keras(estimator, X, y, **fit_parameters):
    model, history = fit_by_keras(estimator, X, y, **fit_parameters)
    fitted = clone(estimator).fit(X, y, sample_weight=fit_parameters.get("sample_weight"))
    assert fitted.fit_method_ == "arrays"
    assert_same_training(fitted.model_, model)
    assert_same_history(fitted.history_, history)
    return fitted


@pytest.mark.parametrize("data", [NARROW, WIDE], ids=["narrow", "wide"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_each_optimizer_on_csr(optimizer, data):
    X, y = make_multi_hot(**data)
    assert_trains_as_keras(classifier(optimizer=optimizer), X, y)


def test_wide_data_have_columns_that_batches_do_not_touch():
    X, _ = make_multi_hot(**WIDE)
    n_touched = [np.count_nonzero(X[rows : rows + 32].sum(axis=0)) for rows in (0, 32, 64)]
    assert max(n_touched) < X.shape[1] / 2
    assert np.count_nonzero(X.sum(axis=0)) < X.shape[1]


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam", "sgd"])
@pytest.mark.parametrize(
    "penalties",
    [{"l1": 0.01}, {"l2": 0.05}, {"l1": 0.01, "l2": 0.05}],
    ids=["l1", "l2", "l1 and l2"],
)
def test_penalties_of_the_hidden_layers(penalties, optimizer):
    # Few steps: the gradient of l1 jumps where a weight passes zero.
    X, y = make_multi_hot(96, 400)
    assert_trains_as_keras(classifier(optimizer=optimizer, epochs=1, **penalties), X, y)


@pytest.mark.parametrize("penalties", [{"l1": 0.01}, {"l2": 0.05}], ids=["l1", "l2"])
def test_penalties_of_the_linear_model(penalties):
    X, y = make_multi_hot(96, 40)
    assert_trains_as_keras(classifier(layers=0, epochs=1, **penalties), X, y)


@pytest.mark.parametrize(
    "sizes",
    [{"layers": 0}, {"layers": 1}, {"units": (7, 5, 3), "layers": 3}, {"units": 40, "layers": 1}],
    ids=["linear", "one layer", "three layers", "40 units"],
)
def test_numbers_of_layers_and_units(sizes):
    X, y = make_multi_hot(**NARROW)
    assert_trains_as_keras(classifier(epochs=1, **sizes), X, y)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, keras.activations.relu])
def test_activations(activation):
    X, y = make_multi_hot(**NARROW)
    assert_trains_as_keras(classifier(activation=activation, epochs=1), X, y)


@pytest.mark.parametrize("layers", [0, 2])
def test_three_classes(layers):
    X, y = make_multi_hot(n_classes=3, **NARROW)
    labels = np.array(["bad", "good", "so so"])[y]
    assert_trains_as_keras(classifier(layers=layers), X, labels)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_sample_weight(n_classes):
    X, y = make_multi_hot(n_classes=n_classes, **NARROW)
    sample_weight = np.random.default_rng(0).uniform(0.1, 3, len(y)).astype(np.float32)
    assert_trains_as_keras(classifier(), X, y, sample_weight=sample_weight)


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, sp.csc_matrix, sp.coo_array])
def test_every_kind_of_matrix(kind):
    X, y = make_multi_hot(**NARROW)
    X = kind(X.toarray())
    assert_trains_as_keras(classifier(epochs=1), X, y)


def test_values_other_than_zero_and_one():
    X, y = make_multi_hot(**WIDE)
    X.data[:] = np.random.default_rng(0).normal(size=X.nnz)
    assert_trains_as_keras(classifier(epochs=1), X, y)


def test_duplicate_entries_add_up():
    X, y = make_multi_hot(**WIDE)
    halves = sp.csr_matrix(
        (np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr), shape=X.shape
    )
    model, _ = fit_by_keras(classifier(epochs=1), X, y)
    assert_same_training(classifier(epochs=1).fit(halves, y).model_, model)


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
def test_epochs_in_which_most_columns_are_rare(optimizer):
    X, y = make_multi_hot(64, 3000, n_words=5)
    assert_trains_as_keras(classifier(optimizer=optimizer, batch_size=4), X, y)


def test_batch_size_larger_than_the_number_of_samples():
    X, y = make_multi_hot(**NARROW)
    assert_trains_as_keras(classifier(batch_size=10_000), X, y)


def test_a_last_batch_of_one_sample():
    X, y = make_multi_hot(33, 30)
    assert_trains_as_keras(classifier(batch_size=32), X, y)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_validation_is_keras_evaluate(n_classes):
    X, y = make_multi_hot(n_classes=n_classes, **NARROW)
    X_val, y_val = make_multi_hot(45, 30, n_classes=n_classes, random_state=1)
    weight = np.random.default_rng(0).uniform(0.1, 3, 45).astype(np.float32)
    estimator = classifier(l2=0.01, epochs=1)
    validation = X_val.toarray(), y_val, weight / weight.mean()
    model, history = fit_by_keras(estimator, X, y, validation=validation)
    fitted = clone(estimator).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    assert_same_history(fitted.history_, history)
    loss, accuracy = model.evaluate(
        *validation[:2], sample_weight=validation[2], batch_size=32, verbose=0
    )
    assert fitted.history_["val_loss"][-1] == pytest.approx(loss, abs=1e-5)
    assert fitted.history_["val_accuracy"][-1] == pytest.approx(accuracy, abs=1e-6)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_validation_after_epochs_in_which_most_columns_are_rare(optimizer):
    X, y = make_multi_hot(64, 3000, n_words=5)
    X_val, y_val = make_multi_hot(64, 3000, n_words=5, random_state=1)
    estimator = classifier(optimizer=OPTIMIZERS[optimizer], batch_size=4)
    _, history = fit_by_keras(estimator, X, y, validation=(X_val.toarray(), y_val))
    fitted = clone(estimator).fit(X, y, X_val=X_val, y_val=y_val)
    assert_same_history(fitted.history_, history)


def test_compiled_keras_gives_the_same():
    """Like the other tests of this file, without eager execution."""
    X, y = make_multi_hot(**WIDE)
    estimator = classifier(epochs=1)
    model = clone(estimator).initialize(X, y).model_
    order = epoch_rng(fit_seed(3), 0).permutation(len(y))
    model.fit(X.toarray()[order], y[order], batch_size=32, shuffle=False, verbose=0)
    assert_same_training(estimator.fit(X, y).model_, model)


def test_predictions_are_those_of_the_model():
    X, y = make_multi_hot(n_classes=3, **NARROW)
    fitted = classifier().fit(X, y)
    expected = fitted.model_.predict(X.toarray(), verbose=0)
    np.testing.assert_allclose(fitted.predict_proba(X), expected, atol=1e-6)
    np.testing.assert_allclose(fitted.predict_proba(X.toarray()), expected, atol=1e-6)


class TestDropout:
    """Masks come from a different generator than in Keras; only their distribution is the same."""

    @staticmethod
    def steps_from(architecture, parameters, X, y, n_steps):
        """Make one step from the same weights with each of some seeds; return the weights."""
        results = []
        for seed in range(n_steps):
            network = ArrayNetwork(architecture, [parameter.copy() for parameter in parameters])
            train_on_arrays(
                network,
                make_optimizer("sgd", 1.0, network),
                Samples(X, y, np.ones(len(y), np.float32)),
                batch_size=len(y),
                epochs=range(1),
                seed=seed,
            )
            results.append(np.concatenate([weight.ravel() for weight in network.parameters]))
        return np.array(results)

    def test_a_unit_is_dropped_or_divided_by_the_share_kept(self):
        architecture = Architecture(1, 2, (1,), "linear", dropout=0.75)
        # The hidden unit passes on the input, 1; the output is a probability of one half. The
        # gradient of the output's kernel is then half of what dropout makes of the unit.
        weights = [np.ones((1, 1)), np.zeros(1), np.zeros((1, 1)), np.zeros(1)]
        weights = [weight.astype(np.float32) for weight in weights]
        X, y = np.ones((1, 1), np.float32), np.array([1])
        unit = 2 * self.steps_from(architecture, weights, X, y, 200)[:, 2]
        assert set(unit.tolist()) == {0.0, 4.0}
        assert (unit > 0).mean() == pytest.approx(0.25, abs=0.1)

    def test_a_step_has_the_distribution_of_keras(self):
        X, y = make_multi_hot(64, 20)
        n_steps = 80
        architecture = Architecture(20, 2, (8, 8), dropout=0.5)
        weights = initial_parameters(architecture, 0)
        steps = self.steps_from(architecture, weights, X, y, n_steps)
        model = build_dense_network(
            20, 2, units=[8, 8], dropout=0.5, optimizer=keras.optimizers.SGD(1.0), seed=0
        )
        keras_steps = np.empty_like(steps)
        for step in keras_steps:
            model.set_weights(weights)
            model.train_on_batch(X.toarray(), y)
            step[:] = np.concatenate([w.ravel() for w in model.get_weights()])

        standard_error = np.sqrt((steps.var(axis=0) + keras_steps.var(axis=0)) / n_steps)
        varies = standard_error > 1e-6
        assert varies.mean() > 0.8
        z = (steps.mean(axis=0) - keras_steps.mean(axis=0))[varies] / standard_error[varies]
        assert np.abs(z).max() < 6
        assert np.sqrt(np.mean(z**2)) == pytest.approx(1, abs=0.35)
        np.testing.assert_allclose(steps.std(axis=0).sum(), keras_steps.std(axis=0).sum(), rtol=0.1)

    def test_predictions_drop_nothing(self):
        X, y = make_multi_hot(**NARROW)
        fitted = classifier(dropout=0.8).fit(X, y)
        np.testing.assert_array_equal(fitted.predict_proba(X), fitted.predict_proba(X))
        np.testing.assert_allclose(
            fitted.predict_proba(X)[:, 1], fitted.model_.predict(X.toarray(), verbose=0)[:, 0],
            atol=1e-6,
        )  # fmt: skip

    def test_each_epoch_has_its_own_masks(self):
        X, y = make_multi_hot(**NARROW)
        fitted = classifier(dropout=0.5, learning_rate=1e-9, epochs=8).fit(X, y)
        assert len(np.unique(fitted.history_["loss"])) == 8
        assert np.std(fitted.history_["loss"]) > 1e-3
