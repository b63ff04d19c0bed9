"""From the classifier's parameters to a Keras model."""

import math
import multiprocessing
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from skimdb.neural_network.arrays import (
    ACTIVATIONS,
    Architecture,
    FloatArray,
    initial_parameters,
)
from skimdb.neural_network.keras._forks import check_keras_works
from skimdb.neural_network.keras._objects import check_is_registered
from skimdb.neural_network.keras._threads import limit_tensorflow_threads
from skimdb.utils._memory import check_memory

FLOAT32_MAX = float(np.finfo(np.float32).max)

# The workers of joblib and Dask are such children; the threads of other processes are their own.
if multiprocessing.parent_process() is not None:
    limit_tensorflow_threads()


@validate_params(
    {
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "n_classes": [Interval(Integral, 2, None, closed="left")],
        "units": [list, tuple],
        "l1": [Interval(Real, 0, FLOAT32_MAX, closed="both")],
        "l2": [Interval(Real, 0, FLOAT32_MAX, closed="both")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "optimizer": [keras.optimizers.Optimizer],
        "seed": [Interval(Integral, 0, 2**32 - 1, closed="both")],
        "dtype": [StrOptions({"float32", "float64"})],
    },
    prefer_skip_nested_validation=True,
)
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
    dtype: str = "float32",
) -> keras.Model:
    """Build and compile a feed-forward network for classification.

    Each hidden layer is a ``Dense`` layer, followed by ``Dropout`` where `dropout` is positive.
    Two classes share one sigmoid unit, more classes have a softmax unit each. The loss is the
    cross-entropy, multiplied by the sample weights and averaged over the samples of a batch.

    Parameters
    ----------
    n_features : int
        Width of the input.
    n_classes : int
        Number of classes, at least 2.
    units : list or tuple of int
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
    dtype : {"float32", "float64"}, default="float32"
        Type of the weights and of the computation, whatever Keras' global settings are.

    Returns
    -------
    keras.Sequential
        A compiled model.

    Raises
    ------
    ValueError
        For invalid parameters.
    MemoryError
        If the network does not fit in memory.

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
    seed = int(seed)
    architecture = Architecture(
        int(n_features),
        int(n_classes),
        hidden_units(units, len(units)),
        find_activation(activation),
        float(l1),
        float(l2),
        float(dropout),
    )
    parameters = parameters_in_memory(architecture, seed, dtype)
    model = compiled_model(architecture, optimizer, seed, dtype)
    for weight, value in zip(model.trainable_variables, parameters, strict=True):
        weight.assign(value)
    return model


def parameters_in_memory(architecture: Architecture, seed: int, dtype: Any) -> list[FloatArray]:
    """Return the parameters before training, or raise a MemoryError that names what is large."""
    n_bytes = sum(map(math.prod, architecture.shapes)) * np.dtype(dtype).itemsize
    try:
        check_memory(2 * n_bytes, "its weights and their gradients take")
        return initial_parameters(architecture, seed, dtype)
    except (MemoryError, ValueError) as error:  # a shape may be too large for NumPy
        raise MemoryError(
            f"units={architecture.units} and n_features={architecture.n_features} make a network "
            f"that does not fit in memory: {error}"
        ) from error


def compiled_model(
    architecture: Architecture, optimizer: keras.optimizers.Optimizer, seed: int, dtype: str
) -> keras.Model:
    """Return the model of an architecture, with weights that are yet to be set."""
    check_keras_works()
    l1, l2, n_outputs = architecture.l1, architecture.l2, architecture.n_outputs
    regularizer = keras.regularizers.L1L2(l1, l2) if l1 or l2 else None

    def dense(name: str, n_units: int, activation: Any, regularized: bool) -> keras.layers.Dense:
        return keras.layers.Dense(
            n_units,
            activation=activation,
            # Not what the weights are drawn from: without a seed Keras would draw one.
            kernel_initializer=keras.initializers.GlorotUniform(seed),
            kernel_regularizer=regularizer if regularized else None,
            dtype=dtype,
            name=name,
        )

    layers: list[keras.layers.Layer] = []
    dropout_seeds = initial_dropout_states(architecture, seed)
    for depth, n_units in enumerate(architecture.units, start=1):
        layers.append(dense(f"hidden_{depth}", n_units, architecture.activation, True))
        if dropout_seeds:
            layers.append(
                keras.layers.Dropout(
                    architecture.dropout,
                    seed=int(dropout_seeds[depth - 1][0]),
                    dtype=dtype,
                    name=f"dropout_{depth}",
                )
            )
    layers.append(
        dense(
            "output",
            n_outputs,
            "sigmoid" if n_outputs == 1 else "softmax",
            not architecture.units,
        )
    )
    inputs = keras.Input((architecture.n_features,), dtype=dtype, name="features")
    model = keras.Sequential([inputs, *layers], name="dense_network")
    model.compile(
        optimizer=optimizer,
        loss=_cross_entropy(n_outputs, dtype),
        metrics=["accuracy"],
        auto_scale_loss=False,  # the network has one type under a policy of mixed_float16 too
    )
    # Otherwise Keras adds penalties in float64 to a loss in float32, which TensorFlow refuses.
    model._compile_loss._dtype = dtype
    optimizer.build(model.trainable_variables)
    return model


def initial_dropout_states(architecture: Architecture, seed: int) -> list[NDArray[np.uint32]]:
    """Return the state of the generator of Keras' own masks, for each hidden layer."""
    if not architecture.dropout:
        return []
    seeds = np.random.SeedSequence(seed).generate_state(len(architecture.units))
    return [np.array([seed, 0], np.uint32) for seed in seeds]


def _cross_entropy(n_outputs: int, dtype: str) -> keras.losses.Loss:
    loss = (
        keras.losses.BinaryCrossentropy
        if n_outputs == 1
        else keras.losses.SparseCategoricalCrossentropy
    )
    return loss(dtype=dtype)


def hidden_units(units: Any, layers: int) -> tuple[int, ...]:
    """Return the number of units of each hidden layer."""
    if isinstance(units, Integral):
        return (int(units),) * layers
    units_of_layers: list[Any] = [*np.atleast_1d(np.array(units, dtype=object))]
    if len(units_of_layers) != layers or not all(
        isinstance(n_units, Integral) and 1 <= int(n_units) < 2**31 for n_units in units_of_layers
    ):
        raise ValueError(
            f"units must be a positive int, or a sequence with one for each of the "
            f"layers={layers} hidden layers; got {units!r}."
        )
    return tuple(int(n_units) for n_units in units_of_layers)


def find_activation(activation: str | Callable[..., Any]) -> str | Callable[..., Any]:
    """Return the name of an activation that Keras knows by one, or else the callable."""
    if isinstance(activation, str) and activation in ACTIVATIONS:
        return activation
    try:
        function = keras.activations.get(activation)
        if isinstance(function, type):
            raise TypeError("a class has to be called first")
    except (TypeError, ValueError) as error:
        raise ValueError(
            "activation must be a name that Keras knows, a function or a layer, and not a class; "
            f"got {activation!r}."
        ) from error
    check_is_registered(function, "activation")
    name = getattr(function, "__name__", "")
    return name if getattr(keras.activations, name, None) is function else function
