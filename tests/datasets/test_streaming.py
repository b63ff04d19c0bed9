import subprocess
import sys
import threading
import weakref
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
from skimdb.datasets import _streaming, iter_batches, make_reviews
from skimdb.datasets._arrow import as_bytes, from_bytes
from skimdb.datasets._arrow_files import _MAX_PARTS_OF_STREAM
from skimdb.datasets._streaming import _MAX_LANES
from skimdb.feature_extraction import WordIndexEncoder

SUFFIXES = [".parquet", ".arrow", ".stream.arrow", ".feather"]
every_type = pytest.mark.parametrize("suffix", SUFFIXES)


def write(path, table, rows_per_unit=4):
    """Write a table as row groups or record batches of so many rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".parquet":
        pq.write_table(table, path, row_group_size=rows_per_unit)
    elif path.suffix == ".feather":
        pyarrow.feather.write_feather(table, path, chunksize=rows_per_unit)
    else:
        new = pa.ipc.new_stream if ".stream" in path.suffixes else pa.ipc.new_file
        with pa.OSFile(str(path), "wb") as file, new(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=rows_per_unit)
    return path


def reviews_table(ids):
    """Make rows whose values follow from their number: row i has i % 5 word indices."""
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


def as_table(batches, names):
    columns = [
        [value for array in arrays for value in array.tolist()]
        for arrays in zip(*batches, strict=True)
    ]
    return dict(zip(names, columns, strict=True))


@st.composite
def streams(draw):
    """Draw files by their numbers of rows, rows per unit, a batch size and a buffer size."""
    sizes = draw(st.lists(st.integers(0, 60), min_size=1, max_size=4))
    rows_per_unit = draw(st.integers(1, 30))
    batch_size = draw(st.integers(1, 50))
    shuffle_buffer = batch_size + draw(st.integers(0, 60))
    suffix = draw(st.sampled_from(SUFFIXES))
    return sizes, rows_per_unit, batch_size, shuffle_buffer, suffix


def write_all(folder, sizes, rows_per_unit, suffix):
    bounds = np.cumsum([0, *sizes])
    for number, (start, end) in enumerate(pairwise(bounds)):
        path = Path(folder) / f"{number}{suffix}"
        write(path, reviews_table(range(start, end)), rows_per_unit)


def check_batch_sizes(batches, n_rows, batch_size):
    sizes = [{len(array) for array in batch} for batch in batches]
    full, rest = divmod(n_rows, batch_size)
    assert sizes == [{batch_size}] * full + [{rest}] * (rest > 0)


@settings(max_examples=40)
@given(streams())
def test_without_shuffle_rows_keep_their_order(stream):
    sizes, rows_per_unit, batch_size, _, suffix = stream
    with TemporaryDirectory() as folder:
        write_all(folder, sizes, rows_per_unit, suffix)
        batches = list(iter_batches(folder, batch_size))
    check_batch_sizes(batches, sum(sizes), batch_size)
    if batches:
        expected = reviews_table(range(sum(sizes))).to_pydict()
        assert as_table(batches, expected) == expected


@settings(max_examples=60)
@given(streams(), st.integers(0, 2**32 - 1))
def test_shuffle_gives_each_row_once_and_the_same_with_the_same_seed(stream, seed):
    sizes, rows_per_unit, batch_size, shuffle_buffer, suffix = stream
    kwargs = {"shuffle_buffer": shuffle_buffer, "random_state": seed}
    with TemporaryDirectory() as folder:
        write_all(folder, sizes, rows_per_unit, suffix)
        batches = list(iter_batches(folder, batch_size, **kwargs))
        again = list(iter_batches(folder, batch_size, **kwargs))
    check_batch_sizes(batches, sum(sizes), batch_size)
    ids = ids_of(batches)
    assert Counter(ids) == Counter(range(sum(sizes)))
    assert ids_of(again) == ids
    if batches:
        expected = reviews_table(ids).to_pydict()
        assert as_table(batches, expected) == expected
        assert as_table(again, expected) == expected


# The shuffle


def write_sorted_by_label(folder, *, n_files=20, groups_per_file=5, rows_per_group=100):
    """Write files of which the first half has label 0 and the second half label 1."""
    n_rows = groups_per_file * rows_per_group
    for number in range(n_files):
        ids = np.arange(number * n_rows, (number + 1) * n_rows)
        y = np.full(n_rows, int(number >= n_files // 2))
        write(folder / f"{number:03}.parquet", pa.table({"id": ids, "y": y}), rows_per_group)


def mean_labels(folder, **kwargs):
    return np.array([y.mean() for _, y in iter_batches(folder, 250, **kwargs)])


@pytest.mark.parametrize("groups_in_buffer", [2.5, 10, 40])
def test_shuffled_batches_of_sorted_files_have_both_labels_alike(tmp_path, groups_in_buffer):
    write_sorted_by_label(tmp_path)
    sequential = mean_labels(tmp_path)
    assert set(sequential) == {0, 1}
    shuffled = mean_labels(tmp_path, shuffle_buffer=int(100 * groups_in_buffer), random_state=0)
    # Of 250 independent draws the standard deviation is 0.032.
    assert np.abs(shuffled - 0.5).max() < 0.16
    assert np.sqrt(np.mean((shuffled - 0.5) ** 2)) < 0.06


@pytest.mark.parametrize("suffix", [".feather", ".stream.arrow"])
def test_record_batches_larger_than_their_share_of_the_buffer_are_mixed(tmp_path, suffix):
    y = np.repeat([0, 1], 5000)
    table = pa.table({"id": np.arange(10_000), "y": y})
    write(tmp_path / f"a{suffix}", table, 1250)
    shuffled = mean_labels(tmp_path, shuffle_buffer=1000, random_state=0)
    assert np.abs(shuffled - 0.5).max() < 0.16


def test_units_that_are_sorted_within_are_mixed_by_a_buffer_of_ten(tmp_path):
    y = np.repeat([0, 1], 50)
    for number in range(100):
        table = pa.table({"id": np.arange(100), "y": y})
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
    # 50 of each are expected; the 0.9999 quantile of chi-squared with 23 degrees is 56.
    assert sum((count - 50) ** 2 / 50 for count in orders.values()) < 56


def test_where_a_row_goes_does_not_depend_on_where_it_was(tmp_path):
    write_sorted_by_label(tmp_path)
    ids = ids_of(iter_batches(tmp_path, 250, shuffle_buffer=1000, random_state=0))
    assert abs(np.corrcoef(ids, np.arange(len(ids)))[0, 1]) < 0.05
    # Neighbours in a uniform permutation are a third of the length apart on average.
    assert np.abs(np.diff(ids)).mean() == pytest.approx(len(ids) / 3, rel=0.05)


def test_one_huge_row_group_is_mixed_within_the_buffer(tmp_path):
    path = write(tmp_path / "a.parquet", pa.table({"id": np.arange(1000)}), 1000)
    ids = ids_of(iter_batches(path, 50, shuffle_buffer=100, random_state=0))
    blocks = np.reshape(ids, (10, 100))
    assert [set(block) for block in blocks.tolist()] == [
        set(range(start, start + 100)) for start in range(0, 1000, 100)
    ]
    assert (np.sort(blocks, axis=1) != blocks).any(axis=1).all()


def test_buffer_is_rounded_down_to_whole_batches(tmp_path):
    path = write(tmp_path / "a.parquet", pa.table({"id": np.arange(100)}), 100)
    first, *_ = iter_batches(path, 20, shuffle_buffer=39, random_state=0)
    assert set(first[0].tolist()) == set(range(20))


def test_more_units_than_are_read_side_by_side(tmp_path):
    n_rows = 3 * _MAX_LANES + 1
    path = write(tmp_path / "a.parquet", pa.table({"id": np.arange(n_rows)}), 1)
    ids = ids_of(iter_batches(path, 5, shuffle_buffer=50, random_state=0))
    assert sorted(ids) == list(range(n_rows))


def test_a_small_buffer_is_not_filled_from_the_first_ranges_alone(tmp_path):
    # Of the eight ranges of eight units, half fit in the buffer.
    path = write(tmp_path / "a.parquet", pa.table({"id": np.arange(64)}), 1)
    counts = np.zeros(8)
    for seed in range(100):
        (ids,) = next(iter_batches(path, 4, shuffle_buffer=4, random_state=seed))
        counts[ids // 8] += 1
    # Each is expected 50 times, with a standard deviation of 5.
    assert np.abs(counts - 50).max() < 20


def test_other_seeds_give_other_orders(tmp_path):
    path = write(tmp_path / "a.parquet", reviews_table(range(100)))
    orders = {
        tuple(ids_of(iter_batches(path, 10, shuffle_buffer=50, random_state=seed)))
        for seed in [0, 1, 2, None, None]
    }
    assert len(orders) == 5


def test_random_state_instance_is_used_at_the_call(tmp_path):
    path = write(tmp_path / "a.parquet", reviews_table(range(100)))
    rng = np.random.RandomState(0)
    streams = [iter_batches(path, 10, shuffle_buffer=50, random_state=rng) for _ in range(2)]
    rng.random_sample(100)
    second, first = ids_of(streams[1]), ids_of(streams[0])
    assert first != second
    assert first == ids_of(iter_batches(path, 10, shuffle_buffer=50, random_state=0))


# What comes out


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


@every_type
@pytest.mark.parametrize("shuffle_buffer", [None, 16])
def test_numbers_come_as_numpy_and_everything_else_as_contiguous_arrow(
    every_column, suffix, shuffle_buffer
):
    table, folder = every_column
    path = write(folder / f"a{suffix}", table, 6)
    n_rows = 0
    for batch in iter_batches(path, 8, shuffle_buffer=shuffle_buffer):
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


@pytest.mark.parametrize("make_type", [pa.list_, pa.large_list])
def test_lists_that_are_views_survive_the_way_through_bytes(make_type):
    values = pa.array([9, 9, 1, 2, 3, 4, 5], pa.int16()).slice(2)
    offsets = pa.array([0, 2, 2, 5], pa.int32())
    lists = pa.ListArray.from_arrays(offsets, values).cast(make_type(pa.int16())).slice(1)
    viewed = as_bytes(lists)
    assert viewed.type == pa.large_binary()
    gathered = from_bytes(viewed.take([1, 0, 1]), lists.type)
    assert gathered.type == lists.type
    assert gathered.to_pylist() == [[3, 4, 5], [], [3, 4, 5]]


@every_type
def test_columns_come_in_the_order_asked_for(tmp_path, suffix):
    table = reviews_table(range(10))
    path = write(tmp_path / f"a{suffix}", table)
    for columns in [["text", "id"], ("X",), None]:
        (batch,) = iter_batches(path, columns=columns)
        names = table.column_names if columns is None else columns
        assert [array.tolist() for array in batch] == [table[name].to_pylist() for name in names]


def test_vectorizer_and_encoder_take_what_comes(tmp_path):
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


def test_partial_fit_takes_labels_that_are_strings(tmp_path):
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


@every_type
def test_folder_gives_its_visible_files_and_those_of_sub_folders_by_name(tmp_path, suffix):
    names = ["b/c", "b/a", "a", "c", ".hidden", "_notes", ".hidden_folder/a", "b/_more/a"]
    for number, name in enumerate(names):
        write(tmp_path / f"{name}{suffix}", pa.table({"id": [number]}))
    (tmp_path / "README.md").write_text("about")
    assert ids_of(iter_batches(tmp_path)) == ids_of(iter_batches(str(tmp_path))) == [2, 1, 0, 3]


def test_list_gives_its_files_in_their_order(tmp_path):
    paths = [write(tmp_path / f"{i}.parquet", pa.table({"id": [i]})) for i in range(4)]
    assert ids_of(iter_batches([paths[2], str(paths[0]), paths[3]])) == [2, 0, 3]
    assert ids_of(iter_batches([paths[2], tmp_path])) == [2, 0, 1, 2, 3]


def test_case_of_suffix_and_signs_in_names_do_not_matter(tmp_path):
    path = write(tmp_path / "a b%20#?é.PARQUET", pa.table({"id": [1, 2]}))
    assert ids_of(iter_batches(path)) == [1, 2]


def test_arrow_and_feather_are_one_type(tmp_path):
    write(tmp_path / "a.arrow", pa.table({"id": [1]}))
    write(tmp_path / "b.feather", pa.table({"id": [2]}))
    assert ids_of(iter_batches(tmp_path)) == [1, 2]


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
def test_dataset_gives_the_keys_of_its_partitions_too(tmp_path, file_format, shuffle_buffer):
    table = pa.table({"id": range(10), "label": ["neg", "pos"] * 5})
    ds.write_dataset(
        table, tmp_path, format=file_format, partitioning=["label"], partitioning_flavor="hive"
    )
    dataset = ds.dataset(tmp_path, format=file_format, partitioning="hive")
    batches = list(iter_batches(dataset, 4, shuffle_buffer=shuffle_buffer))
    rows = as_table(batches, ["id", "label"])
    assert sorted(zip(*rows.values(), strict=True)) == list(
        zip(*table.to_pydict().values(), strict=True)
    )
    (labels,) = next(iter_batches(dataset, 10, columns=["label"]))
    assert Counter(labels.to_pylist()) == {"neg": 5, "pos": 5}


def test_dataset_of_some_row_groups(tmp_path):
    path = write(tmp_path / "a.parquet", pa.table({"id": range(12)}), 4)
    (fragment,) = ds.dataset(path).get_fragments()
    some = fragment.subset(row_group_ids=[0, 2])
    dataset = ds.FileSystemDataset([some], some.physical_schema, some.format, some.filesystem)
    assert ids_of(iter_batches(dataset)) == [0, 1, 2, 3, 8, 9, 10, 11]


# Arrow IPC streams


def test_streams_and_files_of_one_type_can_be_mixed(tmp_path):
    for number, suffix in enumerate([".arrow", ".stream.arrow", ".feather"]):
        write(tmp_path / f"{number}{suffix}", pa.table({"id": [number]}))
    assert ids_of(iter_batches(tmp_path)) == [0, 1, 2]


@pytest.mark.parametrize("n_batches", [_MAX_PARTS_OF_STREAM, 3 * _MAX_PARTS_OF_STREAM + 1])
def test_stream_of_many_record_batches(tmp_path, n_batches):
    path = write(tmp_path / "a.stream.arrow", pa.table({"id": range(2 * n_batches)}), 2)
    assert ids_of(iter_batches(path, 7)) == list(range(2 * n_batches))
    shuffled = ids_of(iter_batches(path, 7, shuffle_buffer=20, random_state=0))
    assert sorted(shuffled) == list(range(2 * n_batches))


def test_shuffled_batches_of_a_stream_that_is_sorted_have_both_labels_alike(tmp_path):
    y = np.repeat([0, 1], 5000)
    write(tmp_path / "a.stream.arrow", pa.table({"id": range(10_000), "y": y}), 100)
    shuffled = mean_labels(tmp_path, shuffle_buffer=1000, random_state=0)
    assert np.abs(shuffled - 0.5).max() < 0.16


@pytest.mark.parametrize("emit_deltas", [False, True])
def test_dictionaries_of_a_stream_may_change(tmp_path, emit_deltas):
    values = [f"value {i}" for i in range(20)]
    # Each dictionary is longer than the one before.
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


def test_compressed_stream(tmp_path):
    table = reviews_table(range(50))
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(tmp_path / "a.arrow", table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=9)
    batches = list(iter_batches(tmp_path, 20))
    assert as_table(batches, table.column_names) == table.to_pydict()


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_stream_that_was_cut_off_is_named(tmp_path, share):
    path = write(tmp_path / "a.stream.arrow", reviews_table(range(500)), 100)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"a\.stream\.arrow is no intact Arrow IPC file: "):
        iter_batches(path)


# Resources


def test_a_buffer_is_released_before_the_next_is_joined(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet", reviews_table(range(100)))
    joined, n_alive = [], []

    def join(parts, types):
        n_alive.append(sum(column() is not None for column in joined))
        rows = _join(parts, types)
        joined.extend(weakref.ref(column) for column in rows)
        return rows

    _join = _streaming._join
    monkeypatch.setattr(_streaming, "_join", join)
    list(iter_batches(path, 10, shuffle_buffer=20))
    assert n_alive == [0] * 5


def test_stopping_early_ends_the_thread(tmp_path):
    path = write(tmp_path / "a.parquet", reviews_table(range(100)))
    before = set(threading.enumerate())
    batches = iter_batches(path, 10)
    next(batches)
    (thread,) = set(threading.enumerate()) - before
    batches.close()
    assert not thread.is_alive()


_PEAK = r"""
import re, sys
from pathlib import Path
import pyarrow, pyarrow.dataset, pyarrow.parquet
from skimdb.datasets import iter_batches
buffer = int(sys.argv[2]) or None
n_rows = sum(len(y) for _, y in iter_batches(sys.argv[1], 500, shuffle_buffer=buffer))
# Unlike ru_maxrss it does not count what the process was forked from.
print(n_rows, re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("shuffle_buffer", [0, 2000])
def test_memory_does_not_depend_on_the_size_of_a_row_group(tmp_path, shuffle_buffer):
    rng = np.random.RandomState(0)
    peaks = {}
    for n_rows in (15_000, 60_000):
        flat = rng.randint(0, 2**31 - 1, size=240 * n_rows, dtype=np.int32)
        lists = pa.ListArray.from_arrays(np.arange(0, len(flat) + 1, 240, dtype=np.int32), flat)
        path = tmp_path / f"{n_rows}.parquet"
        pq.write_table(pa.table({"X": lists, "y": np.zeros(n_rows)}), path, row_group_size=n_rows)
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, path, str(shuffle_buffer)],
            check=True,
            capture_output=True,
            text=True,
        )
        n_read, peak = map(int, done.stdout.split())
        assert n_read == n_rows
        assert pq.ParquetFile(path).num_row_groups == 1
        peaks[n_rows] = peak / 1024
    # The larger file is 58 MB, the smaller one 14 MB.
    assert peaks[60_000] - peaks[15_000] < 12


