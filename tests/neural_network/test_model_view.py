"""The Keras model of a fitted classifier: built on demand, and in step with the arrays."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import joblib
import keras
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted

import skimdb
from skimdb import DenseSentimentClassifier
from tests.neural_network.common import (
    assert_equal_weights,
    assert_same_training,
    make_multi_hot,
)

OPTIMIZERS = {
    "sgd": "sgd",
    "momentum": keras.optimizers.SGD(0.1, momentum=0.9),
    "rmsprop": "rmsprop",
    "adam": "adam",
    "Nadam, by Keras": keras.optimizers.Nadam(0.003),
}


def classifier(**parameters):
    defaults = {"units": 6, "epochs": 2, "batch_size": 32, "random_state": 3}
    return DenseSentimentClassifier(**(defaults | parameters))


@pytest.fixture(params=OPTIMIZERS.values(), ids=OPTIMIZERS)
def fitted(request, reviews, eager_keras):
    return classifier(optimizer=request.param, dropout=0.1).fit(*reviews)


@pytest.fixture
def n_built(monkeypatch):
    """Return a list that grows whenever a Keras model is built."""
    built = []
    build = keras.Sequential.__init__

    def counted(self, *args, **kwargs):
        built.append(self)
        build(self, *args, **kwargs)

    monkeypatch.setattr(keras.Sequential, "__init__", counted)
    return built


def assert_predicts_as_its_model(fitted, X):
    expected = fitted.model_.predict(X.toarray(), verbose=0)[:, 0]
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], expected, atol=1e-6)


class TestWhenItIsBuilt:
    def test_only_by_what_needs_it(self, n_built, reviews, more_reviews, tmp_path):
        X, y = reviews
        fitted = classifier(early_stopping=True, dropout=0.1, verbose=1).fit(X, y)
        fitted.set_params(warm_start=True).fit(X, y, None, *more_reviews)
        fitted.partial_fit(X, y).score(X, y)
        check_is_fitted(fitted)
        repr(fitted)
        estimator_html_repr(fitted)
        clone(fitted)
        skimdb.save(fitted, tmp_path / "model.skimdb")
        joblib.dump(fitted, tmp_path / "model.joblib")
        for other in (
            copy.deepcopy(fitted),
            pickle.loads(pickle.dumps(fitted)),
            joblib.load(tmp_path / "model.joblib"),
            skimdb.load(tmp_path / "model.skimdb"),
        ):
            np.testing.assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))
        assert not n_built
        assert fitted.model_ is fitted.model_
        assert len(n_built) == 1

    def test_an_unfitted_classifier_has_none(self):
        assert not hasattr(classifier(), "model_")
        with pytest.raises(AttributeError, match="no model_ before it is fitted"):
            classifier().model_  # noqa: B018

    def test_scikeras_is_told_what_there_is_without_a_model(self, n_built, reviews):
        new = classifier()
        assert (new.initialized_, new.current_epoch) == (False, 0)
        new.initialize(*reviews)
        assert (new.initialized_, new.current_epoch) == (True, 0)
        new.fit(*reviews)
        assert (new.initialized_, new.current_epoch) == (True, 2)
        assert not n_built

    def test_copies_have_their_own_models(self, fitted, reviews):
        X, y = reviews
        model = fitted.model_
        other = pickle.loads(pickle.dumps(fitted))
        expected = other.predict_proba(X)
        model.set_weights([weight + 0.5 for weight in model.get_weights()])
        np.testing.assert_array_equal(other.predict_proba(X), expected)
        fitted.partial_fit(X, y)
        assert other.model_ is not model
        assert_predicts_as_its_model(other, X)

    @pytest.mark.parametrize("looked_at", [False, True], ids=["", "with the model built"])
    def test_a_pickle_holds_the_arrays_once(self, looked_at):
        X, y = make_multi_hot(60, 20_000, n_words=400)
        fitted = classifier(optimizer="adam", units=16).fit(X, y).partial_fit(X, y)
        if looked_at:
            fitted.model_  # noqa: B018
        n_bytes = 4 * 3 * (16 * 20_000 + 16 + 16 * 16 + 16 + 16 + 1)  # and Adam's two slots
        assert len(pickle.dumps(fitted)) < 1.02 * n_bytes


class TestFromTheArrays:
    def test_it_has_the_weights_the_optimizer_and_the_history(self, fitted, reviews):
        assert fitted.model_.history.history == fitted.history_
        assert int(fitted.model_.optimizer.iterations) == 2 * 5
        assert_predicts_as_its_model(fitted, reviews[0])

    def test_reading_it_changes_no_prediction(self, reviews):
        X, y = reviews
        for optimizer in ("rmsprop", "adam"):
            looked, alone = (
                classifier(optimizer=optimizer).fit(X, y).partial_fit(X, y) for _ in range(2)
            )
            before = looked.predict_proba(X)
            assert looked.model_.count_params() == 6 * 30 + 6 + 6 * 6 + 6 + 6 + 1
            np.testing.assert_allclose(looked.predict_proba(X), before, atol=1e-6)
            np.testing.assert_array_equal(alone.predict_proba(X), before)

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_training_goes_on_to_the_model_that_is_there(self, fitted, method, reviews):
        X, y = reviews
        model = fitted.model_
        other = pickle.loads(pickle.dumps(fitted))
        for estimator in (fitted, other):
            getattr(estimator.set_params(warm_start=True), method)(X, y)
        assert fitted.model_ is model
        assert_same_training(model, other.model_, atol=1e-6)
        assert model.history.history == fitted.history_ == other.history_

    @pytest.mark.usefixtures("eager_keras")
    def test_keras_goes_on_with_waiting_rows(self):
        """After `partial_fit`, rows of rare words wait for their updates."""
        X, y = make_multi_hot(64, 3000, n_words=5)
        fitted = classifier(optimizer="adam", batch_size=4).partial_fit(X, y, classes=[0, 1])
        dense = classifier(optimizer="adam", batch_size=4).partial_fit(X.toarray(), y, [0, 1])
        np.testing.assert_allclose(fitted.predict_proba(X), dense.predict_proba(X), atol=1e-6)
        np.testing.assert_allclose(
            fitted.predict_proba(X.toarray()), dense.predict_proba(X), atol=1e-6
        )
        for model in (fitted.model_, dense.model_):
            model.fit(X.toarray(), y, shuffle=False, verbose=0)
        assert_same_training(fitted.model_, dense.model_)


class TestToTheArrays:
    def test_weights_that_are_set(self, fitted, reviews):
        X, _ = reviews
        before = fitted.predict_proba(X)
        weights = fitted.model_.get_weights()
        fitted.model_.set_weights([weight + 0.1 for weight in weights])
        assert np.abs(fitted.predict_proba(X) - before).max() > 1e-3
        assert_predicts_as_its_model(fitted, X)
        fitted.model_.set_weights(weights)
        np.testing.assert_array_equal(fitted.predict_proba(X), before)

    @pytest.mark.parametrize("change", ["assign", "assign_add", "assign_sub"])
    def test_every_way_of_assigning(self, fitted, change, reviews):
        bias = fitted.model_.layers[-1].bias
        for amount in (1.0, 2.0):  # the second time, the first change is known
            before = fitted.decision_function(reviews[0])
            value = bias.numpy().copy()
            getattr(bias, change)([amount])
            np.testing.assert_allclose(
                fitted.decision_function(reviews[0]) - before, bias.numpy()[0] - value[0], atol=1e-5
            )

    def test_training_by_keras(self, fitted, reviews):
        X, y = reviews
        fitted.model_.fit(X.toarray(), y, verbose=0, batch_size=50, epochs=2)
        assert_predicts_as_its_model(fitted, X)
        assert fitted.n_iter_ == len(fitted.history_["loss"]) == 2

    @pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
    @pytest.mark.usefixtures("eager_keras")
    def test_training_goes_on_from_that_by_keras(self, optimizer, reviews):
        X, y = reviews
        fitted = classifier(optimizer=optimizer).fit(X, y)
        fitted.model_.fit(X.toarray(), y, verbose=0, batch_size=50)
        by_keras = pickle.loads(pickle.dumps(fitted))
        by_keras.model_.fit(X.toarray(), y, verbose=0, batch_size=len(y))
        fitted.set_params(batch_size=len(y)).partial_fit(X, y)  # in which the order is the same
        assert_same_training(fitted.model_, by_keras.model_)

    def test_a_checkpoint_that_is_loaded(self, fitted, reviews, tmp_path):
        X, y = reviews
        before = fitted.predict_proba(X)
        fitted.model_.save_weights(tmp_path / "checkpoint.weights.h5")
        fitted.partial_fit(X, y)
        assert not np.array_equal(fitted.predict_proba(X), before)
        fitted.model_.load_weights(tmp_path / "checkpoint.weights.h5")
        np.testing.assert_allclose(fitted.predict_proba(X), before, atol=1e-7)

    def test_what_is_assigned_is_pickled_and_saved(self, reviews, tmp_path):
        X, _ = reviews
        fitted = classifier().fit(*reviews)
        fitted.model_.layers[-1].bias.assign([5.0])
        fitted.model_.optimizer.learning_rate.assign(0.5)
        skimdb.save(fitted, tmp_path / "model.skimdb")
        for other in (pickle.loads(pickle.dumps(fitted)), skimdb.load(tmp_path / "model.skimdb")):
            np.testing.assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))
            assert float(other.model_.optimizer.learning_rate) == 0.5


class TestChangedModel:
    """A model with other layers, or compiled in another way, is left to Keras."""

    @staticmethod
    def add_layer(model):
        model.add(keras.layers.Dense(1, activation="sigmoid"))
        model.compile(optimizer="sgd", loss="binary_crossentropy")

    @staticmethod
    def replace_output(model):
        model.pop()
        model.add(keras.layers.Dense(1, use_bias=False, activation="sigmoid"))
        model.compile(optimizer="sgd", loss="binary_crossentropy")

    @staticmethod
    def add_scale(model):
        model.add(keras.layers.Rescaling(0.5))

    @staticmethod
    def freeze(model):
        model.layers[0].trainable = False

    @staticmethod
    def change_activation(model):
        model.layers[0].activation = keras.activations.tanh

    @staticmethod
    def change_dropout(model):
        model.layers[1].rate = 0.5

    @staticmethod
    def change_optimizer(model):
        model.optimizer.rho = 0.5

    @pytest.mark.parametrize(
        "change",
        [
            "add_layer",
            "replace_output",
            "add_scale",
            "change_activation",
            "change_dropout",
            "change_optimizer",
        ],
    )
    def test_predicts_and_pickles_through_keras(self, change, reviews, tmp_path):
        X, _ = reviews
        fitted = classifier(dropout=0.1).fit(*reviews)
        getattr(self, change)(fitted.model_)
        assert_predicts_as_its_model(fitted, X)
        for copied in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
            np.testing.assert_allclose(copied.predict_proba(X), fitted.predict_proba(X), atol=1e-6)
        with pytest.raises(ValueError, match="model_ has been changed since it was built"):
            skimdb.save(fitted, tmp_path / "model.skimdb")

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    @pytest.mark.usefixtures("eager_keras")
    def test_is_trained_as_it_is_compiled(self, method, reviews):
        X, y = reviews
        fitted = classifier(warm_start=True).fit(X, y)
        fitted.model_.compile(optimizer=keras.optimizers.SGD(1e-9), loss=fitted.model_.loss)
        before = fitted.predict_proba(X)
        getattr(fitted, method)(X, y)
        assert fitted.fit_method_ == "keras"
        np.testing.assert_allclose(fitted.predict_proba(X), before, atol=1e-6)

    @pytest.mark.usefixtures("eager_keras")
    def test_refit_trains_on_from_where_it_was(self, reviews):
        X, y = reviews
        first, second = (classifier(warm_start=True, epochs=3).fit(X, y) for _ in range(2))
        for fitted in (first, second):
            fitted.model_.compile(optimizer=keras.optimizers.Adam(0.01), loss=fitted.model_.loss)
        first.set_params(early_stopping=True, refit=True).fit(X, y)
        second.set_params(epochs=first.n_iter_ - 3).fit(X, y)
        assert first.n_iter_ == second.n_iter_ > 3
        assert_same_training(first.model_, second.model_)

    @pytest.mark.parametrize("change", ["add_layer", "freeze"])
    @pytest.mark.usefixtures("eager_keras")
    def test_a_failed_fit_leaves_it_as_it_was(self, change, reviews):
        class Broken(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                raise RuntimeError("broken")

        X, y = reviews
        fitted = classifier(warm_start=True, callbacks=[]).fit(X, y)
        getattr(self, change)(fitted.model_)
        before = fitted.predict_proba(X)
        with pytest.raises(RuntimeError, match="broken"):
            fitted.set_params(callbacks=[Broken]).fit(X, y)
        np.testing.assert_array_equal(fitted.predict_proba(X), before)
        assert int(fitted.model_.optimizer.iterations) in (0, 10)


def test_callbacks_that_change_weights(reviews):
    class Reset(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.set_weights([0 * weight for weight in self.model.get_weights()])

    fitted = classifier(callbacks=[Reset]).fit(*reviews)
    assert fitted.fit_method_ == "arrays"
    np.testing.assert_array_equal(fitted.predict_proba(reviews[0]), 0.5)
    fitted = classifier(callbacks=[Reset], epochs=1).fit(*reviews).set_params(callbacks=None)
    assert_equal_weights(fitted.model_, classifier(callbacks=[Reset]).fit(*reviews).model_)


def test_threads_predict_with_one_classifier(reviews):
    """Even while rows wait for updates, which predicting leaves alone."""
    X, y = reviews
    fitted = classifier(optimizer="adam", batch_size=4).partial_fit(X, y, classes=[0, 1])
    expected = [fitted.decision_function(X[[row]]) for row in range(150)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda row: fitted.decision_function(X[[row]]), range(150)))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
def test_threads_that_read_a_network_settle_it_once(optimizer):
    X = sp.random(200, 20_000, 0.002, "csr", np.float32, random_state=0)
    y = np.arange(200) % 2
    fitted = classifier(optimizer=optimizer).partial_fit(X, y, classes=[0, 1])
    expected = copy.deepcopy(fitted)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: fitted.to_predictor(), range(32)))
    assert_same_training(fitted.model_, expected.model_, atol=0)


def test_threads_get_the_same_model(reviews):
    fitted = classifier().fit(*reviews)
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: fitted.model_, range(4)))
    assert all(model is fitted.model_ for model in models)


class ActOnBatches(keras.callbacks.Callback):
    """Have the training run through Keras."""

    def on_train_batch_end(self, batch, logs=None):
        pass


class ChangeModel(keras.callbacks.Callback):
    """Change a setting of the model, which arrays cannot follow."""

    def __init__(self, what, when):
        super().__init__()
        self.what = what
        setattr(self, when, self.change)

    def change(self, *args):
        if self.what == "layer":
            self.model.layers[0].trainable = False
        elif self.what == "constraint":
            self.model.layers[0].kernel_constraint = keras.constraints.NonNeg()
        elif self.what == "schedule":
            schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
            self.model.optimizer.learning_rate = schedule
        else:
            self.model.optimizer.rho = 0.95


@pytest.mark.parametrize("what", ["layer", "constraint", "schedule", "optimizer"])
@pytest.mark.parametrize(
    "when", ["on_train_begin", "on_epoch_begin", "on_test_begin", "on_test_end", "on_epoch_end"]
)
def test_callback_that_changes_the_model_is_refused(what, when, reviews):
    X, y = reviews
    callbacks = [ChangeModel(what, when)]
    with pytest.raises(ValueError, match="A callback has changed the layers or the optimizer's"):
        classifier(callbacks=callbacks).fit(X, y, X_val=X, y_val=y)
    fitted = classifier(warm_start=True).fit(X, y)
    fitted.model_  # noqa: B018
    expected = fitted.predict_proba(X)
    with pytest.raises(ValueError, match="A callback has changed"):
        fitted.set_params(callbacks=callbacks).fit(X, y, X_val=X, y_val=y)
    np.testing.assert_array_equal(fitted.predict_proba(X), expected)
    assert_predicts_as_its_model(fitted, X)


class ValidateOthers(keras.callbacks.Callback):
    """Evaluate, and keep, weights that are half of what training made of them."""

    def __init__(self, when):
        super().__init__()
        setattr(self, when, self.change)

    def change(self, *args):
        self.model.set_weights([weight / 2 for weight in self.model.get_weights()])


@pytest.mark.parametrize("when", ["on_test_begin", "on_test_end"])
def test_weights_that_a_callback_sets_at_the_validation_are_followed(when, reviews, more_reviews):
    (X, y), (X_val, y_val) = reviews, more_reviews
    fits = []
    for others in ([], [ActOnBatches()]):
        fitted = classifier(optimizer="sgd", callbacks=[ValidateOthers(when), *others])
        fits.append(fitted.fit(X, y, X_val=X_val, y_val=y_val))
    on_arrays, by_keras = fits
    assert (on_arrays.fit_method_, by_keras.fit_method_) == ("arrays", "keras")
    np.testing.assert_allclose(
        on_arrays.history_["val_loss"], by_keras.history_["val_loss"], atol=1e-5
    )
    assert_same_training(on_arrays.model_, by_keras.model_)


def test_schedule_given_to_the_model_is_followed(reviews):
    X, y = reviews
    fitted = classifier(optimizer="sgd", learning_rate=0.1).fit(X, y)
    expected = fitted.predict_proba(X)
    schedule = keras.optimizers.schedules.ExponentialDecay(1e-9, 1, 0.5)
    fitted.model_.optimizer.learning_rate = schedule
    np.testing.assert_allclose(fitted.partial_fit(X, y).predict_proba(X), expected, atol=1e-6)
    assert fitted.fit_method_ == "keras"


class LogSometimes(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch in (1, 3):
            logs["extra"] = epoch


@pytest.mark.parametrize(("optimizer", "method"), [("sgd", "arrays"), ("nadam", "keras")])
def test_what_a_callback_logs_in_some_epochs(optimizer, method, reviews, tmp_path):
    fitted = classifier(optimizer=optimizer, epochs=5, callbacks=[LogSometimes()]).fit(*reviews)
    assert fitted.fit_method_ == method
    np.testing.assert_array_equal(fitted.history_["extra"], [np.nan, 1, np.nan, 3, np.nan])
    skimdb.save(fitted.set_params(callbacks=None), tmp_path / "model")


@pytest.mark.parametrize("optimizer", ["adam", "nadam"])
def test_callbacks_see_the_brier_score(optimizer, reviews):
    names = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: names.append({*logs}))
    classifier(
        optimizer=optimizer, early_stopping=True, monitor="val_brier", callbacks=[callback]
    ).fit(*reviews)
    assert all("val_brier" in logs for logs in names)


def test_warm_start_builds_no_other_network(reviews):
    fitted = classifier(warm_start=True).fit(*reviews)
    fitted.set_params(optimizer="adam", units=3)
    assert fitted.fit(*reviews).n_iter_ == 4
    assert fitted._state.network.architecture.units == (6, 6)


def test_first_partial_fit_that_fails_keeps_nothing(reviews):
    X, y = reviews
    diverging = classifier(
        activation="linear", layers=1, l2=1e30, optimizer="sgd", learning_rate=1e30
    )
    with pytest.raises(ValueError, match="diverged") as raised:
        diverging.partial_fit(X, y, classes=[0, 1])
    assert not hasattr(raised.value, "__notes__")
    assert not hasattr(diverging, "classes_")
