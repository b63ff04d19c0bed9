"""Reviews from Arrow and Parquet files that do not fit in memory, batch by batch."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from heapq import heappop, heapreplace
from itertools import chain, islice
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from skimdb.datasets._arrow import as_bytes, from_bytes, import_arrow, is_number
from skimdb.datasets._arrow_files import Rows, Types, Unit, column_types, open_files, read, units_of
from skimdb.datasets._base import check_params

_Batch: TypeAlias = tuple[Any, ...]

# Each lane holds a file open, and of each column a page and what is read of it at once.
_MIN_LANES, _MAX_LANES = 8, 32
# In how many slices a lane gives its share of the buffer.
_SLICES = 4
_INT32_MAX = np.iinfo(np.int32).max


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
        A file, whose suffix is .parquet or, for Arrow IPC files and streams, .arrow or .feather;
        a folder, of which all such files are taken, those of its sub-folders too, in the order
        of their names, without those that start with a dot or an underscore; or a list of these.
        All files must be of one type. Or a dataset of such files, which may be partitioned.
        A folder that Hugging Face's `save_to_disk` wrote has streams.
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

    A unit is a row group of a Parquet file or a record batch of an IPC file; an IPC stream is cut
    into 64 units at most, of one record batch or more. To shuffle, the units are cut, in their
    order, into as many ranges as units fit in the buffer, but 8 to 32 and at most as many as there
    are units. Each range is read in random order of its units, and all advance at the same pace, so
    that the buffer holds rows from everywhere: also where the files are sorted by label, each
    buffer has the labels in about the proportion of the whole. A full buffer is given out in random
    order. This is the bounded shuffle of input pipelines [1]_ with a stratified choice of what goes
    into the buffer.

    Memory holds the rows of two buffers, one given out and one being filled, the batches read
    ahead and in use, and a page of each column for each range. It does not depend on the number of
    rows of the files, nor on that of a row group, which is read in slices; a record batch is read
    as a whole. Streams are mapped, and the system takes back the memory of what is read of them as
    soon as it needs it. A unit that is larger than its share of the buffer is read from its start
    to its end, so the rows of one huge row group mix only within the buffer. Write smaller row
    groups, or shuffle once when writing, where rows are sorted within them.

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
    schema, fragments = open_files(source)
    types = column_types(schema, columns)
    units = [unit for fragment in fragments for unit in units_of(fragment, types)]
    if shuffle_buffer is None:
        batches = _in_order(units, types, batch_size)
    else:
        # Drawn here, since the caller may use a RandomState instance while the thread runs.
        rng = np.random.RandomState(check_random_state(random_state).randint(_INT32_MAX))
        batches = _shuffled(units, types, batch_size, shuffle_buffer, rng)
    return _read_ahead(map(_as_batch, batches))


def _in_order(units: list[Unit], types: Types, batch_size: int) -> Iterator[Rows]:
    chunks = chain.from_iterable(read(unit, types, batch_size) for unit in units)
    return (_join(parts, types) for parts in _cut(chunks, batch_size))


def _shuffled(
    units: list[Unit],
    types: Types,
    batch_size: int,
    shuffle_buffer: int,
    rng: np.random.RandomState,
) -> Iterator[Rows]:
    n_batches = shuffle_buffer // batch_size
    lanes = _lanes(units, n_batches * batch_size, rng)
    slice_size = math.ceil(n_batches * batch_size / (_SLICES * max(1, len(lanes))))
    chunks = _side_by_side(lanes, lambda unit: read(unit, types, slice_size))
    pieces = _cut(chunks, batch_size)
    upcoming = list(islice(pieces, n_batches))
    while upcoming:
        # No name holds the joined rows, so they are gone before the next are joined.
        batches = _permuted(_join(chain.from_iterable(upcoming), types), types, batch_size, rng)
        upcoming = []
        for batch in batches:
            upcoming += islice(pieces, 1)  # bit by bit, since the consumer waits for each batch
            yield batch


def _lanes(units: list[Unit], buffer_size: int, rng: np.random.RandomState) -> list[list[Unit]]:
    """Cut the units into ranges, as many as units fit in the buffer, and shuffle both."""
    units = [unit for unit in units if unit.n_rows]
    if not units:
        return []
    fitting = buffer_size * len(units) // sum(unit.n_rows for unit in units)
    n_lanes = min(len(units), max(_MIN_LANES, min(fitting, _MAX_LANES)))
    lanes = np.array_split(np.arange(len(units)), n_lanes)
    return [[units[i] for i in rng.permutation(lanes[j])] for j in rng.permutation(n_lanes)]


def _side_by_side(
    lanes: list[list[Unit]], read: Callable[[Unit], Iterator[Rows]]
) -> Iterator[Rows]:
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


def _cut(chunks: Iterable[Rows], n_rows: int) -> Iterator[list[Rows]]:
    """Cut chunks into parts that have `n_rows` rows together; only the last may have fewer."""
    parts: list[Rows] = []
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


def _join(parts: Iterable[Rows], types: Types) -> Rows:
    arrow = import_arrow()
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
    rows: Rows, types: Types, batch_size: int, rng: np.random.RandomState
) -> Iterator[Rows]:
    order = rng.permutation(len(rows[0]))
    rows = list(map(as_bytes, rows))
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        yield [
            from_bytes(column.take(chosen), arrow_type)
            for column, arrow_type in zip(rows, types.values(), strict=True)
        ]


def _as_batch(rows: Rows) -> _Batch:
    return tuple(
        column.to_numpy(zero_copy_only=False, writable=True) if is_number(column.type) else column
        for column in rows
    )


def _read_ahead(batches: Iterator[_Batch]) -> Iterator[_Batch]:
    """Make each batch in another thread while the one before it is in use."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        future = executor.submit(next, batches, None)
        while (batch := future.result()) is not None:
            future = executor.submit(next, batches, None)
            yield batch
