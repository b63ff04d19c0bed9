"""Keras' optimizers in numpy, with updates of only those rows of a kernel that a batch touches.

A word that occurs in no review of a batch has no gradient there. What an optimizer does with a
row of the first kernel while its gradient is zero has a closed form, so the row is brought up
to date when a later batch touches it, or when the epoch ends. A step then costs what its batch
holds, however many features there are.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from skimdb.neural_network._samples import FloatArray, IntArray

# Elements updated at a time: they and the temporary arrays stay in the processor's cache.
_BLOCK_SIZE = 65_536

# Settings of the base class that change an update; each must be off.
_UNSUPPORTED_SETTINGS = (
    "clipnorm",
    "clipvalue",
    "gradient_accumulation_steps",
    "global_clipnorm",
    "loss_scale_factor",
    "use_ema",
    "weight_decay",
)


class ArrayOptimizer(ABC):
    """A Keras optimizer's arithmetic on numpy arrays.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Built for the model whose weights `parameters` holds. Its state is copied here, and
        brought back by `store`.
    parameters : list of ndarray
        Weights in the order of the model's trainable variables, kernel of the first layer first.
        Updated in place.
    n_steps : int
        Number of steps of an epoch.
    """

    def __init__(
        self, optimizer: keras.optimizers.Optimizer, parameters: list[FloatArray], n_steps: int
    ) -> None:
        self.optimizer = optimizer
        self.parameters = parameters
        self.learning_rate = float(optimizer.learning_rate)
        self.slots: list[list[FloatArray]] = [
            [
                variable.value.numpy().astype(parameters[0].dtype, copy=False)
                for variable in variables
            ]
            for variables in zip(*self.slot_variables(optimizer), strict=True)
        ] or [[] for _ in parameters]
        self.n_steps = n_steps
        self.iterations = int(optimizer.iterations)
        self.step = 0
        self._fresh_at: NDArray[np.int32] | None = None

    @staticmethod
    @abstractmethod
    def supports(optimizer: keras.optimizers.Optimizer) -> bool:
        """Whether this class does exactly what `optimizer` does."""

    @property
    def can_skip(self) -> bool:
        """Whether zero gradients have a closed form."""
        return True

    @staticmethod
    @abstractmethod
    def slot_variables(
        optimizer: keras.optimizers.Optimizer,
    ) -> list[list[keras.Variable]]:
        """Return lists of the optimizer's state variables, one list per kind."""

    @abstractmethod
    def update(self, gradient: FloatArray, parameter: FloatArray, *slots: FloatArray) -> None:
        """Make one step, in place; may overwrite `gradient`."""

    @property
    def changes_untouched_rows(self) -> bool:
        """Whether a row changes in a step in which its gradient is zero."""
        return False

    def skip(self, n_missed: IntArray, parameter: FloatArray, *slots: FloatArray) -> None:
        """Make as many steps with zero gradient as `n_missed` says for each row, in place."""
        raise NotImplementedError

    def start_step(self, touched: IntArray | None) -> FloatArray:
        """Return the up-to-date rows `touched` of the first kernel; None stands for all rows."""
        self._touched = touched
        arrays = [self.parameters[0], *self.slots[0]]
        if touched is None:
            self._refresh()
            self._rows = arrays
        else:
            self._rows = [array.take(touched, axis=0, mode="clip") for array in arrays]
            if self.changes_untouched_rows:
                if self._fresh_at is None:
                    self._fresh_at = np.full(len(arrays[0]), self.step, np.int32)
                self.skip(self.step - self._fresh_at[touched], *self._rows)
        return self._rows[0]

    def finish_step(self, gradients: list[FloatArray]) -> None:
        """Update all parameters; the first gradient is that of the rows from `start_step`."""
        for block in _row_blocks(gradients[0]):
            self.update(gradients[0][block], *(rows[block] for rows in self._rows))
        for gradient, parameter, slots in zip(
            gradients[1:], self.parameters[1:], self.slots[1:], strict=True
        ):
            self.update(gradient, parameter, *slots)
        self.step += 1
        if self._touched is not None:
            for array, rows in zip([self.parameters[0], *self.slots[0]], self._rows, strict=True):
                _put_rows(array, self._touched, rows)
            if self._fresh_at is not None:
                self._fresh_at[self._touched] = self.step

    def finish_epoch(self) -> None:
        """Bring all rows up to date."""
        self._refresh()
        self.iterations += self.step
        self.step = 0

    def store(self) -> None:
        """Write the state back to the Keras optimizer."""
        for variables, slots in zip(
            zip(*self.slot_variables(self.optimizer), strict=True), self.slots, strict=False
        ):
            for variable, slot in zip(variables, slots, strict=True):
                variable.assign(slot)
        self.optimizer.iterations.assign(self.iterations)

    def _refresh(self) -> None:
        if self._fresh_at is None:
            return
        arrays = [self.parameters[0], *self.slots[0]]
        for block in _row_blocks(arrays[0]):
            n_missed = self.step - self._fresh_at[block]
            self.skip(n_missed, *(array[block] for array in arrays))
        self._fresh_at = None


