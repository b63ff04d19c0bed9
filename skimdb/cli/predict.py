"""``skimdb predict``: the labels that a model in a file gives to texts."""

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, compress, islice
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skimdb.cli._model import add_model, load_model
from skimdb.cli._outputs import CsvOutput, JsonLinesOutput, Output, TableOutput, file_output
from skimdb.cli.console import (
    OneLineParser,
    add_n_jobs,
    check_writable,
    file_name,
    file_path,
    map_in_threads,
    progress_bar,
)
from skimdb.cli.reading import (
    STANDARD_INPUT,
    add_reading,
    exists,
    file_options,
    open_input,
    print_notes,
)
from skimdb.datasets import predict_files
from skimdb.datasets._columns import TEXT, MissingValues, check_text, choose_columns
from skimdb.datasets._files import (
    FORMATS_NOTE,
    Table,
    as_list,
    format_of,
    open_table,
    tables_below,
)
from skimdb.datasets._files._arrow import import_arrow, plain_type
from skimdb.datasets._files._pieces import arrow_schema
from skimdb.datasets._prediction_task import (
    added_names,
    predict_all,
    probability_columns,
    probability_names,
)

HELP = "Print the labels of texts and their probabilities, or write them to files."
_OUTPUT_FORMATS = ("csv", "jsonl", "parquet")
_ROWS_PER_BATCH = 2500


def add_arguments(parser: OneLineParser) -> None:
    """Declare the arguments."""
    add_model(parser)
    parser.add_argument(
        "file",
        type=file_name,
        nargs="?",
        default=STANDARD_INPUT,
        metavar="FILE",
        help="a file, or - for standard input (the default), which has a text on each line unless "
        "--input-format says otherwise; with -o FOLDER also a folder",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=file_path,
        metavar="FILE|FOLDER",
        help="write a file instead of printing: .csv, .jsonl or .parquet. Any other name is a "
        "folder, in which a .parquet file is written for each file; those there are skipped",
    )
    parser.add_argument(
        "--format",
        choices=["table", *_OUTPUT_FORMATS],
        help="format of what is printed (default: table) or of the file of -o (default: by its "
        "name)",
    )
    parser.add_argument(
        "--keep",
        action="append",
        metavar="COLUMN",
        help='a column to copy from the file, or "all"; can be given several times',
    )
    parser.add_argument(
        "--proba", action="store_true", help="write the probabilities of all labels"
    )
    add_n_jobs(parser, "number of files of a folder to predict at the same time")
    add_reading(parser)


def run(args: argparse.Namespace) -> None:
    """Print the labels of texts and their probabilities, or write those of files."""
    _check_exists(args)
    if args.output is not None and _output_format(args) is None:
        _predict_to_folder(args)
    else:
        _predict_table(args)


def _check_exists(args: argparse.Namespace) -> None:
    """Raise an OSError if there is no such file, with a hint if it looks like a text."""
    path = Path(args.file)
    if args.file != STANDARD_INPUT and " " in args.file.strip() and not exists(args.file):
        raise FileNotFoundError(
            f"there is no file {args.file!r}; to predict a text itself: "
            f"echo TEXT | skimdb predict {args.model}"
        )
    if args.file != STANDARD_INPUT:
        path.stat()


def _output_format(args: argparse.Namespace) -> str | None:
    """Return the format of the output if it is a file, and None if it is a folder."""
    if args.output.is_dir():
        return None
    if args.format is not None:
        return str(args.format)
    found = format_of(args.output.name)
    if found is not None and (found.compression or found.name not in _OUTPUT_FORMATS):
        raise ValueError(
            f"-o writes {', '.join(f'.{name}' for name in _OUTPUT_FORMATS)}, got {args.output}"
        )
    return None if found is None else found.name


def _predict_table(args: argparse.Namespace) -> None:
    _check_table_arguments(args)
    with open_input(args) as table:
        (column,), notes = choose_columns(table, {TEXT: args.text})
        keep = _columns_to_keep(table, args.keep or [])
        print_notes(f"{table.name}: {note}" for note in [*table.notes, *notes])
        model = load_model(args.model)
        missing = MissingValues()
        batches = _predictions(table, column, keep, model, args, missing)
        first = list(islice(batches, 1))  # Nothing is written before something has been read.
        with _open_output(args, table, keep, model) as output:
            for columns in chain(first, batches):
                output.write(columns)
                sys.stdout.flush()
    if missing:
        print_notes([f"{table.name}: {missing}; these rows are left out"])
    if args.output is not None:
        print(f"Written: {args.output}")


def _check_table_arguments(args: argparse.Namespace) -> None:
    if Path(args.file).is_dir():
        given = "" if args.output is None else f", got -o {args.output}, which is a file"
        raise ValueError(f"{args.file} is a folder: predicting a folder requires -o FOLDER{given}")
    if args.output is None and args.format == "parquet":
        raise ValueError("--format parquet requires -o")
    if args.output is not None and args.format == "table":
        raise ValueError(f"-o writes {', '.join(_OUTPUT_FORMATS)}, got --format table")
    if args.n_jobs is not None:
        raise ValueError("--n-jobs requires a folder and -o FOLDER")
    if args.output is not None:
        check_writable(args.output, args.file, args.model)


