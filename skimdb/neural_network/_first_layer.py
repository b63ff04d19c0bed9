"""A network as a function of its first layer's weighted sums.

What one feature does to a review passes through one row of the first kernel, so that taking
features out, or differentiating by them, needs no matrix of reviews.
"""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from skimdb.neural_network._samples import IntArray, Matrix

# Bounds the memory that a block of weighted sums takes, to 32 MB.
_SUMS_PER_BLOCK = 2**22


class FirstLayer:
    """What single features do to the logits of a network, by way of its first layer's sums.

    Parameters
    ----------
    model : keras.Model
        Made by `build_dense_network` for two classes.
    """

    def __init__(self, model: keras.Model) -> None:
        self._first, *self._others = model.layers
        self._kernel, self._bias = (weight.value.numpy() for weight in self._first.weights)

    def occlude(
        self, X: Matrix, rows: IntArray, columns: IntArray, values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return by how much the logits fall when single features are taken out.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        rows, columns : ndarray of int of shape (n_entries,)
            Which feature is taken out of which sample.
        values : ndarray of shape (n_entries,)
            By how much this lowers the feature.

        Returns
        -------
        ndarray of shape (n_entries,)
        """
        sums = self._sums(X)
        full = self._logits(tf.constant(sums)).numpy()
        falls = np.asarray(full[rows], dtype=np.float64)
        for block in self._blocks(values):
            changes = values[block, np.newaxis] * self._kernel[columns[block]]
            without = sums[rows[block]] - changes.astype(np.float32)
            falls[block] -= self._logits(tf.constant(without)).numpy()
        return falls

    def gradient_times_input(
        self, X: Matrix, rows: IntArray, columns: IntArray, values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the logits' derivatives by single features, times the features' values.

        Parameters and result are those of `occlude`.
        """
        with tf.GradientTape() as tape:
            sums = tf.constant(self._sums(X))
            tape.watch(sums)
            logits = self._logits(sums)
        slopes = tape.gradient(logits, sums).numpy()
        products = values.copy()
        for block in self._blocks(values):
            kernel = self._kernel[columns[block]]
            products[block] *= np.einsum("eu,eu->e", kernel, slopes[rows[block]])
        return products

    def _sums(self, X: Matrix) -> NDArray[np.float32]:
        return np.asarray(X @ self._kernel + self._bias, dtype=np.float32)

    def _blocks(self, values: NDArray[np.float64]) -> Iterator[slice]:
        size = max(1, _SUMS_PER_BLOCK // len(self._bias))
        for start in range(0, len(values), size):
            yield slice(start, start + size)

    def _logits(self, sums: tf.Tensor) -> tf.Tensor:
        """Return the output layer's values before its activation, of shape (n_samples,)."""
        if not self._others:
            return sums[:, 0]
        x = self._first.activation(sums)
        *hidden, output = self._others
        for layer in hidden:
            x = layer(x, training=False)
        return (x @ output.kernel.value + output.bias.value)[:, 0]
