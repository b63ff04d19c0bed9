"""Arrow and Parquet files: which there are, whether they fit together, and their rows."""

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
# The Arrow type of each column that is asked for.
Types: TypeAlias = dict[str, Any]

_FORMATS = {".parquet": "parquet", ".arrow": "ipc", ".feather": "ipc"}
_STREAM_START = b"\xff\xff\xff\xff"
# A stream is read from its start, over what comes before the rows that are asked for.
_MAX_PARTS_OF_STREAM = 64


@dataclass(frozen=True)
class _Stream:
    """An Arrow IPC stream in a file, with what pyarrow's fragments have.

    Hugging Face's `save_to_disk` writes such files, which pyarrow has no fragments for.

    Parameters
    ----------
    path : str
        The file.
    """

    path: str

    @cached_property
    def physical_schema(self) -> Any:
        """Return the schema of the file."""
        with self.open() as file, import_arrow("pyarrow.ipc").open_stream(file) as reader:
            return reader.schema

    @property
    def partition_expression(self) -> Any:
        """Return that the file is no part of a partition."""
        return import_arrow("pyarrow.dataset").scalar(True)

    def open(self) -> Any:
        """Map the file, so that nothing is read of what is passed over."""
        return import_arrow().memory_map(self.path)


class Unit(NamedTuple):
    """Rows that can be read without those before them.

    Parameters
    ----------
    fragment : pyarrow.dataset.FileFragment or _Stream
        A file.
    parts : sequence of int
        The numbers of the row groups or record batches in the file, one after the other.
    n_rows : int
        How many rows they have; of a record batch that is not in a stream, the mean of those of
        its file.
    """

    fragment: Any
    parts: Sequence[int]
    n_rows: int


# Finding and checking files


def files_in(
    folder: Path, suffixes: Collection[str], *, within: tuple[Path, ...] = ()
) -> Iterator[Path]:
    """Find the files of a folder and of its sub-folders, in the order of their names.

    Parameters
    ----------
    folder : Path
        Where to look. Links are followed.
    suffixes : collection of str
        Of the files, in lower case; that of a file may be in another.
    within : tuple of Path, default=()
        The folders that it was found in, which links do not lead back to.

    Yields
    ------
    path : Path
        Neither its name nor that of a sub-folder that it is in starts with a dot or an underscore.
    """
    place = folder.resolve()
    if place in within:
        return
    for path in sorted(folder.iterdir()):
        # Names with an underscore are other programs' notes, such as Spark's _SUCCESS.
        if path.name.startswith((".", "_")):
            continue
        if path.is_dir():
            yield from files_in(path, suffixes, within=(*within, place))
        elif path.suffix.lower() in suffixes:
            yield path


