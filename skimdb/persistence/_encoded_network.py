"""A classifier's network as numbers and arrays. Importing this loads TensorFlow."""

from typing import Any

import keras
import numpy as np

from skimdb.neural_network._state import NetworkState
from skimdb.neural_network.keras._model import find_activation
from skimdb.neural_network.keras._optimizer import KerasOptimizer, optimizer_of, to_keras
from skimdb.persistence._archive import Bytes
from skimdb.persistence._network_arrays import (
    SaveOptions,
    check_weights,
    decode_arrays,
    decode_variables,
    encode_variables,
    halved,
)

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


def encode_network(
    classifier: Any, members: dict[str, bytes], options: SaveOptions
) -> dict[str, Any]:
    """Return a fitted classifier's network as JSON, with its variables as arrays.

    Parameters
    ----------
    classifier : DenseSentimentClassifier
    members : dict of str to bytes
        Takes the arrays.
    options : SaveOptions

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
    check_weights(state.network.parameters)
    optimizer = state.optimizer
    kind = optimizer.kind if isinstance(optimizer, KerasOptimizer) else type(to_keras(optimizer))
    variables = state.network_values()
    plain = {
        "activation": architecture.activation,
        "l1": architecture.l1,
        "l2": architecture.l2,
        "dropout": architecture.dropout,
        "optimizer": _encode_optimizer(kind, optimizer.get_config()),
        "variables": encode_variables(
            halved(variables) if options.half_precision else variables, members
        ),
    }
    if options.optimizer_state and not state.lacks_optimizer_state:
        if isinstance(optimizer, KerasOptimizer):
            state.model  # noqa: B018 - which makes the optimizer's variables
        plain["optimizer_variables"] = encode_variables(optimizer.variables(), members)
    return plain


def decode_network(
    plain: dict[str, Any], classifier: Any, seed: Any, members: dict[str, Bytes]
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
    members : dict of str to ndarray of uint8
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
    network, dropout_states = decode_arrays(plain, classifier, members)
    find_activation(network.architecture.activation)
    optimizer = optimizer_of(*_decode_optimizer(plain["optimizer"]), network)
    state = NetworkState(network, optimizer, seed, dropout_states)
    if "optimizer_variables" not in plain:
        state.lacks_optimizer_state = getattr(classifier, "n_iter_", 0) != 0
        return state
    if isinstance(optimizer, KerasOptimizer):
        state.model  # noqa: B018 - which makes the optimizer's variables
    values = decode_variables(plain["optimizer_variables"], members)
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
