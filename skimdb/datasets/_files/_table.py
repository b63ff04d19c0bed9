"""What all files are once they are open: tables that are read in batches of columns."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from skimdb.datasets._values import short_repr

# Named in a message.
_MAX_COLUMNS = 30


class Batch(NamedTuple):
    """Some rows of a file.

    Attributes
    ----------
    columns : list of n_columns lists or pyarrow arrays of length n_rows
        In the requested order.
    numbers : sequence of n_rows int
        Where each row is in the file: its first line, or its number.
    """

    columns: list[Any]
    numbers: Sequence[int]


def as_list(values: Any) -> list[Any]:
    """Return a column of a batch as a list."""
    return values if isinstance(values, list) else list(values.to_pylist())


class Table(ABC):
    """An open file.

    Attributes
    ----------
    name : str
        For messages.
    unit : {"line", "row"}
        What the numbers of batches count.
    column_names : list of str
    has_header : bool
        Whether the names of the columns are in a first row, as the caller said.
    is_plain_text : bool
        Whether each line is a text.
    notes : list of str
        What was found out about the file and may be wrong.
    """

    name: str
    unit: str
    column_names: list[str]
    has_header: bool = False
    is_plain_text: bool = False
    notes: list[str]

    @property
    def position(self) -> int | None:
        """How many bytes of the file have been read, if that is known."""
        return None

    @abstractmethod
    def batches(self, columns: Sequence[str], n_rows: int) -> Iterator[Batch]:
        """Read all rows, once, in batches of at most `n_rows`; bounds the peak memory."""

    @abstractmethod
    def example(self, column: str) -> Any:
        """Return a value of a column, or None if the first rows have none."""

    def where(self, number: int) -> str:
        """Return the location of a row."""
        return f"{self.unit} {number} of {self.name}"

    def check_columns(self, columns: Sequence[str]) -> None:
        """Check that each of `columns` occurs exactly once."""
        check_columns(self.column_names, columns, self.name, self.describe)

    def describe(self, name: str) -> str:
        """Return the name of a column and an example of its values."""
        if self.column_names.count(name) > 1 or (example := self.example(name)) is None:
            return repr(name)
        return f"{name!r} ({short_repr(example)})"


def check_columns(
    names: Sequence[str],
    columns: Sequence[str],
    where: str,
    describe: Callable[[str], str] = repr,
) -> None:
    """Check that each of `columns` occurs exactly once in `names`."""
    for column in columns:
        count = list(names).count(column)
        if count != 1:
            problem = f"{count} columns" if count else "no column"
            columns_there = listed_columns(names, describe)
            raise ValueError(f"{where} has {problem} {column!r}; its columns: {columns_there}")


def listed_columns(names: Sequence[str], describe: Callable[[str], str]) -> str:
    """Return the names of columns for a message, the first of them if there are many."""
    more = ["..."] if len(names) > _MAX_COLUMNS else []
    return ", ".join([*map(describe, names[:_MAX_COLUMNS]), *more]) or "none"
