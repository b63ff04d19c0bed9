"""Keras' optimizers in numpy, with updates of only those rows of a kernel that a batch touches.

A word that occurs in no review of a batch has no gradient there. What an optimizer does with a
row of the first kernel while its gradient is zero has a closed form, so the row waits until a
later batch touches it, or until somebody reads the whole network. A step then costs what its
batch holds, however many features there are.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from skimdb.neural_network.arrays._finite import check_finite
from skimdb.neural_network.arrays._types import FloatArray, IntArray

# Threads that read a network bring its rows up to date one at a time.
SETTLING = threading.RLock()
# Elements updated at a time: they and the temporary arrays stay in the processor's cache.
_BLOCK_SIZE = 2**18
# Rows wait for at most so many steps.
MAX_WAITING_STEPS = 1024

# The settings that all Keras optimizers have, as `get_config` returns them.
COMMON_SETTINGS = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


class ArrayOptimizer(ABC):
    """A Keras optimizer's arithmetic on numpy arrays.

    Parameters
    ----------
    settings : dict
        What `get_config` of the Keras optimizer returns.
    parameters : list of ndarray
        Weights to update, in place; the first one is the kernel whose rows may wait.

    Attributes
    ----------
    learning_rate : float
    iterations : int
        Number of steps so far.
    slots : list of list of ndarray
        For each parameter the arrays that the optimizer keeps for it.
    keeps_steps : bool
        Whether a failure in the middle of a step leaves everything as it was before that step.
        Then a step after which parameters would not be finite is such a failure.
    """

    name: ClassVar[str]
    own_settings: ClassVar[dict[str, Any]]

    def __init__(self, settings: Mapping[str, Any], parameters: list[FloatArray]) -> None:
        self.settings = dict(settings)
        self.parameters = parameters
        self.learning_rate = float(np.float32(settings["learning_rate"]))  # as Keras keeps it
        self.iterations = 0
        self.slots: list[list[FloatArray]] = [
            [np.zeros_like(parameter) for _ in range(self.n_slots)] for parameter in parameters
        ]
        self.keeps_steps = False
        self._touched: IntArray | None = None
        self._rows: list[FloatArray] = []
        self._settled_at = 0
        self._updated_at: NDArray[np.int32] | None = None

    @classmethod
    def default_settings(cls, learning_rate: float) -> dict[str, Any]:
        """Return what `get_config` of the Keras optimizer with this learning rate returns."""
        rate = float(np.float32(learning_rate))
        return {"name": "optimizer", "learning_rate": rate} | COMMON_SETTINGS | cls.own_settings

    @classmethod
    def supports(cls, settings: Mapping[str, Any]) -> bool:
        """Whether this class does what the Keras optimizer with these settings does."""
        return True

    @property
    @abstractmethod
    def n_slots(self) -> int:
        """Number of arrays that are kept for each parameter."""

    def copy(self, parameters: list[FloatArray]) -> Self:
        """Return a copy that updates other parameters, which must be equal."""
        other = type(self)(self.settings, parameters)
        other.learning_rate, other.iterations = self.learning_rate, self.iterations
        other.slots = [[slot.copy() for slot in slots] for slots in self.slots]
        other._settled_at = self._settled_at
        other._updated_at = None if self._updated_at is None else self._updated_at.copy()
        return other

    def variables(self) -> list[NDArray[Any]]:
        """Return the state in the order of the Keras optimizer's variables."""
        self.settle()
        scalars: list[NDArray[Any]] = [
            np.array(self.iterations, np.int64),
            np.array(self.learning_rate, np.float32),
        ]
        return [*scalars, *(slot for slots in self.slots for slot in slots)]

    def get_config(self) -> dict[str, Any]:
        """Return the settings with the present learning rate."""
        return self.settings | {"learning_rate": self.learning_rate}

    def set_variable(self, index: int, value: NDArray[Any]) -> None:
        """Set one of `variables`, all of which must be settled."""
        if index == 0:
            self.iterations = self._settled_at = int(value)
        elif index == 1:
            self.learning_rate = float(value)
        else:
            parameter, slot = divmod(index - 2, self.n_slots)
            self.slots[parameter][slot] = value

    @property
    def can_skip(self) -> bool:
        """Whether steps with a gradient of zero have a closed form."""
        return True

    @property
    def moves_waiting_rows(self) -> bool:
        """Whether a row changes in a step in which its gradient is zero."""
        return False

    @abstractmethod
    def update(self, gradient: FloatArray, parameter: FloatArray, *slots: FloatArray) -> None:
        """Make one step, in place; may overwrite `gradient`."""

    def update_rows(self, gradient: FloatArray, rows: FloatArray, *slots: FloatArray) -> None:
        """Make one step with rows from `start_step`, in place; may overwrite `gradient`."""
        self.update(gradient, rows, *slots)

    def skip(self, n_missed: IntArray, parameter: FloatArray, *slots: FloatArray) -> None:
        """Make as many steps with zero gradient as `n_missed` says for each row, in place."""
        raise NotImplementedError

    @property
    def has_waiting_rows(self) -> bool:
        """Whether the first kernel differs from what it would be without waiting."""
        return self._updated_at is not None

    def current_rows(self, rows: IntArray) -> list[FloatArray]:
        """Return up-to-date copies of rows of the first kernel and of its slots."""
        with SETTLING:
            return self._copy_rows(rows)

    def _copy_rows(self, rows: IntArray) -> list[FloatArray]:
        copies = [array.take(rows, axis=0, mode="clip") for array in self._first_arrays]
        if self._updated_at is not None:
            self.skip(self._n_waited - self._updated_at[rows], *copies)
        return copies

    def start_step(self, touched: IntArray | None) -> FloatArray:
        """Return the up-to-date rows `touched` of the first kernel; None stands for all rows."""
        self._touched = touched
        if touched is None:
            self._settle_rows()
            arrays = self._first_arrays
            self._rows = [array.copy() for array in arrays] if self.keeps_steps else arrays
        else:
            if self._n_waited >= MAX_WAITING_STEPS:
                self._settle_rows()
            if self.moves_waiting_rows and self._updated_at is None:
                self._settled_at = self.iterations
                self._updated_at = np.zeros(len(self.parameters[0]), np.int32)
            self._rows = self._copy_rows(touched)
        return self._rows[0]

    def finish_step(self, gradients: list[FloatArray]) -> None:
        """Update all parameters; the first gradient is that of the rows from `start_step`."""
        for block in _row_blocks(gradients[0]):
            self.update_rows(gradients[0][block], *(rows[block] for rows in self._rows))
        others = [
            [parameter.copy(), *(slot.copy() for slot in slots)]
            for parameter, slots in zip(self.parameters[1:], self.slots[1:], strict=True)
        ]
        for gradient, arrays in zip(gradients[1:], others, strict=True):
            self.update(gradient, *arrays)
        if self.keeps_steps:
            check_finite([self._rows[0], *(parameter for parameter, *_ in others)])
        iterations = self.iterations + 1

        def keep() -> None:
            self.iterations = iterations
            self._keep_rows()
            for index, (parameter, *slots) in enumerate(others, start=1):
                self.parameters[index], self.slots[index] = parameter, slots

        _even_if_interrupted(keep)
        self._rows, self._touched = [], None  # Pickles need not hold them.

    def settle(self) -> None:
        """Bring all parameters and slots up to date."""
        with SETTLING:
            self._settle_rows()

    def _settle_rows(self) -> None:
        if self._updated_at is None:
            return
        for block in _row_blocks(self.parameters[0]):
            arrays = [array[block] for array in self._first_arrays]
            current = [array.copy() for array in arrays]
            self.skip(self._n_waited - self._updated_at[block], *current)
            _even_if_interrupted(lambda: self._keep_block(block, arrays, current))  # noqa: B023
        self._updated_at = None

    @property
    def _first_arrays(self) -> list[FloatArray]:
        return [self.parameters[0], *self.slots[0]]

    @property
    def _n_waited(self) -> int:
        """The number of steps since all rows were up to date."""
        return 0 if self._updated_at is None else self.iterations - self._settled_at

    def _keep_rows(self) -> None:
        if self._touched is None:
            self.parameters[0], self.slots[0] = self._rows[0], self._rows[1:]
            return
        for array, rows in zip(self._first_arrays, self._rows, strict=True):
            _put_rows(array, self._touched, rows)
        if self._updated_at is not None:
            self._updated_at[self._touched] = self._n_waited

    def _keep_block(
        self, block: slice, arrays: list[FloatArray], current: list[FloatArray]
    ) -> None:
        for array, values in zip(arrays, current, strict=True):
            array[...] = values
        if self._updated_at is not None:
            self._updated_at[block] = self._n_waited


def _even_if_interrupted(assign: Callable[[], None]) -> None:
    """Make assignments, and start over if they are interrupted."""
    try:
        assign()
    except BaseException:
        assign()
        raise


def _row_blocks(array: FloatArray) -> Iterator[slice]:
    """Yield slices of about `_BLOCK_SIZE` elements each."""
    size = max(1, _BLOCK_SIZE // array.shape[1])
    for start in range(0, len(array), size):
        yield slice(start, start + size)


def _put_rows(array: FloatArray, positions: IntArray, rows: FloatArray) -> None:
    """Assign ``array[positions] = rows``, several times as fast as that for short rows."""
    row_type = np.dtype((np.void, array.itemsize * array.shape[1]))
    np.put(array.view(row_type), positions, rows.view(row_type), mode="clip")