# Errors, which come at the call where that is possible


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
        ({"random_state": 3}, "random_state=3 must be left out without shuffle_buffer"),
    ],
)
def test_wrong_parameters(path, kwargs, message):
    with pytest.raises(ValueError, match=message):
        iter_batches(path, **kwargs)


def test_columns_that_are_no_names(path):
    with pytest.raises(TypeError, match="columns must be names, got 1"):
        iter_batches(path, columns=[1])


def test_wrong_source():
    wanted = "source must be a path, a list of paths or a pyarrow.dataset.Dataset, got "
    with pytest.raises(TypeError, match=f"{wanted}b'a'"):
        iter_batches(b"a")
    with pytest.raises(TypeError, match=f"{wanted}3 in a list"):
        iter_batches([3])


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"source: there is no .*none\.parquet"):
        iter_batches(tmp_path / "none.parquet")


def test_file_of_unknown_type(tmp_path):
    (tmp_path / "a.csv").write_text("id\n1\n")
    with pytest.raises(ValueError, match=r"a\.csv must be \.parquet, \.arrow, \.feather or a fol"):
        iter_batches(tmp_path / "a.csv")


def test_no_files(tmp_path):
    (tmp_path / "a.csv").write_text("id\n1\n")
    with pytest.raises(ValueError, match=r"has no \.parquet, \.arrow, \.feather files"):
        iter_batches(tmp_path)
    with pytest.raises(ValueError, match=r"source=\[\] has no \.parquet"):
        iter_batches([])


