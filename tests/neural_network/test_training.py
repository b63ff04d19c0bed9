"""Which of the two paths trains a network, and what Keras callbacks see."""

import csv
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

from skimdb import DenseSentimentClassifier
from tests.neural_network.common import (
    assert_equal_weights,
    assert_same_history,
    assert_same_training,
    fit_by_keras,
    make_multi_hot,
)

N_FEATURES = 30


def classifier(**parameters):
    defaults = {"units": 6, "epochs": 3, "batch_size": 32, "random_state": 3}
    return DenseSentimentClassifier(**(defaults | parameters))


class BatchCounter(keras.callbacks.Callback):
    """Acts on batches, so that only `keras.Model.fit` can call it."""

    n_batches = 0

    def on_train_batch_end(self, batch, logs=None):
        type(self).n_batches += 1


class HalvedSGD(keras.optimizers.SGD):
    """An optimizer that is not registered with Keras."""

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient / 2, variable, learning_rate)


class Recorder(keras.callbacks.Callback):
    """Records its calls, except those on batches."""

    calls = []  # noqa: RUF012 (a class attribute, because each fit works with a copy)

    def on_train_begin(self, logs=None):
        self.note("train begins", None, logs)

    def on_epoch_begin(self, epoch, logs=None):
        self.note("epoch begins", epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self.note("epoch ends", epoch, logs)

    def on_test_begin(self, logs=None):
        self.note("test begins", None, logs)

    def on_test_end(self, logs=None):
        self.note("test ends", None, logs)

    def on_train_end(self, logs=None):
        self.note("train ends", None, logs)

    def note(self, event, epoch, logs):
        weights = [weight.copy() for weight in self.model.get_weights()]
        iterations = int(self.model.optimizer.iterations)
        self.calls.append((event, epoch, dict(logs or {}), weights, iterations, dict(self.params)))


@pytest.fixture
def recorded():
    Recorder.calls.clear()
    return Recorder.calls


class TestPaths:
    @pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "RMSprop"])
    def test_plain_optimizers_train_on_arrays(self, optimizer, reviews):
        assert classifier(optimizer=optimizer).fit(*reviews).fit_method_ == "arrays"

    def test_dense_input_trains_on_arrays(self, reviews):
        X, y = reviews
        assert classifier().fit(X.toarray(), y).fit_method_ == "arrays"

    @pytest.mark.parametrize(
        "optimizer",
        [
            keras.optimizers.Nadam(0.003),
            keras.optimizers.AdamW(0.003),
            keras.optimizers.RMSprop(0.003, momentum=0.5),
            keras.optimizers.RMSprop(0.003, centered=True),
            keras.optimizers.Adam(0.003, amsgrad=True),
            keras.optimizers.SGD(0.1, weight_decay=0.1),
            keras.optimizers.SGD(0.1, clipnorm=0.01),
            keras.optimizers.SGD(0.1, clipvalue=0.001),
            keras.optimizers.SGD(0.1, global_clipnorm=0.01),
            keras.optimizers.SGD(0.1, use_ema=True),
            keras.optimizers.SGD(0.1, gradient_accumulation_steps=2),
            keras.optimizers.SGD(0.1, loss_scale_factor=8.0),
            keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)),
            keras.optimizers.RMSprop(0.003, rho=0.0),
        ],
        ids=[
            "Nadam",
            "AdamW",
            "RMSprop with momentum",
            "centered RMSprop",
            "AMSGrad",
            "weight decay",
            "clipnorm",
            "clipvalue",
            "global clipnorm",
            "moving average",
            "gradient accumulation",
            "loss scale",
            "schedule",
            "RMSprop without memory",
        ],
    )
    @pytest.mark.usefixtures("eager_keras")
    def test_other_optimizers_train_by_keras(self, optimizer, reviews):
        estimator = classifier(optimizer=optimizer, epochs=1, batch_size=64)
        model, history = fit_by_keras(estimator, *reviews)
        estimator.fit(*reviews)
        assert estimator.fit_method_ == "keras"
        assert_same_training(estimator.model_, model)
        assert_same_history(estimator.history_, history)

    @pytest.mark.parametrize("activation", ["mish", keras.ops.softplus, "celu"])
    @pytest.mark.usefixtures("eager_keras")
    def test_other_activations_train_and_predict_by_keras(self, activation):
        X, y = make_multi_hot(700, N_FEATURES)
        estimator = classifier(activation=activation, epochs=1, batch_size=256)
        model, _ = fit_by_keras(estimator, X, y)
        estimator.fit(X, y)
        assert estimator.fit_method_ == "keras"
        assert_same_training(estimator.model_, model)
        expected = model.predict(X.toarray(), verbose=0)[:, 0]
        np.testing.assert_allclose(estimator.predict_proba(X)[:, 1], expected, atol=1e-6)
        np.testing.assert_allclose(
            estimator.predict_proba(X.toarray().astype(np.float64))[:, 1], expected, atol=1e-6
        )

    @pytest.mark.usefixtures("eager_keras")
    def test_an_optimizer_of_the_users_own_trains_by_keras(self, reviews):
        fitted = classifier(optimizer=HalvedSGD, learning_rate=0.1, epochs=1).fit(*reviews)
        assert fitted.fit_method_ == "keras"
        expected = classifier(optimizer=keras.optimizers.SGD(0.05), epochs=1).fit(*reviews)
        for weights, others in zip(
            fitted.model_.get_weights(), expected.model_.get_weights(), strict=True
        ):
            np.testing.assert_allclose(weights, others, atol=1e-6)

    @pytest.mark.usefixtures("eager_keras")
    def test_another_loss_trains_by_keras(self, reviews):
        fitted = classifier(epochs=1).fit(*reviews)
        fitted.model_.compile(optimizer="sgd", loss="mean_squared_error", metrics=["accuracy"])
        assert fitted.partial_fit(*reviews).fit_method_ == "keras"

    @pytest.mark.usefixtures("eager_keras")
    def test_frozen_layers_stay_as_they_are_and_predict(self, reviews):
        X, y = reviews
        fitted = classifier(epochs=1).fit(X, y)
        fitted.model_.layers[0].trainable = False
        before = fitted.model_.layers[0].get_weights()
        expected = fitted.model_.predict(X.toarray(), verbose=0)[:, 0]
        np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], expected, atol=1e-6)
        fitted.model_.compile(optimizer="sgd", loss=fitted.model_.loss, metrics=["accuracy"])
        assert fitted.partial_fit(X, y).fit_method_ == "keras"
        np.testing.assert_array_equal(fitted.model_.layers[0].get_weights()[0], before[0])

    @pytest.mark.usefixtures("eager_keras")
    def test_callbacks_on_batches_are_called(self, reviews):
        BatchCounter.n_batches = 0
        fitted = classifier(callbacks=[BatchCounter], epochs=2).fit(*reviews)
        assert fitted.fit_method_ == "keras"
        assert BatchCounter.n_batches == 2 * 5

    @pytest.mark.usefixtures("eager_keras")
    def test_lambdas_on_batches_are_called(self, reviews):
        batches = []
        callback = keras.callbacks.LambdaCallback(
            on_train_batch_begin=lambda batch, logs: batches.append(batch)
        )
        classifier(callbacks=[callback], epochs=1).fit(*reviews)
        assert batches == [0, 1, 2, 3, 4]

    @pytest.mark.usefixtures("eager_keras")
    def test_checkpoints_on_batches_are_written(self, reviews, tmp_path):
        callback = keras.callbacks.ModelCheckpoint(tmp_path / "{batch}.keras", save_freq=2)
        assert classifier(callbacks=[callback], epochs=1).fit(*reviews).fit_method_ == "keras"
        assert len(list(tmp_path.iterdir())) == 2

    @pytest.mark.parametrize("kind", ["csr", "dense"])
    @pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
    def test_both_paths_give_the_same(self, optimizer, kind, reviews, more_reviews):
        (X, y), (X_val, y_val) = reviews, more_reviews
        if kind == "dense":
            X, X_val = X.toarray(), X_val.toarray()
        weight = np.linspace(0.5, 2, len(y))
        estimator = classifier(optimizer=optimizer, l2=0.001)
        arrays = estimator.fit(X, y, weight, X_val, y_val)
        by_keras = classifier(optimizer=optimizer, l2=0.001, callbacks=[BatchCounter])
        by_keras.fit(X, y, weight, X_val, y_val)
        assert (arrays.fit_method_, by_keras.fit_method_) == ("arrays", "keras")
        assert_same_training(arrays.model_, by_keras.model_, atol=1e-6)
        assert_same_history(arrays.history_, by_keras.history_, atol=1e-6)

    def test_both_paths_stop_at_the_same_epoch(self, reviews):
        settings = {"early_stopping": True, "epochs": 60, "learning_rate": 0.02, "patience": 1}
        arrays = classifier(**settings).fit(*reviews)
        by_keras = classifier(callbacks=[BatchCounter], **settings).fit(*reviews)
        assert arrays.fit_method_ != by_keras.fit_method_
        assert arrays.n_iter_ < 60
        assert arrays.n_iter_ == by_keras.n_iter_
        assert arrays.best_epoch_ == by_keras.best_epoch_
        assert_same_training(arrays.model_, by_keras.model_)

    @pytest.mark.usefixtures("eager_keras")
    def test_warm_start_may_change_the_path(self, reviews):
        X, y = reviews
        model, _ = fit_by_keras(classifier(epochs=3), X, y)
        estimator = classifier(epochs=1, warm_start=True).fit(X, y)
        estimator.set_params(callbacks=[BatchCounter]).fit(X, y)
        assert estimator.fit_method_ == "keras"
        estimator.set_params(callbacks=None).fit(X, y)
        assert estimator.fit_method_ == "arrays"
        assert_same_training(estimator.model_, model)


