import copy
import tracemalloc

import hypothesis.extra.numpy as hnp
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sklearn.utils import get_tags

from skimdb.datasets import fetch_imdb, fetch_imdb_word_index
from skimdb.feature_extraction import LogCountRatioScaler, MultiHotVectorizer

X = np.array([[1, 0, 2, 0], [0, 1, 1, 0], [3, 0, 0, 0], [0, 2, 1, 0]], dtype=np.float64)
Y = np.array([1, 0, 1, 0])


def one_liner(X, y, alpha=1.0):
    """The formula of Wang and Manning, for y of zeros and ones."""
    p, q = alpha + X[y == 1].sum(axis=0), alpha + X[y == 0].sum(axis=0)
    return np.log((p / np.abs(p).sum()) / (q / np.abs(q).sum()))


def multi_hot(n_samples=60, n_features=30, density=0.2, random_state=0):
    """Multi-hot features; half of the columns are more frequent in each class."""
    rng = np.random.default_rng(random_state)
    y = rng.permutation(np.arange(n_samples) % 2)
    taste = np.where(np.arange(n_features) % 2 == y[:, np.newaxis], 1.5, 0.5)
    return (rng.random((n_samples, n_features)) < density * taste).astype(np.float32), y


def with_index_dtype(X, dtype, container=sp.csr_array):
    result = container(X)
    result.indices = result.indices.astype(dtype)
    result.indptr = result.indptr.astype(dtype)
    return result


