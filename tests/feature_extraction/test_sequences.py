"""Every container of sequences gives the same result; other input is refused with its row."""

import importlib
import subprocess
import sys
from array import array
from collections import deque
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skimdb.feature_extraction._sequences import MAX_INDEX, flatten_sequences

REVIEWS = [[1, 14, 22, 14], [], [3], [0, 2, 250, 7]]


def object_array(rows):
    result = np.empty(len(rows), dtype=object)
    for i, row in enumerate(rows):
        result[i] = row
    return result


def views_of_one_buffer(rows):
    flat = np.array([index for row in rows for index in row], dtype=np.int32)
    ends = np.cumsum([len(row) for row in rows])
    return object_array([flat[end - len(row) : end] for row, end in zip(rows, ends, strict=True)])


def ragged_tensor(rows):
    tf = importlib.import_module("tensorflow")  # takes seconds
    return tf.ragged.constant(rows, dtype=tf.int32, ragged_rank=1)


def list_array(rows):
    return pa.array(rows, pa.list_(pa.int64()))


@pytest.fixture
def tf():
    return importlib.import_module("tensorflow")


# From a list of lists of indices below 1000 to every other kind of ragged input.
CONTAINERS = {
    "list of lists": list,
    "tuple of tuples": lambda rows: tuple(map(tuple, rows)),
    "deque of lists": deque,
    "lists of numpy integers": lambda rows: [list(map(np.int16, row)) for row in rows],
    "lists of whole floats": lambda rows: [list(map(float, row)) for row in rows],
    "list of int64 arrays": lambda rows: [np.array(row, dtype=np.int64) for row in rows],
    "list of big-endian arrays": lambda rows: [np.array(row, dtype=">i4") for row in rows],
    "list of float arrays": lambda rows: [np.array(row, dtype=float) for row in rows],
    "list of array.array": lambda rows: [array("i", row) for row in rows],
    "list of Series": lambda rows: [pd.Series(row, dtype="int64") for row in rows],
    "signed, unsigned, lists and tuples in turn": lambda rows: [
        [np.int64, np.uint64, list, tuple][i % 4](row)
        if i % 4 > 1
        else np.array(row, dtype=[np.int64, np.uint64][i % 4])
        for i, row in enumerate(rows)
    ],
    "signed and unsigned arrays in turn": lambda rows: [
        np.array(row, dtype=[np.int64, np.uint64][i % 2]) for i, row in enumerate(rows)
    ],
    "object array of lists": object_array,
    "object array of views": views_of_one_buffer,
    "object array of object arrays": lambda rows: object_array(
        [np.array(row, dtype=object) for row in rows]
    ),
    "pandas Series": lambda rows: pd.Series(rows, dtype=object, index=range(5, 5 + len(rows))),
    "Arrow-backed pandas Series": lambda rows: pd.Series(
        list_array(rows), dtype=pd.ArrowDtype(pa.list_(pa.int64()))
    ),
    "polars Series": lambda rows: pl.Series(rows, dtype=pl.List(pl.UInt16)),
    "ListArray": list_array,
    "ListArray of floats": lambda rows: pa.array(rows, pa.list_(pa.float64())),
    "LargeListArray": lambda rows: pa.array(rows, pa.large_list(pa.int32())),
    "ListViewArray": lambda rows: pa.array(rows, pa.list_view(pa.int32())),
    "slice of a ListArray": lambda rows: list_array([[9, 9], *rows, [8]])[1 : 1 + len(rows)],
    "ChunkedArray of one chunk": lambda rows: pa.chunked_array([list_array(rows)]),
    "ChunkedArray": lambda rows: pa.chunked_array(
        [list_array([[5], *rows[:1]])[1:], list_array(rows[1:])], type=pa.list_(pa.int64())
    ),
    "RaggedTensor": ragged_tensor,
}

# The same for rows of equal length.
RECTANGULAR_CONTAINERS = {
    "2-D array": lambda rows: np.array(rows, dtype=np.int64),
    "2-D array in Fortran order": lambda rows: np.array(rows, dtype=np.uint16, order="F"),
    "2-D array of whole floats": lambda rows: np.array(rows, dtype=np.float32),
    "2-D array of objects": lambda rows: np.array(rows, dtype=object),
    "FixedSizeListArray": lambda rows: pa.array(rows, pa.list_(pa.int16(), len(rows[0]))),
    "slice of a FixedSizeListArray": lambda rows: pa.array(
        [rows[0], *rows], pa.list_(pa.int16(), len(rows[0]))
    )[1:],
    "polars Series of arrays": lambda rows: pl.Series(rows, dtype=pl.Array(pl.Int8, len(rows[0]))),
}

ragged = st.lists(st.lists(st.integers(0, 999), max_size=6), max_size=6)


