"""What is needed of pyarrow, which the package does not depend on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from skimdb.utils._optional import import_optional

_BUFFER_SIZE = 2**20


def import_arrow(name: str = "pyarrow") -> Any:
    """Import pyarrow, or a module of it such as "pyarrow.parquet"."""
    return import_optional(
        name, needed_by="Reading Arrow and Parquet files", install="skimdb[arrow]"
    )


@contextmanager
def naming_file(path: str, kind: str = "Parquet") -> Iterator[None]:
    """Turn what pyarrow says of the content of a file into errors that name the file.

    Parameters
    ----------
    path : str
        The file.
    kind : str, default="Parquet"
        What it should be.

    Raises
    ------
    ValueError
        If the content is damaged.
    OSError
        If the operating system cannot read it.
    """
    arrow_exception = import_arrow().ArrowException
    try:
        yield
    except (MemoryError, NotImplementedError):
        raise
    except (OSError, UnicodeDecodeError, arrow_exception) as error:
        # Arrow's own complaints about the content have no number of the operating system.
        if isinstance(error, OSError) and (type(error) is not OSError or error.errno is not None):
            if error.errno is not None:
                error.filename = error.filename or path
            raise
        raise ValueError(f"{path} is no intact {kind} file: {error}") from error


def open_parquet(file: Any, metadata: Any = None) -> Any:
    """Open a Parquet file to be read in slices, in memory that row groups do not enlarge.

    Parameters
    ----------
    file : binary file or pyarrow.NativeFile
        The content.
    metadata : pyarrow.parquet.FileMetaData, default=None
        Where it is known already.

    Returns
    -------
    parquet_file : pyarrow.parquet.ParquetFile
    """
    parquet = import_arrow("pyarrow.parquet")
    # Read through a buffer, instead of all of a row group at once.
    return parquet.ParquetFile(file, metadata=metadata, pre_buffer=False, buffer_size=_BUFFER_SIZE)


def check_columns(names: Sequence[str], columns: Sequence[str], where: str) -> None:
    """Check that each column is there, once.

    Parameters
    ----------
    names : sequence of str
        The columns that are there.
    columns : sequence of str
        Those that are needed.
    where : str
        What has them, for the message.

    Raises
    ------
    ValueError
        If one is not there, or more than once.
    """
    for column in columns:
        count = list(names).count(column)
        if count != 1:
            there = ", ".join(map(repr, names)) or "none"
            problem = f"{count} columns" if count else "no column"
            raise ValueError(f"{where} has {problem} {column!r}; its columns: {there}")


# Types


def decoded_type(arrow_type: Any) -> Any:
    """Tell of what type the values of a column are.

    Parameters
    ----------
    arrow_type : pyarrow.DataType
        Of the column.

    Returns
    -------
    arrow_type : pyarrow.DataType
        Of a dictionary, that of its values; else the same.
    """
    is_dictionary = import_arrow("pyarrow.types").is_dictionary
    return arrow_type.value_type if is_dictionary(arrow_type) else arrow_type


def is_number(arrow_type: Any) -> bool:
    """Tell whether a type is that of numbers or booleans.

    Parameters
    ----------
    arrow_type : pyarrow.DataType

    Returns
    -------
    is_number : bool
    """
    types = import_arrow("pyarrow.types")
    tests = (types.is_integer, types.is_floating, types.is_boolean)
    return any(test(arrow_type) for test in tests)


def is_text(arrow_type: Any) -> bool:
    """Tell whether a type is that of texts.

    Parameters
    ----------
    arrow_type : pyarrow.DataType

    Returns
    -------
    is_text : bool
    """
    types = import_arrow("pyarrow.types")
    tests = (types.is_string, types.is_large_string, types.is_string_view)
    return any(test(arrow_type) for test in tests)


def is_list(arrow_type: Any) -> bool:
    """Tell whether a type is that of lists of any length.

    Parameters
    ----------
    arrow_type : pyarrow.DataType

    Returns
    -------
    is_list : bool
    """
    types = import_arrow("pyarrow.types")
    return bool(types.is_list(arrow_type) or types.is_large_list(arrow_type))


# Lists as bytes


def as_bytes(column: Any) -> Any:
    """View lists of numbers as strings of bytes, which Arrow gathers at once, not item by item.

    Parameters
    ----------
    column : pyarrow.Array

    Returns
    -------
    column : pyarrow.Array
        The same if it does not hold lists of numbers without missing values.
    """
    arrow = import_arrow()
    if not is_list(column.type) or not is_number(column.type.value_type) or column.null_count:
        return column
    values, width = column.values, column.type.value_type.bit_width // 8
    if values.null_count or not width:  # bits
        return column
    offsets = (column.offsets.to_numpy().astype(np.int64) + values.offset) * width
    buffers = [None, arrow.py_buffer(offsets), values.buffers()[1]]
    return arrow.Array.from_buffers(arrow.large_binary(), len(column), buffers)


def from_bytes(column: Any, arrow_type: Any) -> Any:
    """Undo `as_bytes`.

    Parameters
    ----------
    column : pyarrow.Array
        What `as_bytes` gave, or rows taken from it.
    arrow_type : pyarrow.DataType
        What the lists had.

    Returns
    -------
    column : pyarrow.Array of that type
    """
    if column.type == arrow_type:
        return column
    arrow = import_arrow()
    _, offsets, items = column.buffers()
    width = arrow_type.value_type.bit_width // 8
    ends = np.frombuffer(offsets, dtype=np.int64, count=len(column) + 1) // width
    values = arrow.Array.from_buffers(arrow_type.value_type, int(ends[-1]), [None, items])
    is_large = arrow.types.is_large_list(arrow_type)
    offsets = arrow.py_buffer(ends if is_large else ends.astype(np.int32))
    return arrow.Array.from_buffers(arrow_type, len(column), [None, offsets], children=[values])