class TestCallbacks:
    @pytest.mark.parametrize("validated", [False, True], ids=["", "with validation"])
    def test_calls_are_those_of_keras(self, validated, recorded, reviews, more_reviews):
        fit_parameters = {"X_val": more_reviews[0], "y_val": more_reviews[1]} if validated else {}
        classifier(callbacks=[Recorder], epochs=2).fit(*reviews, **fit_parameters)
        calls = recorded.copy()
        recorded.clear()
        classifier(callbacks=[Recorder, BatchCounter], epochs=2).fit(*reviews, **fit_parameters)
        assert [call[:2] for call in calls] == [call[:2] for call in recorded]
        for call, expected in zip(calls, recorded, strict=True):
            _, _, logs, weights, iterations, params = call
            _, _, expected_logs, expected_weights, expected_iterations, expected_params = expected
            assert list(logs) == list(expected_logs)
            assert logs == pytest.approx(expected_logs, abs=1e-5)
            assert iterations == expected_iterations
            assert params == expected_params
            for weight, expected_weight in zip(weights, expected_weights, strict=True):
                np.testing.assert_allclose(weight, expected_weight, atol=1e-6)

    def test_logs_are_floats(self, recorded, reviews):
        classifier(callbacks=[Recorder]).fit(*reviews)
        logs = [value for call in recorded for value in call[2].values()]
        assert logs
        assert all(type(value) is float for value in logs)

    def test_partial_fit_continues_to_count_epochs(self, recorded, reviews):
        estimator = classifier(callbacks=[Recorder])
        for _ in range(3):
            estimator.partial_fit(*reviews, classes=[0, 1])
        assert [call[1] for call in recorded if call[0] == "epoch ends"] == [0, 1, 2]

    def test_early_stopping_of_the_user(self, reviews, more_reviews):
        stopper = keras.callbacks.EarlyStopping(monitor="loss", min_delta=10, patience=2)
        estimator = classifier(callbacks=[stopper], epochs=20).fit(*reviews)
        assert estimator.n_iter_ == 3
        assert len(estimator.history_["loss"]) == 3
        assert not hasattr(estimator, "best_epoch_")

    def test_stopping_by_the_model_attribute(self, reviews):
        class StopAfterTwo(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                self.model.stop_training = epoch == 1

        estimator = classifier(callbacks=[StopAfterTwo], warm_start=True).fit(*reviews)
        assert estimator.n_iter_ == 2
        assert estimator.fit(*reviews).n_iter_ == 4

    @pytest.mark.parametrize("event", ["train", "epoch"])
    def test_stopping_before_an_epoch_ends_it_after_a_batch_as_in_keras(self, event, reviews):
        class StopAtOnce(keras.callbacks.Callback):
            def on_train_begin(self, logs=None):
                self.model.stop_training = event == "train"

            def on_epoch_begin(self, epoch, logs=None):
                self.model.stop_training |= epoch == 1

        estimator = classifier(callbacks=[StopAtOnce], batch_size=50, epochs=4).fit(*reviews)
        assert estimator.fit_method_ == "arrays"
        model, history = fit_by_keras(
            classifier(batch_size=50, epochs=1), *reviews, callbacks=[StopAtOnce()]
        )
        n_steps = {"train": 1, "epoch": 4}[event]
        assert int(estimator.model_.optimizer.iterations) == n_steps
        if event == "train":
            assert int(model.optimizer.iterations) == n_steps
            assert_same_history(estimator.history_, history)

    def test_epochs_before_an_interruption_count(self, reviews, tmp_path):
        def fit(epochs):
            backup = keras.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
            return classifier(callbacks=[backup], epochs=epochs).fit(*reviews)

        fit(2)
        resumed = fit(3)
        assert resumed.n_iter_ == 3
        assert np.isnan(resumed.history_["loss"]).tolist() == [True, True, False]
        whole = classifier(epochs=3).fit(*reviews)
        for weight, expected in zip(
            resumed.model_.get_weights(), whole.model_.get_weights(), strict=True
        ):
            np.testing.assert_allclose(weight, expected, atol=1e-5)
        assert fit(3).n_iter_ == 3

    def test_model_checkpoint_can_be_loaded(self, reviews, tmp_path):
        path = tmp_path / "epoch-{epoch}.keras"
        X, y = reviews
        classifier(callbacks=[keras.callbacks.ModelCheckpoint(path)], epochs=3).fit(X, y)
        for epoch in (1, 2, 3):
            model = keras.models.load_model(tmp_path / f"epoch-{epoch}.keras")
            fitted = classifier(epochs=epoch).fit(X, y)
            assert_equal_weights(model, fitted.model_)
            np.testing.assert_allclose(
                model.predict(X.toarray(), verbose=0)[:, 0],
                fitted.predict_proba(X)[:, 1],
                atol=1e-6,
            )

    def test_model_checkpoint_of_the_best_epoch(self, reviews, more_reviews, tmp_path):
        X_val, y_val = more_reviews
        path = tmp_path / "best.keras"
        callback = keras.callbacks.ModelCheckpoint(path, monitor="val_loss", save_best_only=True)
        fitted = classifier(
            callbacks=[callback], early_stopping=True, epochs=60, learning_rate=0.02
        ).fit(*reviews, X_val=X_val, y_val=y_val)
        assert fitted.best_epoch_ < fitted.n_iter_
        assert_equal_weights(keras.models.load_model(path), fitted.model_)

    def test_checkpoint_loads_with_keras_alone(self, reviews, tmp_path):
        X, y = reviews
        path = tmp_path / "model.keras"
        callback = keras.callbacks.ModelCheckpoint(path)
        fitted = classifier(callbacks=[callback], dropout=0.2, l1=1e-4).fit(X, y)
        np.save(tmp_path / "X.npy", X.toarray())
        program = (
            "import sys\n"
            "import keras\n"
            "import numpy as np\n"
            "model = keras.models.load_model('model.keras')\n"
            "np.save('p.npy', model.predict(np.load('X.npy'), verbose=0))\n"
            "assert not {'skimdb', 'scikeras'} & set(sys.modules)\n"
        )
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
        probability = np.load(tmp_path / "p.npy")[:, 0]
        np.testing.assert_allclose(probability, fitted.predict_proba(X)[:, 1], atol=1e-6)

    @pytest.mark.parametrize(
        "callback",
        [
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / (epoch + 1)),
            keras.callbacks.ReduceLROnPlateau(monitor="loss", min_delta=10, patience=1),
        ],
        ids=["LearningRateScheduler", "ReduceLROnPlateau"],
    )
    @pytest.mark.usefixtures("eager_keras")
    def test_learning_rates_set_by_callbacks_hold(self, callback, reviews):
        arrays = classifier(callbacks=[callback]).fit(*reviews)
        by_keras = classifier(callbacks=[callback, BatchCounter]).fit(*reviews)
        assert (arrays.fit_method_, by_keras.fit_method_) == ("arrays", "keras")
        assert float(arrays.model_.optimizer.learning_rate) < 0.0005
        assert_same_training(arrays.model_, by_keras.model_, atol=1e-6)
        assert_same_history(arrays.history_, by_keras.history_)
        assert np.ptp(arrays.history_["learning_rate"]) > 0

    def test_csv_logger(self, reviews, more_reviews, tmp_path):
        path = tmp_path / "log.csv"
        fitted = classifier(callbacks=[keras.callbacks.CSVLogger(path)]).fit(
            *reviews, X_val=more_reviews[0], y_val=more_reviews[1]
        )
        with path.open() as file:
            rows = list(csv.DictReader(file))
        assert [row["epoch"] for row in rows] == ["0", "1", "2"]
        for name in ("accuracy", "loss", "val_accuracy", "val_loss"):
            assert [float(row[name]) for row in rows] == pytest.approx(fitted.history_[name])

    def test_lambda_callback(self, reviews):
        losses = []
        callback = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: losses.append(logs["loss"])
        )
        fitted = classifier(callbacks=[callback]).fit(*reviews)
        assert fitted.fit_method_ == "arrays"
        assert losses == fitted.history_["loss"]

    def test_given_instances_stay_as_they_are(self, reviews):
        stopper = keras.callbacks.EarlyStopping(monitor="loss", patience=1)
        before = dict(vars(stopper))
        callbacks = [stopper]
        classifier(callbacks=callbacks, early_stopping=True).fit(*reviews)
        assert vars(stopper) == before
        assert callbacks == [stopper]

    def test_given_optimizer_stays_as_it_is(self, reviews):
        optimizer = keras.optimizers.Adam(0.01)
        fitted = classifier(optimizer=optimizer).fit(*reviews)
        assert not optimizer.built
        assert int(optimizer.iterations) == 0
        assert fitted.model_.optimizer is not optimizer
        assert float(fitted.model_.optimizer.learning_rate) == pytest.approx(0.01)
        assert int(fitted.model_.optimizer.iterations) == 3 * 5


