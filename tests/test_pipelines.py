"""The recommended pipeline for raw text, whatever holds the texts."""

import string

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

import skimdb
from skimdb import DenseSentimentClassifier, MultiHotVectorizer, make_text_classifier
from skimdb.feature_extraction import CharacterEncoder, WordIndexEncoder
from skimdb.inspection import explain_reviews

GOOD, BAD = ["good", "great", "fine"], ["bad", "dull", "poor"]
CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "object array": lambda texts: np.array(texts, dtype=object),
    "string array": np.array,
    "pandas": pd.Series,
    "polars": pl.Series,
    "pyarrow": pa.array,
    "pyarrow, chunked": lambda texts: pa.chunked_array([texts[:50], texts[50:]]),
}


@pytest.fixture(scope="module")
def texts_and_labels():
    rng = np.random.default_rng(0)
    y = np.array(["negative", "positive"])[rng.integers(0, 2, 120)]
    words = [rng.choice(GOOD if label == "positive" else BAD, 3) for label in y]
    return [f"A film, {', '.join(row)}! ({i})" for i, row in enumerate(words)], y


@pytest.fixture
def pipeline():
    return make_text_classifier(random_state=0)


@pytest.mark.parametrize("container", CONTAINERS)
def test_fit_and_predict(pipeline, texts_and_labels, container):
    texts, y = texts_and_labels
    expected = pipeline.fit(texts, y).predict_proba(texts)
    X = CONTAINERS[container](texts)
    assert_array_equal(pipeline.fit(X, y).predict_proba(X), expected)
    assert pipeline.score(X, y) > 0.95


@pytest.mark.parametrize("container", ["list", "object array", "pandas", "polars", "pyarrow"])
def test_cross_validation(pipeline, texts_and_labels, container):
    texts, y = texts_and_labels
    assert cross_val_score(pipeline, CONTAINERS[container](texts), y, cv=3).mean() > 0.95