class ArraySGD(ArrayOptimizer):
    """`keras.optimizers.SGD`, with or without (Nesterov) momentum."""

    @staticmethod
    def supports(optimizer: keras.optimizers.Optimizer) -> bool:
        return True

    @property
    def can_skip(self) -> bool:
        return bool(self.optimizer.momentum < 1)

    @staticmethod
    def slot_variables(
        optimizer: keras.optimizers.Optimizer,
    ) -> list[list[keras.Variable]]:
        return [optimizer.momentums] if optimizer.momentum else []

    def update(self, gradient: FloatArray, parameter: FloatArray, *slots: FloatArray) -> None:
        gradient *= self.learning_rate
        if not slots:
            parameter -= gradient
            return
        (velocity,) = slots
        velocity *= self.optimizer.momentum
        velocity -= gradient
        if self.optimizer.nesterov:
            parameter += self.optimizer.momentum * velocity - gradient
        else:
            parameter += velocity

    @property
    def changes_untouched_rows(self) -> bool:
        return bool(self.optimizer.momentum)

    def skip(self, n_missed: IntArray, parameter: FloatArray, *slots: FloatArray) -> None:
        (velocity,) = slots
        momentum = self.optimizer.momentum
        decay = (momentum**n_missed)[:, np.newaxis].astype(velocity.dtype)
        travel = momentum / (1 - momentum) * (1 - decay)
        parameter += velocity * (momentum * travel if self.optimizer.nesterov else travel)
        velocity *= decay


