"""Tables in text files and in Excel files: rows of Python values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, BinaryIO, TypeAlias

from skimdb.datasets._files import _json
from skimdb.datasets._files._bytes import decompressed
from skimdb.datasets._files._delimited import Record, find_dialect, read_records
from skimdb.datasets._files._excel import read_sheet
from skimdb.datasets._files._formats import FileOptions, Format
from skimdb.datasets._files._table import Batch, Table
from skimdb.datasets._files._text import TextFile
from skimdb.datasets._values import is_missing

_Row: TypeAlias = Sequence[Any] | Mapping[str, Any]

# Characters from which the separator and the quotes are found out.
_SAMPLE_SIZE = 2**20
# Rows from which the columns of JSON are found out, and all types.
_HEAD_ROWS = 100
# Characters in a batch after which it is no longer filled.
_MAX_CHARACTERS = 10_000_000
_JSON_FORMATS = ("json", "jsonl", "ndjson")
_PLAIN_TEXT_COLUMN = "text"


class TextTable(Table):
    """The rows of an open file, which can be read once."""

    def __init__(self, file: BinaryIO, name: str, file_format: Format, options: FileOptions):
        self.name, self.format, self.notes = name, file_format.name, []
        self._file, self._options = file, options
        rows: Iterator[tuple[int, _Row]]
        if self.format == "xlsx":
            self.unit = "row"
            sheet, self.notes = read_sheet(file, name)
            rows = self._after_header(sheet)
        else:
            self.unit = "line"
            content = decompressed(file, file_format.compression)
            text = TextFile(content, name, options.encoding, file_format.compression)
            rows = self._rows_of(text)
        head = list(islice(rows, _HEAD_ROWS))
        if self.format in _JSON_FORMATS:
            self.column_names = list(dict.fromkeys(chain.from_iterable(row for _, row in head)))
        self.head = [row for _, row in head]
        self._rows = chain(head, rows)

    def _rows_of(self, text: TextFile) -> Iterator[tuple[int, _Row]]:
        if self.format == "txt":
            self.is_plain_text, self.column_names = True, [_PLAIN_TEXT_COLUMN]
            lines = (line.removesuffix("\n").removesuffix("\r") for line in text.lines())
            return ((number, [line]) for number, line in enumerate(lines, start=1))
        if self.format in ("csv", "tsv"):
            return self._after_header(self._records(text))
        return _json.read_records(text, self.name)

    def _records(self, text: TextFile) -> Iterator[Record]:
        lines = text.lines()
        sample: list[str] = []
        size, is_whole = 0, True
        for line in lines:
            sample.append(line)
            size += len(line)
            if size > _SAMPLE_SIZE:
                is_whole = False
                break
        usual = "\t" if self.format == "tsv" else ","
        dialect = find_dialect(sample, is_whole=is_whole, usual=usual, options=self._options)
        if dialect.separator != usual and self._options.sep is None:
            self.notes.append(
                f"fields separated by {dialect.separator_name} (--sep can say otherwise)"
            )
        if dialect.escape != "double" and self._options.escape is None:
            self.notes.append(f"{dialect.escape_name} (--escape can say otherwise)")
        return read_records(chain(sample, lines), dialect, self.name)

    def _after_header(self, records: Iterator[Record]) -> Iterator[Record]:
        first = next(records, None)
        self.has_header = self._options.header
        self.column_names = [] if first is None else [field.strip() for field in first[1]]
        if first is not None and not self.has_header:
            self.column_names = [str(i) for i in range(1, len(first[1]) + 1)]
            return chain([first], records)
        return records

    @property
    def position(self) -> int | None:
        """How many bytes of the file have been read, if that is known."""
        return self._file.tell() if self._file.seekable() else None

    def head_values(self, column: str) -> list[Any]:
        """Return the values of a column in the first rows."""
        return [value for (value,) in map(self._getter([column]), self.head)]

    def example(self, column: str) -> Any:
        """Return a value of a column, or None if the first rows have none."""
        return next((v for v in self.head_values(column) if not is_missing(v)), None)

    def estimate_rows(self, n_bytes: int) -> int:
        """Estimate the number of rows of a file of that size by the first rows."""
        sizes = [len(str(row)) for row in self.head]
        return max(1, n_bytes * len(sizes) // sum(sizes)) if sizes else 0

    def _getter(self, columns: Sequence[str]) -> Callable[[Any], list[Any]]:
        if self.format in _JSON_FORMATS:
            return lambda record: [record.get(column) for column in columns]
        positions = [self.column_names.index(column) for column in columns]
        return lambda row: [row[position] for position in positions]

    def batches(self, columns: Sequence[str], n_rows: int) -> Iterator[Batch]:
        get_values = self._getter(columns)
        numbers: list[int] = []
        rows: list[list[Any]] = []
        n_characters = 0
        for number, row in self._rows:
            values = get_values(row)
            numbers.append(number)
            rows.append(values)
            n_characters += sum(len(value) for value in values if isinstance(value, str))
            if len(rows) == n_rows or n_characters >= _MAX_CHARACTERS:
                yield Batch(list(map(list, zip(*rows, strict=True))), numbers)
                numbers, rows, n_characters = [], [], 0
        if rows:
            yield Batch(list(map(list, zip(*rows, strict=True))), numbers)
