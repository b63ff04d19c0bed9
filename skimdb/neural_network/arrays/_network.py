"""A dense network as numpy arrays: forward pass, loss and gradients.

The formulas are those of Keras' `Dense` and `Dropout` layers, of its cross-entropies and of
back-propagation (Rumelhart, Hinton & Williams 1986, "Learning representations by
back-propagating errors", Nature 323).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.special import expit, log_softmax

from skimdb.neural_network.arrays._activations import ACTIVATIONS, Activation
from skimdb.neural_network.arrays._types import FloatArray, Matrix


@dataclass(frozen=True)
class Architecture:
    """What a network is, without its weights.

    Attributes
    ----------
    n_features, n_classes : int
    units : tuple of int
        Of each hidden layer.
    activation : str or callable
        Of the hidden layers. A name out of `ACTIVATIONS`, or else what Keras alone can compute.
    l1, l2 : float
        Regularisation of the hidden layers' kernels; without these, of the output layer's.
    dropout : float
        Share of each hidden layer's units that a training step leaves out.
    """

    n_features: int
    n_classes: int
    units: tuple[int, ...]
    activation: Any = "relu"
    l1: float = 0.0
    l2: float = 0.0
    dropout: float = 0.0

    @property
    def n_outputs(self) -> int:
        """Two classes share one output."""
        return 1 if self.n_classes == 2 else self.n_classes

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of each layer's kernel and bias."""
        sizes = [self.n_features, *self.units, self.n_outputs]
        return [shape for n_in, n_out in pairwise(sizes) for shape in ((n_in, n_out), (n_out,))]


def initial_parameters(
    architecture: Architecture, seed: int, dtype: DTypeLike = np.float32
) -> list[FloatArray]:
    """Return the kernel and bias of each layer before training.

    Kernels are drawn from Glorot and Bengio's uniform distribution, in single precision whatever
    `dtype` is; biases are zero.
    """
    parameters: list[FloatArray] = []
    for shape, sequence in zip(
        architecture.shapes[::2],
        np.random.SeedSequence(seed).spawn(len(architecture.units) + 1),
        strict=True,
    ):
        limit = np.sqrt(6 / sum(shape))
        kernel = np.random.default_rng(sequence).random(shape, dtype=np.float32)
        kernel -= 0.5
        kernel *= 2 * limit
        parameters += [kernel.astype(dtype, copy=False), np.zeros(shape[1], dtype)]
    return parameters


