"""Activations of hidden layers, by the names that Keras gives them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import erf, expit

from skimdb.neural_network.arrays._types import FloatArray

# Klambauer et al. 2017, "Self-normalizing neural networks", equation 14.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805
_LEAKY_RELU_SLOPE = 0.2


@dataclass(frozen=True)
class Activation:
    """A function of single numbers.

    Attributes
    ----------
    forward : callable
        Returns the output, given the layer's weighted sums.
    derivative : callable
        Returns what a gradient by the output is multiplied by, given the sums and the output.
    """

    forward: Callable[[FloatArray], FloatArray]
    derivative: Callable[[FloatArray, FloatArray], Any]


def _elu(x: FloatArray) -> FloatArray:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _selu(x: FloatArray) -> FloatArray:
    return _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def _normal_cdf(x: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1 + erf(x * float(np.sqrt(0.5)))))


def _gelu_derivative(x: FloatArray, output: FloatArray) -> FloatArray:
    return _normal_cdf(x) + x * np.exp(-0.5 * x * x) / float(np.sqrt(2 * np.pi))


def _silu_derivative(x: FloatArray, output: FloatArray) -> FloatArray:
    gate: FloatArray = expit(x)
    return gate + output * (1 - gate)


ACTIVATIONS: dict[str, Activation] = {
    "elu": Activation(_elu, lambda x, output: np.where(x > 0, 1, output + 1)),
    "gelu": Activation(lambda x: x * _normal_cdf(x), _gelu_derivative),
    "leaky_relu": Activation(
        lambda x: np.where(x > 0, x, _LEAKY_RELU_SLOPE * x),
        lambda x, output: np.where(x > 0, x.dtype.type(1), x.dtype.type(_LEAKY_RELU_SLOPE)),
    ),
    "linear": Activation(lambda x: x, lambda x, output: 1),
    "relu": Activation(lambda x: np.maximum(x, 0), lambda x, output: x > 0),
    "selu": Activation(
        _selu,
        lambda x, output: np.where(
            x > 0, x.dtype.type(_SELU_SCALE), output + _SELU_SCALE * _SELU_ALPHA
        ),
    ),
    "sigmoid": Activation(expit, lambda x, output: output * (1 - output)),
    "silu": Activation(lambda x: x * expit(x), _silu_derivative),
    "softplus": Activation(lambda x: np.logaddexp(0, x), lambda x, output: expit(x)),
    "tanh": Activation(np.tanh, lambda x, output: 1 - output * output),
}
