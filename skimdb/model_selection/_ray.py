"""What a joblib backend on Ray must do beyond Ray's own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import ray
from ray.util.joblib.ray_backend import RayBackend

# As often as Dask tries, so that a fit that needs more memory than there is comes to an end.
_RECOVERING = {"max_restarts": 3, "max_task_retries": 3}

_Calls: TypeAlias = list[tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]]


class RecoveringRayBackend(RayBackend):  # type: ignore[misc]
    """Ray's backend, with data sent once, and workers replaced that die."""

    def __init__(
        self, *args: Any, ray_remote_args: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, ray_remote_args=_RECOVERING | (ray_remote_args or {}), **kwargs)
        self._stored: dict[int, tuple[Any, ray.ObjectRef]] = {}

    def submit(self, func: Any, callback: Callable[[Any], None] | None = None) -> Any:
        """Schedule a batch of calls, with data replaced by references to it."""
        func.items = _with_arguments(self._store, func.items)
        return super().submit(_CallsByReference(func), callback)

    def terminate(self) -> None:
        """Stop the workers, and let go of the data."""
        super().terminate()
        self._stored.clear()

    def _store(self, argument: Any) -> Any:
        """Return a reference to an argument that may be large, the same for the same object."""
        if not (hasattr(argument, "shape") or isinstance(argument, list)):
            return argument
        if id(argument) not in self._stored:
            # The object is kept, so that no other one gets its id.
            self._stored[id(argument)] = argument, ray.put(argument)
        return self._stored[id(argument)][1]


class _CallsByReference:
    """A batch of calls, some of whose arguments are references."""

    def __init__(self, calls: Any) -> None:
        self._calls = calls

    def __call__(self) -> list[Any]:
        self._calls.items = _with_arguments(_load, self._calls.items)
        results: list[Any] = self._calls()
        return results


def _load(argument: Any) -> Any:
    return ray.get(argument) if isinstance(argument, ray.ObjectRef) else argument


def _with_arguments(change: Callable[[Any], Any], calls: _Calls) -> _Calls:
    return [
        (
            function,
            [change(argument) for argument in args],
            {name: change(argument) for name, argument in kwargs.items()},
        )
        for function, args, kwargs in calls
    ]
