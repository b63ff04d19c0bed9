"""MultiHotVectorizer's n-grams are those of a plain loop and of CountVectorizer."""

import copy
import pickle
import tracemalloc
from collections import Counter
from fractions import Fraction
from itertools import chain

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils import get_tags

from skimdb.datasets import fetch_imdb, make_reviews
from skimdb.feature_extraction import MultiHotVectorizer
from tests.feature_extraction.test_multi_hot import assert_canonical
from tests.feature_extraction.test_sequences import object_array

WORD_INDEX = {"not": 1, "a": 2, "good": 3, "film": 4}
REVIEWS = [[1, 4, 5, 6, 7], [1, 5, 6, 7], [1, 6, 7, 6, 7], []]

few_words = st.lists(st.lists(st.integers(0, 8), max_size=12), min_size=1, max_size=8)
ngram_ranges = st.tuples(st.integers(1, 4), st.integers(1, 4)).map(lambda n: (min(n), max(n)))


def ngrams_of(review, ngram_range, is_word):
    """Return the n-grams of a review, one by one."""
    min_n, max_n = ngram_range
    return {
        tuple(review[i : i + n])
        for n in range(min_n, max_n + 1)
        for i in range(len(review) - n + 1)
        if all(map(is_word, review[i : i + n]))
    }


def multi_hot(sets, vocabulary):
    return np.array([[ngram in found for ngram in vocabulary] for found in sets], dtype=float)


def rows_without_fill(ngrams):
    return [tuple(row[row > 0].tolist()) for row in ngrams]


def assert_equals_count_vectorizer(rows, ngram_range, **limits):
    reference = CountVectorizer(
        analyzer=lambda row: ngrams_of(row, ngram_range, lambda index: index >= 4),
        binary=True,
        dtype=np.float32,
        **limits,
    )
    expected = reference.fit_transform(rows)
    vectorizer = MultiHotVectorizer(None, ngram_range=ngram_range, max_features=10**9, **limits)
    X = vectorizer.fit_transform(rows)
    assert_canonical(X)
    columns = [reference.vocabulary_[ngram] for ngram in rows_without_fill(vectorizer.ngrams_)]
    assert len(columns) == expected.shape[1]
    assert (expected[:, columns] != X).nnz == 0


