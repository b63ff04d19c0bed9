"""Batches of rows from files that do not fit in memory."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from heapq import heappop, heapreplace
from itertools import chain, islice
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from skimdb.datasets._base import check_params
from skimdb.datasets._files import FileOptions
from skimdb.datasets._files._arrow import as_bytes, from_bytes, import_arrow, is_number
from skimdb.datasets._files._formats import FILE_CONSTRAINTS
from skimdb.datasets._files._pieces import Piece, Rows, Types, open_source, read_piece

_Batch: TypeAlias = tuple[Any, ...]

# Each section keeps a file open, and a page and a read buffer for each column.
_MIN_SECTIONS, _MAX_SECTIONS = 8, 32
# Each section fills its share of the buffer in this many slices.
_SLICES_PER_SECTION = 4
_INT32_MAX = np.iinfo(np.int32).max


@check_params(
    {
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "columns": [list, tuple, None],
        "shuffle_buffer": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
        **FILE_CONSTRAINTS,
    }
)
def iter_batches(
    source: Any,
    batch_size: int = 10_000,
    *,
    columns: Sequence[str] | None = None,
    shuffle_buffer: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    encoding: str | None = None,
    sep: str | None = None,
    escape: str | None = None,
    header: bool = True,
) -> Iterator[tuple[Any, ...]]:
    """Read files batch by batch, in bounded memory.

    The parameters and the schemas of the files are checked at once, before the first batch is
    read.

    Parameters
    ----------
    source : str, Path, list of str or Path, or pyarrow.dataset.Dataset
        Where the rows are:

        - a file. Its name ends with its format: .parquet; .arrow or .feather for Arrow IPC files
          and streams; .csv, .tsv, .jsonl, .ndjson, .json (an array of objects) or .txt (a text on
          each line, in column "text"); all also compressed as .gz, .bz2, .xz or .zst; .xlsx (its
          first sheet);
        - a folder. All such files in it and in its sub-folders are read, sorted by name; a warning
          names other files, and .txt files beside files with columns. Names that start with a dot
          or an underscore are skipped; the warning also names the latter if they tell a format. The
          folders that Hugging Face's `save_to_disk` writes can be read;
        - a list of files and folders;
        - a dataset of Parquet or Arrow IPC files, which may be partitioned.

    batch_size : int, default=10_000
        Number of rows per batch. Only the last batch may be smaller.

    columns : list of str, default=None
        The columns to read, in this order. By default all columns are read.

    shuffle_buffer : int, default=None
        Number of rows that are shuffled together; at least `batch_size`, and rounded down to whole
        batches. By default the rows are not shuffled, and the files are read one after the other.

    random_state : int, RandomState instance or None, default=None
        Seed of the shuffle. The same int gives the same batches on every machine, so pass a
        different one in each epoch. Allowed only with `shuffle_buffer`.

    encoding : str, default=None
        Encoding of text files. By default UTF-8 and UTF-16 are recognised, and anything else is an
        error that names the likely encoding.

    sep : str, default=None
        Separator of fields: a character, or "tab". By default comma, tab, semicolon and pipe are
        recognised by the beginning of each file.

    escape : {"double", "backslash", "none"}, default=None
        How quotes are written in quoted fields; with "none", quotes are usual characters. By
        default this is recognised by the beginning of each file.

    header : bool, default=True
        Whether the first row has the names of the columns. If not, they are "1", "2" and so on.

    Returns
    -------
    batches : iterator of tuple
        Each batch has one array per column. Numbers and booleans come as ndarrays, everything else
        (lists of word indices, texts) as `pyarrow.Array`, which
        :class:`~skimdb.MultiHotVectorizer` and
        :class:`~skimdb.feature_extraction.WordIndexEncoder` accept. Dictionaries are decoded, and
        views are copied to usual strings. All values of .csv, .tsv and .xlsx files are texts; the
        type of a column of JSON is that of its first values.

    Raises
    ------
    ImportError
        If pyarrow, or what a format needs, is not installed.
    OSError
        If a file cannot be opened.
    TypeError
        If `source` has an unsupported type.
    ValueError
        If a parameter is invalid; if there are no files; if a file is damaged, lacks a column, or
        has a column with another type than in the first file. While reading: if a file is damaged,
        if a number is missing or a value has another type than before, or if the lists or texts of
        a batch or buffer have more than 2**31 - 1 items or bytes, and their type has 32-bit
        offsets.

    Warns
    -----
    UserWarning
        Of what was found out about the files and may be wrong, and of files that are left out.

    See Also
    --------
    skimdb.DenseSentimentClassifier.partial_fit : Trains on one batch.

    Notes
    -----
    The files are read and shuffled in a background thread, one batch ahead.

    **How rows are shuffled.** Files consist of pieces: the row groups of a Parquet file, the record
    batches of an IPC file, up to 64 parts of an IPC stream, or a whole file of another format. The
    pieces are divided, in order, into sections: as many as there are pieces that fit in the buffer,
    but at least 8 and at most 32, and never more than there are pieces. The pieces of each section
    are read in random order, and all sections advance at the same pace. The buffer therefore holds
    rows from all parts of the files. Even if the files are sorted by label, each buffer has about
    the same proportion of labels as the files. The rows of a full buffer are returned in random
    order. This is the bounded shuffle of input pipelines [1]_ with stratified sampling of the rows
    in the buffer.

    A piece that is larger than its section's share of the buffer is read from start to end, so the
    rows of one huge row group are only mixed within the buffer. If rows are sorted within row
    groups, write smaller row groups or shuffle the rows once before writing them.

    **Memory.** Memory holds the rows of two buffers, one being returned and one being filled, the
    batches that are read ahead and in use, and one page per column and section. It does not grow
    with the number of rows, nor with the size of a row group, which is read in slices. A record
    batch and an Excel sheet are read as a whole. Streams are memory-mapped: the operating system
    reclaims their memory when it needs it.

    **Training.** `partial_fit` shuffles each batch itself and trains in steps of the classifier's
    own `batch_size`. Batches of 10,000 rows or more keep the overhead per call small.

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
            f"random_state={random_state} requires shuffle_buffer; without it the rows keep their "
            "order"
        )
    if shuffle_buffer is not None and shuffle_buffer < batch_size:
        raise ValueError(
            f"shuffle_buffer must be at least batch_size={batch_size}, got {shuffle_buffer}"
        )
    options = FileOptions(encoding=encoding, sep=sep, escape=escape, header=header)
    types, pieces, notes = open_source(source, columns, options)
    for note in notes:
        warnings.warn(note, stacklevel=3)  # the caller of the validated function
    if shuffle_buffer is None:
        batches = _in_order(pieces, types, batch_size)
    else:
        # Drawn now: the caller may use a RandomState instance while the thread runs.
        rng = np.random.RandomState(check_random_state(random_state).randint(_INT32_MAX))
        batches = _shuffled(pieces, types, batch_size, shuffle_buffer, rng)
    return _read_ahead(map(_as_batch, batches))


