"""MultiHotVectorizer equals the notebooks' loop and works with scikit-learn's tools."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.utils import get_tags

import skimdb
from skimdb.feature_extraction import MultiHotVectorizer, _ngrams
from skimdb.utils import _memory
from tests.feature_extraction.test_sequences import (
    CONTAINERS,
    RECTANGULAR_CONTAINERS,
    object_array,
    ragged,
    rectangular,
    views_of_one_buffer,
)

REVIEWS = [[1, 14, 22, 14], [], [3, 3, 3], [0, 2, 25, 7]]
WORD_INDEX = {"the": 1, "and": 2, "a": 3, "of": 4}


def notebook_loop(sequences, num_words):
    results = np.zeros((len(sequences), num_words))
    for i, sequence in enumerate(sequences):
        results[i, sequence] = 1.0
    return results


def keras_load_data(sequences, num_words, skip_top, oov_char):
    """Limit the indices as keras.datasets.imdb.load_data does."""
    if oov_char is None:
        return [[w for w in s if skip_top <= w < num_words] for s in sequences]
    return [[w if skip_top <= w < num_words else oov_char for w in s] for s in sequences]


@st.composite
def limits(draw):
    num_words = draw(st.integers(1, 1200))
    return {
        "num_words": num_words,
        "skip_top": draw(st.integers(0, 1200)),
        "oov_char": draw(st.none() | st.integers(0, num_words - 1)),
    }


def assert_canonical(X):
    """Check that a CSR matrix is canonical, and not only flagged so."""
    assert X.has_sorted_indices
    assert X.has_canonical_format
    unflagged = sp.csr_array((X.data, X.indices, X.indptr), shape=X.shape)
    assert unflagged.has_canonical_format
    assert (X.data == 1).all()


def assert_equal(first, second):
    assert first.shape == second.shape
    assert (first != second).nnz == 0


class TestFeatures:
    @pytest.mark.parametrize("kind", CONTAINERS)
    @pytest.mark.parametrize("sparse_output", [True, False])
    @settings(max_examples=20, deadline=None)
    @given(rows=ragged)
    def test_equal_to_the_notebooks_loop(self, kind, sparse_output, rows):
        vectorizer = MultiHotVectorizer(1000, sparse_output=sparse_output)
        X = vectorizer.transform(CONTAINERS[kind](rows))
        X = X.toarray() if sparse_output else X
        assert_array_equal(X, notebook_loop(rows, 1000))

    @pytest.mark.parametrize("kind", RECTANGULAR_CONTAINERS)
    @settings(max_examples=20, deadline=None)
    @given(rows=rectangular())
    def test_equal_to_the_notebooks_loop_on_equal_lengths(self, kind, rows):
        X = MultiHotVectorizer(100).transform(RECTANGULAR_CONTAINERS[kind](rows))
        assert_array_equal(X.toarray(), notebook_loop(rows, 100))

    @pytest.mark.parametrize("sparse_output", [True, False])
    @given(rows=ragged, limits=limits())
    def test_limits_are_those_of_keras(self, sparse_output, rows, limits):
        expected = notebook_loop(keras_load_data(rows, **limits), limits["num_words"])
        X = MultiHotVectorizer(sparse_output=sparse_output, **limits).transform(rows)
        X = X.toarray() if sparse_output else X
        assert_array_equal(X, expected)

    @pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint64, ">i2"])
    def test_limits_beyond_the_range_of_the_input(self, dtype):
        rows = np.array([[1, 9], [100, 3]], dtype=dtype)
        X = MultiHotVectorizer(500, skip_top=5, oov_char=400, pad_char=1000).transform(rows)
        assert_array_equal(X.toarray(), notebook_loop([[400, 9], [100, 400]], 500))

    @given(rows=ragged, pad_char=st.integers(0, 1100), skip_top=st.integers(0, 20))
    def test_padding_is_taken_out_before_the_limits_apply(self, rows, pad_char, skip_top):
        rows = [[pad_char, *row] for row in rows]
        vectorizer = MultiHotVectorizer(500, skip_top=skip_top, oov_char=499, pad_char=pad_char)
        if pad_char == 499:
            with pytest.raises(ValueError, match="oov_char and pad_char are both 499"):
                vectorizer.transform(rows)
            return
        unpadded = [[w for w in row if w != pad_char] for row in rows]
        expected = notebook_loop(keras_load_data(unpadded, 500, skip_top, 499), 500)
        assert_array_equal(vectorizer.transform(rows).toarray(), expected)

    def test_a_padded_array_equals_the_ragged_reviews(self):
        padded = np.array([[1, 5, 9, 0], [1, 4, 0, 0], [0, 0, 0, 0]])
        X = MultiHotVectorizer(10, pad_char=0).transform(padded)
        assert_array_equal(X.toarray(), notebook_loop([[1, 5, 9], [1, 4], []], 10))

    def test_nothing_is_padding_by_default(self):
        assert MultiHotVectorizer(3).transform([[0]]).toarray()[0, 0] == 1

    def test_out_of_vocabulary_indices_are_dropped_without_oov_char(self):
        X = MultiHotVectorizer(3, oov_char=None).transform([[2, 7], [7]])
        assert_array_equal(X.toarray(), [[0, 0, 1], [0, 0, 0]])

    @pytest.mark.parametrize("length", [0, 1, 2**16 - 1, 2**16, 2**16 + 1, 2**17])
    @pytest.mark.parametrize("sparse_output", [True, False])
    def test_long_and_short_reviews_together(self, length, sparse_output):
        long = np.random.default_rng(0).integers(0, 1000, size=length)
        rows = [[1, 2], long, [], [3], long[:-1], long, [999]]
        X = MultiHotVectorizer(1000, sparse_output=sparse_output).transform(rows)
        if sparse_output:
            assert_canonical(X)
            X = X.toarray()
        assert_array_equal(X, notebook_loop([np.array(row, dtype=int) for row in rows], 1000))

    @pytest.mark.parametrize("sparse_output", [True, False])
    def test_more_reviews_than_16_bits_count(self, sparse_output):
        rows = [[1, 2], *[[]] * 2**16, [3]]
        X = MultiHotVectorizer(4, sparse_output=sparse_output).transform(rows)
        assert_array_equal(X.toarray() if sparse_output else X, notebook_loop(rows, 4))

    def test_equal_to_references_on_many_reviews(self):
        rng = np.random.default_rng(0)
        rows = [rng.zipf(1.3, size) % 5000 for size in rng.integers(0, 200, size=3000)]
        X = MultiHotVectorizer(5000).transform(object_array(rows))
        assert_canonical(X)
        labels = MultiLabelBinarizer(classes=range(5000), sparse_output=True)
        assert_equal(X, labels.fit_transform(rows))
        counts = CountVectorizer(
            analyzer=lambda row: row, binary=True, vocabulary={i: i for i in range(5000)}
        )
        assert_equal(X, counts.transform(rows))

    def test_the_widest_features(self):
        largest = 2**31 - 1
        X = MultiHotVectorizer(2**31).transform([[largest, 0, largest], [5], [largest]])
        assert X.shape == (3, 2**31)
        assert_array_equal(X.indices, [0, largest, 5, largest])
        assert_array_equal(X.indptr, [0, 2, 3, 4])

    @pytest.mark.real_data
    def test_equal_to_the_notebooks_loop_on_imdb(self):
        reviews, _ = skimdb.datasets.fetch_imdb(
            subset="train", num_words=10_000, return_X_y=True, download_if_missing=False
        )
        X = MultiHotVectorizer().transform(reviews)
        assert X.shape == (25_000, 10_000)
        assert_canonical(X)
        assert_array_equal(X[:2000].toarray(), notebook_loop(reviews[:2000], 10_000))
        assert_array_equal(X.sum(axis=1).A1, [len(set(review)) for review in reviews.tolist()])


class TestOutput:
    def test_csr_float32_with_32_bit_indices(self):
        X = MultiHotVectorizer(50).transform(REVIEWS)
        assert isinstance(X, sp.csr_matrix)
        assert X.dtype == np.float32
        assert X.indices.dtype == X.indptr.dtype == np.int32
        assert_canonical(X)

    def test_dense(self):
        X = MultiHotVectorizer(50, sparse_output=False).transform(REVIEWS)
        assert type(X) is np.ndarray
        assert X.dtype == np.float32

    @pytest.mark.parametrize("dtype", [bool, np.int8, "uint16", np.float64])
    @pytest.mark.parametrize("sparse_output", [True, False])
    def test_dtype(self, dtype, sparse_output):
        vectorizer = MultiHotVectorizer(50, dtype=dtype, sparse_output=sparse_output)
        X = vectorizer.transform(REVIEWS)
        assert X.dtype == np.dtype(dtype)
        assert X.sum() == 8

    @pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2)])
    def test_half_precision_is_for_arrays_only(self, ngram_range):
        vectorizer = MultiHotVectorizer(50, dtype=np.float16, ngram_range=ngram_range)
        with pytest.raises(ValueError, match="dtype=float16 is a type that SciPy's sparse"):
            vectorizer.fit(REVIEWS)
        X = vectorizer.set_params(sparse_output=False).fit_transform(REVIEWS)
        assert X.dtype == np.float16
        assert_array_equal(X, vectorizer.set_params(dtype=np.float32).transform(REVIEWS))

    @pytest.mark.parametrize("sparse_output", [True, False])
    def test_no_reviews(self, sparse_output):
        X = MultiHotVectorizer(50, sparse_output=sparse_output).transform([])
        assert X.shape == (0, 50)
        assert X.dtype == np.float32

    def test_set_output_pandas(self):
        vectorizer = MultiHotVectorizer(4, sparse_output=False, word_index=WORD_INDEX)
        frame = vectorizer.set_output(transform="pandas").transform([[1], [2]])
        assert isinstance(frame, pd.DataFrame)
        assert list(frame.columns) == ["<pad>", "<start>", "<oov>", "<unused>"]
        assert_array_equal(frame, [[0, 1, 0, 0], [0, 0, 1, 0]])

    def test_set_output_polars(self):
        vectorizer = MultiHotVectorizer(4, sparse_output=False).set_output(transform="polars")
        frame = vectorizer.fit_transform([[1], [2]])
        assert isinstance(frame, pl.DataFrame)
        assert frame.columns == ["index_0", "index_1", "index_2", "index_3"]

    @pytest.mark.parametrize("container", ["pandas", "polars"])
    def test_set_output_refuses_sparse_features(self, container):
        vectorizer = MultiHotVectorizer(4).set_output(transform=container)
        with pytest.raises(ValueError, match="sparse"):
            vectorizer.transform([[1], [2]])

    @pytest.mark.skipif(
        "sparse_interface" not in sklearn.get_config(), reason="scikit-learn older than 1.9"
    )
    @pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2)])
    def test_sparse_interface_of_scikit_learn_is_respected(self, ngram_range):
        with sklearn.config_context(sparse_interface="sparray"):
            X = MultiHotVectorizer(50, ngram_range=ngram_range).fit_transform(REVIEWS)
        assert isinstance(X, sp.csr_array)
        assert X.indices.dtype == X.indptr.dtype == np.int32
        assert_canonical(X)


class TestFit:
    def test_stateless_with_num_words(self):
        vectorizer = MultiHotVectorizer(50)
        assert not get_tags(vectorizer).requires_fit
        expected = vectorizer.transform(REVIEWS)
        assert not hasattr(vectorizer, "num_words_")
        assert_equal(vectorizer.fit(REVIEWS[:1]).transform(REVIEWS), expected)

    @pytest.mark.parametrize(
        ("oov_char", "expected"), [(2, 26), (None, 26), (25, 26), (26, 27), (40, 41)]
    )
    def test_width_is_learned_without_num_words(self, oov_char, expected):
        vectorizer = MultiHotVectorizer(None, oov_char=oov_char)
        assert get_tags(vectorizer).requires_fit
        X = vectorizer.fit_transform(REVIEWS)
        assert vectorizer.num_words_ == expected
        assert_array_equal(X.toarray(), notebook_loop(REVIEWS, expected))
        assert len(vectorizer.get_feature_names_out()) == expected

    def test_the_largest_oov_char(self):
        message = r"The 'oov_char' parameter of MultiHotVectorizer must be .* \[0, 2147483647\]"
        with pytest.raises(ValueError, match=message):
            MultiHotVectorizer(None, oov_char=2**31, skip_top=10).fit([[1, 12]])
        vectorizer = MultiHotVectorizer(None, oov_char=2**31 - 1, skip_top=10)
        X = vectorizer.fit_transform([[1, 12]])
        assert X.shape == (1, 2**31)
        assert_array_equal(X.indices, [12, 2**31 - 1])

    def test_later_indices_are_out_of_the_learned_vocabulary(self):
        vectorizer = MultiHotVectorizer(None).fit([[1, 4]])
        assert_array_equal(vectorizer.transform([[4, 5]]).toarray(), [[0, 0, 1, 0, 1]])

    @pytest.mark.parametrize("dtype", [np.uint8, np.int8])
    def test_width_is_learned_from_small_types(self, dtype):
        largest = np.iinfo(dtype).max
        rows = np.array([[1, largest]], dtype=dtype)
        assert MultiHotVectorizer(None).fit(rows).num_words_ == largest + 1
        assert MultiHotVectorizer(None, oov_char=300).fit(rows).num_words_ == 301

    @pytest.mark.parametrize(
        "params",
        [
            {"num_words": 100, "skip_top": 5, "oov_char": 99, "pad_char": 7},
            {"num_words": None, "oov_char": 127},
            {"min_df": 2, "max_features": 100, "ngram_range": (1, 3)},
        ],
    )
    @pytest.mark.parametrize("integer", [np.int8, np.uint16, np.uint64])
    def test_limits_of_any_type_of_integer(self, params, integer):
        X = [[4, 300, 5, 6], [4, 5, 7, 6, 300]]
        given = {
            name: value
            and (tuple(map(integer, value)) if name == "ngram_range" else integer(value))
            for name, value in params.items()
        }
        expected = MultiHotVectorizer(**params).fit(X).transform(X).toarray()
        assert_array_equal(MultiHotVectorizer(**given).fit(X).transform(X).toarray(), expected)

    @pytest.mark.parametrize(("oov_char", "expected"), [(2, 3), (None, 1)])
    def test_width_is_learned_from_no_tokens(self, oov_char, expected):
        X = MultiHotVectorizer(None, oov_char=oov_char).fit_transform([[], []])
        assert X.shape == (2, expected)
        assert X.nnz == 0

    @pytest.mark.parametrize(
        "call",
        [
            lambda vectorizer: vectorizer.transform(REVIEWS),
            lambda vectorizer: vectorizer.inverse_transform(np.ones((1, 3))),
            lambda vectorizer: vectorizer.get_feature_names_out(),
        ],
        ids=["transform", "inverse_transform", "get_feature_names_out"],
    )
    def test_not_fitted(self, call):
        with pytest.raises(NotFittedError):
            call(MultiHotVectorizer(None))

    @pytest.mark.parametrize("method", ["fit", "fit_transform", "transform"])
    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"num_words": 5, "oov_char": 5}, "oov_char=5 must be below num_words=5"),
            ({"oov_char": 0, "pad_char": 0}, "oov_char and pad_char are both 0"),
            ({"dtype": "U1"}, "dtype must be a boolean, integer or floating type, got <U1"),
            ({"dtype": object}, "dtype must be a boolean, integer or floating type, got object"),
            ({"num_words": 0}, "The 'num_words' parameter of MultiHotVectorizer must be"),
            ({"num_words": 2**31 + 1}, "The 'num_words' parameter of MultiHotVectorizer must be"),
            ({"skip_top": -1}, "The 'skip_top' parameter of MultiHotVectorizer must be"),
        ],
    )
    def test_wrong_parameters(self, method, params, message):
        with pytest.raises(ValueError, match=message):
            getattr(MultiHotVectorizer(**params), method)(REVIEWS)

    @pytest.mark.parametrize("method", ["fit", "fit_transform", "transform"])
    def test_wrong_reviews(self, method):
        with pytest.raises(TypeError, match="Row 0 of X is a str"):
            getattr(MultiHotVectorizer(), method)(["a good film"])
        with pytest.raises(ValueError, match="Row 1 of X contains the index -1"):
            getattr(MultiHotVectorizer(), method)([[1], [-1]])

    def test_an_index_beyond_int32_is_refused_despite_oov_char(self):
        with pytest.raises(ValueError, match="Row 0 of X contains the index 2147483648"):
            MultiHotVectorizer(10, oov_char=2).transform([[2**31]])

    def test_dense_features_larger_than_the_memory(self):
        vectorizer = MultiHotVectorizer(2**31 - 1, sparse_output=False)
        message = r"^The dense features take 8,000\.0 GiB, .* Use sparse_output=True\.$"
        with pytest.raises(MemoryError, match=message):
            vectorizer.transform([[1]] * 1000)

    @pytest.mark.parametrize("params", [{}, {"ngram_range": (1, 2)}])
    def test_sparse_features_larger_than_the_memory(self, params, request):
        vectorizer = MultiHotVectorizer(10, **params).fit([[4, 5], [5, 6]])
        request.getfixturevalue("little_memory")
        with pytest.raises(MemoryError, match=r"^Joining the features takes .* in batches"):
            vectorizer.transform([[4, 5], [5, 6]])

    def test_the_memory_of_sparse_features_is_that_of_indices_and_values(self, monkeypatch):
        monkeypatch.setattr(_memory, "_SMALL", 0)
        vectorizer = MultiHotVectorizer(1000)
        features = vectorizer.transform([range(4, 1000)] * 20)
        n_bytes = features.indices.nbytes + features.data.nbytes
        monkeypatch.setattr(_memory, "free_memory", lambda: n_bytes)
        vectorizer.transform([range(4, 1000)] * 20)
        monkeypatch.setattr(_memory, "free_memory", lambda: n_bytes - 1)
        with pytest.raises(MemoryError, match="Joining the features takes"):
            vectorizer.transform([range(4, 1000)] * 20)

    def test_ngrams_larger_than_the_memory(self, little_memory):
        vectorizer = MultiHotVectorizer(10, ngram_range=(1, 2))
        with pytest.raises(MemoryError, match=r"^Learning the n-grams takes .* from a sample"):
            vectorizer.fit([[4, 5], [5, 6]])
        assert not hasattr(vectorizer, "ngram_table_")

    @pytest.mark.parametrize("max_n", [1, 2])
    def test_the_memory_of_ngrams_is_what_learning_takes(self, max_n, monkeypatch):
        counted = []

        def count(n_bytes, *_):
            counted.append((n_bytes, tracemalloc.get_traced_memory()[0]))
            tracemalloc.reset_peak()

        monkeypatch.setattr(_ngrams, "check_memory", count)
        reviews = [np.arange(4 + 1000 * i, 1004 + 1000 * i, dtype=np.int32) for i in range(1000)]
        vectorizer = MultiHotVectorizer(None, ngram_range=(1, max_n), max_features=10)
        tracemalloc.start()
        try:
            vectorizer.fit(reviews)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        n_bytes, before = counted[-1]
        assert n_bytes <= 1.1 * (peak - before) < 2.5 * n_bytes

    def test_a_failed_fit_leaves_the_vectorizer_as_it_was(self):
        vectorizer = MultiHotVectorizer(None).fit(REVIEWS)
        with pytest.raises(ValueError, match="index -1"):
            vectorizer.fit([[-1, 99]])
        assert vectorizer.num_words_ == 26


class TestFeatureNames:
    def test_indices_without_a_word_index(self):
        names = MultiHotVectorizer(3).get_feature_names_out()
        assert names.dtype == object
        assert names.tolist() == ["index_0", "index_1", "index_2"]

    def test_words_by_keras_convention(self):
        vectorizer = MultiHotVectorizer(9, word_index=WORD_INDEX)
        expected = ["<pad>", "<start>", "<oov>", "<unused>", "the", "and", "a", "of", "index_8"]
        assert vectorizer.get_feature_names_out().tolist() == expected

    @pytest.mark.parametrize("num_words", [1, 3, 4, 5])
    def test_word_index_may_be_larger_than_the_vocabulary(self, num_words):
        vectorizer = MultiHotVectorizer(num_words, word_index=WORD_INDEX)
        expected = ["<pad>", "<start>", "<oov>", "<unused>", "the"][:num_words]
        assert vectorizer.get_feature_names_out().tolist() == expected

    def test_names_of_indices_from_the_step_before(self):
        names = np.array(["<pad>", "<start>", "<oov>", "<unused>", "the", "and"], dtype=object)
        expected = [*names, "index_6"]
        assert MultiHotVectorizer(7).get_feature_names_out(names).tolist() == expected
        assert MultiHotVectorizer(5).get_feature_names_out(names).tolist() == expected[:5]
        named = MultiHotVectorizer(5, word_index={"a": 1})
        assert named.get_feature_names_out(names)[4] == "a"

    def test_names_of_columns_are_ignored(self):
        assert len(MultiHotVectorizer(3).get_feature_names_out(["review"])) == 3

    def test_word_index_changes_no_feature(self):
        plain = MultiHotVectorizer(50).transform(REVIEWS)
        named = MultiHotVectorizer(50, word_index=WORD_INDEX).transform(REVIEWS)
        assert_equal(plain, named)

    @pytest.mark.parametrize("word", ["<oov>", "index_7"])
    def test_names_are_unique(self, word):
        vectorizer = MultiHotVectorizer(9, word_index={"the": 1, word: 3})
        with pytest.raises(ValueError, match=f"'{word}' would be the name of 2 features"):
            vectorizer.get_feature_names_out()

    def test_ranks_are_unique(self):
        vectorizer = MultiHotVectorizer(9, word_index={"a": 1, "the": 2, "and": 2})
        with pytest.raises(ValueError, match="word_index gives 2 words the same rank, 2"):
            vectorizer.get_feature_names_out()

    @pytest.mark.parametrize(
        ("word", "rank"), [("the", 0), ("the", -1), ("the", 1.5), ("the", "1"), (1, 2)]
    )
    def test_word_index_maps_words_to_ranks(self, word, rank):
        vectorizer = MultiHotVectorizer(9, word_index={"a": 4, word: rank})
        with pytest.raises(ValueError, match=f"ranks, integers from 1, got {word!r}: {rank!r}"):
            vectorizer.get_feature_names_out()


class TestInverseTransform:
    @given(rows=ragged, sparse_output=st.booleans())
    def test_sorted_unique_indices(self, rows, sparse_output):
        vectorizer = MultiHotVectorizer(1000, sparse_output=sparse_output)
        result = vectorizer.inverse_transform(vectorizer.transform(rows))
        assert result.shape == (len(rows),)
        assert result.dtype == object
        assert [row.tolist() for row in result] == [sorted(set(row)) for row in rows]
        assert all(row.dtype.kind == "i" for row in result)

    def test_round_trip(self):
        vectorizer = MultiHotVectorizer(50)
        X = vectorizer.transform(REVIEWS)
        assert_equal(vectorizer.transform(vectorizer.inverse_transform(X)), X)

    def test_zeros_duplicates_and_order_are_ignored(self):
        X = sp.csr_matrix(
            (np.array([1.0, 0.0, 2.0, 1.0]), np.array([3, 1, 0, 0]), np.array([0, 4])), shape=(1, 4)
        )
        before = X.copy()
        assert MultiHotVectorizer(4).inverse_transform(X)[0].tolist() == [0, 3]
        assert_array_equal(X.data, before.data)
        assert_array_equal(X.indices, before.indices)

    @pytest.mark.parametrize(
        "container",
        [pd.DataFrame, np.ndarray.tolist, sp.csc_array, sp.coo_matrix, np.ndarray.astype],
        ids=["DataFrame", "list", "csc_array", "coo_matrix", "bool"],
    )
    def test_kinds_of_features(self, container):
        X = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
        X = X.astype(bool) if container is np.ndarray.astype else container(X)
        result = MultiHotVectorizer(3).inverse_transform(X)
        assert [row.tolist() for row in result] == [[1, 2], []]

    def test_no_reviews(self):
        assert MultiHotVectorizer(3).inverse_transform(np.empty((0, 3))).shape == (0,)

    @pytest.mark.parametrize("X", [np.ones((2, 4)), sp.csr_array((2, 4))], ids=["dense", "sparse"])
    def test_wrong_width(self, X):
        message = "X has 4 features, but MultiHotVectorizer makes 3"
        with pytest.raises(ValueError, match=message):
            MultiHotVectorizer(3).inverse_transform(X)


class TestInput:
    @pytest.mark.parametrize("pad_char", [5, None])
    @pytest.mark.parametrize("sparse_output", [True, False])
    def test_input_is_not_changed(self, sparse_output, pad_char):
        reviews = views_of_one_buffer([[9, 1, 9], [0, 5]])
        for review in reviews:
            review.flags.writeable = False
        rows = [[9, 1, 9], [0, 5]]
        array = np.array([[9, 1], [0, 5]], dtype=np.uint32)
        vectorizer = MultiHotVectorizer(
            6, skip_top=1, pad_char=pad_char, oov_char=2, sparse_output=sparse_output
        )
        for X in (reviews, rows, array):
            vectorizer.fit_transform(X)
        assert rows == [[9, 1, 9], [0, 5]]
        assert [review.tolist() for review in reviews] == rows
        assert array.tolist() == [[9, 1], [0, 5]]


@pytest.fixture
def data():
    """Reviews of two classes that share few words."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=60)
    rows = [rng.integers(4, 30, size=rng.integers(1, 9)) + 20 * label for label in y]
    return object_array(rows), y