class TestFeatures:
    @given(
        rows=few_words,
        later=few_words,
        ngram_range=ngram_ranges,
        min_df=st.integers(1, 3),
    )
    def test_equal_to_a_plain_loop(self, rows, later, ngram_range, min_df):
        sets, later_sets = (
            [ngrams_of(row, ngram_range, lambda index: index >= 4) for row in each]
            for each in (rows, later)
        )
        counts = {ngram: sum(ngram in found for found in sets) for ngram in set().union(*sets)}
        vocabulary = sorted(
            (ngram for ngram, count in counts.items() if count >= min_df),
            key=lambda ngram: (len(ngram), ngram),
        )
        vectorizer = MultiHotVectorizer(
            9, ngram_range=ngram_range, min_df=min_df, max_df=len(rows), word_index={}
        )
        if not vocabulary:
            with pytest.raises(ValueError, match="No n-gram is left"):
                vectorizer.fit(rows)
            return
        X = vectorizer.fit_transform(rows)
        later_X = vectorizer.transform(later)
        assert rows_without_fill(vectorizer.ngrams_) == vocabulary
        assert vectorizer.ngrams_.dtype == np.int32
        assert_canonical(X)
        assert_array_equal(X.toarray(), multi_hot(sets, vocabulary))
        assert_array_equal(later_X.toarray(), multi_hot(later_sets, vocabulary))

    # More rows, or more tokens, than are processed at once, and more rows than 16 bits count.
    @pytest.mark.parametrize(
        "rows",
        [
            REVIEWS * 20_000,
            [*REVIEWS, [4, 5, 6, 7] * 2**18, *REVIEWS],
            [*REVIEWS, *[[]] * 2**16, *REVIEWS],
        ],
    )
    def test_many_and_long_reviews(self, rows):
        vectorizer = MultiHotVectorizer(9, ngram_range=(2, 3))
        X = vectorizer.fit_transform(rows)
        assert_canonical(X)
        assert_array_equal(X[-4:].toarray(), vectorizer.transform(REVIEWS).toarray())
        counts = Counter(
            ngram for row in rows for ngram in ngrams_of(row, (2, 3), lambda index: index >= 4)
        )
        found = dict(zip(rows_without_fill(vectorizer.ngrams_), X.sum(axis=0).A1, strict=True))
        assert found == counts

    @pytest.mark.parametrize("n_rows", [1_000, 50_000])
    def test_many_words_between_others(self, n_rows):
        rng = np.random.default_rng(0)
        runs = [rng.integers(4, 20, rng.integers(1, 7)).tolist() for _ in range(300)]
        rows = [
            list(chain.from_iterable([*runs[i], 0] for i in rng.integers(300, size=length)))
            for length in rng.integers(9, size=n_rows)
        ]
        assert_equals_count_vectorizer(rows, (1, 3))

    def test_more_different_words_than_16_bits_count(self):
        rows = [[4 + i] for i in range(70_000) for _ in range(2 + i % 2)]
        vectorizer = MultiHotVectorizer(None, ngram_range=(1, 1), min_df=3).fit(rows)
        assert_array_equal(vectorizer.ngrams_[:, 0], np.arange(5, 70_004, 2))

    @pytest.mark.parametrize("ngram_range", [(1, 1), (1, 3), (2, 2)])
    @pytest.mark.parametrize("limits", [{"min_df": 2}, {"min_df": 0.01, "max_df": 0.3}])
    def test_equal_to_count_vectorizer(self, ngram_range, limits):
        rows, _ = make_reviews(300, random_state=0)
        assert_equals_count_vectorizer([row.tolist() for row in rows], ngram_range, **limits)

    @pytest.mark.real_data
    def test_equal_to_count_vectorizer_on_imdb(self):
        rows = fetch_imdb(subset="train").data[:1500]
        reference = CountVectorizer(
            analyzer=lambda row: ngrams_of(row.tolist(), (1, 2), lambda index: index >= 4),
            binary=True,
            min_df=3,
        )
        expected = reference.fit_transform(rows)
        vectorizer = MultiHotVectorizer(None, ngram_range=(1, 2), min_df=3)
        X = vectorizer.fit_transform(rows)
        columns = [reference.vocabulary_[ngram] for ngram in rows_without_fill(vectorizer.ngrams_)]
        assert len(columns) == expected.shape[1]
        assert (expected[:, columns] != X).nnz == 0

    @pytest.mark.parametrize(
        ("params", "separator"),
        [
            ({}, 0),
            ({}, 1),
            ({}, 2),
            ({}, 3),
            ({"oov_char": 9}, 9),
            ({"pad_char": 9}, 9),
            ({"num_words": 50}, 50),
            ({"num_words": 50, "oov_char": None}, 50),
            ({"skip_top": 7}, 6),
        ],
    )
    def test_markers_and_excluded_words_form_no_ngrams(self, params, separator):
        vectorizer = MultiHotVectorizer(ngram_range=(1, 2), **params)
        vectorizer.fit([[7, 8, separator, 8, 8], [separator, 7]])
        assert rows_without_fill(vectorizer.ngrams_) == [(7,), (8,), (7, 8), (8, 8)]

    def test_ngrams_end_with_their_review(self):
        vectorizer = MultiHotVectorizer(ngram_range=(2, 2)).fit([[4, 5], [6, 7]])
        assert rows_without_fill(vectorizer.ngrams_) == [(4, 5), (6, 7)]

    def test_beginnings_may_be_more_frequent_than_allowed(self):
        vectorizer = MultiHotVectorizer(ngram_range=(1, 2), max_df=1)
        X = vectorizer.fit_transform([[4, 5], [4, 6], [4, 6]])
        assert rows_without_fill(vectorizer.ngrams_) == [(5,), (4, 5)]
        assert_array_equal(X.toarray(), [[1, 1], [0, 0], [0, 0]])

    def test_largest_indices(self):
        largest = 2**31 - 1
        vectorizer = MultiHotVectorizer(None, ngram_range=(1, 2))
        X = vectorizer.fit_transform([[largest, largest - 1], [largest]])
        assert_array_equal(
            vectorizer.ngrams_, [[largest - 1, 0], [largest, 0], [largest, largest - 1]]
        )
        assert_array_equal(X.toarray(), [[1, 1, 1], [0, 1, 0]])


