"""How a network is trained and predicts, fast on CSR matrices.

`train` does what `keras.Model.fit` does, and calls it where it has to. Its own path is an epoch
in numpy and scipy, on copies of the weights and of the optimizer's state, which go back to the
Keras model when the epoch ends. That saves Keras' tracing, which costs more than training such
a network, and the dense arithmetic on features that a batch does not have.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

import keras
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from skimdb.neural_network._arrays import ArrayNetwork, cross_entropy
from skimdb.neural_network._keras_fit import fit_with_keras, predict_with_keras
from skimdb.neural_network._optimizers import ArrayOptimizer, array_optimizer_class
from skimdb.neural_network._samples import (
    FloatArray,
    IntArray,
    Matrix,
    Samples,
    epoch_rng,
    row_blocks,
    shuffled_runs,
)
from skimdb.utils._blas_threads import single_blas_thread

FitMethod = Literal["arrays", "keras"]

# Below this many entries of a batch per feature it pays to update only rows that are touched.
_SPARSE_UPDATE_BELOW = 1.0
_BATCH_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)


def train(
    model: keras.Model,
    samples: Samples,
    *,
    batch_size: int,
    initial_epoch: int,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback],
    validation: Samples | None,
    seed: int,
    n_past_epochs: int,
    verbose: int,
) -> tuple[dict[str, list[float]], FitMethod]:
    """Train a compiled network.

    Parameters
    ----------
    model : keras.Model
        Made by `build_dense_network`; trained in place, with its optimizer.
    samples : Samples
        Shuffled anew in each epoch.
    batch_size : int
        Samples per step.
    initial_epoch, epochs : int
        Number of the first epoch and the number at which to stop, as callbacks see them.
    callbacks : sequence of keras.callbacks.Callback
    validation : Samples or None
        Evaluated after each epoch.
    seed, n_past_epochs : int
        Together they determine the order of the samples and the dropout masks of each epoch.
    verbose : int
        0 for silence, 1 for a progress bar, 2 for a line per epoch.

    Returns
    -------
    history : dict of lists
        One number per epoch.
    fit_method : {"arrays", "keras"}
        Which path ran: "keras" for optimizers other than SGD, RMSprop and Adam in their plain
        forms, for activations other than relu, tanh, sigmoid and linear, and for callbacks that
        act on batches.
    """

    def rng_of(epoch: int) -> np.random.Generator:
        return epoch_rng(seed, n_past_epochs + epoch - initial_epoch)

    optimizer_class = array_optimizer_class(model.optimizer)
    if (
        optimizer_class is None
        or not ArrayNetwork.supports_training(model)
        or any(acts_on_batches(callback) for callback in callbacks)
    ):
        history = fit_with_keras(
            model,
            samples,
            batch_size=batch_size,
            callbacks=callbacks,
            validation=validation,
            epoch_rngs=rng_of,
            initial_epoch=initial_epoch,
            epochs=epochs,
            verbose=verbose,
        )
        return history, "keras"

    n_batches = -(-len(samples) // batch_size)
    callback_list = keras.callbacks.CallbackList(
        callbacks,
        add_history=True,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=n_batches,
        model=model,
    )
    model.stop_training = False
    callback_list.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        callback_list.on_epoch_begin(epoch)
        # Only callbacks can look at the model, or change it, between epochs.
        if callbacks or epoch == initial_epoch:
            network = ArrayNetwork(model, samples.X.dtype)
            optimizer = optimizer_class(model.optimizer, network.parameters, n_batches)
        on_batch_end = callback_list.on_train_batch_end if verbose == 1 else None
        with single_blas_thread():
            logs = _train_epoch(
                network, optimizer, samples, batch_size, rng_of(epoch), on_batch_end
            )
            if callbacks or epoch == epochs - 1:
                network.store()
                optimizer.store()
            if validation is not None:
                callback_list.on_test_begin()
                val_logs = _evaluate(network, validation, batch_size)
                callback_list.on_test_end(val_logs)
                logs |= {f"val_{name}": value for name, value in val_logs.items()}
        callback_list.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    callback_list.on_train_end(logs)
    return model.history.history, "arrays"


def predict_logits(model: keras.Model, X: Matrix) -> FloatArray:
    """Return the output layer's values before its activation, of the type of `X`.

    Their shape is (n_samples, n_outputs).
    """
    logits: FloatArray = np.empty((X.shape[0], model.output_shape[-1]), X.dtype)
    if ArrayNetwork.supports(model):
        network = ArrayNetwork(model, X.dtype)
        with single_blas_thread():
            for rows, block in row_blocks(X):
                logits[rows] = network.logits(block)
    else:
        for rows, block in row_blocks(X):
            logits[rows] = predict_with_keras(model, block)
    return logits


def acts_on_batches(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback needs to be called, with an up-to-date model, for each batch."""
    if isinstance(callback, keras.callbacks.ModelCheckpoint):
        return bool(callback.save_freq != "epoch")
    return any(
        getattr(getattr(callback, hook), "__func__", None)
        is not getattr(keras.callbacks.Callback, hook)
        for hook in _BATCH_HOOKS
    )


