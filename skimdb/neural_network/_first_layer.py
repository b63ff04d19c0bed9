"""A network as a function of its first layer's weighted sums.

What one feature does to a review passes through one row of the first kernel, so that taking
features out, or differentiating by them, needs no matrix of reviews.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from skimdb.neural_network.arrays import ArrayNetwork, FloatArray, IntArray, Matrix

# Bounds the memory that a block of weighted sums takes, to 32 MB.
_SUMS_PER_BLOCK = 2**22


class FirstLayer:
    """What single features do to the logits of a network, by way of its first layer's sums.

    Parameters
    ----------
    network : ArrayNetwork
        For two classes.
    """

    def __init__(self, network: ArrayNetwork) -> None:
        self._network = network
        self._kernel, self._bias = network.parameters[:2]

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
        falls: NDArray[np.float64] = self._network.logits_of_sums(sums)[rows, 0].astype(np.float64)
        for block in self._blocks(values):
            changes = values[block, np.newaxis] * self._kernel[columns[block]]
            without = sums[rows[block]] - changes.astype(sums.dtype)
            falls[block] -= self._network.logits_of_sums(without)[:, 0]
        return falls

    def gradient_times_input(
        self, X: Matrix, rows: IntArray, columns: IntArray, values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the logits' derivatives by single features, times the features' values.

        Parameters and result are those of `occlude`.
        """
        slopes = self._network.slopes_of_sums(self._sums(X))
        products = values.copy()
        for block in self._blocks(values):
            kernel = self._kernel[columns[block]]
            products[block] *= np.einsum("eu,eu->e", kernel, slopes[rows[block]])
        return products

    def _sums(self, X: Matrix) -> FloatArray:
        return np.asarray(X @ self._kernel + self._bias, dtype=self._network.dtype)

    def _blocks(self, values: NDArray[np.float64]) -> Iterator[slice]:
        size = max(1, _SUMS_PER_BLOCK // len(self._bias))
        for start in range(0, len(values), size):
            yield slice(start, start + size)
