"""Texts, with labels or without, from Parquet, CSV and JSON lines, plain lines and folders."""

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from skimdb.datasets._arrow import check_columns, naming_file, open_parquet

Label: TypeAlias = str | bool | int | float
# The number of a line or row, from 1, and its values in the columns that are asked for.
_Rows: TypeAlias = Iterator[tuple[int, Sequence[Any]]]

_TEXT, _LABEL = "text", "label"
_ROWS_PER_BATCH = 1000


def load_labelled_texts(
    path: Path, *, text: str | None = None, label: str | None = None
) -> tuple[list[str], list[Label]]:
    """Read texts and their labels.

    Parameters
    ----------
    path : Path
        A file of the type that its suffix says: .parquet, .csv (with a header) or .jsonl (one
        object on each line). Or a folder with a sub-folder for each label, named after it, that
        holds a file for each text. All is UTF-8. Names that start with a dot are left out.
    text, label : str or None, default=None
        The names of the columns. None stands for "text" and "label".

    Returns
    -------
    texts : list of str
    labels : list of str, bool, int or float
        All of one type.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not of its type, lacks a column, or has missing values or others than texts and
        labels; the message names the line, row or file. If `text` or `label` is given for a folder.
    ImportError
        For a Parquet file without pyarrow.

    See Also
    --------
    sklearn.datasets.load_files : Reads the same folders.
    """
    if path.is_dir():
        if text is not None or label is not None:
            raise ValueError(f"text and label must be left out, since {path} is a folder")
        return _read_folder(path)
    columns = (_TEXT if text is None else text, _LABEL if label is None else label)
    if columns[0] == columns[1]:
        raise ValueError(f"text and label must be two columns, got {columns[0]!r} for both")
    name = str(path)
    unit, read_rows = _reader(name, "a folder")
    texts: list[str] = []
    labels: list[Label] = []
    with path.open("rb") as file:
        for number, (a_text, a_label) in read_rows(file, name, columns):
            where = f"{unit} {number} of {name}"
            texts.append(_check_text(a_text, columns[0], where))
            labels.append(_check_label(a_label, columns[1], where, labels[:1]))
    if not texts:
        raise ValueError(f"{name} has no texts")
    return texts, labels


def iter_texts(file: BinaryIO, name: str, *, text: str | None = None) -> Iterator[str]:
    """Read texts one after the other, in constant memory.

    Parameters
    ----------
    file : binary file
        What to read, UTF-8.
    name : str
        Its name, for messages. Its suffix says of what type it is: .parquet, .csv (with a
        header), .jsonl (one object on each line) or .txt (one text on each line, possibly
        empty). "-" counts as .txt.
    text : str or None, default=None
        The name of the column. None stands for "text".

    Yields
    ------
    text : str

    Raises
    ------
    OSError, ValueError, ImportError
        As `load_labelled_texts` does. If `text` is given for plain lines.
    """
    if name == "-" or _suffix(name) == ".txt":
        if text is not None:
            raise ValueError("text must be left out, since plain lines have no columns")
        for line in _lines(file, "standard input" if name == "-" else name):
            yield line.removesuffix("\n").removesuffix("\r")
        return
    column = _TEXT if text is None else text
    unit, read_rows = _reader(name, ".txt")
    for number, (a_text,) in read_rows(file, name, (column,)):
        yield _check_text(a_text, column, f"{unit} {number} of {name}")


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
        raise ValueError(f"{path} must have a sub-folder of texts for each label, and has none")
    return texts, labels


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _reason(error: UnicodeDecodeError) -> str:
    return f"{error.reason} at byte {error.start}"


def _lines(file: BinaryIO, name: str) -> Iterator[str]:
    """Decode line by line, so that an error can name the line."""
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
        places = [header.index(column) for column in columns]
        for fields in reader:
            if not fields:  # an empty line
                continue
            if len(fields) != len(header):
                raise ValueError(
                    f"line {reader.line_num} of {name} has {len(fields)} fields, but the header "
                    f"has {len(header)}"
                )
            yield reader.line_num, [fields[place] for place in places]
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
        yield number, [record[column] for column in columns]


def _read_parquet(file: BinaryIO, name: str, columns: Sequence[str]) -> _Rows:
    with naming_file(name):
        table = open_parquet(file)
        check_columns(table.schema_arrow.names, columns, name)
        number = 0
        for batch in table.iter_batches(_ROWS_PER_BATCH, columns=list(columns), use_threads=False):
            values_of = (batch.column(column).to_pylist() for column in columns)
            for values in zip(*values_of, strict=True):
                number += 1
                yield number, values


_Reader: TypeAlias = Callable[[BinaryIO, str, Sequence[str]], _Rows]
# What its errors count in, and the function.
_READERS: Mapping[str, tuple[str, _Reader]] = {
    ".parquet": ("row", _read_parquet),
    ".csv": ("line", _read_csv),
    ".jsonl": ("line", _read_jsonl),
}


def _reader(name: str, alternative: str) -> tuple[str, _Reader]:
    if _suffix(name) not in _READERS:
        raise ValueError(f"{name} must be {', '.join(_READERS)} or {alternative}")
    return _READERS[_suffix(name)]


def _check_text(value: Any, column: str, where: str) -> str:
    if isinstance(value, str):
        return value
    if _is_missing(value):
        raise ValueError(f"{where}: {column!r} is missing")
    raise ValueError(f"{where}: {column!r} must be a text, got {short_repr(value)}")


def _check_label(value: Any, column: str, where: str, first: Sequence[Label]) -> Label:
    """Return a label, which must be of the type of the first."""
    if _is_missing(value) or value == "":
        raise ValueError(f"{where}: {column!r} is missing")
    if not isinstance(value, Label):
        raise ValueError(
            f"{where}: {column!r} must be a string, a number or a boolean, got {short_repr(value)}"
        )
    if first and type(value) is not type(first[0]):
        raise ValueError(
            f"{where}: {column!r} must be of one type, got {short_repr(value)} after "
            f"{short_repr(first[0])}"
        )
    return value


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def short_repr(value: Any) -> str:
    """Return the `repr` of a value, cut off after 40 characters."""
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."
