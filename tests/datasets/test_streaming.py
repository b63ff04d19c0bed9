import subprocess
import sys
import threading
from collections import Counter
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.datasets import iter_batches, make_reviews
from skimdb.feature_extraction import WordIndexEncoder
from tests.datasets.common import peak_memory

SUFFIXES = [".parquet", ".arrow", ".stream.arrow", ".feather"]
every_format = pytest.mark.parametrize("suffix", SUFFIXES)


def write(path, table, rows_per_piece=4):
    """Write a table as row groups or record batches of the given size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".parquet":
        pq.write_table(table, path, row_group_size=rows_per_piece)
    elif path.suffix == ".feather":
        pyarrow.feather.write_feather(table, path, chunksize=rows_per_piece)
    else:
        new = pa.ipc.new_stream if ".stream" in path.suffixes else pa.ipc.new_file
        with pa.OSFile(str(path), "wb") as file, new(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=rows_per_piece)
    return path


def reviews_table(ids):
    """Make rows whose values are determined by their ids: row i has i % 5 word indices."""
    ids = list(ids)
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "X": pa.array([[i] * (i % 5) for i in ids], pa.list_(pa.int32())),
            "text": pa.array([f"review {i}" for i in ids], pa.string()),
        }
    )


def ids_of(batches):
    return [row for batch in batches for row in batch[0].tolist()]


def as_dict(batches, names):
    columns = [
        [value for array in arrays for value in array.tolist()]
        for arrays in zip(*batches, strict=True)
    ]
    return dict(zip(names, columns, strict=True))


@st.composite
def streams(draw):
    """Draw the numbers of rows of files, rows per piece, batch size, buffer size and format."""
    sizes = draw(st.lists(st.integers(0, 60), min_size=1, max_size=4))
    rows_per_piece = draw(st.integers(1, 30))
    batch_size = draw(st.integers(1, 50))
    shuffle_buffer = batch_size + draw(st.integers(0, 60))
    suffix = draw(st.sampled_from(SUFFIXES))
    return sizes, rows_per_piece, batch_size, shuffle_buffer, suffix


def write_all(folder, sizes, rows_per_piece, suffix):
    bounds = np.cumsum([0, *sizes])
    for number, (start, end) in enumerate(pairwise(bounds)):
        path = Path(folder) / f"{number}{suffix}"
        write(path, reviews_table(range(start, end)), rows_per_piece)


def check_batch_sizes(batches, n_rows, batch_size):
    sizes = [{len(array) for array in batch} for batch in batches]
    full, rest = divmod(n_rows, batch_size)
    assert sizes == [{batch_size}] * full + [{rest}] * (rest > 0)


@settings(max_examples=40)
@given(streams())
def test_rows_keep_their_order_without_shuffle_buffer(stream):
    sizes, rows_per_piece, batch_size, _, suffix = stream
    with TemporaryDirectory() as folder:
        write_all(folder, sizes, rows_per_piece, suffix)
        batches = list(iter_batches(folder, batch_size))
    check_batch_sizes(batches, sum(sizes), batch_size)
    if batches:
        expected = reviews_table(range(sum(sizes))).to_pydict()
        assert as_dict(batches, expected) == expected


@settings(max_examples=60)
@given(streams(), st.integers(0, 2**32 - 1))
def test_shuffle_gives_each_row_once_in_the_order_of_the_seed(stream, seed):
    sizes, rows_per_piece, batch_size, shuffle_buffer, suffix = stream
    kwargs = {"shuffle_buffer": shuffle_buffer, "random_state": seed}
    with TemporaryDirectory() as folder:
        write_all(folder, sizes, rows_per_piece, suffix)
        batches = list(iter_batches(folder, batch_size, **kwargs))
        again = list(iter_batches(folder, batch_size, **kwargs))
    check_batch_sizes(batches, sum(sizes), batch_size)
    ids = ids_of(batches)
    assert Counter(ids) == Counter(range(sum(sizes)))
    assert ids_of(again) == ids
    if batches:
        expected = reviews_table(ids).to_pydict()
        assert as_dict(batches, expected) == expected
        assert as_dict(again, expected) == expected


# The shuffle


def write_sorted_by_label(folder, *, n_files=20, groups_per_file=5, rows_per_group=100):
    """Write files with label 0 in the first half of them and label 1 in the second half."""
    n_rows = groups_per_file * rows_per_group
    for number in range(n_files):
        ids = np.arange(number * n_rows, (number + 1) * n_rows)
        y = np.full(n_rows, int(number >= n_files // 2))
        write(folder / f"{number:03}.parquet", pa.table({"id": ids, "y": y}), rows_per_group)


def mean_labels(folder, **kwargs):
    return np.array([y.mean() for _, y in iter_batches(folder, 250, **kwargs)])


@pytest.mark.parametrize("groups_in_buffer", [2.5, 10, 40])
def test_shuffled_batches_of_sorted_files_have_both_labels(tmp_path, groups_in_buffer):
    write_sorted_by_label(tmp_path)
    sequential = mean_labels(tmp_path)
    assert set(sequential) == {0, 1}
    shuffled = mean_labels(tmp_path, shuffle_buffer=int(100 * groups_in_buffer), random_state=0)
    # The standard deviation of the mean of 250 independent labels is 0.032.
    assert np.abs(shuffled - 0.5).max() < 0.16
    assert np.sqrt(np.mean((shuffled - 0.5) ** 2)) < 0.06


@pytest.mark.parametrize(
    ("suffix", "rows_per_batch"),
    [(".feather", 1250), (".stream.arrow", 1250), (".stream.arrow", 100)],
)
def test_record_batches_of_one_sorted_file_are_mixed(tmp_path, suffix, rows_per_batch):
    table = pa.table({"id": np.arange(10_000), "y": np.repeat([0, 1], 5000)})
    write(tmp_path / f"a{suffix}", table, rows_per_batch)
    shuffled = mean_labels(tmp_path, shuffle_buffer=1000, random_state=0)
    assert np.abs(shuffled - 0.5).max() < 0.16


def test_row_groups_that_are_sorted_within_are_mixed_by_a_buffer_of_ten(tmp_path):
    table = pa.table({"id": np.arange(100), "y": np.repeat([0, 1], 50)})
    for number in range(100):
        write(tmp_path / f"{number:03}.parquet", table, 100)
    shuffled = mean_labels(tmp_path, shuffle_buffer=1000, random_state=0)
    assert np.abs(shuffled - 0.5).max() < 0.16


def test_a_buffer_of_all_rows_gives_a_uniform_permutation(tmp_path):
    write(tmp_path / "a.parquet", pa.table({"id": range(4)}), 2)
    orders = Counter(
        tuple(ids_of(iter_batches(tmp_path, 1, shuffle_buffer=4, random_state=seed)))
        for seed in range(1200)
    )
    assert len(orders) == 24
    # Each order is expected 50 times; the 0.9999 quantile of chi-squared with 23 degrees of
    # freedom is 56.
    assert sum((count - 50) ** 2 / 50 for count in orders.values()) < 56


def test_shuffled_position_is_independent_of_the_original_one(tmp_path):
    write_sorted_by_label(tmp_path)
    ids = ids_of(iter_batches(tmp_path, 250, shuffle_buffer=1000, random_state=0))
    assert abs(np.corrcoef(ids, np.arange(len(ids)))[0, 1]) < 0.05
    # In a uniform permutation, neighbours are a third of the length apart on average.
    assert np.abs(np.diff(ids)).mean() == pytest.approx(len(ids) / 3, rel=0.05)


def test_rows_of_one_huge_row_group_are_mixed_within_the_buffer(tmp_path):
    path = write(tmp_path / "a.parquet", pa.table({"id": np.arange(1000)}), 1000)
    ids = ids_of(iter_batches(path, 50, shuffle_buffer=100, random_state=0))
    buffers = np.reshape(ids, (10, 100))
    assert (np.sort(buffers, axis=1) == np.arange(1000).reshape(10, 100)).all()
    assert (np.sort(buffers, axis=1) != buffers).any(axis=1).all()


def test_buffer_is_rounded_down_to_whole_batches(tmp_path):
    path = write(tmp_path / "a.parquet", pa.table({"id": np.arange(100)}), 100)
    first, *_ = iter_batches(path, 20, shuffle_buffer=39, random_state=0)
    assert set(first[0].tolist()) == set(range(20))


def test_more_row_groups_than_are_read_at_the_same_time(tmp_path):
    n_rows = 3 * 32 + 1
    path = write(tmp_path / "a.parquet", pa.table({"id": np.arange(n_rows)}), 1)
    ids = ids_of(iter_batches(path, 5, shuffle_buffer=50, random_state=0))
    assert sorted(ids) == list(range(n_rows))


def test_a_small_buffer_is_filled_from_all_parts_of_a_file(tmp_path):
    # Only half of the eight sections fit in the buffer.
    path = write(tmp_path / "a.parquet", pa.table({"id": np.arange(64)}), 1)
    counts = np.zeros(8)
    for seed in range(100):
        (ids,) = next(iter_batches(path, 4, shuffle_buffer=4, random_state=seed))
        counts[ids // 8] += 1
    # Each section is expected 50 times, with a standard deviation of 5.
    assert np.abs(counts - 50).max() < 20


def test_different_seeds_give_different_orders(tmp_path):
    path = write(tmp_path / "a.parquet", reviews_table(range(100)))
    orders = {
        tuple(ids_of(iter_batches(path, 10, shuffle_buffer=50, random_state=seed)))
        for seed in [0, 1, 2, None, None]
    }
    assert len(orders) == 5


def test_random_state_instance_is_only_used_in_the_call(tmp_path):
    path = write(tmp_path / "a.parquet", reviews_table(range(100)))
    rng = np.random.RandomState(0)
    streams = [iter_batches(path, 10, shuffle_buffer=50, random_state=rng) for _ in range(2)]
    rng.random_sample(100)
    second, first = ids_of(streams[1]), ids_of(streams[0])
    assert first != second
    assert first == ids_of(iter_batches(path, 10, shuffle_buffer=50, random_state=0))


# Types of the batches


@pytest.fixture
def every_column(tmp_path):
    ids = np.arange(40)
    floats = ids / 4
    floats[3] = np.nan
    lists = [[i] * (i % 3) for i in ids.tolist()]
    table = pa.table(
        {
            "id": ids,
            "int8": ids.astype(np.int8),
            "float32": floats.astype(np.float32),
            "bool": ids % 3 == 0,
            "category": pa.array([f"c{i % 3}" for i in ids]).dictionary_encode(),
            "coded": pa.array(ids % 4).dictionary_encode(),
            "text": pa.array([None if i == 5 else f"t{i}" for i in ids]),
            "int32s": pa.array(lists, pa.list_(pa.int32())),
            "uint16s": pa.array(lists, pa.large_list(pa.uint16())),
            "float64s": pa.array(lists, pa.list_(pa.float64())),
            "bools": pa.array([[v > 9 for v in values] for values in lists]),
            "strings": pa.array([[str(v) for v in values] for values in lists]),
            "missing_list": pa.array([None if i == 7 else v for i, v in enumerate(lists)]),
            "missing_item": pa.array([[None, *v] for v in lists], pa.list_(pa.int64())),
            "empty": pa.array([[]] * 40, pa.list_(pa.int32())),
            "pair": pa.array([[i, -i] for i in ids.tolist()], pa.list_(pa.int32(), 2)),
            "day": pa.array(ids.tolist(), pa.date32()),
        }
    )
    return table, tmp_path


NUMPY_DTYPES = {
    "id": np.int64,
    "int8": np.int8,
    "float32": np.float32,
    "bool": np.bool,
    "coded": np.int64,
}


@every_format
@pytest.mark.parametrize(("batch_size", "shuffle_buffer"), [(8, None), (8, 16), (1, 1)])
def test_numbers_come_as_numpy_and_everything_else_as_arrow_arrays(
    every_column, suffix, batch_size, shuffle_buffer
):
    table, folder = every_column
    path = write(folder / f"a{suffix}", table, 6)
    n_rows = 0
    for batch in iter_batches(path, batch_size, shuffle_buffer=shuffle_buffer):
        expected = table.take(batch[0])
        n_rows += len(expected)
        for name, array in zip(table.column_names, batch, strict=True):
            if name in NUMPY_DTYPES:
                assert isinstance(array, np.ndarray)
                assert array.dtype == NUMPY_DTYPES[name]
                assert array.flags.writeable
                np.testing.assert_array_equal(array, expected[name].to_numpy())
            else:
                is_dictionary = name == "category"
                assert isinstance(array, pa.Array)
                assert array.type == (pa.string() if is_dictionary else table[name].type)
                array.validate(full=True)
                assert array.to_pylist() == expected[name].to_pylist()
    assert n_rows == len(table)


@every_format
def test_columns_come_in_the_requested_order(tmp_path, suffix):
    table = reviews_table(range(10))
    path = write(tmp_path / f"a{suffix}", table)
    for columns in [["text", "id"], ("X",), None]:
        (batch,) = iter_batches(path, columns=columns)
        names = table.column_names if columns is None else columns
        assert [array.tolist() for array in batch] == [table[name].to_pylist() for name in names]


def test_vectorizer_and_encoder_accept_the_batches(tmp_path):
    X, y = make_reviews(50, random_state=0)
    path = write(tmp_path / "a.parquet", pa.table({"X": X.tolist(), "y": y}), 20)
    batches = list(iter_batches(path, 20, shuffle_buffer=40, random_state=0))
    vectorizer = MultiHotVectorizer().fit(X)
    counts = Counter(tuple(row.tolist()) for row in vectorizer.transform(X).toarray())
    streamed = Counter(
        tuple(row.tolist())
        for reviews, _ in batches
        for row in vectorizer.transform(reviews).toarray()
    )
    assert streamed == counts

    table = reviews_table(range(30))
    path = write(tmp_path / "b.parquet", table)
    (texts,) = next(iter_batches(path, columns=["text"]))
    encoder = WordIndexEncoder().fit(table["text"].to_pylist())
    encoded = encoder.transform(table["text"].to_pylist())
    assert [row.tolist() for row in encoder.transform(texts)] == [row.tolist() for row in encoded]


def test_partial_fit_accepts_labels_that_are_strings(tmp_path):
    X, y = make_reviews(60, random_state=0)
    labels = np.array(["neg", "pos"])[y]
    path = write(tmp_path / "a.parquet", pa.table({"X": X.tolist(), "y": labels}), 20)
    vectorizer = MultiHotVectorizer().fit(X)
    streamed, expected = (DenseSentimentClassifier(random_state=0) for _ in range(2))
    for number, (reviews, y_batch) in enumerate(iter_batches(path, 30)):
        streamed.partial_fit(vectorizer.transform(reviews), y_batch, classes=["neg", "pos"])
        rows = slice(30 * number, 30 * number + 30)
        expected.partial_fit(vectorizer.transform(X[rows]), labels[rows], classes=["neg", "pos"])
    features = vectorizer.transform(X)
    np.testing.assert_array_equal(
        streamed.predict_proba(features), expected.predict_proba(features)
    )


# Sources


@every_format
def test_visible_files_of_folders_and_sub_folders_are_read_sorted_by_name(tmp_path, suffix):
    names = ["b/c", "b/a", "a", "c", ".hidden", "_notes", ".hidden_folder/a", "b/_more/a"]
    for number, name in enumerate(names):
        write(tmp_path / f"{name}{suffix}", pa.table({"id": [number]}))
    for source in (tmp_path, str(tmp_path)):
        with pytest.warns(UserWarning, match=rf"left out: _notes{suffix}, b/_more/a{suffix}$"):
            assert ids_of(iter_batches(source)) == [2, 1, 0, 3]


def test_files_that_are_left_out_are_named(tmp_path):
    write(tmp_path / "a.parquet", pa.table({"id": [1]}))
    for name in ["README.md", "more/notes.txt", "_SUCCESS", "dataset_info.json"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("about")
    with pytest.warns(UserWarning, match=r"that are left out: README\.md, more/notes\.txt$"):
        assert ids_of(iter_batches(tmp_path)) == [1]


def test_metadata_of_hugging_face_are_left_out_beside_tables_alone(tmp_path):
    for name in ["county.json", "state.json"]:
        (tmp_path / name).write_text(f'[{{"text": "{name}"}}]')
    assert ids_of(iter_batches(tmp_path)) == ["county.json", "state.json"]
    for folder in ["train", "test"]:
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "data.arrow", pa.table({"text": [folder]}))
        for name in ["state.json", "dataset_info.json", "../dataset_dict.json"]:
            (tmp_path / folder / name).write_text("{}")
    assert ids_of(iter_batches(tmp_path)) == ["county.json", "state.json", "test", "train"]


def test_formats_can_be_mixed(tmp_path):
    write(tmp_path / "a.parquet", pa.table({"text": ["a"]}))
    write(tmp_path / "b.feather", pa.table({"text": ["b"]}))
    (tmp_path / "c.csv").write_text("text\nc\n")
    (tmp_path / "d.jsonl").write_text('{"text": "d"}')
    assert ids_of(iter_batches(tmp_path)) == ["a", "b", "c", "d"]


def test_files_of_a_list_are_read_in_its_order(tmp_path):
    paths = [write(tmp_path / f"{i}.parquet", pa.table({"id": [i]})) for i in range(4)]
    assert ids_of(iter_batches([paths[2], str(paths[0]), paths[3]])) == [2, 0, 3]
    assert ids_of(iter_batches([paths[2], tmp_path])) == [2, 0, 1, 2, 3]


def test_names_can_have_any_characters_and_upper_case_suffixes(tmp_path):
    path = write(tmp_path / "a b%20#?é.PARQUET", pa.table({"id": [1, 2]}))
    assert ids_of(iter_batches(path)) == [1, 2]


def test_arrow_feather_and_stream_files_can_be_mixed(tmp_path):
    for number, suffix in enumerate([".arrow", ".stream.arrow", ".feather"]):
        write(tmp_path / f"{number}{suffix}", pa.table({"id": [number]}))
    assert ids_of(iter_batches(tmp_path)) == [0, 1, 2]


@pytest.mark.parametrize("shuffle_buffer", [None, 10])
def test_files_without_rows(tmp_path, shuffle_buffer):
    for suffix in (".parquet", ".arrow"):
        path = write(tmp_path / f"a{suffix}", reviews_table([]))
        assert list(iter_batches(path, 10, shuffle_buffer=shuffle_buffer)) == []


def test_record_batches_without_rows(tmp_path):
    full = pa.record_batch({"id": pa.array([5])})
    path = str(tmp_path / "a.arrow")
    with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, full.schema) as writer:
        for batch in (full.slice(0, 0), full, full.slice(0, 0)):
            writer.write_batch(batch)
    assert ids_of(iter_batches(path)) == [5]
    assert ids_of(iter_batches(path, 1, shuffle_buffer=1)) == [5]


@pytest.mark.parametrize("file_format", ["parquet", "ipc"])
@pytest.mark.parametrize("shuffle_buffer", [None, 4])
def test_partition_keys_of_a_dataset_are_columns(tmp_path, file_format, shuffle_buffer):
    table = pa.table({"id": range(10), "label": ["neg", "pos"] * 5})
    ds.write_dataset(
        table, tmp_path, format=file_format, partitioning=["label"], partitioning_flavor="hive"
    )
    dataset = ds.dataset(tmp_path, format=file_format, partitioning="hive")
    batches = list(iter_batches(dataset, 4, shuffle_buffer=shuffle_buffer))
    rows = as_dict(batches, ["id", "label"])
    assert sorted(zip(*rows.values(), strict=True)) == list(
        zip(*table.to_pydict().values(), strict=True)
    )
    (labels,) = next(iter_batches(dataset, 10, columns=["label"]))
    assert Counter(labels.to_pylist()) == {"neg": 5, "pos": 5}


def test_dataset_can_have_some_row_groups_of_a_file(tmp_path):
    path = write(tmp_path / "a.parquet", pa.table({"id": range(12)}), 4)
    (fragment,) = ds.dataset(path).get_fragments()
    some = fragment.subset(row_group_ids=[0, 2])
    dataset = ds.FileSystemDataset([some], some.physical_schema, some.format, some.filesystem)
    assert ids_of(iter_batches(dataset)) == [0, 1, 2, 3, 8, 9, 10, 11]


# Arrow IPC streams


@pytest.mark.parametrize("n_batches", [64, 3 * 64 + 1])
def test_stream_of_many_record_batches(tmp_path, n_batches):
    path = write(tmp_path / "a.stream.arrow", pa.table({"id": range(2 * n_batches)}), 2)
    assert ids_of(iter_batches(path, 7)) == list(range(2 * n_batches))
    shuffled = ids_of(iter_batches(path, 7, shuffle_buffer=20, random_state=0))
    assert sorted(shuffled) == list(range(2 * n_batches))


@pytest.mark.parametrize("emit_deltas", [False, True])
def test_dictionaries_of_a_stream_can_change(tmp_path, emit_deltas):
    values = [f"value {i}" for i in range(20)]
    # Each dictionary extends the one before.
    batches = [
        pa.record_batch([pa.array(values[: i + 1]).dictionary_encode()[i:]], names=["x"])
        for i in range(20)
    ]
    path = tmp_path / "a.arrow"
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=emit_deltas)
    with pa.ipc.new_stream(path, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    assert ids_of(iter_batches(path, 3)) == values
    shuffled = ids_of(iter_batches(path, 3, shuffle_buffer=10, random_state=0))
    assert sorted(shuffled) == sorted(values)


def test_stream_can_be_compressed(tmp_path):
    table = reviews_table(range(50))
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(tmp_path / "a.arrow", table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=9)
    batches = list(iter_batches(tmp_path, 20))
    assert as_dict(batches, table.column_names) == table.to_pydict()


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_truncated_stream_is_named(tmp_path, share):
    path = write(tmp_path / "a.stream.arrow", reviews_table(range(500)), 100)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"a\.stream\.arrow is not a valid Arrow IPC file: "):
        iter_batches(path)


# Resources


_PRINT_ALLOCATED = """
import sys
import pyarrow
from skimdb.datasets import iter_batches
list(map(len, iter_batches(sys.argv[1], 100, shuffle_buffer=4000)))
print(pyarrow.default_memory_pool().max_memory())
"""


def test_a_buffer_is_freed_before_the_next_is_concatenated(tmp_path):
    lists = pa.ListArray.from_arrays(np.arange(0, 2_000_001, 100, dtype=np.int32), range(2_000_000))
    table = pa.table({"X": lists})
    # Streams are mapped, so only the buffer is allocated.
    path = write(tmp_path / "a.stream.arrow", table, 500)
    command = [sys.executable, "-c", _PRINT_ALLOCATED, path]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert int(printed) < 1.5 * table.nbytes * 4000 / len(table)


def test_closing_the_iterator_ends_the_thread(tmp_path):
    path = write(tmp_path / "a.parquet", reviews_table(range(100)))
    before = set(threading.enumerate())
    batches = iter_batches(path, 10)
    next(batches)
    (thread,) = set(threading.enumerate()) - before
    batches.close()
    assert not thread.is_alive()


_READ = """
import sys
from skimdb.datasets import iter_batches
buffer = int(sys.argv[2]) or None
n_rows = sum(len(y) for _, y in iter_batches(sys.argv[1], 500, shuffle_buffer=buffer))
assert n_rows == int(sys.argv[3])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("shuffle_buffer", [0, 2000])
def test_memory_does_not_grow_with_the_row_group(tmp_path, shuffle_buffer):
    rng = np.random.RandomState(0)
    peaks = []
    for n_rows in (15_000, 60_000):
        flat = rng.randint(0, 2**31 - 1, size=240 * n_rows, dtype=np.int32)
        lists = pa.ListArray.from_arrays(np.arange(0, len(flat) + 1, 240, dtype=np.int32), flat)
        path = tmp_path / f"{n_rows}.parquet"
        pq.write_table(pa.table({"X": lists, "y": np.zeros(n_rows)}), path, row_group_size=n_rows)
        assert pq.ParquetFile(path).num_row_groups == 1
        peaks.append(peak_memory(_READ, path, shuffle_buffer, n_rows))
    # The files have 14 MB and 58 MB.
    assert peaks[1] - peaks[0] < 12


