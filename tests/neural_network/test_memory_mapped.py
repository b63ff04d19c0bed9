"""Matrices in memory-mapped files, and the order of more samples than are permuted at once."""

import mmap
import subprocess
import sys
from pathlib import Path
from unittest import mock

import joblib
import keras
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.validation import check_array

from skimdb import DenseSentimentClassifier
from skimdb.neural_network import _samples
from skimdb.neural_network._keras_fit import Batches
from skimdb.neural_network._samples import (
    GROUP_SIZE,
    Samples,
    check_samples,
    epoch_rng,
    shuffled_batches,
)
from skimdb.utils import _mapped
from skimdb.utils._mapped import copy_rows, is_mapped, release_pages, view_rows
from tests.neural_network.common import assert_equal_weights, make_multi_hot

SMALL_GROUPS = {"CHUNK_SIZE": 4, "GROUP_SIZE": 32}


def mapped(X, directory, mode="r"):
    """Return the matrix with its arrays in files."""
    for name in ("data", "indices", "indptr"):
        np.save(directory / f"{name}.npy", getattr(X, name))
    return open_mapped(directory, X.shape, mode)


def open_mapped(directory, shape, mode="r"):
    arrays = [
        np.load(directory / f"{name}.npy", mmap_mode=mode) for name in ("data", "indices", "indptr")
    ]
    return sp.csr_matrix(tuple(arrays), shape=shape)


