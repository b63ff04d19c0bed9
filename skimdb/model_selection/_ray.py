"""What a joblib backend on Ray must do beyond Ray's own."""

import importlib
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import ray
from ray.util.joblib.ray_backend import RayBackend

# As often as Dask tries, so that a fit that needs more memory than there is comes to an end.
_RECOVERING = {"max_restarts": 3, "max_task_retries": 3}

# Fewer are sent with each call.
_MIN_ROWS = 100

_Calls: TypeAlias = list[tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]]


class RecoveringRayBackend(RayBackend):  # type: ignore[misc]
    """Ray's backend, with data sent once, and workers replaced that die."""

    def __init__(
        self, *args: Any, ray_remote_args: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, ray_remote_args=_RECOVERING | (ray_remote_args or {}), **kwargs)
        # By the number of an object, which is not another's as long as the object is referred to.
        self._stored: dict[int, tuple[weakref.ref[Any], _Stored]] = {}

    def stop_call(self) -> None:
        """Let go of the data, which may have changed by the next call."""
        self._stored.clear()
        super().stop_call()

    def submit(self, func: Any, callback: Callable[[Any], None] | None = None) -> Any:
        """Schedule a batch of calls, with data replaced by references to it."""
        func.items = _with_arguments(self._store, func.items)
        return super().submit(_CallsByReference(func), callback)

    def _store(self, argument: Any) -> Any:
        """Return a reference to an argument that is large, the same for the same object."""
        if not _is_large(argument):
            return argument
        key = id(argument)
        if key not in self._stored:
            forget = weakref.ref(argument, lambda _: self._stored.pop(key, None))
            self._stored[key] = forget, _Stored(ray.put(argument))
        return self._stored[key][1]


class _Stored(NamedTuple):
    """Stands for an argument, and is none of the references that a caller may pass."""

    reference: ray.ObjectRef


def _is_large(argument: Any) -> bool:
    """Whether it is an array, matrix, frame or Arrow array of some rows."""
    if hasattr(argument, "__arrow_c_array__") or hasattr(argument, "__arrow_c_stream__"):
        return len(argument) >= _MIN_ROWS
    shape: Any = getattr(argument, "shape", ())
    return bool(shape) and bool(shape[0] >= _MIN_ROWS)


class _CallsByReference:
    """A batch of calls, some of whose arguments are references."""

    def __init__(self, calls: Any) -> None:
        self._calls = calls

    def __call__(self) -> list[Any]:
        # `skimdb.neural_network` limits TensorFlow's threads only in children of multiprocessing,
        # which Ray's workers are not.
        if "skimdb.neural_network" in sys.modules:
            importlib.import_module(
                "skimdb.neural_network._tensorflow_threads"
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
