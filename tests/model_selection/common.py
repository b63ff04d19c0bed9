"""Functions that the workers of a cluster import."""

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

import numpy as np
import tensorflow as tf

import skimdb.neural_network._dense  # noqa: F401, as in workers that have estimators


class Recorded(np.ndarray):
    """An array that leaves a note in a folder whenever it is pickled or unpickled."""

    folder = ""

    def __array_finalize__(self, other):
        self.folder = getattr(other, "folder", "")

    def __reduce__(self):
        _note(self.folder, "pickled")
        return _unpickle, (np.asarray(self), self.folder)


def recorded(array, folder):
    array = array.view(Recorded)
    array.folder = str(folder)
    return array


def notes(folder, kind):
    """Return the process id of each note of this kind."""
    return [int(path.name.split("-")[1]) for path in Path(folder).glob(f"{kind}-*")]


def kill_worker_in_fifth_call(X, *, folder):
    """Return `X`, but kill the process that makes the fifth call of all processes."""
    _note(folder, "call")
    if len(notes(folder, "call")) >= 5:
        with suppress(FileExistsError):  # Another process has been killed already.
            with Path(folder, "killed").open("x") as file:
                file.write(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
    return X


def killed_process(folder):
    return int(Path(folder, "killed").read_text())


def name_of_type(value):
    return type(value).__name__


def tensorflow_threads():
    threading = tf.config.threading
    return (
        threading.get_intra_op_parallelism_threads(),
        threading.get_inter_op_parallelism_threads(),
    )


def page_faults_of_many_arrays():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        np.ones(2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def _unpickle(array, folder):
    _note(folder, "unpickled")
    return recorded(array, folder)


def _note(folder, kind):
    (Path(folder) / f"{kind}-{os.getpid()}-{os.urandom(8).hex()}").touch()