# Errors, which are raised in the call where possible


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "reviews.parquet", reviews_table(range(20)))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"batch_size": 0}, "'batch_size' parameter of iter_batches must be an int"),
        ({"columns": "X"}, "'columns' parameter of iter_batches must be an instance of 'list'"),
        ({"columns": []}, "columns must name at least one column, got none"),
        ({"columns": ["X", "X"]}, r"columns must be different, got \['X', 'X'\]"),
        ({"columns": ["X", "y"]}, "no column 'y'; its columns: 'id', 'X', 'text'"),
        ({"shuffle_buffer": 0}, "'shuffle_buffer' parameter of iter_batches must be an int"),
        (
            {"batch_size": 10, "shuffle_buffer": 9},
            "shuffle_buffer must be at least batch_size=10, got 9",
        ),
        ({"shuffle_buffer": 10_000, "random_state": "a"}, "'random_state' parameter"),
        ({"random_state": 3}, "random_state=3 requires shuffle_buffer; without it the rows keep"),
    ],
)
def test_invalid_parameters(path, kwargs, message):
    with pytest.raises(ValueError, match=message):
        iter_batches(path, **kwargs)


def test_columns_must_be_names(path):
    with pytest.raises(TypeError, match="columns must be names, got 1"):
        iter_batches(path, columns=[1])


