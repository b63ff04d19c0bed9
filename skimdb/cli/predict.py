"""``skimdb predict``: the labels that a model in a file gives to texts."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import joblib
from sklearn.pipeline import Pipeline

import skimdb
from skimdb.cli.console import (
    OneLineParser,
    add_n_jobs,
    load_tensorflow,
    progress_bar,
    status,
)
from skimdb.datasets._prediction import predict_files
from skimdb.datasets._prediction_task import predict_class_indices
from skimdb.datasets._text_files import iter_texts

HELP = "Print the labels of texts and their probabilities, or write them to files."
_MAX_TEXTS = 5000
_MAX_CHARACTERS = 10_000_000


def add_arguments(parser: OneLineParser) -> None:
    """Declare the arguments."""
    add_model(parser)
    parser.add_argument(
        "file",
        nargs="?",
        default="-",
        metavar="FILE",
        help="a .parquet, .csv, .jsonl or .txt file; a .txt file, and standard input (-, the "
        "default), has one text on each line; UTF-8. With -o, a .parquet file or a folder of them",
    )
    parser.add_argument("--text", metavar="COLUMN", help="column of the texts (default: text)")
    parser.add_argument(
        "--format", choices=["table", "jsonl"], help="format of what is printed (default: table)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help="instead of printing, write a .parquet file of predictions for each file; skip those "
        "that are there already",
    )
    parser.add_argument(
        "--keep",
        action="append",
        metavar="COLUMN",
        help="a column to copy to the files of -o; can be given several times",
    )
    add_n_jobs(parser, "number of files to predict at the same time")


def add_model(parser: OneLineParser) -> None:
    """Add the argument for the model."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="a file that skimdb fit wrote")


def load_model(path: Path) -> Pipeline:
    """Load a pipeline, and check that it predicts probabilities of texts."""
    with path.open("rb"):  # An error about the file comes before TensorFlow is loaded.
        pass
    load_tensorflow()
    with status("Loading the model"):
        model = skimdb.load(path)
        if not isinstance(model, Pipeline):
            raise ValueError(f"{path} must hold a Pipeline, got a {type(model).__name__}")
        try:
            model.predict_proba([""])
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} must hold a fitted pipeline from texts to probabilities: {error}"
            ) from error
    return model


def run(args: argparse.Namespace) -> None:
    """Print the labels of texts and their probabilities, or write those of files."""
    if args.output is None:
        _print_predictions(args)
    else:
        _write_predictions(args)


def _print_predictions(args: argparse.Namespace) -> None:
    if Path(args.file).is_dir():
        raise ValueError(f"{args.file} is a folder: predicting a folder requires -o")
    if args.keep is not None or args.n_jobs is not None:
        raise ValueError("--keep and --n-jobs require -o")
    as_table = args.format != "jsonl"
    with _open_input(args.file) as file:
        model = load_model(args.model)
        labels = model.classes_.tolist()
        width = max(len("label"), *(len(str(label)) for label in labels))
        if as_table:
            print(_table_row("row", "label", "probability", width))
        n_done = 0
        size = os.fstat(file.fileno()).st_size if file.seekable() else None
        # On a terminal the rows themselves show how far it is.
        with progress_bar("0 texts", size, visible=not sys.stdout.isatty()) as update:
            for texts in _batches(iter_texts(file, args.file, text=args.text)):
                predicted = zip(*predict_class_indices(model, texts), strict=True)
                for i, (index, probability) in enumerate(predicted, n_done + 1):
                    if as_table:
                        print(_table_row(str(i), str(labels[index]), f"{probability:.4f}", width))
                    else:
                        print(_json_row(i, labels[index], float(probability)))
                sys.stdout.flush()
                n_done += len(texts)
                position = file.tell() if size is not None else None
                update(completed=position, description=f"{n_done:,} texts")


def _write_predictions(args: argparse.Namespace) -> None:
    if not Path(args.file).is_dir() and Path(args.file).suffix.lower() != ".parquet":
        raise ValueError(f"-o requires a .parquet file or a folder of them, got {args.file}")
    if args.format is not None:
        raise ValueError("--format is for what is printed; -o writes Parquet files")
    Path(args.file).stat()  # An error about the file comes before TensorFlow is loaded.
    model = load_model(args.model)
    n_written = 0
    with (
        progress_bar("Predicting files") as update,
        joblib.parallel_config("threading", n_jobs=args.n_jobs or joblib.cpu_count()),
    ):

        def count(n_done: int, n_files: int) -> None:
            nonlocal n_written
            n_written += 1
            update(completed=n_done, total=n_files)

        results = predict_files(
            model,
            args.file,
            args.output,
            column="text" if args.text is None else args.text,
            keep=args.keep,
            progress=count,
        )
    n_skipped = len(results) - n_written
    print(f"Files in {args.output}: {n_written:,} written, {n_skipped:,} skipped")


@contextmanager
def _open_input(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as file:
        yield file


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Group texts, so that a batch has limited size."""
    batch: list[str] = []
    n_characters = 0
    for text in texts:
        batch.append(text)
        n_characters += len(text)
        if len(batch) == _MAX_TEXTS or n_characters >= _MAX_CHARACTERS:
            yield batch
            batch, n_characters = [], 0
    if batch:
        yield batch


def _table_row(row: str, label: str, probability: str, label_width: int) -> str:
    return f"{row:>8}  {label:<{label_width}}  {probability:>11}"


def _json_row(row: int, label: Any, probability: float) -> str:
    return json.dumps({"row": row, "label": label, "probability": round(probability, 6)})
