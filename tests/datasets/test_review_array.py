"""Pickling and hashing of object arrays of reviews."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from skimdb.datasets import make_reviews
from skimdb.datasets._review_array import ReviewArray, as_reviews
from tests.datasets.common import object_array


def review_array(rows):
    return object_array(rows).view(ReviewArray)


def pickled_copy(reviews):
    return pickle.loads(pickle.dumps(reviews))


def pickled_array(reviews):
    """Return the array that the pickle consists of."""
    return reviews.__reduce__()[1][0]


def assert_same_rows(actual, expected):
    assert actual.shape == expected.shape
    for actual_row, row in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(actual_row, row)
        assert type(actual_row) is type(row)
        assert getattr(actual_row, "dtype", None) == getattr(row, "dtype", None)


lengths_and_rows = st.lists(st.integers(0, 5), max_size=8).flatmap(
    lambda lengths: st.tuples(
        st.just(lengths), st.lists(st.integers(0, max(len(lengths) - 1, 0)), max_size=8)
    )
)


@pytest.mark.parametrize("lengths", [[], [0], [2, 0, 3], [2, 2, 2]])
def test_reviews_are_views_on_the_flat_array(lengths):
    flat = np.arange(sum(lengths), dtype=np.int32)
    reviews = as_reviews(flat, np.array(lengths, dtype=np.int64))
    assert reviews.shape == (len(lengths),)
    assert [len(review) for review in reviews] == lengths
    assert all(review.base is flat for review in reviews)
    assert [index for review in reviews for index in review] == flat.tolist()


@given(lengths_and_rows)
def test_any_selection_of_rows_can_be_pickled(lengths_and_rows):
    lengths, chosen = lengths_and_rows
    flat = np.arange(sum(lengths), dtype=np.int32)
    reviews = as_reviews(flat, np.array(lengths, dtype=np.int64))
    for rows in (reviews, reviews[chosen if lengths else []], reviews[::-1], reviews[1:]):
        restored = pickled_copy(rows)
        assert type(restored) is ReviewArray
        assert_same_rows(restored, rows)


@pytest.mark.parametrize(
    "rows",
    [
        [np.array([1, 2]), np.array([3], dtype=np.int8)],
        [np.array([1, 2]), [3]],
        [np.array([[1, 2]]), np.array([[3]])],
        [np.array([1.5]), np.array([2.5])],
        ["a text", None],
        [[1, 2], [3, 4]],
    ],
    ids=["dtypes", "types", "matrices", "floats", "texts", "lists"],
)
def test_rows_of_other_types_can_be_pickled(rows):
    reviews = review_array(rows)
    assert_same_rows(pickled_copy(reviews), reviews)


def test_a_matrix_of_reviews_can_be_pickled():
    restored = pickled_copy(review_array([np.arange(3), np.arange(2)]).reshape(1, 2))
    assert restored.shape == (1, 2)
    np.testing.assert_array_equal(restored[0, 1], np.arange(2))


def test_changed_rows_are_pickled():
    reviews, _ = make_reviews(5, random_state=0)
    reviews[1][0] = 77
    reviews[3] = np.array([7, 8, 9], dtype=np.int32)
    restored = pickled_copy(reviews)
    assert restored[1][0] == 77
    assert_same_rows(restored, reviews)


def test_whole_flat_array_is_pickled_without_a_copy():
    flat = np.arange(6, dtype=np.int32)
    reviews = as_reviews(flat, np.array([2, 0, 4]))
    assert pickled_array(reviews) is flat
    assert pickled_array(reviews[:2]) is not flat
    assert pickled_array(reviews[[2, 1, 0]]) is not flat


@pytest.mark.parametrize(
    "rows",
    [
        lambda flat: [flat[0:3:2], flat[2:4]],
        lambda flat: [flat[:1].repeat(0), np.broadcast_to(flat[1:2], 4)],
        lambda flat: [flat[:3], flat[1:2]],
        lambda flat: [flat[2:], flat[:2]],
        lambda flat: [flat[::-1]],
    ],
    ids=["strided", "broadcast", "overlapping", "out of order", "reversed"],
)
def test_other_views_on_one_flat_array_can_be_pickled(rows):
    reviews = review_array(rows(np.arange(4, dtype=np.int32)))
    assert_same_rows(pickled_copy(reviews), reviews)


def test_a_split_is_pickled_as_the_same_object_until_it_changes():
    reviews = make_reviews(20, random_state=0)[0][[3, 1, 2]]
    first = pickled_array(reviews)
    assert pickled_array(reviews) is first
    reviews[1][0] += 1
    changed = pickled_array(reviews)
    assert changed is not first
    np.testing.assert_array_equal(changed, np.concatenate(reviews))


def test_joblib_workers_share_one_copy_of_a_split():
    X, _ = make_reviews(3000, random_state=0)
    split, _ = train_test_split(X, random_state=0)
    with joblib.parallel_config(backend="loky"):
        files = joblib.Parallel(n_jobs=2)(joblib.delayed(shared_file)(split) for _ in range(6))
    assert len(set(files)) == 1


def shared_file(reviews):
    base = reviews[0]
    while not isinstance(base, np.memmap):
        base = base.base
    return str(base.filename)


def test_rows_of_a_memory_mapped_buffer_are_plain_arrays(tmp_path):
    np.save(tmp_path / "flat.npy", np.arange(6))
    flat = np.load(tmp_path / "flat.npy", mmap_mode="r")
    assert {type(row) for row in as_reviews(flat, np.array([2, 4]))} == {np.ndarray}


def test_the_pickle_is_as_small_as_the_indices():
    reviews, _ = make_reviews(1000, random_state=0)
    n_indices = sum(map(len, reviews))
    assert len(pickle.dumps(reviews)) < 4 * n_indices + 8 * len(reviews) + 1000


def test_joblib_hash_depends_only_on_the_contents():
    reviews, _ = make_reviews(50, random_state=0)
    copied = review_array([row.copy() for row in reviews])
    assert joblib.hash(reviews) == joblib.hash(copied)
    assert joblib.hash(reviews) != joblib.hash(reviews[::-1])
    copied[7][0] += 1
    assert joblib.hash(reviews) != joblib.hash(copied)
    flat = np.arange(4, dtype=np.int32)
    first, second = (as_reviews(flat, np.array(lengths)) for lengths in ([1, 3], [2, 2]))
    assert joblib.hash(first) != joblib.hash(second)


def test_splits_are_review_arrays():
    reviews, _ = make_reviews(50, random_state=0)
    for part in train_test_split(reviews, random_state=0):
        assert type(part) is ReviewArray
    assert type(copy.deepcopy(reviews)) is ReviewArray