WRONG_TYPE = "source must be a path, a list of paths or a pyarrow.dataset.Dataset, got "


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (b"a", TypeError, f"{WRONG_TYPE}b'a'"),
        ([3], TypeError, f"{WRONG_TYPE}3 in a list"),
        ("none.parquet", FileNotFoundError, r"source: none\.parquet does not exist"),
        ("", ValueError, r'source must be a path, got ""; "\." is the working directory'),
        (["two", ""], ValueError, 'source must be a path, got ""'),
        ("notes/a.md", ValueError, r"the name of notes/a\.md must tell its format: \.csv, \.tsv, "),
        ("empty", ValueError, r"source='empty' has no files of a known format: \.csv, \.tsv"),
        ([], ValueError, r"source=\[\] has no files of a known format"),
    ],
)
def test_invalid_source(tmp_path, monkeypatch, source, error, message):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.md").touch()
    (tmp_path / "empty").mkdir()
    write(tmp_path / "two/a.parquet", reviews_table(range(2)))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        iter_batches(source)


@every_format
def test_file_without_a_column_is_named(tmp_path, suffix):
    write(tmp_path / f"a{suffix}", pa.table({"X": [1], "y": [1]}))
    write(tmp_path / f"b{suffix}", pa.table({"X": [1]}))
    message = f"b{suffix} has no column 'y'; its columns: 'X'"
    with pytest.raises(ValueError, match=message):
        iter_batches(tmp_path)
    assert len(list(iter_batches(tmp_path, columns=["X"]))) == 1


