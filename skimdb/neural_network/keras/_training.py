"""The path through Keras itself, for what the arithmetic on arrays does not cover."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import scipy.sparse as sp
import tensorflow as tf

from skimdb.neural_network.arrays import FloatArray, Matrix, Samples, brier_score
from skimdb.neural_network.keras._forks import check_keras_works

_PREDICT_BATCH_SIZE = 512


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Feed samples to Keras, in the order in which training on arrays would take them."""

    def __init__(self, samples: Samples, batch_size: int) -> None:
        super().__init__()
        self._samples = samples
        self._batches = list(samples.batches(batch_size))
        self._order = np.arange(len(samples))

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Any, Any, FloatArray]:
        batch = self._samples.take(self._order[self._batches[index]])
        return _as_keras_input(batch.X), batch.y.astype(np.int64), batch.sample_weight

    def shuffle(self, rng: np.random.Generator) -> None:
        """Put the samples in the order of an epoch."""
        self._order = rng.permutation(len(self._samples))


class BrierScore(keras.callbacks.Callback):  # type: ignore[misc]
    """Add "val_brier" to the logs of an epoch."""

    def __init__(self, validation: Samples) -> None:
        super().__init__()
        self._validation = validation

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logits = predict_with_keras(self.model, self._validation.X)
        logs["val_brier"] = brier_score(logits, self._validation)


class KerasEarlyStopping(keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """Keras' early stopping, where an undefined first score is no improvement."""

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        self.best = math.inf


def fit_with_keras(
    model: keras.Model,
    samples: Samples,
    *,
    batch_size: int,
    callbacks: Sequence[keras.callbacks.Callback],
    validation: Samples | None,
    epoch_rngs: Callable[[int], np.random.Generator],
    **fit_parameters: Any,
) -> keras.callbacks.History:
    """Train by `keras.Model.fit`; `epoch_rngs` returns the generator of each epoch's order."""
    check_keras_works()
    batches = Batches(samples, batch_size)
    # Keras calls a dataset's own hooks at other times too.
    shuffle = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: batches.shuffle(epoch_rngs(epoch))
    )
    return model.fit(
        batches,
        validation_data=None if validation is None else Batches(validation, batch_size),
        callbacks=[shuffle, *callbacks],
        shuffle=False,
        **fit_parameters,
    )


def predict_with_keras(model: keras.Model, X: Matrix) -> FloatArray:
    """Return logits, of shape (n_samples, n_outputs).

    The layers are called one by one and not traced, which takes longer than a prediction.
    """
    check_keras_works()
    *hidden, output = model.layers
    gives_logits = (
        isinstance(output, keras.layers.Dense)
        and output.use_bias
        and output.activation in (keras.activations.sigmoid, keras.activations.softmax)
    )
    logits = []
    for start in range(0, X.shape[0], _PREDICT_BATCH_SIZE):
        x = _as_keras_input(X[start : start + _PREDICT_BATCH_SIZE])
        for layer in hidden:
            x = layer(x, training=False)
        if gives_logits:
            x = keras.ops.matmul(x, output.kernel) + output.bias
        else:
            probability = output(x, training=False)
            x = keras.ops.log(probability)
            if x.shape[-1] == 1:
                x -= keras.ops.log1p(-probability)
        logits.append(keras.ops.convert_to_numpy(x))
    return np.concatenate(logits)


def _as_keras_input(X: Matrix) -> Any:
    if not sp.issparse(X):
        return X
    coo = sp.coo_matrix(X)
    indices = np.column_stack([coo.row, coo.col]).astype(np.int64)
    return tf.sparse.reorder(tf.SparseTensor(indices, coo.data, coo.shape))
