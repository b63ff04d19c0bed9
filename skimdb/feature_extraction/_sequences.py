"""Convert any container of sequences of word indices to one flat array and offsets."""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import chain, compress
from numbers import Number
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

IntArray: TypeAlias = NDArray[np.integer[Any]]
FlatSequences: TypeAlias = tuple[IntArray, NDArray[np.int64]]

MAX_INDEX = np.iinfo(np.int32).max

# Looking an item up by its position takes this many times longer than iterating over it.
_LOOKUP_COST = 16

_REAL_NUMBERS = (int, float, np.integer, np.floating)
_REVIEWS = "a sequence of reviews, each a sequence of word indices"


def flatten_sequences(X: Any) -> FlatSequences:
    """Concatenate sequences of word indices; sequence i is ``flat[offsets[i]:offsets[i + 1]]``.

    `flat` has any integer dtype. It may be a view of X, so do not write to it. Containers of
    pandas, polars, pyarrow and TensorFlow are recognised by their methods, without importing
    these libraries.
    """
    if is_text(X):
        raise TypeError(
            f"X must be {_REVIEWS}, got a {type(X).__name__}. "
            "Texts must be turned into word indices first."
        )
    if hasattr(X, "row_splits"):
        return _flatten_ragged_tensor(X)
    if is_not_sequence(X):
        raise TypeError(f"X must be {_REVIEWS}, got {qualified_name(X)}.")
    X = _unwrap_arrow(X)
    if hasattr(X, "value_lengths"):
        return _flatten_arrow(X)
    return _flatten_array(np.asarray(X)) if hasattr(X, "__array__") else _flatten_rows(list(X))


def is_text(value: Any) -> bool:
    return isinstance(value, str | bytes | bytearray)


def is_not_sequence(value: Any) -> bool:
    """Refuse values without order or length, with columns, or with a mask that would be lost."""
    return (
        isinstance(value, type)
        or not (hasattr(value, "__len__") and hasattr(value, "__iter__"))
        or isinstance(value, Mapping | Set | np.ma.MaskedArray)
        or sp.issparse(value)
        or hasattr(type(value), "columns")
    )


def is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def qualified_name(value: Any) -> str:
    module, name = type(value).__module__, type(value).__qualname__
    return name if module == "builtins" else f"{module}.{name}"


def _row_lookup(offsets: NDArray[np.int64]) -> Callable[[int], int]:
    """Return a function that maps positions in the flat array to rows."""
    return lambda position: int(np.searchsorted(offsets, position, side="right")) - 1


def offsets_of(lengths: IntArray) -> NDArray[np.int64]:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _flatten_ragged_tensor(X: Any) -> FlatSequences:
    if X.ragged_rank > 1:
        raise _nested_error(0)
    offsets = X.row_splits.numpy().astype(np.int64, copy=False)
    return _as_indices(X.flat_values.numpy(), _row_lookup(offsets)), offsets


def _unwrap_arrow(X: Any) -> Any:
    """Return the pyarrow array within a polars, pandas or chunked object, else X itself."""
    if hasattr(X, "to_arrow"):
        X = X.to_arrow()
    elif hasattr(getattr(X, "array", None), "__arrow_array__"):
        X = X.array.__arrow_array__()
    if hasattr(X, "combine_chunks"):
        X = X.chunk(0) if X.num_chunks == 1 else X.combine_chunks()
    return X


def _flatten_arrow(X: Any) -> FlatSequences:
    """Flatten a pyarrow array of lists, or a slice of one."""
    if X.null_count:
        raise _missing_error(int(np.argmax(X.is_null().to_numpy(zero_copy_only=False))))
    offsets = offsets_of(X.value_lengths().to_numpy())
    row_of = _row_lookup(offsets)
    values = X.flatten()
    if values.null_count:
        position = int(np.argmax(values.is_null().to_numpy(zero_copy_only=False)))
        raise _item_error(None, row_of(position))
    return _as_indices(values.to_numpy(zero_copy_only=False), row_of), offsets


def _flatten_array(X: NDArray[Any]) -> FlatSequences:
    if X.ndim == 0:
        raise TypeError(f"X must be {_REVIEWS}, got a single {X.dtype} value.")
    if X.ndim > 2:
        raise _nested_error(0)
    if X.dtype == object or X.size == 0 or X.ndim == 1:
        return _flatten_rows(list(X))
    offsets = np.arange(len(X) + 1, dtype=np.int64) * X.shape[1]
    return _as_indices(X.reshape(-1), _row_lookup(offsets)), offsets


def _flatten_rows(rows: list[Any]) -> FlatSequences:
    """Flatten a list of sequences: fast if all are valid and of one kind, else one by one."""
    types = set(map(type, rows))
    flat: IntArray | None = None
    if types <= {list, tuple, range}:
        flat = _flatten_lists(rows)
    elif types == {np.ndarray}:
        flat = _flatten_arrays(rows)
    if flat is None:
        rows = [_row_indices(row, number) for number, row in enumerate(rows)]
        flat = np.concatenate(rows)
    offsets = _row_offsets(rows)
    return _as_indices(flat, _row_lookup(offsets)), offsets


def _row_offsets(rows: Sequence[Any]) -> NDArray[np.int64]:
    return offsets_of(np.fromiter(map(len, rows), dtype=np.int64, count=len(rows)))


