"""Read the first sheet of an Excel file."""

import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from skimdb.datasets._values import as_text, is_missing
from skimdb.utils._optional import import_optional

# What openpyxl raises for damaged files.
_ERRORS = (
    AttributeError, EOFError, IndexError, KeyError, NotImplementedError, ParseError, TypeError,
    ValueError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_sheet(file: BinaryIO, name: str) -> tuple[Iterator[tuple[int, list[str]]], list[str]]:
    """Return the rows of the first sheet as texts, numbered as in Excel, and notes.

    The whole sheet is held in memory.
    """
    for module in ("pandas", "openpyxl"):
        import_optional(module, needed_by="Reading .xlsx files", install="skimdb[files]")
    import pandas  # noqa: PLC0415 (optional dependency)

    content = io.BytesIO(file.read())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about colours and such
            book = pandas.ExcelFile(content, engine="openpyxl")
            sheets = book.sheet_names
            frame = book.parse(0, header=None, dtype=object, na_filter=False)
    except _ERRORS as error:
        raise ValueError(f"{name} is not a valid .xlsx file: {error}") from error
    notes = []
    if len(sheets) > 1:
        others = ", ".join(map(repr, sheets[1:]))
        notes = [f"the first sheet, {sheets[0]!r}, is read, not {others}"]
    cells = frame.itertuples(index=False, name=None)
    rows = ((i, list(map(_cell_text, row))) for i, row in enumerate(cells, start=1))
    return (row for row in rows if any(row[1])), notes


def _cell_text(cell: Any) -> str:
    """Return what a cell shows; an error such as #N/A, which pandas reads as NaN, is blank."""
    return "" if is_missing(cell) else as_text(cell) or str(cell)
