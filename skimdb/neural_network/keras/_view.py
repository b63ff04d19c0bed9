"""A Keras model that is kept equal to arrays."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


class KerasView:
    """A Keras model whose changes are noticed.

    An assignment gives a variable another buffer, as long as somebody holds the one before.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._variables = [*model.variables, *model.optimizer.variables]
        self._seen: list[Any] = [None] * len(self._variables)
        self._structure = _structure(model)

    @property
    def is_changed(self) -> bool:
        """Whether the model is no longer built and compiled as it was."""
        return _structure(self.model) != self._structure

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"])  # type: ignore[misc]
        self._structure = []  # Only changed models are kept.

    def write(self, values: Sequence[NDArray[Any]]) -> None:
        """Assign to the variables; those of an optimizer that Keras has just made may be left."""
        for index, (variable, value) in enumerate(zip(self._variables, values, strict=False)):
            variable.assign(value)
            self._seen[index] = tensor_of(variable)

    def new_values(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield the position and value of each variable assigned to since the last time."""
        for index, variable in enumerate(self._variables):
            tensor = tensor_of(variable)
            if self._seen[index] is None or _address(tensor) != _address(self._seen[index]):
                self._seen[index] = tensor
                yield index, np.array(tensor)


def tensor_of(variable: keras.Variable) -> Any:
    """Return the buffer of a variable, which is not copied."""
    return variable.value.read_value()


def _address(tensor: Any) -> int:
    return int(np.asarray(tensor).__array_interface__["data"][0])


_SETTINGS_OF_LAYERS = (
    "activation",
    "rate",
    "bias_regularizer",
    "kernel_constraint",
    "bias_constraint",
)


def _structure(model: keras.Model) -> list[Any]:
    """Return everything that defines a model, except the values of its variables."""
    optimizer = model.optimizer
    settings = optimizer.get_config() if optimizer else {}
    rate = settings.get("learning_rate")
    schedule = rate if isinstance(rate, dict) else None
    structure = [model.loss, optimizer, {**settings, "learning_rate": schedule}]
    for layer in model.layers:
        regularizer = getattr(layer, "kernel_regularizer", None)
        structure.append(
            (
                layer,
                layer.trainable,
                *(getattr(layer, name, None) for name in _SETTINGS_OF_LAYERS),
                regularizer.get_config() if regularizer else None,
            )
        )
    return structure