def _flatten_lists(rows: list[Sequence[Any]]) -> NDArray[np.int32] | None:
    """Concatenate sequences of Python ints; None if there are other items."""
    tokens = array("i")
    try:
        for row in rows:
            if isinstance(row, list):
                tokens.fromlist(row)  # twice as fast as extend
            else:
                tokens.extend(row)
    except (TypeError, OverflowError, DeprecationWarning):  # the last for np.bool in numpy < 2.3
        return None
    flat: NDArray[np.int32] = np.asarray(tokens)
    # True and False have become 1 and 0.
    suspects = _items_at(rows, flat <= 1)
    return flat if {bool, np.bool}.isdisjoint(map(type, suspects)) else None


def _items_at(rows: list[Sequence[Any]], is_wanted: NDArray[np.bool]) -> Iterable[Any]:
    """Select items from the concatenated rows."""
    positions = np.flatnonzero(is_wanted)
    if len(positions) * _LOOKUP_COST > len(is_wanted):
        return compress(chain.from_iterable(rows), is_wanted.tobytes())
    offsets = _row_offsets(rows)
    numbers = np.searchsorted(offsets, positions, side="right") - 1
    within = positions - offsets[numbers]
    return (rows[i][j] for i, j in zip(numbers.tolist(), within.tolist(), strict=True))


def _flatten_arrays(rows: list[NDArray[Any]]) -> IntArray | None:
    """Concatenate 1-D integer arrays; None if there are other arrays."""
    dtypes = set(map(attrgetter("dtype"), rows))
    if any(dtype.kind not in "iu" for dtype in dtypes) or set(map(attrgetter("ndim"), rows)) != {1}:
        return None
    return np.concatenate(rows)


def _row_indices(row: Any, number: int) -> IntArray:
    """Check one sequence, item by item if necessary, and return it as an array."""
    if is_missing(row) or (isinstance(row, float) and np.isnan(row)):
        raise _missing_error(number)
    if is_text(row):
        raise TypeError(
            f"Row {number} of X is a {type(row).__name__}. "
            "Texts must be turned into word indices first."
        )
    if isinstance(row, Number) or getattr(row, "ndim", 1) == 0:
        raise ValueError(
            f"Row {number} of X is a single value, {row}, but X must be {_REVIEWS}. "
            "Write a single review as [[1, 14, 22]], or reshape an array with reshape(1, -1)."
        )
    if is_not_sequence(row):
        raise TypeError(f"Row {number} of X must be a sequence, got {qualified_name(row)}.")

    values = np.asarray(row) if hasattr(row, "__array__") else None
    if values is None or values.dtype == object:
        items = list(row)
        for item in items:
            if isinstance(item, bool) or not isinstance(item, _REAL_NUMBERS):
                raise _item_error(item, number)
        try:
            values = np.array(items, dtype=np.float64)
        except OverflowError:
            raise _range_error("1e308 or more", number) from None
    return _as_indices(values, lambda _: number)


def _as_indices(values: NDArray[Any], row_of: Callable[[int], int]) -> IntArray:
    """Check flat values and return them as integers."""
    if values.ndim != 1:
        raise _nested_error(row_of(0))
    if values.size == 0:
        return np.empty(0, dtype=np.int32)
    if values.dtype.kind not in "iuf":
        raise _item_error(values[0], row_of(0))
    is_float = values.dtype.kind == "f"
    if is_float:
        values = values.astype(np.float64, copy=False)  # float32 cannot tell 2**31 - 1 from 2**31
        not_whole = values != np.floor(values)  # NaN included
        if not_whole.any():
            position = int(np.argmax(not_whole))
            raise ValueError(
                f"Row {row_of(position)} of X contains {values[position]}, "
                "which is not a whole number. Word indices must be non-negative integers."
            )
    if values.min() < 0 or values.max() > MAX_INDEX:
        position = int(np.argmax((values < 0) | (values > MAX_INDEX)))
        raise _range_error(f"{values[position]:.0f}", row_of(position))
    return values.astype(np.int32) if is_float else values


def _range_error(index: str, row: int) -> ValueError:
    return ValueError(
        f"Row {row} of X contains the index {index}. "
        f"Word indices must be within 0 and {MAX_INDEX}, the largest 32-bit integer."
    )


def _missing_error(row: int) -> ValueError:
    return ValueError(f"Row {row} of X is missing. Write an empty review as [].")


def _nested_error(row: int) -> ValueError:
    return ValueError(f"Row {row} of X holds sequences, but X must be {_REVIEWS}.")


def _item_error(item: Any, row: int) -> TypeError | ValueError:
    if is_missing(item):
        return ValueError(f"Row {row} of X contains a missing value, {item!r}.")
    if isinstance(item, bool | np.bool):
        return TypeError(f"Row {row} of X contains booleans. Word indices must be integers.")
    if is_text(item):
        return TypeError(
            f"Row {row} of X contains the text {item!r}. "
            "Words must be turned into word indices first."
        )
    if hasattr(item, "__len__"):
        return _nested_error(row)
    return TypeError(
        f"Row {row} of X contains {item!r}, a {qualified_name(item)}. "
        "Word indices must be integers."
    )