def test_grid_search_over_every_step(pipeline, texts_and_labels):
    grid = {
        "features__words__wordindexencoder__punctuation": ["", "!"],
        "features__characters__multihotvectorizer__ngram_range": [(1, 1), (1, 2)],
        "features__words__multihotvectorizer__max_features": [20],
        "classifier__units": [2],
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(*texts_and_labels)
    assert len(search.cv_results_["params"]) == 4


@pytest.mark.parametrize(
    ("ngram_range", "longest"), [((1, 1), "film"), ((1, 2), ", fine"), ((1, 3), "a film ,")]
)
def test_features_are_named_by_their_words(texts_and_labels, ngram_range, longest):
    pipeline = make_text_classifier(ngram_range=ngram_range, char_ngram_range=None)
    names = set(pipeline.fit(*texts_and_labels)[:-1].get_feature_names_out())
    assert {"words__film", "words__!", f"words__{longest}"} <= names
    assert max(len(name.split()) for name in names) == ngram_range[1]


@pytest.mark.parametrize("char_ngram_range", [(1, 2), (2, 5)])
def test_features_are_named_by_their_characters(texts_and_labels, char_ngram_range):
    pipeline = make_text_classifier(char_ngram_range=char_ngram_range).fit(*texts_and_labels)
    names = pipeline[:-1].get_feature_names_out()
    found = {name.removeprefix("characters__") for name in names if name.startswith("characters")}
    assert {"fi", " a", "! "} <= found
    assert {len(name) for name in found} == set(range(char_ngram_range[0], char_ngram_range[1] + 1))


def test_apostrophes_belong_to_words_and_rare_ngrams_are_ignored():
    texts = ["I don't know, sir!", "I don\u2019t care!"] * 2 + ["Who? Where?", "Yes."]
    pipeline = make_text_classifier(ngram_range=(1, 1), char_ngram_range=None)
    pipeline.fit(texts, ["negative", "positive"] * 3)
    expected = {"i", "don't", "!", "know", ",", "sir", "care"}
    assert set(pipeline[:-1].get_feature_names_out()) == {f"words__{word}" for word in expected}


def test_rare_characters_are_ignored(texts_and_labels):
    texts, y = texts_and_labels
    pipeline = make_text_classifier(char_ngram_range=(1, 1)).fit([*texts, "xyz"], [*y, "positive"])
    names = set(pipeline[:-1].get_feature_names_out())
    assert names.isdisjoint(f"characters__{character}" for character in "xyz")
    assert "characters__f" in names


def test_most_frequent_ngrams_are_kept(pipeline):
    params = pipeline.get_params()
    assert params["features__words__multihotvectorizer__max_features"] == 200_000
    assert params["features__characters__multihotvectorizer__max_features"] == 120_000


def test_network_is_trained_on_words_and_weighted_characters_of_all_texts(texts_and_labels):
    texts, y = texts_and_labels
    fitted = make_text_classifier(random_state=0).fit(texts, y)
    words, characters = (
        make_pipeline(
            encoder,
            MultiHotVectorizer(None, ngram_range=(1, longest), min_df=2),
        ).fit_transform(texts)
        for encoder, longest in (
            (WordIndexEncoder(punctuation=string.punctuation.replace("'", "")), 3),
            (CharacterEncoder(within_words=True), 5),
        )
    )
    network = DenseSentimentClassifier(
        16,
        layers=1,
        optimizer="adam",
        feature_scaling="log_count_ratio",
        epochs=fitted[-1].best_epoch_,
        random_state=0,
    )
    features = sp.hstack([words, 0.5 * characters], format="csr")
    expected = network.fit(features, y).predict_proba(features)
    np.testing.assert_allclose(fitted.predict_proba(texts), expected, atol=1e-5)
    assert len(fitted[-1].validation_history_["val_brier"]) >= fitted[-1].best_epoch_


def test_training_stops_when_three_epochs_are_no_better(texts_and_labels):
    texts, y = texts_and_labels
    pipeline = make_text_classifier(char_ngram_range=None, random_state=0)
    network = pipeline.fit(texts, np.random.default_rng(0).permutation(y))[-1]
    assert len(network.validation_history_["val_brier"]) == network.best_epoch_ + 3


def test_words_of_a_text_share_all_contributions_but_that_of_blanks(texts_and_labels):
    pipeline = make_text_classifier(random_state=0).fit(*texts_and_labels)
    (explanation,) = explain_reviews(pipeline, ["A film -- good,  bad film."])
    assert [word.text for word in explanation.words] == ["A", "film", "--", "good,", "bad", "film."]
    assert {"words__a film", "characters__ film"} <= {*explanation.names}
    assert explanation.names[~explanation.is_in_words].tolist() == ["characters__ "]
    np.testing.assert_allclose(
        explanation.word_contributions().sum(),
        explanation.contributions[explanation.is_in_words].sum(),
    )


def test_characters_are_left_out_where_words_are_frequent(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat(["negative", "positive"], 100)
    texts = [" ".join(rng.choice(GOOD if label == "positive" else BAD, 9)) for label in y]
    fitted = make_text_classifier(random_state=0).fit(texts, y)
    words_alone = make_text_classifier(char_ngram_range=None, random_state=0).fit(texts, y)
    expected = words_alone.predict_proba(texts)
    assert_array_equal(fitted.predict_proba(texts), expected)
    assert_array_equal(
        fitted[:-1].get_feature_names_out(), words_alone[:-1].get_feature_names_out()
    )
    explanations = [explain_reviews(model, texts[:1])[0] for model in (fitted, words_alone)]
    assert str(explanations[0]) == str(explanations[1])
    skimdb.save(fitted, tmp_path / "model")
    for load in (skimdb.load, skimdb.load_predictor):
        assert_array_equal(load(tmp_path / "model").predict_proba(texts), expected)


def test_three_classes_and_text_without_spaces():
    texts = ["很好", "不好", "一般", "好吃", "不行", "还行"] * 20
    labels = ["good", "bad", "fair"] * 40
    pipeline = make_text_classifier(random_state=0).fit(texts, labels)
    assert pipeline.predict(["很好", "不好", "一般"]).tolist() == ["good", "bad", "fair"]
    assert pipeline.predict_proba(texts).shape == (120, 3)


def test_different_texts_without_spaces():
    """No word is in two of them."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 100)
    texts = [
        "".join(rng.choice(list("这那家店房间菜服务"), 6)) + ("很好" if label else "太差")
        for label in labels
    ]
    assert len(set(texts)) == len(texts)
    pipeline = make_text_classifier(random_state=0).fit(texts, labels)
    assert pipeline.score(texts, labels) == 1
    with pytest.raises(ValueError, match=r"No n-gram is left with ngram_range=\(1, 3\), min_df=2"):
        make_text_classifier(char_ngram_range=None).fit(texts, labels)


def test_class_weight_and_sample_weight_reach_the_network(texts_and_labels):
    texts, y = texts_and_labels
    weight = np.where(y == "positive", 50.0, 1.0)
    plain = make_text_classifier(random_state=0).fit(texts, y)
    by_class = make_text_classifier(class_weight={"positive": 50.0}, random_state=0).fit(texts, y)
    by_sample = make_text_classifier(random_state=0).fit(texts, y, classifier__sample_weight=weight)
    assert_array_equal(by_class.predict_proba(texts), by_sample.predict_proba(texts))
    unknown = ["xyz"]
    assert by_class.predict_proba(unknown)[0, 1] > plain.predict_proba(unknown)[0, 1]


def test_same_random_state_gives_the_same_probabilities(texts_and_labels):
    texts, y = texts_and_labels
    one, same, other = (
        make_text_classifier(random_state=seed).fit(texts, y).predict_proba(texts)
        for seed in (1, 1, 2)
    )
    assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_clone_and_file(pipeline, texts_and_labels, tmp_path):
    texts, y = texts_and_labels
    fitted = clone(pipeline).fit(texts, y)
    skimdb.save(fitted, tmp_path / "model")
    loaded = skimdb.load(tmp_path / "model")
    assert_array_equal(loaded.predict_proba(texts), fitted.predict_proba(texts))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "Row 1 of X is missing"),
        (b"good", "Row 1 of X is a bytes"),
        (3, "Row 1 of X must be"),
    ],
)
def test_what_is_not_a_text_is_refused(pipeline, text, message):
    with pytest.raises((TypeError, ValueError), match=message):
        pipeline.fit(["good", text], ["positive", "negative"])


def test_more_texts_than_memory(pipeline, texts_and_labels, little_memory):
    with pytest.raises(MemoryError, match=r"n-grams takes .*iter_batches reads .* partial_fit of"):
        pipeline.fit(*texts_and_labels)
