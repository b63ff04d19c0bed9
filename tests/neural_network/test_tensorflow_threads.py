"""How many threads TensorFlow starts, each time in a fresh process, and fits in threads."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import joblib
import pytest
import tensorflow as tf

from skimdb import DenseSentimentClassifier
from skimdb.neural_network.arrays import ArrayNetwork

PROGRAM = """
import tensorflow as tf
threading = tf.config.threading
{}
print(threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads())
"""

LIMIT = (
    "from skimdb.neural_network._tensorflow_threads import limit_tensorflow_threads; "
    "limit_tensorflow_threads()"
)


def threads_after(program, omp_num_threads):
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
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("omp_num_threads", "expected"),
    [
        ("3,2", "3 3"),
        (None, "0 0"),  # TensorFlow's default, one per core
    ],
)
def test_tensorflow_follows_omp_num_threads(omp_num_threads, expected):
    assert threads_after(LIMIT, omp_num_threads) == expected


def test_importing_the_package_changes_nothing_in_the_users_process():
    assert threads_after("from skimdb import DenseSentimentClassifier", "3") == "0 0"


def test_workers_of_joblib_give_tensorflow_their_share():
    with joblib.parallel_config(backend="loky", inner_max_num_threads=3):
        threads = joblib.Parallel(n_jobs=2)(joblib.delayed(threads_of_worker)() for _ in range(2))
    assert threads == [3, 3]


def threads_of_worker():
    return tf.config.threading.get_intra_op_parallelism_threads()


def test_the_program_s_own_setting_stays():
    program = f"threading.set_intra_op_parallelism_threads(3); {LIMIT}"
    assert threads_after(program, "1") == "3 0"


def test_tensorflow_that_runs_already_stays_as_it_is():
    program = f"tf.constant(1.0) + 1; {LIMIT}"
    assert threads_after(program, "1") == "0 0"


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
