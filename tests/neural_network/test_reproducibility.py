"""The same seed gives the same weights, and a fit leaves the process as it was."""

import gc
import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.config import is_op_determinism_enabled
from threadpoolctl import threadpool_info, threadpool_limits

from skimdb import DenseSentimentClassifier
from tests.neural_network.common import assert_equal_weights, make_multi_hot

RECIPES = {
    "plain": {},
    "dropout": {"dropout": 0.3},
    "early stopping": {"early_stopping": True, "epochs": 20, "learning_rate": 0.02},
    "wide layers": {"units": 96},
    "by Keras": {"activation": "mish", "dropout": 0.3, "epochs": 1},
}


def classifier(**parameters):
    defaults = {"units": 6, "epochs": 2, "batch_size": 32, "random_state": 3}
    return DenseSentimentClassifier(**(defaults | parameters))


def use_global_generators():
    keras.utils.set_random_seed(17)
    np.random.seed(5)  # noqa: NPY002 (what users do)
    keras.random.normal((3,))


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_same_seed_same_weights_whatever_ran_before(recipe, reviews):
    first = classifier(**recipe).fit(*reviews)
    classifier(units=5, random_state=8).fit(*reviews)
    use_global_generators()
    second = classifier(**recipe).fit(*reviews)
    assert_equal_weights(first.model_, second.model_)
    assert first.history_ == second.history_
    np.testing.assert_array_equal(first.predict_proba(reviews[0]), second.predict_proba(reviews[0]))


@pytest.mark.parametrize("recipe", ["plain", "dropout"])
def test_different_seeds_give_different_weights(recipe, reviews):
    first = classifier(**RECIPES[recipe]).fit(*reviews)
    second = classifier(random_state=4, **RECIPES[recipe]).fit(*reviews)
    for weight, other in zip(first.model_.get_weights(), second.model_.get_weights(), strict=True):
        assert not np.array_equal(weight, other)


def test_random_state_instance_advances(reviews):
    generator = np.random.RandomState(3)
    estimator = classifier(random_state=generator)
    first = estimator.fit(*reviews).model_.get_weights()
    second = estimator.fit(*reviews).model_.get_weights()
    assert not np.array_equal(first[0], second[0])
    np.testing.assert_array_equal(classifier().fit(*reviews).model_.get_weights()[0], first[0])
    assert estimator.random_state is generator


def test_unseeded_fits_differ_after_a_seeded_one(reviews):
    classifier().fit(*reviews)
    first = classifier(random_state=None, dropout=0.5).fit(*reviews)
    second = classifier(random_state=None, dropout=0.5).fit(*reviews)
    assert not np.array_equal(first.model_.get_weights()[0], second.model_.get_weights()[0])


@pytest.mark.parametrize("units", [64, 128])
def test_number_of_threads_does_not_matter(units):
    X, y = make_multi_hot(600, 500, n_words=40)
    estimator = classifier(units=units, batch_size=512)
    expected = estimator.fit(X, y).model_
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            fitted = classifier(units=units, batch_size=512).fit(X, y)
            assert_equal_weights(fitted.model_, expected)
            np.testing.assert_array_equal(fitted.predict_proba(X), estimator.predict_proba(X))


@pytest.mark.parametrize("recipe", ["plain", "dropout", "by Keras"])
@pytest.mark.usefixtures("eager_keras")
def test_two_threads_at_once_do_not_disturb_each_other(recipe, reviews):
    settings = RECIPES[recipe]
    seeds = range(2) if recipe == "by Keras" else range(8)
    alone = [classifier(random_state=seed, **settings).fit(*reviews) for seed in seeds]
    before = threadpool_info()
    with ThreadPoolExecutor(2) as pool:
        together = list(
            pool.map(lambda seed: classifier(random_state=seed, **settings).fit(*reviews), seeds)
        )
    assert threadpool_info() == before
    for one, other in zip(alone, together, strict=True):
        assert_equal_weights(one.model_, other.model_)
        assert one.history_ == other.history_