@st.composite
def samples(draw, max_value=1000):
    """Counts, and labels of both classes."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=7))
    X = draw(hnp.arrays(np.float64, shape, elements=st.integers(0, max_value)))
    y = draw(hnp.arrays(np.int64, shape[0], elements=st.integers(0, 1)))
    y[:2] = 0, 1
    return X, y


alphas = st.floats(1e-3, 1e3)


class TestRatio:
    @given(data=samples(), alpha=alphas)
    def test_equals_the_formula(self, data, alpha):
        X, y = data
        scaler = LogCountRatioScaler(alpha).fit(X, y)
        assert_allclose(scaler.feature_log_count_ratio_, one_liner(X, y, alpha), atol=1e-12)

    @given(data=samples(), alpha=alphas)
    def test_is_the_difference_of_naive_bayes_coefficients(self, data, alpha):
        X, y = data
        log_probabilities = MultinomialNB(alpha=alpha).fit(X, y).feature_log_prob_
        scaler = LogCountRatioScaler(alpha).fit(X, y)
        expected = log_probabilities[1] - log_probabilities[0]
        assert_allclose(scaler.feature_log_count_ratio_, expected, atol=1e-12)

    @given(data=samples(), alpha=alphas)
    def test_swapping_the_classes_negates_it(self, data, alpha):
        X, y = data
        ratio = LogCountRatioScaler(alpha).fit(X, y).feature_log_count_ratio_
        swapped = LogCountRatioScaler(alpha).fit(X, 1 - y).feature_log_count_ratio_
        assert_array_equal(swapped, -ratio)

    @given(data=samples(max_value=2**40), alpha=st.floats(5e-324, 1e300))
    def test_is_finite_for_every_alpha(self, data, alpha):
        scaler = LogCountRatioScaler(alpha).fit(*data)
        assert np.isfinite(scaler.feature_log_count_ratio_).all()

    @given(data=samples(), seed=st.integers(0, 2**32 - 1))
    def test_order_of_samples_and_features_does_not_matter(self, data, seed):
        X, y = data
        rng = np.random.default_rng(seed)
        rows, columns = rng.permutation(X.shape[0]), rng.permutation(X.shape[1])
        ratio = LogCountRatioScaler().fit(X, y).feature_log_count_ratio_
        shuffled = LogCountRatioScaler().fit(X[rows][:, columns], y[rows])
        assert_allclose(shuffled.feature_log_count_ratio_, ratio[columns], atol=1e-12)

    def test_is_zero_for_classes_with_the_same_counts(self):
        scaler = LogCountRatioScaler().fit(np.vstack([X, X]), [0, 0, 0, 0, 1, 1, 1, 1])
        assert_array_equal(scaler.feature_log_count_ratio_, np.zeros(4))

    def test_the_second_class_is_the_positive_one(self):
        scaler = LogCountRatioScaler().fit([[1, 0], [0, 1]], ["good", "bad"])
        assert scaler.classes_.tolist() == ["bad", "good"]
        assert_allclose(scaler.feature_log_count_ratio_, [np.log(2), -np.log(2)])

    @pytest.mark.parametrize(
        "labels",
        [
            np.array([-1, 1]),
            np.array([False, True]),
            np.array(["a", "b"], dtype=object),
            [2.0, 5.0],
        ],
        ids=["int", "bool", "object", "float"],
    )
    @pytest.mark.parametrize("container", [np.asarray, list, pd.Series, pl.Series])
    def test_kinds_of_labels(self, labels, container):
        y = np.asarray(labels)[Y]
        scaler = LogCountRatioScaler().fit(X, container(y))
        assert_array_equal(scaler.classes_, labels)
        assert_allclose(scaler.feature_log_count_ratio_, one_liner(X, Y))

    @pytest.mark.parametrize("n_samples", [1023, 1024, 1025, 2500])
    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    def test_any_number_of_samples(self, n_samples, container):
        X, y = multi_hot(n_samples)
        scaler = LogCountRatioScaler().fit(container(X), y)
        assert_allclose(scaler.feature_log_count_ratio_, one_liner(X, y), rtol=1e-6)

    @pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix])
    def test_many_more_features_than_a_sample_has(self, container):
        X, y = multi_hot(2500, 300, density=0.001)
        weights = np.random.default_rng(0).random(2500)
        X = np.hstack([X, np.zeros((2500, 5000), dtype=np.float32)])
        scaler = LogCountRatioScaler().fit(container(X), y, sample_weight=weights)
        expected = one_liner(X * weights[:, np.newaxis], y)
        assert_allclose(scaler.feature_log_count_ratio_, expected, rtol=1e-6)

    @pytest.mark.parametrize(
        ("alpha", "value", "weight"), [(1.7e308, 1, 1), (1, 1.7e308, 1), (1, 1, 1.7e308)]
    )
    def test_infinite_sums_are_refused(self, alpha, value, weight):
        with pytest.raises(ValueError, match="sums of X, sample_weight and alpha must be finite"):
            LogCountRatioScaler(alpha).fit(np.full((4, 2), value), [0, 1, 0, 1], np.full(4, weight))

    def test_float32_counts_are_summed_in_float64(self):
        # In float32, 2**24 + 1 is 2**24.
        X = np.array([[2**24, 1], [1, 1], [1, 1], [1, 1]], dtype=np.float32)
        y = np.array([1, 1, 1, 0])
        expected = one_liner(X.astype(np.float64), y)
        for features in (X, sp.csr_array(X)):
            ratio = LogCountRatioScaler().fit(features, y).feature_log_count_ratio_
            assert ratio.dtype == np.float64
            assert_allclose(ratio, expected, rtol=1e-12)


def loop_over_classes(X, y, alpha=1.0):
    """The one-vs-rest ratios, one by one."""
    ratios = []
    for label in sorted(set(y.tolist())):
        row = []
        for column in range(X.shape[1]):
            p, total_p = alpha + X[y == label, column].sum(), (alpha + X[y == label].sum(0)).sum()
            q, total_q = alpha + X[y != label, column].sum(), (alpha + X[y != label].sum(0)).sum()
            row.append(np.log(p / total_p) - np.log(q / total_q))
        ratios.append(row)
    return np.array(ratios)


class TestMoreClasses:
    @given(data=samples(), alpha=alphas, n_classes=st.integers(3, 6), seed=st.integers(0, 99))
    def test_equal_to_a_plain_loop(self, data, alpha, n_classes, seed):
        X, y = data
        X = np.vstack([X, np.random.default_rng(seed).integers(0, 9, (n_classes, X.shape[1]))])
        y = np.concatenate([y, np.arange(n_classes)])
        expected = loop_over_classes(X, y, alpha)
        factors = np.sqrt((expected**2).mean(axis=0))
        for features in (X, sp.csr_array(X)):
            scaler = LogCountRatioScaler(alpha).fit(features, y)
            assert scaler.classes_.tolist() == list(range(n_classes))
            assert scaler.feature_log_count_ratio_.shape == (n_classes, X.shape[1])
            assert_allclose(scaler.feature_log_count_ratio_, expected, atol=1e-12)
            assert_allclose(scaler.scale_, factors, atol=1e-12)
            scaled = scaler.transform(features)
            scaled = scaled.toarray() if sp.issparse(scaled) else scaled
            assert_allclose(scaled, X * factors, atol=1e-9)

    def test_each_row_is_the_ratio_of_two_classes(self):
        X, _ = multi_hot(90)
        y = np.array(["bad", "fair", "good"])[np.arange(90) % 3]
        scaler = LogCountRatioScaler().fit(X, y)
        assert scaler.classes_.tolist() == ["bad", "fair", "good"]
        for label, ratio in zip(scaler.classes_, scaler.feature_log_count_ratio_, strict=True):
            expected = LogCountRatioScaler().fit(X, y == label).feature_log_count_ratio_
            assert_allclose(ratio, expected, atol=1e-12)

    @given(weights=hnp.arrays(np.int64, 12, elements=st.integers(0, 5)))
    def test_weights_are_repetitions(self, weights):
        X, y = multi_hot(12)[0], np.arange(12) % 3
        weights[:3] += 1
        weighted = LogCountRatioScaler().fit(X, y, sample_weight=weights)
        repeated = LogCountRatioScaler().fit(X.repeat(weights, axis=0), y.repeat(weights))
        assert_allclose(weighted.scale_, repeated.scale_, atol=1e-12)

    def test_small_counts_beside_large_ones_are_not_lost(self):
        X = np.array([[1e18, 1e-3], [1e-3, 1e-3], [1e-3, 1e18]])
        scaler = LogCountRatioScaler(1e-6).fit(X, [0, 1, 2])
        expected = loop_over_classes(X, np.arange(3), 1e-6)
        assert_allclose(scaler.feature_log_count_ratio_, expected, atol=1e-12)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_few_samples_are_scaled_as_many_are(self, dtype):
        X, _ = multi_hot(90)
        X = sp.csr_array(X.astype(dtype))
        scaler = LogCountRatioScaler().fit(X, np.arange(90) % 3)
        one_by_one = sp.vstack([scaler.transform(X[i : i + 1]) for i in range(90)])
        assert one_by_one.dtype == dtype
        assert (one_by_one != scaler.transform(X)).nnz == 0

    def test_two_classes_keep_their_sign(self):
        scaler = LogCountRatioScaler().fit(X, Y)
        assert scaler.feature_log_count_ratio_.shape == (4,)
        assert_array_equal(scaler.scale_, scaler.feature_log_count_ratio_)
        assert scaler.scale_.min() < 0 < scaler.scale_.max()

    def test_transforming_a_sample_makes_no_array_over_all_features(self):
        X = sp.csr_array(multi_hot(60, 100_000, density=0.01)[0])
        scaler = LogCountRatioScaler().fit(X, np.arange(60) % 3)
        tracemalloc.start()
        try:
            scaler.transform(X[:1])
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 100_000


class TestSampleWeight:
    @given(data=samples(), weights=hnp.arrays(np.int64, 7, elements=st.integers(0, 5)))
    def test_weights_are_repetitions(self, data, weights):
        X, y = data
        weights = weights[: len(y)]
        weights[:2] += 1
        weighted = LogCountRatioScaler().fit(X, y, sample_weight=weights)
        repeated = LogCountRatioScaler().fit(X.repeat(weights, axis=0), y.repeat(weights))
        assert_allclose(
            weighted.feature_log_count_ratio_, repeated.feature_log_count_ratio_, atol=1e-12
        )

    def test_fractions(self):
        weighted = LogCountRatioScaler(0.5).fit(X, Y, sample_weight=[0.5, 1.5, 0.5, 1.0])
        doubled = LogCountRatioScaler(1.0).fit(X, Y, sample_weight=[1.0, 3.0, 1.0, 2.0])
        assert_allclose(weighted.feature_log_count_ratio_, doubled.feature_log_count_ratio_)

    def test_a_third_class_without_weight_is_absent(self):
        scaler = LogCountRatioScaler().fit(X, [1, 0, 2, 0], sample_weight=[1, 1, 0, 1])
        expected = LogCountRatioScaler().fit(X[[0, 1, 3]], [1, 0, 0])
        assert scaler.classes_.tolist() == [0, 1]
        assert_array_equal(scaler.feature_log_count_ratio_, expected.feature_log_count_ratio_)

    def test_fit_transform_and_pipelines_pass_it_on(self):
        weights = [1, 2, 3, 4]
        expected = X * LogCountRatioScaler().fit(X, Y, weights).feature_log_count_ratio_
        scaler = LogCountRatioScaler()
        assert_allclose(scaler.fit_transform(X, Y, sample_weight=weights), expected)
        pipeline = make_pipeline(LogCountRatioScaler())
        pipeline.fit(X, Y, logcountratioscaler__sample_weight=weights)
        assert_allclose(pipeline.transform(X), expected)


class TestTransform:
    @given(data=samples(), alpha=alphas)
    def test_multiplies_each_column_by_its_ratio(self, data, alpha):
        X, y = data
        scaled = LogCountRatioScaler(alpha).fit_transform(X, y)
        assert_allclose(scaled, X * one_liner(X, y, alpha), rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize(
        "container",
        [sp.csr_array, sp.csr_matrix, sp.csc_array, sp.csc_matrix, sp.coo_array, sp.lil_matrix],
    )
    @given(data=samples(), alpha=alphas)
    def test_sparse_as_dense(self, container, data, alpha):
        X, y = data
        dense = LogCountRatioScaler(alpha).fit_transform(X, y)
        scaled = LogCountRatioScaler(alpha).fit_transform(container(X), y)
        assert scaled.format == "csr"
        assert isinstance(scaled, sp.sparray) == issubclass(container, sp.sparray)
        assert scaled.nnz == np.count_nonzero(X)
        assert_allclose(scaled.toarray(), dense, rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
    @pytest.mark.parametrize("container", [sp.csr_array, sp.csr_matrix])
    def test_both_index_dtypes(self, container, index_dtype):
        scaled = LogCountRatioScaler().fit_transform(with_index_dtype(X, index_dtype, container), Y)
        assert_allclose(scaled.toarray(), X * one_liner(X, Y))

    @pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
    def test_index_dtype_of_a_sparse_array_is_kept(self, index_dtype):
        scaled = LogCountRatioScaler().fit_transform(with_index_dtype(X, index_dtype), Y)
        assert scaled.indices.dtype == index_dtype
        assert scaled.indptr.dtype == index_dtype

    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    @pytest.mark.parametrize(
        ("dtype", "expected"),
        [
            (np.float32, np.float32),
            (np.float64, np.float64),
            (np.int64, np.float64),
            (np.uint8, np.float64),
            (bool, np.float64),
        ],
    )
    def test_dtype(self, container, dtype, expected):
        features = container((X > 0).astype(dtype))
        scaled = LogCountRatioScaler().fit_transform(features, Y)
        assert scaled.dtype == expected
        scaled = scaled.toarray() if sp.issparse(scaled) else scaled
        assert_allclose(scaled, (X > 0) * one_liner(X > 0, Y), rtol=1e-6)

    def test_more_entries_than_fit_a_block(self):
        X, y = multi_hot(1000, 700, density=0.5)
        assert np.count_nonzero(X) > 2**18
        scaled = LogCountRatioScaler().fit_transform(sp.csr_array(X), y)
        assert_allclose(scaled.toarray(), X * one_liner(X, y), rtol=1e-5, atol=1e-6)

    def test_duplicate_entries_are_summed(self):
        repeated = sp.csr_array(
            (np.array([1.0, 2.0, 5.0, 1.0]), np.array([1, 1, 0, 1]), np.array([0, 2, 4])),
            shape=(2, 2),
        )
        summed = np.array([[0.0, 3.0], [5.0, 1.0]])
        scaled = LogCountRatioScaler().fit_transform(repeated, [0, 1])
        assert_allclose(scaled.toarray(), summed * one_liner(summed, np.array([0, 1])))

    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    def test_no_samples_to_transform_are_refused(self, container):
        scaler = LogCountRatioScaler().fit(X, Y)
        with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
            scaler.transform(container(np.empty((0, 4))))

    def test_samples_without_features(self):
        scaler = LogCountRatioScaler().fit(X, Y)
        assert scaler.transform(sp.csr_array((3, 4))).nnz == 0


class TestCopy:
    @pytest.mark.parametrize("container", [np.array, sp.csr_array, sp.csc_array, pd.DataFrame])
    def test_input_is_not_changed(self, container):
        features = container(X)
        LogCountRatioScaler().fit_transform(features, Y)
        features = features.toarray() if sp.issparse(features) else np.asarray(features)
        assert_array_equal(features, X)

    def test_result_shares_no_memory(self):
        features = sp.csr_array(X)
        scaled = LogCountRatioScaler().fit_transform(features, Y)
        for array in ("data", "indices", "indptr"):
            assert not np.shares_memory(getattr(scaled, array), getattr(features, array))
        dense = X.copy()
        assert not np.shares_memory(LogCountRatioScaler().fit_transform(dense, Y), dense)

    @pytest.mark.parametrize("container", [np.array, sp.csr_array])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_without_it_scales_in_place(self, container, dtype):
        features = container(X.astype(dtype))
        scaled = LogCountRatioScaler(copy=False).fit(features, Y).transform(features)
        assert scaled is features
        result = features.toarray() if sp.issparse(features) else features
        assert_allclose(result, X * one_liner(X, Y), rtol=1e-6)

    @pytest.mark.parametrize("container", [np.array, sp.csr_array])
    def test_without_it_features_that_are_read_only_are_not_changed(self, container):
        features = container(X)
        (features.data if sp.issparse(features) else features).flags.writeable = False
        scaled = LogCountRatioScaler(copy=False).fit_transform(features, Y)
        assert_allclose(scaled.toarray() if sp.issparse(scaled) else scaled, X * one_liner(X, Y))
        assert_array_equal(features.toarray() if sp.issparse(features) else features, X)

    def test_fit_does_not_scale(self):
        features = sp.csr_array(X)
        LogCountRatioScaler(copy=False).fit(features, Y)
        assert_array_equal(features.toarray(), X)


class TestErrors:
    @pytest.mark.parametrize(
        ("y", "message"),
        [
            ([1, 1, 1, 1], r"at least two classes .* got 1 class\(es\): \[1\]"),
            (["a", "a", "a", "a"], r"got 1 class\(es\): \['a'\]"),
            ([0.1, 0.2, 0.3, 0.4], "Unknown label type: continuous"),
            ([0.0, np.nan, 1.0, 1.0], "Input y contains NaN"),
            (None, "requires y to be passed, but the target y is None"),
            ([[0, 1], [1, 0], [0, 1], [1, 1]], "y should be a 1d array"),
            ([0, 1], "y must have a label for each of the 4 samples of X; got 2"),
        ],
    )
    def test_wrong_labels(self, y, message):
        with pytest.raises(ValueError, match=message):
            LogCountRatioScaler().fit(X, y)

    def test_a_column_of_labels_is_flattened_with_a_warning(self):
        with pytest.warns(DataConversionWarning, match="column-vector y"):
            scaler = LogCountRatioScaler().fit(X, Y[:, np.newaxis])
        assert_allclose(scaler.feature_log_count_ratio_, one_liner(X, Y))

    @pytest.mark.parametrize(
        ("sample_weight", "message"),
        [
            (
                [1, 0, 1, 0],
                r"among the samples of positive sample_weight; got 1 class\(es\)",
            ),
            ([1, -1, 1, 1], "Negative values in data passed to `sample_weight`"),
            ([1, np.inf, 1, 1], "Input sample_weight contains infinity"),
            ([1, 1], r"sample_weight.shape == \(2,\), expected \(4,\)"),
        ],
    )
    def test_wrong_weights(self, sample_weight, message):
        with pytest.raises(ValueError, match=message):
            LogCountRatioScaler().fit(X, Y, sample_weight=sample_weight)

    def test_no_weights(self):
        # scikit-learn 1.9 raises its own error first.
        with pytest.raises(ValueError, match=r"(two classes .* got 0 class|at least one non-zero)"):
            LogCountRatioScaler().fit(X, Y, sample_weight=np.zeros(4))

    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csc_matrix, pd.DataFrame])
    def test_negative_features(self, container):
        negative = container(X - 2 * (X == 3))
        assert LogCountRatioScaler().fit(negative, Y)
        negative = container(X - 4 * (X == 3))
        message = "Negative values in data passed to X in LogCountRatioScaler"
        with pytest.raises(ValueError, match=message):
            LogCountRatioScaler().fit(negative, Y)
        with pytest.raises(ValueError, match=message):
            LogCountRatioScaler().fit(X, Y).transform(negative)

    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_features_must_be_finite(self, container, value):
        wrong = X.copy()
        wrong[0, 0] = value
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            LogCountRatioScaler().fit(container(wrong), Y)
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            LogCountRatioScaler().fit(X, Y).transform(container(wrong))

    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    def test_another_number_of_features(self, container):
        scaler = LogCountRatioScaler().fit(X, Y)
        message = "X has 3 features, but LogCountRatioScaler is expecting 4 features"
        with pytest.raises(ValueError, match=message):
            scaler.transform(container(X[:, :3]))

    @pytest.mark.parametrize("alpha", [0, -1.0, np.inf, np.nan, "1", None])
    def test_wrong_alpha(self, alpha):
        message = "The 'alpha' parameter of LogCountRatioScaler must be a float in the range"
        with pytest.raises(ValueError, match=message):
            LogCountRatioScaler(alpha).fit(X, Y)

    def test_not_fitted(self):
        with pytest.raises(NotFittedError):
            LogCountRatioScaler().get_feature_names_out()

    @pytest.mark.parametrize(
        ("features", "y", "sample_weight"),
        [
            (X[:, :3], [1, 1, 1, 1], None),
            (X[:, :3] - 1, Y, None),
            (pd.DataFrame(X[:, :3], columns=["d", "e", "f"]), Y, -np.ones(4)),
            (pd.DataFrame(X[:, :3], columns=["d", "e", 1]), Y, None),
        ],
        ids=["labels", "features", "weights", "names"],
    )
    def test_a_failed_fit_leaves_the_scaler_as_it_was(self, features, y, sample_weight):
        scaler = LogCountRatioScaler().fit(pd.DataFrame(X, columns=list("abcd")), Y)
        before = copy.deepcopy(vars(scaler))
        with pytest.raises((TypeError, ValueError)):
            scaler.fit(features, y, sample_weight)
        assert vars(scaler).keys() == before.keys()
        for name, value in before.items():
            assert_array_equal(getattr(scaler, name), value)


class TestContract:
    def test_tags(self):
        tags = get_tags(LogCountRatioScaler())
        assert tags.estimator_type is None
        assert tags.input_tags.sparse
        assert tags.input_tags.positive_only
        assert tags.target_tags.required
        assert tags.classifier_tags is None
        assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]

    def test_refit_forgets(self):
        scaler = LogCountRatioScaler().fit(pd.DataFrame(X, columns=list("abcd")), Y)
        scaler.fit(X[:, :2], Y)
        assert not hasattr(scaler, "feature_names_in_")
        assert scaler.n_features_in_ == 2
        assert_allclose(scaler.feature_log_count_ratio_, one_liner(X[:, :2], Y))


class TestFeatureNames:
    def test_are_those_of_the_input(self):
        frame = pd.DataFrame(X, columns=["good", "bad", "film", "the"])
        scaler = LogCountRatioScaler().fit(frame, Y)
        assert scaler.feature_names_in_.tolist() == ["good", "bad", "film", "the"]
        assert scaler.get_feature_names_out().tolist() == ["good", "bad", "film", "the"]

    def test_are_passed_through_a_pipeline(self):
        vectorizer = MultiHotVectorizer(7, word_index={"good": 1, "bad": 2, "film": 3})
        pipeline = make_pipeline(vectorizer, LogCountRatioScaler())
        pipeline.fit([[4, 6], [5, 6]], [1, 0])
        assert pipeline.get_feature_names_out()[4:].tolist() == ["good", "bad", "film"]

    def test_frame_in_frame_out(self):
        frame = pd.DataFrame(X, columns=list("abcd"))
        scaler = LogCountRatioScaler().set_output(transform="pandas").fit(frame, Y)
        scaled = scaler.transform(frame)
        assert scaled.columns.tolist() == list("abcd")
        assert_allclose(scaled.to_numpy(), X * one_liner(X, Y))


class TestComposition:
    def test_grid_search_over_alpha(self):
        X, y = multi_hot(200)
        pipeline = make_pipeline(LogCountRatioScaler(), LogisticRegression(C=0.1))
        grid = {"logcountratioscaler__alpha": [1e-2, 1.0, 1e5]}
        search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(sp.csr_array(X), y)
        assert search.best_score_ > 0.7
        scores = search.cv_results_["mean_test_score"]
        assert scores[2] < scores[:2].min()

    def test_linear_svc_is_linear_in_the_unscaled_features(self):
        X, y = multi_hot(200)
        pipeline = make_pipeline(LogCountRatioScaler(), LinearSVC(C=0.1)).fit(X, y)
        scaler, svc = pipeline
        coefficients = svc.coef_[0] * scaler.feature_log_count_ratio_
        assert_allclose(pipeline.decision_function(X), X @ coefficients + svc.intercept_, atol=1e-5)

    def test_one_versus_rest_for_more_classes(self):
        X, _ = multi_hot(90)
        y = np.arange(90) % 3
        pipeline = make_pipeline(LogCountRatioScaler(), LogisticRegression())
        classifier = OneVsRestClassifier(pipeline).fit(X, y)
        for label, member in enumerate(classifier.estimators_):
            expected = one_liner(X, (y == label).astype(int))
            assert_allclose(member[0].feature_log_count_ratio_, expected, rtol=1e-5, atol=1e-6)

    @pytest.mark.real_data
    def test_words_of_real_reviews(self):
        reviews, y = fetch_imdb(subset="train", return_X_y=True)
        X = MultiHotVectorizer(1000).fit_transform(reviews)
        ratio = LogCountRatioScaler().fit(X, y).feature_log_count_ratio_
        counts = np.ones((2, 1000))
        for review, label in zip(reviews, y, strict=True):
            counts[label, np.unique(np.where(review < 1000, review, 2))] += 1
        negative, positive = counts / counts.sum(axis=1, keepdims=True)
        assert_allclose(ratio, np.log(positive / negative), atol=1e-12)
        rank = fetch_imdb_word_index()
        assert ratio[rank["worst"] + 3] < -2
        assert ratio[rank["excellent"] + 3] > 1