def make_long(n_samples, n_features=40, random_state=0):
    """Return a matrix of many short rows, and labels that depend on them."""
    rng = np.random.default_rng(random_state)
    indices = rng.integers(0, n_features, (n_samples, 3), dtype=np.int32)
    data = rng.random(3 * n_samples, dtype=np.float32)
    indptr = np.arange(0, 3 * n_samples + 1, 3, dtype=np.int32)
    X = sp.csr_matrix((data, indices.ravel(), indptr), shape=(n_samples, n_features))
    return X, (indices[:, 0] > n_features // 2).astype(int)


def classifier(**parameters):
    defaults = {"units": 4, "epochs": 2, "batch_size": 500, "random_state": 3}
    return DenseSentimentClassifier(**(defaults | parameters))


def in_chunks(n_samples, batch_size, rng):
    return shuffled_batches(n_samples, batch_size, rng, in_chunks=True)


@pytest.fixture(scope="module")
def long_reviews():
    return make_long(GROUP_SIZE + 4500)


@pytest.fixture(scope="module")
def long_mapped(long_reviews, tmp_path_factory):
    return mapped(long_reviews[0], tmp_path_factory.mktemp("mapped"))


@pytest.fixture
def small_groups(monkeypatch):
    for name, value in SMALL_GROUPS.items():
        monkeypatch.setattr(_samples, name, value)


class TestOrder:
    @given(st.integers(1, 200), st.integers(1, 100), st.integers(0, 5))
    def test_batches_hold_each_row_once_and_are_full(self, n_samples, batch_size, seed):
        with mock.patch.multiple(_samples, **SMALL_GROUPS):
            batches = list(in_chunks(n_samples, batch_size, np.random.default_rng(seed)))
        np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(n_samples))
        assert {len(batch) for batch in batches[:-1]} <= {batch_size}
        assert 0 < len(batches[-1]) <= batch_size

    @pytest.mark.parametrize("n_samples", [1, 1000, GROUP_SIZE])
    def test_a_group_or_less_is_one_permutation(self, n_samples):
        order = np.concatenate(list(in_chunks(n_samples, 300, epoch_rng(5, 2))))
        np.testing.assert_array_equal(order, epoch_rng(5, 2).permutation(n_samples))

    @pytest.mark.usefixtures("small_groups")
    def test_groups_are_of_whole_chunks(self):
        order = np.concatenate(list(in_chunks(32 * 5, 7, epoch_rng(0, 0))))
        for group in order.reshape(5, 32):
            _, n_rows = np.unique(group // 4, return_counts=True)
            assert (n_rows == 4).all()
            assert (np.diff(group) != 1).any()

    @pytest.mark.usefixtures("small_groups")
    @pytest.mark.parametrize("n_samples", [32 * 5, 32 * 5 + 1, 32 * 7 - 3])
    def test_each_group_has_its_share_of_every_part(self, n_samples):
        groups = list(_samples._shuffled_groups(n_samples, epoch_rng(0, 0), in_chunks=True))
        sizes = [len(group) for group in groups]
        assert max(sizes) - min(sizes) <= 4
        for group in groups:
            for half in (group < n_samples // 2, group >= n_samples // 2):
                assert abs(half.sum() - len(group) / 2) <= 4

    @pytest.mark.usefixtures("small_groups")
    def test_in_memory_any_number_is_one_permutation(self):
        batches = shuffled_batches(1000, 7, epoch_rng(0, 0), in_chunks=False)
        np.testing.assert_array_equal(
            np.concatenate(list(batches)), epoch_rng(0, 0).permutation(1000)
        )

    @pytest.mark.usefixtures("small_groups")
    def test_epochs_differ(self):
        orders = [np.concatenate(list(in_chunks(100, 9, epoch_rng(0, e)))) for e in (0, 1)]
        assert (orders[0] != orders[1]).any()

    @pytest.mark.usefixtures("small_groups")
    def test_other_draws_make_no_difference_to_the_order_of_many(self):
        rng, expected = epoch_rng(0, 0), list(in_chunks(100, 9, epoch_rng(0, 0)))
        for batch, expected_batch in zip(in_chunks(100, 9, rng), expected, strict=True):
            np.testing.assert_array_equal(batch, expected_batch)
            rng.random(3)

    @pytest.mark.usefixtures("small_groups")
    def test_keras_takes_the_same_order(self, tmp_path):
        X, y = make_multi_hot(100, 5)
        X.data[:] = np.arange(X.nnz)
        batches = Batches(Samples(mapped(X, tmp_path), y, np.ones(100, np.float32)), 9)
        batches.shuffle(epoch_rng(0, 0))
        for index, rows in enumerate(in_chunks(100, 9, epoch_rng(0, 0))):
            features, labels, _ = batches[index]
            dense = np.zeros(features.shape)
            dense[tuple(features.indices.numpy().T)] = features.values.numpy()
            np.testing.assert_array_equal(dense, X[rows].toarray())
            np.testing.assert_array_equal(labels, y[rows])


class TestSameAsInMemory:
    """In the same order, which for more than a group is that of mapped matrices."""

    @staticmethod
    def assert_same(estimator, X, X_mapped, y, **parameters):
        with mock.patch.object(Samples, "is_mapped", True):
            expected = estimator.fit(X, y, **parameters)
        weights, history = expected.model_.get_weights(), expected.history_
        expected_probabilities = expected.predict_proba(X)
        fitted = estimator.fit(X_mapped, y, **parameters)
        for weight, expected_weight in zip(fitted.model_.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(weight, expected_weight)
        assert fitted.history_ == history
        np.testing.assert_array_equal(fitted.predict_proba(X_mapped), expected_probabilities)

    @pytest.mark.parametrize(
        "recipe",
        [
            {"optimizer": "rmsprop", "dropout": 0.3},
            {"optimizer": "adam", "class_weight": "balanced"},
            {"optimizer": "sgd", "batch_size": 70_000},
        ],
        ids=["RMSprop", "Adam", "SGD"],
    )
    def test_more_than_a_group(self, recipe, long_reviews, long_mapped):
        self.assert_same(classifier(**recipe), long_reviews[0], long_mapped, long_reviews[1])

    @pytest.mark.parametrize("optimizer", ["rmsprop", "adam", "sgd"])
    def test_up_to_a_group(self, optimizer, tmp_path):
        X, y = make_multi_hot(300, 200)
        weight = np.random.default_rng(0).random(300)
        weight[:20] = 0
        estimator = classifier(optimizer=optimizer, dropout=0.2, batch_size=32)
        weights = estimator.fit(X, y, sample_weight=weight).model_.get_weights()
        fitted = estimator.fit(mapped(X, tmp_path), y, sample_weight=weight)
        for actual, expected in zip(fitted.model_.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(actual, expected)

    def test_sample_weights_and_validation_of_more_than_a_group(self, long_reviews, long_mapped):
        X, y = long_reviews
        weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
        self.assert_same(
            classifier(epochs=1), X, long_mapped, y, sample_weight=weight, X_val=X[:300],
            y_val=y[:300],
        )  # fmt: skip

    @pytest.mark.usefixtures("small_groups")
    def test_wide_rows(self, tmp_path):
        X, y = make_multi_hot(300, 3000, n_words=20)
        self.assert_same(classifier(optimizer="adam", batch_size=13), X, mapped(X, tmp_path), y)

    @pytest.mark.usefixtures("small_groups")
    def test_by_keras(self, eager_keras, tmp_path):
        X, y = make_multi_hot(100, 30)
        estimator = classifier(optimizer=keras.optimizers.Nadam(), epochs=1, batch_size=16)
        X_mapped = mapped(X, tmp_path)
        self.assert_same(estimator, X, X_mapped, y)
        assert estimator.fit_method_ == "keras"

    def test_partial_fit(self, long_reviews, long_mapped):
        X, y = long_reviews
        with mock.patch.object(Samples, "is_mapped", True):
            expected = classifier().partial_fit(X, y, classes=[0, 1])
        fitted = classifier().partial_fit(long_mapped, y, classes=[0, 1])
        assert_equal_weights(fitted.model_, expected.model_)

    def test_joblib(self, tmp_path):
        X, y = make_multi_hot(200, 30)
        joblib.dump(X, tmp_path / "X.joblib")
        X_mapped = joblib.load(tmp_path / "X.joblib", mmap_mode="r")
        assert is_mapped(X_mapped)
        self.assert_same(classifier(batch_size=32), X, X_mapped, y)


def test_arrays_that_joblib_shares_count_as_in_memory(long_reviews):
    X, y = long_reviews
    expected = classifier(epochs=1).fit(X, y).model_.get_weights()
    # Of more than 100 kB joblib makes files.
    with joblib.parallel_config(backend="loky", n_jobs=2, max_nbytes="100K"):
        (weights, _) = joblib.Parallel()(joblib.delayed(weights_of_fit)(X, y) for _ in range(2))
    for weight, expected_weight in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(weight, expected_weight)


def weights_of_fit(X, y):
    assert isinstance(X.data.base, np.memmap) or isinstance(X.data, np.memmap)
    return classifier(epochs=1).fit(X, y).model_.get_weights()


class TestBlocks:
    """Results of more samples than a group do not depend on the blocks they are computed in."""

    @pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array, sp.csr_matrix.toarray])
    @pytest.mark.parametrize("activation", ["relu", "gelu"])
    @pytest.mark.usefixtures("eager_keras")
    def test_predictions(self, kind, activation, monkeypatch):
        X, y = make_multi_hot(150, 30, n_classes=3)
        fitted = classifier(activation=activation, epochs=1, batch_size=50).fit(X, y)
        expected = fitted.model_.predict(X.toarray(), verbose=0)
        monkeypatch.setattr(_samples, "GROUP_SIZE", 32)
        np.testing.assert_allclose(fitted.predict_proba(kind(X)), expected, atol=1e-6)

    @pytest.mark.parametrize("batch_size", [7, 50])
    def test_validation(self, batch_size, reviews, more_reviews, monkeypatch):
        def history():
            X_val, y_val = more_reviews
            weight = np.linspace(0.1, 2, len(y_val))
            fitted = classifier(batch_size=batch_size, epochs=1)
            fitted.fit(*reviews, X_val=X_val, y_val=y_val, sample_weight_val=weight)
            return fitted

        loss, accuracy = history().model_.evaluate(
            more_reviews[0].toarray(), more_reviews[1], verbose=0, batch_size=batch_size,
            sample_weight=np.linspace(0.1, 2, 60),
        )  # fmt: skip
        # Training is of one group as before; only the evaluation is cut.
        with monkeypatch.context() as patch:
            patch.setattr("skimdb.neural_network._training.row_blocks", blocks_of_20)
            blockwise = history().history_
        assert blockwise["val_loss"][0] == pytest.approx(loss, abs=1e-5)
        assert blockwise["val_accuracy"][0] == pytest.approx(accuracy, abs=1e-6)

    def test_rows_of_blocks_are_whole_batches(self, monkeypatch):
        monkeypatch.setattr(_samples, "GROUP_SIZE", 32)
        X = sp.random(100, 6, 0.5, "csr", random_state=0)
        blocks = list(_samples.row_blocks(X, 7))
        assert [rows for rows, _ in blocks] == [slice(0, 28), slice(28, 56), slice(56, 84),
                                                slice(84, 100)]  # fmt: skip
        for rows, block in blocks:
            np.testing.assert_array_equal(block.toarray(), X[rows].toarray())


def blocks_of_20(X, batch_size=1):
    with mock.patch.object(_samples, "GROUP_SIZE", 20):
        yield from list(_samples.row_blocks(X, batch_size))


class TestLabels:
    @pytest.mark.usefixtures("small_groups")
    @pytest.mark.parametrize("labels", [[3, 5], ["bad", "good", "so so"], [-1.0, 2.0]])
    @pytest.mark.parametrize("class_weight", [None, "balanced"])
    def test_more_than_a_group(self, labels, class_weight):
        y = np.random.default_rng(0).choice(labels, 100, p=np.arange(1, len(labels) + 1) /
                                            sum(range(len(labels) + 1)))  # fmt: skip
        X = sp.random(100, 5, 0.5, "csr", np.float32)
        samples, classes = check_samples(X, y, None, class_weight=class_weight)
        np.testing.assert_array_equal(classes, labels)
        np.testing.assert_array_equal(classes[samples.y], y)
        shares = np.array([np.mean(y == label) for label in labels])
        expected = 1 / (len(labels) * shares) if class_weight else np.ones(len(labels))
        np.testing.assert_allclose(samples.sample_weight, expected[samples.y], rtol=1e-6)

    def test_a_byte_each(self):
        X = sp.csr_matrix((1000, 5), dtype=np.float32)
        samples, _ = check_samples(X, np.arange(1000) % 200, None)
        assert samples.y.nbytes == 1000
        assert samples.sample_weight.strides == (0,)

    def test_more_classes_than_a_byte_has_values(self):
        y = np.arange(1000) % 400
        samples, _ = check_samples(sp.csr_matrix((1000, 5), dtype=np.float32), y, None)
        np.testing.assert_array_equal(samples.y, y)

    @pytest.mark.usefixtures("small_groups")
    def test_labels_in_a_later_block_are_checked(self):
        y = np.zeros(100)
        y[90] = 0.5
        with pytest.raises(ValueError, match="Unknown label type: continuous"):
            check_samples(sp.csr_matrix((100, 5), dtype=np.float32), y, None)

    def test_classes_without_weight_are_left_out(self):
        y = np.arange(90) % 3
        X = sp.csr_matrix(np.eye(90, dtype=np.float32))
        samples, classes = check_samples(X, y, None, class_weight={1: 0})
        np.testing.assert_array_equal(classes, [0, 2])
        np.testing.assert_array_equal(classes[samples.y], y[y != 1])
        np.testing.assert_array_equal(samples.X.toarray(), np.eye(90)[y != 1])


class TestFinite:
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("method", ["fit", "partial_fit", "predict"])
    def test_message_is_scikit_learns(self, value, method, tmp_path, monkeypatch):
        monkeypatch.setattr("skimdb.neural_network._validation._BLOCK_SIZE", 100)
        X, y = make_multi_hot(200, 30)
        estimator = classifier(epochs=1).fit(X, y)
        X.data[-5] = value
        with pytest.raises(ValueError, match="Input X contains") as expected:
            check_array(X, accept_sparse="csr", estimator=estimator, input_name="X")
        arguments = (mapped(X, tmp_path),) if method == "predict" else (mapped(X, tmp_path), y)
        with pytest.raises(ValueError, match="Input X contains") as raised:
            getattr(estimator, method)(*arguments)
        assert str(raised.value) == str(expected.value)

    def test_another_type_is_converted_and_checked(self, tmp_path):
        X, y = make_multi_hot(200, 30)
        integers = mapped(X.astype(np.int8), tmp_path)
        expected = classifier().fit(X, y)
        assert_equal_weights(classifier().fit(integers, y).model_, expected.model_)

    def test_without_entries(self, tmp_path):
        # An empty file cannot be mapped; that of the row pointers can.
        np.save(tmp_path / "indptr.npy", np.zeros(11, np.int32))
        indptr = np.load(tmp_path / "indptr.npy", mmap_mode="r")
        X = sp.csr_matrix((np.empty(0, np.float32), np.empty(0, np.int32), indptr), shape=(10, 3))
        assert is_mapped(X)
        assert classifier(epochs=1).fit(X, np.arange(10) % 2).predict(X).shape == (10,)


class TestPages:
    @staticmethod
    def resident_kb(path):
        """Return how much of a mapped file is in this process's resident set."""
        lines = Path("/proc/self/smaps").read_text().splitlines()
        starts = [number for number, line in enumerate(lines) if line.endswith(str(path))]
        resident = [next(line for line in lines[i:] if line.startswith("Rss:")) for i in starts]
        return sum(int(line.split()[1]) for line in resident)

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    def test_pages_that_were_read_are_released(self, tmp_path):
        X, _ = make_long(50_000)
        X_mapped = mapped(X, tmp_path)
        assert X_mapped.data.sum() == X.data.sum()
        assert self.resident_kb(tmp_path / "data.npy") > 500
        release_pages(X_mapped)
        assert self.resident_kb(tmp_path / "data.npy") == 0
        np.testing.assert_array_equal(X_mapped.data, X.data)

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    def test_training_and_prediction_leave_no_pages(self, tmp_path, long_reviews):
        X_mapped = mapped(long_reviews[0], tmp_path)
        fitted = classifier(epochs=1).fit(X_mapped, long_reviews[1])
        assert self.resident_kb(tmp_path / "data.npy") == 0
        fitted.predict(X_mapped)
        assert self.resident_kb(tmp_path / "indices.npy") == 0

    @pytest.mark.parametrize("mode", ["c", "r+"])
    def test_changes_survive_a_fit(self, mode, tmp_path, long_reviews):
        X_mapped = mapped(long_reviews[0], tmp_path, mode)
        X_mapped.data[:] = 2
        classifier(epochs=1).fit(X_mapped, long_reviews[1]).predict(X_mapped)
        assert not is_mapped(X_mapped)
        assert (X_mapped.data == 2).all()

    def test_nothing_happens_without_madvise(self, tmp_path, monkeypatch):
        X = mapped(make_long(1000)[0], tmp_path)
        monkeypatch.delattr(mmap, "MADV_DONTNEED", raising=False)
        monkeypatch.setattr(_mapped, "_read_only_maps", None)
        release_pages(X)

    @pytest.mark.parametrize("kind", [sp.csr_matrix.toarray, sp.csr_matrix.tocsc, sp.csr_array])
    def test_in_memory_is_not_mapped(self, kind):
        assert not is_mapped(kind(make_long(10)[0]))


class TestRows:
    @given(st.sets(st.integers(0, 59), min_size=1), st.integers(1, 70))
    def test_copies_are_those_of_scipy(self, rows, chunk_size):
        X = sp.random(60, 9, 0.3, "csr", random_state=0)
        rows = np.array(sorted(rows))
        copy = copy_rows(X, rows, chunk_size)
        copy.check_format()
        np.testing.assert_array_equal(copy.toarray(), X[rows].toarray())

    @pytest.mark.parametrize("rows", [slice(0, 60), slice(0, 1), slice(7, 31)])
    def test_views_are_those_of_scipy_without_a_copy(self, rows):
        X = sp.random(60, 9, 0.3, "csr", random_state=0)
        view = view_rows(X, rows)
        assert np.shares_memory(view.data, X.data)
        np.testing.assert_array_equal(view.toarray(), X[rows].toarray())
        view.check_format()


PEAK = """
import sys
import numpy as np
from pathlib import Path
from skimdb import DenseSentimentClassifier
from tests.neural_network.test_memory_mapped import make_long, open_mapped

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


directory, n_samples, n_features = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
warm, labels = make_long(1000, n_features)
DenseSentimentClassifier(epochs=1).fit(warm, labels).predict(warm)
X = open_mapped(directory, (n_samples, n_features))
y = (np.arange(n_samples) % 2).astype(np.int8)
before = peak()
fitted = DenseSentimentClassifier(epochs=1, batch_size=4096).fit(X, y, X_val=X, y_val=y)
fitted.partial_fit(X, y).decision_function(X)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_peak_memory_does_not_depend_on_the_number_of_rows(tmp_path):
    peaks, sizes, n_entries = [], [], 60
    for n_samples in (100_000, 400_000):
        directory = tmp_path / str(n_samples)
        directory.mkdir()
        indices = np.arange(n_samples * n_entries, dtype=np.int32) % n_entries
        np.save(directory / "indices.npy", indices)
        np.save(directory / "data.npy", np.ones(len(indices), np.float32))
        np.save(directory / "indptr.npy", np.arange(n_samples + 1, dtype=np.int32) * n_entries)
        sizes.append(sum(path.stat().st_size for path in directory.iterdir()) // 1024)
        command = [sys.executable, "-c", PEAK, str(directory), str(n_samples), str(n_entries)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(run.stdout))
    assert peaks[1] - peaks[0] < 0.25 * (sizes[1] - sizes[0])


def test_a_matrix_that_is_sorted_by_class_is_learnt_as_well_as_a_shuffled_one(tmp_path):
    X, y = make_long(GROUP_SIZE + 20_000)
    rows = np.argsort(y, kind="stable")
    X_test, y_test = make_long(5_000, random_state=1)
    estimator = classifier(epochs=3, batch_size=512)
    expected = estimator.fit(X, y).score(X_test, y_test)
    assert expected > 0.7
    assert estimator.fit(mapped(X[rows], tmp_path), y[rows]).score(X_test, y_test) > expected - 0.02