class TestLimits:
    @pytest.mark.parametrize(
        ("limits", "expected"),
        [
            ({"min_df": 2}, [(5,), (6,), (7,), (5, 6), (6, 7)]),
            ({"min_df": 0.75}, [(6,), (7,), (6, 7)]),
            ({"min_df": 0.76}, []),
            ({"max_df": 1}, [(4,), (4, 5), (7, 6)]),
            ({"max_df": 0.5}, [(4,), (5,), (4, 5), (5, 6), (7, 6)]),
            ({"max_features": 1}, [(6,)]),
            ({"max_features": 4}, [(5,), (6,), (7,), (6, 7)]),
            ({"max_features": 99, "min_df": 3}, [(6,), (7,), (6, 7)]),
        ],
    )
    def test_number_of_reviews(self, limits, expected):
        vectorizer = MultiHotVectorizer(ngram_range=(1, 2), **limits)
        if not expected:
            with pytest.raises(
                ValueError,
                match=r"No n-gram is left with ngram_range=\(1, 2\), min_df=0.76 and max_df=1.0",
            ):
                vectorizer.fit(REVIEWS)
            return
        assert rows_without_fill(vectorizer.fit(REVIEWS).ngrams_) == expected

    @given(
        n_reviews=st.integers(1, 120),
        limit=st.integers(0, 100).map(lambda percent: percent / 100)
        | st.floats(0, 1)
        | st.floats(0, 1).map(np.float64),
    )
    @example(n_reviews=100, limit=0.07)
    @example(n_reviews=100, limit=0.29)
    def test_proportions_are_exact(self, n_reviews, limit):
        # The index 4 + i occurs in i + 1 reviews.
        reviews = [range(4 + i, 4 + n_reviews) for i in range(n_reviews)]
        frequencies = [Fraction(i + 1, n_reviews) for i in range(n_reviews)]
        rounding = Fraction(1, 10**12)
        for name, is_kept in (
            (
                "min_df",
                [frequency >= Fraction(limit) * (1 - rounding) for frequency in frequencies],
            ),
            (
                "max_df",
                [frequency <= Fraction(limit) * (1 + rounding) for frequency in frequencies],
            ),
        ):
            vectorizer = MultiHotVectorizer(None, ngram_range=(1, 1), max_features=n_reviews)
            vectorizer.set_params(**{name: limit})
            if any(is_kept):
                assert_array_equal(
                    vectorizer.fit(reviews).ngrams_[:, 0] - 4, np.flatnonzero(is_kept)
                )
            else:
                with pytest.raises(ValueError, match="No n-gram is left"):
                    vectorizer.fit(reviews)

    @pytest.mark.parametrize("n_reviews", [7, 60, 99, 700])
    def test_quotients_are_exact(self, n_reviews):
        reviews = [range(4 + i, 4 + n_reviews) for i in range(n_reviews)]
        vectorizer = MultiHotVectorizer(None, max_features=n_reviews)
        for k in range(1, min(n_reviews, 40)):
            vectorizer.set_params(min_df=k / n_reviews, max_df=1.0).fit(reviews)
            assert len(vectorizer.ngrams_) == n_reviews - k + 1
            vectorizer.set_params(min_df=1, max_df=k / n_reviews).fit(reviews)
            assert len(vectorizer.ngrams_) == k

    def test_a_word_is_counted_in_reviews_that_are_far_apart(self):
        rows = [[4 + i % 2**16] for i in range(2**16 + 1)]
        vectorizer = MultiHotVectorizer(None, min_df=2).fit(rows)
        assert rows_without_fill(vectorizer.ngrams_) == [(4,)]

    @pytest.mark.parametrize(
        ("params", "expected"),
        [
            ({"min_df": 1.0}, [(4,)]),
            ({"max_df": 1}, [(5,), (6,)]),
            ({"max_features": 2}, [(4,), (5,)]),
        ],
    )
    def test_single_words_are_learned_if_a_limit_is_given(self, params, expected):
        vectorizer = MultiHotVectorizer(**params).fit([[1, 4, 5], [1, 4, 6, 6]])
        assert rows_without_fill(vectorizer.ngrams_) == expected

    @pytest.mark.parametrize(
        ("params", "error", "message"),
        [
            (
                {"ngram_range": (2, 1)},
                ValueError,
                r"two integers .* 1 <= min_n <= max_n <= 100, got \(2, 1\)",
            ),
            ({"ngram_range": (0, 1)}, ValueError, r"got \(0, 1\)"),
            ({"ngram_range": (1, 2, 3)}, ValueError, r"got \(1, 2, 3\)"),
            ({"ngram_range": (1, 2.0)}, ValueError, r"got \(1, 2.0\)"),
            (
                {"ngram_range": [1, 2]},
                ValueError,
                "'ngram_range' parameter .* must be an instance of 'tuple'",
            ),
            ({"min_df": 0}, ValueError, "'min_df' parameter"),
            ({"min_df": 1.5}, ValueError, "'min_df' parameter"),
            ({"max_df": -0.1}, ValueError, "'max_df' parameter"),
            ({"max_features": 0}, ValueError, "'max_features' parameter"),
        ],
    )
    @pytest.mark.parametrize("method", ["fit", "fit_transform"])
    def test_wrong_parameters(self, params, error, message, method):
        with pytest.raises(error, match=message):
            getattr(MultiHotVectorizer(**params), method)(REVIEWS)

    def test_too_many_different_ngrams_are_refused(self):
        vectorizer = MultiHotVectorizer(None, ngram_range=(1, 2))
        with pytest.raises(ValueError, match=r"too many different n-grams\. Increase min_df"):
            vectorizer.fit([np.arange(4, 2_200_000)])

    @pytest.mark.parametrize("rows", [[[], []], [[4, 5], [6]], []])
    def test_no_ngram_may_be_left(self, rows):
        vectorizer = MultiHotVectorizer(
            ngram_range=(1, 2), min_df=2, ensure_min_features=0, word_index={}
        )
        vectorizer = pickle.loads(pickle.dumps(vectorizer.fit(rows)))
        assert vectorizer.transform([[4, 5], [], [6]]).shape == (3, 0)
        assert vectorizer.get_feature_names_out().shape == (0,)
        assert [len(found) for found in vectorizer.inverse_transform(np.empty((2, 0)))] == [0, 0]

    def test_more_ngrams_must_be_left(self):
        rows = [[4, 5], [5, 4]]
        vectorizer = MultiHotVectorizer(min_df=2, ensure_min_features=2)
        assert vectorizer.fit_transform(rows).shape == (2, 2)
        vectorizer.set_params(ensure_min_features=3)
        with pytest.raises(ValueError, match=r"Only 2 n-grams are left with .* 3 are needed"):
            vectorizer.fit(rows)

    def test_ngrams_of_an_earlier_fit_are_forgotten(self):
        vectorizer = MultiHotVectorizer(None, ngram_range=(1, 2)).fit([[4, 5, 6]])
        vectorizer.set_params(ngram_range=(1, 1)).fit([[7, 8, 9]])
        with pytest.raises(NotFittedError):
            vectorizer.set_params(ngram_range=(1, 2)).transform([[4, 5, 6]])

    def test_almost_too_many_different_ngrams_are_learned(self):
        words = np.arange(4, 2**21 - 100)
        vectorizer = MultiHotVectorizer(None, ngram_range=(2, 2))
        vectorizer.fit([np.append(words, [4] * 200)])
        assert len(vectorizer.ngrams_) == len(words) + 1

    def test_no_reviews(self):
        with pytest.raises(ValueError, match="No n-gram is left"):
            MultiHotVectorizer(ngram_range=(1, 2)).fit([])
        assert MultiHotVectorizer(ngram_range=(1, 2)).fit(REVIEWS).transform([]).shape == (0, 8)