class ArrayRMSprop(ArrayOptimizer):
    """`keras.optimizers.RMSprop` without momentum, not centered.

    A step multiplies all velocities by `rho`. Here they are kept without these powers of `rho`,
    so that a row without gradient stays as it is.
    """

    # The power grows until it is multiplied into the velocities: float32 has room for it.
    _LEAST_POWER: ClassVar[float] = 1e-6

    def __init__(
        self, optimizer: keras.optimizers.Optimizer, parameters: list[FloatArray], n_steps: int
    ) -> None:
        super().__init__(optimizer, parameters, n_steps)
        self._power = 1.0

    @staticmethod
    def supports(optimizer: keras.optimizers.Optimizer) -> bool:
        return not optimizer.momentum and not optimizer.centered and optimizer.rho > 0

    @staticmethod
    def slot_variables(
        optimizer: keras.optimizers.Optimizer,
    ) -> list[list[keras.Variable]]:
        return [optimizer._velocities]

    def start_step(self, touched: IntArray | None) -> FloatArray:
        if self._power < self._LEAST_POWER:
            self._multiply_power()
        self._power *= self.optimizer.rho
        return super().start_step(touched)

    def update(self, gradient: FloatArray, parameter: FloatArray, *slots: FloatArray) -> None:
        (velocity,) = slots
        scratch = gradient * gradient
        scratch *= (1 - self.optimizer.rho) / self._power
        velocity += scratch
        np.multiply(velocity, self._power, out=scratch)
        scratch += self.optimizer.epsilon
        np.sqrt(scratch, out=scratch)
        gradient *= self.learning_rate
        gradient /= scratch
        parameter -= gradient

    def finish_epoch(self) -> None:
        self._multiply_power()
        super().finish_epoch()

    def _multiply_power(self) -> None:
        for slots in self.slots:
            slots[0] *= self._power
        self._power = 1.0


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

    _N_TERMS: ClassVar[int] = 4

    def __init__(
        self, optimizer: keras.optimizers.Optimizer, parameters: list[FloatArray], n_steps: int
    ) -> None:
        super().__init__(optimizer, parameters, n_steps)
        # Column t: what rows last updated before step t have missed until now, per term.
        self._coefficients = np.zeros((self._N_TERMS, n_steps + 1))
        # What a step adds to the columns before it, without alpha; nothing to those long before.
        beta_1, beta_2 = optimizer.beta_1, optimizer.beta_2
        n_lags = min(n_steps, int(np.log(1e-12) / np.log(beta_1)) + 1) if beta_1 else 1
        lag = np.arange(n_lags, 0, -1)
        powers = np.arange(self._N_TERMS)[:, np.newaxis]
        self._additions = beta_1**lag * (1 - beta_2 ** (lag / 2)) ** powers

    @staticmethod
    def supports(optimizer: keras.optimizers.Optimizer) -> bool:
        return not optimizer.amsgrad

    @property
    def changes_untouched_rows(self) -> bool:
        return True

    @property
    def can_skip(self) -> bool:
        fading = (1 - self.optimizer.beta_2) / (1 - self.optimizer.beta_1)
        return bool(fading <= 0.02)

    @staticmethod
    def slot_variables(
        optimizer: keras.optimizers.Optimizer,
    ) -> list[list[keras.Variable]]:
        return [optimizer._momentums, optimizer._velocities]

    @property
    def _alpha(self) -> float:
        step = self.iterations + self.step + 1
        beta_1, beta_2 = self.optimizer.beta_1, self.optimizer.beta_2
        return float(self.learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step))

    def finish_step(self, gradients: list[FloatArray]) -> None:
        if self._touched is not None:
            n_columns = min(self.step + 1, self._additions.shape[1])
            columns = slice(self.step + 1 - n_columns, self.step + 1)
            self._coefficients[:, columns] += self._alpha * self._additions[:, -n_columns:]
        super().finish_step(gradients)

    def finish_epoch(self) -> None:
        super().finish_epoch()
        self._coefficients[:] = 0

    def update(self, gradient: FloatArray, parameter: FloatArray, *slots: FloatArray) -> None:
        momentum, velocity = slots
        scratch = gradient - momentum
        scratch *= 1 - self.optimizer.beta_1
        momentum += scratch
        gradient *= gradient
        gradient -= velocity
        gradient *= 1 - self.optimizer.beta_2
        velocity += gradient
        np.sqrt(velocity, out=scratch)
        scratch += self.optimizer.epsilon
        np.multiply(momentum, self._alpha, out=gradient)
        gradient /= scratch
        parameter -= gradient

    def skip(self, n_missed: IntArray, parameter: FloatArray, *slots: FloatArray) -> None:
        momentum, velocity = slots
        missed = self._coefficients[:, self.step - n_missed].astype(velocity.dtype)
        root = np.sqrt(velocity)
        denominator = root + self.optimizer.epsilon
        root /= denominator
        travel = np.repeat(missed[-1][:, np.newaxis], root.shape[1], axis=1)
        for coefficient in missed[-2::-1]:
            travel *= root
            travel += coefficient[:, np.newaxis]
        travel *= momentum
        travel /= denominator
        parameter -= travel
        momentum *= (self.optimizer.beta_1**n_missed)[:, np.newaxis].astype(velocity.dtype)
        velocity *= (self.optimizer.beta_2**n_missed)[:, np.newaxis].astype(velocity.dtype)


def _row_blocks(array: FloatArray) -> Iterator[slice]:
    """Yield slices of about `_BLOCK_SIZE` elements each."""
    if len(array):
        yield from gen_batches(len(array), max(1, _BLOCK_SIZE // array.shape[1]))


def _put_rows(array: FloatArray, positions: IntArray, rows: FloatArray) -> None:
    """Assign ``array[positions] = rows``, several times as fast as that for short rows."""
    row_type = np.dtype((np.void, array.itemsize * array.shape[1]))
    np.put(array.view(row_type), positions, rows.view(row_type), mode="clip")


_ARRAY_OPTIMIZERS: dict[type, type[ArrayOptimizer]] = {
    keras.optimizers.SGD: ArraySGD,
    keras.optimizers.RMSprop: ArrayRMSprop,
    keras.optimizers.Adam: ArrayAdam,
}


def array_optimizer_class(optimizer: keras.optimizers.Optimizer) -> type[ArrayOptimizer] | None:
    """Return the class that does what `optimizer` does, or None."""
    array_class = _ARRAY_OPTIMIZERS.get(type(optimizer))
    if (
        array_class is None
        or any(getattr(optimizer, setting) for setting in _UNSUPPORTED_SETTINGS)
        or not isinstance(optimizer._learning_rate, keras.Variable)  # a schedule or a function
        or not array_class.supports(optimizer)
    ):
        return None
    return array_class