class ArrayNetwork:
    """A network's arithmetic.

    Parameters
    ----------
    architecture : Architecture
    parameters : list of ndarray
        Kernel and bias of each layer, all of one type, in which everything is computed.
    """

    def __init__(self, architecture: Architecture, parameters: Sequence[FloatArray]) -> None:
        self.architecture = architecture
        self.parameters = list(parameters)

    def copy(self) -> Self:
        """Return a network with copies of the parameters."""
        return type(self)(self.architecture, [parameter.copy() for parameter in self.parameters])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the parameters."""
        return self.parameters[0].dtype

    @property
    def has_known_activation(self) -> bool:
        """Whether the arithmetic is possible."""
        return not self.architecture.units or self.architecture.activation in ACTIVATIONS

    @property
    def regularizes_first_kernel(self) -> bool:
        """Whether each element of the first kernel has a gradient in each step."""
        return bool(self.architecture.l1 or self.architecture.l2)

    def logits(self, X: Matrix, first_kernel: FloatArray | None = None) -> FloatArray:
        """Return the output layer's values before its activation, (n_samples, n_outputs).

        `first_kernel` may hold the rows that the columns of `X` stand for, if not all.
        """
        return self.logits_of_sums(self.first_sums(X, first_kernel))

    def first_sums(self, X: Matrix, first_kernel: FloatArray | None = None) -> FloatArray:
        """Return the weighted sums of the first layer, (n_samples, n_units)."""
        sums: FloatArray = X @ (self.parameters[0] if first_kernel is None else first_kernel)
        sums += self.parameters[1]
        return sums

    def logits_of_sums(self, sums: FloatArray) -> FloatArray:
        """Return the logits, given the weighted sums of the first layer."""
        return self._forward(sums)[0][-1]

    def slopes_of_sums(self, sums: FloatArray, slopes_of_logits: FloatArray) -> FloatArray:
        """Return the derivatives of a function of the logits by the weighted sums.

        `slopes_of_logits` are its derivatives by the logits, (n_samples, n_outputs).
        """
        all_sums, outputs, _ = self._forward(sums)
        delta = slopes_of_logits.astype(all_sums[-1].dtype)
        for depth in reversed(range(1, len(all_sums))):
            delta = delta @ self.parameters[2 * depth].T
            delta *= self._activation.derivative(all_sums[depth - 1], outputs[depth - 1])
        return delta

    def penalty(self) -> float:
        """Return the sum of the regularisation terms."""
        l1, l2 = self.architecture.l1, self.architecture.l2
        if not (l1 or l2):
            return 0.0
        return sum(
            float(l1 * np.abs(kernel).sum() + l2 * np.square(kernel).sum())
            for kernel in self._regularized_kernels
        )

    def gradients(
        self,
        X: Matrix,
        y: NDArray[Any],
        sample_weight: FloatArray,
        first_kernel: FloatArray,
        rng: np.random.Generator,
    ) -> tuple[list[FloatArray], float, float]:
        """Return the gradients of a batch's mean loss, the loss itself and the accuracy.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n_samples, n_rows)
        y : ndarray of shape (n_samples,)
            Indices of the classes.
        sample_weight : ndarray of shape (n_samples,)
        first_kernel : ndarray of shape (n_rows, n_units)
            The rows of the first kernel that the columns of `X` stand for.
        rng : Generator
            Draws the dropout masks.
        """
        sums, outputs, masks = self._forward(self.first_sums(X, first_kernel), rng)
        loss, correct, delta = cross_entropy(sums[-1], y)
        weight = sample_weight / len(sample_weight)
        delta *= weight[:, np.newaxis]

        gradients: list[FloatArray] = []
        for depth in reversed(range(1, len(sums))):
            inputs = outputs[depth - 1] * masks[depth - 1] if masks else outputs[depth - 1]
            gradients[:0] = [inputs.T @ delta, delta.sum(axis=0)]
            delta = delta @ self.parameters[2 * depth].T
            if masks:
                delta *= masks[depth - 1]
            delta *= self._activation.derivative(sums[depth - 1], outputs[depth - 1])
        gradients[:0] = [X.T @ delta, delta.sum(axis=0)]

        for depth, kernel in enumerate(self._regularized_kernels):
            if self.architecture.l1:
                gradients[2 * depth] += self.architecture.l1 * np.sign(kernel)
            if self.architecture.l2:
                gradients[2 * depth] += 2 * self.architecture.l2 * kernel
        return gradients, float(loss @ weight) + self.penalty(), float(correct.mean())

    @property
    def _activation(self) -> Activation:
        return ACTIVATIONS[self.architecture.activation]

    @property
    def _regularized_kernels(self) -> list[FloatArray]:
        kernels = self.parameters[::2]
        return kernels[:-1] or kernels

    def _forward(
        self, first_sums: FloatArray, rng: np.random.Generator | None = None
    ) -> tuple[list[FloatArray], list[FloatArray], list[FloatArray]]:
        """Return the sums of all layers, the hidden layers' outputs and dropout masks.

        Nothing is dropped without `rng`.
        """
        sums, outputs, masks = [first_sums], [], []
        dropout = self.architecture.dropout
        for kernel, bias in zip(self.parameters[2::2], self.parameters[3::2], strict=True):
            output = self._activation.forward(sums[-1])
            outputs.append(output)
            if rng is not None and dropout:
                keep = rng.random(output.shape, dtype=np.float32) >= dropout
                masks.append(keep.astype(output.dtype) / (1 - dropout))
                output = output * masks[-1]
            sums.append(output @ kernel)
            sums[-1] += bias
        return sums, outputs, masks


def cross_entropy(
    logits: FloatArray, y: NDArray[Any]
) -> tuple[FloatArray, NDArray[np.bool_], FloatArray]:
    """Return each sample's loss, whether it is classified right, and the loss's gradient.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_outputs)
        One output stands for two classes.
    y : ndarray of shape (n_samples,)
        Indices of the classes.

    Returns
    -------
    loss : ndarray of shape (n_samples,)
    correct : ndarray of bool of shape (n_samples,)
    gradient : ndarray of shape (n_samples, n_outputs)
        With respect to `logits`.
    """
    if logits.shape[1] == 1:
        logit = logits[:, 0]
        target = y.astype(logit.dtype)
        loss = np.logaddexp(0, logit) - target * logit
        return loss, (logit > 0) == (y > 0), (expit(logit) - target)[:, np.newaxis]
    log_probability = log_softmax(logits, axis=1)
    samples = np.arange(len(y))
    gradient = np.exp(log_probability)
    gradient[samples, y] -= 1
    return -log_probability[samples, y], logits.argmax(axis=1) == y, gradient
