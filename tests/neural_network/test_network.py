import keras
import numpy as np
import pytest

from skimdb.neural_network import build_dense_network


def build(n_features=20, n_classes=2, **parameters):
    defaults = {"units": [6, 4], "optimizer": keras.optimizers.RMSprop(), "seed": 0}
    return build_dense_network(n_features, n_classes, **(defaults | parameters))


def test_layers_of_the_binary_network():
    first, second, output = build().layers
    assert [layer.units for layer in (first, second, output)] == [6, 4, 1]
    assert [layer.activation.__name__ for layer in (first, second, output)] == [
        "relu",
        "relu",
        "sigmoid",
    ]
    assert build().input_shape == (None, 20)


def test_more_classes_have_a_softmax_unit_each():
    output = build(n_classes=5).layers[-1]
    assert output.units == 5
    assert output.activation is keras.activations.softmax


def test_no_hidden_layer_gives_a_linear_model():
    model = build(units=[])
    assert [weight.shape for weight in model.get_weights()] == [(20, 1), (1,)]


def test_dropout_follows_each_hidden_layer():
    layers = build(dropout=0.3).layers
    assert [type(layer).__name__ for layer in layers] == [
        "Dense",
        "Dropout",
        "Dense",
        "Dropout",
        "Dense",
    ]
    assert {layer.rate for layer in layers if isinstance(layer, keras.layers.Dropout)} == {0.3}


def test_activation_may_be_a_callable():
    assert build(activation=keras.ops.tanh).layers[0].activation is keras.ops.tanh


def test_unknown_activation():
    with pytest.raises(ValueError, match=r"activation must be a name that Keras knows.*'rellu'"):
        build(activation="rellu")


def test_integers_may_be_of_numpy():
    model = build(np.int64(20), np.int64(2), units=[np.int64(6)], seed=np.int64(0))
    for weight, expected in zip(model.get_weights(), build(units=[6]).get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_more_features_than_an_array_can_have():
    with pytest.raises(MemoryError, match=r"n_features=4611686018427387904 make a network"):
        build(2**62)


@pytest.mark.parametrize("n_hidden", [0, 1, 2])
def test_only_hidden_kernels_are_penalized_unless_there_are_none(n_hidden):
    model = build(units=[3] * n_hidden, l1=0.1, l2=0.2)
    kernels = model.get_weights()[::2]
    penalized = kernels[:-1] or kernels
    expected = sum(0.1 * np.abs(kernel).sum() + 0.2 * (kernel**2).sum() for kernel in penalized)
    assert float(sum(model.losses)) == pytest.approx(float(expected), rel=1e-5)


def test_initial_weights_are_glorot_uniform():
    model = build(n_features=3000, units=[50, 50])
    for kernel, bias in zip(model.get_weights()[::2], model.get_weights()[1::2], strict=True):
        limit = np.sqrt(6 / sum(kernel.shape))
        assert not bias.any()
        assert np.abs(kernel).max() <= limit
        assert np.abs(kernel).max() > 0.9 * limit
        assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.2)
    assert not np.array_equal(model.get_weights()[2].ravel()[:50], model.get_weights()[4].ravel())


def test_layers_of_one_shape_start_from_different_weights():
    first, _, second, _, _, _ = build(n_features=6, units=[6, 6]).get_weights()
    assert not np.array_equal(first, second)


def test_seed_determines_the_weights():
    one, same, other = build(seed=1), build(seed=1), build(seed=2)
    np.testing.assert_array_equal(one.get_weights()[0], same.get_weights()[0])
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_loss_is_the_cross_entropy_times_the_weights(n_classes):
    rng = np.random.default_rng(0)
    model = build(n_classes=n_classes)
    X = rng.normal(size=(9, 20)).astype(np.float32)
    y = rng.integers(n_classes, size=9)
    weight = rng.uniform(0.1, 3, 9)
    probability = model.predict(X, verbose=0).astype(float)
    if n_classes == 2:
        probability = np.column_stack([1 - probability, probability])
    cross_entropy = -np.log(probability[np.arange(9), y])
    loss, accuracy = model.evaluate(X, y, sample_weight=weight, verbose=0)
    assert loss == pytest.approx(np.mean(cross_entropy * weight), rel=1e-5)
    assert accuracy == pytest.approx((probability.argmax(axis=1) == y).mean())


def test_optimizer_is_the_one_given_and_built():
    optimizer = keras.optimizers.Adam(0.01)
    model = build(optimizer=optimizer)
    assert model.optimizer is optimizer
    assert optimizer.built
    assert len(optimizer.variables) == 2 + 2 * len(model.trainable_variables)


@pytest.mark.parametrize("policy", ["mixed_float16", "float64"])
def test_weights_are_float32_whatever_the_policy(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = build(dropout=0.1)
    finally:
        keras.config.set_dtype_policy(before)
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert isinstance(model.optimizer, keras.optimizers.RMSprop)


def test_a_network_larger_than_the_memory_is_refused_before_it_is_made():
    with pytest.raises(MemoryError, match=r"units=\(1000000000,\) .* gradients take [0-9,.]+ GiB"):
        build(10**6, units=[10**9])
