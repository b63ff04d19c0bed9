"""The estimator: what goes in, what comes out, and how it reports mistakes."""

import tracemalloc

import keras
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted

from skimdb import DenseSentimentClassifier
from skimdb.datasets import fetch_imdb
from skimdb.feature_extraction import LogCountRatioScaler, MultiHotVectorizer
from skimdb.neural_network.arrays import epoch_rng
from tests.neural_network.common import (
    assert_equal_weights,
    assert_same_training,
    fit_seed,
    make_multi_hot,
)

LEARNS_FAST = {"epochs": 12, "learning_rate": 0.02}
STOPS_EARLY = {"early_stopping": True, "epochs": 60, "learning_rate": 0.02}


def classifier(**parameters):
    defaults = {"units": 6, "epochs": 2, "batch_size": 32, "random_state": 3}
    return DenseSentimentClassifier(**(defaults | parameters))


class Broken(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise RuntimeError("broken")


def test_a_memory_mapped_matrix_is_used_as_any_other(tmp_path, reviews):
    X, y = reviews
    arrays = {name: getattr(X, name) for name in ("data", "indices", "indptr")}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
        arrays[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    mapped = sp.csr_matrix(tuple(arrays.values()), shape=X.shape)
    fitted = classifier(early_stopping=True).fit(mapped, y).partial_fit(mapped, y)
    expected = classifier(early_stopping=True).fit(X, y).partial_fit(X, y)
    np.testing.assert_array_equal(fitted.predict_proba(mapped), expected.predict_proba(X))


class TestLabels:
    @pytest.mark.parametrize(
        "labels",
        [["pos", "neg"], [3, 7], [-1, 1], [False, True], [2.0, 1.0], ["b", "a", "c"], [5, -5, 0]],
        ids=str,
    )
    def test_any_labels(self, labels):
        X, y = make_multi_hot(150, 30, n_classes=len(labels))
        y = np.array(labels)[y]
        fitted = classifier(**LEARNS_FAST).fit(X, y)
        np.testing.assert_array_equal(fitted.classes_, np.unique(labels))
        predicted = fitted.predict(X)
        assert predicted.dtype == y.dtype
        assert fitted.score(X, y) == (predicted == y).mean() > 0.7

    def test_object_labels(self, reviews):
        X, y = reviews
        y = np.array(["no", "yes"], dtype=object)[y]
        assert set(classifier().fit(X, y).predict(X)) <= {"no", "yes"}

    def test_names_of_the_labels_do_not_change_the_network(self, reviews):
        X, y = reviews
        by_number = classifier().fit(X, y)
        by_name = classifier().fit(X, np.array(["a", "b"])[y])
        assert_equal_weights(by_number.model_, by_name.model_)

    def test_labels_as_a_list_and_as_a_series(self, reviews):
        X, y = reviews
        expected = classifier().fit(X, y)
        for kind in (list, pd.Series):
            assert_equal_weights(classifier().fit(X, kind(y)).model_, expected.model_)

    def test_a_single_column_of_labels_is_warned_about(self, reviews):
        X, y = reviews
        with pytest.warns(match="column-vector y was passed"):
            classifier().fit(X, y[:, np.newaxis])


class TestPredictions:
    @pytest.fixture(params=[2, 3], ids=["binary", "three classes"])
    def fitted_on(self, request):
        X, y = make_multi_hot(150, 30, n_classes=request.param)
        return classifier(**LEARNS_FAST).fit(X, y), X, y

    def test_most_probable_class_is_predicted(self, fitted_on):
        fitted, X, _ = fitted_on
        probability = fitted.predict_proba(X)
        assert probability.shape == (150, len(fitted.classes_))
        np.testing.assert_array_equal(
            fitted.predict(X), fitted.classes_[probability.argmax(axis=1)]
        )

    def test_probabilities_sum_to_one(self, fitted_on):
        fitted, X, _ = fitted_on
        probability = fitted.predict_proba(X)
        assert (probability >= 0).all()
        np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-6)

    def test_log_proba_is_the_logarithm_of_the_probability(self, fitted_on):
        fitted, X, _ = fitted_on
        np.testing.assert_allclose(
            fitted.predict_log_proba(X), np.log(fitted.predict_proba(X)), atol=1e-6
        )
        far = fitted.predict_log_proba(1e5 * X)
        assert np.isfinite(far).all()
        assert far.min() < -1000

    def test_decision_function_holds_the_logits(self, fitted_on):
        fitted, X, _ = fitted_on
        decision, probability = fitted.decision_function(X), fitted.predict_proba(X)
        if len(fitted.classes_) == 2:
            assert decision.shape == (150,)
            np.testing.assert_allclose(probability[:, 1], expit(decision), rtol=1e-6)
            np.testing.assert_array_equal(fitted.predict(X), (decision > 0).astype(int))
        else:
            assert decision.shape == (150, 3)
            np.testing.assert_allclose(probability, softmax(decision, axis=1), rtol=1e-5)

    def test_they_follow_from_the_weights(self, fitted_on):
        fitted, X, _ = fitted_on
        output = X.toarray().astype(np.float64)
        weights = fitted.model_.get_weights()
        for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            output = np.maximum(output @ kernel + bias, 0)
        logits = output @ weights[-2] + weights[-1]
        np.testing.assert_allclose(
            np.squeeze(fitted.decision_function(X)), np.squeeze(logits), atol=1e-4
        )

    def test_one_sample(self, fitted_on):
        fitted, X, _ = fitted_on
        n_classes = len(fitted.classes_)
        assert fitted.predict(X[:1]).shape == (1,)
        assert fitted.predict_proba(X[:1]).shape == (1, n_classes)
        assert fitted.decision_function(X[:1]).shape == ((1,) if n_classes == 2 else (1, 3))

    @pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
    @pytest.mark.parametrize(
        ("dtype", "expected"), [("f4", "f4"), ("f8", "f8"), ("i8", "f4"), ("bool", "f4")]
    )
    def test_dtype_is_that_of_the_features_in_fit(self, dtype, expected, method, reviews):
        X, y = reviews
        for fitted in (
            classifier().fit(X.astype(dtype), y),
            classifier().fit(X.toarray().astype(dtype), y),
        ):
            assert {weight.dtype for weight in fitted.model_.get_weights()} == {np.dtype(expected)}
            for other in ("f4", "f8", "i8"):
                assert getattr(fitted, method)(X.astype(other)).dtype == np.dtype(expected)

    @pytest.mark.parametrize("settings", [{}, {"activation": "mish"}], ids=["arrays", "keras"])
    def test_float64_is_not_rounded(self, settings, reviews):
        """Trained to the end, the gradient vanishes to double precision."""
        X, y = reviews
        X = X.toarray().astype(np.float64)
        fitted = classifier(epochs=1, batch_size=len(y), **settings).fit(X, y)
        before = fitted.decision_function(X)
        assert not np.array_equal(before, before.astype(np.float32))
        fitted.model_.layers[-1].bias.assign_add([1e-12])
        np.testing.assert_allclose(fitted.decision_function(X) - before, 1e-12, rtol=1e-3)

    @pytest.mark.parametrize("kind", [np.asarray, sp.csc_matrix, sp.coo_array, pd.DataFrame])
    def test_every_kind_of_matrix(self, fitted_on, kind):
        fitted, X, _ = fitted_on
        np.testing.assert_allclose(
            fitted.predict_proba(kind(X.toarray())), fitted.predict_proba(X), atol=1e-6
        )

    def test_extreme_logits_keep_probabilities_apart_from_zero(self):
        X = np.array([[-1.0], [1.0]])
        fitted = classifier(layers=0).fit(X, [0, 1])
        fitted.model_.set_weights([np.array([[40.0]]), np.zeros(1)])
        np.testing.assert_allclose(
            fitted.predict_proba(X), [[1, expit(-40)], [expit(-40), 1]], rtol=1e-6
        )


class TestWeights:
    """Batches hold all samples, so that the order of the samples does not matter."""

    settings = {"batch_size": 1000, "optimizer": "sgd", "learning_rate": 0.3}  # noqa: RUF012

    def assert_same(self, one, other):
        for weight, other_weight in zip(
            one.model_.get_weights(), other.model_.get_weights(), strict=True
        ):
            np.testing.assert_allclose(weight, other_weight, atol=1e-5)

    def test_a_weight_of_two_is_the_sample_given_twice(self, reviews):
        X, y = reviews
        n_times = np.random.default_rng(0).integers(0, 4, len(y))
        weighted = classifier(**self.settings).fit(X, y, sample_weight=n_times)
        repeated = classifier(**self.settings).fit(
            X[np.repeat(np.arange(len(y)), n_times)], np.repeat(y, n_times)
        )
        self.assert_same(weighted, repeated)
        unweighted = classifier(**self.settings).fit(X, y)
        assert not np.allclose(unweighted.model_.get_weights()[0], weighted.model_.get_weights()[0])

    def test_scale_of_the_weights_does_not_matter(self, reviews):
        X, y = reviews
        weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
        self.assert_same(
            classifier(**self.settings).fit(X, y, weight),
            classifier(**self.settings).fit(X, y, 7 * weight),
        )

    def test_class_weight_dict(self, reviews):
        X, y = reviews
        self.assert_same(
            classifier(class_weight={0: 3, 1: 0.5}, **self.settings).fit(X, y),
            classifier(**self.settings).fit(X, y, np.where(y == 0, 3, 0.5)),
        )

    def test_balanced_class_weight(self, reviews):
        X, y = reviews
        y = y.copy()
        y[:40] = 0
        balanced = compute_class_weight("balanced", classes=np.array([0, 1]), y=y)
        self.assert_same(
            classifier(class_weight="balanced", **self.settings).fit(X, y),
            classifier(**self.settings).fit(X, y, balanced[y]),
        )

    def test_class_weight_and_sample_weight_multiply(self, reviews):
        X, y = reviews
        weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
        self.assert_same(
            classifier(class_weight={0: 3, 1: 0.5}, **self.settings).fit(X, y, weight),
            classifier(**self.settings).fit(X, y, weight * np.where(y == 0, 3, 0.5)),
        )

    def test_partial_fit_takes_weights_too(self, reviews):
        X, y = reviews
        weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
        by_class = np.where(y == 0, 3, 0.5)
        partial = classifier(class_weight={0: 3, 1: 0.5}).partial_fit(X, y, [0, 1], weight)
        as_they_are = classifier().partial_fit(X, y, [0, 1], weight * by_class)
        self.assert_same(partial, as_they_are)
        weight /= np.mean(weight * by_class)
        fitted = classifier(class_weight={0: 3, 1: 0.5}, epochs=1).fit(X, y, 7 * weight)
        partial = classifier(class_weight={0: 3, 1: 0.5}).partial_fit(X, y, [0, 1], weight)
        self.assert_same(fitted, partial)

    @pytest.mark.parametrize("batch_size", [4, 64, 1000])
    def test_balanced_weights_do_not_fade_in_small_batches(self, batch_size):
        """A rare class counts as much as the other, however the batches are composed."""
        rng = np.random.default_rng(0)
        y = (rng.random(1000) < 0.02).astype(int)
        X = rng.normal(size=(1000, 1)) * 0.01  # uninformative
        weight = compute_class_weight("balanced", classes=np.array([0, 1]), y=y)[y]
        fitted = classifier(
            layers=0, class_weight="balanced", batch_size=batch_size, optimizer="sgd",
            learning_rate=min(0.5, 0.005 * batch_size), epochs=60,
        ).fit(X, y)  # fmt: skip
        mean = np.average(fitted.predict_proba(X)[:, 1], weights=weight)
        assert mean == pytest.approx(0.5, abs=0.05)

    def test_partial_fit_takes_batches_without_some_classes(self):
        X, y = make_multi_hot(90, 30, n_classes=3)
        X, y = X[y != 1], y[y != 1]
        weighted = classifier(class_weight={0: 2, 1: 3}).partial_fit(X, y, [0, 1, 2])
        by_hand = classifier().partial_fit(X, y, [0, 1, 2], np.where(y == 0, 2, 1))
        self.assert_same(weighted, by_hand)

    def test_samples_without_weight_do_not_count_for_balance(self, reviews):
        X, y = reviews
        weight = (np.arange(len(y)) % 3 > 0) | (y == 1)
        estimator = classifier(class_weight="balanced", **self.settings)
        self.assert_same(
            clone(estimator).fit(X, y, weight), clone(estimator).fit(X[weight], y[weight])
        )

    def test_classes_without_weight_are_left_out(self):
        X, y = make_multi_hot(90, 30, n_classes=3)
        fitted = classifier().fit(X, y, sample_weight=y < 2)
        np.testing.assert_array_equal(fitted.classes_, [0, 1])
        assert_equal_weights(fitted.model_, classifier().fit(X[y < 2], y[y < 2]).model_)


class TestEarlyStopping:
    def test_best_epoch_is_the_one_kept(self, reviews, more_reviews):
        X_val, y_val = more_reviews
        fitted = classifier(**STOPS_EARLY).fit(*reviews, X_val=X_val, y_val=y_val)
        losses = fitted.history_["val_loss"]
        assert fitted.best_epoch_ == 1 + np.argmin(losses)
        assert fitted.n_iter_ == len(losses) == fitted.best_epoch_ + 2 < 60
        assert log_loss(y_val, fitted.predict_proba(X_val)) == pytest.approx(min(losses), abs=1e-5)
        best = classifier(epochs=fitted.best_epoch_, learning_rate=0.02).fit(*reviews)
        assert_equal_weights(fitted.model_, best.model_)

    @pytest.mark.parametrize("patience", [0, 1, 4])
    def test_patience(self, patience, reviews, more_reviews):
        X_val, y_val = more_reviews
        fitted = classifier(patience=patience, **STOPS_EARLY).fit(
            *reviews, X_val=X_val, y_val=y_val
        )
        # A patience of 0 stops at the first epoch that is no better, like a patience of 1.
        assert fitted.n_iter_ == fitted.best_epoch_ + max(patience, 1)

    def test_epochs_is_the_maximum(self, reviews):
        fitted = classifier(early_stopping=True, epochs=3, learning_rate=1e-4).fit(*reviews)
        assert fitted.n_iter_ == 3

    def test_own_split_is_stratified(self, reviews):
        X, y = reviews
        y = y.copy()
        y[:60] = 0
        rows, rows_val = train_test_split(
            np.arange(len(y)), test_size=0.3, stratify=y, random_state=fit_seed(3)
        )
        settings = STOPS_EARLY | {"validation_fraction": 0.3}
        fitted = classifier(**settings).fit(X, y)
        expected = classifier(**settings).fit(
            X[rows], y[rows], X_val=X[rows_val], y_val=y[rows_val]
        )
        assert y[rows_val].mean() == pytest.approx(y.mean(), abs=0.02)
        assert_equal_weights(fitted.model_, expected.model_)
        assert fitted.history_ == expected.history_

    def test_own_split_has_at_least_one_sample_of_each_class(self, reviews):
        X, y = reviews
        rows, rows_val = train_test_split(
            np.arange(len(y)), test_size=2, stratify=y, random_state=fit_seed(3)
        )
        fitted = classifier(**STOPS_EARLY | {"validation_fraction": 1e-9}).fit(X, y)
        expected = classifier(**STOPS_EARLY).fit(
            X[rows], y[rows], X_val=X[rows_val], y_val=y[rows_val]
        )
        assert_equal_weights(fitted.model_, expected.model_)

    def test_validation_data_alone_do_not_stop(self, reviews, more_reviews):
        fitted = classifier(epochs=15, learning_rate=0.02)
        fitted.fit(*reviews, X_val=more_reviews[0], y_val=more_reviews[1])
        assert fitted.n_iter_ == 15
        assert not hasattr(fitted, "best_epoch_")

    def test_warm_start_counts_epochs_from_the_first(self, reviews, more_reviews):
        X_val, y_val = more_reviews
        estimator = classifier(epochs=2, warm_start=True).fit(*reviews, X_val=X_val, y_val=y_val)
        estimator.set_params(**STOPS_EARLY).fit(*reviews, X_val=X_val, y_val=y_val)
        assert estimator.best_epoch_ == 3 + np.argmin(estimator.history_["val_loss"][2:])

    def test_diverged_epochs_are_not_the_best(self, reviews, more_reviews):
        class Diverge(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                if epoch:
                    logs["val_loss"] = np.nan

        fitted = classifier(early_stopping=True, epochs=4, callbacks=[Diverge])
        assert fitted.fit(*reviews, None, *more_reviews).best_epoch_ == 1

    @pytest.mark.parametrize("optimizer", ["adam", "nadam"], ids=["arrays", "keras"])
    def test_an_undefined_score_at_first_is_not_the_best(
        self, optimizer, reviews, more_reviews, eager_keras
    ):
        class Forget(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                if not epoch:
                    logs["val_loss"] = np.nan

        settings = {"early_stopping": True, "epochs": 4, "callbacks": [Forget]}
        fitted = classifier(**settings, optimizer=optimizer)
        assert fitted.fit(*reviews, None, *more_reviews).best_epoch_ == 4

    def test_a_loss_may_improve_by_little(self, reviews, more_reviews):
        settings = {"early_stopping": True, "epochs": 8, "learning_rate": 1e-6}
        fitted = classifier(**settings).fit(*reviews, None, *more_reviews)
        assert -1e-3 < np.min(np.diff(fitted.history_["val_loss"])) < 0
        assert fitted.n_iter_ == fitted.best_epoch_ == 8

    def test_best_epoch_goes_with_early_stopping(self, reviews):
        estimator = classifier(**STOPS_EARLY).fit(*reviews)
        assert estimator.best_epoch_
        estimator.set_params(early_stopping=False, epochs=1).fit(*reviews)
        assert not hasattr(estimator, "best_epoch_")

    def test_a_class_of_one_sample_is_not_split(self, reviews):
        X, _ = reviews
        y = np.array([0, 1] * 20 + [2])
        for seed in range(10):
            fitted = classifier(early_stopping=True, random_state=seed).fit(X[:41], y)
            assert fitted.predict_proba(X).shape == (150, 3)


class TestBrierScore:
    settings = STOPS_EARLY | {"monitor": "val_brier"}

    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("optimizer", ["adam", "nadam"], ids=["arrays", "keras"])
    def test_the_best_epoch_has_the_lowest_score(self, n_classes, optimizer, eager_keras):
        X, y = make_multi_hot(150, 30, n_classes=n_classes)
        X_val, y_val = make_multi_hot(60, 30, n_classes=n_classes, random_state=1)
        weight = 1.0 + np.arange(60) % 2
        fitted = classifier(**self.settings, optimizer=optimizer).fit(
            X, y, None, X_val, y_val, weight
        )
        scores = fitted.history_["val_brier"]
        assert fitted.best_epoch_ == 1 + np.argmin(scores)
        assert len(scores) < 60
        labels = y_val if n_classes == 2 else np.eye(n_classes)[y_val]
        probability = fitted.predict_proba(X_val)
        errors = (probability[:, 1] if n_classes == 2 else probability) - labels
        squares = np.square(errors).reshape(60, -1).sum(axis=1)
        assert np.average(squares, weights=weight) == pytest.approx(min(scores), abs=1e-6)
        if n_classes == 2:
            expected = brier_score_loss(y_val, probability[:, 1], sample_weight=weight)
            assert expected == pytest.approx(min(scores), abs=1e-6)

    @pytest.mark.parametrize(
        ("scores", "n_epochs", "best_epoch"),
        [
            ([0.3, 0.29951, 0.29951, 0.1], 3, 2),
            ([0.3, 0.29949, 0.29949, 0.29949, 0.1], 4, 2),
            ([0.3, 0.2997, 0.2994, 0.2993, 0.2992, 0.1], 5, 5),
        ],
        ids=["too small", "large enough", "two together"],
    )
    @pytest.mark.parametrize("optimizer", ["adam", "nadam"], ids=["arrays", "keras"])
    def test_small_improvements_do_not_prolong_the_training(
        self, optimizer, scores, n_epochs, best_epoch, reviews, more_reviews, eager_keras
    ):
        class Replace(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logs["val_brier"] = scores[epoch]

        settings = self.settings | {"epochs": len(scores), "patience": 2, "callbacks": [Replace]}
        fitted = classifier(**settings, optimizer=optimizer).fit(*reviews, None, *more_reviews)
        assert (fitted.n_iter_, fitted.best_epoch_) == (n_epochs, best_epoch)

    def test_it_is_measured_only_where_it_is_looked_at(self, reviews, more_reviews):
        for settings in ({"monitor": "val_brier"}, {"early_stopping": True}):
            fitted = classifier(**settings).fit(*reviews, None, *more_reviews)
            assert "val_brier" not in fitted.history_

    def test_wrong_score(self, reviews):
        with pytest.raises(ValueError, match="'monitor' parameter of DenseSentimentClassifier"):
            classifier(monitor="brier").fit(*reviews)


class TestRefit:
    settings = STOPS_EARLY | {"refit": True}

    def test_it_trains_anew_on_all_data_for_the_best_number_of_epochs(self, reviews):
        chosen = classifier(**STOPS_EARLY).fit(*reviews)
        fitted = classifier(**self.settings).fit(*reviews)
        assert fitted.best_epoch_ == fitted.n_iter_ == chosen.best_epoch_ < chosen.n_iter_
        expected = classifier(epochs=chosen.best_epoch_, learning_rate=0.02).fit(*reviews)
        assert_equal_weights(fitted.model_, expected.model_)
        assert fitted.history_ == expected.history_
        assert fitted.validation_history_ == chosen.history_

    def test_validation_data_are_trained_on_too(self, reviews, more_reviews):
        chosen = classifier(**STOPS_EARLY).fit(*reviews, None, *more_reviews)
        fitted = classifier(**self.settings).fit(*reviews, None, *more_reviews)
        expected = classifier(epochs=chosen.best_epoch_, learning_rate=0.02).fit(
            sp.vstack([reviews[0], more_reviews[0]]), np.concatenate([reviews[1], more_reviews[1]])
        )
        assert_equal_weights(fitted.model_, expected.model_)

    @pytest.mark.parametrize("class_weight", [None, {0: 1.0, 1: 9.0}, "balanced"])
    @pytest.mark.parametrize("weights", ["none", "of training data", "of both"])
    def test_validation_data_are_weighted_as_training_data(
        self, class_weight, weights, reviews, more_reviews
    ):
        (X, y), (X_val, y_val) = reviews, more_reviews
        rng = np.random.default_rng(0)
        weight = None if weights == "none" else rng.random(len(y)) * 1000
        weight_val = rng.random(len(y_val)) * 1000 if weights == "of both" else None
        fitted = classifier(**self.settings, class_weight=class_weight)
        fitted.fit(X, y, weight, X_val, y_val, weight_val)
        if weights == "of training data":
            weight_val = np.full(len(y_val), weight.mean())
        balanced = dict(enumerate(len(y) / np.bincount(y)))
        expected = classifier(
            epochs=fitted.best_epoch_,
            learning_rate=0.02,
            class_weight=balanced if class_weight == "balanced" else class_weight,
        ).fit(
            sp.vstack([X, X_val]),
            np.concatenate([y, y_val]),
            None if weight is None else np.concatenate([weight, weight_val]),
        )
        np.testing.assert_allclose(
            fitted.predict_proba(X), expected.predict_proba(X), rtol=0, atol=1e-5
        )

    def test_classes_without_weight_are_left_out(self, reviews, more_reviews):
        (X, y), (X_val, y_val) = reviews, more_reviews
        y = y.copy()
        y[:20] = 2
        fitted = classifier(**self.settings, class_weight={2: 0})
        fitted.fit(X, y, X_val=X_val, y_val=y_val)
        expected = classifier(**self.settings).fit(X[20:], y[20:], X_val=X_val, y_val=y_val)
        assert fitted.classes_.tolist() == [0, 1]
        np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))

    @pytest.mark.parametrize("kinds", [(sp.csr_matrix, np.asarray), (np.asarray, sp.csr_matrix)])
    def test_sparse_and_dense_validation_data(self, kinds, reviews, more_reviews):
        (X, y), (X_val, y_val) = reviews, more_reviews
        kind, kind_val = kinds
        mixed = classifier(**self.settings).fit(
            kind(X.toarray()), y, None, kind_val(X_val.toarray()), y_val
        )
        expected = classifier(**self.settings).fit(
            kind(X.toarray()), y, None, kind(X_val.toarray()), y_val
        )
        assert_equal_weights(mixed.model_, expected.model_)

    @pytest.mark.parametrize("looked_at", [False, True], ids=["", "with the model built"])
    def test_warm_start_trains_on_from_the_previous_fit(self, looked_at, reviews):
        start = classifier(epochs=2, warm_start=True)
        chosen, fitted, expected = (clone(start).fit(*reviews) for _ in range(3))
        model = fitted.model_ if looked_at else None
        chosen.set_params(**STOPS_EARLY).fit(*reviews)
        fitted.set_params(**self.settings).fit(*reviews)
        expected.set_params(epochs=chosen.best_epoch_ - 2).fit(*reviews)
        assert fitted.best_epoch_ == fitted.n_iter_ == chosen.best_epoch_
        assert_equal_weights(fitted.model_, expected.model_)
        assert not looked_at or fitted.model_ is model

    def test_nothing_without_early_stopping(self, reviews):
        fitted = classifier(refit=True).fit(*reviews)
        assert_equal_weights(fitted.model_, classifier().fit(*reviews).model_)
        assert not hasattr(fitted, "validation_history_")


class TestFeatureScaling:
    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("container", [sp.csr_matrix, sp.csr_array, sp.csr_matrix.toarray])
    @pytest.mark.parametrize("parameters", [{}, {"optimizer": "nadam"}], ids=["arrays", "keras"])
    def test_equal_to_a_scaler_before_the_classifier(
        self, parameters, container, n_classes, eager_keras
    ):
        X, y = make_multi_hot(150, 30, n_classes=n_classes)
        X = container(X)
        fitted = classifier(**parameters, feature_scaling="log_count_ratio").fit(X, y)
        expected = make_pipeline(LogCountRatioScaler(), classifier(**parameters)).fit(X, y)
        np.testing.assert_allclose(
            fitted.predict_proba(X), expected.predict_proba(X), rtol=0, atol=1e-6
        )
        scale = expected[0].scale_[:, np.newaxis]
        kernel, *others = fitted.model_.get_weights()
        np.testing.assert_allclose(kernel, expected[-1].model_.get_weights()[0] * scale, atol=1e-6)
        for weight, other in zip(others, expected[-1].model_.get_weights()[1:], strict=True):
            np.testing.assert_array_equal(weight, other)
        assert fitted.history_ == expected[-1].history_
        assert fitted.model_.history.history == fitted.history_

    def test_ratios_do_not_see_the_validation_labels(self, reviews):
        X, y = reviews
        rows, rows_val = train_test_split(
            np.arange(len(y)), test_size=0.1, stratify=y, random_state=fit_seed(3)
        )
        scaler = LogCountRatioScaler().fit(X[rows], y[rows])
        chosen = classifier(**STOPS_EARLY).fit(
            scaler.transform(X[rows]), y[rows], None, scaler.transform(X[rows_val]), y[rows_val]
        )
        fitted = classifier(**STOPS_EARLY, refit=True, feature_scaling="log_count_ratio").fit(X, y)
        assert fitted.validation_history_ == chosen.history_
        expected = classifier(
            epochs=chosen.best_epoch_, learning_rate=0.02, feature_scaling="log_count_ratio"
        ).fit(X, y)
        assert_equal_weights(fitted.model_, expected.model_)

    def test_weights_are_repetitions(self, reviews):
        X, y = reviews
        weight = np.arange(len(y)) % 3
        settings = {"batch_size": 300, "feature_scaling": "log_count_ratio", "optimizer": "sgd"}
        weighted = classifier(**settings).fit(X, y, weight)
        repeated = classifier(**settings).fit(
            X[np.repeat(np.arange(len(y)), weight)], y.repeat(weight)
        )
        np.testing.assert_allclose(
            weighted.predict_proba(X), repeated.predict_proba(X), rtol=0, atol=1e-6
        )

    @pytest.mark.parametrize("scale", [1e-6, 1 / 150, 0.3])
    def test_of_small_weights_only_ratios_count(self, scale, reviews):
        X, y = reviews
        weight = 1.0 + np.arange(len(y)) % 2
        weight /= weight.mean()
        settings = {"batch_size": 300, "feature_scaling": "log_count_ratio", "optimizer": "sgd"}
        expected = classifier(**settings).fit(X, y, weight).predict_proba(X)
        by_sample = classifier(**settings).fit(X, y, scale * weight)
        np.testing.assert_allclose(by_sample.predict_proba(X), expected, rtol=0, atol=1e-6)
        by_class = classifier(**settings, class_weight={0: scale, 1: scale}).fit(X, y, weight)
        np.testing.assert_allclose(by_class.predict_proba(X), expected, rtol=0, atol=1e-6)

    def test_training_goes_on_with_a_fresh_optimizer(self, reviews):
        fitted = classifier(feature_scaling="log_count_ratio").fit(*reviews)
        assert int(fitted.model_.optimizer.iterations) == 0
        fitted.set_params(feature_scaling=None).partial_fit(*reviews)
        assert int(fitted.model_.optimizer.iterations) == 5
        assert fitted.n_iter_ == 3

    def test_data_are_not_changed(self, reviews):
        X, y = reviews
        before = X.copy()
        classifier(**STOPS_EARLY, refit=True, feature_scaling="log_count_ratio").fit(
            X, y, None, X, y
        )
        np.testing.assert_array_equal(X.toarray(), before.toarray())

    def test_what_it_is_not_for(self, reviews):
        X, y = reviews
        scaled = classifier(feature_scaling="log_count_ratio")
        with pytest.raises(ValueError, match=r"feature_scaling='log_count_ratio' .* partial_fit"):
            scaled.partial_fit(X, y, classes=[0, 1])
        with pytest.raises(ValueError, match=r"Negative values .* feature_scaling"):
            scaled.fit(-X, y)
        with pytest.raises(ValueError, match=r"Negative values .* feature_scaling.* \(X_val\)"):
            scaled.fit(X, y, None, -X, y)
        with pytest.raises(ValueError, match=r"needs a new network .* warm_start=False"):
            scaled.set_params(warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match="'feature_scaling' parameter"):
            scaled.set_params(feature_scaling="tf-idf").fit(X, y)

    def test_splitting_and_scaling_copy_no_matrix(self):
        X = sp.random(20_000, 500, 0.2, "csr", np.float32, random_state=0)
        y = np.arange(20_000) % 2
        classifier = DenseSentimentClassifier(
            1,
            layers=1,
            epochs=1,
            early_stopping=True,
            validation_fraction=0.1,
            refit=True,
            feature_scaling="log_count_ratio",
        )
        tracemalloc.start()
        classifier.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 0.5 * (X.data.nbytes + X.indices.nbytes)


class TestAuto:
    @pytest.mark.parametrize(
        ("n_samples", "batch_size", "epochs"),
        [(20, 32, 200), (1000, 32, 6), (3000, 64, 4), (25_000, 512, 4), (100_000, 512, 1)],
    )
    def test_the_number_of_samples_decides(self, n_samples, batch_size, epochs):
        X = np.eye(2)[np.arange(n_samples) % 2]
        fitted = DenseSentimentClassifier(2, layers=1).fit(X, np.arange(n_samples) % 2)
        assert (fitted.batch_size_, fitted.epochs_, fitted.n_iter_) == (batch_size, epochs, epochs)
        stopped = DenseSentimentClassifier(2, layers=1, early_stopping=True, patience=0)
        stopped.fit(X, np.arange(n_samples) % 2)
        assert (stopped.batch_size_, stopped.epochs_) == (batch_size, 4 * epochs)

    def test_auto_is_the_same_as_these_numbers(self, reviews):
        fitted = DenseSentimentClassifier(random_state=0).fit(*reviews)
        expected = DenseSentimentClassifier(
            batch_size=fitted.batch_size_, epochs=fitted.epochs_, random_state=0
        )
        assert_equal_weights(fitted.model_, expected.fit(*reviews).model_)

    def test_partial_fit_takes_batches_of_512(self):
        X, y = make_multi_hot(600, 30)
        fitted = classifier(batch_size="auto").partial_fit(X, y, classes=[0, 1])
        expected = classifier(batch_size=512).partial_fit(X, y, classes=[0, 1])
        assert_equal_weights(fitted.model_, expected.model_)
        assert (fitted.batch_size_, fitted.epochs_) == (512, 1)


class TestAttributes:
    def test_history(self, reviews, more_reviews):
        fitted = classifier(epochs=3).fit(*reviews)
        assert sorted(fitted.history_) == ["accuracy", "loss"]
        fitted.fit(*reviews, X_val=more_reviews[0], y_val=more_reviews[1])
        assert sorted(fitted.history_) == ["accuracy", "loss", "val_accuracy", "val_loss"]
        assert {len(values) for values in fitted.history_.values()} == {3}
        assert all(type(value) is float for values in fitted.history_.values() for value in values)

    def test_history_has_nan_where_nothing_was_measured(self, reviews, more_reviews):
        estimator = classifier(epochs=1, warm_start=True).fit(*reviews)
        estimator.fit(*reviews, X_val=more_reviews[0], y_val=more_reviews[1]).partial_fit(*reviews)
        assert np.isnan(estimator.history_["val_loss"]).tolist() == [True, False, True]
        assert not np.isnan(estimator.history_["loss"]).any()

    def test_n_iter_is_the_number_of_epochs(self, reviews):
        assert classifier(epochs=3).fit(*reviews).n_iter_ == 3

    def test_model_is_a_compiled_keras_model(self, reviews):
        fitted = classifier(units=(5, 3), optimizer="adam", learning_rate=0.01).fit(*reviews)
        assert isinstance(fitted.model_, keras.Sequential)
        assert fitted.model_.compiled
        assert [layer.units for layer in fitted.model_.layers] == [5, 3, 1]
        assert isinstance(fitted.model_.optimizer, keras.optimizers.Adam)
        assert float(fitted.model_.optimizer.learning_rate) == pytest.approx(0.01)

    @pytest.mark.parametrize("optimizer", ["adam", keras.optimizers.Adam])
    def test_learning_rate_is_for_names_and_classes(self, optimizer, reviews):
        fitted = classifier(optimizer=optimizer, learning_rate=0.5, epochs=1).fit(*reviews)
        assert float(fitted.model_.optimizer.learning_rate) == 0.5

    def test_learning_rate_is_not_for_instances(self, reviews):
        fitted = classifier(optimizer=keras.optimizers.Adam(0.25), epochs=1).fit(*reviews)
        assert float(fitted.model_.optimizer.learning_rate) == 0.25

    def test_units_may_be_numpy_integers(self, reviews):
        fitted = classifier(units=np.array([4, 3]), epochs=1).fit(*reviews)
        assert [layer.units for layer in fitted.model_.layers] == [4, 3, 1]
        assert classifier(units=np.int64(4), epochs=1).fit(*reviews).model_.layers[1].units == 4

    def test_parameters_are_stored_as_given(self):
        units, callbacks = [4, 3], [Broken]
        estimator = DenseSentimentClassifier(units, callbacks=callbacks)
        assert estimator.units is units
        assert estimator.callbacks is callbacks

    def test_initialize_builds_and_does_not_train(self, reviews):
        estimator = classifier().initialize(*reviews)
        check_is_fitted(estimator)
        assert int(estimator.model_.optimizer.iterations) == 0
        assert estimator.history_ == {}
        assert estimator.n_iter_ == 0
        np.testing.assert_array_equal(estimator.classes_, [0, 1])
        assert estimator.predict_proba(reviews[0]).shape == (150, 2)

    def test_logistic_regression_is_the_network_without_hidden_layers(self, reviews):
        X, y = reviews
        fitted = DenseSentimentClassifier(
            layers=0, l2=0.01, optimizer="sgd", learning_rate=0.5, epochs=1500, batch_size=150,
            random_state=0,
        ).fit(X, y)  # fmt: skip
        # C sums over samples what the network averages; 1 / 2 is in its penalty.
        expected = LogisticRegression(C=1 / (2 * 0.01 * len(y)), tol=1e-8).fit(X, y)
        np.testing.assert_allclose(fitted.model_.get_weights()[0], expected.coef_.T, atol=1e-2)


class TestFeatureNames:
    @pytest.fixture
    def frame(self, reviews):
        X, y = reviews
        return pd.DataFrame(X.toarray(), columns=[f"word {i}" for i in range(30)]), y

    def test_are_those_of_the_frame(self, frame):
        X, y = frame
        fitted = classifier().fit(X, y)
        np.testing.assert_array_equal(fitted.feature_names_in_, X.columns)

    def test_absent_without_names(self, reviews):
        assert not hasattr(classifier().fit(*reviews), "feature_names_in_")

    def test_other_order_is_an_error(self, frame):
        X, y = frame
        with pytest.raises(ValueError, match="feature names should match"):
            classifier().fit(X, y).predict(X[X.columns[::-1]])

    def test_missing_names_are_warned_about(self, frame):
        X, y = frame
        with pytest.warns(UserWarning, match="X does not have valid feature names"):
            classifier().fit(X, y).predict(X.to_numpy())

    def test_validation_data_need_the_same_names(self, frame):
        X, y = frame
        with pytest.raises(ValueError, match="feature names should match"):
            classifier().fit(X, y, X_val=X[X.columns[::-1]], y_val=y)


class TestFailedFit:
    """Nothing half-done is left behind."""

    failures = pytest.mark.parametrize(
        ("parameters", "spoil"),
        [
            ({}, lambda X, y: (X[:, :7], np.zeros(len(y)))),
            ({}, lambda X, y: (X[:, :7], np.linspace(0, 1, len(y)))),
            ({"units": (3, 3, 3)}, lambda X, y: (X[:, :7], y)),
            ({"activation": "nothing"}, lambda X, y: (X[:, :7], y)),
            ({"callbacks": [Broken]}, lambda X, y: (X[:, :7], np.array(["a", "b", "c"])[y])),
            ({"early_stopping": True}, lambda X, y: (X[:4, :7], [0, 1, 2, 3])),
        ],
        ids=["one class", "regression", "units", "activation", "callback", "split"],
    )

    @failures
    def test_leaves_an_unfitted_estimator_unfitted(self, parameters, spoil, reviews):
        estimator = classifier(**parameters)
        with pytest.raises((ValueError, RuntimeError)):
            estimator.fit(*spoil(*reviews))
        with pytest.raises(NotFittedError):
            estimator.predict(reviews[0])

    @failures
    def test_leaves_a_fitted_estimator_as_it_was(self, parameters, spoil, reviews):
        X, _ = reviews
        estimator = classifier().fit(*reviews)
        expected = estimator.predict_proba(X)
        before = dict(vars(estimator))
        estimator.set_params(**parameters)
        with pytest.raises((ValueError, RuntimeError)):
            estimator.fit(*spoil(*reviews))
        np.testing.assert_array_equal(estimator.predict_proba(X), expected)
        after = dict(vars(estimator))
        for name in parameters:
            del before[name], after[name]
        assert before == after

    @pytest.mark.parametrize("looked_at", [False, True], ids=["", "with the model built"])
    def test_failed_continuation_leaves_the_network_as_it_was(self, looked_at, reviews):
        X, y = reviews
        estimator = classifier(warm_start=True).fit(X, y)
        expected = estimator.predict_proba(X)
        model = estimator.model_ if looked_at else None
        estimator.set_params(callbacks=[Broken])
        with pytest.raises(RuntimeError, match="broken"):
            estimator.fit(X, y)
        np.testing.assert_array_equal(estimator.predict_proba(X), expected)
        assert int(estimator.model_.optimizer.iterations) == 2 * 5
        assert estimator.n_iter_ == 2
        assert estimator.model_.history.history == estimator.history_
        assert not looked_at or estimator.model_ is model

    @pytest.mark.parametrize("kind", ["csr", "dense"])
    @pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam"])
    def test_partial_fit_keeps_the_completed_steps(self, optimizer, kind, reviews, monkeypatch):
        X, y = reviews
        X = X if kind == "csr" else X.toarray()
        estimator = classifier(optimizer=optimizer).fit(X, y)
        expected = clone(estimator).fit(X, y)
        n_steps = 0

        class Interrupted(BaseException):
            pass

        def expit_twice(x):
            nonlocal n_steps
            n_steps += 1
            if n_steps > 2:
                raise Interrupted
            return expit(x)

        seed, epoch = fit_seed(3), estimator.n_iter_
        rows = epoch_rng(seed, epoch).permutation(len(y))[: 2 * 32]
        with monkeypatch.context() as patch:
            patch.setattr("skimdb.neural_network.arrays._network.expit", expit_twice)
            with pytest.raises(Interrupted) as raised:
                estimator.partial_fit(X, y)
        assert raised.value.__notes__ == ["The network keeps the 2 completed steps."]
        assert int(estimator.model_.optimizer.iterations) == 2 * 5 + 2
        assert estimator.n_iter_ == 2
        model = expected.model_
        for batch in (rows[:32], rows[32:]):
            model.train_on_batch(reviews[0].toarray()[batch], y[batch])
        assert_same_training(estimator.model_, model)


class TestErrors:
    @pytest.mark.parametrize("units", [(4,), (4, 3, 2), (4, 0), (4, 2.5), ("a", "b"), (4, -1)])
    def test_units_that_do_not_fit_the_layers(self, units, reviews):
        with pytest.raises(ValueError, match=r"units must be a positive int.*layers=2.*got"):
            classifier(units=units).fit(*reviews)

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("units", 0),
            ("units", 2.5),
            ("layers", -1),
            ("l1", -0.1),
            ("l2", "a"),
            ("dropout", 1.0),
            ("learning_rate", 0),
            ("epochs", 0),
            ("batch_size", 0),
            ("early_stopping", "yes"),
            ("patience", -1),
            ("validation_fraction", 1.0),
            ("class_weight", "equal"),
            ("callbacks", Broken),
            ("random_state", "a"),
            ("verbose", -1),
        ],
    )
    def test_values_out_of_range(self, parameter, value, reviews):
        with pytest.raises(ValueError, match=f"The '{parameter}' parameter of DenseSentiment"):
            classifier(**{parameter: value}).fit(*reviews)

    def test_unknown_parameter(self):
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            DenseSentimentClassifier(fit__epochs=3)
        with pytest.raises(ValueError, match="Invalid parameter 'learning_rates'"):
            classifier().set_params(learning_rates=1)

    def test_unknown_activation(self, reviews):
        with pytest.raises(ValueError, match=r"activation must be a name that Keras knows.*'relo'"):
            classifier(activation="relo").fit(*reviews)

    def test_unknown_optimizer(self, reviews):
        with pytest.raises(ValueError, match=r"optimizer must be a name that Keras knows.*'adamm'"):
            classifier(optimizer="adamm").fit(*reviews)

    @pytest.mark.parametrize("optimizer", [3, None, dict, LogisticRegression])
    def test_object_that_is_not_an_optimizer(self, optimizer, reviews):
        with pytest.raises(ValueError, match="optimizer must be a name"):
            classifier(optimizer=optimizer).fit(*reviews)

    @pytest.mark.parametrize("callback", [print, "EarlyStopping", LogisticRegression])
    def test_objects_that_are_not_callbacks(self, callback, reviews):
        with pytest.raises(TypeError, match="callbacks must hold Keras callbacks or their classes"):
            classifier(callbacks=[callback]).fit(*reviews)

    def test_half_of_the_validation_data(self, reviews):
        X, y = reviews
        for half in ({"X_val": X}, {"y_val": y}):
            with pytest.raises(ValueError, match="X_val and y_val must be given together"):
                classifier().fit(X, y, **half)

    def test_weights_without_validation_data(self, reviews):
        X, y = reviews
        with pytest.raises(ValueError, match="sample_weight_val was given without X_val"):
            classifier().fit(X, y, sample_weight_val=np.ones(len(y)))

    def test_unknown_labels_in_validation_data(self, reviews):
        X, y = reviews
        with pytest.raises(ValueError, match=r"y_val must hold labels out of \[0 1\]; got \[2\]"):
            classifier().fit(X, y, X_val=X, y_val=2 * y)

    def test_validation_data_of_another_width(self, reviews):
        X, y = reviews
        with pytest.raises(ValueError, match=r"X_val has 20 features.*expecting 30"):
            classifier().fit(X, y, X_val=X[:, :20], y_val=y)

    @pytest.mark.parametrize("labels", [[0, 1], [0, 1, 2, 3], [0, 0, 1]])
    def test_too_few_samples_for_a_split(self, labels, reviews):
        X, _ = reviews
        with pytest.raises(ValueError, match=r"early_stopping=True cannot set .*Give X_val"):
            classifier(early_stopping=True, validation_fraction=0.9).fit(X[: len(labels)], labels)

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_negative_weights(self, method, reviews):
        X, y = reviews
        weight = np.ones(len(y))
        weight[3] = -1
        with pytest.raises(ValueError, match=r"[Nn]egative values in data passed to `sample_weigh"):
            getattr(classifier(), method)(
                X, y, sample_weight=weight, **({"classes": [0, 1]} if method != "fit" else {})
            )

    def test_weights_all_zero(self, reviews):
        X, y = reviews
        # Scikit-learn 1.9 sees it first.
        with pytest.raises(
            ValueError, match=r"no sample with a positive weight|at least one non-ze"
        ):
            classifier().fit(X, y, sample_weight=np.zeros(len(y)))
        with pytest.raises(ValueError, match="class_weight leaves no sample with a positive"):
            classifier(class_weight={0: 0, 1: 0}).fit(X, y)

    def test_as_many_weights_as_samples(self, reviews):
        X, y = reviews
        with pytest.raises(ValueError, match=r"sample_weight.shape"):
            classifier().fit(X, y, sample_weight=np.ones(3))

    @pytest.mark.parametrize("label", [1, "good"])
    def test_one_class(self, label, reviews):
        X, y = reviews
        with pytest.raises(ValueError, match=f"at least two classes; got one class only.*{label}"):
            classifier().fit(X, [label] * len(y))

    def test_one_class_with_weight(self, reviews):
        X, y = reviews
        with pytest.raises(ValueError, match="at least two classes; got one class only"):
            classifier().fit(X, y, sample_weight=y)

    def test_continuous_targets(self, reviews):
        X, y = reviews
        with pytest.raises(ValueError, match="Unknown label type: continuous"):
            classifier().fit(X, y + 0.5)

    def test_several_targets(self, reviews):
        X, y = reviews
        with pytest.raises(ValueError, match="y should be a 1d array"):
            classifier().fit(X, np.column_stack([y, y]))

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    @pytest.mark.parametrize("kind", ["csr", "dense"])
    def test_values_that_are_not_finite(self, kind, value, reviews):
        X, y = reviews
        fitted = classifier().fit(X, y)
        X = X.copy()
        X.data[5] = value
        X = X if kind == "csr" else X.toarray()
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            classifier().fit(X, y)
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            fitted.predict(X)

    @pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function", "score"])
    def test_not_fitted(self, method, reviews):
        arguments = reviews if method == "score" else reviews[:1]
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(classifier(), method)(*arguments)

    @pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
    def test_wrong_number_of_features(self, method, reviews):
        X, y = reviews
        with pytest.raises(ValueError, match=r"X has 29 features.*is expecting 30 features"):
            getattr(classifier().fit(X, y), method)(X[:, 1:])

    def test_warm_start_with_other_classes(self, reviews):
        X, y = reviews
        estimator = classifier(warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match=r"classes of the previous fit, \[0 1\]; got \[0 2\]"):
            estimator.fit(X, 2 * y)

    def test_warm_start_with_another_width(self, reviews):
        X, y = reviews
        estimator = classifier(warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match=r"X has 29 features.*is expecting 30 features"):
            estimator.fit(X[:, 1:], y)


