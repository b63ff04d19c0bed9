"""Trainings and predictions that leave the range of floating-point numbers."""

import keras
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.utils.class_weight import compute_class_weight

from skimdb import DenseSentimentClassifier


class BatchCounter(keras.callbacks.Callback):
    """Acts on batches, which only `keras.Model.fit` can serve."""

    def on_train_batch_end(self, batch, logs=None):
        pass


RNG = np.random.default_rng(0)
X = RNG.random((60, 10)).astype(np.float32)
Y = np.arange(60) % 2


def classifier(**parameters):
    defaults = {"units": 4, "epochs": 3, "activation": "linear", "random_state": 0}
    return DenseSentimentClassifier(**defaults | parameters)


def weights_of(fitted):
    return fitted._state.network.parameters  # the Keras model takes a second to build


def assert_equal(weights, expected):
    for weight, expected_weight in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(weight, expected_weight)


@pytest.mark.parametrize(
    ("activation", "dtype"),
    [("linear", np.float32), ("linear", np.float64), ("hard_tanh", np.float64)],
    ids=["arrays", "arrays of float64", "Keras"],
)
class TestDivergence:
    settings = {"optimizer": "sgd", "learning_rate": 1e30, "l2": 1e30, "units": 2, "layers": 1}  # noqa: RUF012

    def test_fit_raises(self, activation, dtype):
        estimator = classifier(activation=activation, **self.settings, epochs=4)
        with pytest.raises(ValueError, match=r"Training diverged.*learning_rate.*features of X"):
            estimator.fit(X.astype(dtype), Y)
        assert not estimator.__sklearn_is_fitted__()

    def test_partial_fit_keeps_finite_weights(self, activation, dtype):
        estimator = classifier(activation=activation, **self.settings).initialize(
            X.astype(dtype), Y
        )

        def train():
            for _ in range(12):
                estimator.partial_fit(X.astype(dtype), Y)

        with pytest.raises(ValueError, match="Training diverged"):
            train()
        assert all(np.isfinite(weight).all() for weight in weights_of(estimator))


def test_warm_start_keeps_the_network():
    estimator = classifier(optimizer="sgd", warm_start=True).fit(X, Y)
    before = estimator.predict_proba(X)
    with pytest.raises(ValueError, match="Training diverged"):
        estimator.fit(X * np.float32(1e38), Y)
    np.testing.assert_array_equal(estimator.predict_proba(X), before)


def test_early_stopping_goes_back_to_finite_weights():
    settings = {"optimizer": "sgd", "learning_rate": 5.0, "batch_size": 16}
    fitted = classifier(early_stopping=True, patience=30, epochs=40, **settings).fit(
        X, Y, X_val=X, y_val=Y
    )
    assert not np.isfinite(fitted.history_["val_loss"][-1])
    expected = classifier(**settings | {"epochs": fitted.best_epoch_}).fit(X, Y)
    assert_equal(weights_of(fitted), weights_of(expected))


def test_an_epoch_is_not_the_best_if_validation_data_miss_its_infinite_weights():
    # The last feature, which alone has huge values, is 0 in the validation data.
    wide = np.column_stack([X, np.full(60, 1e30, np.float32)])
    narrow = np.column_stack([X, np.zeros(60, np.float32)])
    with pytest.raises(ValueError, match="Training diverged"):
        classifier(layers=0, optimizer="sgd", learning_rate=1e30, early_stopping=True).fit(
            wide, Y, X_val=narrow, y_val=Y
        )


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions_of_values_that_are_too_large(method, n_classes):
    settings = {"optimizer": "sgd", "learning_rate": 10.0, "units": 8, "layers": 1}
    fitted = classifier(**settings).fit(X - 0.5, np.arange(60) % n_classes)
    with pytest.raises(ValueError, match="X or the weights of the network are too large for float"):
        getattr(fitted, method)(np.full((1, 10), 3e38, np.float32))


def test_infinite_log_odds_are_certain():
    fitted = classifier(layers=0, epochs=1).fit(X, Y)
    one = np.zeros((1, 10), np.float32)
    weights = fitted.model_.get_weights()
    weights[0][:] = 1e30
    fitted.model_.set_weights(weights)
    one[0, 0] = 1e30
    np.testing.assert_array_equal(fitted.predict_proba(one), [[0, 1]])


def test_penalties_in_float64_through_keras():
    settings = {"layers": 1, "l1": 0.01, "l2": 0.01, "epochs": 2, "optimizer": "sgd"}
    fitted = classifier(**settings, callbacks=[BatchCounter]).fit(X.astype(np.float64), Y)
    assert fitted.fit_method_ == "keras"
    expected = classifier(**settings).fit(X.astype(np.float64), Y)
    for weight, expected_weight in zip(weights_of(fitted), weights_of(expected), strict=True):
        np.testing.assert_allclose(weight, expected_weight, atol=1e-8)
    np.testing.assert_allclose(fitted.history_["loss"], expected.history_["loss"], atol=1e-6)