@st.composite
def rectangular(draw):
    width = draw(st.integers(1, 5))
    return draw(st.lists(st.lists(st.integers(0, 99), min_size=width, max_size=width), min_size=1))


def assert_flattened(X, rows):
    flat, offsets = flatten_sequences(X)
    assert flat.dtype.kind in "iu"
    assert offsets.dtype == np.int64
    assert_array_equal(flat, [index for row in rows for index in row])
    assert_array_equal(offsets, np.cumsum([0, *map(len, rows)]))


@pytest.mark.parametrize("kind", CONTAINERS)
def test_every_container_is_read(kind):
    assert_flattened(CONTAINERS[kind](REVIEWS), REVIEWS)


@pytest.mark.parametrize("kind", CONTAINERS)
@settings(max_examples=20, deadline=None)
@given(rows=ragged)
def test_any_ragged_input_is_read(kind, rows):
    assert_flattened(CONTAINERS[kind](rows), rows)


@pytest.mark.parametrize("kind", RECTANGULAR_CONTAINERS)
@settings(max_examples=20, deadline=None)
@given(rows=rectangular())
def test_any_rectangular_input_is_read(kind, rows):
    assert_flattened(RECTANGULAR_CONTAINERS[kind](rows), rows)


def test_ranges_are_read():
    assert_flattened([range(3), range(5, 9)], [[0, 1, 2], [5, 6, 7, 8]])


def test_the_largest_index_is_read():
    assert_flattened([[MAX_INDEX], [0]], [[MAX_INDEX], [0]])
    assert_flattened([[float(MAX_INDEX)]], [[MAX_INDEX]])


@pytest.mark.parametrize(
    "X",
    [
        [],
        (),
        np.array([]),
        np.empty((0, 3), dtype=int),
        pd.Series([], dtype=object),
        pl.Series([]),
        pa.array([]),
        pa.chunked_array([], type=pa.list_(pa.int32())),
    ],
    ids=lambda X: f"{type(X).__module__}.{type(X).__name__}",
)
def test_no_reviews(X):
    assert_flattened(X, [])


@pytest.mark.parametrize(
    "X",
    [
        [[], []],
        [np.array([]), np.array([])],
        np.empty((2, 0)),
        pd.Series([[], []]),
        pl.Series([[], []]),
        pa.array([[], []]),
    ],
    ids=["list", "list of arrays", "ndarray", "pandas", "polars", "ListArray"],
)
def test_empty_reviews(X):
    assert_flattened(X, [[], []])


