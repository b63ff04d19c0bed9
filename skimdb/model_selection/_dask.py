"""What a Dask client must do beyond Dask's own, and what its workers must be set to."""

import ctypes
import importlib
import warnings
from collections.abc import Mapping
from typing import Any

import cloudpickle
from distributed import Client, Worker, WorkerPlugin

# glibc's options, and what they would come to by themselves if Dask did not set the first one.
_THRESHOLDS = {"M_TRIM_THRESHOLD": (-1, 2**26), "M_MMAP_THRESHOLD": (-3, 2**25)}


class PrepareWorker(WorkerPlugin):  # type: ignore[misc]
    """Make a worker ready to fit networks: now, or whenever it joins the cluster."""

    name = "skimdb"

    def setup(self, worker: Worker) -> None:
        """Keep freed memory for the next array, and load TensorFlow."""
        # Dask has each larger array's memory given back to the system as soon as it is free.
        # A training step makes many of them, and its page faults would take longer than itself.
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            for option, size in _THRESHOLDS.values():
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
        if isinstance(data, Mapping):
            return {name: self._as_task(value) for name, value in data.items()}
        if isinstance(data, list | tuple | set | frozenset):
            return type(data)(map(self._as_task, data))
        return self._as_task(data)

    def _as_task(self, value: Any) -> Any:
        # Bytes, so that the scheduler need not have what it takes to understand them.
        pickled = cloudpickle.dumps(value)
        with warnings.catch_warnings():
            # They are sent once, and not with each task that needs them.
            warnings.filterwarnings("ignore", message="Sending large graph")
            return self.submit(cloudpickle.loads, pickled, pure=False)
