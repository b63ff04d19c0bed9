"""TensorFlow's share of the cores."""

import os
from contextlib import suppress

import tensorflow as tf


def limit_tensorflow_threads() -> None:
    """Let TensorFlow start as many threads as ``OMP_NUM_THREADS`` says, where it is set.

    To be called in workers. Those of joblib, Dask and Ray have it set to their share of the cores,
    which BLAS follows, but TensorFlow starts a thread per core in each of them. What the process
    itself has configured before stays as it is.
    """
    # "4,2" is for nested parallel regions.
    n_threads = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    threading = tf.config.threading
    if not n_threads.isdecimal() or threading.get_intra_op_parallelism_threads():
        return
    with suppress(RuntimeError):  # TensorFlow has started its threads already.
        threading.set_intra_op_parallelism_threads(int(n_threads))
        threading.set_inter_op_parallelism_threads(int(n_threads))
