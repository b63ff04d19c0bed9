"""The log-odds of a network as a function of its first layer's weighted sums.

What one feature does to a review passes through one row of the first kernel, so that taking
features out, or differentiating by them, needs no matrix of reviews.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from skimdb.neural_network.arrays import ArrayNetwork, FloatArray, IntArray, Matrix
from skimdb.utils._log_odds import log_odds_of_logits, slopes_of_log_odds

# Bounds the memory that a block of weighted sums takes, to 32 MB.
_SUMS_PER_BLOCK = 2**22


class FirstLayer:
    """What single features do to the log-odds of classes, by way of the first layer's sums."""

    def __init__(self, network: ArrayNetwork) -> None:
        self._network = network
        self._kernel = network.parameters[0]

    def occlude(
        self,
        X: Matrix,
        targets: IntArray,
        rows: IntArray,
        columns: IntArray,
        values: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return by how much the log-odds fall when single features are taken out.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        targets : ndarray of int of shape (n_samples,)
            The class of each sample to whose log-odds features contribute.
        rows, columns : ndarray of int of shape (n_entries,)
            Which feature is taken out of which sample.
        values : ndarray of shape (n_entries,)
            By how much this lowers the feature.

        Returns
        -------
        ndarray of shape (n_entries,)
        """
        sums = self._sums(X)
        falls = log_odds_of_logits(self._network.logits_of_sums(sums), targets)[rows]
        for block in self._blocks(values):
            changes = values[block, np.newaxis] * self._kernel[columns[block]]
            without = sums[rows[block]] - changes.astype(sums.dtype)
            logits = self._network.logits_of_sums(without)
            falls[block] -= log_odds_of_logits(logits, targets[rows[block]])
        return falls

    def gradient_times_input(
        self,
        X: Matrix,
        targets: IntArray,
        rows: IntArray,
        columns: IntArray,
        values: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the derivatives of the log-odds by single features, times the features' values.

        Parameters and result are those of `occlude`.
        """
        sums = self._sums(X)
        of_logits = slopes_of_log_odds(self._network.logits_of_sums(sums), targets)
        slopes = self._network.slopes_of_sums(sums, of_logits)
        products = values.copy()
        for block in self._blocks(values):
            kernel = self._kernel[columns[block]]
            products[block] *= np.einsum("eu,eu->e", kernel, slopes[rows[block]])
        return products

    def _sums(self, X: Matrix) -> FloatArray:
        return self._network.first_sums(X).astype(self._network.dtype, copy=False)

    def _blocks(self, values: NDArray[np.float64]) -> Iterator[slice]:
        size = max(1, _SUMS_PER_BLOCK // self._kernel.shape[1])
        for start in range(0, len(values), size):
            yield slice(start, start + size)