class TestNames:
    def test_words_joined_by_spaces(self):
        vectorizer = MultiHotVectorizer(ngram_range=(1, 3), word_index=WORD_INDEX)
        vectorizer.fit([[1, 4, 5, 6], [6, 9]])
        expected = ["not", "a", "good", "index_9", "not a", "a good", "good index_9", "not a good"]
        assert vectorizer.get_feature_names_out().tolist() == expected

    def test_names_of_indices_from_the_step_before(self):
        vectorizer = MultiHotVectorizer(ngram_range=(2, 2)).fit([[4, 5], [5, 6]])
        names = ["<pad>", "<start>", "<oov>", "<unused>", "not", "good"]
        assert vectorizer.get_feature_names_out(names).tolist() == ["not good", "good index_6"]

    def test_names_are_unique(self):
        vectorizer = MultiHotVectorizer(ngram_range=(1, 2), word_index={"a": 1, "b": 2, "a b": 3})
        with pytest.raises(ValueError, match="'a b' would be the name of 2 features"):
            vectorizer.fit([[4, 5], [6]]).get_feature_names_out()


class TestInverseTransform:
    def test_rows_of_ngrams(self):
        vectorizer = MultiHotVectorizer(ngram_range=(1, 2)).fit(REVIEWS)
        found = vectorizer.inverse_transform(vectorizer.transform(REVIEWS))
        assert [set(rows_without_fill(row)) for row in found] == [
            ngrams_of(row, (1, 2), lambda index: index >= 4) for row in REVIEWS
        ]

    def test_word_indices_if_ngrams_are_single_words(self):
        vectorizer = MultiHotVectorizer(min_df=2).fit(REVIEWS)
        [found] = vectorizer.inverse_transform(vectorizer.transform([[7, 4, 5, 7]]))
        assert_array_equal(found, [5, 7])

    def test_wrong_width(self):
        vectorizer = MultiHotVectorizer(min_df=2).fit(REVIEWS)
        with pytest.raises(ValueError, match="X has 2 features, but MultiHotVectorizer makes 3"):
            vectorizer.inverse_transform([[0, 1]])


