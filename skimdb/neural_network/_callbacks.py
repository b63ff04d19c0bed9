"""Keras callbacks, and how a training on arrays serves them."""

import copy
from collections.abc import Sequence

import keras

from skimdb.neural_network._state import NetworkState
from skimdb.neural_network.arrays import Callback, Logs

Callbacks = Sequence[keras.callbacks.Callback]

_BATCH_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)


def copy_callbacks(
    callbacks: Sequence[keras.callbacks.Callback | type[keras.callbacks.Callback]] | None,
) -> list[keras.callbacks.Callback]:
    """Return fresh callbacks, of classes an instance each."""
    copies = []
    for callback in callbacks or []:
        if isinstance(callback, type) and issubclass(callback, keras.callbacks.Callback):
            copies.append(callback())
        elif isinstance(callback, keras.callbacks.Callback):
            copies.append(copy.deepcopy(callback))
        else:
            raise TypeError(
                f"callbacks must hold Keras callbacks or their classes; got {callback!r}."
            )
    return copies


def acts_on_batches(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback needs to be called, with an up-to-date model, for each batch."""
    if isinstance(callback, keras.callbacks.ModelCheckpoint):
        return bool(callback.save_freq != "epoch")
    return any(
        getattr(getattr(callback, hook), "__func__", None)
        is not getattr(keras.callbacks.Callback, hook)
        for hook in _BATCH_HOOKS
    )


class KerasCallbacks(Callback):
    """Call Keras callbacks, which see and may change the Keras model, and show progress.

    Parameters
    ----------
    state : NetworkState
        What is trained. Its Keras model is made for callbacks only, not to show progress.
    callbacks : sequence of keras.callbacks.Callback
        None of which acts on batches.
    verbose : int
        As in `keras.Model.fit`.
    epochs, steps : int
        What callbacks are told.
    """

    def __init__(
        self, state: NetworkState, callbacks: Callbacks, *, verbose: int, epochs: int, steps: int
    ) -> None:
        self._state = state
        self._model = state.model if callbacks else None
        self._verbose = verbose
        self._callbacks = keras.callbacks.CallbackList(
            callbacks,
            add_history=self._model is not None,  # which needs the model
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
            model=self._model,
        )

    @property
    def stops(self) -> bool:
        return bool(self._model is not None and self._model.stop_training)

    def on_train_begin(self) -> None:
        if self._model is not None:
            self._model.stop_training = False
        self._callbacks.on_train_begin()
        self._take_over()

    def on_epoch_begin(self, epoch: int) -> None:
        self._callbacks.on_epoch_begin(epoch)
        self._take_over()

    def on_batch_end(self, step: int, logs: Logs) -> None:
        if self._verbose == 1:
            self._callbacks.on_train_batch_end(step, logs)

    def on_test_begin(self) -> None:
        self._state.write()
        self._callbacks.on_test_begin()
        self._take_over()

    def on_test_end(self, logs: Logs) -> None:
        self._callbacks.on_test_end(logs)
        self._take_over()

    def on_epoch_end(self, epoch: int, logs: Logs) -> Logs:
        self._state.write()
        if self._model is None:
            self._callbacks.on_epoch_end(epoch, logs)
            return logs
        history = self._model.history.history
        n_before = {name: len(values) for name, values in history.items()}
        self._callbacks.on_epoch_end(epoch, logs)
        self._take_over()
        # Callbacks may have changed or added some.
        return {
            name: values[-1]
            for name, values in history.items()
            if len(values) > n_before.get(name, 0)
        }

    def on_train_end(self, logs: Logs) -> None:
        self._callbacks.on_train_end(logs)
        self._take_over()

    def _take_over(self) -> None:
        """Read what callbacks have assigned to the model; refuse what arrays cannot follow."""
        if self._state.changed_model is not None:
            raise ValueError(
                "A callback has changed the layers or the optimizer's settings of the model, which "
                "training on arrays cannot follow. Change model_ between fits, with "
                "warm_start=True, or give the classifier other parameters."
            )
        self._state.read()
