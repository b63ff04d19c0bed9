"""A Ray backend for joblib that survives the loss of workers and stores data once."""

import importlib
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import ray
from ray.util.joblib.ray_backend import RayBackend

# As in Dask. Without a limit, a fit that runs out of memory would be retried forever.
_RECOVERING = {"max_restarts": 3, "max_task_retries": 3}

# Smaller arguments are sent with each call.
_MIN_ROWS = 100

_Calls: TypeAlias = list[tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]]


class RecoveringRayBackend(RayBackend):  # type: ignore[misc]
    """Ray's backend, which also stores data once and replaces workers that die."""

    def __init__(
        self, *args: Any, ray_remote_args: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, ray_remote_args=_RECOVERING | (ray_remote_args or {}), **kwargs)
        # By id(), which is unique while the object exists.
        self._stored: dict[int, tuple[weakref.ref[Any], _Stored]] = {}

    def stop_call(self) -> None:
        """Release the data, which may change before the next call."""
        self._stored.clear()
        super().stop_call()

    def submit(self, func: Any, callback: Callable[[Any], None] | None = None) -> Any:
        """Schedule a batch of calls, with large arguments replaced by references."""
        func.items = _with_arguments(self._store, func.items)
        return super().submit(_CallsByReference(func), callback)

    def _store(self, argument: Any) -> Any:
        """Return a reference to a large argument, always the same for the same object."""
        if not _is_large(argument):
            return argument
        key = id(argument)
        if key not in self._stored:
            forget = weakref.ref(argument, lambda _: self._stored.pop(key, None))
            self._stored[key] = forget, _Stored(ray.put(argument))
        return self._stored[key][1]


class _Stored(NamedTuple):
    """A reference that replaces an argument, as opposed to one that the caller passed."""

    reference: ray.ObjectRef


def _is_large(argument: Any) -> bool:
    """Whether it is an array, matrix, frame or Arrow array of at least `_MIN_ROWS` rows."""
    if hasattr(argument, "__arrow_c_array__") or hasattr(argument, "__arrow_c_stream__"):
        return len(argument) >= _MIN_ROWS
    shape: Any = getattr(argument, "shape", ())
    return bool(shape) and bool(shape[0] >= _MIN_ROWS)


class _CallsByReference:
    """A batch of calls, some of whose arguments are references."""

    def __init__(self, calls: Any) -> None:
        self._calls = calls

    def __call__(self) -> list[Any]:
        # `skimdb.neural_network.keras._model` itself limits TensorFlow's threads only in child
        # processes of multiprocessing.
        if "skimdb.neural_network.keras._model" in sys.modules:
            importlib.import_module(
                "skimdb.neural_network.keras._threads"
            ).limit_tensorflow_threads()
        self._calls.items = _with_arguments(_load, self._calls.items)
        results: list[Any] = self._calls()
        return results


def _load(argument: Any) -> Any:
    return ray.get(argument.reference) if isinstance(argument, _Stored) else argument


def _with_arguments(change: Callable[[Any], Any], calls: _Calls) -> _Calls:
    return [
        (
            function,
            [change(argument) for argument in args],
            {name: change(argument) for name, argument in kwargs.items()},
        )
        for function, args, kwargs in calls
    ]
