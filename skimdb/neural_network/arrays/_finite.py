"""Whether a training has gone well."""

from collections.abc import Iterable

import numpy as np

from skimdb.neural_network.arrays._types import FloatArray


def are_finite(parameters: Iterable[FloatArray]) -> bool:
    """Whether all elements are finite."""
    return all(bool(np.isfinite(parameter).all()) for parameter in parameters)


def check_finite(parameters: Iterable[FloatArray], loss: float = 0.0) -> None:
    """Raise a ValueError if a parameter of a network, or the loss, is not finite."""
    if not (np.isfinite(loss) and are_finite(parameters)):
        raise ValueError(
            "Training diverged: the loss or weights of the network became infinite or NaN. Use a "
            "lower learning_rate, or scale the features of X. If they are small already, also "
            "lower l1, l2 and the largest weights of samples and classes."
        )
