"""Reviews from Arrow and Parquet files that do not fit in memory, batch by batch."""

import importlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from heapq import heappop, heapreplace
from itertools import chain, islice
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from skimdb.datasets._base import check_params
from skimdb.datasets._text_files import _check_columns

# Arrow arrays of the same length, one for each column.
_Rows: TypeAlias = list[Any]
# The Arrow type of each column that is asked for.
_Types: TypeAlias = dict[str, Any]
_Batch: TypeAlias = tuple[Any, ...]

_FORMATS = {".parquet": "parquet", ".arrow": "ipc", ".feather": "ipc"}
_BUFFER_SIZE = 2**20
# Each lane holds a file open, and of each column a page and what is read of it at once.
_MIN_LANES, _MAX_LANES = 8, 32
# In how many slices a lane gives its share of the buffer.
_SLICES = 4
_INT32_MAX = np.iinfo(np.int32).max


class _Unit(NamedTuple):
    """Rows that can be read without those before them.

    Parameters
    ----------
    fragment : pyarrow.dataset.FileFragment
        A file.
    number : int
        Of the row group or record batch in the file.
    n_rows : int
        How many rows it has; of a record batch, the mean of those of its file.
    """

    fragment: Any
    number: int
    n_rows: int


@check_params(
    {
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "columns": [list, tuple, None],
        "shuffle_buffer": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }
)
def iter_batches(
    source: Any,
    batch_size: int = 10_000,
    *,
    columns: Sequence[str] | None = None,
    shuffle_buffer: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Read Arrow or Parquet files batch by batch, in bounded memory.

    Everything but the content of the files is checked at the call, before the first batch.

    Parameters
    ----------
    source : str, Path, list of str or Path, or pyarrow.dataset.Dataset
        A file, whose suffix is .parquet or, for Arrow IPC files, .arrow or .feather; a folder,
        of which all such files are taken, those of its sub-folders too, in the order of their
        names, without those that start with a dot or an underscore; or a list of these. All
        files must be of one type. Or a dataset of such files, which may be partitioned.
    batch_size : int, default=10_000
        Number of rows of each batch. Only the last may have fewer.
    columns : list of str, default=None
        The columns to read, in this order. By default all columns.
    shuffle_buffer : int, default=None
        Number of rows to shuffle at a time, at least `batch_size`; it is rounded down to whole
        batches. By default the rows keep their order, file after file.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffle. The same int gives the same batches, on every machine, so each epoch
        wants another one. Must be left out without `shuffle_buffer`.

    Returns
    -------
    batches : iterator of tuple
        Each has an array for each column. Numbers and booleans come as an ndarray, everything
        else (lists of word indices, texts) as a `pyarrow.Array`, which
        :class:`~skimdb.feature_extraction.MultiHotVectorizer` and
        :class:`~skimdb.feature_extraction.WordIndexEncoder` take. Dictionaries are decoded.

    Raises
    ------
    ImportError
        Without pyarrow.
    OSError
        If a file cannot be opened.
    TypeError
        If `source` is something else.
    ValueError
        If a parameter is wrong; if there are no files, or files of several types; if a file lacks
        a column, has it in another type than the first file, or is damaged. While reading: if
        numbers are missing, or if the lists or texts that are put together have more
        than 2**31 - 1 items or bytes in a type with 32-bit offsets.

    See Also
    --------
    skimdb.DenseSentimentClassifier.partial_fit : Trains on one batch.

    Notes
    -----
    Files are read and shuffled in a thread of their own, one batch ahead.

    A unit is a row group of a Parquet file or a record batch of an IPC file. To shuffle, the units
    are cut, in their order, into as many ranges as units fit in the buffer, but 8 to 32 and at most
    as many as there are units. Each range is read in random order of its units, and all advance at
    the same pace, so that the buffer holds rows from everywhere: also where the files are sorted by
    label, each buffer has the labels in about the proportion of the whole. A full buffer is given
    out in random order. This is the bounded shuffle of input pipelines [1]_ with a stratified
    choice of what goes into the buffer.

    Memory holds the rows of two buffers, one given out and one being filled, the batches read
    ahead and in use, and a page of each column for each range. It does not depend on the number of
    rows of the files, nor on that of a row group, which is read in slices; a record batch is read
    as a whole. A unit that is larger than its share of the buffer is read from its start to its
    end, so the rows of one huge row group mix only within the buffer. Write smaller row groups, or
    shuffle once when writing, where rows are sorted within them.

    `partial_fit` shuffles each batch itself, and trains in steps of the classifier's own
    `batch_size`. What it costs per call is least felt with batches of 10,000 rows or more.

    References
    ----------
    .. [1] D. G. Murray, J. Simsa, A. Klimovic and I. Indyk, "tf.data: A Machine Learning Data
       Processing Framework", PVLDB 14(12), 2021.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pyarrow as pa
    >>> import pyarrow.parquet as pq
    >>> from skimdb import DenseSentimentClassifier, MultiHotVectorizer
    >>> from skimdb.datasets import iter_batches, make_reviews
    >>> X, y = make_reviews(3000, random_state=0)
    >>> vectorizer = MultiHotVectorizer().fit(X[:2000])
    >>> classifier = DenseSentimentClassifier(batch_size=64, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "reviews.parquet"
    ...     table = pa.table({"review": X[:2000].tolist(), "label": y[:2000]})
    ...     pq.write_table(table, path, row_group_size=100)
    ...     for epoch in range(2):
    ...         batches = iter_batches(
    ...             path, 500, columns=["review", "label"], shuffle_buffer=1000, random_state=epoch
    ...         )
    ...         for reviews, labels in batches:
    ...             X_batch = vectorizer.transform(reviews)
    ...             _ = classifier.partial_fit(X_batch, labels, classes=[0, 1])
    >>> classifier.score(vectorizer.transform(X[2000:]), y[2000:]) > 0.75
    True
    """
    if shuffle_buffer is None and random_state is not None:
        raise ValueError(
            f"random_state={random_state} must be left out without shuffle_buffer, "
            "since the rows keep their order"
        )
    if shuffle_buffer is not None and shuffle_buffer < batch_size:
        raise ValueError(
            f"shuffle_buffer must be at least batch_size={batch_size}, got {shuffle_buffer}"
        )
    dataset = _open_dataset(source)
    types = _column_types(dataset.schema, columns)
    units = [unit for fragment in dataset.get_fragments() for unit in _units_of(fragment, types)]
    if shuffle_buffer is None:
        batches = _in_order(units, types, batch_size)
    else:
        # Drawn here, since the caller may use a RandomState instance while the thread runs.
        rng = np.random.RandomState(check_random_state(random_state).randint(_INT32_MAX))
        batches = _shuffled(units, types, batch_size, shuffle_buffer, rng)
    return _read_ahead(map(_as_batch, batches))


# Finding and checking files


def _open_dataset(source: Any) -> Any:
    try:
        ds, fs = map(importlib.import_module, ("pyarrow.dataset", "pyarrow.fs"))
    except ImportError as error:
        raise ImportError(
            "Arrow and Parquet files are read by pyarrow, which is not installed: "
            "pip install 'skimdb[arrow]'"
        ) from error
    if isinstance(source, ds.Dataset):
        return source
    sources = source if isinstance(source, list) else [source]
    for item in sources:
        if not isinstance(item, str | Path):
            raise TypeError(
                "source must be a path, a list of paths or a pyarrow.dataset.Dataset, got "
                f"{item!r}" + (" in a list" if item is not source else "")
            )
    paths = list(chain.from_iterable(_files_at(Path(item)) for item in sources))
    if not paths:
        raise ValueError(f"source={source!r} has no {', '.join(_FORMATS)} files")
    first = {_FORMATS[path.suffix.lower()]: path for path in reversed(paths)}
    if len(first) > 1:
        raise ValueError(
            "source must be files of one type, got " + " and ".join(map(str, first.values()))
        )
    with _naming(str(paths[0])):
        return ds.dataset(
            [str(path) for path in paths], format=next(iter(first)), filesystem=fs.LocalFileSystem()
        )


def _files_at(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from _files_in(path)
    elif not path.exists():
        raise FileNotFoundError(f"source: there is no {path}")
    elif path.suffix.lower() not in _FORMATS:
        raise ValueError(f"source: {path} must be {', '.join(_FORMATS)} or a folder")
    else:
        yield path


def _files_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        # Names with an underscore are other programs' notes, such as Spark's _SUCCESS.
        if path.name.startswith((".", "_")):
            continue
        if path.is_dir():
            yield from _files_in(path)
        elif path.suffix.lower() in _FORMATS:
            yield path


@contextmanager
def _naming(path: str) -> Iterator[None]:
    arrow_exception = importlib.import_module("pyarrow").ArrowException
    try:
        yield
    except (OSError, UnicodeDecodeError, arrow_exception) as error:
        # Arrow's own complaints about the content have no number of the operating system.
        if isinstance(error, OSError) and (type(error) is not OSError or error.errno is not None):
            raise
        raise ValueError(f"{path} is no intact Parquet or Arrow IPC file: {error}") from error


def _column_types(schema: Any, columns: Sequence[str] | None) -> _Types:
    names = schema.names if columns is None else columns
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"columns must be names, got {name!r}")
    if not names:
        raise ValueError("columns must name at least one column, got none")
    if len(set(names)) < len(names):
        raise ValueError(f"columns must be different, got {list(names)}")
    _check_columns(schema.names, names, "source")
    return {name: _decoded(schema.field(name).type) for name in names}


def _decoded(arrow_type: Any) -> Any:
    is_dictionary = importlib.import_module("pyarrow").types.is_dictionary
    return arrow_type.value_type if is_dictionary(arrow_type) else arrow_type


def _check_fragment(fragment: Any, types: _Types) -> None:
    schema, keys = fragment.physical_schema, _partition_keys(fragment)
    names = [*schema.names, *(key for key in keys if key not in schema.names)]
    _check_columns(names, list(types), fragment.path)
    for name, expected in types.items():
        if name in schema.names and (found := _decoded(schema.field(name).type)) != expected:
            raise ValueError(
                f"{fragment.path} has column {name!r} as {found}, but the schema, by default that "
                f"of the first file, has it as {expected}"
            )


def _partition_keys(fragment: Any) -> dict[str, Any]:
    ds = importlib.import_module("pyarrow.dataset")
    keys: dict[str, Any] = ds.get_partition_keys(fragment.partition_expression)
    return keys


def _units_of(fragment: Any, types: _Types) -> list[_Unit]:
    if not (_is_parquet(fragment) or _is_ipc(fragment)):
        raise ValueError(f"source must be Parquet or Arrow IPC files, got {fragment!r}")
    with _naming(fragment.path):
        _check_fragment(fragment, types)
        if _is_parquet(fragment):
            return [_Unit(fragment, group.id, group.num_rows) for group in fragment.row_groups]
        ipc = importlib.import_module("pyarrow.ipc")
        with fragment.open() as file, ipc.open_file(file) as reader:
            n_batches = reader.num_record_batches
        n_rows = fragment.count_rows()
        return [_Unit(fragment, i, math.ceil(n_rows / n_batches)) for i in range(n_batches)]


def _is_parquet(fragment: Any) -> bool:
    ds = importlib.import_module("pyarrow.dataset")
    return isinstance(fragment, ds.ParquetFileFragment)


def _is_ipc(fragment: Any) -> bool:
    ds = importlib.import_module("pyarrow.dataset")
    return isinstance(fragment, ds.FileFragment) and isinstance(fragment.format, ds.IpcFileFormat)


# Reading


def _read(unit: _Unit, types: _Types, slice_size: int) -> Iterator[_Rows]:
    """Read a row group in slices, or a record batch as a whole."""
    fragment = unit.fragment
    stored = [name for name in types if name in fragment.physical_schema.names]
    keys = _partition_keys(fragment)
    read = _read_row_group if _is_parquet(fragment) else _read_record_batch
    with _naming(fragment.path), fragment.open() as file:
        for chunk in read(file, unit, stored, slice_size):
            if chunk.num_rows:
                yield [
                    _column(chunk, name, fragment.path)
                    if name in stored
                    else _constant(keys[name], arrow_type, chunk.num_rows)
                    for name, arrow_type in types.items()
                ]


def _read_row_group(file: Any, unit: _Unit, names: list[str], slice_size: int) -> Iterator[Any]:
    parquet = importlib.import_module("pyarrow.parquet")
    # Read through a buffer, instead of all of a row group at once.
    reader = parquet.ParquetFile(
        file, metadata=unit.fragment.metadata, pre_buffer=False, buffer_size=_BUFFER_SIZE
    )
    yield from reader.iter_batches(
        slice_size, row_groups=[unit.number], columns=names, use_threads=False
    )


def _read_record_batch(file: Any, unit: _Unit, names: list[str], _: int) -> Iterator[Any]:
    ipc = importlib.import_module("pyarrow.ipc")
    schema = unit.fragment.physical_schema
    options = ipc.IpcReadOptions(included_fields=[schema.get_field_index(name) for name in names])
    with ipc.open_file(file, options=options) as reader:
        yield reader.get_batch(unit.number)


def _column(chunk: Any, name: str, path: str) -> Any:
    column = chunk.column(name)
    if _decoded(column.type) != column.type:
        column = column.dictionary_decode()
    if column.null_count and _is_number(column.type):
        raise ValueError(
            f"{path}: column {name!r} has missing values, but numbers must be complete"
        )
    return column


def _constant(value: Any, arrow_type: Any, n_rows: int) -> Any:
    arrow = importlib.import_module("pyarrow")
    return arrow.repeat(arrow.scalar(value, arrow_type), n_rows)


def _is_number(arrow_type: Any) -> bool:
    types = importlib.import_module("pyarrow").types
    tests = (types.is_integer, types.is_floating, types.is_boolean)
    return any(test(arrow_type) for test in tests)


# Batching and shuffling


def _in_order(units: list[_Unit], types: _Types, batch_size: int) -> Iterator[_Rows]:
    chunks = chain.from_iterable(_read(unit, types, batch_size) for unit in units)
    return (_join(parts, types) for parts in _cut(chunks, batch_size))


def _shuffled(
    units: list[_Unit],
    types: _Types,
    batch_size: int,
    shuffle_buffer: int,
    rng: np.random.RandomState,
) -> Iterator[_Rows]:
    n_batches = shuffle_buffer // batch_size
    lanes = _lanes(units, n_batches * batch_size, rng)
    slice_size = math.ceil(n_batches * batch_size / (_SLICES * max(1, len(lanes))))
    chunks = _side_by_side(lanes, lambda unit: _read(unit, types, slice_size))
    pieces = _cut(chunks, batch_size)
    upcoming = list(islice(pieces, n_batches))
    while upcoming:
        # No name holds the joined rows, so they are gone before the next are joined.
        batches = _permuted(_join(chain.from_iterable(upcoming), types), types, batch_size, rng)
        upcoming = []
        for batch in batches:
            upcoming += islice(pieces, 1)  # bit by bit, since the consumer waits for each batch
            yield batch


def _lanes(units: list[_Unit], buffer_size: int, rng: np.random.RandomState) -> list[list[_Unit]]:
    """Cut the units into ranges, as many as units fit in the buffer, and shuffle both."""
    units = [unit for unit in units if unit.n_rows]
    if not units:
        return []
    fitting = buffer_size * len(units) // sum(unit.n_rows for unit in units)
    n_lanes = min(len(units), max(_MIN_LANES, min(fitting, _MAX_LANES)))
    lanes = np.array_split(np.arange(len(units)), n_lanes)
    return [[units[i] for i in rng.permutation(lanes[j])] for j in rng.permutation(n_lanes)]


def _side_by_side(
    lanes: list[list[_Unit]], read: Callable[[_Unit], Iterator[_Rows]]
) -> Iterator[_Rows]:
    """Read always from the lane of which the smallest share has been read."""
    n_rows = [sum(unit.n_rows for unit in lane) for lane in lanes]
    chunks = [chain.from_iterable(map(read, lane)) for lane in lanes]
    heap = [(0.0, i) for i in range(len(lanes))]
    while heap:
        share, i = heap[0]
        chunk = next(chunks[i], None)
        if chunk is None:
            heappop(heap)
        else:
            heapreplace(heap, (share + len(chunk[0]) / n_rows[i], i))
            yield chunk


def _cut(chunks: Iterable[_Rows], n_rows: int) -> Iterator[list[_Rows]]:
    """Cut chunks into parts that have `n_rows` rows together; only the last may have fewer."""
    parts: list[_Rows] = []
    n_missing = n_rows
    for chunk in chunks:
        start = 0
        while len(chunk[0]) - start >= n_missing:
            yield [*parts, [column.slice(start, n_missing) for column in chunk]]
            start += n_missing
            parts, n_missing = [], n_rows
        if start < len(chunk[0]):
            parts.append([column.slice(start) for column in chunk])
            n_missing -= len(chunk[0]) - start
    if parts:
        yield parts


def _join(parts: Iterable[_Rows], types: _Types) -> _Rows:
    arrow = importlib.import_module("pyarrow")
    joined = []
    for name, columns in zip(types, zip(*parts, strict=True), strict=True):
        try:
            joined.append(arrow.concat_arrays(columns))
        except arrow.ArrowInvalid as error:
            n_rows = sum(map(len, columns))
            raise ValueError(
                f"{n_rows} rows of column {name!r} are too many to hold together; lower "
                f"shuffle_buffer or batch_size: {error}"
            ) from error
    return joined


def _permuted(
    rows: _Rows, types: _Types, batch_size: int, rng: np.random.RandomState
) -> Iterator[_Rows]:
    order = rng.permutation(len(rows[0]))
    rows = list(map(_as_bytes, rows))
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        yield [
            _from_bytes(column.take(chosen), arrow_type)
            for column, arrow_type in zip(rows, types.values(), strict=True)
        ]


def _as_bytes(column: Any) -> Any:
    """View lists of numbers as strings of bytes, which Arrow gathers at once, not item by item."""
    arrow = importlib.import_module("pyarrow")
    is_list = arrow.types.is_list(column.type) or arrow.types.is_large_list(column.type)
    if not is_list or not _is_number(column.type.value_type) or column.null_count:
        return column
    values, width = column.values, column.type.value_type.bit_width // 8
    if values.null_count or not width:  # bits
        return column
    offsets = (column.offsets.to_numpy().astype(np.int64) + values.offset) * width
    buffers = [None, arrow.py_buffer(offsets), values.buffers()[1]]
    return arrow.Array.from_buffers(arrow.large_binary(), len(column), buffers)


def _from_bytes(column: Any, arrow_type: Any) -> Any:
    """Undo `_as_bytes`."""
    if column.type == arrow_type:
        return column
    arrow = importlib.import_module("pyarrow")
    _, offsets, items = column.buffers()
    width = arrow_type.value_type.bit_width // 8
    ends = np.frombuffer(offsets, dtype=np.int64, count=len(column) + 1) // width
    values = arrow.Array.from_buffers(arrow_type.value_type, int(ends[-1]), [None, items])
    is_large = arrow.types.is_large_list(arrow_type)
    offsets = arrow.py_buffer(ends if is_large else ends.astype(np.int32))
    return arrow.Array.from_buffers(arrow_type, len(column), [None, offsets], children=[values])


def _as_batch(rows: _Rows) -> _Batch:
    return tuple(
        column.to_numpy(zero_copy_only=False, writable=True) if _is_number(column.type) else column
        for column in rows
    )


def _read_ahead(batches: Iterator[_Batch]) -> Iterator[_Batch]:
    """Make each batch in another thread while the one before it is in use."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        future = executor.submit(next, batches, None)
        while (batch := future.result()) is not None:
            future = executor.submit(next, batches, None)
            yield batch