class TestContract:
    @pytest.mark.parametrize(
        "params", [{"ngram_range": (1, 2)}, {"min_df": 2}, {"max_features": 9}]
    )
    def test_needs_fit(self, params):
        vectorizer = MultiHotVectorizer(**params)
        assert get_tags(vectorizer).requires_fit
        with pytest.raises(NotFittedError):
            vectorizer.transform(REVIEWS)
        with pytest.raises(NotFittedError):
            vectorizer.get_feature_names_out()

    def test_ngrams_need_another_fit(self):
        vectorizer = MultiHotVectorizer().fit(REVIEWS).set_params(ngram_range=(1, 2))
        with pytest.raises(NotFittedError):
            vectorizer.transform(REVIEWS)

    def test_order_of_reviews_does_not_matter(self):
        vectorizer = MultiHotVectorizer(ngram_range=(1, 2))
        expected = vectorizer.fit(REVIEWS).ngrams_
        assert_array_equal(vectorizer.fit(REVIEWS[::-1]).ngrams_, expected)

    def test_a_failed_fit_leaves_the_ngrams_as_they_were(self):
        vectorizer = MultiHotVectorizer(None, ngram_range=(1, 2)).fit(REVIEWS)
        expected = vectorizer.ngrams_
        with pytest.raises(ValueError, match="No n-gram is left"):
            vectorizer.fit([[1]])
        assert_array_equal(vectorizer.ngrams_, expected)
        assert vectorizer.num_words_ == 8

    def test_ngrams_that_are_only_the_beginning_of_others_take_no_column(self):
        reviews = [[4, 5, 6], [4, 5, 7], [5, 6], [8]]
        vectorizer = MultiHotVectorizer(ngram_range=(1, 3), max_df=1).fit(reviews)
        expected = [(7,), (8,), (5, 7), (4, 5, 6), (4, 5, 7)]
        assert rows_without_fill(vectorizer.ngrams_) == expected
        assert_array_equal(
            vectorizer.transform([[4, 5, 6], [4, 5], [8, 4, 5, 7]]).toarray(),
            [[0, 0, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 0, 1]],
        )

    @given(rows=few_words, ngram_range=ngram_ranges, min_df=st.integers(1, 2))
    def test_copies_and_pickles(self, rows, ngram_range, min_df):
        vectorizer = MultiHotVectorizer(
            None, ngram_range=ngram_range, min_df=min_df, max_features=10
        )
        X = vectorizer.fit_transform([*rows, *[[4, 5, 6, 7]] * 2])
        for copied in (copy.deepcopy(vectorizer), pickle.loads(pickle.dumps(vectorizer))):
            assert_array_equal(copied.ngrams_, vectorizer.ngrams_)
            assert copied.ngrams_.dtype == np.int32
            assert_array_equal(
                copied.transform([*rows, *[[4, 5, 6, 7]] * 2]).toarray(), X.toarray()
            )

    @pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2), (1, 5)])
    def test_a_pickle_is_no_larger_than_the_ngrams(self, ngram_range):
        X, _ = make_reviews(300, random_state=0)
        vectorizer = MultiHotVectorizer(None, ngram_range=ngram_range, min_df=2).fit(X)
        vectorizer.transform(X)  # which makes what finds many n-grams fast
        assert len(pickle.dumps(vectorizer)) < vectorizer.ngrams_.nbytes + 2_000

    def test_transforming_a_review_makes_no_array_over_all_features(self):
        X, _ = make_reviews(3000, random_state=0)
        vectorizer = MultiHotVectorizer(None, ngram_range=(1, 3)).fit(X)
        n_features = vectorizer.transform(X[:1]).shape[1]
        assert n_features > 300_000
        tracemalloc.start()
        try:
            vectorizer.transform(X[:1])
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < n_features

    @pytest.mark.parametrize("dtype", [bool, np.int8, np.float64])
    def test_output_types(self, dtype):
        vectorizer = MultiHotVectorizer(ngram_range=(1, 2), dtype=dtype)
        X = vectorizer.fit_transform(REVIEWS)
        assert X.dtype == dtype
        assert X.indices.dtype == np.int32
        assert isinstance(X, sp.csr_matrix)
        dense = vectorizer.set_params(sparse_output=False).transform(REVIEWS)
        assert dense.dtype == dtype
        assert_array_equal(dense, X.toarray())

    def test_input_is_not_changed(self):
        X = np.array([[1, 4, 5], [2, 6, 7]], dtype=np.int32)
        MultiHotVectorizer(ngram_range=(1, 2)).fit_transform(X)
        assert X.tolist() == [[1, 4, 5], [2, 6, 7]]

    def test_all_containers_give_the_same(self):
        vectorizer = MultiHotVectorizer(ngram_range=(1, 2))
        expected = vectorizer.fit_transform(REVIEWS)
        arrays = object_array([np.array(row, dtype=np.uint16) for row in REVIEWS])
        assert (vectorizer.fit_transform(arrays) != expected).nnz == 0