class TestPartialFit:
    def test_labels_of_a_batch_may_be_few(self, reviews):
        X, y = reviews
        estimator = classifier()
        estimator.partial_fit(X[y == 1], y[y == 1], classes=[0, 1, 2])
        estimator.partial_fit(X[y == 0], y[y == 0])
        np.testing.assert_array_equal(estimator.classes_, [0, 1, 2])
        assert estimator.predict_proba(X).shape == (150, 3)

    def test_classes_may_be_given_again_in_any_order(self, reviews):
        estimator = classifier().partial_fit(*reviews, classes=[1, 0])
        estimator.partial_fit(*reviews, classes=[0, 1])
        assert estimator.n_iter_ == 2

    def test_epochs_and_early_stopping_do_not_matter(self, reviews):
        plain = classifier().partial_fit(*reviews, classes=[0, 1])
        other = classifier(epochs=9, early_stopping=True).partial_fit(*reviews, classes=[0, 1])
        assert_equal_weights(plain.model_, other.model_)
        assert not hasattr(other, "best_epoch_")

    def test_classes_are_needed_first(self, reviews):
        with pytest.raises(ValueError, match="classes must be passed on the first call"):
            classifier().partial_fit(*reviews)

    def test_classes_may_not_change(self, reviews):
        estimator = classifier().partial_fit(*reviews, classes=[0, 1])
        with pytest.raises(ValueError, match=r"\[0 1 2\] is not the same.*was \[0 1\]"):
            estimator.partial_fit(*reviews, classes=[0, 1, 2])

    def test_unknown_labels(self, reviews):
        X, y = reviews
        with pytest.raises(ValueError, match=r"labels out of \[0 1\]; got \[2\] too"):
            classifier().partial_fit(X, 2 * y, classes=[0, 1])

    def test_one_class(self, reviews):
        X, y = reviews
        with pytest.raises(ValueError, match=r"classes must be at least two labels; got \[0\]"):
            classifier().partial_fit(X, 0 * y, classes=[0])

    def test_balanced_class_weight(self, reviews):
        with pytest.raises(ValueError, match="class_weight='balanced' needs all data at once"):
            classifier(class_weight="balanced").partial_fit(*reviews, classes=[0, 1])

    def test_another_width(self, reviews):
        X, y = reviews
        estimator = classifier().partial_fit(X, y, classes=[0, 1])
        with pytest.raises(ValueError, match=r"X has 29 features.*is expecting 30 features"):
            estimator.partial_fit(X[:, 1:], y)


@pytest.mark.real_data
def test_accuracy_of_the_base_network_on_imdb():
    vectorizer = MultiHotVectorizer()
    X, y = fetch_imdb(subset="train", return_X_y=True)
    X_test, y_test = fetch_imdb(subset="test", return_X_y=True)
    X, X_test = vectorizer.fit_transform(X), vectorizer.transform(X_test)
    accuracy = [
        DenseSentimentClassifier(random_state=seed).fit(X, y).score(X_test, y_test)
        for seed in range(5)
    ]
    assert 0.870 <= np.median(accuracy) <= 0.892