class TestGlobalState:
    @pytest.fixture(params=["arrays", "keras"])
    def fit(self, request, reviews, eager_keras):
        """Return a function that fits and predicts, on one of the two paths."""
        activation = "mish" if request.param == "keras" else "relu"

        def fit_and_predict():
            estimator = classifier(activation=activation, dropout=0.2, epochs=1)
            estimator.fit(*reviews).predict(reviews[0])
            assert estimator.fit_method_ == request.param
            return estimator

        return fit_and_predict

    def test_thread_settings(self, fit):
        with threadpool_limits(2):
            before = threadpool_info()
            fit()
            assert threadpool_info() == before
        before = tf.config.threading.get_intra_op_parallelism_threads()
        fit()
        assert tf.config.threading.get_intra_op_parallelism_threads() == before

    def test_thread_settings_after_an_error(self, reviews):
        class Broken(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                raise RuntimeError("broken")

        with threadpool_limits(2):
            before = threadpool_info()
            with pytest.raises(RuntimeError, match="broken"):
                classifier(callbacks=[Broken]).fit(*reviews)
            with pytest.raises(ValueError, match="features"):
                classifier().fit(*reviews).predict(reviews[0][:, :3])
            assert threadpool_info() == before

    def test_op_determinism(self, fit):
        assert not is_op_determinism_enabled()
        fit()
        assert not is_op_determinism_enabled()

    def test_numpy(self, fit):
        np.random.seed(0)  # noqa: NPY002
        before = np.random.get_state()  # noqa: NPY002
        fit()
        after = np.random.get_state()  # noqa: NPY002
        for value, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(value, other)

    def test_python(self, fit):
        random.seed(0)
        before = random.getstate()
        fit()
        assert random.getstate() == before

    def test_keras(self, fit):
        # Not by draws, since set_random_seed does not reset the generator of Keras 3.8.
        global_state = keras.src.random.seed_generator.global_seed_generator().state
        before = global_state.value.numpy()
        fit()
        np.testing.assert_array_equal(global_state.value.numpy(), before)

    def test_tensorflow(self, fit):
        tf.random.set_seed(0)
        expected = [tf.random.uniform((3,)), tf.random.uniform((3,))]
        tf.random.set_seed(0)
        first = tf.random.uniform((3,))
        fit()
        for value, other in zip([first, tf.random.uniform((3,))], expected, strict=True):
            np.testing.assert_array_equal(value, other)

    def test_floatx_and_dtype_policy(self, fit):
        before = keras.config.floatx(), keras.config.dtype_policy().name
        fit()
        assert (keras.config.floatx(), keras.config.dtype_policy().name) == before

    @pytest.mark.parametrize("policy", ["mixed_float16", "float64", "bfloat16"])
    def test_dtype_policy_does_not_matter(self, policy, fit):
        expected = fit()
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            fitted = fit()
        finally:
            keras.config.set_dtype_policy(before)
        assert_equal_weights(fitted.model_, expected.model_)

    def test_floatx_does_not_matter(self, fit):
        expected = fit()
        keras.config.set_floatx("float64")
        try:
            fitted = fit()
        finally:
            keras.config.set_floatx("float32")
        assert {variable.dtype for variable in fitted.model_.trainable_variables} == {"float32"}
        for weight, expected_weight in zip(
            fitted.model_.get_weights(), expected.model_.get_weights(), strict=True
        ):
            np.testing.assert_allclose(weight, expected_weight, rtol=0, atol=1e-6)

    def test_tensors_and_arrays_given_are_not_changed(self, reviews):
        X, y = reviews
        weight = np.linspace(0, 1, len(y)).astype(np.float32)
        copies = X.copy(), y.copy(), weight.copy()
        classifier(class_weight="balanced").fit(X, y, weight).predict(X)
        for attribute in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(X, attribute), getattr(copies[0], attribute))
        np.testing.assert_array_equal(y, copies[1])
        np.testing.assert_array_equal(weight, copies[2])


def resident_megabytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux' /proc")
def test_memory_does_not_grow_with_fits():
    X, y = make_multi_hot(64, 2000)

    def fit_200_times():
        for fit_number in range(200):
            width = 1000 + 5 * fit_number
            estimator = DenseSentimentClassifier(
                4 + fit_number % 7, 1 + fit_number % 3, epochs=1, batch_size=40
            )
            estimator.fit(X[:, :width], y).predict(X[:, :width])
        gc.collect()

    fit_200_times()
    before = resident_megabytes()
    fit_200_times()
    assert resident_megabytes() - before < 30
