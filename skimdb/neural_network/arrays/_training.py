"""Training on arrays: epochs, validation and early stopping."""

import math
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skimdb.neural_network.arrays._finite import are_finite, check_finite
from skimdb.neural_network.arrays._network import ArrayNetwork, cross_entropy
from skimdb.neural_network.arrays._optimizer import ArrayOptimizer
from skimdb.neural_network.arrays._types import FloatArray, IntArray, Matrix
from skimdb.utils._blas_threads import single_blas_thread

# OpenBLAS takes one thread for products of at most twice as many multiplications.
_SMALL_PRODUCT = 2**12

Logs = dict[str, float]


@dataclass(frozen=True)
class Samples:
    """Reviews to train or to validate on.

    Attributes
    ----------
    X : {ndarray, CSR matrix} of float32 or float64 and shape (n_rows, n_features)
    y : ndarray of int and shape (n_samples,)
        Indices of the classes.
    sample_weight : ndarray of shape (n_samples,)
        Positive, of the type of `X`.
    rows : ndarray of int and shape (n_samples,) or None
        The row of `X` that is each sample's; None if it is the one at the same position.
    factors : ndarray of shape (n_features,) or None
        Factors by which the features are yet to be multiplied.
    """

    X: Matrix
    y: IntArray
    sample_weight: FloatArray
    rows: IntArray | None = None
    factors: FloatArray | None = None

    def select(self, samples: IntArray) -> "Samples":
        """Return some of the samples, with the same `X`."""
        rows = samples if self.rows is None else self.rows[samples]
        return replace(
            self, y=self.y[samples], sample_weight=self.sample_weight[samples], rows=rows
        )

    def take(self, samples: IntArray) -> "Samples":
        """Return some of the samples, with their own rows of `X`, multiplied by the factors."""
        X = self.X[samples if self.rows is None else self.rows[samples]]
        if self.factors is not None:
            if sp.issparse(X):
                X.data *= self.factors[X.indices]
            else:
                X *= self.factors
        return Samples(X, self.y[samples], self.sample_weight[samples])

    def join(self, other: "Samples") -> "Samples":
        """Return these samples and others."""
        if sp.issparse(self.X):
            X = sp.vstack([self.X, sp.csr_matrix(other.X)], format="csr")
        else:
            X = np.vstack([self.X, other.X.toarray() if sp.issparse(other.X) else other.X])
        return Samples(
            X,
            np.concatenate([self.y, other.y]),
            np.concatenate([self.sample_weight, other.sample_weight]),
        )

    def with_own_X(self) -> "Samples":
        """Return the samples with their own rows of `X`, multiplied by the factors."""
        if self.rows is None and self.factors is None:
            return self
        return self.take(np.arange(len(self)))

    def with_mean_weight_of_one(self) -> "Samples":
        """Return the samples with weights of the same ratios."""
        mean = self.sample_weight.mean(dtype=np.float64)  # float32 might overflow
        weight = (self.sample_weight / mean).astype(self.sample_weight.dtype)
        return replace(self, sample_weight=weight)

    def n_batches(self, batch_size: int) -> int:
        """Return the number of steps of an epoch."""
        return math.ceil(len(self) / batch_size)

    def batches(self, batch_size: int) -> Iterator[slice]:
        """Yield the slice of each batch."""
        for start in range(0, len(self), batch_size):
            yield slice(start, min(start + batch_size, len(self)))

    @property
    def n_entries(self) -> int:
        """Number of elements of the sparse `X` that are stored for the samples."""
        return int(self.X.nnz if self.rows is None else np.diff(self.X.indptr)[self.rows].sum())

    def __len__(self) -> int:
        return len(self.y)


class Callback:
    """Base class of objects that follow a training and can stop it."""

    @property
    def stops(self) -> bool:
        """Whether training ends after this step, or after the epoch that has just ended."""
        return False

    def on_train_begin(self) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Before an epoch; may change the network and the optimizer."""

    def on_batch_end(self, step: int, logs: Logs) -> None:
        """After a step."""

    def on_test_begin(self) -> None:
        """Before the validation data are evaluated."""

    def on_test_end(self, logs: Logs) -> None:
        """After the validation data have been evaluated."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> Logs:
        """After an epoch; return what the history is to hold of it."""
        return logs

    def on_train_end(self, logs: Logs) -> None:
        """After the last epoch."""


