"""Rows that a batch does not touch end up where updates with a zero gradient would bring them.

On sparse features, such rows are skipped; on the same features as a dense array, all rows are
updated. Keras is the third implementation to compare with.
"""

import keras
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skimdb.neural_network import build_dense_network
from skimdb.neural_network.arrays import (
    Architecture,
    ArrayNetwork,
    Samples,
    epoch_rng,
    initial_parameters,
    train,
)
from skimdb.neural_network.keras._optimizer import optimizer_of

N_FEATURES = 12
SEED = 11

OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "short momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.1),
    "nesterov": lambda rate: keras.optimizers.SGD(rate, momentum=0.95, nesterov=True),
    "momentum 1": lambda rate: keras.optimizers.SGD(rate, momentum=1.0),
    "rmsprop": keras.optimizers.RMSprop,
    "rmsprop, short memory": lambda rate: keras.optimizers.RMSprop(rate, rho=0.2, epsilon=0.01),
    "adam": keras.optimizers.Adam,
    "adam, large epsilon": lambda rate: keras.optimizers.Adam(rate, epsilon=0.1),
    "adam, long memory": lambda rate: keras.optimizers.Adam(rate, beta_1=0.95, beta_2=0.9999),
    "adam, short memory": lambda rate: keras.optimizers.Adam(rate, beta_1=0.6, beta_2=0.6),
    "adam without momentum": lambda rate: keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99),
}
learning_rates = st.sampled_from([0.001, 0.01, 0.1])
batch_sizes = st.integers(1, 4)
# The columns that each sample has.
reviews = st.lists(st.sets(st.integers(0, N_FEATURES - 1), max_size=3), min_size=2, max_size=40)
PROPERTY = settings(max_examples=25, deadline=None, derandomize=True)


def multi_hot(columns):
    X = np.zeros((len(columns), N_FEATURES), np.float32)
    for row, present in zip(X, columns, strict=True):
        row[list(present)] = 1
    return X, np.arange(len(X)) % 2


ARCHITECTURE = Architecture(N_FEATURES, 2, (3,), "tanh")


def state_after(X, y, name, *, rate=0.01, batch_size, epochs=1, n_calls=1):
    """Train on arrays and return the parameters and the optimizer's variables."""
    network = ArrayNetwork(ARCHITECTURE, initial_parameters(ARCHITECTURE, SEED, X.dtype))
    settings = OPTIMIZERS[name](rate)
    optimizer = optimizer_of(type(settings), settings.get_config(), network)
    for call in range(n_calls):
        train(
            network,
            optimizer,
            Samples(X, y, np.ones(len(y), X.dtype)),
            batch_size=batch_size,
            epochs=range(epochs),
            seed=SEED,
            n_past_epochs=call,
            incremental=n_calls > 1,
        )
    return [*network.parameters, *optimizer.variables()]


def assert_close(values, expected, *, atol=2e-6):
    for value, expected_value in zip(values, expected, strict=True):
        np.testing.assert_allclose(value, expected_value, rtol=0, atol=atol)


@pytest.mark.parametrize("name", OPTIMIZERS)
@PROPERTY
@given(columns=reviews, rate=learning_rates, batch_size=batch_sizes)
def test_sparse_updates_equal_updates_of_all_rows(name, columns, rate, batch_size):
    X, y = multi_hot(columns)
    sparse = state_after(sp.csr_matrix(X), y, name, rate=rate, batch_size=batch_size)
    assert_close(sparse, state_after(X, y, name, rate=rate, batch_size=batch_size))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_columns_that_return_after_many_steps_equal_keras(name):
    """Columns come back after up to 150 steps."""
    rng = np.random.default_rng(0)
    X = np.zeros((150, N_FEATURES), np.float32)
    X[:, :2] = rng.random((150, 2)) < 0.5
    X[np.arange(0, 150, 20), 2 + np.arange(8)] = 1
    X[np.arange(0, 150, 50), 10] = 1
    y = rng.integers(2, size=150)
    trained = state_after(sp.csr_matrix(X), y, name, batch_size=1)

    model = build_dense_network(
        N_FEATURES, 2, units=[3], activation="tanh", optimizer=OPTIMIZERS[name](0.01), seed=SEED
    )
    for sample in epoch_rng(SEED, 0).permutation(150):
        model.train_on_batch(X[[sample]], y[[sample]])
    expected = [*model.variables, *model.optimizer.variables]
    assert_close(trained, [variable.numpy() for variable in expected], atol=2e-5)


