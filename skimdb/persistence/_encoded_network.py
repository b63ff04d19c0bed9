"""A classifier's network as numbers and arrays. Importing this loads TensorFlow."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from skimdb.neural_network._network import build_dense_network
from skimdb.persistence._plain import decode, encode

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
    return _encode_optimizer(optimizer)


def decode_optimizer_parameter(plain: Any) -> Any:
    """Return the parameter that `encode_optimizer_parameter` was given."""
    match plain:
        case str():
            _optimizer_class(plain)
            return plain
        case {"optimizer_class": name, **rest} if not rest:
            return _optimizer_class(name)
    return _decode_optimizer(plain)


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
    model = classifier.model_
    plain = {
        **_architecture(model),
        "optimizer": _encode_optimizer(model.optimizer),
        "variables": _encode_variables(model.variables, members),
        "optimizer_variables": _encode_variables(model.optimizer.variables, members),
    }
    rebuilt = _build(plain, [variable.value.numpy() for variable in model.variables], classifier)
    if (
        rebuilt.get_config() != model.get_config()
        or rebuilt.get_compile_config() != model.get_compile_config()
    ):
        raise ValueError(
            "DenseSentimentClassifier.model_ has been changed since it was built, so it cannot "
            "be kept. Save it by model_.save, which is Keras' own."
        )
    return plain


def decode_network(
    plain: dict[str, Any], classifier: Any, members: dict[str, bytes]
) -> keras.Model:
    """Return the network that `encode_network` was given.

    Parameters
    ----------
    plain : dict
        From the file.
    classifier : DenseSentimentClassifier
        With its other attributes.
    members : dict of str to bytes
        The arrays are taken out of it.

    Raises
    ------
    ValueError, TypeError, LookupError
        If the parts do not fit together; nothing larger than the arrays is built before.
    """
    variables = _decode_variables(plain["variables"], members)
    model = _build(plain, variables, classifier)
    _assign(model.variables, variables)
    _assign(model.optimizer.variables, _decode_variables(plain["optimizer_variables"], members))
    return model


def _architecture(model: keras.Model) -> dict[str, Any]:
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    regularizer = dense[0].kernel_regularizer
    activation = dense[0].activation if len(dense) > 1 else keras.activations.linear
    name = getattr(activation, "__name__", None)
    if not isinstance(name, str) or getattr(keras.activations, name, None) is not activation:
        raise TypeError(
            f"DenseSentimentClassifier.model_ has the activation {activation!r}; "
            "only those that Keras knows by name can be kept"
        )
    return {
        "activation": name,
        "l1": float(regularizer.l1) if regularizer else 0.0,
        "l2": float(regularizer.l2) if regularizer else 0.0,
        "dropout": float(dropouts[0].rate) if dropouts else 0.0,
    }


def _build(
    plain: dict[str, Any], variables: Sequence[NDArray[Any]], classifier: Any
) -> keras.Model:
    l1, l2, dropout = plain["l1"], plain["l2"], plain["dropout"]
    if not (
        all(type(value) is float and value >= 0 for value in (l1, l2, dropout)) and dropout < 1
    ):
        raise ValueError(f"the network has l1={l1}, l2={l2}, dropout={dropout}")
    if not isinstance(plain["activation"], str):
        raise ValueError(f"the network has the activation {plain['activation']!r}")
    n_classes = len(classifier.classes_)
    return build_dense_network(
        classifier.n_features_in_,
        n_classes,
        units=_units(variables, classifier.n_features_in_, n_classes, with_dropout=dropout > 0),
        activation=plain["activation"],
        l1=l1,
        l2=l2,
        dropout=dropout,
        optimizer=_decode_optimizer(plain["optimizer"]),
        seed=classifier._seed,
    )


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


def _encode_variables(variables: Sequence[keras.Variable], members: dict[str, bytes]) -> list[Any]:
    return [
        encode(np.asarray(variable.value.numpy()), f"variable {variable.path}", members)
        for variable in variables
    ]


def _decode_variables(plain: Any, members: dict[str, bytes]) -> list[NDArray[Any]]:
    values = [decode(array, members) for array in plain]
    if not all(isinstance(value, np.ndarray) for value in values):
        raise ValueError("a variable of the network is not an array")
    return values


def _assign(variables: Sequence[keras.Variable], values: Sequence[NDArray[Any]]) -> None:
    if len(values) != len(variables):
        raise ValueError(f"it has {len(values)} arrays for {len(variables)} variables")
    for variable, value in zip(variables, values, strict=True):
        dtype = np.dtype(variable.dtype)
        # Keras' versions keep the state of generators in different types of integers.
        if not (
            value.shape == tuple(variable.shape)
            and (value.dtype == dtype or (value.dtype.kind in "iu" and dtype.kind in "iu"))
        ):
            raise ValueError(
                f"the variable {variable.path} must be an array of shape "
                f"{tuple(variable.shape)} and dtype {dtype}; got {value.shape} and {value.dtype}"
            )
        variable.assign(value.astype(dtype, copy=False))


def _encode_optimizer(optimizer: Any) -> dict[str, Any]:
    name = _optimizer_name(type(optimizer))
    config = optimizer.get_config()
    for setting, value in config.items():
        if not isinstance(value, (str, int, float, type(None))):
            raise TypeError(
                f"DenseSentimentClassifier.optimizer has a {setting} that is not a number; "
                "schedules cannot be kept"
            )
    return {"optimizer": name, "config": config}


def _decode_optimizer(plain: Any) -> keras.optimizers.Optimizer:
    optimizer_class = _optimizer_class(plain["optimizer"])
    config = plain["config"]
    if not isinstance(config, dict) or not all(
        isinstance(value, (str, int, float, type(None))) for value in config.values()
    ):
        raise ValueError(f"an optimizer has the settings {str(config)[:200]}")
    return optimizer_class.from_config(dict(config))


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
