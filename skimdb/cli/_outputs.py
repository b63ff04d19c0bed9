"""Formats in which predictions are written."""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

import numpy as np

from skimdb.datasets._files import as_list
from skimdb.datasets._files._arrow import import_arrow
from skimdb.datasets._files._pieces import to_arrow
from skimdb.utils._files import atomic_file

_MAX_SHOWN = 60


class Output(Protocol):
    """Writes rows in batches of columns; the names have been written."""

    def write(self, columns: Sequence[Any]) -> None:
        """Write a batch: lists, or arrays of numpy or of pyarrow, all of the same length."""


def _rows(columns: Sequence[Any]) -> Any:
    return zip(*map(_values, columns), strict=True)


def _values(column: Any) -> list[Any]:
    if not isinstance(column, np.ndarray):
        return as_list(column)
    if column.dtype == np.float32:  # probabilities
        column = column.astype(np.float64).round(6)
    return list(column.tolist())


class TableOutput:
    """Aligned columns for people; long values are cut."""

    def __init__(self, file: TextIO, names: Sequence[str], widths: Sequence[int]) -> None:
        self._file, self._widths = file, widths
        self._print(names)

    def write(self, columns: Sequence[Any]) -> None:
        """Print a row on each line."""
        for row in _rows(columns):
            self._print(map(_shown, row))

    def _print(self, cells: Any) -> None:
        line = "  ".join(
            cell.rjust(width) if width > 0 else cell.ljust(-width)
            for cell, width in zip(cells, self._widths, strict=True)
        )
        print(_encodable(line.rstrip(), self._file), file=self._file)


def _encodable(value: Any, file: TextIO) -> Any:
    r"""Escape what a file cannot hold, such as half a surrogate pair from JSON, as in "\ud83d"."""
    if not isinstance(value, str):
        return value
    encoding = file.encoding or "utf-8"
    return value.encode(encoding, "backslashreplace").decode(encoding)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


class JsonLinesOutput:
    """An object on each line."""

    def __init__(self, file: TextIO, names: Sequence[str]) -> None:
        self._file, self._names = file, names

    def write(self, columns: Sequence[Any]) -> None:
        for row in _rows(columns):
            record = dict(zip(self._names, map(_json_value, row), strict=True))
            print(json.dumps(record, default=str), file=self._file)


def _json_value(value: Any) -> Any:
    """Return a value, or None for NaN and infinity, which JSON does not have."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


class CsvOutput:
    """Comma-separated values with a header, as the standard library writes them."""

    def __init__(self, file: TextIO, names: Sequence[str]) -> None:
        self._file = file
        self._writer = csv.writer(file)
        self._writer.writerow([_encodable(name, file) for name in names])

    def write(self, columns: Sequence[Any]) -> None:
        for row in _rows(columns):
            self._writer.writerow([_encodable(value, self._file) for value in row])


class ParquetOutput:
    """A Parquet file with the given types."""

    def __init__(self, file: BinaryIO, names: Sequence[str], types: Sequence[Any]) -> None:
        self._schema = import_arrow().schema(list(zip(names, types, strict=True)))
        self._writer = import_arrow("pyarrow.parquet").ParquetWriter(file, self._schema)

    def write(self, columns: Sequence[Any]) -> None:
        arrow = import_arrow()
        arrays = [
            to_arrow(column, field.type, f"column {field.name!r}")
            for column, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_batch(arrow.RecordBatch.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Write the end of the file."""
        self._writer.close()


@contextmanager
def file_output(
    path: Path, output_format: str, names: Sequence[str], types: Sequence[Any]
) -> Iterator[Output]:
    """Write a file as a whole or not at all. Only Parquet needs the Arrow types."""
    with atomic_file(path) as file:
        if output_format == "parquet":
            with closing(ParquetOutput(file, names, types)) as output:
                yield output
            return
        text = TextIOWrapper(file, encoding="utf-8", newline="")
        yield (CsvOutput if output_format == "csv" else JsonLinesOutput)(text, names)
        text.detach()
