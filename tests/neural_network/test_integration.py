"""The classifier inside scikit-learn's pipelines, searches and ensembles."""

import pickle
import subprocess
import sys

import joblib
import keras
import numpy as np
import pytest
import sklearn
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    check_cv,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.utils import estimator_html_repr

from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from tests.neural_network.common import assert_equal_weights


def classifier(**parameters):
    defaults = {
        "units": 6,
        "epochs": 5,
        "batch_size": 32,
        "learning_rate": 0.01,
        "random_state": 3,
    }
    return DenseSentimentClassifier(**(defaults | parameters))


@pytest.fixture
def sequences(reviews):
    """Return `reviews` as sequences of word indices, with labels that are strings."""
    X, y = reviews
    return [(row.indices + 4).tolist() for row in X], np.array(["neg", "pos"])[y]


def pipeline(**parameters):
    return make_pipeline(MultiHotVectorizer(34), classifier(**parameters))


class TestPipeline:
    def test_it_equals_its_steps_one_after_another(self, sequences):
        X, y = sequences
        features = MultiHotVectorizer(34).fit_transform(X)
        expected = classifier().fit(features, y)
        fitted = pipeline().fit(X, y)
        np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(features))
        assert fitted.score(X, y) > 0.7
        assert is_classifier(fitted)

    def test_memory(self, sequences, tmp_path):
        X, y = sequences
        cached = Pipeline(pipeline().steps, memory=str(tmp_path))
        for _ in range(2):
            cached.fit(X, y)
            np.testing.assert_array_equal(
                cached.predict_proba(X), pipeline().fit(X, y).predict_proba(X)
            )

    def test_nested_names(self):
        estimator = pipeline().set_params(densesentimentclassifier__l2=0.5)
        assert estimator.get_params()["densesentimentclassifier__l2"] == 0.5
        assert estimator[-1].l2 == 0.5

    @pytest.mark.parametrize("estimator", [classifier(), pipeline()], ids=["alone", "pipeline"])
    def test_html(self, estimator, sequences):
        assert "DenseSentimentClassifier" in estimator_html_repr(estimator)
        assert "random_state" in estimator_html_repr(estimator)


class TestMetadataRouting:
    @pytest.fixture(autouse=True)
    def routing(self):
        with sklearn.config_context(enable_metadata_routing=True):
            yield

    def test_sample_weight(self, sequences):
        X, y = sequences
        weight = np.linspace(0.1, 2, len(y))
        features = MultiHotVectorizer(34).fit_transform(X)
        expected = classifier().fit(features, y, sample_weight=weight)
        fitted = make_pipeline(
            MultiHotVectorizer(34), classifier().set_fit_request(sample_weight=True)
        ).fit(X, y, sample_weight=weight)
        assert_equal_weights(fitted[-1].model_, expected.model_)

    def test_sample_weight_in_cross_validation(self, reviews):
        X, y = reviews
        weight = np.linspace(0.1, 2, len(y))
        estimator = classifier().set_fit_request(sample_weight=True)
        estimator.set_score_request(sample_weight=True)
        scores = cross_val_score(estimator, X, y, cv=3, params={"sample_weight": weight})
        for score, (train, test) in zip(scores, StratifiedKFold(3).split(X, y), strict=True):
            fitted = classifier().fit(X[train], y[train], weight[train])
            expected = accuracy_score(y[test], fitted.predict(X[test]), sample_weight=weight[test])
            assert score == pytest.approx(expected)

    def test_validation_data_go_through_the_earlier_steps(self, sequences):
        X, y = sequences
        vectorizer = MultiHotVectorizer(34)
        settings = {"early_stopping": True, "epochs": 40, "learning_rate": 0.02}
        expected = classifier(**settings).fit(
            vectorizer.fit_transform(X[:100]),
            y[:100],
            X_val=vectorizer.transform(X[100:]),
            y_val=y[100:],
        )
        fitted = Pipeline(
            [
                ("vectorizer", MultiHotVectorizer(34)),
                ("classifier", classifier(**settings).set_fit_request(X_val=True, y_val=True)),
            ],
            transform_input=["X_val"],
        ).fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
        assert_equal_weights(fitted[-1].model_, expected.model_)
        assert fitted[-1].history_ == expected.history_

    def test_partial_fit_can_be_given_classes(self):
        assert "classes" in classifier().get_metadata_routing().partial_fit.requests