def test_files_of_two_types(tmp_path):
    for suffix in (".parquet", ".arrow"):
        write(tmp_path / f"a{suffix}", reviews_table(range(2)))
    with pytest.raises(ValueError, match=r"files of one type, got .*a\.parquet and .*a\.arrow"):
        iter_batches(tmp_path)


@every_type
def test_column_that_one_file_lacks(tmp_path, suffix):
    write(tmp_path / f"a{suffix}", pa.table({"X": [1], "y": [1]}))
    write(tmp_path / f"b{suffix}", pa.table({"X": [1]}))
    message = f"b{suffix} has no column 'y'; its columns: 'X'"
    with pytest.raises(ValueError, match=message):
        iter_batches(tmp_path)
    assert len(list(iter_batches(tmp_path, columns=["X"]))) == 1


def test_column_of_two_types(tmp_path):
    write(tmp_path / "a.parquet", pa.table({"y": [1]}))
    write(tmp_path / "b.parquet", pa.table({"y": ["pos"]}))
    with pytest.raises(ValueError, match=r"b\.parquet has column 'y' as string, but .* int64"):
        iter_batches(tmp_path)


def test_dictionaries_and_plain_values_are_one_type(tmp_path):
    write(tmp_path / "a.parquet", pa.table({"y": pa.array(["pos"]).dictionary_encode()}))
    write(tmp_path / "b.parquet", pa.table({"y": ["neg"]}))
    assert ids_of(iter_batches(tmp_path)) == ["pos", "neg"]


