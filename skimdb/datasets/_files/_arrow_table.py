"""Parquet files, and Arrow IPC files and streams.

A file is a pyarrow fragment, or a `_Stream`. It consists of pieces, and a piece is read in slices
of rows. Fragments can read their rows themselves, but then hold whole row groups in memory.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from skimdb.datasets._files._arrow import import_arrow, naming_arrow, open_parquet
from skimdb.datasets._files._table import Batch, Table

_STREAM_START = b"\xff\xff\xff\xff"
# To read a piece of a stream, pyarrow goes through all record batches before it.
_MAX_PIECES_OF_STREAM = 64


@dataclass(frozen=True)
class _Stream:
    """An Arrow IPC stream in a file, as Hugging Face's `save_to_disk` writes them.

    It has the attributes of pyarrow's fragments that are used here; pyarrow has no fragments for
    streams.
    """

    path: str

    @cached_property
    def physical_schema(self) -> Any:
        with self.open() as file, import_arrow("pyarrow.ipc").open_stream(file) as reader:
            return reader.schema

    def open(self) -> Any:
        # Skipped record batches of a memory map are not read from disk.
        return import_arrow().memory_map(self.path)


class ArrowPiece(NamedTuple):
    """A part of a file that can be read without the rows before it.

    `indices` are the consecutive row groups or record batches of the file that it consists of.
    For record batches of an IPC file, `n_rows` is the mean over the file.
    """

    table: "ArrowTable"
    indices: Sequence[int]
    n_rows: int


class ArrowTable(Table):
    """A Parquet file, or an Arrow IPC file or stream; its columns are pyarrow arrays."""

    unit = "row"

    def __init__(self, fragment: Any, name: str | None = None) -> None:
        ds = import_arrow("pyarrow.dataset")
        self.name = name or str(getattr(fragment, "path", fragment))
        self.notes = []
        self._fragment = fragment
        self._is_parquet = isinstance(fragment, ds.ParquetFileFragment)
        is_ipc = isinstance(fragment, ds.FileFragment) and isinstance(
            fragment.format, ds.IpcFileFormat
        )
        if not (self._is_parquet or is_ipc or isinstance(fragment, _Stream)):
            raise ValueError(f"source must be Parquet or Arrow IPC files, got {fragment!r}")
        self._keys: dict[str, Any] = {}
        if not isinstance(fragment, _Stream):
            self._keys = dict(ds.get_partition_keys(fragment.partition_expression))
        with self.naming():
            self.schema = fragment.physical_schema
            names = self.schema.names
        self.column_names = [*names, *(key for key in self._keys if key not in names)]

    @classmethod
    def from_path(cls, path: Path, format_name: str, name: str | None = None) -> "ArrowTable":
        """Return the table in a file."""
        ds = import_arrow("pyarrow.dataset")
        file_format: Any = ds.ParquetFileFormat()
        with path.open("rb") as file:
            start = file.read(len(_STREAM_START))
        if format_name != "parquet":
            if start == _STREAM_START:
                return cls(_Stream(str(path)), name)
            file_format = ds.IpcFileFormat()
        file_system = import_arrow("pyarrow.fs").LocalFileSystem()
        return cls(file_format.make_fragment(str(path), file_system), name)

    def naming(self) -> Any:
        """Turn pyarrow's errors about the file's content into a ValueError that names it."""
        return naming_arrow(self.name, "Parquet" if self._is_parquet else "Arrow IPC")

    def pieces(self) -> list[ArrowPiece]:
        """Divide the file into pieces."""
        fragment = self._fragment
        with self.naming():
            if self._is_parquet:
                return [ArrowPiece(self, [g.id], g.num_rows) for g in fragment.row_groups]
            if isinstance(fragment, _Stream):
                return self._pieces_of_stream()
            with fragment.open() as file, import_arrow("pyarrow.ipc").open_file(file) as reader:
                n_batches = reader.num_record_batches
            n_rows = fragment.count_rows()
            return [ArrowPiece(self, [i], math.ceil(n_rows / n_batches)) for i in range(n_batches)]

    def _pieces_of_stream(self) -> list[ArrowPiece]:
        with self._fragment.open() as file, _open_stream(file, [0]) as reader:
            n_rows = [batch.num_rows for batch in reader]
        indices = range(len(n_rows))
        size = max(1, math.ceil(len(n_rows) / _MAX_PIECES_OF_STREAM))
        parts = [slice(start, start + size) for start in indices[::size]]
        return [ArrowPiece(self, indices[part], sum(n_rows[part])) for part in parts]

    def batches(self, columns: Sequence[str], n_rows: int) -> Iterator[Batch]:
        """Read all rows in batches of at most `n_rows`."""
        n_read = 0
        for piece in self.pieces():
            for arrays in self.slices(piece, columns, n_rows):
                length = len(arrays[0])
                yield Batch(arrays, range(n_read + 1, n_read + length + 1))
                n_read += length

    def example(self, column: str) -> Any:
        """Return the first value of a column, or None if there are no rows."""
        first = next(self.batches([column], 1), None)
        return None if first is None else first.columns[0][0].as_py()

    def slices(
        self,
        piece: ArrowPiece,
        columns: Sequence[str],
        n_rows: int,
        key_types: dict[str, Any] | None = None,
    ) -> Iterator[list[Any]]:
        """Read a piece in non-empty slices of at most `n_rows` rows, one array per column.

        Columns that only the names of folders hold have the `key_types`.
        """
        arrow = import_arrow()
        stored = [name for name in columns if name in self.schema.names]
        with self.naming(), self._fragment.open() as file:
            for batch in self._record_batches(file, piece, stored, n_rows):
                # An offset beyond the values would be read wherever it points.
                batch.validate(full=True)
                for start in range(0, batch.num_rows, n_rows):
                    rows = batch.slice(start, n_rows)
                    yield [
                        rows.column(name)
                        if name in stored
                        else arrow.repeat(
                            arrow.scalar(self._keys[name], (key_types or {}).get(name)),
                            rows.num_rows,
                        )
                        for name in columns
                    ]

    def _record_batches(
        self, file: Any, piece: ArrowPiece, names: list[str], n_rows: int
    ) -> Iterator[Any]:
        fragment = self._fragment
        if self._is_parquet:
            yield from open_parquet(file, fragment.metadata).iter_batches(
                n_rows, row_groups=piece.indices, columns=names, use_threads=False
            )
            return
        fields = [self.schema.get_field_index(name) for name in names]
        if isinstance(fragment, _Stream):
            with _open_stream(file, fields) as reader:
                yield from islice(reader, piece.indices[0], piece.indices[-1] + 1)
        else:
            ipc = import_arrow("pyarrow.ipc")
            options = ipc.IpcReadOptions(included_fields=fields)
            with ipc.open_file(file, options=options) as reader:
                yield from map(reader.get_batch, piece.indices)


def _open_stream(file: Any, fields: list[int]) -> Any:
    ipc = import_arrow("pyarrow.ipc")
    return ipc.open_stream(file, options=ipc.IpcReadOptions(included_fields=fields))