class TestFewReviews:
    """Few reviews take another way than many."""

    @pytest.mark.parametrize(
        "options",
        [
            {"ngram_range": (1, 4)},
            {"ngram_range": (2, 3), "min_df": 2},
            {"ngram_range": (1, 3), "max_features": 50},
            {"ngram_range": (1, 3), "max_df": 0.2, "skip_top": 6},
            {"ngram_range": (3, 3), "max_features": 1},
        ],
    )
    def test_each_review_alone_has_the_features_that_it_has_among_all(self, options):
        rng = np.random.default_rng(0)
        reviews = [rng.zipf(1.5, rng.integers(0, 60)) % 40 for _ in range(300)]
        assert sum(map(len, reviews)) > 2 * 2**12
        vectorizer = MultiHotVectorizer(40, **options).fit(reviews)
        together = vectorizer.transform(reviews)
        alone = sp.vstack([vectorizer.transform([review]) for review in reviews])
        by_tens = sp.vstack(
            [vectorizer.transform(reviews[i : i + 10]) for i in range(0, len(reviews), 10)]
        )
        assert together.nnz > 0
        for features in (alone, by_tens):
            assert (features != together).nnz == 0
            np.testing.assert_array_equal(features.indices, together.indices)

    def test_of_no_words(self):
        vectorizer = MultiHotVectorizer(10, ngram_range=(1, 2)).fit([[4, 5], [4, 6]])
        assert vectorizer.transform([[], []]).shape == (2, 5)
        assert vectorizer.transform([[], [9, 1]]).nnz == 0
        assert vectorizer.transform([]).shape == (0, 5)
