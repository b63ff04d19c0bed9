"""A dense network as numpy arrays: forward pass, loss and gradients.

The formulas are those of Keras' `Dense` and `Dropout` layers, of its cross-entropies and of
back-propagation (Rumelhart, Hinton & Williams 1986, "Learning representations by
back-propagating errors", Nature 323).
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_softmax

from skimdb.neural_network._samples import FloatArray, Matrix


def _relu(x: FloatArray) -> None:
    np.maximum(x, 0, out=x)


def _relu_backward(output: FloatArray, gradient: FloatArray) -> None:
    gradient *= output > 0


def _tanh(x: FloatArray) -> None:
    np.tanh(x, out=x)


def _tanh_backward(output: FloatArray, gradient: FloatArray) -> None:
    gradient *= 1 - output * output


def _sigmoid(x: FloatArray) -> None:
    expit(x, out=x)


def _sigmoid_backward(output: FloatArray, gradient: FloatArray) -> None:
    gradient *= output * (1 - output)


def _linear(x: FloatArray) -> None:
    pass


def _linear_backward(output: FloatArray, gradient: FloatArray) -> None:
    pass


# In place: the activation, and the product of a gradient with the activation's derivative
# (given the activation's output).
_ACTIVATIONS: dict[
    Callable[..., Any],
    tuple[Callable[[FloatArray], None], Callable[[FloatArray, FloatArray], None]],
] = {
    keras.activations.relu: (_relu, _relu_backward),
    keras.activations.tanh: (_tanh, _tanh_backward),
    keras.activations.sigmoid: (_sigmoid, _sigmoid_backward),
    keras.activations.linear: (_linear, _linear_backward),
}


_LOSSES = (keras.losses.BinaryCrossentropy, keras.losses.SparseCategoricalCrossentropy)


class ArrayNetwork:
    """The arithmetic of a network that `build_dense_network` made, on copies of its weights.

    Parameters
    ----------
    model : keras.Model
        `supports` must hold for it.
    dtype : dtype
        Type to compute in, that of the features. The model's weights are float32.

    Attributes
    ----------
    parameters : list of ndarray
        Kernel and bias of each layer.
    """

    def __init__(self, model: keras.Model, dtype: np.dtype[Any]) -> None:
        self.model = model
        self.parameters: list[FloatArray] = [
            variable.value.numpy().astype(dtype, copy=False) for variable in _variables(model)
        ]
        hidden = _dense_layers(model)[:-1]
        self._activations = [_ACTIVATIONS[layer.activation] for layer in hidden]
        dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
        self._dropout = dropouts[0].rate if dropouts else 0.0
        self._penalties = [
            (float(layer.kernel_regularizer.l1), float(layer.kernel_regularizer.l2))
            if layer.kernel_regularizer
            else (0.0, 0.0)
            for layer in _dense_layers(model)
        ]

    @staticmethod
    def supports(model: keras.Model) -> bool:
        """Whether the activations of the hidden layers are among those known here."""
        return all(layer.activation in _ACTIVATIONS for layer in _dense_layers(model)[:-1])

    @staticmethod
    def supports_training(model: keras.Model) -> bool:
        """Whether `gradients` are those of the model's loss with respect to all its weights."""
        return (
            ArrayNetwork.supports(model)
            and all(layer.trainable for layer in model.layers)
            and isinstance(model.loss, _LOSSES)
            and model.loss.reduction == "mean_with_sample_weight"
        )

    @property
    def regularizes_first_kernel(self) -> bool:
        """Whether each element of the first kernel has a gradient in each step."""
        return any(self._penalties[0])

    def store(self) -> None:
        """Write the weights back to the model."""
        for variable, parameter in zip(_variables(self.model), self.parameters, strict=True):
            variable.assign(parameter)

    def logits(self, X: Matrix) -> FloatArray:
        """Return the output layer's values before its activation, (n_samples, n_outputs)."""
        return self._forward(X, self.parameters[0], rng=None)[0]

    def penalty(self) -> float:
        """Return the sum of the regularisation terms."""
        return sum(
            float(l1 * np.abs(kernel).sum() + l2 * np.square(kernel).sum())
            for kernel, (l1, l2) in zip(self.parameters[::2], self._penalties, strict=True)
            if l1 or l2
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
        logits, inputs, outputs, masks = self._forward(X, first_kernel, rng)
        loss, correct, delta = cross_entropy(logits, y)
        weight = sample_weight / sample_weight.sum()
        delta *= weight[:, np.newaxis]

        gradients: list[FloatArray] = []
        for depth in reversed(range(len(inputs))):
            gradients[:0] = [inputs[depth].T @ delta, delta.sum(axis=0)]
            if depth:
                delta = delta @ self.parameters[2 * depth].T
                if masks:
                    delta *= masks[depth - 1]
                self._activations[depth - 1][1](outputs[depth - 1], delta)
        for depth, (l1, l2) in enumerate(self._penalties):
            kernel = self.parameters[2 * depth]
            if l1:
                gradients[2 * depth] += l1 * np.sign(kernel)
            if l2:
                gradients[2 * depth] += 2 * l2 * kernel
        return gradients, float(loss @ weight) + self.penalty(), float(correct.mean())

    def _forward(
        self, X: Matrix, first_kernel: FloatArray, rng: np.random.Generator | None
    ) -> tuple[FloatArray, list[Matrix], list[FloatArray], list[FloatArray]]:
        """Return the logits, all layers' inputs, the hidden layers' outputs and dropout masks.

        Nothing is dropped without `rng`.
        """
        inputs: list[Matrix] = [X]
        outputs: list[FloatArray] = []
        masks: list[FloatArray] = []
        kernels = [first_kernel, *self.parameters[2::2]]
        for kernel, bias, (activation, _) in zip(
            kernels[:-1], self.parameters[1:-1:2], self._activations, strict=True
        ):
            x = inputs[-1] @ kernel
            x += bias
            activation(x)
            outputs.append(x)
            if rng is not None and self._dropout:
                keep = rng.random(x.shape, dtype=np.float32) >= self._dropout
                masks.append(keep.astype(x.dtype) / (1 - self._dropout))
                x = x * masks[-1]
            inputs.append(x)
        logits = inputs[-1] @ kernels[-1]
        logits += self.parameters[-1]
        return logits, inputs, outputs, masks


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


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [variable for layer in _dense_layers(model) for variable in (layer.kernel, layer.bias)]


def _dense_layers(model: keras.Model) -> list[keras.layers.Dense]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
