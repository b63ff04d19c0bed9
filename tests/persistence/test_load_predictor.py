"""Predictors from files."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import FeatureUnion, make_pipeline

from skimdb import DenseSentimentClassifier, MultiHotVectorizer, load_predictor, save
from skimdb.datasets import make_reviews
from skimdb.neural_network import DenseSentimentPredictor
from tests.persistence.common import put_together, taken_apart


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_it_predicts_as_the_classifier_that_was_saved(path, features, optimizer, dropout):
    X, y = features
    labels = np.array(["bad", "good"])[y]
    classifier = DenseSentimentClassifier(
        [4, 3], dropout=dropout, optimizer=optimizer, epochs=1, class_weight={"bad": 2.0}
    ).fit(X, labels)
    save(classifier, path)
    predictor = load_predictor(path)
    assert type(predictor) is DenseSentimentPredictor
    np.testing.assert_array_equal(predictor.predict_proba(X), classifier.predict_proba(X))
    np.testing.assert_array_equal(predictor.predict(X), classifier.predict(X))


def test_of_nested_pipelines(path):
    reviews, y = make_reviews(60, random_state=0)
    union = FeatureUnion(
        [("words", MultiHotVectorizer(20)), ("pairs", MultiHotVectorizer(20, ngram_range=(2, 2)))]
    )
    model = make_pipeline(union, make_pipeline(DenseSentimentClassifier(epochs=1))).fit(reviews, y)
    save(model, path)
    predictor = load_predictor(path)
    assert isinstance(predictor[-1][-1], DenseSentimentPredictor)
    np.testing.assert_array_equal(predictor.predict_proba(reviews), model.predict_proba(reviews))


def test_of_an_unfitted_classifier(path, features):
    save(DenseSentimentClassifier(), path)
    with pytest.raises(NotFittedError, match="DenseSentimentPredictor"):
        load_predictor(path).predict(features[0])


def test_of_what_is_no_classifier(path):
    save(MultiHotVectorizer(7), path)
    assert load_predictor(path).num_words == 7


def test_an_activation_that_keras_alone_computes(path, features):
    save(DenseSentimentClassifier(activation="mish").initialize(*features), path)
    with pytest.raises(ValueError, match=r"activation is 'mish' is computed by Keras alone; skimd"):
        load_predictor(path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("n_features_in_", 21, "are not a network of 21 features and 2 classes"),
        ("n_features_in_", -1, r"DenseSentimentPredictor\.n_features_in_ must be an integer"),
        ("classes_", {"objects": ["b", "a"]}, r"classes_ must be sorted"),
    ],
)
def test_what_contradicts_itself(path, fitted, key, value, message):
    save(fitted, path)
    contents, members = taken_apart(path)
    replaced = contents["estimator"]["attributes"][key]
    if isinstance(replaced, dict) and "array" in replaced:
        del members[replaced["array"]]
    contents["estimator"]["attributes"][key] = value
    put_together(path, contents, members)
    with pytest.raises(ValueError, match=message):
        load_predictor(path)