def _columns_to_keep(table: Table, keep: list[str]) -> list[str]:
    columns = table.column_names if keep == ["all"] else keep
    table.check_columns(columns)
    if len(set(columns)) < len(columns):
        raise ValueError(f"--keep must name different columns, got {', '.join(columns)}")
    return columns


def _predictions(
    table: Table,
    column: str,
    keep: list[str],
    model: Pipeline,
    args: argparse.Namespace,
    missing: MissingValues,
) -> Iterator[list[Any]]:
    """Yield the columns of the output, batch by batch."""
    names = list(dict.fromkeys([column, *keep]))
    n_read, size = 0, None
    if table.position is not None and args.file != STANDARD_INPUT:
        size = Path(args.file).stat().st_size
    # On a terminal the rows themselves show how far it is.
    visible = args.output is not None or not sys.stdout.isatty()

    def read() -> Iterator[tuple[list[str], NDArray[np.intp], list[list[Any]], Any]]:
        nonlocal n_read
        for columns, numbers in table.batches(names, _ROWS_PER_BATCH):
            lists = [as_list(values) for values in columns]
            is_complete = missing.find_complete(table.where, numbers, {column: lists[0]})
            if missing and args.missing == "error":
                raise missing.error(of_all_rows=False)
            rows = np.arange(n_read + 1, n_read + len(numbers) + 1)[is_complete]
            n_read += len(numbers)
            lists = [list(compress(values, is_complete)) for values in lists]
            texts = [
                check_text(text, column, table.where(number))
                for text, number in zip(lists[0], compress(numbers, is_complete), strict=True)
            ]
            yield texts, rows, [lists[names.index(name)] for name in keep], table.position

    def predict(
        texts: list[str], rows: NDArray[np.intp], kept: list[list[Any]], position: Any
    ) -> tuple[list[Any], Any, int]:
        indices, probabilities = predict_all(model, texts)
        chosen = probability_columns(indices, probabilities, args.proba)
        return [rows, model.classes_[indices], *chosen, *kept], position, int(rows.max(initial=0))

    with progress_bar("0 texts", size, visible=visible) as update:
        for columns, position, n_done in map_in_threads(predict, read()):
            yield columns
            update(completed=position, description=f"{n_done:,} texts")


def _open_output(
    args: argparse.Namespace, table: Table, keep: list[str], model: Pipeline
) -> AbstractContextManager[Output]:
    labels = [str(label) for label in model.classes_.tolist()]
    own = ["row", "label", *probability_names(model, args.proba)]
    names = [*added_names(own, keep, "--keep"), *keep]
    if args.output is None and args.format in (None, "table"):
        widths = [8, -max(len(names[1]), *map(len, labels)), *(len(name) for name in own[2:])]
        return nullcontext(TableOutput(sys.stdout, names, [*widths, *(0 for _ in keep)]))
    if args.output is None:
        make = CsvOutput if args.format == "csv" else JsonLinesOutput
        return nullcontext(make(sys.stdout, names))
    types: list[Any] = []
    output_format = _output_format(args)
    if output_format == "parquet":
        arrow, schema = import_arrow(), arrow_schema(table)
        probabilities = [arrow.float32() for _ in own[2:]]
        kept = [plain_type(schema.field(name).type) for name in keep]
        types = [arrow.int64(), arrow.array(model.classes_).type, *probabilities, *kept]
    return file_output(args.output, str(output_format), names, types)


def _predict_to_folder(args: argparse.Namespace) -> None:
    if args.file == STANDARD_INPUT or args.input_format is not None:
        raise ValueError(
            "standard input and --input-format require -o FILE, whose name ends with "
            f"{', '.join(f'.{name}' for name in _OUTPUT_FORMATS)}"
        )
    if args.format not in (None, "parquet"):
        raise ValueError("with -o FOLDER, files are .parquet")
    column, keep = _columns_in_first_file(args)
    model = load_model(args.model)
    n_written = 0
    with (
        progress_bar("Predicting files") as update,
        joblib.parallel_config("threading", n_jobs=args.n_jobs or joblib.cpu_count()),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always", UserWarning)

        def count(n_done: int, n_files: int) -> None:
            nonlocal n_written
            n_written += 1
            update(completed=n_done, total=n_files)

        results = predict_files(
            model,
            args.file,
            args.output,
            column=column,
            keep=keep,
            proba=args.proba,
            missing=args.missing,
            encoding=args.encoding,
            sep=args.sep,
            escape=args.escape,
            header=args.header,
            progress=count,
        )
    print_notes(str(warning.message) for warning in caught)
    n_skipped = len(results) - n_written
    print(f"Files in {args.output}: {n_written:,} written, {n_skipped:,} skipped")


def _columns_in_first_file(args: argparse.Namespace) -> tuple[str, list[str]]:
    options, path = file_options(args), Path(args.file)
    paths = tables_below(path, options)[0] if path.is_dir() else [path]
    if not paths:
        raise ValueError(f"{path} has no files of a known format: {FORMATS_NOTE}")
    with open_table(paths[0], options) as table:
        (column,), notes = choose_columns(table, {TEXT: args.text})
        keep = _columns_to_keep(table, args.keep or [])
    print_notes(f"{table.name}: {note}" for note in notes)
    return column, keep