class TestComposition:
    @pytest.mark.parametrize(
        "container",
        [
            lambda X: X,
            list,
            lambda X: [row.tolist() for row in X],
            pd.Series,
            lambda X: pl.Series([row.tolist() for row in X]),
        ],
        ids=["object array", "list of arrays", "list of lists", "pandas", "polars"],
    )
    def test_cross_validation(self, data, container):
        X, y = data
        dense = MultiHotVectorizer(60, sparse_output=False).transform(X)
        pipeline = make_pipeline(MultiHotVectorizer(60), BernoulliNB())
        scores = cross_val_score(pipeline, container(X), y, cv=3, error_score="raise")
        assert scores.mean() > 0.7
        assert_array_equal(scores, cross_val_score(BernoulliNB(), dense, y, cv=3))

    def test_grid_search(self, data):
        X, y = data
        pipeline = Pipeline([("vectorizer", MultiHotVectorizer()), ("nb", BernoulliNB())])
        grid = {"vectorizer__num_words": [10, 60], "vectorizer__ngram_range": [(1, 1), (1, 2)]}
        search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
        assert search.best_params_["vectorizer__num_words"] == 60
        assert search.best_estimator_[0].num_words_ == 60

    def test_feature_names_through_a_pipeline(self, data):
        X, y = data
        pipeline = make_pipeline(MultiHotVectorizer(60), LogisticRegression()).fit(X, y)
        assert pipeline[:-1].get_feature_names_out()[17] == "index_17"

    def test_a_column_of_a_frame(self, data):
        X, _ = data
        frame = pd.DataFrame({"review": X, "stars": np.arange(len(X))})
        columns = ColumnTransformer(
            [("words", MultiHotVectorizer(60), "review"), ("stars", "passthrough", ["stars"])]
        )
        features = columns.fit_transform(frame)
        assert features.shape == (60, 61)
        assert columns.get_feature_names_out()[[17, 60]].tolist() == [
            "words__index_17",
            "stars__stars",
        ]
        assert_array_equal(features.toarray()[:, :60], notebook_loop(X, 60))
