"""Processes that are forked after TensorFlow has started, where Keras would wait forever."""

import multiprocessing
import os
import subprocess
import sys

import pytest

PROGRAM = """
import multiprocessing, sys
import joblib, numpy as np
from sklearn.model_selection import cross_val_score
from skimdb import DenseSentimentClassifier

rng = np.random.default_rng(0)
X = rng.random((60, 5))
y = (X[:, 0] > 0.5).astype(int)
arrays = {"epochs": 1, "random_state": 0}
fresh = DenseSentimentClassifier(**arrays).fit(X, y)
shown = DenseSentimentClassifier(**arrays).fit(X, y)
shown.model_.layers[0].set_weights([np.ones((5, 16)), np.zeros(16)])
changed = DenseSentimentClassifier(**arrays).fit(X, y)
changed.model_.layers[0].trainable = False
expected = [fresh.predict_proba(X), shown.predict_proba(X)]
shown.model_.layers[0].set_weights([np.zeros((5, 16)), np.zeros(16)])


def raises(function):
    try:
        function()
    except RuntimeError as error:
        assert "the process was forked after TensorFlow had started" in str(error)
        return True


def in_child():
    assert np.array_equal(fresh.predict_proba(X), expected[0])
    assert not np.array_equal(shown.predict_proba(X), expected[1])  # What the parent set last.
    assert len(set(shown.predict_proba(X)[:, 0].tolist())) == 1
    assert np.array_equal(fresh.fit(X, y).predict_proba(X), expected[0])
    shown.partial_fit(X, y)
    assert raises(lambda: shown.model_)
    assert raises(lambda: changed.predict(X))
    assert raises(lambda: DenseSentimentClassifier(epochs=1, optimizer="nadam").fit(X, y))
    assert raises(lambda: DenseSentimentClassifier(epochs=1, activation="mish").fit(X, y))


if __name__ == "__main__":
    child = multiprocessing.get_context("fork").Process(target=in_child)
    child.start()
    child.join(60)
    assert child.exitcode == 0, child.exitcode
    alone = cross_val_score(fresh, X, y, cv=2)
    with joblib.parallel_config("multiprocessing", n_jobs=2):
        assert np.array_equal(cross_val_score(fresh, X, y, cv=2), alone)
    shown.model_.predict(X, verbose=0)  # The parent goes on with Keras.
    print("done")
"""


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="processes are not forked here"
)
def test_forked_processes_train_and_predict_on_arrays(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    run = subprocess.run(
        [sys.executable, str(path)],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.stdout.endswith("done\n"), run.stderr[-3000:]


def test_what_is_forked_before_tensorflow_starts_uses_keras(tmp_path):
    program = """
import os
from skimdb.neural_network import build_dense_network
import keras

child = os.fork()
if child == 0:
    sgd = keras.optimizers.SGD()
    build_dense_network(3, 2, units=[2], optimizer=sgd, seed=0)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True
    )
    assert run.stdout == "7\n"
