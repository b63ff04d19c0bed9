"""From the classifier's parameter `optimizer` to an optimizer's state."""

from collections.abc import Mapping
from typing import Any

import keras
from numpy.typing import NDArray

from skimdb.neural_network.arrays import (
    ARRAY_OPTIMIZERS,
    ArrayNetwork,
    ArrayOptimizer,
    array_optimizer_class,
)
from skimdb.neural_network.keras._objects import check_is_registered


class KerasOptimizer:
    """The state of an optimizer whose arithmetic Keras alone has.

    Parameters
    ----------
    kind : subclass of keras.optimizers.Optimizer
    config : dict
        From its `get_config`.
    values : list of ndarray, default=None
        Of its variables; None before Keras has made them.
    """

    def __init__(
        self,
        kind: type[keras.optimizers.Optimizer],
        config: Mapping[str, Any],
        values: list[NDArray[Any]] | None = None,
    ) -> None:
        self.kind = kind
        self.config = dict(config)
        self.values = values or []

    @property
    def iterations(self) -> int:
        """Number of steps so far."""
        return int(self.values[0]) if self.values else 0

    def get_config(self) -> dict[str, Any]:
        """Return the settings with the present learning rate, unless it is a schedule."""
        rate = self.config["learning_rate"]
        if self.values and isinstance(rate, float):
            rate = float(self.values[1])
        return self.config | {"learning_rate": rate}

    def copy(self, parameters: list[NDArray[Any]]) -> "KerasOptimizer":
        """Return a copy; the parameters are known to Keras alone."""
        return KerasOptimizer(self.kind, self.config, [value.copy() for value in self.values])

    def variables(self) -> list[NDArray[Any]]:
        """Return the state in the order of the Keras optimizer's variables."""
        return self.values

    def set_variable(self, index: int, value: NDArray[Any]) -> None:
        """Set one of `variables`; the first time, all are set in their order."""
        self.values[index : index + 1] = [value]

    def settle(self) -> None:
        """Do nothing: no row waits for an update."""


def make_optimizer(
    optimizer: Any, learning_rate: float, network: ArrayNetwork
) -> ArrayOptimizer | KerasOptimizer:
    """Return a fresh optimizer for a network.

    Parameters
    ----------
    optimizer : str, keras.optimizers.Optimizer or its subclass
    learning_rate : float
        For names and classes; instances have their own.
    network : ArrayNetwork
    """
    for name, array_class in ARRAY_OPTIMIZERS.items():
        if optimizer is getattr(keras.optimizers, name) or (
            isinstance(optimizer, str) and optimizer.lower() == name.lower()
        ):
            return array_class(array_class.default_settings(learning_rate), network.parameters)
    if isinstance(optimizer, keras.optimizers.Optimizer):
        check_is_registered(optimizer, "optimizer")
    else:
        optimizer = _instance(optimizer, float(learning_rate))
    return optimizer_of(type(optimizer), optimizer.get_config(), network)


def optimizer_of(
    kind: type[keras.optimizers.Optimizer], config: Mapping[str, Any], network: ArrayNetwork
) -> ArrayOptimizer | KerasOptimizer:
    """Return an optimizer of a class with some settings, on arrays where possible."""
    is_from_keras = getattr(keras.optimizers, kind.__name__, None) is kind
    array_class = array_optimizer_class(kind.__name__, config) if is_from_keras else None
    if array_class is None:
        return KerasOptimizer(kind, config)
    return array_class(config, network.parameters)


def to_keras(optimizer: ArrayOptimizer | KerasOptimizer) -> keras.optimizers.Optimizer:
    """Return a Keras optimizer of the same settings."""
    if isinstance(optimizer, KerasOptimizer):
        kind = optimizer.kind
    else:
        kind = getattr(keras.optimizers, optimizer.name)
    return kind.from_config(optimizer.get_config())


def _instance(optimizer: Any, learning_rate: float) -> keras.optimizers.Optimizer:
    # Keras would number the names, and TensorFlow keeps memory for each name of a variable.
    config = {"learning_rate": learning_rate, "name": "optimizer"}
    if isinstance(optimizer, type) and issubclass(optimizer, keras.optimizers.Optimizer):
        try:
            return optimizer(**config)
        except TypeError as error:
            raise TypeError(
                f"optimizer={optimizer.__name__} must be a class that can be called with "
                f"learning_rate and name. Give an instance instead: {error}"
            ) from error
    try:
        return keras.optimizers.get({"class_name": optimizer, "config": config})
    except (AttributeError, ValueError) as error:
        raise ValueError(
            f"optimizer must be a name that Keras knows, a Keras optimizer or its class; "
            f"got {optimizer!r}."
        ) from error
