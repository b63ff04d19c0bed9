"""Formats of files, and how they are told by the end of a name."""

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sklearn.utils._param_validation import StrOptions

TEXT_FORMATS = ("csv", "tsv", "txt", "jsonl", "ndjson", "json")
ARROW_FORMATS = ("parquet", "arrow", "feather")
COMPRESSIONS = ("gz", "bz2", "xz", "zst")
FORMATS = (*TEXT_FORMATS, *ARROW_FORMATS, "xlsx")
FORMATS_NOTE = (
    f"{', '.join(f'.{name}' for name in FORMATS)}; all but the last also compressed, as "
    f"{', '.join(f'.{name}' for name in COMPRESSIONS)}"
)
ESCAPES = ("double", "backslash", "none")
# For scikit-learn's validation of parameters.
FILE_CONSTRAINTS = {
    "encoding": [str, None],
    "sep": [str, None],
    "escape": [StrOptions(set(ESCAPES)), None],
    "header": ["boolean"],
}
_SEPARATOR_NAMES = {"tab": "\t", "\\t": "\t"}


STANDARD_INPUT = "standard input"


class Format(NamedTuple):
    """The format of a file, and how it is compressed, if it is."""

    name: str
    compression: str | None = None


def format_of(name: str) -> Format | None:
    """Return the format that a name ends with, such as "reviews.csv.gz", or None."""
    *_, first, last = ["", "", *Path(name).name.lower().split(".")[1:]]
    if last in FORMATS:
        return Format(last)
    if last in COMPRESSIONS and first in (*TEXT_FORMATS, *ARROW_FORMATS):
        return Format(first, last)
    return None


@dataclass(frozen=True)
class FileOptions:
    r"""How to read files. What is None is detected.

    Attributes
    ----------
    input_format : str or None
        Such as "csv" or "csv.gz", instead of the end of the name.
    encoding : str or None
        Of text files, any that Python knows.
    sep : str or None
        Separator of fields: one character, or "tab" or "\\t".
    escape : {"double", "backslash", "none"} or None
        How quotes are written within a quoted field; with "none", quotes are usual characters.
    header : bool
        Whether the first row has the names of columns. If not, they are numbered from "1".
    """

    input_format: str | None = None
    encoding: str | None = None
    sep: str | None = None
    escape: str | None = None
    header: bool = True

    def __post_init__(self) -> None:
        """Check all values."""
        if self.input_format is not None and format_of(f".{self.input_format}") is None:
            raise ValueError(
                f"the input format must be one of {', '.join(FORMATS)}, also with a compression, "
                f"as csv.gz; got {self.input_format!r}"
            )
        if self.escape not in (None, *ESCAPES):
            raise ValueError(f"escape must be one of {', '.join(ESCAPES)}, got {self.escape!r}")
        separator = self.separator
        if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
            raise ValueError(
                f'sep must be one character, not a quote or line break, or "tab"; got {self.sep!r}'
            )
        if self.encoding is not None:
            try:
                "".encode(self.encoding)
                codecs.lookup(self.encoding)
            except (LookupError, ValueError) as error:
                raise ValueError(
                    f"encoding must be one that Python knows, got {self.encoding!r}"
                ) from error

    @property
    def separator(self) -> str | None:
        """The separator as a character."""
        return None if self.sep is None else _SEPARATOR_NAMES.get(self.sep.lower(), self.sep)

    def format_of(self, name: str) -> Format:
        """Return the format of a file; a .txt file with a separator is read as .csv."""
        found = format_of(name if self.input_format is None else f".{self.input_format}")
        if found is None and name == STANDARD_INPUT:
            raise ValueError(f"{name} needs --input-format, such as csv")
        if found is None:
            raise ValueError(f"the name of {name} must tell its format: {FORMATS_NOTE}")
        if found.name == "txt" and self.sep is not None:
            return found._replace(name="csv")
        return found


DEFAULT_OPTIONS = FileOptions()
