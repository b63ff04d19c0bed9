"""Find out how the fields of a text file are separated and quoted, and read them."""

import csv
import re
import threading
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any, NamedTuple

from skimdb.datasets._files._formats import ESCAPES, FileOptions

SEPARATORS = (",", "\t", ";", "|")
_SEPARATOR_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe"}
_ESCAPE_NAMES = {
    "double": "quotes doubled",
    "backslash": "quotes escaped by a backslash",
    "none": "quotes as usual characters",
}
# At once, to hold the lock of the limit for a short time only.
_MAX_ROWS, _MAX_CHARACTERS = 200, 2**20
_limit_lock = threading.Lock()

# The line on which a record begins, and its fields.
Record = tuple[int, list[str]]


class _Failure(NamedTuple):
    """The line on which a record begins that is not CSV, and why it is not."""

    number: int
    reason: str


class Dialect(NamedTuple):
    """How fields are separated and quoted."""

    separator: str
    escape: str

    def __str__(self) -> str:
        """Return a description for messages."""
        return f"fields separated by {self.separator_name}, {self.escape_name}"

    @property
    def separator_name(self) -> str:
        """The name of the separator, or the character if it has none."""
        return _SEPARATOR_NAMES.get(self.separator, repr(self.separator))

    @property
    def escape_name(self) -> str:
        """How quotes are written, in words."""
        return _ESCAPE_NAMES[self.escape]

    def reader(self, lines: Iterable[str]) -> Any:
        """Return a reader of the standard library."""
        kwargs: dict[str, Any] = {"delimiter": self.separator, "strict": True}
        if self.escape == "none":
            kwargs["quoting"] = csv.QUOTE_NONE
        elif self.escape == "backslash":
            kwargs["escapechar"] = "\\"
            lines = map(_keep_other_backslashes, lines)
        return csv.reader(lines, **kwargs)


def _keep_other_backslashes(line: str) -> str:
    r"""Double the backslashes that escape neither a quote nor a backslash, as in C:\new."""
    if "\\" not in line:
        return line
    return re.sub(r'\\(["\\])?', lambda match: match[0] if match[1] else r"\\", line)


def read_records(lines: Iterable[str], dialect: Dialect, name: str) -> Iterator[Record]:
    """Yield the records of a file, which have equal numbers of fields; skip empty lines."""
    expected: list[str] | None = None
    reader = dialect.reader(lines)
    while True:
        records, failure = _next_records(reader)
        for number, fields in records:
            expected = fields if expected is None else expected
            if len(fields) != len(expected):
                raise ValueError(
                    f"line {number} of {name} has {len(fields)} fields, but the first line has "
                    f"{len(expected)} ({dialect})"
                )
            yield number, fields
        if failure is not None:
            raise ValueError(
                f"line {failure.number} of {name} is not CSV: {failure.reason} ({dialect})"
            )
        if not records:
            return


def _next_records(reader: Any) -> tuple[list[Record], _Failure | None]:
    """Read some records, and what ended that, if it was not the end of the file."""
    records: list[Record] = []
    n_characters = 0
    with _limit_lock:
        # The default is 131,072 characters. Windows takes no larger limit than this one.
        limit = csv.field_size_limit(2**31 - 1)
        try:
            while len(records) < _MAX_ROWS and n_characters < _MAX_CHARACTERS:
                number = reader.line_num + 1
                fields = next(reader, None)
                if fields is None:
                    break
                if fields:
                    records.append((number, fields))
                    n_characters += sum(map(len, fields))
        except csv.Error as error:
            return records, _Failure(number, str(error))
        finally:
            csv.field_size_limit(limit)
    return records, None


def find_dialect(sample: list[str], *, is_whole: bool, usual: str, options: FileOptions) -> Dialect:
    """Choose the separator and the quotes by which most of the first lines have equal fields.

    Parameters
    ----------
    sample : list of str
        The first lines of the file.
    is_whole : bool
        Whether these are all lines.
    usual : str
        The separator to prefer.
    options : FileOptions
        May name the separator or the quotes, which are then taken.
    """
    separators = sorted(SEPARATORS, key=usual.__ne__)
    escapes = [name for name in ESCAPES if name != "backslash" or any('\\"' in s for s in sample)]
    if options.separator is not None:
        separators = [options.separator]
    if options.escape is not None:
        escapes = [options.escape]
    candidates = [Dialect(*pair) for pair in product(separators, escapes)]
    if len(candidates) == 1:
        return candidates[0]
    # Of equals, max takes the first.
    return max(candidates, key=lambda dialect: _fit(dialect, sample, is_whole, options))


def _fit(
    dialect: Dialect, sample: list[str], is_whole: bool, options: FileOptions
) -> tuple[bool, float]:
    """Return whether there are several columns, and the share of lines up to the first error."""
    reader = dialect.reader(sample)
    # Nobody quotes whole fields where quotes are usual characters.
    refuse_quoted = dialect.escape == "none" and options.escape is None
    n_lines, n_columns = len(sample), 0
    while True:
        records, failure = _next_records(reader)
        for number, fields in records:
            n_columns = n_columns or len(fields)
            if len(fields) != n_columns or (refuse_quoted and any(map(_is_quoted, fields))):
                return n_columns > 1, (number - 1) / n_lines
        if failure is not None:
            n_good = failure.number - 1
            ends_within_record = not is_whole and n_lines - n_good < n_lines / 10
            return n_columns > 1, 1.0 if ends_within_record else n_good / n_lines
        if not records:
            return n_columns > 1, 1.0


def _is_quoted(field: str) -> bool:
    return len(field) > 1 and field[0] == field[-1] == '"'