def test_file_with_a_column_of_another_type_is_named(tmp_path):
    write(tmp_path / "a.parquet", pa.table({"y": [1]}))
    write(tmp_path / "b.parquet", pa.table({"y": ["pos"]}))
    with pytest.raises(ValueError, match=r"b\.parquet has column 'y' as string, but .* int64"):
        iter_batches(tmp_path)


def test_dictionaries_and_plain_values_can_be_mixed(tmp_path):
    write(tmp_path / "a.parquet", pa.table({"y": pa.array(["pos"]).dictionary_encode()}))
    write(tmp_path / "b.parquet", pa.table({"y": ["neg"]}))
    assert ids_of(iter_batches(tmp_path)) == ["pos", "neg"]


def test_dataset_of_another_format_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("id\n1\n")
    for dataset in (ds.dataset(tmp_path / "a.csv", format="csv"), ds.dataset(pa.table({"y": [1]}))):
        with pytest.raises(ValueError, match="source must be Parquet or Arrow IPC files, got <py"):
            iter_batches(dataset)


def test_filtered_dataset_is_refused(path):
    with pytest.raises(ValueError, match="Remove the filtering"):
        iter_batches(ds.dataset(path).filter(ds.field("id") > 3))


@every_format
@pytest.mark.parametrize("name", ["a", "b"])
def test_damaged_file_is_named(tmp_path, suffix, name):
    for other in "ab":
        write(tmp_path / f"{other}{suffix}", reviews_table(range(2)))
    (tmp_path / f"{name}{suffix}").write_bytes(b"PAR1, but not really: " + bytes(50))
    kind = "Parquet" if suffix == ".parquet" else "Arrow IPC"
    with pytest.raises(ValueError, match=f"{name}{suffix} is not a valid {kind} file: "):
        iter_batches(tmp_path)


