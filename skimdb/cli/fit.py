"""``skimdb fit``: from labelled texts to a model in a file."""

import argparse
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

import skimdb
from skimdb.cli._fit_check import (
    FEW_TEXTS,
    check_on_file,
    check_on_held_out,
    training_accuracy,
    training_notes,
)
from skimdb.cli._texts_found import check_labels, found_notes, found_table, text_key
from skimdb.cli.console import (
    OneLineParser,
    check_writable,
    file_path,
    integer_from,
    load_tensorflow,
    size_text,
    status,
)
from skimdb.cli.reading import (
    add_reading,
    file_options,
    print_notes,
    standard_input,
)
from skimdb.datasets._labelled import load_labelled_texts
from skimdb.pipelines import make_text_classifier
from skimdb.utils._tables import Table, text_table

HELP = "Fit a model to labelled texts and save it."
# Below so many features, the user is told.
_FEW_FEATURES = 100


def add_arguments(parser: OneLineParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "data",
        type=file_path,
        metavar="DATA",
        help="a file; a folder of files; a folder with a sub-folder of text files for each label; "
        "or - for standard input",
    )
    add_reading(parser, with_labels=True)
    parser.add_argument(
        "-o", "--output", type=file_path, required=True, metavar="MODEL", help="the file to write"
    )
    parser.add_argument(
        "--ngrams",
        type=int,
        choices=[1, 2, 3],
        default=3,
        help="largest n of the n-grams of words; fewer make a smaller model (default: 3)",
    )
    parser.add_argument(
        "--no-chars",
        dest="chars",
        action="store_false",
        help="no n-grams of characters, which makes a smaller and faster model",
    )
    parser.add_argument(
        "--epochs",
        type=integer_from(1),
        metavar="N",
        help="passes through the texts (default: as many as suit a part that is held out)",
    )
    parser.add_argument(
        "--class-weight",
        choices=["balanced"],
        help="give all labels the same weight, however many texts they have",
    )
    test = parser.add_mutually_exclusive_group()
    test.add_argument(
        "--test",
        type=file_path,
        metavar="FILE",
        help="test on this file, whose columns have the same names (default: on a tenth of the "
        f"texts that is held out first, or below {FEW_TEXTS:,} texts on all, in five parts)",
    )
    test.add_argument(
        "--no-check",
        dest="check",
        action="store_false",
        help="do not test on held-out texts",
    )
    parser.add_argument(
        "--seed", type=integer_from(0, 2**32 - 1), default=0, metavar="N", help="default: 0"
    )


def run(args: argparse.Namespace) -> None:
    """Print what is found in the texts, check how well they can be learned, and save a model."""
    check_writable(args.output, args.data, args.test)
    with status("Reading the texts"):
        texts, labels = _read(args.data, args)
        tested = None if args.test is None else _read(args.test, args)
    name = str(args.data)
    keys = list(map(text_key, texts))
    check_labels(keys, labels, name)
    if tested is not None:
        _check_test_labels(tested[1], labels, args.test)
    print(text_table(found_table(texts, keys, labels, name)), flush=True)
    print_notes(found_notes(keys, labels, is_balanced=args.class_weight == "balanced"))
    if tested is not None:
        print_notes(_notes_on_shared_texts(keys, tested[0], args.test))
    load_tensorflow()
    pipeline = _make_pipeline(args)
    check = None
    if args.check and tested is None:
        with status("Fitting without some of the texts, to test on them"):
            check = check_on_held_out(pipeline, texts, keys, labels, args.seed)
    y = np.array(labels)
    with status(f"Fitting to {len(texts):,} texts"):
        pipeline.fit(texts, y)
    with status("Testing the model"):
        if tested is not None:
            check = check_on_file(pipeline, *tested, str(args.test))
        accuracy = training_accuracy(pipeline, texts, y)
    tables = [] if check is None else list(check.tables())
    metadata: dict[str, Any] = {"date": date.today().isoformat(), "texts": len(texts)}
    if check is not None:
        metadata |= {"tested on": check.where}
        metadata |= {name: score for name, score in tables[0].rows}  # noqa: C416
    with status("Saving the model"):
        skimdb.save(pipeline, args.output, metadata=metadata)
    for table in tables:
        print(f"\n{text_table(table)}")
    branches = dict(pipeline["features"].transformer_list)
    n_ngrams = {kind: len(branch[-1].ngram_table_) for kind, branch in branches.items()}
    rows = [[f"N-grams of {kind}", f"{n:,}"] for kind, n in n_ngrams.items()]
    if n_ngrams.get("characters") == 0:
        rows[-1][1] += ", as words are frequent"
    rows += [["Accuracy on its training texts", f"{accuracy:.4f}"]]
    size = size_text(args.output.stat().st_size)
    print(f"\n{text_table(Table(['Model', size], rows))}", flush=True)
    n_features = sum(n_ngrams.values())
    if n_features < _FEW_FEATURES:
        print_notes([f"only {n_features:,} words and n-grams occur in two texts or more"])
    share = max(Counter(labels).values()) / len(labels)
    print_notes(training_notes(accuracy, check, share))
    print(f"\nWritten: {args.output}")


def _read(path: Path, args: argparse.Namespace) -> tuple[list[str], list[str]]:
    texts, labels, notes = load_labelled_texts(
        path,
        file=standard_input(path),
        text=args.text,
        label=args.label,
        missing=args.missing,
        options=file_options(args),
    )
    print_notes(notes)
    return texts, labels


def _check_test_labels(labels: list[str], known: list[str], path: Path) -> None:
    unknown = sorted(set(labels) - set(known))
    if unknown:
        raise ValueError(f"{path} has labels that no text to fit to has: {', '.join(unknown[:5])}")


def _notes_on_shared_texts(keys: list[str], tested: list[str], path: Path) -> Iterator[str]:
    known = set(keys)
    n_shared = sum(text_key(text) in known for text in tested)
    if n_shared:
        yield f"{n_shared:,} of {len(tested):,} texts of {path} are also among those to fit to"


def _make_pipeline(args: argparse.Namespace) -> Pipeline:
    pipeline = make_text_classifier(
        ngram_range=(1, args.ngrams),
        char_ngram_range=(1, 5) if args.chars else None,
        class_weight=args.class_weight,
        random_state=args.seed,
    )
    if args.epochs is not None:
        pipeline.set_params(
            classifier__epochs=args.epochs,
            classifier__early_stopping=False,
            classifier__refit=False,
        )
    return pipeline
