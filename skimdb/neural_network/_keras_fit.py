"""The path through Keras itself, for what the arithmetic on arrays does not cover."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import scipy.sparse as sp
import tensorflow as tf
from sklearn.utils import gen_batches

from skimdb.neural_network._samples import (
    FloatArray,
    IntArray,
    Matrix,
    Samples,
    ends_group,
    shuffled_batches,
)
from skimdb.utils._mapped import release_pages

_PREDICT_BATCH_SIZE = 512


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Feed samples to Keras, in the order in which `train` itself would take them.

    Parameters
    ----------
    samples : Samples
    batch_size : int
    """

    def __init__(self, samples: Samples, batch_size: int) -> None:
        super().__init__()
        self._samples = samples
        self._batch_size = batch_size
        self._batches: list[slice] | list[IntArray] = list(gen_batches(len(samples), batch_size))

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Any, Any, FloatArray]:
        batch = self._samples.take(self._batches[index])
        if ends_group(index, self._batch_size):
            release_pages(self._samples.X)
        return _as_keras_input(batch.X), batch.y.astype(np.int64), batch.sample_weight

    def shuffle(self, rng: np.random.Generator) -> None:
        """Put the samples in the order of an epoch."""
        batches = shuffled_batches(
            len(self._samples), self._batch_size, rng, in_chunks=self._samples.is_mapped
        )
        self._batches = list(batches)


def fit_with_keras(
    model: keras.Model,
    samples: Samples,
    *,
    batch_size: int,
    callbacks: Sequence[keras.callbacks.Callback],
    validation: Samples | None,
    epoch_rngs: Callable[[int], np.random.Generator],
    **fit_parameters: Any,
) -> dict[str, list[float]]:
    """Train by `keras.Model.fit`, in the same order as the arithmetic on arrays takes.

    Parameters
    ----------
    epoch_rngs : callable
        Returns the generator of an epoch, given its number.
    """
    batches = Batches(samples, batch_size)
    # Keras calls a dataset's own hooks at other times too.
    shuffle = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: batches.shuffle(epoch_rngs(epoch))
    )
    history = model.fit(
        batches,
        validation_data=None if validation is None else Batches(validation, batch_size),
        callbacks=[shuffle, *callbacks],
        shuffle=False,
        **fit_parameters,
    )
    return dict(history.history)


def predict_with_keras(model: keras.Model, X: Matrix) -> FloatArray:
    """Return the output layer's values before its activation, (n_samples, n_outputs).

    The layers are called one by one and not traced, which takes longer than a prediction.
    """
    output = model.layers[-1]
    logits = []
    for rows in gen_batches(X.shape[0], _PREDICT_BATCH_SIZE):
        x = _as_keras_input(X[rows])
        for layer in model.layers[:-1]:
            x = layer(x, training=False)
        logits.append(keras.ops.matmul(x, output.kernel) + output.bias)
    return np.concatenate([keras.ops.convert_to_numpy(batch) for batch in logits]).astype(X.dtype)


def _as_keras_input(X: Matrix) -> Any:
    X = X.astype(np.float32, copy=False)
    if not sp.issparse(X):
        return X
    coo = sp.coo_matrix(X)
    indices = np.column_stack([coo.row, coo.col]).astype(np.int64)
    return tf.sparse.reorder(tf.SparseTensor(indices, coo.data, coo.shape))