def _train_epoch(
    network: ArrayNetwork,
    optimizer: ArrayOptimizer,
    samples: Samples,
    batch_size: int,
    rng: np.random.Generator,
    on_batch_end: Callable[[int, dict[str, float]], None] | None,
) -> dict[str, float]:
    X = samples.X
    updates_touched_rows = (
        sp.issparse(X)
        and X.nnz < _SPARSE_UPDATE_BELOW * optimizer.n_steps * X.shape[1]
        and optimizer.can_skip
        and not network.regularizes_first_kernel
    )
    batches = _batches(samples, batch_size, rng, updates_touched_rows)
    n_samples = loss_sum = n_correct = 0.0
    logs: dict[str, float] = {}
    for step, (batch, touched) in enumerate(batches):
        kernel = optimizer.start_step(touched)
        gradients, loss, accuracy = network.gradients(
            batch.X, batch.y, batch.sample_weight, kernel, rng
        )
        optimizer.finish_step(gradients)
        n_samples += len(batch)
        loss_sum += loss * len(batch)
        n_correct += accuracy * len(batch)
        logs = {"accuracy": n_correct / n_samples, "loss": loss_sum / n_samples}
        if on_batch_end is not None:
            on_batch_end(step, logs)
    optimizer.finish_epoch()
    return logs


def _batches(
    samples: Samples, batch_size: int, rng: np.random.Generator, without_empty_columns: bool
) -> Iterator[tuple[Samples, IntArray | None]]:
    """Yield each batch, with the columns that it has, or None for all of them."""
    runs = shuffled_runs(len(samples), batch_size, rng, in_chunks=samples.is_mapped)
    for run in runs:
        for batch in _batches_of_run(samples, run, batch_size):
            if without_empty_columns:
                X, columns = _without_empty_columns(batch.X)
                yield replace(batch, X=X), columns
            else:
                yield batch, None


def _batches_of_run(samples: Samples, run: IntArray, batch_size: int) -> Iterator[Samples]:
    # A function of its own, so that one run is let go of before the next one is copied.
    in_memory, rows = samples.in_memory(run)
    for block in gen_batches(len(rows), batch_size):
        yield in_memory.take(rows[block])


def _without_empty_columns(X: sp.csr_matrix) -> tuple[sp.csr_matrix, NDArray[np.intp]]:
    """Return the columns of `X` that have entries, and their positions."""
    indices = X.indices.astype(np.intp, copy=False)  # NumPy indexes with this type fastest.
    has_entries = np.zeros(X.shape[1], np.bool_)
    has_entries[indices] = True
    columns = np.flatnonzero(has_entries)
    position = np.empty(X.shape[1], np.int32)
    position[columns] = np.arange(len(columns), dtype=np.int32)
    compact = sp.csr_matrix((X.data, position[indices], X.indptr), shape=(X.shape[0], len(columns)))
    return compact, columns


def _evaluate(network: ArrayNetwork, samples: Samples, batch_size: int) -> dict[str, float]:
    """Return accuracy and loss as `keras.Model.evaluate` does, which averages over batches."""
    loss_sum = 0.0
    n_correct = 0
    for rows, X in row_blocks(samples.X, batch_size):
        loss, correct, _ = cross_entropy(network.logits(X), samples.y[rows])
        # Sums over a broadcast array may be rounded in another way.
        weight = np.ascontiguousarray(samples.sample_weight[rows])
        for batch in gen_batches(len(loss), batch_size):
            batch_weight = weight[batch]
            mean_loss = loss[batch] @ batch_weight / batch_weight.sum()
            loss_sum += float(mean_loss) * len(batch_weight)
        n_correct += int(np.count_nonzero(correct))
    return {
        "accuracy": n_correct / len(samples),
        "loss": loss_sum / len(samples) + network.penalty(),
    }