class TestSearch:
    grid = {"classifier__units": [3, (5, 4)], "classifier__l2": [0.0, 0.01]}  # noqa: RUF012

    @pytest.fixture
    def scaled(self):
        return Pipeline([("scaler", MaxAbsScaler()), ("classifier", classifier())])

    def test_grid_search(self, scaled, reviews):
        X, y = reviews
        search = GridSearchCV(scaled, self.grid, cv=3).fit(X, y)
        assert len(search.cv_results_["params"]) == 4
        best = clone(scaled).set_params(**search.best_params_)
        np.testing.assert_allclose(cross_val_score(best, X, y, cv=3).mean(), search.best_score_)
        assert search.best_estimator_[-1].units == search.best_params_["classifier__units"]
        np.testing.assert_array_equal(search.predict_proba(X), best.fit(X, y).predict_proba(X))

    def test_search_of_optimizers_and_callbacks(self, reviews):
        grid = {
            "optimizer": ["adam", keras.optimizers.SGD, keras.optimizers.RMSprop(0.1)],
            "callbacks": [None, [keras.callbacks.EarlyStopping(monitor="loss", min_delta=9)]],
        }
        search = GridSearchCV(classifier(epochs=2), grid, cv=2, error_score="raise").fit(*reviews)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()

    def test_randomized_search(self, scaled, reviews):
        search = RandomizedSearchCV(scaled, self.grid, n_iter=3, cv=2, random_state=0)
        assert search.fit(*reviews).score(*reviews) > 0.6

    def test_halving_search(self, scaled, reviews):
        search = HalvingGridSearchCV(
            scaled, self.grid, cv=2, resource="classifier__epochs", max_resources=9, random_state=0
        ).fit(*reviews)
        assert search.best_estimator_[-1].n_iter_ == search.best_params_["classifier__epochs"]


class TestCrossValidation:
    def test_number_of_jobs_does_not_matter(self, reviews):
        estimator = classifier(dropout=0.2)
        one, two = (
            cross_val_score(estimator, *reviews, cv=4, n_jobs=n_jobs, scoring="neg_log_loss")
            for n_jobs in (1, 2)
        )
        np.testing.assert_array_equal(one, two)

    def test_estimators_are_returned_fitted(self, reviews):
        X, y = reviews
        results = cross_validate(classifier(), X, y, cv=3, return_estimator=True)
        splits = StratifiedKFold(3).split(X, y)
        for fitted, score, (_, test) in zip(
            results["estimator"], results["test_score"], splits, strict=True
        ):
            assert fitted.score(X[test], y[test]) == score

    def test_integers_mean_stratified_folds(self, reviews):
        cv = check_cv(3, reviews[1], classifier=is_classifier(classifier()))
        assert isinstance(cv, StratifiedKFold)

    @pytest.mark.parametrize("scoring", ["roc_auc", "average_precision", "neg_log_loss", "f1"])
    def test_scoring(self, scoring, reviews):
        scores = cross_val_score(classifier(), *reviews, cv=2, scoring=scoring)
        assert np.isfinite(scores).all()

    def test_roc_auc_is_that_of_the_probabilities(self, reviews):
        X, y = reviews
        (score,) = cross_val_score(
            classifier(), X, y, cv=[(np.arange(100), np.arange(100, 150))], scoring="roc_auc"
        )
        probability = classifier().fit(X[:100], y[:100]).predict_proba(X[100:])[:, 1]
        assert score == pytest.approx(roc_auc_score(y[100:], probability))


