"""A Dask client that survives the loss of workers, and a plugin that prepares workers."""

import ctypes
import importlib
import os
import sys
from typing import Any

import cloudpickle
import dask
from distributed import Client, Worker, WorkerPlugin

# glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, with the values that it reaches if none is set.
_THRESHOLDS = [(-1, 2**26), (-3, 2**25)]
_UNLIMITED = 2**62


class PrepareWorker(WorkerPlugin):  # type: ignore[misc]
    """Prepare all workers, including those that join later, for fitting networks."""

    name = "skimdb"

    def setup(self, worker: Worker) -> None:
        """Keep freed memory for the next array, and load TensorFlow."""
        # Dask sets this variable to return freed memory to the system at once. A training step
        # allocates many arrays, and the page faults would take longer than the step itself.
        if "MALLOC_TRIM_THRESHOLD_" in os.environ and sys.platform == "linux":
            mallopt = getattr(ctypes.CDLL(None), "mallopt", lambda option, size: None)
            for option, size in _THRESHOLDS:
                mallopt(option, size)
        importlib.import_module("skimdb.neural_network._dense")


class RecoveringClient(Client):  # type: ignore[misc]
    """A client whose scattered data survive the loss of workers.

    Dask keeps scattered data only on the workers, and joblib scatters all larger arguments, so that
    a search fails if a worker dies. Here, scattered data are results of tasks, which the scheduler
    runs again. It chooses the workers itself; `workers`, `broadcast` and the like have no effect.
    """

    def scatter(
        self, data: Any, *args: Any, asynchronous: bool | None = None, **kwargs: Any
    ) -> Any:
        """Return a future of the data, or one for each item of a list, tuple, set or dict."""
        return self.sync(self._scatter_as_tasks, data, asynchronous=asynchronous)

    async def _scatter_as_tasks(self, data: Any) -> Any:
        # Exactly these types, as in Dask.
        if type(data) is dict:
            return {name: self._as_task(value) for name, value in data.items()}
        if type(data) in (list, tuple, set, frozenset):
            return type(data)(map(self._as_task, data))
        return self._as_task(data)

    def _as_task(self, value: Any) -> Any:
        # Pickled, because the scheduler may lack the packages that define the value.
        pickled = cloudpickle.dumps(value)
        # Dask would warn of large tasks, but these bytes are sent only once.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": _UNLIMITED}):
            return self.submit(cloudpickle.loads, pickled, pure=False)
