"""Arrow files: types that need care, and files whose content cannot be trusted."""

import errno
import struct

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator

from skimdb.datasets import iter_batches, predict_files
from skimdb.datasets._labelled import load_labelled_texts

TEXTS = ["a good film", "dull", "", "naïve 电影", "a text of more than twelve bytes"]


def write(path, table, rows_per_batch=2):
    new = pa.ipc.new_stream if ".stream" in path.suffixes else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as file, new(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows_per_batch)
    return path


def values_of(path, **kwargs):
    return [value for (array,) in iter_batches(path, 3, **kwargs) for value in array.tolist()]


def differing_dictionaries(kind):
    """Return batches that each have a dictionary of their own."""
    halves = [["a", "b", "a"], ["c", "a"]]
    if kind == "list":
        make = pa.list_(pa.dictionary(pa.int32(), pa.string()))
        return pa.chunked_array([pa.array([[v] for v in half], make) for half in halves])
    return pa.chunked_array([pa.array(half).dictionary_encode() for half in halves])


@pytest.mark.parametrize("shuffle_buffer", [None, 5])
@pytest.mark.parametrize("kind", ["plain", "list"])
def test_dictionaries_are_decoded_also_within_lists(tmp_path, kind, shuffle_buffer):
    column = differing_dictionaries(kind)
    path = write(tmp_path / "a.stream.arrow", pa.table({"x": column}))
    found = values_of(path, shuffle_buffer=shuffle_buffer)
    assert sorted(found) == sorted(column.to_pylist())


@pytest.mark.parametrize("shuffle_buffer", [None, 5])
@pytest.mark.parametrize(
    "kind", [pa.string_view(), pa.list_(pa.string_view()), pa.large_list(pa.string_view())], ids=str
)
def test_views_are_read_as_strings(tmp_path, kind, shuffle_buffer):
    values = TEXTS if kind == pa.string_view() else [[text, "x"] for text in TEXTS]
    path = write(tmp_path / "a.arrow", pa.table({"x": pa.array(values, kind)}))
    assert sorted(values_of(path, shuffle_buffer=shuffle_buffer)) == sorted(values)


@pytest.mark.parametrize("shuffle_buffer", [None, 5])
@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"ab", b"c", b"ab"], pa.binary_view()),
        pa.array([{"a": "ab"}, None, {"a": None}], pa.struct({"a": pa.string_view()})),
        pa.array([[("a", 1)], None, []], pa.map_(pa.string_view(), pa.int8())),
        pa.array([[1, 2], None, [3]], pa.list_view(pa.int32())),
        pa.array([[1, 2], None, [3]], pa.large_list_view(pa.int32())),
        pa.array([{"a": [1]}, None, {"a": None}], pa.struct({"a": pa.list_view(pa.int8())})),
        pa.RunEndEncodedArray.from_arrays([1, 3], ["ab", "c"]),
        pa.DictionaryArray.from_arrays(
            pa.array([0, 1, None]), pa.array(["ab", "longer than a view"], pa.string_view())
        ),
    ],
    ids=lambda column: str(column.type),
)
def test_columns_that_arrow_cannot_shuffle(tmp_path, column, shuffle_buffer):
    path = write(tmp_path / "a.arrow", pa.table({"x": column}))
    found = values_of(path, shuffle_buffer=shuffle_buffer)
    assert sorted(found, key=str) == sorted(column.to_pylist(), key=str)


@pytest.mark.parametrize("suffix", ["arrow", "stream.arrow"])
def test_name_of_a_column_that_is_not_utf_8(tmp_path, suffix):
    path = write(tmp_path / f"a.{suffix}", pa.table({"names": TEXTS}))
    path.write_bytes(path.read_bytes().replace(b"names", b"n\xffmes"))
    with pytest.raises(ValueError, match=r"a\..*arrow is not a valid Arrow IPC file.*utf-8"):
        values_of(path)


@pytest.mark.parametrize("suffix", ["arrow", "parquet"])
def test_files_of_polars_are_read(tmp_path, suffix):
    frame = pl.DataFrame(
        {
            "text": TEXTS,
            "label": pl.Series(["pos", "neg"] * 2 + ["pos"], dtype=pl.Categorical),
            "words": [[text] for text in TEXTS],
        }
    )
    path = tmp_path / f"a.{suffix}"
    (frame.write_parquet if suffix == "parquet" else frame.write_ipc)(path)
    assert values_of(path, columns=["text"]) == TEXTS
    assert values_of(path, columns=["words"]) == [[text] for text in TEXTS]
    complete = [text for text in TEXTS if text]
    texts, labels, _ = load_labelled_texts(path, missing="drop")
    assert (texts, labels) == (complete, ["pos", "neg", "neg", "pos"])