# By how much an epoch must improve a score to be worth further ones. On a few hundred texts the
# Brier score goes on falling slowly for many epochs that make predictions no more accurate.
MIN_DELTA = {"val_loss": 0.0, "val_brier": 5e-4}


class EarlyStopping:
    """Stop when a score has not improved for some epochs, and go back to the best one.

    This is what two of Keras' callbacks of the same name do together: one stops after improvements
    below `MIN_DELTA`, the other restores the lowest score. Unlike there, an epoch after which a
    parameter is not finite has not improved.

    Parameters
    ----------
    patience : int
    monitor : {"val_loss", "val_brier"}
        The score.

    Attributes
    ----------
    best_epoch : int
        The epoch with the best parameters.
    """

    def __init__(self, patience: int, monitor: str) -> None:
        self.patience = patience
        self.monitor = monitor
        self.best_epoch = 0
        self._best_score = np.inf
        self._best_parameters: list[FloatArray] = []
        self._score_to_improve = np.inf
        self._n_waited = 0

    def stops_after(self, epoch: int, logs: Logs, network: ArrayNetwork) -> bool:
        """Tell whether this epoch is the last one."""
        score = logs[self.monitor]
        self._n_waited += 1
        if not are_finite(network.parameters):
            score = np.inf
        if score < self._best_score or not self._best_parameters:
            self.best_epoch = epoch
            self._best_score = min(self._best_score, score)
            self._best_parameters = [parameter.copy() for parameter in network.parameters]
        if score + MIN_DELTA[self.monitor] < self._score_to_improve:
            self._score_to_improve = score
            self._n_waited = 0
        return self._n_waited >= self.patience and epoch > 0 and self._n_waited > 0

    def restore(self, network: ArrayNetwork) -> None:
        """Go back to the parameters of the best epoch."""
        for parameter, best in zip(network.parameters, self._best_parameters, strict=True):
            parameter[...] = best


def epoch_rng(seed: int, epoch: int) -> np.random.Generator:
    """Return the generator of one epoch, the same whatever was drawn before.

    The first thing to be drawn from it is the order of the samples.
    """
    return np.random.default_rng([seed, epoch])


def train(
    network: ArrayNetwork,
    optimizer: ArrayOptimizer,
    samples: Samples,
    *,
    batch_size: int,
    epochs: range,
    seed: int,
    n_past_epochs: int = 0,
    validation: Samples | None = None,
    early_stopping: EarlyStopping | None = None,
    callback: Callback | None = None,
    incremental: bool = False,
) -> dict[str, list[float]]:
    """Train a network in place.

    Parameters
    ----------
    network : ArrayNetwork
    optimizer : ArrayOptimizer
        Of the network's parameters.
    samples : Samples
        Shuffled anew in each epoch.
    batch_size : int
        Samples per step.
    epochs : range
        The numbers of the epochs, as the callback sees them.
    seed, n_past_epochs : int
        Together they determine the order of the samples and the dropout masks of each epoch.
    validation : Samples, default=None
        Evaluated after each epoch. Their `X` has no other rows.
    early_stopping : EarlyStopping, default=None
        Needs validation data.
    callback : Callback, default=None
    incremental : bool, default=False
        Keep the completed steps if a later one fails, as one does whose loss or parameters are not
        finite. Rows may still wait for updates at the end.

    Returns
    -------
    dict of lists
        For each epoch "accuracy", "loss", and with validation data "val_accuracy" and "val_loss",
        and "val_brier" if early stopping looks at it.
    """
    callback = callback or Callback()
    optimizer.keeps_steps = incremental
    history: dict[str, list[float]] = {}
    callback.on_train_begin()
    for epoch in epochs:
        callback.on_epoch_begin(epoch)
        rng = epoch_rng(seed, n_past_epochs + epoch - epochs.start)
        with single_blas_thread(), np.errstate(all="ignore"):  # the caller checks the parameters
            logs = _train_epoch(network, optimizer, samples, batch_size, rng, callback)
            if not incremental:
                optimizer.settle()
            if validation is not None:
                callback.on_test_begin()
                with_brier = early_stopping is not None and early_stopping.monitor == "val_brier"
                val_logs = _evaluate(network, validation, with_brier=with_brier)
                callback.on_test_end(val_logs)
                logs |= {f"val_{name}": value for name, value in val_logs.items()}
        logs = callback.on_epoch_end(epoch, logs)
        for name in {**history, **logs}:  # a callback may log in some epochs alone
            before = [math.nan] * (epoch - epochs.start)
            history.setdefault(name, before).append(logs.get(name, math.nan))
        if early_stopping and early_stopping.stops_after(epoch, logs, network):
            break
        if callback.stops:
            break
    callback.on_train_end(logs)
    if early_stopping:
        early_stopping.restore(network)
    return history