class TestVerbose:
    @pytest.mark.parametrize("callbacks", [None, [BatchCounter]], ids=["arrays", "keras"])
    def test_1_shows_epoch_loss_and_accuracy(self, callbacks, capsys, reviews, more_reviews):
        classifier(verbose=1, epochs=2, callbacks=callbacks).fit(
            *reviews, X_val=more_reviews[0], y_val=more_reviews[1]
        )
        shown = capsys.readouterr().out
        assert "Epoch 1/2" in shown
        assert "Epoch 2/2" in shown
        assert "5/5" in shown
        for name in ("accuracy", "loss", "val_accuracy", "val_loss"):
            assert re.search(rf" {name}: \d\.\d{{4}}", shown)

    def test_2_shows_a_line_per_epoch(self, capsys, reviews):
        classifier(verbose=2, epochs=2).fit(*reviews)
        lines = [line for line in capsys.readouterr().out.splitlines() if "loss" in line]
        assert len(lines) == 2

    @pytest.mark.parametrize("callbacks", [None, [BatchCounter]], ids=["arrays", "keras"])
    def test_0_shows_nothing(self, callbacks, capfd, reviews):
        fitted = classifier(callbacks=callbacks, epochs=1, early_stopping=True).fit(*reviews)
        fitted.predict(reviews[0])
        assert capfd.readouterr().out == ""

    def test_it_does_not_change_the_weights(self, reviews):
        quiet, loud = classifier().fit(*reviews), classifier(verbose=1).fit(*reviews)
        assert_equal_weights(quiet.model_, loud.model_)


