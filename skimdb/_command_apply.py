"""``python -m skimdb predict`` and ``explain``: what a model in a file says of texts."""

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any, BinaryIO

import joblib
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from sklearn.pipeline import Pipeline

import skimdb
from skimdb._command_line import check_writable, silent_stderr
from skimdb.datasets._prediction import predict_files
from skimdb.datasets._prediction_task import predict_class_indices
from skimdb.datasets._text_files import iter_texts
from skimdb.inspection import explain_reviews
from skimdb.inspection._explanation import ReviewExplanation
from skimdb.utils._files import atomic_file
from skimdb.utils._tables import Table, text_table

_MAX_TEXTS = 5000
_MAX_CHARACTERS = 10_000_000


def predict(args: argparse.Namespace) -> None:
    """Print the labels of texts and their probabilities, or write those of files."""
    if args.output is None:
        _predict_texts(args)
    else:
        _predict_files(args)


def _predict_texts(args: argparse.Namespace) -> None:
    """Print the label and its probability of each text, batch by batch."""
    if Path(args.file).is_dir():
        raise ValueError(f"{args.file} is a folder: say with -o where to write its predictions")
    if args.keep is not None or args.jobs is not None:
        raise ValueError("--keep and --jobs are for what -o writes, and there is no -o")
    as_table = args.format != "jsonl"
    with _open_input(args.file) as file:
        model = _load_model(args.model)
        labels = model.classes_.tolist()
        width = max(len("label"), *(len(str(label)) for label in labels))
        if as_table:
            print(_table_row("row", "label", "probability", width))
        n_done = 0
        with _progress(file) as advance:
            for texts in _batches(iter_texts(file, args.file, text=args.text)):
                predicted = zip(*predict_class_indices(model, texts), strict=True)
                for i, (place, probability) in enumerate(predicted, n_done + 1):
                    if as_table:
                        print(_table_row(str(i), str(labels[place]), f"{probability:.4f}", width))
                    else:
                        print(_json_row(i, labels[place], float(probability)))
                sys.stdout.flush()
                n_done += len(texts)
                advance(n_done)


def _predict_files(args: argparse.Namespace) -> None:
    """Write the predictions for one Parquet file or more, in threads."""
    if not Path(args.file).is_dir() and Path(args.file).suffix.lower() != ".parquet":
        raise ValueError(f"-o is for .parquet files and folders of them, got {args.file}")
    if args.format is not None:
        raise ValueError("--format must be left out, since -o writes Parquet files")
    Path(args.file).stat()  # as for the model, before TensorFlow is waited for
    model = _load_model(args.model)
    n_written = 0
    with (
        _file_progress() as advance,
        _notes_in_message(),
        joblib.parallel_config("threading", n_jobs=args.jobs or joblib.cpu_count()),
    ):

        def count(n_done: int, n_files: int) -> None:
            nonlocal n_written
            n_written += 1
            advance(n_done, n_files)

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
def _file_progress() -> Iterator[Callable[[int, int], None]]:
    """Show on standard error how many files are done."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("Predicting", total=None)
        yield lambda n_done, n_files: progress.update(task, completed=n_done, total=n_files)


@contextmanager
def _notes_in_message() -> Iterator[None]:
    """Raise what is wrong with data with the file and the rows, which are in a note."""
    try:
        yield
    except (TypeError, ValueError) as error:
        notes = getattr(error, "__notes__", [])
        raise ValueError(", ".join([str(error).removesuffix("."), *notes])) from error


def explain(args: argparse.Namespace) -> None:
    """Print which words and n-grams of a text contribute the most to its prediction."""
    if args.html is not None:
        check_writable(args.html)
    model = _load_model(args.model)
    with Console(stderr=True).status("Explaining"):
        (explanation,) = explain_reviews(model, [args.text])
    if args.html is not None:
        with atomic_file(args.html) as file:
            file.write(_html_page(explanation).encode())
    print(_contribution_table(explanation, args.n))
    if args.html is not None:
        print(f"\nWritten: {args.html}")


def _load_model(path: Path) -> Pipeline:
    """Load a pipeline, and see whether it takes texts."""
    with path.open("rb"):  # TensorFlow need not be waited for if there is no file
        pass
    with Console(stderr=True).status("Loading the model"):
        with silent_stderr():
            importlib.import_module("skimdb.neural_network")
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


@contextmanager
def _open_input(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as file:
        yield file


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Put texts together, as many as memory is sure to hold."""
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


@contextmanager
def _progress(file: BinaryIO) -> Iterator[Callable[[int], None]]:
    """Show on standard error how far a file is read, unless the rows themselves show it."""
    if sys.stdout.isatty() or not sys.stderr.isatty():
        yield lambda n_texts: None
        return
    size = os.fstat(file.fileno()).st_size if file.seekable() else None
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        # Else rich takes the rows for standard output and writes them to standard error.
        redirect_stdout=False,
        redirect_stderr=False,
    ) as progress:
        task = progress.add_task("Reading", total=size)

        def advance(n_texts: int) -> None:
            position = file.tell() if size is not None else None
            progress.update(task, completed=position, description=f"{n_texts:,} texts")

        yield advance


def _contribution_table(explanation: ReviewExplanation, n_rows: int) -> str:
    rows = [
        [name, f"{contribution:+.3f}"]
        for name, contribution in zip(
            explanation.names[:n_rows], explanation.contributions[:n_rows], strict=True
        )
    ]
    n_more = len(explanation.names) - len(rows)
    more = f"\n... and {n_more:,} more" if n_more else ""
    return f"{explanation.title}\n{text_table(Table(['feature', 'contribution'], rows))}{more}"


def _html_page(explanation: ReviewExplanation) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{escape(explanation.title)}</title></head>\n"
        f'<body style="max-width: 50em; margin: auto; font-family: sans-serif; line-height: 1.8">'
        f"\n{explanation._repr_html_()}\n</body>\n</html>\n"
    )