def test_dataset_of_another_type(tmp_path):
    (tmp_path / "a.csv").write_text("id\n1\n")
    for dataset in (ds.dataset(tmp_path / "a.csv", format="csv"), ds.dataset(pa.table({"y": [1]}))):
        with pytest.raises(ValueError, match="source must be Parquet or Arrow IPC files, got <py"):
            iter_batches(dataset)


def test_filtered_dataset(path):
    with pytest.raises(ValueError, match="Remove the filtering"):
        iter_batches(ds.dataset(path).filter(ds.field("id") > 3))


@every_type
@pytest.mark.parametrize("name", ["a", "b"])
def test_damaged_file_is_named(tmp_path, suffix, name):
    for other in "ab":
        write(tmp_path / f"{other}{suffix}", reviews_table(range(2)))
    (tmp_path / f"{name}{suffix}").write_bytes(b"PAR1, but not really: " + bytes(50))
    kind = "Parquet" if suffix == ".parquet" else "Arrow IPC"
    with pytest.raises(ValueError, match=f"{name}{suffix} is no intact {kind} file: "):
        iter_batches(tmp_path)


def test_file_with_damaged_content_is_named_while_reading(tmp_path):
    path = write(tmp_path / "a.parquet", pa.table({"text": [f"{i:050}" for i in range(1000)]}), 500)
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = bytes([255]) * (len(content) // 2 - 4)
    path.write_bytes(content)
    batches = iter_batches(path, 100)
    with pytest.raises(ValueError, match=r"a\.parquet is no intact Parquet file: "):
        list(batches)


def test_file_that_is_gone_is_no_damaged_file(path):
    batches = iter_batches(path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="reviews"):
        next(batches)


@every_type
@pytest.mark.parametrize("kwargs", [{}, {"shuffle_buffer": 10_000}])
@pytest.mark.parametrize("values", [[1, None], [True, None], [None, 0.5]])
def test_missing_numbers_name_column_and_file(tmp_path, suffix, kwargs, values):
    write(tmp_path / f"a{suffix}", pa.table({"y": values}))
    message = f"a{suffix}: column 'y' has missing values, but numbers must be complete"
    with pytest.raises(ValueError, match=message):
        list(iter_batches(tmp_path, **kwargs))


@pytest.mark.parametrize("kwargs", [{}, {"shuffle_buffer": 10_000}])
def test_more_items_than_offsets_can_count(tmp_path, kwargs):
    # Lists of nothing but missing values take no memory.
    n_items = 2**30
    offsets = pa.array([0, n_items], pa.int32())
    huge = pa.ListArray.from_arrays(offsets, pa.nulls(n_items))
    write(tmp_path / "a.arrow", pa.table({"X": pa.chunked_array([huge] * 3)}))
    with pytest.raises(ValueError, match="3 rows of column 'X' are too many to hold together; low"):
        list(iter_batches(tmp_path, **kwargs))
    assert len(list(iter_batches(tmp_path, 1))) == 3


def test_pyarrow_is_missing(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.dataset", None)
    with pytest.raises(ImportError, match=r"not installed: pip install 'skimdb\[arrow\]'"):
        iter_batches(path)


def test_importing_needs_no_pyarrow():
    program = (
        "import sys\nsys.modules['pyarrow'] = None\nfrom skimdb.datasets import iter_batches\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