@pytest.mark.parametrize(
    "X",
    [
        np.array(REVIEWS[:1]),
        pa.array(REVIEWS, pa.list_(pa.int64())),
        pa.array(REVIEWS, pa.list_(pa.int64()))[2:],
        pa.array([[1, 2]], pa.list_(pa.int64(), 2)),
        pl.Series(REVIEWS),
        pd.Series(REVIEWS, dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    ],
    ids=["ndarray", "ListArray", "sliced", "FixedSizeListArray", "polars", "pandas"],
)
def test_array_and_arrow_values_are_not_copied(X):
    assert np.shares_memory(flatten_sequences(X)[0], flatten_sequences(X)[0])


def test_the_libraries_of_the_inputs_are_not_needed():
    code = """
import sys
sys.modules.update(dict.fromkeys(["pandas", "polars", "pyarrow", "tensorflow"]))  # not importable
from skimdb.feature_extraction import MultiHotVectorizer, WordIndexEncoder
sequences = WordIndexEncoder().fit_transform(["a b"])
print(MultiHotVectorizer(6, sparse_output=False).transform(sequences).tolist())
"""
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert output.stdout == "[[0.0, 1.0, 0.0, 0.0, 1.0, 1.0]]\n"


NOT_SEQUENCES = {
    "None": None,
    "int": 5,
    "generator": (row for row in REVIEWS),
    "dict": {"a": [1]},
    "set": {1, 2},
    "scipy sparse": sp.eye_array(3, format="csr"),
    "pandas DataFrame": pd.DataFrame({"a": [1]}),
    "polars DataFrame": pl.DataFrame({"a": [1]}),
    "polars LazyFrame": pl.LazyFrame({"a": [1]}),
    "pyarrow Table": pa.table({"a": [1]}),
    "masked array": np.ma.masked_array([[1, 2]], mask=[[False, True]]),
    "0-d array": np.array(3),
    "class": list,
}


@pytest.mark.parametrize("kind", NOT_SEQUENCES)
def test_other_types_are_refused(kind):
    X = NOT_SEQUENCES[kind]
    name = "single int64" if kind == "0-d array" else type(X).__name__
    with pytest.raises(TypeError, match=f"X must be a sequence of reviews, .*got .*{name}"):
        flatten_sequences(X)


@pytest.mark.parametrize("row", [{1: 2}, {1, 2}, (i for i in [1]), pd.DataFrame({"a": [1]})])
def test_rows_of_other_types_are_refused(row):
    with pytest.raises(
        TypeError, match=f"Row 1 of X must be a sequence, got .*{type(row).__name__}"
    ):
        flatten_sequences([[1], row])


@pytest.mark.parametrize("X", ["a good film", b"a good film", bytearray(b"a")])
def test_a_single_text_is_refused(X):
    with pytest.raises(
        TypeError, match=f"got a {type(X).__name__}. Texts must be turned into word"
    ):
        flatten_sequences(X)


@pytest.mark.parametrize(
    ("X", "row"),
    [
        (["good", "bad"], 0),
        ([[1], b"bad"], 1),
        (np.array(["good", "bad"]), 0),
        (pd.Series(["good"]), 0),
        (pd.Series(["good"], dtype="string"), 0),
        (pl.Series(["good"]), 0),
        (pa.array(["good"]), 0),
    ],
)
def test_texts_are_refused(X, row):
    with pytest.raises(
        TypeError, match=rf"Row {row} of X is a \w+. Texts must be turned into word"
    ):
        flatten_sequences(X)


@pytest.mark.parametrize(
    ("X", "row"),
    [
        ([[1], [2, "bad"]], 1),
        ([[1], [b"bad"]], 1),
        (np.array([["good"]]), 0),
        (np.array([[1], ["bad"]], dtype=object), 1),
        ([np.array([1]), np.array(["bad"])], 1),
        (pl.Series([["good"]]), 0),
        (pa.array([[], ["bad"]]), 1),
    ],
)
def test_words_are_refused(X, row):
    with pytest.raises(TypeError, match=f"Row {row} of X contains the text .*turned into word ind"):
        flatten_sequences(X)


def test_words_of_a_ragged_tensor_are_refused(tf):
    with pytest.raises(TypeError, match="Row 0 of X contains the text b'good'"):
        flatten_sequences(tf.ragged.constant([["good"], ["very", "bad"]]))


@pytest.mark.parametrize(
    "X",
    [
        [1, 14, 22],
        range(3),
        np.array([1, 14, 22]),
        [1.0, 14.0],
        [np.array(1)],
        pd.Series([1, 14]),
        pd.Series([1, 14], dtype="Int64"),
        pl.Series([1, 14]),
        pa.array([1, 14]),
        [True],
        [1j],
    ],
)
def test_a_flat_sequence_is_refused_with_advice(X):
    message = r"Row 0 of X is a single value, .*Write a single review as \[\[1, 14, 22\]\]"
    with pytest.raises(ValueError, match=message):
        flatten_sequences(X)


def test_a_number_among_sequences_is_named():
    with pytest.raises(ValueError, match="Row 2 of X is a single value, 7,"):
        flatten_sequences([[1], [2], 7])


@pytest.mark.parametrize(
    ("X", "row"),
    [
        ([[1], [[2, 3]]], 1),
        ([[1], [2, (3,)]], 1),
        ([[1], np.array([[2]])], 1),
        ([np.array([1]), np.array([[2]])], 1),
        (np.zeros((2, 2, 2), dtype=int), 0),
        (pl.Series([[], [[1]]]), 1),
        (pa.array([[[1]]]), 0),
    ],
)
def test_nested_sequences_are_refused(X, row):
    with pytest.raises(
        ValueError, match=f"Row {row} of X holds sequences, but X must be a sequence"
    ):
        flatten_sequences(X)


@pytest.mark.parametrize(
    ("rows", "options"), [([[[1], [2]]], {}), ([[[1, 2]]], {"ragged_rank": 1})], ids=["2", "1"]
)
def test_nested_ragged_tensors_are_refused(tf, rows, options):
    with pytest.raises(ValueError, match="Row 0 of X holds sequences"):
        flatten_sequences(tf.ragged.constant(rows, **options))


@pytest.mark.parametrize(
    ("X", "row"),
    [
        ([[True, False]], 0),
        ([[1, 2], [3, True]], 1),
        ([(1, 2), (False, 3)], 1),
        ([[1], [np.True_]], 1),
        ([[2.0], [True]], 1),
        ([np.array([1]), np.array([True])], 1),
        (np.zeros((2, 2), dtype=bool), 0),
        (pl.Series([[], [True]]), 1),
        (pa.array([[True]]), 0),
    ],
)
def test_booleans_are_refused(X, row):
    with pytest.raises(TypeError, match=f"Row {row} of X contains booleans"):
        flatten_sequences(X)


# Rare zeros and ones are checked by position, frequent ones by iteration.
@pytest.mark.parametrize("n_other_words", [0, 1000], ids=["frequent", "rare"])
@given(rows=ragged.filter(any), data=st.data())
def test_a_boolean_is_found_at_any_position(n_other_words, rows, data):
    row = data.draw(st.sampled_from([i for i, row in enumerate(rows) if row]))
    position = data.draw(st.integers(0, len(rows[row]) - 1))
    rows[row][position] = data.draw(st.booleans())
    with pytest.raises(TypeError, match=f"Row {row} of X contains booleans"):
        flatten_sequences([*rows, [7] * n_other_words])


@pytest.mark.parametrize("value", [0.5, float("nan")])
@pytest.mark.parametrize(
    "container",
    [
        list,
        np.array,
        lambda rows: [np.array(row) for row in rows],
        lambda rows: pa.array(rows, pa.list_(pa.float64())),
        lambda rows: pl.Series(rows, dtype=pl.List(pl.Float32)),
        pd.Series,
    ],
)
def test_numbers_that_are_not_whole_are_refused(container, value):
    X = container([[1.0, 2.0], [3.0, value]])
    with pytest.raises(
        ValueError, match=f"Row 1 of X contains {value}, which is not a whole number"
    ):
        flatten_sequences(X)


@pytest.mark.parametrize(
    "index",
    [-1, MAX_INDEX + 1, 2**40, 2**63, 2**70, -(2**70), float("inf"), float("-inf")],
)
def test_indices_out_of_range_are_refused(index):
    message = f"Row 1 of X contains the index {index}. .*within 0 and 2147483647"
    with pytest.raises(ValueError, match=message):
        flatten_sequences([[1], [2, index]])


def test_half_precision_indices_are_read():
    assert_flattened(np.array([[1], [2048]], dtype=np.float16), [[1], [2048]])


@pytest.mark.parametrize(
    ("X", "index"),
    [
        ([np.array([1], dtype=np.int8), np.array([-5, 2], dtype=np.int64)], -5),
        (np.array([[1, 2], [3, -5]]), -5),
        (np.array([[1.0, 2.0], [3.0, -5.0]]), -5),
        (pa.array([[1], [2, -5]]), -5),
        (pl.Series([[1], [-5]]), -5),
        (pd.Series([[1], [-5]]), -5),
        ([np.array([], dtype=np.uint64), np.array([2**63], dtype=np.uint64)], 2**63),
        ([np.array([1]), np.array([2**63], dtype=np.uint64)], 2**63),
        (np.array([[1], [2**63]], dtype=np.uint64), 2**63),
        (pa.array([[], [2**63]], pa.list_(pa.uint64())), 2**63),
        (np.array([[1], [2**31]], dtype=np.float32), 2**31),
        ([[1], [10**5000]], "1e308 or more"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_indices_out_of_range_are_refused_in_every_container(X, index):
    with pytest.raises(ValueError, match=f"Row 1 of X contains the index {index}"):
        flatten_sequences(X)


def test_the_first_offending_row_is_named():
    with pytest.raises(ValueError, match="Row 1 "):
        flatten_sequences([[], [-1], [-2], [2**31]])


@pytest.mark.parametrize(
    ("X", "name"),
    [
        ([[1], [2j]], "complex"),
        ([[1], [Fraction(1, 2)]], "Fraction"),
        ([np.array([1]), np.array([2j])], "complex128"),
        ([[1], np.array(["2020-01-01"], dtype="datetime64[D]")], "datetime64"),
    ],
)
def test_other_items_are_refused(X, name):
    with pytest.raises(TypeError, match=rf"Row 1 of X contains .*{name}.* must be integers"):
        flatten_sequences(X)


@pytest.mark.parametrize(
    "X",
    [
        [[1], None],
        object_array([np.array([1]), None]),
        pd.Series([[1], None]),
        pd.Series([[1], np.nan]),
        pd.Series([[1], pd.NA]),
        pd.Series([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
        pl.Series([[1], None]),
        pa.array([[1], None]),
        pa.chunked_array([[[1]], [None]]),
        pa.array([[1], None], pa.list_(pa.int8(), 1)),
    ],
    ids=str,
)
def test_missing_rows_are_named(X):
    with pytest.raises(ValueError, match=r"Row 1 of X is missing. Write an empty review as \[\]"):
        flatten_sequences(X)


@pytest.mark.parametrize(
    "X",
    [
        [[1], [2, None]],
        [[1], [2, pd.NA]],
        pd.Series([[1], [None]]),
        pl.Series([[1], [2, None]]),
        pa.array([[1], [2, None]]),
        pa.array([[9], [None], [1], [None]])[2:],
        pa.array([[1], [None]], pa.list_(pa.int8(), 1)),
    ],
    ids=str,
)
def test_missing_values_are_named(X):
    with pytest.raises(ValueError, match="Row 1 of X contains a missing value"):
        flatten_sequences(X)