def brier_score(logits: FloatArray, samples: Samples) -> float:
    """Return the weighted mean, over the samples, of the summed squares of probability errors."""
    errors = cross_entropy(logits, samples.y)[2]
    return float(np.average(np.square(errors).sum(axis=1), weights=samples.sample_weight))


def predict_logits(network: ArrayNetwork, optimizer: Any, X: Matrix) -> FloatArray:
    """Return the output layer's values before its activation, (n_samples, n_outputs).

    Rows of the first kernel that wait for updates are computed and not changed.
    """
    # BLAS does not divide small products among threads.
    largest = max(map(np.size, network.parameters[2:]), default=0)
    is_small = sp.issparse(X) and X.shape[0] * largest <= _SMALL_PRODUCT
    with nullcontext() if is_small else single_blas_thread():
        if not getattr(optimizer, "has_waiting_rows", False):
            return network.logits(X)
        X, columns = without_empty_columns(sp.csr_matrix(X))
        return network.logits(X, optimizer.current_rows(columns)[0])


def _train_epoch(
    network: ArrayNetwork,
    optimizer: ArrayOptimizer,
    samples: Samples,
    batch_size: int,
    rng: np.random.Generator,
    callback: Callback,
) -> Logs:
    X = samples.X
    order = rng.permutation(len(samples))
    # This pays if a batch has fewer entries than there are features; if waiting rows have to catch
    # up, fewer than half as many.
    most = X.shape[1] / (2 if optimizer.moves_waiting_rows else 1)
    updates_touched_rows = (
        sp.issparse(X)
        and samples.n_entries < samples.n_batches(batch_size) * most
        and optimizer.can_skip
        and not network.regularizes_first_kernel
    )
    loss_sum = n_correct = 0.0
    logs: Logs = {}
    for step, rows in enumerate(samples.batches(batch_size)):
        batch = samples.take(order[rows])
        batch_X, touched = (
            without_empty_columns(batch.X) if updates_touched_rows else (batch.X, None)
        )
        kernel = optimizer.start_step(touched)
        gradients, loss, accuracy = network.gradients(
            batch_X, batch.y, batch.sample_weight, kernel, rng
        )
        if optimizer.keeps_steps:
            check_finite([], loss)
        optimizer.finish_step(gradients)
        loss_sum += loss * len(batch)
        n_correct += accuracy * len(batch)
        logs = {"accuracy": n_correct / rows.stop, "loss": loss_sum / rows.stop}
        callback.on_batch_end(step, logs)
        if callback.stops:
            break
    return logs


def without_empty_columns(X: sp.csr_matrix) -> tuple[sp.csr_matrix, NDArray[np.intp]]:
    """Return the columns of `X` that have entries, and their positions."""
    indices = X.indices.astype(np.intp, copy=False)  # NumPy indexes with this type fastest.
    has_entries = np.zeros(X.shape[1], np.bool_)
    has_entries[indices] = True
    columns = np.flatnonzero(has_entries)
    position = np.empty(X.shape[1], np.int32)
    position[columns] = np.arange(len(columns), dtype=np.int32)
    compact = sp.csr_matrix((X.data, position[indices], X.indptr), shape=(X.shape[0], len(columns)))
    return compact, columns


def _evaluate(network: ArrayNetwork, samples: Samples, *, with_brier: bool) -> Logs:
    """Return accuracy and loss as `keras.Model.evaluate` does."""
    logits = network.logits(samples.X)
    losses, correct, _ = cross_entropy(logits, samples.y)
    loss = float(losses.astype(np.float64) @ samples.sample_weight) / len(samples)
    logs = {
        "accuracy": int(np.count_nonzero(correct)) / len(samples),
        "loss": loss + network.penalty(),
    }
    return logs | {"brier": brier_score(logits, samples)} if with_brier else logs
