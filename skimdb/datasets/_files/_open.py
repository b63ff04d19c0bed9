"""Find files, and open them as tables."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

from skimdb.datasets._files._arrow_table import ArrowTable
from skimdb.datasets._files._bytes import decompressed, naming_compressed
from skimdb.datasets._files._formats import (
    ARROW_FORMATS,
    DEFAULT_OPTIONS,
    STANDARD_INPUT,
    FileOptions,
    format_of,
)
from skimdb.datasets._files._table import Table
from skimdb.datasets._files._text import TextFile
from skimdb.datasets._files._text_table import TextTable

# What Hugging Face's datasets write: one file above the folders, and two beside tables.
_ABOVE_TABLES = {"dataset_dict.json"}
_BESIDE_TABLES = {"dataset_info.json", "state.json"}
_MAX_NAMES = 5


@contextmanager
def open_table(
    path: Path, options: FileOptions = DEFAULT_OPTIONS, *, file: BinaryIO | None = None
) -> Iterator[Table]:
    """Open a file of any format, or standard input if `file` is that."""
    name = str(path) if file is None else STANDARD_INPUT
    if file is None:
        path.stat()  # raises an error if there is no such file, whatever its name tells
    file_format = options.format_of(name)
    is_arrow = file_format.name in ARROW_FORMATS
    if is_arrow and file is None and file_format.compression is None:
        yield ArrowTable.from_path(path, file_format.name)
        return
    with nullcontext(file) if file is not None else path.open("rb") as opened:
        if not is_arrow:
            yield TextTable(opened, name, file_format, options)
            return
        # The end of such a file must be read first.
        with tempfile.NamedTemporaryFile() as copy:
            with naming_compressed(name, file_format.compression):
                shutil.copyfileobj(decompressed(opened, file_format.compression), copy)
            copy.flush()
            yield ArrowTable.from_path(Path(copy.name), file_format.name, name)


def read_text(path: Path, options: FileOptions) -> str:
    """Return what is in a file of plain text."""
    file_format = format_of(path.name)
    compression = None if file_format is None else file_format.compression
    with path.open("rb") as file:
        content = decompressed(file, compression)
        return "".join(TextFile(content, str(path), options.encoding, compression).lines())


def files_below(
    folder: Path, *, with_underscored: bool = False, parents: tuple[Path, ...] = ()
) -> Iterator[Path]:
    """Find the files in a folder and its sub-folders, sorted by name.

    Files that are not data are skipped: those whose names start with a dot or an underscore, or
    that are in such a folder, and what Hugging Face's `save_to_disk` writes beside the data. Those
    with an underscore are included if `with_underscored`. Links are followed, except to a folder
    that contains them.
    """
    resolved = folder.resolve()
    if resolved in parents:
        return
    # Other programs keep their own files under names with an underscore: Spark's _SUCCESS.
    skipped = (".",) if with_underscored else (".", "_")
    paths = sorted(folder.iterdir())
    has_tables = any(path.suffix[1:] in ARROW_FORMATS for path in paths)
    metadata = _ABOVE_TABLES | _BESIDE_TABLES if has_tables else _ABOVE_TABLES
    for path in paths:
        if path.name.startswith(skipped) or path.name in metadata:
            continue
        if path.is_dir():
            yield from files_below(
                path, with_underscored=with_underscored, parents=(*parents, resolved)
            )
        else:
            yield path


def underscored_below(folder: Path) -> list[Path]:
    """Return the files skipped for an underscore although their names tell a known format."""
    return [
        path
        for path in files_below(folder, with_underscored=True)
        if format_of(path.name)
        and any(part.startswith("_") for part in path.relative_to(folder).parts)
    ]


def tables_below(folder: Path, options: FileOptions) -> tuple[list[Path], list[str]]:
    """Return the files below a folder that hold tables, and a note on those that are left out.

    Files of plain text count only if there are no others: otherwise they are notes on these.
    """
    paths = list(files_below(folder))
    underscored = underscored_below(folder)
    if options.input_format is not None:
        return paths, note_left_out(underscored, folder)
    formats = [format_of(path.name) for path in paths]
    named = [(path, found.name) for path, found in zip(paths, formats, strict=True) if found]
    tables = [path for path, name in named if name != "txt"] or [path for path, _ in named]
    left_out = sorted({*paths, *underscored}.difference(tables))
    return tables, note_left_out(left_out, folder)


def note_left_out(paths: list[Path], folder: Path) -> list[str]:
    """Return a note that names files that were left out, if there are any."""
    if not paths:
        return []
    names = [str(path.relative_to(folder)) for path in paths[:_MAX_NAMES]]
    if len(paths) > _MAX_NAMES:
        names.append(f"{len(paths) - _MAX_NAMES:,} more")
    return [f"files in {folder} that are left out: {', '.join(names)}"]
