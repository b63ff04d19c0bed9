"""What the commands that read files share: arguments, and what they say about files."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from skimdb.datasets._columns import MISSING_RULES
from skimdb.datasets._files import ESCAPES, FORMATS_NOTE, FileOptions, Table, open_table

STANDARD_INPUT = "-"
FORMATS_HELP = f"The name of a file tells its format: {FORMATS_NOTE}."


def add_reading(
    parser: argparse.ArgumentParser, *, with_labels: bool = False, with_missing: bool = True
) -> None:
    """Add the arguments that say how to read files."""
    group = parser.add_argument_group("reading files", FORMATS_HELP)
    default = "default: {0}, or the only column with a usual name"
    group.add_argument(
        "--text", metavar="COLUMN", help=f"column of the texts ({default.format('text')})"
    )
    if with_labels:
        group.add_argument(
            "--label", metavar="COLUMN", help=f"column of the labels ({default.format('label')})"
        )
    group.add_argument(
        "--input-format", metavar="FORMAT", help="such as csv or csv.gz, whatever the names are"
    )
    group.add_argument(
        "--encoding", help="of text files (default: UTF-8 and UTF-16 are recognised)"
    )
    group.add_argument(
        "--sep",
        metavar="CHARACTER",
        help='separator of fields, such as ";" or tab (default: detected)',
    )
    group.add_argument(
        "--escape",
        choices=ESCAPES,
        help="how quotes are written within quotes; none if quotes are usual characters "
        "(default: detected)",
    )
    group.add_argument(
        "--no-header",
        dest="header",
        action="store_false",
        help="the first row has no names of columns; they are numbered from 1",
    )
    if with_missing:
        group.add_argument(
            "--missing",
            choices=MISSING_RULES,
            default="error",
            help="what to do with rows whose text or label is missing or blank (default: error)",
        )


def file_options(args: argparse.Namespace) -> FileOptions:
    """Return how to read files, as the arguments say."""
    return FileOptions(
        input_format=args.input_format,
        encoding=args.encoding,
        sep=args.sep,
        escape=args.escape,
        header=args.header,
    )


def standard_input(path: str | Path) -> BinaryIO | None:
    """Return standard input if the path is "-"."""
    return sys.stdin.buffer if str(path) == STANDARD_INPUT else None


def exists(path: str) -> bool:
    """Whether there is such a file or folder; a text of any length may be given."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # too long for a name, or with a null character
        return False


@contextmanager
def open_input(args: argparse.Namespace) -> Iterator[Table]:
    """Open `args.file`; standard input has plain text unless --input-format says otherwise."""
    options = file_options(args)
    if args.file == STANDARD_INPUT and options.input_format is None:
        options = replace(options, input_format="txt")
    with open_table(Path(args.file), options, file=standard_input(args.file)) as table:
        yield table


def print_notes(notes: Iterable[str]) -> None:
    """Print what was found out about files on standard error, each note once."""
    for note in dict.fromkeys(notes):
        print(f"skimdb: {' '.join(note.split())}", file=sys.stderr)
