"""How many threads TensorFlow starts, each time in a fresh process, and fits in threads."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import joblib
import tensorflow as tf

from skimdb import DenseSentimentClassifier
from skimdb.neural_network.arrays import ArrayNetwork

PROGRAM = """
import tensorflow as tf
from skimdb.neural_network.keras._threads import limit_tensorflow_threads
threading = tf.config.threading
def show():
    threads = threading.get_intra_op_parallelism_threads()
    print(threads, threading.get_inter_op_parallelism_threads())
{}
"""


def threads_shown(program, omp_num_threads):
    """Run a program, and return the lines that it prints by show()."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    if omp_num_threads is not None:
        environment["OMP_NUM_THREADS"] = omp_num_threads
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(program)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_tensorflow_follows_omp_num_threads_and_the_import_alone_changes_nothing():
    program = (
        "from skimdb import DenseSentimentClassifier; show(); limit_tensorflow_threads(); show()"
    )
    assert threads_shown(program, "3,2") == ["0 0", "3 3"]


def test_default_and_the_program_s_own_setting_stay():
    program = """
limit_tensorflow_threads(); show()
threading.set_intra_op_parallelism_threads(3)
import os; os.environ["OMP_NUM_THREADS"] = "1"
limit_tensorflow_threads(); show()
"""
    # TensorFlow's default, 0, is one per core.
    assert threads_shown(program, None) == ["0 0", "3 0"]


def test_workers_of_joblib_give_tensorflow_their_share():
    with joblib.parallel_config(backend="loky", inner_max_num_threads=3):
        threads = joblib.Parallel(n_jobs=2)(joblib.delayed(threads_of_worker)() for _ in range(2))
    assert threads == [3, 3]


def threads_of_worker():
    return tf.config.threading.get_intra_op_parallelism_threads()


def test_tensorflow_that_runs_already_stays_as_it_is():
    program = "tf.constant(1.0) + 1; limit_tensorflow_threads(); show()"
    assert threads_shown(program, "1") == ["0 0"]


def test_fits_in_two_threads_compute_at_the_same_time(reviews, monkeypatch):
    gradients = ArrayNetwork.gradients
    both_are_here = Barrier(2, timeout=60)

    def waiting(self, *args):
        both_are_here.wait()
        return gradients(self, *args)

    monkeypatch.setattr(ArrayNetwork, "gradients", waiting)
    classifiers = [DenseSentimentClassifier(units, epochs=2) for units in (4, 8)]
    with ThreadPoolExecutor(2) as pool:
        fitted = list(pool.map(lambda classifier: classifier.fit(*reviews), classifiers))
    assert [classifier.n_iter_ for classifier in fitted] == [2, 2]
