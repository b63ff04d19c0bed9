"""Keras' SGD, RMSprop and Adam in numpy."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from skimdb.neural_network.arrays._optimizer import (
    COMMON_SETTINGS,
    MAX_WAITING_STEPS,
    SETTLING,
    ArrayOptimizer,
)
from skimdb.neural_network.arrays._types import FloatArray, IntArray

# Settings that change nothing while the others are off.
_IDLE_SETTINGS = {"ema_momentum", "ema_overwrite_frequency"}
_STEPS = np.arange(MAX_WAITING_STEPS + 1)


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
        with SETTLING:
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

    .. math:: \alpha_j \beta_1^j m / (\beta_2^{j/2} \sqrt{v} + \epsilon)

    With :math:`\delta_j = 1 - \beta_2^{-j/2}` and :math:`q = \epsilon / (\sqrt{v} + \epsilon)`
    the fraction is :math:`\beta_2^{-j/2} \sum_p (\delta_j q)^p / (\sqrt{v} + \epsilon)`. Three
    terms are enough if m fades much sooner than v does (see `can_skip`). Their coefficients depend
    on the steps alone, not on the row, so that any number of missed steps costs the same.
    """

    name = "Adam"
    own_settings: ClassVar[dict[str, Any]] = {
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-07,
        "amsgrad": False,
    }

    def __init__(self, settings: Mapping[str, Any], parameters: list[FloatArray]) -> None:
        super().__init__(settings, parameters)
        beta_1, beta_2 = settings["beta_1"], settings["beta_2"]
        # Column t: what rows last updated before step t have missed until now, per term.
        self._coefficients = np.zeros((3, MAX_WAITING_STEPS + 1))
        if self.can_skip:
            # What a step adds to the columns before it, without alpha. Long before it adds nothing.
            n_lags = int(np.log(1e-12) / np.log(beta_1)) + 1 if beta_1 else 1
            lag = np.arange(min(n_lags, MAX_WAITING_STEPS), 0, -1)
            growth = beta_2 ** (-lag / 2)
            powers = np.arange(3)[:, np.newaxis]
            self._additions = beta_1**lag * growth * ((1 - growth) * settings["epsilon"]) ** powers
        # What is left of the moments after each number of steps.
        self._fading = np.stack([beta**_STEPS for beta in (beta_1, beta_2)])

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
        beta_1, beta_2 = self.settings["beta_1"], self.settings["beta_2"]
        return bool(beta_1 < 1 and 1 - beta_2 <= 0.02 * (1 - beta_1))

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
        missed = self._coefficients[:, self._n_waited - n_missed, np.newaxis]
        constant, linear, quadratic = missed.astype(velocity.dtype)
        inverse = np.sqrt(velocity)
        inverse += self.settings["epsilon"]
        np.reciprocal(inverse, out=inverse)
        travel = quadratic * inverse
        travel += linear
        travel *= inverse
        travel += constant
        travel *= inverse
        travel *= momentum
        parameter -= travel
        fading = self._fading[:, n_missed, np.newaxis].astype(velocity.dtype)
        momentum *= fading[0]
        velocity *= fading[1]

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


ARRAY_OPTIMIZERS: dict[str, type[ArrayOptimizer]] = {
    kind.name: kind for kind in (ArraySGD, ArrayRMSprop, ArrayAdam)
}


def array_optimizer_class(name: str, settings: Mapping[str, Any]) -> type[ArrayOptimizer] | None:
    """Return the class that does what Keras' optimizer of that name does, or None."""
    kind = ARRAY_OPTIMIZERS.get(name)
    if (
        kind is None
        or any(settings.get(setting) for setting in COMMON_SETTINGS.keys() - _IDLE_SETTINGS)
        or not isinstance(settings["learning_rate"], float)  # a schedule
        or not kind.supports(settings)
    ):
        return None
    return kind
