"""A classifier's predictor: the same predictions, and nothing else."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skimdb import DenseSentimentClassifier, make_text_classifier
from skimdb.neural_network import DenseSentimentPredictor
from skimdb.utils._predictors import with_predictors
from tests.neural_network.common import make_multi_hot

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


def assert_same_predictions(predictor, classifier, X, methods=METHODS):
    for method in methods:
        np.testing.assert_array_equal(getattr(predictor, method)(X), getattr(classifier, method)(X))


@pytest.fixture(scope="module", params=["two classes", "three classes", "no hidden layer, float64"])
def classifier_and_features(request):
    n_classes = 3 if request.param == "three classes" else 2
    dtype = np.float64 if "float64" in request.param else np.float32
    X, y = make_multi_hot(90, 20, n_classes=n_classes, dtype=dtype)
    labels = np.array(["bad", "good", "so-so"])[y]
    layers = {"layers": 0} if "no hidden" in request.param else {"units": [5, 4]}
    return DenseSentimentClassifier(epochs=2, random_state=0, **layers).fit(X, labels), X


def test_it_predicts_the_same(classifier_and_features):
    classifier, X = classifier_and_features
    predictor = classifier.to_predictor()
    assert isinstance(predictor, DenseSentimentPredictor)
    assert_same_predictions(predictor, classifier, X)
    assert_same_predictions(predictor, classifier, X[:1])
    assert_same_predictions(predictor, classifier, X.toarray())
    np.testing.assert_array_equal(predictor.classes_, classifier.classes_)
    assert predictor.n_features_in_ == X.shape[1]
    assert is_classifier(predictor)
    assert_same_predictions(pickle.loads(pickle.dumps(predictor)), classifier, X)


def test_later_training_does_not_change_it(reviews):
    X, y = reviews
    classifier = DenseSentimentClassifier(random_state=0)
    for rows in (slice(40), slice(40, 80)):
        classifier.partial_fit(X[rows, :], y[rows], classes=[0, 1])
    predictor = classifier.to_predictor()
    assert_same_predictions(predictor, classifier, X)
    before = predictor.predict_proba(X)
    classifier.partial_fit(X, y)
    assert not np.array_equal(classifier.predict_proba(X), before)
    np.testing.assert_array_equal(predictor.predict_proba(X), before)


def test_names_of_features(reviews):
    X, y = reviews
    frame = pd.DataFrame(X.toarray()).add_prefix("word ")
    predictor = DenseSentimentClassifier(epochs=1).fit(frame, y).to_predictor()
    np.testing.assert_array_equal(predictor.feature_names_in_, frame.columns)
    assert predictor.predict(frame).shape == y.shape
    with pytest.raises(ValueError, match="feature names should match"):
        predictor.predict(frame[frame.columns[::-1]])


@pytest.mark.parametrize("wrong", ["fewer", "nan", "no samples"])
def test_wrong_features_are_refused_as_by_the_classifier(reviews, wrong):
    X, y = reviews
    classifier = DenseSentimentClassifier(epochs=1).fit(X, y)
    if wrong == "nan":
        X = X.copy()
        X.data[3] = np.nan
    X = {"fewer": X[:, :-1], "nan": X, "no samples": X[:0]}[wrong]
    with pytest.raises(ValueError, match=r".") as expected:
        classifier._validate_features(X, reset=False)
    message = str(expected.value).partition("\n")[0].replace("DenseSentimentClassifier", "")
    for model in (classifier, classifier.to_predictor()):
        with pytest.raises(ValueError, match=r".") as error:
            model.predict(X)
        name = type(model).__name__
        assert str(error.value).partition("\n")[0].replace(name, "") == message


def test_it_cannot_be_trained(reviews):
    X, y = reviews
    predictor = DenseSentimentClassifier(epochs=1).fit(X, y).to_predictor()
    message = r"DenseSentimentPredictor cannot be trained\. skimdb\.load returns"
    with pytest.raises(TypeError, match=message):
        predictor.fit(X, y)
    with pytest.raises(TypeError, match=message):
        predictor.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(TypeError, match=message):
        make_pipeline(MaxAbsScaler(), predictor).fit(X, y)
    with pytest.raises(TypeError, match=message):
        cross_val_score(predictor, X, y, error_score="raise")
    assert clone(predictor) is predictor


def test_an_unfitted_one(reviews):
    predictor = DenseSentimentClassifier().to_predictor()
    with pytest.raises(NotFittedError, match="DenseSentimentPredictor"):
        predictor.predict(reviews[0])


def test_there_is_none_of_what_keras_alone_predicts(reviews):
    changed = DenseSentimentClassifier(epochs=1).fit(*reviews)
    changed.model_.layers[0].trainable = False
    mish = DenseSentimentClassifier(activation="mish").initialize(*reviews)
    for classifier in (changed, mish):
        with pytest.raises(ValueError, match="A predictor needs an activation that"):
            classifier.to_predictor()


def test_threads_predict_with_one_pipeline():
    texts = [f"a good film {i}, bad fun {i % 7}" for i in range(60)]
    model = make_text_classifier(random_state=0).fit(texts, np.arange(60) % 2)
    expected = [model.predict_proba([text]) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: model.predict_proba([text]), texts * 4))
    np.testing.assert_array_equal(found, expected * 4)
    np.testing.assert_allclose(
        np.concatenate(expected), model.predict_proba(texts), rtol=1e-4, atol=1e-6
    )


@pytest.fixture(scope="module")
def nested():
    X, y = make_multi_hot(80, 20)
    network = DenseSentimentClassifier(epochs=1, random_state=0)
    voting = VotingClassifier(
        [("network", network), ("linear", LogisticRegression())], voting="soft"
    )
    calibrated = CalibratedClassifierCV(FrozenEstimator(clone(network).fit(X, y)))
    models = {
        "pipeline": make_pipeline(MaxAbsScaler(), clone(network)),
        "voting in a pipeline": make_pipeline(MaxAbsScaler(), voting),
        "calibrated": calibrated,
    }
    return {name: model.fit(X, y) for name, model in models.items()}, X


@pytest.mark.parametrize("name", ["pipeline", "voting in a pipeline", "calibrated"])
def test_classifiers_within_estimators_are_replaced(nested, name):
    models, X = nested
    model = models[name]
    before = pickle.dumps(model)
    predictor = with_predictors(model)
    assert_same_predictions(predictor, model, X, ["predict", "predict_proba"])
    # Whoever gets it need not import the module of the classifier.
    assert b"DenseSentimentClassifier" in before
    assert b"DenseSentimentClassifier" not in pickle.dumps(predictor)
    assert pickle.dumps(model) == before


def test_estimators_without_networks_are_shared():
    model = make_pipeline(MaxAbsScaler(), LogisticRegression())
    assert with_predictors(model) is model