class TestMetaEstimators:
    @pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
    def test_calibration(self, method, reviews):
        X, y = reviews
        fitted = CalibratedClassifierCV(classifier(), method=method, cv=3).fit(X, y)
        probability = fitted.predict_proba(X)
        assert probability.shape == (150, 2)
        assert roc_auc_score(y, probability[:, 1]) > 0.7

    def test_voting(self, reviews):
        X, y = reviews
        regression = LogisticRegression()
        voting = VotingClassifier(
            [("dense", classifier()), ("regression", regression)], voting="soft"
        ).fit(X, y)
        expected = [
            estimator.fit(X, y).predict_proba(X) for estimator in (classifier(), regression)
        ]
        np.testing.assert_allclose(voting.predict_proba(X), np.mean(expected, axis=0), atol=1e-6)

    def test_stacking(self, reviews):
        stacking = StackingClassifier(
            [("dense", classifier()), ("regression", LogisticRegression())], cv=3
        )
        assert stacking.fit(*reviews).score(*reviews) > 0.7

    def test_permutation_importance(self, reviews):
        X, y = reviews
        X = X.toarray()
        X = np.column_stack([X, y, np.zeros(len(y))])
        fitted = classifier(epochs=20).fit(X, y)
        importance = permutation_importance(fitted, X, y, n_repeats=2, random_state=0)
        assert importance.importances_mean.argmax() == 30
        assert importance.importances_mean[31] == 0


class TestCopies:
    def test_clone_has_the_parameters_and_nothing_else(self, reviews):
        estimator = classifier(callbacks=[keras.callbacks.TerminateOnNaN], units=(3, 2))
        copied = clone(classifier(units=(3, 2), dropout=0.5).fit(*reviews))
        assert copied.get_params() == classifier(units=(3, 2), dropout=0.5).get_params()
        assert not hasattr(copied, "model_")
        assert clone(estimator).get_params()["units"] == (3, 2)

    def test_pickle_of_an_unfitted_estimator(self, reviews):
        copied = pickle.loads(pickle.dumps(classifier()))
        assert copied.get_params() == classifier().get_params()
        assert_equal_weights(copied.fit(*reviews).model_, classifier().fit(*reviews).model_)

    def test_pickle_of_a_fitted_estimator(self, reviews):
        X, y = reviews
        fitted = classifier(early_stopping=True, warm_start=True).fit(X, y)
        copied = pickle.loads(pickle.dumps(fitted))
        np.testing.assert_array_equal(copied.predict_proba(X), fitted.predict_proba(X))
        assert copied.history_ == fitted.history_
        assert copied.best_epoch_ == fitted.best_epoch_

    @pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
    def test_training_goes_on_after_pickling(self, optimizer, reviews):
        fitted = classifier(optimizer=optimizer).fit(*reviews)
        copied = pickle.loads(pickle.dumps(fitted))
        assert_equal_weights(
            copied.partial_fit(*reviews).model_, fitted.partial_fit(*reviews).model_
        )

    def test_joblib(self, sequences, tmp_path):
        X, y = sequences
        fitted = pipeline().fit(X, y)
        joblib.dump(fitted, tmp_path / "model.joblib")
        loaded = joblib.load(tmp_path / "model.joblib")
        np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))

    def test_pickle_in_another_process(self, sequences, tmp_path):
        X, y = sequences
        fitted = pipeline().fit(X, y)
        (tmp_path / "model.pickle").write_bytes(pickle.dumps((fitted, X)))
        program = (
            "import pickle, sys\n"
            "from pathlib import Path\n"
            "import numpy as np\n"
            "folder = Path(sys.argv[1])\n"
            "model, X = pickle.loads((folder / 'model.pickle').read_bytes())\n"
            "np.save(folder / 'probability.npy', model.predict_proba(X))\n"
        )
        subprocess.run([sys.executable, "-c", program, tmp_path], check=True)
        np.testing.assert_array_equal(
            np.load(tmp_path / "probability.npy"), fitted.predict_proba(X)
        )
