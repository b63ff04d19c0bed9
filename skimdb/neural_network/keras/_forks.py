"""Keras in forked processes, which have none of the threads that TensorFlow started before."""

import os

import tensorflow as tf

_was_started_before_fork = False


def check_keras_works() -> None:
    """Raise a RuntimeError where Keras would wait forever for threads of another process."""
    if _was_started_before_fork:
        raise RuntimeError(
            "This needs Keras, which would wait forever here: the process was forked after "
            "TensorFlow had started. Start processes by 'spawn' or 'forkserver', or use joblib's "
            "backend 'loky'. Networks that are trained on arrays need no Keras: see the Notes of "
            "DenseSentimentClassifier."
        )


def _note_fork() -> None:
    global _was_started_before_fork  # noqa: PLW0603 (of the process)
    _was_started_before_fork = _was_started_before_fork or _has_started()


def _has_started() -> bool:
    """Tell whether TensorFlow has threads; it then refuses to change their number."""
    threading = tf.config.threading
    n_threads = threading.get_inter_op_parallelism_threads()
    try:
        threading.set_inter_op_parallelism_threads(n_threads + 1)
    except RuntimeError:
        return True
    threading.set_inter_op_parallelism_threads(n_threads)
    return False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