class Lengths(BaseEstimator):
    """Classifier of texts and of lists by their length."""

    classes_ = np.array(["long", "short"])

    def predict_proba(self, X):
        share = np.array([min(len(x), 10) / 10 for x in X])
        return np.column_stack([share, 1 - share])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.mark.parametrize("suffix", ["arrow", "stream.arrow", "feather"])
def test_arrow_files_are_predicted_and_their_columns_kept(tmp_path, suffix):
    texts = [text or "short" for text in TEXTS]
    kinds = pa.array(["a", "b", "a", None, "b"]).dictionary_encode()
    table = pa.table({"text": pa.array(texts, pa.string_view()), "kind": kinds})
    path = write(tmp_path / f"a.{suffix}", table)
    (result,) = predict_files(Lengths(), path, tmp_path / "out", keep=["kind"])
    found = pq.read_table(result)
    assert result.name == f"a.{suffix}.parquet"
    assert found["label"].to_pylist() == Lengths().predict(texts).tolist()
    assert found["kind"].to_pylist() == kinds.to_pylist()


# Content that cannot be trusted

LISTS = [[1, 2], [3], [], [4, 5, 6]]
COLUMNS = {
    "string": pa.array(["ab", "c", "", "def"]),
    "large_string": pa.array(["ab", "c", "", "def"], pa.large_string()),
    "list": pa.array(LISTS, pa.list_(pa.int32())),
    "large_list": pa.array(LISTS, pa.large_list(pa.int32())),
    "list of strings": pa.array([["ab"], ["c"], [], ["d", "ef"]]),
}
# The ends of the values of all columns.
ENDS = [0, 2, 3, 3, 6]


def damage_offsets(content, kind, value):
    code = "q" if "large" in kind else "i"
    ends = [0, 1, 2, 2, 4] if kind == "list of strings" else ENDS
    offsets = struct.pack(f"<5{code}", *ends)
    assert content.count(offsets) == 1
    return content.replace(offsets, struct.pack(f"<5{code}", *ends[:3], value, ends[4]))


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("suffix", ["arrow", "stream.arrow"])
@pytest.mark.parametrize("value", [-1, 1, 7, 1000, 2**31 - 1])
def test_wrong_offset_is_refused(tmp_path, kind, suffix, value):
    path = write(tmp_path / f"a.{suffix}", pa.table({"text": COLUMNS[kind]}), 10)
    path.write_bytes(damage_offsets(path.read_bytes(), kind, value))
    message = rf"a\.{suffix} is not a valid Arrow IPC file: "
    for kwargs in ({}, {"shuffle_buffer": 3}):
        with pytest.raises(ValueError, match=message):
            list(iter_batches(path, 3, **kwargs))
    with pytest.raises(ValueError, match=message):
        predict_files(Lengths(), path, tmp_path / "out")


def test_text_that_is_not_utf_8_is_refused(tmp_path):
    array = pa.array([b"caf\xe9"]).view(pa.string())
    write(tmp_path / "a.arrow", pa.table({"text": array}))
    pq.write_table(pa.table({"text": array}), tmp_path / "a.parquet")
    for name, kind in [("a.arrow", "Arrow IPC"), ("a.parquet", "Parquet")]:
        with pytest.raises(ValueError, match=rf"{name} is not a valid {kind} file: .*UTF8"):
            list(iter_batches(tmp_path / name))


@given(position=st.integers(8, 150), value=st.integers(0, 255))
def test_damaged_parquet_gives_values_or_an_error_that_names_it(tmp_path_factory, position, value):
    path = tmp_path_factory.mktemp("damaged") / "a.parquet"
    pq.write_table(pa.table({"text": TEXTS}), path)
    content = bytearray(path.read_bytes())
    content[position] = value
    path.write_bytes(content)
    error = None
    try:
        values_of(path)
    except ValueError as raised:
        error = raised
    assert error is None or "a.parquet is not a valid Parquet file: " in str(error)


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (OSError(errno.EIO, "Input/output error"), OSError, r"Input/output error: 'a\.parquet'$"),
        (TimeoutError("no answer from the storage"), TimeoutError, "^no answer from the storage$"),
        (pa.ArrowMemoryError("malloc"), ValueError, r"^a\.parquet cannot be read: malloc$"),
    ],
)
def test_unreadable_file_is_not_called_damaged(tmp_path, monkeypatch, error, expected, message):
    def fail(*args, **kwargs):
        raise error

    pq.write_table(pa.table({"text": TEXTS}), tmp_path / "a.parquet")
    monkeypatch.chdir(tmp_path)
    batches = iter_batches("a.parquet")
    monkeypatch.setattr("pyarrow.parquet.ParquetFile.iter_batches", fail)
    with pytest.raises(expected, match=message) as raised:
        next(batches)
    assert type(raised.value) is expected
