"""The arrays of a classifier's network, which predict without Keras."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimdb.neural_network.arrays import Architecture, ArrayNetwork, are_finite
from skimdb.persistence._archive import Bytes
from skimdb.persistence._plain import decode, encode


@dataclass(frozen=True)
class SaveOptions:
    """What of a network is kept, and how; as the parameters of `save`."""

    optimizer_state: bool = False
    half_precision: bool = False

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, bool | np.bool_):
                raise TypeError(f"{name} must be a bool, got {value!r}.")


def decode_arrays(
    plain: dict[str, Any], classifier: Any, members: dict[str, Bytes]
) -> tuple[ArrayNetwork, list[NDArray[Any]]]:
    """Return a network and the states of its generators of dropout masks.

    Parameters
    ----------
    plain : dict
        From the file.
    classifier : estimator
        With `n_features_in_` and `classes_`.
    members : dict of str to ndarray of uint8
        The arrays are taken out of it.

    Raises
    ------
    ValueError, TypeError, LookupError
        If the parts do not fit together.
    """
    variables = decode_variables(plain["variables"], members)
    # Each layer has a kernel and a bias; a hidden one with dropout has the state of a generator.
    with_dropout = bool(plain["dropout"])
    stride = 3 if with_dropout else 2
    parameters = [value for i, value in enumerate(variables) if i % stride < 2]
    dropout_states = [value for i, value in enumerate(variables) if i % stride == 2]
    architecture = _architecture(plain, parameters, classifier)
    expected = [*architecture.shapes, *([(2,)] * len(architecture.units) if with_dropout else [])]
    shapes = [value.shape for value in (*parameters, *dropout_states)]
    if shapes != expected or 0 in architecture.units:
        raise ValueError(
            f"arrays of the shapes {str(shapes)[:200]} are not a network of "
            f"{architecture.n_features} features and {architecture.n_classes} classes"
        )
    # Kernels may be kept in half precision; biases are of the type in which all is computed.
    dtype = parameters[1].dtype
    parameters = [
        parameter.astype(dtype) if parameter.dtype == np.float16 else parameter
        for parameter in parameters
    ]
    dtypes = {parameter.dtype for parameter in parameters}
    if len(dtypes) > 1 or not dtypes < {np.dtype(np.float32), np.dtype(np.float64)}:
        raise ValueError(f"the arrays of a network have the types {str(dtypes)[:200]}")
    check_weights(parameters)
    return ArrayNetwork(architecture, parameters), dropout_states


def check_weights(parameters: Sequence[NDArray[Any]]) -> None:
    """Raise a ValueError if weights are infinite or not numbers."""
    if not are_finite(parameters):
        raise ValueError("the network has weights that are not finite")


def _architecture(
    plain: dict[str, Any], parameters: Sequence[NDArray[Any]], classifier: Any
) -> Architecture:
    l1, l2, dropout = plain["l1"], plain["l2"], plain["dropout"]
    if not (
        all(type(value) is float and value >= 0 for value in (l1, l2, dropout)) and dropout < 1
    ):
        raise ValueError(f"the network has l1={l1}, l2={l2}, dropout={dropout}")
    if not isinstance(plain["activation"], str):
        raise ValueError(f"the network has the activation {plain['activation']!r}")
    biases = parameters[1::2]
    units = tuple(bias.size for bias in biases[:-1])
    n_features, n_classes = classifier.n_features_in_, len(classifier.classes_)
    return Architecture(n_features, n_classes, units, plain["activation"], l1, l2, dropout)


def halved(variables: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return the variables of a network with kernels of float16.

    Raises
    ------
    ValueError
        If a weight is too large for that.
    """
    with np.errstate(over="ignore"):
        halves = [value.astype(np.float16) if value.ndim == 2 else value for value in variables]
    for value, half in zip(variables, halves, strict=True):
        if not np.isfinite(half).all():
            raise ValueError(
                f"half_precision=True holds weights up to {np.finfo(np.float16).max:.0f}, and the "
                f"network has one of {np.abs(value).max():.0f}"
            )
    return halves


def encode_variables(values: Sequence[NDArray[Any]], members: dict[str, bytes]) -> list[Any]:
    return [encode(value, f"variable {i}", members) for i, value in enumerate(values)]


def decode_variables(plain: Any, members: dict[str, Bytes]) -> list[NDArray[Any]]:
    values = [decode(array, members) for array in plain]
    if not all(isinstance(value, np.ndarray) for value in values):
        raise ValueError("a variable of the network is not an array")
    return values
