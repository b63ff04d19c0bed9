"""Which way a network is trained and predicts: on arrays, or through Keras."""

import math
from collections.abc import Sequence
from itertools import chain
from typing import Literal, NamedTuple

import keras

from skimdb.neural_network._callbacks import Callbacks, KerasCallbacks, acts_on_batches
from skimdb.neural_network._state import NetworkState
from skimdb.neural_network.arrays import (
    MIN_DELTA,
    EarlyStopping,
    FloatArray,
    Matrix,
    Samples,
    epoch_rng,
    predict_logits,
)
from skimdb.neural_network.arrays import train as train_on_arrays
from skimdb.neural_network.keras._optimizer import KerasOptimizer
from skimdb.neural_network.keras._training import (
    BrierScore,
    KerasEarlyStopping,
    fit_with_keras,
    predict_with_keras,
)


class Training(NamedTuple):
    """The results of a training, besides the trained network.

    Attributes
    ----------
    history : dict of lists
        One number per epoch.
    fit_method : {"arrays", "keras"}
    best_epoch : int or None
        With early stopping, the number of the epoch that was kept.
    """

    history: dict[str, list[float]]
    fit_method: Literal["arrays", "keras"]
    best_epoch: int | None


def train(
    state: NetworkState,
    samples: Samples,
    *,
    batch_size: int,
    epochs: range,
    validation: Samples | None = None,
    patience: int | None = None,
    monitor: str = "val_loss",
    callbacks: Callbacks = (),
    verbose: int = 0,
    incremental: bool = False,
) -> Training:
    """Train a network in place.

    Parameters
    ----------
    state : NetworkState
    samples : Samples
        Shuffled anew in each epoch.
    batch_size : int
        Samples per step.
    epochs : range
        The numbers of the epochs, as callbacks see them.
    validation : Samples, default=None
        Evaluated after each epoch.
    patience : int, default=None
        Of early stopping; None for none.
    monitor : {"val_loss", "val_brier"}, default="val_loss"
        What early stopping looks at.
    callbacks : sequence of keras.callbacks.Callback
    verbose : int, default=0
        0 for silence, 1 for a progress bar, 2 for a line per epoch.
    incremental : bool, default=False
        Keep the completed steps if a later one fails.

    Raises
    ------
    ValueError
        If parameters are not finite in the end. With `incremental`, the network is then as it was
        before the first such step or, trained through Keras, before all steps.
    """
    optimizer, n_past_epochs = state.optimizer, state.n_epochs
    if (
        not state.has_array_arithmetic
        or isinstance(optimizer, KerasOptimizer)
        or any(acts_on_batches(callback) for callback in callbacks)
    ):
        best = KerasEarlyStopping(
            monitor=monitor, mode="min", patience=epochs.stop, restore_best_weights=True
        )
        stopper = KerasEarlyStopping(
            monitor=monitor, mode="min", patience=patience or 0, min_delta=MIN_DELTA[monitor]
        )
        stopping = [] if patience is None else [stopper, best]
        brier = []
        if patience is not None and validation is not None and monitor == "val_brier":
            brier = [BrierScore(validation)]
        logged: dict[int, dict[str, float]] = {}
        # Keras' history does not tell in which epochs a callback logged something.
        recorder = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: logged.update({epoch: dict(logs)})
        )
        restore = state.snapshot() if incremental else None
        fitted = fit_with_keras(
            state.model,
            samples,
            batch_size=batch_size,
            callbacks=[*brier, *callbacks, *stopping, recorder],
            validation=validation,
            epoch_rngs=lambda epoch: epoch_rng(state.seed, n_past_epochs + epoch - epochs.start),
            initial_epoch=epochs.start,
            epochs=epochs.stop,
            verbose=verbose,
        )
        state.read()
        best_epoch = None if patience is None else best.best_epoch
        try:
            state.check_finite(_final_loss(fitted.history, fitted.epoch, best_epoch))
        except ValueError:
            if restore is not None:
                restore()
            raise
        # BackupAndRestore goes on after the epochs of an interrupted training.
        done = range(epochs.start, max(logged, default=epochs.stop - 1) + 1)
        names = dict.fromkeys(chain.from_iterable(logged.values())) or ("accuracy", "loss")
        history = {
            name: [logged.get(epoch, {}).get(name, math.nan) for epoch in done] for name in names
        }
        return Training(history, "keras", best_epoch)

    early_stopping = None if patience is None else EarlyStopping(patience, monitor)
    callback = None
    if callbacks or verbose:
        callback = KerasCallbacks(
            state,
            callbacks,
            verbose=verbose,
            epochs=epochs.stop,
            steps=samples.n_batches(batch_size),
        )
    history = train_on_arrays(
        state.network,
        optimizer,
        samples,
        batch_size=batch_size,
        epochs=epochs,
        seed=state.seed,
        n_past_epochs=n_past_epochs,
        validation=validation,
        early_stopping=early_stopping,
        callback=callback,
        incremental=incremental,
    )
    state.write()
    best_epoch = early_stopping.best_epoch if early_stopping else None
    if not incremental:
        state.check_finite(_final_loss(history, epochs, best_epoch))
    return Training(history, "arrays", best_epoch)


def _final_loss(
    history: dict[str, list[float]], epochs: Sequence[int], best_epoch: int | None
) -> float:
    """Return the loss of the weights that are kept, 0 if no epoch was needed."""
    if best_epoch is not None and best_epoch in epochs:
        return history["val_loss"][epochs.index(best_epoch)]
    return history["loss"][-1] if history.get("loss") else 0.0


def logits(state: NetworkState, X: Matrix) -> FloatArray:
    """Return the output layer's values before its activation, (n_samples, n_outputs)."""
    state.read()
    if state.has_array_arithmetic:
        return predict_logits(state.network, state.optimizer, X)
    return predict_with_keras(state.model, X)