def test_file_with_damaged_content_is_named_while_reading(tmp_path):
    path = write(tmp_path / "a.parquet", pa.table({"text": [f"{i:050}" for i in range(1000)]}), 500)
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = bytes([255]) * (len(content) // 2 - 4)
    path.write_bytes(content)
    batches = iter_batches(path, 100)
    with pytest.raises(ValueError, match=r"a\.parquet is not a valid Parquet file: "):
        list(batches)


def test_deleted_file_is_not_called_damaged(path):
    batches = iter_batches(path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="reviews"):
        next(batches)


@every_format
@pytest.mark.parametrize("kwargs", [{}, {"shuffle_buffer": 10_000}])
@pytest.mark.parametrize("values", [[1, None], [True, None], [None, 0.5]])
def test_missing_numbers_are_refused(tmp_path, suffix, kwargs, values):
    write(tmp_path / f"a{suffix}", pa.table({"y": values}))
    message = f"a{suffix}: column 'y' has missing values; a column of numbers must be complete"
    with pytest.raises(ValueError, match=message):
        list(iter_batches(tmp_path, **kwargs))


@pytest.mark.parametrize("kwargs", [{}, {"shuffle_buffer": 10_000}])
def test_lists_with_too_many_items_for_one_array_are_refused(tmp_path, kwargs):
    # Lists of null values take no memory.
    n_items = 2**30
    offsets = pa.array([0, n_items], pa.int32())
    huge = pa.ListArray.from_arrays(offsets, pa.nulls(n_items))
    write(tmp_path / "a.arrow", pa.table({"X": pa.chunked_array([huge] * 3)}))
    with pytest.raises(
        ValueError, match="3 rows of column 'X' are too large for one array; lower sh"
    ):
        list(iter_batches(tmp_path, **kwargs))
    assert len(list(iter_batches(tmp_path, 1))) == 3


def test_missing_pyarrow_error_tells_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.dataset", None)
    with pytest.raises(ImportError, match=r"not installed: pip install 'skimdb\[files\]'"):
        iter_batches(path)


def test_importing_needs_no_pyarrow():
    program = (
        "import sys\nsys.modules['pyarrow'] = None\nfrom skimdb.datasets import iter_batches\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", ["none.feather", "none.parquet"])
def test_a_file_without_columns_is_named(tmp_path, name):
    file = write(tmp_path / name, pa.table({}))
    with pytest.raises(ValueError, match=f"{name} has no columns"):
        next(iter_batches(file, 5))


def test_a_file_with_two_columns_of_one_name_is_named(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    file = write(tmp_path / "twice.feather", table)
    with pytest.raises(ValueError, match=r"twice\.feather has several columns of the same name"):
        next(iter_batches(file, 5))
