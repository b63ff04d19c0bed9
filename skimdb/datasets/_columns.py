"""Which columns of a file hold the texts and the labels, and the rows that lack them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from skimdb.datasets._files import Table
from skimdb.datasets._files._table import listed_columns
from skimdb.datasets._values import as_text, is_missing, short_repr

TEXT, LABEL = "text", "label"
# Names in public data sets; upper and lower case count the same.
_PLAUSIBLE = {
    TEXT: ("review", "sentence", "content", "tweet", "verified_reviews"),
    LABEL: ("sentiment", "rating", "stars", "target", "airline_sentiment"),
}
MISSING_RULES = ("error", "drop")
_DROP = "leave such rows out with missing='drop' (--missing drop)"


def choose_columns(table: Table, given: dict[str, str | None]) -> tuple[list[str], list[str]]:
    """Return the column for each key of `given`, TEXT or LABEL, and notes on those chosen."""
    if not table.column_names:
        raise ValueError(f"{table.name} is empty: it has no columns")
    columns, notes = [], []
    for role, name in given.items():
        if name is None and role not in table.column_names:
            columns.append(_plausible_column(table, role))
            notes.append(f"the {role}s are in column {columns[-1]!r}")
        else:
            columns.append(role if name is None else name)
    table.check_columns(columns)
    if len(set(columns)) < len(columns):
        raise ValueError(f"text and label must be different columns, got {columns[0]!r} for both")
    return columns, [", ".join(notes)] if notes else []


def _plausible_column(table: Table, role: str) -> str:
    plausible = (role, *_PLAUSIBLE[role])
    found = [name for name in table.column_names if name.lower() in plausible]
    if len(found) == 1:
        return found[0]
    problem = f"no column {role!r}"
    if found:
        problem += f", and several that may hold the {role}s, {', '.join(map(repr, found))}"
    hint = ""
    if table.has_header:
        hint = " (with --no-header, if the first row has no names, they are numbered from 1)"
    raise ValueError(
        f"{table.name} has {problem}: name one with --{role}; its columns: "
        f"{listed_columns(table.column_names, table.describe)}{hint}"
    )


class MissingValues:
    """Counts the rows in which a required value is missing or blank."""

    def __init__(self) -> None:
        self._n_rows = 0
        self._counts: dict[str, int] = {}
        self._first: tuple[str, str] | None = None

    def find_complete(
        self,
        where: Callable[[int], str],
        numbers: Sequence[int],
        columns: Mapping[str, Sequence[Any]],
    ) -> list[bool]:
        """Return which rows of a batch have a value in all columns, and count the others."""
        self._n_rows += len(numbers)
        is_complete = [True] * len(numbers)
        for name, values in columns.items():
            for i, value in enumerate(values):
                if is_missing(value):
                    self._counts[name] = self._counts.get(name, 0) + 1
                    is_complete[i] = False
        if self._first is None and not all(is_complete):
            i = is_complete.index(False)
            name = next(name for name, values in columns.items() if is_missing(values[i]))
            self._first = (where(numbers[i]), name)
        return is_complete

    def __bool__(self) -> bool:
        return self._first is not None

    def __str__(self) -> str:
        """Return the counts, for a note or a message."""
        (name, count), *others = self._counts.items()
        found = [f"{name!r} is missing or blank in {count:,}"]
        found += (f"{name!r} in {count:,}" for name, count in others)
        return f"of {self._n_rows:,} rows, {' and '.join(found)}"

    def error(self, *, of_all_rows: bool) -> ValueError:
        """Return an error about all rows, once they have been read, or about the first."""
        where, name = self._first or ("", "")
        if of_all_rows:
            return ValueError(f"{self}; the first is {where}; {_DROP}")
        return ValueError(f"{where}: {name!r} is missing or blank; {_DROP}")


def check_text(value: Any, column: str, where: str) -> str:
    """Return a text, or raise a ValueError that names the row."""
    if isinstance(value, str):
        return value
    raise ValueError(f"{where}: {column!r} must be text, got {short_repr(value)}")


def label_text(value: Any, column: str, where: str) -> str:
    """Return a label as text without blanks around it, or raise a ValueError."""
    text = as_text(value)
    if text is None:
        raise ValueError(
            f"{where}: {column!r} must be text, a number, a boolean or a date, got "
            f"{short_repr(value)}"
        )
    return text.strip()
