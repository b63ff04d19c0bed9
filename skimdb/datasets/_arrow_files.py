"""Find, check and read Arrow and Parquet files.

A file is a pyarrow fragment, or a `_Stream`. It consists of pieces, and a piece is read in slices
of rows.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from skimdb.datasets._arrow import (
    check_columns,
    decoded_type,
    import_arrow,
    is_number,
    naming_file,
    open_parquet,
)

# Arrow arrays of the same length, one for each column.
Rows: TypeAlias = list[Any]
# The Arrow type of each requested column, in the requested order.
Types: TypeAlias = dict[str, Any]

_FORMATS = {".parquet": "parquet", ".arrow": "ipc", ".feather": "ipc"}
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


class Piece(NamedTuple):
    """A part of a file that can be read without the rows before it.

    `indices` are the consecutive row groups or record batches of the file that it consists of.
    For record batches of an IPC file, `n_rows` is the mean over the file.
    """

    fragment: Any
    indices: Sequence[int]
    n_rows: int


# Finding and checking files


def files_in(
    folder: Path, suffixes: Collection[str], *, parents: tuple[Path, ...] = ()
) -> Iterator[Path]:
    """Find the files in a folder and its sub-folders, sorted by name.

    Suffixes are given in lower case and match in any case. Hidden files and folders, and those
    whose names start with an underscore, are skipped. Links are followed, except to a folder that
    contains them.
    """
    resolved = folder.resolve()
    if resolved in parents:
        return
    for path in sorted(folder.iterdir()):
        # Other programs keep their own files under names with an underscore: Spark's _SUCCESS.
        if path.name.startswith((".", "_")):
            continue
        if path.is_dir():
            yield from files_in(path, suffixes, parents=(*parents, resolved))
        elif path.suffix.lower() in suffixes:
            yield path


def open_files(source: Any) -> tuple[Any, list[Any]]:
    """Return the schema of the dataset or the first file, and all files.

    `source` is that of `iter_batches`. The files of a dataset may have any format.
    """
    if isinstance(source, import_arrow("pyarrow.dataset").Dataset):
        return source.schema, list(source.get_fragments())
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
            "source must be files of one format, got " + " and ".join(map(str, first.values()))
        )
    fragments = [_fragment_of(path) for path in paths]
    with _naming(fragments[0]):
        return fragments[0].physical_schema, fragments


def _files_at(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from files_in(path, _FORMATS)
    elif not path.exists():
        raise FileNotFoundError(f"source: {path} does not exist")
    elif path.suffix.lower() not in _FORMATS:
        raise ValueError(f"source: {path} must be {', '.join(_FORMATS)} or a folder")
    else:
        yield path


def _fragment_of(path: Path) -> Any:
    ds = import_arrow("pyarrow.dataset")
    file_format: Any = ds.ParquetFileFormat()
    if _FORMATS[path.suffix.lower()] == "ipc":
        with path.open("rb") as file:
            if file.read(len(_STREAM_START)) == _STREAM_START:
                return _Stream(str(path))
        file_format = ds.IpcFileFormat()
    return file_format.make_fragment(str(path), import_arrow("pyarrow.fs").LocalFileSystem())


def _naming(fragment: Any) -> Any:
    return naming_file(fragment.path, "Parquet" if _is_parquet(fragment) else "Arrow IPC")


def _is_parquet(fragment: Any) -> bool:
    return isinstance(fragment, import_arrow("pyarrow.dataset").ParquetFileFragment)


def column_types(schema: Any, columns: Sequence[str] | None) -> Types:
    """Check the `columns` of `iter_batches`, and return their types after decoding."""
    names = schema.names if columns is None else columns
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"columns must be names, got {name!r}")
    if not names:
        raise ValueError("columns must name at least one column, got none")
    if len(set(names)) < len(names):
        raise ValueError(f"columns must be different, got {list(names)}")
    check_columns(schema.names, names, "source")
    return {name: decoded_type(schema.field(name).type) for name in names}


def pieces_of(fragment: Any, types: Types) -> list[Piece]:
    """Check that a file has the columns, and divide it into pieces."""
    ds = import_arrow("pyarrow.dataset")
    if isinstance(fragment, _Stream):
        divide = _divide_stream
    elif _is_parquet(fragment):
        divide = _divide_parquet
    elif isinstance(fragment, ds.FileFragment) and isinstance(fragment.format, ds.IpcFileFormat):
        divide = _divide_ipc
    else:
        raise ValueError(f"source must be Parquet or Arrow IPC files, got {fragment!r}")
    with _naming(fragment):
        _check_schema(fragment, types)
        return divide(fragment)


def _check_schema(fragment: Any, types: Types) -> None:
    schema, keys = fragment.physical_schema, _partition_keys(fragment)
    names = [*schema.names, *(key for key in keys if key not in schema.names)]
    check_columns(names, list(types), fragment.path)
    for name, expected in types.items():
        if name in schema.names and (found := decoded_type(schema.field(name).type)) != expected:
            raise ValueError(
                f"{fragment.path} has column {name!r} as {found}, but the schema, by default that "
                f"of the first file, has it as {expected}"
            )


def _partition_keys(fragment: Any) -> dict[str, Any]:
    if isinstance(fragment, _Stream):
        return {}
    get_partition_keys = import_arrow("pyarrow.dataset").get_partition_keys
    return dict(get_partition_keys(fragment.partition_expression))


def _divide_parquet(fragment: Any) -> list[Piece]:
    return [Piece(fragment, [group.id], group.num_rows) for group in fragment.row_groups]


def _divide_ipc(fragment: Any) -> list[Piece]:
    with fragment.open() as file, import_arrow("pyarrow.ipc").open_file(file) as reader:
        n_batches = reader.num_record_batches
    n_rows = fragment.count_rows()
    return [Piece(fragment, [i], math.ceil(n_rows / n_batches)) for i in range(n_batches)]


def _divide_stream(fragment: _Stream) -> list[Piece]:
    with fragment.open() as file, _open_stream(file, [0]) as reader:
        n_rows = [batch.num_rows for batch in reader]
    indices = range(len(n_rows))
    size = max(1, math.ceil(len(n_rows) / _MAX_PIECES_OF_STREAM))
    parts = [slice(start, start + size) for start in indices[::size]]
    return [Piece(fragment, indices[part], sum(n_rows[part])) for part in parts]


# Reading


def read_slices(piece: Piece, types: Types, slice_size: int) -> Iterator[Rows]:
    """Read a piece in non-empty slices of at most `slice_size` rows."""
    fragment = piece.fragment
    stored = [name for name in types if name in fragment.physical_schema.names]
    keys = _partition_keys(fragment)
    with _naming(fragment), fragment.open() as file:
        for batch in _record_batches(file, piece, stored, slice_size):
            for start in range(0, batch.num_rows, slice_size):
                rows = batch.slice(start, slice_size)
                yield [
                    _column(rows, name, fragment.path)
                    if name in stored
                    else _constant(keys[name], arrow_type, rows.num_rows)
                    for name, arrow_type in types.items()
                ]


def _record_batches(file: Any, piece: Piece, names: list[str], slice_size: int) -> Iterator[Any]:
    fragment = piece.fragment
    if _is_parquet(fragment):
        yield from open_parquet(file, fragment.metadata).iter_batches(
            slice_size, row_groups=piece.indices, columns=names, use_threads=False
        )
        return
    fields = [fragment.physical_schema.get_field_index(name) for name in names]
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


def _column(rows: Any, name: str, path: str) -> Any:
    column = rows.column(name)
    if decoded_type(column.type) != column.type:
        column = column.dictionary_decode()
    if column.null_count and is_number(column.type):
        raise ValueError(
            f"{path}: column {name!r} has missing values; a column of numbers must be complete"
        )
    return column


def _constant(value: Any, arrow_type: Any, n_rows: int) -> Any:
    arrow = import_arrow()
    return arrow.repeat(arrow.scalar(value, arrow_type), n_rows)
