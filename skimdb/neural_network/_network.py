"""From the classifier's parameters to Keras objects."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np


def build_dense_network(
    n_features: int,
    n_classes: int,
    *,
    units: Sequence[int],
    activation: str | Callable[..., Any] = "relu",
    l1: float = 0.0,
    l2: float = 0.0,
    dropout: float = 0.0,
    optimizer: keras.optimizers.Optimizer,
    seed: int,
) -> keras.Model:
    """Build and compile a feed-forward network for classification.

    Each hidden layer is a ``Dense`` layer, followed by ``Dropout`` where `dropout` is positive.
    Two classes share one sigmoid unit, more classes have a softmax unit each. The loss is the
    cross-entropy, averaged by the sample weights of a batch, so that a weight of two means
    the same as the sample given twice.

    Parameters
    ----------
    n_features : int
        Width of the input.
    n_classes : int
        Number of classes, at least 2.
    units : sequence of int
        Units of each hidden layer; empty for a linear model.
    activation : str or callable, default="relu"
        Activation of the hidden layers, in Keras' terms.
    l1, l2 : float, default=0.0
        Regularisation of the kernels of the hidden layers, as in `keras.regularizers.L1L2`.
        Without a hidden layer, of the output layer's kernel.
    dropout : float, default=0.0
        Share of each hidden layer's units that a training step leaves out.
    optimizer : keras.optimizers.Optimizer
        A fresh instance; it is built for the network's weights.
    seed : int
        Seed of the initial weights (Glorot uniform) and of Keras' own dropout masks.

    Returns
    -------
    keras.Sequential
        A compiled model with float32 weights, whatever Keras' global settings are.

    Raises
    ------
    ValueError
        If Keras does not know the activation, or for fewer than two classes.

    Examples
    --------
    >>> import keras
    >>> from skimdb.neural_network import build_dense_network
    >>> model = build_dense_network(
    ...     10_000, 2, units=[16, 16], optimizer=keras.optimizers.RMSprop(), seed=0
    ... )
    >>> model.count_params()
    160305
    """
    try:
        activation = keras.activations.get(activation)
    except ValueError as error:
        raise ValueError(
            f"activation must be a name that Keras knows, or a callable; got {activation!r}."
        ) from error
    if n_classes < 2:
        raise ValueError(f"n_classes must be at least 2; got {n_classes}.")
    n_outputs = 1 if n_classes == 2 else n_classes
    seeds = iter(np.random.SeedSequence(seed).generate_state(2 * len(units) + 1).tolist())
    regularizer = keras.regularizers.L1L2(l1, l2) if l1 or l2 else None

    def dense(
        name: str, n_units: int, activation: str | Callable[..., Any], regularized: bool
    ) -> keras.layers.Dense:
        return keras.layers.Dense(
            n_units,
            activation=activation,
            kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
            kernel_regularizer=regularizer if regularized else None,
            dtype="float32",
            name=name,
        )

    layers: list[keras.layers.Layer] = []
    for depth, n_units in enumerate(units, start=1):
        layers.append(dense(f"hidden_{depth}", n_units, activation, regularized=True))
        if dropout:
            layers.append(
                keras.layers.Dropout(
                    dropout, seed=next(seeds), dtype="float32", name=f"dropout_{depth}"
                )
            )
    layers.append(dense("output", n_outputs, "sigmoid" if n_outputs == 1 else "softmax", not units))
    inputs = keras.Input((n_features,), dtype="float32", name="features")
    model = keras.Sequential([inputs, *layers], name="dense_network")
    model.compile(
        optimizer=optimizer,
        loss=_cross_entropy(n_outputs),
        metrics=["accuracy"],
        auto_scale_loss=False,  # the network is float32 under a policy of mixed_float16 too
    )
    optimizer.build(model.trainable_variables)
    return model


def _cross_entropy(n_outputs: int) -> keras.losses.Loss:
    loss = (
        keras.losses.BinaryCrossentropy
        if n_outputs == 1
        else keras.losses.SparseCategoricalCrossentropy
    )
    return loss(reduction="mean_with_sample_weight")


def hidden_units(units: int | Sequence[int], layers: int) -> list[int]:
    """Return the number of units of each hidden layer."""
    if isinstance(units, (int, np.integer)):
        return [int(units)] * layers
    if len(units) != layers or not all(
        isinstance(n_units, (int, np.integer)) and n_units >= 1 for n_units in units
    ):
        raise ValueError(
            f"units must be a positive int, or a sequence with one for each of the "
            f"layers={layers} hidden layers; got {units!r}."
        )
    return [int(n_units) for n_units in units]


def make_optimizer(
    optimizer: str | type[keras.optimizers.Optimizer] | keras.optimizers.Optimizer,
    learning_rate: float,
) -> keras.optimizers.Optimizer:
    """Return a fresh optimizer; `learning_rate` is not for instances, which have their own."""
    if isinstance(optimizer, keras.optimizers.Optimizer):
        return type(optimizer).from_config(optimizer.get_config())
    # Keras would number the names, and TensorFlow keeps memory for each name of a variable.
    config = {"learning_rate": learning_rate, "name": "optimizer"}
    if isinstance(optimizer, type) and issubclass(optimizer, keras.optimizers.Optimizer):
        return optimizer(**config)
    try:
        return keras.optimizers.get({"class_name": optimizer, "config": config})
    except (AttributeError, ValueError) as error:
        raise ValueError(
            f"optimizer must be a name that Keras knows, a Keras optimizer or its class; "
            f"got {optimizer!r}."
        ) from error


def copy_callbacks(
    callbacks: Sequence[keras.callbacks.Callback | type[keras.callbacks.Callback]] | None,
) -> list[keras.callbacks.Callback]:
    """Return fresh callbacks, of classes an instance each."""
    copies = []
    for callback in callbacks or []:
        if isinstance(callback, type) and issubclass(callback, keras.callbacks.Callback):
            copies.append(callback())
        elif isinstance(callback, keras.callbacks.Callback):
            copies.append(copy.deepcopy(callback))
        else:
            raise TypeError(
                f"callbacks must hold Keras callbacks or their classes; got {callback!r}."
            )
    return copies
