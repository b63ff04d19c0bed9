"""Helpers for pyarrow, which is an optional dependency."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from skimdb.utils._optional import import_optional

_BUFFER_SIZE = 2**20


def import_arrow(name: str = "pyarrow") -> Any:
    """Import pyarrow, or one of its modules such as "pyarrow.parquet"."""
    return import_optional(
        name, needed_by="Reading Arrow and Parquet files", install="skimdb[files]"
    )


@contextmanager
def naming_arrow(name: str, kind: str = "Parquet") -> Iterator[None]:
    """Turn pyarrow's errors about a file's content into a ValueError that names the file."""
    arrow = import_arrow()
    try:
        yield
    except (arrow.ArrowMemoryError, arrow.ArrowNotImplementedError) as error:
        # A damaged file may have impossible sizes and types; but they may also be right.
        raise ValueError(f"{name} cannot be read: {error}") from error
    except (OSError, UnicodeDecodeError, arrow.ArrowException) as error:
        # pyarrow also raises OSError for damaged content, but then without an errno.
        if isinstance(error, OSError) and (type(error) is not OSError or error.errno is not None):
            if error.errno is not None:
                error.filename = error.filename or name
            raise
        raise ValueError(f"{name} is not a valid {kind} file: {error}") from error


def open_parquet(file: Any, metadata: Any = None) -> Any:
    """Open a Parquet file to read it in slices; row groups of any size take the same memory."""
    parquet = import_arrow("pyarrow.parquet")
    # By default a whole row group is read ahead.
    return parquet.ParquetFile(file, metadata=metadata, pre_buffer=False, buffer_size=_BUFFER_SIZE)


# Types


def plain_type(arrow_type: Any) -> Any:
    """Return the type without dictionaries, views and runs, also within lists and structures.

    Arrays of dictionaries cannot be concatenated if these differ; views and runs lack functions.
    """
    arrow, types = import_arrow(), import_arrow("pyarrow.types")
    if types.is_dictionary(arrow_type) or types.is_run_end_encoded(arrow_type):
        return plain_type(arrow_type.value_type)
    if types.is_string_view(arrow_type):
        return arrow.large_string()
    if types.is_binary_view(arrow_type):
        return arrow.large_binary()
    for is_kind, make in (
        (types.is_list, arrow.list_),
        (types.is_list_view, arrow.list_),
        (types.is_large_list, arrow.large_list),
        (types.is_large_list_view, arrow.large_list),
        (types.is_fixed_size_list, lambda field: arrow.list_(field, arrow_type.list_size)),
        (types.is_struct, lambda *fields: arrow.struct(fields)),
        (types.is_map, lambda entries: arrow.map_(*(field.type for field in entries.type))),
    ):
        if is_kind(arrow_type):
            fields = map(arrow_type.field, range(arrow_type.num_fields))
            return make(*(field.with_type(plain_type(field.type)) for field in fields))
    return arrow_type


def as_type(column: Any, arrow_type: Any) -> Any:
    """Return a column with the same values and the `plain_type` of its type."""
    if column.type == arrow_type:
        return column
    arrow = import_arrow()
    if arrow.types.is_dictionary(column.type):
        # Not `dictionary_decode`, which cannot decode views.
        return as_type(column.dictionary, arrow_type).take(column.indices)
    if _has_list_views(column.type):  # whose casts are not valid where a list is missing
        return arrow.array(column.to_pylist(), arrow_type)
    try:
        return column.cast(arrow_type)
    except arrow.ArrowNotImplementedError:  # runs, and views in old versions of pyarrow
        return arrow.array(column.to_pylist(), arrow_type)


def _has_list_views(arrow_type: Any) -> bool:
    types = import_arrow("pyarrow.types")
    if types.is_list_view(arrow_type) or types.is_large_list_view(arrow_type):
        return True
    fields = map(arrow_type.field, range(arrow_type.num_fields))
    return any(_has_list_views(field.type) for field in fields)


def is_number(arrow_type: Any) -> bool:
    """Whether the values are numbers or booleans."""
    types = import_arrow("pyarrow.types")
    tests = (types.is_integer, types.is_floating, types.is_boolean)
    return any(test(arrow_type) for test in tests)


def is_text(arrow_type: Any) -> bool:
    """Whether the values are texts, dictionary-encoded or not."""
    types = import_arrow("pyarrow.types")
    tests = (types.is_string, types.is_large_string)
    return any(test(plain_type(arrow_type)) for test in tests)


def is_list(arrow_type: Any) -> bool:
    """Whether the values are lists of variable length."""
    types = import_arrow("pyarrow.types")
    return bool(types.is_list(arrow_type) or types.is_large_list(arrow_type))


# Lists as bytes


def as_bytes(column: Any) -> Any:
    """View lists of numbers as byte strings, for which `take` is much faster.

    All other columns, and lists with missing values, are returned unchanged.
    """
    arrow = import_arrow()
    if not is_list(column.type) or not is_number(column.type.value_type) or column.null_count:
        return column
    values, width = column.values, column.type.value_type.bit_width // 8
    if values.null_count or not width:  # Booleans are stored as bits.
        return column
    offsets = (column.offsets.to_numpy().astype(np.int64) + values.offset) * width
    buffers = [None, arrow.py_buffer(offsets), values.buffers()[1]]
    return arrow.Array.from_buffers(arrow.large_binary(), len(column), buffers)


def from_bytes(column: Any, arrow_type: Any) -> Any:
    """Undo `as_bytes` for rows that were taken from its result, given the type of the lists."""
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