class TestGoingOn:
    """The fitted network is Keras', and training can go on from where it was."""

    @pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
    def test_saved_and_loaded_by_keras(self, optimizer, reviews, tmp_path):
        X, y = reviews
        fitted = classifier(optimizer=optimizer, dropout=0.1).fit(X, y)
        fitted.model_.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        assert_equal_weights(loaded, fitted.model_)
        assert_same_training(loaded, fitted.model_, atol=0)
        np.testing.assert_allclose(
            loaded.predict(X.toarray(), verbose=0)[:, 0], fitted.predict_proba(X)[:, 1], atol=1e-6
        )

    @pytest.mark.usefixtures("eager_keras")
    def test_keras_goes_on_after_arrays(self, reviews, tmp_path):
        X, y = reviews
        fitted = classifier(epochs=2, optimizer="adam").fit(X, y)
        fitted.model_.save(tmp_path / "model.keras")
        expected, _ = fit_by_keras(classifier(epochs=2, optimizer="adam"), X, y)
        models = [expected, fitted.model_, keras.models.load_model(tmp_path / "model.keras")]
        for model in models:
            model.fit(X.toarray(), y, shuffle=False, verbose=0)
            assert_same_training(model, expected)

    @pytest.mark.usefixtures("eager_keras")
    def test_arrays_go_on_after_keras(self, reviews):
        X, y = reviews
        expected, _ = fit_by_keras(classifier(epochs=2, optimizer="adam"), X, y)
        expected.fit(X.toarray(), y, shuffle=False, verbose=0, batch_size=len(y))

        estimator = classifier(epochs=2, optimizer="adam").fit(X, y)
        estimator.set_params(batch_size=len(y)).partial_fit(X, y)
        assert estimator.fit_method_ == "arrays"
        assert_same_training(estimator.model_, expected)

        again, _ = fit_by_keras(classifier(epochs=2, optimizer="adam"), X, y)
        again.fit(X.toarray(), y, shuffle=False, verbose=0, batch_size=len(y))
        estimator.model_.fit(X.toarray(), y, shuffle=False, verbose=0, batch_size=len(y))
        expected.fit(X.toarray(), y, shuffle=False, verbose=0, batch_size=len(y))
        assert_same_training(estimator.model_, expected)

        estimator.partial_fit(X, y)
        expected.fit(X.toarray(), y, shuffle=False, verbose=0, batch_size=len(y))
        assert_same_training(estimator.model_, expected)

    def test_warm_start_equals_one_longer_fit(self, reviews):
        longer = classifier(epochs=5, dropout=0.2).fit(*reviews)
        estimator = classifier(epochs=2, dropout=0.2, warm_start=True).fit(*reviews)
        estimator.set_params(epochs=3).fit(*reviews)
        assert_equal_weights(estimator.model_, longer.model_)
        assert estimator.history_ == longer.history_
        assert estimator.n_iter_ == longer.n_iter_ == 5

    def test_without_warm_start_each_fit_is_new(self, reviews):
        once = classifier().fit(*reviews)
        twice = classifier().fit(*reviews).fit(*reviews)
        assert_equal_weights(once.model_, twice.model_)
        assert twice.n_iter_ == 3

    def test_partial_fit_once_equals_one_epoch(self, reviews):
        fitted = classifier(epochs=1).fit(*reviews)
        estimator = classifier().partial_fit(*reviews, classes=[0, 1])
        assert_equal_weights(estimator.model_, fitted.model_)
        assert estimator.history_ == fitted.history_

    def test_partial_fit_for_each_epoch_equals_fit(self, reviews):
        fitted = classifier(epochs=4, dropout=0.2, optimizer="adam").fit(*reviews)
        estimator = classifier(dropout=0.2, optimizer="adam")
        for _ in range(4):
            estimator.partial_fit(*reviews, classes=[0, 1])
        assert_equal_weights(estimator.model_, fitted.model_)
        assert estimator.history_ == fitted.history_
        assert estimator.n_iter_ == 4

    def test_partial_fit_goes_on_after_fit(self, reviews):
        fitted = classifier(epochs=4).fit(*reviews)
        estimator = classifier(epochs=3).fit(*reviews).partial_fit(*reviews)
        assert_equal_weights(estimator.model_, fitted.model_)

    @pytest.mark.parametrize("goes_on", ["fit", "partial_fit"])
    def test_initialize_is_where_training_starts(self, goes_on, reviews):
        fitted = classifier(epochs=1).fit(*reviews)
        estimator = classifier(epochs=1, warm_start=True).initialize(*reviews)
        getattr(estimator, goes_on)(*reviews)
        assert_equal_weights(estimator.model_, fitted.model_)
