"""Read texts and labels from Parquet, CSV, JSON lines and plain text files, and from folders."""

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from skimdb.datasets._arrow import check_columns, naming_file, open_parquet

Label: TypeAlias = str | bool | int | float
# The location of each row, for messages, and its values in the requested columns.
_Rows: TypeAlias = Iterator[tuple[str, Sequence[Any]]]

_TEXT, _LABEL = "text", "label"
_ROWS_PER_BATCH = 1000


def load_labelled_texts(
    path: Path, *, text: str | None = None, label: str | None = None
) -> tuple[list[str], list[Label]]:
    """Read texts and their labels, which all have the same type.

    `path` is a UTF-8 file: .parquet, .csv (with a header) or .jsonl (one object per line), with
    columns that are called "text" and "label" by default. Or it is a folder with a sub-folder for
    each label, which holds a file for each text, as for `sklearn.datasets.load_files`; hidden files
    and folders are skipped.
    """
    if path.is_dir():
        if text is not None or label is not None:
            raise ValueError(f"text and label must not be given, since {path} is a folder")
        return _read_folder(path)
    columns = (_TEXT if text is None else text, _LABEL if label is None else label)
    if columns[0] == columns[1]:
        raise ValueError(f"text and label must be different columns, got {columns[0]!r} for both")
    name = str(path)
    read_rows = _reader(name, "a folder")
    texts: list[str] = []
    labels: list[Label] = []
    with path.open("rb") as file:
        for where, (a_text, a_label) in read_rows(file, name, columns):
            texts.append(_check_text(a_text, columns[0], where))
            labels.append(_check_label(a_label, columns[1], where, labels[:1]))
    if not texts:
        raise ValueError(f"{name} has no texts")
    return texts, labels


def iter_texts(file: BinaryIO, name: str, *, text: str | None = None) -> Iterator[str]:
    """Read the texts in a UTF-8 file one by one, in constant memory.

    The suffix of `name` tells its format: those of `load_labelled_texts`, or .txt with one text per
    line, which may be empty. "-", for standard input, is read as .txt.
    """
    if name == "-" or _suffix(name) == ".txt":
        if text is not None:
            raise ValueError("text must not be given, since plain text has no columns")
        for line in _lines(file, "standard input" if name == "-" else name):
            yield line.removesuffix("\n").removesuffix("\r")
        return
    column = _TEXT if text is None else text
    for where, (a_text,) in _reader(name, ".txt")(file, name, (column,)):
        yield _check_text(a_text, column, where)


def _suffix(name: str) -> str:
    return Path(name).suffix.lower()


def _read_folder(path: Path) -> tuple[list[str], list[Label]]:
    texts: list[str] = []
    labels: list[Label] = []
    for folder in filter(Path.is_dir, _visible(path)):
        for file in filter(Path.is_file, _visible(folder)):
            try:
                texts.append(file.read_text(encoding="utf-8-sig"))
            except UnicodeDecodeError as error:
                raise ValueError(f"{file} is not UTF-8: {_reason(error)}") from error
            labels.append(folder.name)
    if not texts:
        raise ValueError(f"{path} must have a sub-folder of texts for each label, but has none")
    return texts, labels


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _reason(error: UnicodeDecodeError) -> str:
    return f"{error.reason} at byte {error.start}"


def _lines(file: BinaryIO, name: str) -> Iterator[str]:
    """Decode each line separately, so that an error can name the line."""
    for number, line in enumerate(file, start=1):
        try:
            decoded = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"line {number} of {name} is not UTF-8: {_reason(error)}") from error
        yield decoded


def _read_csv(file: BinaryIO, name: str, columns: Sequence[str]) -> _Rows:
    reader = csv.reader(_lines(file, name), strict=True)
    try:
        header = next(reader, [])
        check_columns(header, columns, name)
        positions = [header.index(column) for column in columns]
        for fields in reader:
            if not fields:  # an empty line
                continue
            if len(fields) != len(header):
                raise ValueError(
                    f"line {reader.line_num} of {name} has {len(fields)} fields, but the header "
                    f"has {len(header)}"
                )
            yield f"line {reader.line_num} of {name}", [fields[i] for i in positions]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num} of {name} is not CSV: {error}") from error


def _read_jsonl(file: BinaryIO, name: str, columns: Sequence[str]) -> _Rows:
    for number, line in enumerate(_lines(file, name), start=1):
        if line.isspace():
            continue
        where = f"line {number} of {name}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{where} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise ValueError(f"{where} must be a JSON object, got {short_repr(record)}")
        check_columns(list(record), columns, where)
        yield where, [record[column] for column in columns]


def _read_parquet(file: BinaryIO, name: str, columns: Sequence[str]) -> _Rows:
    with naming_file(name):
        parquet_file = open_parquet(file)
        check_columns(parquet_file.schema_arrow.names, columns, name)
        number = 0
        for batch in parquet_file.iter_batches(
            _ROWS_PER_BATCH, columns=list(columns), use_threads=False
        ):
            values_by_column = (batch.column(column).to_pylist() for column in columns)
            for values in zip(*values_by_column, strict=True):
                number += 1
                yield f"row {number} of {name}", values


_Reader: TypeAlias = Callable[[BinaryIO, str, Sequence[str]], _Rows]
_READERS: Mapping[str, _Reader] = {
    ".parquet": _read_parquet,
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
}


def _reader(name: str, alternative: str) -> _Reader:
    if _suffix(name) not in _READERS:
        raise ValueError(f"{name} must be {', '.join(_READERS)} or {alternative}")
    return _READERS[_suffix(name)]


def _check_text(value: Any, column: str, where: str) -> str:
    if isinstance(value, str):
        return value
    if _is_missing(value):
        raise ValueError(f"{where}: {column!r} is missing")
    raise ValueError(f"{where}: {column!r} must be text, got {short_repr(value)}")


def _check_label(value: Any, column: str, where: str, first: Sequence[Label]) -> Label:
    if _is_missing(value) or value == "":
        raise ValueError(f"{where}: {column!r} is missing")
    if not isinstance(value, Label):
        raise ValueError(
            f"{where}: {column!r} must be a string, a number or a boolean, got {short_repr(value)}"
        )
    if first and type(value) is not type(first[0]):
        raise ValueError(
            f"{where}: {column!r} must have one type, got {short_repr(value)} after "
            f"{short_repr(first[0])}"
        )
    return value


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def short_repr(value: Any) -> str:
    """Return the `repr` of a value, truncated to 40 characters."""
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."