def _in_order(pieces: list[Piece], types: Types, batch_size: int) -> Iterator[Rows]:
    slices = chain.from_iterable(read_piece(piece, types, batch_size) for piece in pieces)
    return (_concatenate(group, types) for group in _regroup(slices, batch_size))


def _shuffled(
    pieces: list[Piece],
    types: Types,
    batch_size: int,
    shuffle_buffer: int,
    rng: np.random.RandomState,
) -> Iterator[Rows]:
    n_batches = shuffle_buffer // batch_size
    sections = _divide(pieces, n_batches * batch_size, rng)
    slice_size = math.ceil(n_batches * batch_size / (_SLICES_PER_SECTION * max(1, len(sections))))
    slices = _interleave(sections, lambda piece: read_piece(piece, types, slice_size))
    groups = _regroup(slices, batch_size)
    buffer = list(islice(groups, n_batches))
    while buffer:
        # Bound to no name here, so that one buffer is freed before the next is concatenated.
        batches = _permute(_concatenate(chain.from_iterable(buffer), types), batch_size, rng)
        buffer = []
        for batch in batches:
            buffer += islice(groups, 1)  # one at a time: the consumer waits for each batch
            yield batch


def _divide(pieces: list[Piece], buffer_size: int, rng: np.random.RandomState) -> list[list[Piece]]:
    """Divide the pieces into sections, and shuffle the sections and the pieces in each."""
    pieces = [piece for piece in pieces if piece.n_rows]
    if not pieces:
        return []
    n_fitting = buffer_size * len(pieces) // sum(piece.n_rows for piece in pieces)
    n_sections = min(len(pieces), max(_MIN_SECTIONS, min(n_fitting, _MAX_SECTIONS)))
    sections = np.array_split(np.arange(len(pieces)), n_sections)
    return [[pieces[i] for i in rng.permutation(sections[j])] for j in rng.permutation(n_sections)]