def test_order_within_rows_changes_no_bit():
    sparse = sp.csr_matrix(X)
    unsorted = sparse.copy()
    unsorted.indices = np.ascontiguousarray(sparse.indices.reshape(60, 10)[:, ::-1]).ravel()
    unsorted.data = np.ascontiguousarray(sparse.data.reshape(60, 10)[:, ::-1]).ravel()
    unsorted.has_sorted_indices = False
    expected = classifier().fit(sparse, Y)
    fitted = classifier().fit(unsorted, Y)
    assert_equal(weights_of(fitted), weights_of(expected))
    np.testing.assert_array_equal(
        expected.decision_function(unsorted), expected.decision_function(sparse)
    )
    assert unsorted.indices[0] == 9  # the input is not changed
    dense = classifier().fit(X, Y)
    for weight, expected_weight in zip(weights_of(dense), weights_of(expected), strict=True):
        np.testing.assert_allclose(weight, expected_weight, atol=1e-5)


class TestClassWeight:
    @pytest.mark.parametrize("weight", [np.nan, np.inf, -1, "x", None])
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_impossible_weights(self, weight, n_classes):
        with pytest.raises(ValueError, match=r"class_weight must have finite numbers.*for class 0"):
            classifier(class_weight={0: weight}).fit(X, np.arange(60) % n_classes)

    @pytest.mark.parametrize("class_weight", [{0: 1, 1: 2, 7: 3}, {1: 2}, {0: 1, "x": 1}, {7: 1}])
    def test_other_classes_are_allowed_where_scikit_learn_allows_them(self, class_weight):
        try:
            expected = compute_class_weight(class_weight, classes=np.array([0, 1]), y=Y)
        except ValueError:
            with pytest.raises(ValueError, match=r"class_weight must have classes out of \[0 1\]"):
                classifier(class_weight=class_weight).fit(X, Y)
        else:
            fitted = classifier(class_weight=class_weight).fit(X, Y)
            weighted = classifier().fit(X, Y, sample_weight=expected[Y])
            assert_equal(weights_of(fitted), weights_of(weighted))

    def test_weights_that_are_infinite_in_the_type_of_X(self):
        with pytest.raises(ValueError, match="class_weight must have weights whose sum is finite"):
            classifier(class_weight={0: 1e30}).fit(X, Y, sample_weight=np.full(60, 1e30))

    @pytest.mark.parametrize("weight", [1e300, 10**400, 1e-60], ids=["1e300", "int", "1e-60"])
    def test_weights_that_the_type_of_X_cannot_hold(self, weight):
        with pytest.raises(ValueError, match=r"class_weight must have .*numbers .* for class 0"):
            classifier(class_weight={0: weight}).fit(X, Y)

    @pytest.mark.parametrize("name", ["sample_weight", "sample_weight_val"])
    def test_sample_weights_that_would_become_0(self, name):
        weights = {name: np.where(Y == 0, 1e-60, 1)}
        with pytest.raises(ValueError, match=rf"{name} has numbers that are too small for float32"):
            classifier().fit(X, Y, X_val=X, y_val=Y, **weights)
        classifier(epochs=1).fit(X.astype(np.float64), Y, X_val=X, y_val=Y, **weights)

    def test_sample_weights_whose_sum_is_infinite(self):
        with pytest.raises(ValueError, match="sample_weight must have weights whose sum is finite"):
            classifier().fit(X.astype(np.float64), Y, sample_weight=np.full(60, 1e307))


@pytest.mark.parametrize(
    ("optimizer", "number"), [("sgd", 1), ("sgd", np.float32(0.5)), ("adamax", np.float32(0.5))]
)
def test_numbers_of_any_type(optimizer, number):
    settings = {"optimizer": optimizer, "epochs": 1, "units": 2, "layers": 1}
    fitted = classifier(learning_rate=number, l2=number / 8, **settings).fit(X, Y)
    rate = float(number)
    expected = classifier(learning_rate=rate, l2=rate / 8, **settings).fit(X, Y)
    assert_equal(weights_of(fitted), weights_of(expected))


@pytest.mark.parametrize("beta_2", [0.999, 1.0])
def test_adam_whose_first_moment_never_changes(beta_2):
    adam = keras.optimizers.Adam(beta_1=1.0, beta_2=beta_2)
    with pytest.raises(ValueError, match="Training diverged"):
        classifier(optimizer=adam).fit(X, Y)