@pytest.mark.parametrize(("beta_1", "beta_2"), [(0.99, 0.5), (0.9, 0.001), (0.0, 0.0)])
def test_adam_whose_squares_fade_soon(monkeypatch, beta_1, beta_2):
    """Rows cannot wait for it; nothing that only these need may overflow."""
    adam = {"beta_1": beta_1, "beta_2": beta_2}
    monkeypatch.setitem(OPTIMIZERS, "this", lambda rate: keras.optimizers.Adam(rate, **adam))
    X, y = multi_hot([{0}, {1, 2}, {0, 3}, {2}])
    sparse = state_after(sp.csr_matrix(X), y, "this", batch_size=1)
    assert_close(sparse, state_after(X, y, "this", batch_size=1))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_epochs_continue_from_each_other(name):
    rng = np.random.default_rng(1)
    X = (rng.random((30, N_FEATURES)) < 0.1).astype(np.float32)
    y = rng.integers(2, size=30)
    sparse = state_after(sp.csr_matrix(X), y, name, batch_size=3, epochs=5)
    assert_close(sparse, state_after(X, y, name, batch_size=3, epochs=5))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_words_in_no_review_keep_their_weights(name):
    X = sp.csr_matrix(np.eye(4, N_FEATURES, dtype=np.float32))
    y = np.array([0, 1, 0, 1])
    start = initial_parameters(ARCHITECTURE, SEED)[0]
    kernel = state_after(X, y, name, batch_size=1, epochs=3)[0]
    np.testing.assert_array_equal(kernel[4:], start[4:])
    assert (kernel[:4] != start[:4]).any(axis=1).all()


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam"])
def test_a_batch_without_any_word(name):
    X = np.zeros((6, N_FEATURES), np.float32)
    X[0, 0] = 1
    y = np.array([0, 1, 0, 1, 0, 1])
    sparse = state_after(sp.csr_matrix(X), y, name, batch_size=2, epochs=2)
    assert_close(sparse, state_after(X, y, name, batch_size=2, epochs=2))


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam"])
def test_float64_is_the_same_with_more_digits(name):
    rng = np.random.default_rng(1)
    X = sp.csr_matrix((rng.random((60, N_FEATURES)) < 0.1).astype(np.float64))
    y = rng.integers(2, size=60)
    double = state_after(X, y, name, batch_size=3)
    assert_close(double, state_after(X.astype(np.float32), y, name, batch_size=3), atol=1e-5)
    assert {value.dtype for value in double[:4]} == {np.dtype(np.float64)}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rows_may_wait_through_many_calls(name):
    """More steps than rows may wait for."""
    rng = np.random.default_rng(2)
    X = (rng.random((40, N_FEATURES)) < 0.02).astype(np.float32)
    y = rng.integers(2, size=40)
    settings = {"rate": 0.001, "batch_size": 1, "n_calls": 30}
    sparse = state_after(sp.csr_matrix(X), y, name, **settings)
    assert_close(sparse, state_after(X, y, name, **settings), atol=1e-5)


class TestInterruptedSteps:
    """A step that fails is completed, or undone."""

    @pytest.fixture(params=["sgd", "momentum", "rmsprop", "adam"])
    def name(self, request):
        return request.param

    @pytest.fixture(params=[None, np.array([1, 4, 5])], ids=["all rows", "some rows"])
    def touched(self, request):
        return request.param

    def make(self, name, parameters=None):
        parameters = parameters or initial_parameters(ARCHITECTURE, SEED)
        settings = OPTIMIZERS[name](0.01)
        network = ArrayNetwork(ARCHITECTURE, parameters)
        if type(parameters) is not list:
            network.parameters = parameters
        optimizer = optimizer_of(type(settings), settings.get_config(), network)
        optimizer.keeps_steps = True
        return network, optimizer

    def step(self, optimizer, touched, seed):
        rng = np.random.default_rng(seed)
        rows = optimizer.start_step(touched)
        shapes = [rows.shape, *(parameter.shape for parameter in optimizer.parameters[1:])]
        optimizer.finish_step([rng.normal(size=shape).astype(np.float32) for shape in shapes])

    def assert_equal_after(self, n_steps, name, touched, network, optimizer):
        expected_network, expected = self.make(name)
        for seed in range(n_steps):
            self.step(expected, touched, seed)
        assert optimizer.iterations == n_steps
        for value, expected_value in zip(
            [*network.parameters, *optimizer.variables()],
            [*expected_network.parameters, *expected.variables()],
            strict=True,
        ):
            np.testing.assert_allclose(value, expected_value, rtol=1e-5, atol=1e-7)

    def test_an_error_before_its_end_undoes_it(self, name, touched, monkeypatch):
        network, optimizer = self.make(name)
        self.step(optimizer, touched, 0)
        update = optimizer.update

        def fails_at_a_bias(gradient, parameter, *slots):
            update(gradient, parameter, *slots)
            if parameter.ndim == 1:
                raise MemoryError

        monkeypatch.setattr(optimizer, "update", fails_at_a_bias)
        with pytest.raises(MemoryError):
            self.step(optimizer, touched, 1)
        monkeypatch.undo()
        self.assert_equal_after(1, name, touched, network, optimizer)
        self.step(optimizer, touched, 1)
        self.assert_equal_after(2, name, touched, network, optimizer)

    def test_an_interruption_of_its_end_completes_it(self, name, touched):
        class Interrupts(list):
            is_next = False

            def __setitem__(self, index, value):
                if index == 2 and self.is_next:
                    self.is_next = False
                    raise KeyboardInterrupt
                super().__setitem__(index, value)

        network, optimizer = self.make(name, Interrupts(initial_parameters(ARCHITECTURE, SEED)))
        self.step(optimizer, touched, 0)
        network.parameters.is_next = True
        with pytest.raises(KeyboardInterrupt):
            self.step(optimizer, touched, 1)
        self.assert_equal_after(2, name, touched, network, optimizer)
        self.step(optimizer, touched, 2)
        self.assert_equal_after(3, name, touched, network, optimizer)
