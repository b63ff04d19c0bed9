"""Keras' optimizers in numpy, with updates of only those rows of a kernel that a batch touches.

A word that occurs in no review of a batch has no gradient there. What an optimizer does with a
row of the first kernel while its gradient is zero has a closed form, so the row waits until a
later batch touches it, or until somebody reads the whole network. A step then costs what its
batch holds, however many features there are.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from skimdb.neural_network.arrays._types import FloatArray, IntArray

# Elements updated at a time: they and the temporary arrays stay in the processor's cache.
_BLOCK_SIZE = 2**18
# Steps after which rows wait no longer.
_MAX_WAITING_STEPS = 1024

# The settings that all Keras optimizers have, as `get_config` returns them.
_COMMON_SETTINGS = {
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
# Those of them that change nothing while the others are off.
_IDLE_SETTINGS = {"ema_momentum", "ema_overwrite_frequency"}


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
        return {"name": "optimizer", "learning_rate": rate} | _COMMON_SETTINGS | cls.own_settings

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
            if self._n_waited >= _MAX_WAITING_STEPS:
                self._settle_rows()
            if self.moves_waiting_rows and self._updated_at is None:
                self._settled_at = self.iterations
                self._updated_at = np.zeros(len(self.parameters[0]), np.int32)
            self._rows = self.current_rows(touched)
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


class ArraySGD(ArrayOptimizer):
    """`keras.optimizers.SGD`, with or without (Nesterov) momentum."""

    name = "SGD"
    own_settings: ClassVar[dict[str, Any]] = {"momentum": 0.0, "nesterov": False}

    @property
    def n_slots(self) -> int:
        return 1 if self.settings["momentum"] else 0

    @property
    def can_skip(self) -> bool:
        return bool(self.settings["momentum"] < 1)

    @property
    def moves_waiting_rows(self) -> bool:
        return bool(self.settings["momentum"])

    def update(self, gradient: FloatArray, parameter: FloatArray, *slots: FloatArray) -> None:
        gradient *= self.learning_rate
        if not slots:
            parameter -= gradient
            return
        (velocity,) = slots
        momentum = self.settings["momentum"]
        velocity *= momentum
        velocity -= gradient
        if self.settings["nesterov"]:
            parameter += momentum * velocity - gradient
        else:
            parameter += velocity

    def skip(self, n_missed: IntArray, parameter: FloatArray, *slots: FloatArray) -> None:
        (velocity,) = slots
        momentum = self.settings["momentum"]
        decay = (momentum**n_missed)[:, np.newaxis].astype(velocity.dtype)
        travel = momentum / (1 - momentum) * (1 - decay)
        parameter += velocity * (momentum * travel if self.settings["nesterov"] else travel)
        velocity *= decay


class ArrayRMSprop(ArrayOptimizer):
    """`keras.optimizers.RMSprop` without momentum, not centered.

    A step multiplies all velocities by `rho`. Here they are kept without these powers of `rho`,
    so that a row without gradient stays as it is.
    """

    name = "RMSprop"
    own_settings: ClassVar[dict[str, Any]] = {
        "rho": 0.9,
        "momentum": 0.0,
        "epsilon": 1e-07,
        "centered": False,
    }

    # The power grows until it is multiplied into the velocities: float32 has room for it.
    _LEAST_POWER: ClassVar[float] = 1e-6

    def __init__(self, settings: Mapping[str, Any], parameters: list[FloatArray]) -> None:
        super().__init__(settings, parameters)
        self._power = 1.0

    @classmethod
    def supports(cls, settings: Mapping[str, Any]) -> bool:
        return not settings["momentum"] and not settings["centered"] and 0 < settings["rho"] < 1

    @property
    def n_slots(self) -> int:
        return 1

    def copy(self, parameters: list[FloatArray]) -> Self:
        other = super().copy(parameters)
        other._power = self._power
        return other

    def start_step(self, touched: IntArray | None) -> FloatArray:
        if self._power * self.settings["rho"] < self._LEAST_POWER:
            self.settle()
        self._next_power = self._power * self.settings["rho"]
        return super().start_step(touched)

    def update(self, gradient: FloatArray, parameter: FloatArray, *slots: FloatArray) -> None:
        (velocity,) = slots
        velocity *= self.settings["rho"]
        self._add_and_move(gradient, parameter, velocity, power=1.0)

    def update_rows(self, gradient: FloatArray, rows: FloatArray, *slots: FloatArray) -> None:
        self._add_and_move(gradient, rows, *slots, power=self._next_power)

    def settle(self) -> None:
        if self._power != 1:
            self.slots[0][0] *= self._power
            self._power = 1.0

    def _add_and_move(
        self, gradient: FloatArray, parameter: FloatArray, velocity: FloatArray, *, power: float
    ) -> None:
        # The factors are such that as few passes through the arrays as possible are needed.
        share = 1 - self.settings["rho"]
        gradient *= float(np.sqrt(share / power))
        scratch = gradient * gradient
        velocity += scratch
        np.add(velocity, self.settings["epsilon"] / power, out=scratch)
        np.sqrt(scratch, out=scratch)
        gradient /= scratch
        gradient *= self.learning_rate / float(np.sqrt(share))
        parameter -= gradient

    def _keep_rows(self) -> None:
        super()._keep_rows()
        self._power = self._next_power


class ArrayAdam(ArrayOptimizer):
    r"""`keras.optimizers.Adam` without `amsgrad`.

    Notes
    -----
    A row with first and second moments m and v moves without a gradient too: after j steps by

    .. math:: \\alpha_j \\beta_1^j m / (\\beta_2^{j/2} \\sqrt{v} + \\epsilon)

    With :math:`\\delta_j = 1 - \\beta_2^{j/2}` and :math:`r = \\sqrt{v} / (\\sqrt{v} + \\epsilon)`
    the fraction is :math:`\\sum_p (\\delta_j r)^p / (\\sqrt{v} + \\epsilon)`, a series that
    converges fast as long as m fades much sooner than v does. Its coefficients depend on the
    steps alone, not on the row, so that any number of missed steps costs the same.
    """

    name = "Adam"
    own_settings: ClassVar[dict[str, Any]] = {
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-07,
        "amsgrad": False,
    }

    _N_TERMS: ClassVar[int] = 4

    def __init__(self, settings: Mapping[str, Any], parameters: list[FloatArray]) -> None:
        super().__init__(settings, parameters)
        # Column t: what rows last updated before step t have missed until now, per term.
        self._coefficients = np.zeros((self._N_TERMS, _MAX_WAITING_STEPS + 1))
        # What a step adds to the columns before it, without alpha; nothing to those long before.
        beta_1, beta_2 = settings["beta_1"], settings["beta_2"]
        n_lags = int(np.log(1e-12) / np.log(beta_1)) + 1 if beta_1 else 1
        lag = np.arange(min(n_lags, _MAX_WAITING_STEPS), 0, -1)
        powers = np.arange(self._N_TERMS)[:, np.newaxis]
        self._additions = beta_1**lag * (1 - beta_2 ** (lag / 2)) ** powers

    @classmethod
    def supports(cls, settings: Mapping[str, Any]) -> bool:
        return not settings["amsgrad"]

    @property
    def n_slots(self) -> int:
        return 2

    def copy(self, parameters: list[FloatArray]) -> Self:
        other = super().copy(parameters)
        other._coefficients = self._coefficients.copy()
        return other

    @property
    def moves_waiting_rows(self) -> bool:
        return True

    @property
    def can_skip(self) -> bool:
        fading = (1 - self.settings["beta_2"]) / (1 - self.settings["beta_1"])
        return bool(fading <= 0.02)

    def update(self, gradient: FloatArray, parameter: FloatArray, *slots: FloatArray) -> None:
        momentum, velocity = slots
        scratch = gradient - momentum
        scratch *= 1 - self.settings["beta_1"]
        momentum += scratch
        gradient *= gradient
        gradient -= velocity
        gradient *= 1 - self.settings["beta_2"]
        velocity += gradient
        np.sqrt(velocity, out=scratch)
        scratch += self.settings["epsilon"]
        np.multiply(momentum, self._alpha, out=gradient)
        gradient /= scratch
        parameter -= gradient

    def skip(self, n_missed: IntArray, parameter: FloatArray, *slots: FloatArray) -> None:
        momentum, velocity = slots
        missed = self._coefficients[:, self._n_waited - n_missed].astype(velocity.dtype)
        root = np.sqrt(velocity)
        denominator = root + self.settings["epsilon"]
        root /= denominator
        travel = np.repeat(missed[-1][:, np.newaxis], root.shape[1], axis=1)
        for coefficient in missed[-2::-1]:
            travel *= root
            travel += coefficient[:, np.newaxis]
        travel *= momentum
        travel /= denominator
        parameter -= travel
        momentum *= (self.settings["beta_1"] ** n_missed)[:, np.newaxis].astype(velocity.dtype)
        velocity *= (self.settings["beta_2"] ** n_missed)[:, np.newaxis].astype(velocity.dtype)

    def _settle_rows(self) -> None:
        super()._settle_rows()
        self._coefficients[:] = 0

    @property
    def _alpha(self) -> float:
        """The factor of a step, which corrects the moments' bias."""
        step = self.iterations + 1
        beta_1, beta_2 = self.settings["beta_1"], self.settings["beta_2"]
        return float(self.learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step))

    def start_step(self, touched: IntArray | None) -> FloatArray:
        rows = super().start_step(touched)
        if touched is not None:
            n_columns = min(self._n_waited + 1, self._additions.shape[1])
            self._columns = slice(self._n_waited + 1 - n_columns, self._n_waited + 1)
            self._added = self._coefficients[:, self._columns].copy()
            self._added += self._alpha * self._additions[:, -n_columns:]
        return rows

    def _keep_rows(self) -> None:
        super()._keep_rows()
        if self._touched is not None:
            self._coefficients[:, self._columns] = self._added


def _even_if_interrupted(assign: Callable[[], None]) -> None:
    """Make some assignments again, from the first one, if they are interrupted."""
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


ARRAY_OPTIMIZERS: dict[str, type[ArrayOptimizer]] = {
    kind.name: kind for kind in (ArraySGD, ArrayRMSprop, ArrayAdam)
}


def array_optimizer_class(name: str, settings: Mapping[str, Any]) -> type[ArrayOptimizer] | None:
    """Return the class that does what Keras' optimizer of that name does, or None."""
    kind = ARRAY_OPTIMIZERS.get(name)
    if (
        kind is None
        or any(settings.get(setting) for setting in _COMMON_SETTINGS.keys() - _IDLE_SETTINGS)
        or not isinstance(settings["learning_rate"], float)  # a schedule
        or not kind.supports(settings)
    ):
        return None
    return kind
