"""What a Dask client must do beyond Dask's own, and what its workers must be set to."""

import ctypes
import importlib
import os
import sys
from typing import Any

import cloudpickle
import dask
from distributed import Client, Worker, WorkerPlugin

# glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, and what they come to by themselves if none is set.
_THRESHOLDS = [(-1, 2**26), (-3, 2**25)]
_UNLIMITED = 2**62


class PrepareWorker(WorkerPlugin):  # type: ignore[misc]
    """Make a worker ready to fit networks: now, or whenever it joins the cluster."""

    name = "skimdb"

    def setup(self, worker: Worker) -> None:
        """Keep freed memory for the next array, and load TensorFlow."""
        # By this variable, Dask has each larger array's memory given back to the system as soon as
        # it is free. A training step makes many of them, and its page faults would take longer
        # than itself.
        if "MALLOC_TRIM_THRESHOLD_" in os.environ and sys.platform == "linux":
            mallopt = getattr(ctypes.CDLL(None), "mallopt", lambda option, size: None)
            for option, size in _THRESHOLDS:
                mallopt(option, size)
        importlib.import_module("skimdb.neural_network")


class RecoveringClient(Client):  # type: ignore[misc]
    """A client whose scattered data can be made again where they are lost.

    Dask keeps scattered data on the workers alone, and joblib scatters all larger arguments:
    if a worker dies, so does the search. Here data are results of tasks, which the scheduler
    runs again. It says itself on which workers, so that `workers`, `broadcast` and the like
    have no effect.
    """

    def scatter(
        self, data: Any, *args: Any, asynchronous: bool | None = None, **kwargs: Any
    ) -> Any:
        """Return a future of the data, or one of each item of a list, tuple or dict."""
        return self.sync(self._scatter_as_tasks, data, asynchronous=asynchronous)

    async def _scatter_as_tasks(self, data: Any) -> Any:
        # Of these types exactly, as in Dask.
        if type(data) is dict:
            return {name: self._as_task(value) for name, value in data.items()}
        if type(data) in (list, tuple, set, frozenset):
            return type(data)(map(self._as_task, data))
        return self._as_task(data)

    def _as_task(self, value: Any) -> Any:
        # Bytes, so that the scheduler need not have what it takes to understand them.
        pickled = cloudpickle.dumps(value)
        # They are sent once, and not with each task that needs them, of which Dask would warn.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": _UNLIMITED}):
            return self.submit(cloudpickle.loads, pickled, pure=False)