def open_files(source: Any) -> tuple[Any, list[Any]]:
    """Find the files that a user names.

    Parameters
    ----------
    source : str, Path, list of str or Path, or pyarrow.dataset.Dataset
        What is given to `iter_batches`.

    Returns
    -------
    schema : pyarrow.Schema
        Of the dataset or the first file.
    fragments : list of pyarrow.dataset.FileFragment or _Stream
        The files. Those of a dataset may be of other types.

    Raises
    ------
    ImportError, OSError, TypeError, ValueError
        As `iter_batches` does.
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
            "source must be files of one type, got " + " and ".join(map(str, first.values()))
        )
    fragments = [_fragment_of(path) for path in paths]
    with _naming(fragments[0]):
        return fragments[0].physical_schema, fragments


def _files_at(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from files_in(path, _FORMATS)
    elif not path.exists():
        raise FileNotFoundError(f"source: there is no {path}")
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


def column_types(schema: Any, columns: Sequence[str] | None) -> Types:
    """Tell of which types the columns are that a user names.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of all columns.
    columns : sequence of str or None
        What is given to `iter_batches`.

    Returns
    -------
    types : dict from str to pyarrow.DataType
        In the order of the columns. Of dictionaries, the type of their values.

    Raises
    ------
    TypeError, ValueError
        As `iter_batches` does.
    """
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


def units_of(fragment: Any, types: Types) -> list[Unit]:
    """Check a file and tell its units.

    Parameters
    ----------
    fragment : pyarrow.dataset.Fragment or _Stream
        The file.
    types : dict from str to pyarrow.DataType
        The columns that it must have.

    Returns
    -------
    units : list of Unit
        In the order of the file.

    Raises
    ------
    ValueError
        If it is of another type, is damaged, or lacks a column or has it in another type.
    """
    if isinstance(fragment, _Stream):
        units = _units_of_stream
    elif _is_parquet(fragment):
        units = _units_of_parquet
    elif _is_ipc(fragment):
        units = _units_of_ipc
    else:
        raise ValueError(f"source must be Parquet or Arrow IPC files, got {fragment!r}")
    with _naming(fragment):
        _check_fragment(fragment, types)
        return units(fragment)


def _check_fragment(fragment: Any, types: Types) -> None:
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
    ds = import_arrow("pyarrow.dataset")
    keys: dict[str, Any] = ds.get_partition_keys(fragment.partition_expression)
    return keys


def _is_parquet(fragment: Any) -> bool:
    ds = import_arrow("pyarrow.dataset")
    return isinstance(fragment, ds.ParquetFileFragment)


def _is_ipc(fragment: Any) -> bool:
    ds = import_arrow("pyarrow.dataset")
    return isinstance(fragment, ds.FileFragment) and isinstance(fragment.format, ds.IpcFileFormat)


def _units_of_parquet(fragment: Any) -> list[Unit]:
    return [Unit(fragment, [group.id], group.num_rows) for group in fragment.row_groups]


def _units_of_ipc(fragment: Any) -> list[Unit]:
    with fragment.open() as file, import_arrow("pyarrow.ipc").open_file(file) as reader:
        n_batches = reader.num_record_batches
    n_rows = fragment.count_rows()
    return [Unit(fragment, [i], math.ceil(n_rows / n_batches)) for i in range(n_batches)]


def _units_of_stream(fragment: _Stream) -> list[Unit]:
    with fragment.open() as file, _open_stream(file, [0]) as reader:
        n_rows = [batch.num_rows for batch in reader]
    numbers = range(len(n_rows))
    size = max(1, math.ceil(len(n_rows) / _MAX_PARTS_OF_STREAM))
    cuts = [slice(start, start + size) for start in numbers[::size]]
    return [Unit(fragment, numbers[cut], sum(n_rows[cut])) for cut in cuts]


# Reading


def read(unit: Unit, types: Types, slice_size: int) -> Iterator[Rows]:
    """Read row groups or record batches in slices.

    Parameters
    ----------
    unit : Unit
        What to read.
    types : dict from str to pyarrow.DataType
        The columns to read.
    slice_size : int
        The largest number of rows of a slice.

    Yields
    ------
    rows : list of pyarrow.Array
        At least one row, of the types that are given.

    Raises
    ------
    OSError, ValueError
        As `iter_batches` does while reading.
    """
    fragment = unit.fragment
    stored = [name for name in types if name in fragment.physical_schema.names]
    keys = _partition_keys(fragment)
    with _naming(fragment), fragment.open() as file:
        for batch in _chunks(file, unit, stored, slice_size):
            for start in range(0, batch.num_rows, slice_size):
                chunk = batch.slice(start, slice_size)
                yield [
                    _column(chunk, name, fragment.path)
                    if name in stored
                    else _constant(keys[name], arrow_type, chunk.num_rows)
                    for name, arrow_type in types.items()
                ]


def _chunks(file: Any, unit: Unit, names: list[str], slice_size: int) -> Iterator[Any]:
    fragment = unit.fragment
    if _is_parquet(fragment):
        yield from open_parquet(file, fragment.metadata).iter_batches(
            slice_size, row_groups=unit.parts, columns=names, use_threads=False
        )
    elif isinstance(fragment, _Stream):
        with _open_stream(file, _numbers(fragment, names)) as reader:
            yield from islice(reader, unit.parts[0], unit.parts[-1] + 1)
    else:
        ipc = import_arrow("pyarrow.ipc")
        options = ipc.IpcReadOptions(included_fields=_numbers(fragment, names))
        with ipc.open_file(file, options=options) as reader:
            yield from map(reader.get_batch, unit.parts)


def _open_stream(file: Any, columns: list[int]) -> Any:
    ipc = import_arrow("pyarrow.ipc")
    return ipc.open_stream(file, options=ipc.IpcReadOptions(included_fields=columns))


def _numbers(fragment: Any, names: list[str]) -> list[int]:
    return [fragment.physical_schema.get_field_index(name) for name in names]


def _column(chunk: Any, name: str, path: str) -> Any:
    column = chunk.column(name)
    if decoded_type(column.type) != column.type:
        column = column.dictionary_decode()
    if column.null_count and is_number(column.type):
        raise ValueError(
            f"{path}: column {name!r} has missing values, but numbers must be complete"
        )
    return column


def _constant(value: Any, arrow_type: Any, n_rows: int) -> Any:
    arrow = import_arrow()
    return arrow.repeat(arrow.scalar(value, arrow_type), n_rows)
