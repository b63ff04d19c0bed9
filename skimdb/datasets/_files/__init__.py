"""One way to read a file of any kind into batches of columns."""

from skimdb.datasets._files._formats import (
    DEFAULT_OPTIONS,
    ESCAPES,
    FORMATS_NOTE,
    STANDARD_INPUT,
    FileOptions,
    format_of,
)
from skimdb.datasets._files._open import (
    files_below,
    note_left_out,
    open_table,
    read_text,
    tables_below,
    underscored_below,
)
from skimdb.datasets._files._table import Table, as_list, check_columns

__all__ = [
    "DEFAULT_OPTIONS",
    "ESCAPES",
    "FORMATS_NOTE",
    "STANDARD_INPUT",
    "FileOptions",
    "Table",
    "as_list",
    "check_columns",
    "files_below",
    "format_of",
    "note_left_out",
    "open_table",
    "read_text",
    "tables_below",
    "underscored_below",
]