def _interleave(
    sections: list[list[Piece]], read: Callable[[Piece], Iterator[Rows]]
) -> Iterator[Rows]:
    """Read each next slice from the section of which the smallest fraction has been read."""
    n_rows = [sum(piece.n_rows for piece in section) for section in sections]
    slices = [chain.from_iterable(map(read, section)) for section in sections]
    heap = [(0.0, i) for i in range(len(sections))]
    while heap:
        fraction, i = heap[0]
        rows = next(slices[i], None)
        if rows is None:
            heappop(heap)
        else:
            heapreplace(heap, (fraction + len(rows[0]) / n_rows[i], i))
            yield rows


def _regroup(slices: Iterable[Rows], n_rows: int) -> Iterator[list[Rows]]:
    """Yield lists of slices that together have `n_rows` rows; only the last may have fewer."""
    group: list[Rows] = []
    n_missing = n_rows
    for rows in slices:
        start = 0
        while len(rows[0]) - start >= n_missing:
            yield [*group, [column.slice(start, n_missing) for column in rows]]
            start += n_missing
            group, n_missing = [], n_rows
        if start < len(rows[0]):
            group.append([column.slice(start) for column in rows])
            n_missing -= len(rows[0]) - start
    if group:
        yield group


def _concatenate(slices: Iterable[Rows], types: Types) -> Rows:
    arrow = import_arrow()
    concatenated = []
    for name, columns in zip(types, zip(*slices, strict=True), strict=True):
        try:
            concatenated.append(arrow.concat_arrays(columns))
        except arrow.ArrowInvalid as error:
            n_rows = sum(map(len, columns))
            raise ValueError(
                f"{n_rows} rows of column {name!r} are too large for one array; lower "
                f"shuffle_buffer or batch_size: {error}"
            ) from error
    return concatenated


def _permute(rows: Rows, batch_size: int, rng: np.random.RandomState) -> Iterator[Rows]:
    order = rng.permutation(len(rows[0]))
    types = [column.type for column in rows]
    rows = list(map(as_bytes, rows))
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        yield [
            from_bytes(column.take(chosen), arrow_type)
            for column, arrow_type in zip(rows, types, strict=True)
        ]


def _as_batch(rows: Rows) -> _Batch:
    return tuple(
        column.to_numpy(zero_copy_only=False, writable=True) if is_number(column.type) else column
        for column in rows
    )


def _read_ahead(batches: Iterator[_Batch]) -> Iterator[_Batch]:
    """Read each batch in another thread while the one before it is in use."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        future = executor.submit(next, batches, None)
        while (batch := future.result()) is not None:
            future = executor.submit(next, batches, None)
            yield batch
