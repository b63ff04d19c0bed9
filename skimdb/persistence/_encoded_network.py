"""A classifier's network as numbers and arrays. Importing this loads TensorFlow."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from skimdb.neural_network._keras_optimizer import KerasOptimizer, optimizer_of, to_keras
from skimdb.neural_network._network import find_activation
from skimdb.neural_network._state import NetworkState
from skimdb.neural_network.arrays import Architecture, ArrayNetwork
from skimdb.persistence._plain import decode, encode

_MAX_SEED = np.iinfo(np.int32).max
# Keras' optimizers whose configuration is plain numbers.
_OPTIMIZERS = {
    name.lower(): getattr(keras.optimizers, name)
    for name in (
        "Adadelta",
        "Adafactor",
        "Adagrad",
        "Adam",
        "AdamW",
        "Adamax",
        "Ftrl",
        "Lamb",
        "Lion",
        "Nadam",
        "RMSprop",
        "SGD",
    )
}


def encode_optimizer_parameter(optimizer: Any) -> Any:
    """Return the parameter `optimizer`, a name, a class or an instance, as JSON.

    Raises
    ------
    ValueError, TypeError
        For others than Keras' own, and for a learning rate that is a schedule.
    """
    if isinstance(optimizer, str):
        _optimizer_class(optimizer)
        return optimizer
    if isinstance(optimizer, type):
        return {"optimizer_class": _optimizer_name(optimizer)}
    return _encode_optimizer(type(optimizer), optimizer.get_config())


def decode_optimizer_parameter(plain: Any) -> Any:
    """Return the parameter that `encode_optimizer_parameter` was given."""
    match plain:
        case str():
            _optimizer_class(plain)
            return plain
        case {"optimizer_class": name, **rest} if not rest:
            return _optimizer_class(name)
    kind, config = _decode_optimizer(plain)
    return kind.from_config(config)


def encode_network(classifier: Any, members: dict[str, bytes]) -> dict[str, Any]:
    """Return a fitted classifier's network as JSON, with its variables as arrays.

    Parameters
    ----------
    classifier : DenseSentimentClassifier
    members : dict of str to bytes
        Takes the arrays.

    Raises
    ------
    ValueError, TypeError
        If the network is not what `build_dense_network` makes of plain parameters.
    """
    state: NetworkState = classifier._state
    try:
        architecture = state.settled_network.architecture
    except ValueError as error:
        raise ValueError(
            f"DenseSentimentClassifier.{error}, so it cannot be kept. Save it by model_.save, "
            "which is Keras' own."
        ) from error
    if not isinstance(architecture.activation, str):
        raise TypeError(
            f"DenseSentimentClassifier.model_ has the activation {architecture.activation!r}; "
            "only those that Keras knows by name can be kept"
        )
    optimizer = state.optimizer
    kind = optimizer.kind if isinstance(optimizer, KerasOptimizer) else type(to_keras(optimizer))
    plain_optimizer = _encode_optimizer(kind, optimizer.get_config())
    if isinstance(optimizer, KerasOptimizer):
        state.model  # noqa: B018 - which makes the optimizer's variables
    return {
        "activation": architecture.activation,
        "l1": architecture.l1,
        "l2": architecture.l2,
        "dropout": architecture.dropout,
        "optimizer": plain_optimizer,
        "variables": _encode_variables(state.network_values(), members),
        "optimizer_variables": _encode_variables(optimizer.variables(), members),
    }


def decode_network(
    plain: dict[str, Any], classifier: Any, seed: Any, members: dict[str, bytes]
) -> NetworkState:
    """Return the network that `encode_network` was given.

    Parameters
    ----------
    plain : dict
        From the file.
    classifier : DenseSentimentClassifier
        With its other attributes.
    seed : object
        From the file.
    members : dict of str to bytes
        The arrays are taken out of it.

    Raises
    ------
    ValueError, TypeError, LookupError
        If the parts do not fit together; nothing larger than the arrays is built before.
    """
    if type(seed) is not int or not 0 <= seed <= _MAX_SEED:
        raise ValueError(
            f"DenseSentimentClassifier._seed must be an integer from 0 to {_MAX_SEED}; got {seed!r}"
        )
    variables = _decode_variables(plain["variables"], members)
    architecture = _architecture(plain, variables, classifier)
    stride = 3 if architecture.dropout else 2
    parameters = [value for i, value in enumerate(variables) if i % stride < 2]
    dropout_states = [value for i, value in enumerate(variables) if i % stride == 2]
    dtypes = {parameter.dtype for parameter in parameters}
    if len(dtypes) > 1 or not dtypes < {np.dtype(np.float32), np.dtype(np.float64)}:
        raise ValueError(f"the arrays of a network have the types {str(dtypes)[:200]}")
    network = ArrayNetwork(architecture, parameters)
    optimizer = optimizer_of(*_decode_optimizer(plain["optimizer"]), network)
    state = NetworkState(network, optimizer, seed, dropout_states)
    if isinstance(optimizer, KerasOptimizer):
        state.model  # noqa: B018 - which makes the optimizer's variables
    values = _decode_variables(plain["optimizer_variables"], members)
    expected = optimizer.variables()
    if len(values) != len(expected):
        raise ValueError(f"it has {len(values)} arrays for {len(expected)} variables")
    for index, (value, like) in enumerate(zip(values, expected, strict=True)):
        # Keras' versions keep counters in different types of integers.
        both_integers = value.dtype.kind in "iu" and like.dtype.kind in "iu"
        if value.shape != like.shape or not (value.dtype == like.dtype or both_integers):
            raise ValueError(
                f"variable {index} of the optimizer must be an array of shape {like.shape} and "
                f"dtype {like.dtype}; got {value.shape} and {value.dtype}"
            )
        optimizer.set_variable(index, value.astype(like.dtype, copy=False))
    state.write()
    return state


def _architecture(
    plain: dict[str, Any], variables: Sequence[NDArray[Any]], classifier: Any
) -> Architecture:
    l1, l2, dropout = plain["l1"], plain["l2"], plain["dropout"]
    if not (
        all(type(value) is float and value >= 0 for value in (l1, l2, dropout)) and dropout < 1
    ):
        raise ValueError(f"the network has l1={l1}, l2={l2}, dropout={dropout}")
    if not isinstance(plain["activation"], str):
        raise ValueError(f"the network has the activation {plain['activation']!r}")
    n_features, n_classes = classifier.n_features_in_, len(classifier.classes_)
    units = _units(variables, n_features, n_classes, with_dropout=dropout > 0)
    activation = find_activation(plain["activation"])
    return Architecture(n_features, n_classes, tuple(units), activation, l1, l2, dropout)


def _units(
    variables: Sequence[NDArray[Any]], n_features: int, n_classes: int, *, with_dropout: bool
) -> list[int]:
    """Return the units of the hidden layers, which the shapes of the variables tell.

    Each layer has a kernel and a bias; a hidden one with dropout has the state of a generator.
    """
    kernels = variables[:: 3 if with_dropout else 2]
    n_outputs = 1 if n_classes == 2 else n_classes
    widths = [n_features, *(kernel.shape[-1] for kernel in kernels if kernel.ndim)]
    expected: list[tuple[int, ...]] = []
    for n_in, n_out in pairwise(widths):
        expected += [(n_in, n_out), (n_out,), *([(2,)] if with_dropout else [])]
    if with_dropout:
        expected = expected[:-1]
    shapes = [variable.shape for variable in variables]
    if shapes != expected or widths[-1] != n_outputs or min(widths) < 1:
        raise ValueError(
            f"arrays of the shapes {str(shapes)[:200]} are not a network of {n_features} features "
            f"and {n_classes} classes"
        )
    return widths[1:-1]


def _encode_variables(values: Sequence[NDArray[Any]], members: dict[str, bytes]) -> list[Any]:
    return [encode(value, f"variable {i}", members) for i, value in enumerate(values)]


def _decode_variables(plain: Any, members: dict[str, bytes]) -> list[NDArray[Any]]:
    values = [decode(array, members) for array in plain]
    if not all(isinstance(value, np.ndarray) for value in values):
        raise ValueError("a variable of the network is not an array")
    return values


def _encode_optimizer(kind: type, config: dict[str, Any]) -> dict[str, Any]:
    name = _optimizer_name(kind)
    for setting, value in config.items():
        if not isinstance(value, (str, int, float, type(None))):
            raise TypeError(
                f"DenseSentimentClassifier.optimizer has a {setting} that is not a number; "
                "schedules cannot be kept"
            )
    return {"optimizer": name, "config": config}


def _decode_optimizer(plain: Any) -> tuple[Any, dict[str, Any]]:
    """Return a class of Keras and the settings of an optimizer of it."""
    kind = _optimizer_class(plain["optimizer"])
    config = plain["config"]
    if not isinstance(config, dict) or not all(
        isinstance(value, (str, int, float, type(None))) for value in config.values()
    ):
        raise ValueError(f"an optimizer has the settings {str(config)[:200]}")
    return kind, kind.from_config(dict(config)).get_config()


def _optimizer_class(name: Any) -> Any:
    if not isinstance(name, str) or name.lower() not in _OPTIMIZERS:
        raise ValueError(
            f"DenseSentimentClassifier.optimizer is {name!r}; those that can be kept are "
            f"{', '.join(_OPTIMIZERS)}"
        )
    return _OPTIMIZERS[name.lower()]


def _optimizer_name(optimizer_class: type) -> str:
    for name, known in _OPTIMIZERS.items():
        if optimizer_class is known:
            return name
    raise TypeError(
        f"DenseSentimentClassifier.optimizer is a {optimizer_class.__qualname__}; those that can "
        f"be kept are {', '.join(_OPTIMIZERS)}"
    )
