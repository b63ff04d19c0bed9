"""Divide files into pieces that are read independently, into Arrow arrays of one type each."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from skimdb.datasets._files._arrow import as_type, import_arrow, is_number, is_text, plain_type
from skimdb.datasets._files._arrow_table import ArrowPiece, ArrowTable
from skimdb.datasets._files._formats import FORMATS_NOTE, FileOptions
from skimdb.datasets._files._open import open_table, tables_below
from skimdb.datasets._files._table import Table, check_columns
from skimdb.datasets._files._text_table import TextTable
from skimdb.utils._naming import as_path

# Arrow arrays of the same length, one for each column.
Rows: TypeAlias = list[Any]
# The Arrow type of each requested column, in the requested order.
Types: TypeAlias = dict[str, Any]


class WholeFile(NamedTuple):
    """A file of another format than Arrow's, or a compressed one; `n_rows` may be estimated."""

    path: Path
    options: FileOptions
    n_rows: int


Piece: TypeAlias = ArrowPiece | WholeFile


def open_source(
    source: Any, columns: Sequence[str] | None, options: FileOptions
) -> tuple[Types, list[Piece], list[str]]:
    """Return the types of the columns, all pieces, and notes; check that all files have these.

    The parameters are those of `iter_batches`.
    """
    types: Types | None = None
    pieces: list[Piece] = []
    notes: list[str] = []
    if isinstance(source, import_arrow("pyarrow.dataset").Dataset):
        types = _check_columns(source.schema.names, columns, source.schema.field)
        for fragment in source.get_fragments():
            arrow_table = ArrowTable(fragment)
            _check_types(arrow_table, types)
            pieces += arrow_table.pieces()
        return types, pieces, notes
    for path in _paths_of(source, options, notes):
        with open_table(path, options) as table:
            if types is None:
                if columns is None:
                    _check_names(table)
                types = _check_columns(table.column_names, columns, arrow_schema(table).field)
            _check_types(table, types)
            notes += (f"{path}: {note}" for note in table.notes)
            if isinstance(table, TextTable):
                pieces.append(WholeFile(path, options, table.estimate_rows(path.stat().st_size)))
            elif isinstance(table, ArrowTable):
                parts = table.pieces()
                if options.format_of(path.name).compression is None:
                    pieces += parts
                else:
                    pieces.append(WholeFile(path, options, sum(part.n_rows for part in parts)))
    return types or {}, pieces, notes


def _paths_of(source: Any, options: FileOptions, notes: list[str]) -> list[Path]:
    sources = source if isinstance(source, list) else [source]
    for item in sources:
        if not isinstance(item, str | Path):
            raise TypeError(
                "source must be a path, a list of paths or a pyarrow.dataset.Dataset, got "
                f"{item!r}" + (" in a list" if item is not source else "")
            )
    paths: list[Path] = []
    for path in [as_path(item, "source") for item in sources]:
        if path.is_dir():
            found, left_out = tables_below(path, options)
            paths += found
            notes += left_out
        elif not path.exists():
            raise FileNotFoundError(f"source: {path} does not exist")
        else:
            paths.append(path)
    if not paths:
        raise ValueError(f"source={source!r} has no files of a known format: {FORMATS_NOTE}")
    return paths


def _check_names(table: Table) -> None:
    names = table.column_names
    if not names:
        raise ValueError(f"{table.name} has no columns")
    if len(set(names)) < len(names):
        raise ValueError(f"{table.name} has several columns of the same name; give columns")


def _check_columns(names: list[str], columns: Sequence[str] | None, field: Any) -> Types:
    chosen = names if columns is None else columns
    for name in chosen:
        if not isinstance(name, str):
            raise TypeError(f"columns must be names, got {name!r}")
    if not chosen:
        raise ValueError("columns must name at least one column, got none")
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"columns must be different, got {list(chosen)}")
    check_columns(names, chosen, "source")
    return {name: plain_type(field(name).type) for name in chosen}


def arrow_schema(table: Table) -> Any:
    """Return the names and Arrow types of all columns that have a unique name.

    Text files have texts only. The types of JSON are those of the first values.
    """
    if isinstance(table, ArrowTable):
        return table.schema
    arrow = import_arrow()
    names = dict.fromkeys(table.column_names)
    return arrow.schema([(name, _type_of(table, name)) for name in names])


def _type_of(table: Any, column: str) -> Any:
    found = to_arrow(table.head_values(column), None, f"{table.name}: column {column!r}").type
    arrow = import_arrow()
    return arrow.string() if found == arrow.null() else found


def to_arrow(values: Any, arrow_type: Any, where: str) -> Any:
    """Return a list of values as an array, and an array unchanged."""
    arrow = import_arrow()
    if isinstance(values, arrow.Array):
        return values
    try:
        return arrow.array(values, arrow_type)
    except UnicodeEncodeError as error:
        raise ValueError(f"{where} has half of a surrogate pair: {error}") from error
    except (arrow.ArrowException, TypeError, ValueError) as error:
        expected = "of one type" if arrow_type is None else f"{arrow_type}, as in the first rows"
        raise ValueError(f"{where} must be {expected}: {error}") from error


def _check_types(table: Table, types: Types) -> None:
    check_columns(table.column_names, list(types), table.name)
    schema = arrow_schema(table)
    for name, expected in types.items():
        is_empty = isinstance(table, TextTable) and table.example(name) is None
        if name not in schema.names or is_empty:
            continue
        found = plain_type(schema.field(name).type)
        if found != expected and not (is_text(found) and is_text(expected)):
            raise ValueError(
                f"{table.name} has column {name!r} as {found}, but the schema, by default that "
                f"of the first file, has it as {expected}"
            )


def read_piece(piece: Piece, types: Types, slice_size: int) -> Iterator[Rows]:
    """Read a piece in non-empty slices of at most `slice_size` rows."""
    if isinstance(piece, ArrowPiece):
        table = piece.table
        for columns in table.slices(piece, list(types), slice_size, types):
            yield _as_rows(columns, types, table)
        return
    with open_table(piece.path, piece.options) as opened:
        for columns, numbers in opened.batches(list(types), slice_size):
            where = f"{opened.where(numbers[0])} and the rows after it"
            yield _as_rows(
                [
                    to_arrow(column, types[name], f"{where}: column {name!r}")
                    for name, column in zip(types, columns, strict=True)
                ],
                types,
                opened,
            )


def _as_rows(columns: list[Any], types: Types, table: Table) -> Rows:
    rows = [as_type(column, types[name]) for name, column in zip(types, columns, strict=True)]
    for name, column in zip(types, rows, strict=True):
        if column.null_count and is_number(column.type):
            raise ValueError(
                f"{table.name}: column {name!r} has missing values; a column of numbers must be "
                "complete"
            )
    return rows
