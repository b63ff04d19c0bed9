"""What a classifier's network has been through, and how a failure leaves no trace in it."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Self, TypeVar, cast

import keras
from numpy.typing import NDArray

_Method = TypeVar("_Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class TrainingState:
    """A network and its training so far.

    Attributes
    ----------
    model : keras.Model
    classes : ndarray of shape (n_classes,)
    seed : int
        Of the order of the samples and the dropout masks, in each epoch.
    history : dict of lists
        One number per epoch.
    variables : list of ndarray or None
        Values of the network's and the optimizer's variables, to go back to if training fails.
    """

    model: keras.Model
    classes: NDArray[Any]
    seed: int
    history: dict[str, list[float]]
    variables: list[NDArray[Any]] | None = None

    @classmethod
    def going_on(
        cls,
        model: keras.Model,
        classes: NDArray[Any],
        seed: int,
        history: dict[str, list[float]],
    ) -> Self:
        """Start from a network that must stay as it is if training fails."""
        variables = [variable.value.numpy() for variable in _all_variables(model)]
        return cls(model, classes, seed, history, variables)

    @property
    def n_epochs(self) -> int:
        """Number of epochs since the network was built."""
        return len(self.history.get("loss", []))

    def extended(self, history: dict[str, list[float]]) -> Self:
        """Append epochs, with NaN for what was measured in only some of them."""
        before, after = [math.nan] * self.n_epochs, [math.nan] * len(history["loss"])
        names = {**self.history, **history}
        joined = {name: self.history.get(name, before) + history.get(name, after) for name in names}
        return replace(self, history=joined, variables=None)

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Take back what is done to the network in the block if the block raises."""
        try:
            yield
        except BaseException:
            if self.variables is not None:
                variables = _all_variables(self.model)
                for variable, value in zip(variables, self.variables, strict=True):
                    variable.assign(value)
            raise


def _all_variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]


def all_or_nothing(method: _Method) -> _Method:
    """Make a method leave its object's attributes as they were if it raises."""

    @wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = dict(self.__dict__)
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    return cast(_Method, wrapper)
