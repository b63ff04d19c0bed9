"""A fitted network: arrays, and a Keras model that is kept equal to them."""

import math
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self
from weakref import WeakSet

import keras
import numpy as np
from numpy.typing import NDArray

from skimdb.neural_network.arrays import ArrayNetwork, ArrayOptimizer, check_finite
from skimdb.neural_network.keras._model import compiled_model
from skimdb.neural_network.keras._optimizer import KerasOptimizer, to_keras
from skimdb.neural_network.keras._view import KerasView, tensor_of


class NetworkState:
    """A network and its optimizer.

    Both are arrays. Once the user asks for the Keras model, it is kept equal to them: `write`
    carries changes of the arrays over to the model, and `read` those of the model to the arrays.

    Parameters
    ----------
    network : ArrayNetwork
    optimizer : ArrayOptimizer or KerasOptimizer
        Of the network's parameters.
    seed : int
        Of the initial weights, the order of the samples and the dropout masks.
    dropout_states : list of ndarray
        States of the generators from which Keras draws dropout masks.

    Attributes
    ----------
    history : dict of lists
        One number per epoch since the network was built.
    lacks_optimizer_state : bool
        Whether the network has been trained and the optimizer is new, as a file without the
        optimizer's state gives them.
    """

    def __init__(
        self,
        network: ArrayNetwork,
        optimizer: ArrayOptimizer | KerasOptimizer,
        seed: int,
        dropout_states: Sequence[NDArray[Any]],
    ) -> None:
        self.network = network
        self.optimizer = optimizer
        self.seed = seed
        self.dropout_states = list(dropout_states)
        self.history: dict[str, list[float]] = {}
        self.lacks_optimizer_state = False
        self._view: KerasView | None = None

    @property
    def n_epochs(self) -> int:
        """Number of epochs since the network was built."""
        return len(self.history.get("loss", []))

    @property
    def n_steps(self) -> int:
        """Number of steps that the optimizer has made."""
        if self.changed_model is not None:
            return int(self.changed_model.optimizer.iterations)
        return self.optimizer.iterations

    def extend_history(self, history: dict[str, list[float]]) -> None:
        """Append epochs, with NaN for what was measured in only some of them."""
        before, after = [math.nan] * self.n_epochs, [math.nan] * len(history["loss"])
        self.history = {
            name: self.history.get(name, before) + history.get(name, after)
            for name in {**self.history, **history}
        }
        self._show_history()

    @property
    def changed_model(self) -> keras.Model | None:
        """The Keras model, if the user has changed its layers or how it is compiled.

        It then replaces the arrays.
        """
        return self._view.model if self._view and self._view.is_changed else None

    @property
    def has_array_arithmetic(self) -> bool:
        """Whether the arrays predict, without Keras."""
        return self.changed_model is None and self.network.has_known_activation

    @property
    def settled_network(self) -> ArrayNetwork:
        """The network with all rows up to date.

        Raises
        ------
        ValueError
            If the user has changed the Keras model.
        """
        self.read()
        if self.changed_model is not None:
            raise ValueError("model_ has been changed since it was built")
        self.optimizer.settle()
        return self.network

    @property
    def model(self) -> keras.Model:
        """The Keras model, which is built on first use."""
        with _building:
            if (view := self._view) is None:
                model = compiled_model(
                    self.network.architecture,
                    to_keras(self.optimizer),
                    self.seed,
                    self.network.dtype.name,
                )
                view = KerasView(model)
                self._show(view)
                self.write()
                self.read()  # of an optimizer that Keras has just made
                self._show_history()
            return view.model

    def write(self) -> None:
        """Give the Keras model, if there is one, the values of the arrays."""
        if self._view and not self._view.is_changed:
            self._view.write([*self.network_values(), *self.optimizer.variables()])

    def read(self) -> None:
        """Take over what has been assigned to the Keras model's variables."""
        if self._view and not self._view.is_changed:
            for index, value in self._view.new_values():
                self._set_value(index, value)

    def network_values(self) -> list[NDArray[Any]]:
        """Return the values of the Keras model's variables, in their order."""
        self.optimizer.settle()
        values: list[NDArray[Any]] = []
        for depth, (kernel, bias) in enumerate(
            zip(self.network.parameters[::2], self.network.parameters[1::2], strict=True)
        ):
            values += [kernel, bias, *self.dropout_states[depth : depth + 1]]
        return values

    @contextmanager
    def continued(self, *, keep: bool = True) -> Iterator["NetworkState"]:
        """Yield a copy to be trained, which has the same Keras model.

        If the training fails, or is not to be kept, the Keras model is left as it was.
        """
        self._warn_of_new_optimizer()
        self.read()
        was_changed = self.changed_model is not None
        restore_changed_model = self._changed_model_snapshot()
        try:
            yield self._copy()
        except BaseException:
            keep = False
            if not was_changed:
                self._leave_changed_model()
            raise
        finally:
            if not keep:
                restore_changed_model()
                self.write()
                self._show_history()

    @contextmanager
    def continued_in_place(self) -> Iterator[None]:
        """Let the block train this network, and keep the completed steps if it fails."""
        self._warn_of_new_optimizer()
        # The optimizer has the same list.
        self.network.parameters[:] = map(_writeable, self.network.parameters)
        if isinstance(self.optimizer, ArrayOptimizer):
            self.optimizer.slots = [list(map(_writeable, slots)) for slots in self.optimizer.slots]
        self.read()
        was_changed = self.changed_model is not None
        n_steps = self.n_steps
        try:
            yield
            self.lacks_optimizer_state = False
        except BaseException as error:
            if not was_changed:
                self._leave_changed_model()
            self.read()
            self.write()
            self._show_history()
            error.add_note(f"The network keeps the {self.n_steps - n_steps} completed steps.")
            raise

    def check_finite(self, loss: float) -> None:
        """Raise a ValueError if a parameter, or the loss, is not finite after training."""
        model = self.changed_model
        check_finite(self.network.parameters if model is None else model.get_weights(), loss)

    def snapshot(self) -> Callable[[], None]:
        """Return a function that goes back to what is trained as it is now."""
        before, restore_changed_model = self._copy(), self._changed_model_snapshot()

        def restore() -> None:
            restore_changed_model()
            self.network, self.optimizer = before.network, before.optimizer
            self.dropout_states = before.dropout_states
            self.write()

        return restore

    def _changed_model_snapshot(self) -> Callable[[], None]:
        values = []
        if (model := self.changed_model) is not None:
            model.optimizer.build(model.trainable_variables)
            variables = [*model.variables, *model.optimizer.variables]
            values = [(variable, np.array(tensor_of(variable))) for variable in variables]

        def restore() -> None:
            for variable, value in values:
                variable.assign(value)

        return restore

    def __getstate__(self) -> dict[str, Any]:
        """Return the arrays, or the Keras model if it replaces them."""
        state = self.__dict__.copy()
        if self.changed_model is not None:
            return state
        self.read()
        self.optimizer.settle()
        return state | {"_view": None}

    def _copy(self) -> Self:
        network = self.network.copy()
        optimizer = self.optimizer.copy(network.parameters)
        other = type(self)(network, optimizer, self.seed, self.dropout_states)
        other.history = self.history
        if self._view is not None:
            other._show(self._view)
        return other

    def _show(self, view: KerasView) -> None:
        self._view = view
        _shown.add(self)

    def _leave_changed_model(self) -> None:
        """Go on without a Keras model that a callback changed in a training that failed."""
        if self.changed_model is not None:
            self._view = None

    def leave_model(self) -> None:
        """Go on without the Keras model, unless the user has changed it."""
        if self.changed_model is None:
            self._view = None

    def _warn_of_new_optimizer(self) -> None:
        if self.lacks_optimizer_state:
            warnings.warn(
                "The model was saved without the state of its optimizer, so the training goes on "
                "with a new one. To keep it: skimdb.save(..., optimizer_state=True).",
                stacklevel=2,
            )

    def _show_history(self) -> None:
        if self._view:
            self._view.model.history = keras.callbacks.History()
            self._view.model.history.history = self.history

    def _set_value(self, index: int, value: NDArray[Any]) -> None:
        n_network_values = len(self.network.parameters) + len(self.dropout_states)
        if index >= n_network_values:
            self.optimizer.set_variable(index - n_network_values, value)
            return
        depth, position = divmod(index, 3 if self.dropout_states else 2)
        if position < 2:
            self.network.parameters[2 * depth + position] = value
        else:
            self.dropout_states[depth] = value


def _writeable(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array, or a copy of one that is mapped into memory from a file."""
    return array if array.flags.writeable else array.copy()


# Threads that ask for the Keras model get the same one.
_building = threading.RLock()
# Whose Keras model was asked for.
_shown: WeakSet[NetworkState] = WeakSet()


def _read_models() -> None:
    for state in list(_shown):
        state.read()


def _leave_models() -> None:
    for state in list(_shown):
        state.leave_model()


# A forked process trains and predicts on the arrays, without TensorFlow, which does not work there.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_read_models, after_in_child=_leave_models)
