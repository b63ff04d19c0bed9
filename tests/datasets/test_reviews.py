from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB

from skimdb.datasets import make_reviews

NUM_WORDS = 10_000


@pytest.fixture(scope="module")
def reviews():
    return make_reviews(25_000, random_state=0)


@pytest.fixture(scope="module")
def tokens(reviews):
    """All indices except the start markers."""
    return np.concatenate([review[1:] for review in reviews[0]])


@pytest.fixture(scope="module")
def accuracy(reviews):
    """Test accuracies with single words, and with pairs of words too."""
    X_train, y_train = reviews[0][:10_000], reviews[1][:10_000]
    X_test, y_test = make_reviews(5_000, random_state=1)
    words = CountVectorizer(
        analyzer=list, binary=True, vocabulary=range(NUM_WORDS), dtype=np.float32
    )
    pairs = CountVectorizer(
        analyzer=lambda review: (review[:-1].astype(np.int64) * NUM_WORDS + review[1:]).tolist(),
        binary=True,
        min_df=3,
        dtype=np.float32,
    )
    train, test = words.transform(X_train), words.transform(X_test)
    train_pairs, test_pairs = pairs.fit_transform(X_train), pairs.transform(X_test)
    regression = LogisticRegression(C=0.05, solver="liblinear")
    return {
        "bayes": MultinomialNB().fit(train, y_train).score(test, y_test),
        "regression": regression.fit(train, y_train).score(test, y_test),
        "regression with pairs": regression.fit(sp.hstack([train, train_pairs]), y_train).score(
            sp.hstack([test, test_pairs]), y_test
        ),
    }


def test_lengths_are_log_normal_and_clipped(reviews):
    lengths = np.array([len(review) for review in reviews[0]])
    assert np.log(lengths).mean() == pytest.approx(5.26, abs=0.02)
    assert np.log(lengths).std() == pytest.approx(0.64, abs=0.02)
    assert lengths.min() >= 11
    assert lengths.max() <= 2494


def test_most_frequent_10_000_words_cover_94_percent_of_tokens(tokens):
    assert np.mean(tokens != 2) == pytest.approx(0.943, abs=0.003)


@pytest.mark.parametrize(("first", "last", "exponent"), [(10, 1000, 1.06), (1000, 9990, 1.40)])
def test_word_frequency_falls_as_a_power_of_rank(tokens, first, last, exponent):
    counts = np.bincount(tokens, minlength=NUM_WORDS)[3:]
    edges = np.unique(np.geomspace(first, last, 25).astype(int))
    middles = np.sqrt(edges[:-1] * edges[1:])
    frequencies = [counts[a:b].mean() for a, b in pairwise(edges)]
    slope = np.polyfit(np.log(middles), np.log(frequencies), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.05)


def test_log_odds_of_words_vary_as_on_imdb(reviews):
    counts = np.zeros((2, NUM_WORDS))
    for review, label in zip(*reviews, strict=True):
        counts[label, np.unique(review)] += 1
    log_odds = np.log((counts[1] + 1) / (counts[0] + 1))[3:]
    bands = [(4, 50, 0.09), (50, 200, 0.25), (200, 1000, 0.49), (1000, 3000, 0.56)]
    for first, last, spread in [*bands, (3000, 9996, 0.72)]:
        assert log_odds[first : last + 1].std() == pytest.approx(spread, rel=0.15)


def test_polar_words_after_a_negator_speak_for_the_other_side(reviews):
    X, y = reviews
    flat = np.concatenate(list(X))
    positive = np.repeat(y, [len(review) for review in X]) == 1
    after_negator = np.isin(np.roll(flat, 1), [24, 57, 115])
    odds = {}
    for name, where in {"plain": ~after_negator, "negated": after_negator}.items():
        counts = [
            np.bincount(flat[where & side], minlength=NUM_WORDS)[53:1003]
            for side in (~positive, positive)
        ]
        odds[name] = np.log((counts[1] + 1) / (counts[0] + 1))
    polar = np.abs(odds["plain"]) > 0.7
    assert polar.sum() > 50
    assert np.corrcoef(odds["plain"][polar], odds["negated"][polar])[0, 1] < -0.5


def test_single_words_classify_as_well_as_on_imdb(accuracy):
    assert 0.80 <= accuracy["bayes"] < accuracy["regression"] <= 0.95


def test_pairs_of_words_classify_better_than_single_words(accuracy):
    assert accuracy["regression with pairs"] > accuracy["regression"] + 0.003


def test_reviews_are_int32_views_on_one_flat_array():
    X, y = make_reviews(20, random_state=0)
    assert X.shape == (20,)
    assert X.dtype == object
    assert {review.dtype for review in X} == {np.dtype(np.int32)}
    assert all(review.base is X[0].base for review in X)
    assert y.dtype == np.int64


@pytest.mark.parametrize(("n_samples", "n_positive"), [(0, 0), (1, 0), (2, 1), (7, 3), (1000, 500)])
def test_half_of_the_reviews_are_positive(n_samples, n_positive):
    X, y = make_reviews(n_samples, random_state=0)
    assert len(X) == len(y) == n_samples
    assert y.sum() == n_positive


def test_labels_are_shuffled():
    y = make_reviews(1000, random_state=0)[1]
    assert 400 < np.count_nonzero(y[1:] != y[:-1]) < 600


@settings(max_examples=25)
@given(st.integers(1, 30), st.integers(3, 100_000), st.integers(0, 2**32 - 1))
def test_reviews_are_a_start_marker_and_indices_below_num_words(n_samples, num_words, seed):
    X, _ = make_reviews(n_samples, num_words=num_words, random_state=seed)
    for review in X:
        assert review[0] == 1
        assert review[1:].min() >= 2
        assert not np.any(review == 3)
        assert review.max() < num_words


def test_num_words_only_replaces_words_by_2():
    X_all, y_all = make_reviews(10, num_words=100_000, random_state=0)
    X, y = make_reviews(10, num_words=50, random_state=0)
    np.testing.assert_array_equal(y, y_all)
    for review, whole in zip(X, X_all, strict=True):
        np.testing.assert_array_equal(review, [i if i < 50 else 2 for i in whole])


def test_reviews_depend_only_on_the_seed():
    X, y = make_reviews(50, random_state=4)
    X_same, y_same = make_reviews(50, random_state=np.random.RandomState(4))
    X_other, _ = make_reviews(50, random_state=5)
    np.testing.assert_array_equal(y, y_same)
    np.testing.assert_array_equal(np.concatenate(list(X)), np.concatenate(list(X_same)))
    assert not np.array_equal(X[0][:11], X_other[0][:11])


def test_random_state_advances_between_calls():
    rng = np.random.RandomState(0)
    first, second = make_reviews(2, random_state=rng)[0], make_reviews(2, random_state=rng)[0]
    assert not np.array_equal(first[0][:11], second[0][:11])


def test_global_random_state_is_not_used():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_reviews(5, random_state=0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"n_samples": -1}, "n_samples"),
        ({"n_samples": 2.5}, "n_samples"),
        ({"num_words": 2}, "num_words"),
        ({"num_words": None}, "num_words"),
        ({"random_state": "seed"}, "random_state"),
    ],
)
def test_invalid_parameter_is_named(parameters, name):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of make_reviews must be"):
        make_reviews(**parameters)
