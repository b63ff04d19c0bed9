"""Dense networks in numpy and scipy alone: their arithmetic, optimizers and training.

Read `_training.train` first: it takes samples to `ArrayNetwork.gradients`, and these to an
`ArrayOptimizer`.
"""

from skimdb.neural_network.arrays._activations import ACTIVATIONS
from skimdb.neural_network.arrays._finite import are_finite, check_finite
from skimdb.neural_network.arrays._network import Architecture, ArrayNetwork, initial_parameters
from skimdb.neural_network.arrays._optimizer import ArrayOptimizer
from skimdb.neural_network.arrays._optimizers import ARRAY_OPTIMIZERS, array_optimizer_class
from skimdb.neural_network.arrays._training import (
    MIN_DELTA,
    Callback,
    EarlyStopping,
    Logs,
    Samples,
    brier_score,
    epoch_rng,
    predict_logits,
    train,
)
from skimdb.neural_network.arrays._types import FloatArray, IntArray, Matrix

__all__ = [
    "ACTIVATIONS",
    "ARRAY_OPTIMIZERS",
    "MIN_DELTA",
    "Architecture",
    "ArrayNetwork",
    "ArrayOptimizer",
    "Callback",
    "EarlyStopping",
    "FloatArray",
    "IntArray",
    "Logs",
    "Matrix",
    "Samples",
    "are_finite",
    "array_optimizer_class",
    "brier_score",
    "check_finite",
    "epoch_rng",
    "initial_parameters",
    "predict_logits",
    "train",
]
