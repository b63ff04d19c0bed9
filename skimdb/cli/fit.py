"""``skimdb fit``: from labelled texts to a model in a file."""

import argparse
import math
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, recall_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

import skimdb
from skimdb.cli.console import OneLineParser, check_writable, integer_from, load_tensorflow, status
from skimdb.cli.reading import (
    add_reading,
    file_options,
    print_notes,
    standard_input,
)
from skimdb.datasets._labelled import load_labelled_texts
from skimdb.datasets._values import short_repr
from skimdb.pipelines import make_text_classifier
from skimdb.utils._tables import Table, text_table

HELP = "Fit a model to labelled texts and save it."
_HELD_OUT = 0.1
# Below so many texts of a label, and beyond such a ratio of labels, the user is told.
_FEW = 10
_IMBALANCE = 10
# Beyond so many characters, of texts with words, n-grams of characters take minutes.
_MANY_CHARACTERS = 10_000_000
_FEW_BLANKS = 0.05


def add_arguments(parser: OneLineParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="a file; a folder of files; a folder with a sub-folder of text files for each label; "
        "or - for standard input",
    )
    add_reading(parser, with_labels=True)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="MODEL", help="the file to write"
    )
    parser.add_argument(
        "--ngrams",
        type=int,
        choices=[1, 2, 3],
        default=3,
        help="largest n of the n-grams of words; fewer make a smaller model (default: 3)",
    )
    parser.add_argument(
        "--chars",
        action=argparse.BooleanOptionalAction,
        help="n-grams of characters as well as of words, which makes a larger and slower model "
        "(default: where the texts have at most 10 million characters, or few blanks)",
    )
    parser.add_argument(
        "--class-weight",
        choices=["balanced"],
        help="give all labels the same weight, however many texts they have",
    )
    parser.add_argument(
        "--no-check",
        dest="check",
        action="store_false",
        help="skip the accuracy check on held-out texts",
    )
    parser.add_argument(
        "--seed", type=integer_from(0, 2**32 - 1), default=0, metavar="N", help="default: 0"
    )


def run(args: argparse.Namespace) -> None:
    """Fit a pipeline, print its accuracy on held-out texts, and save it."""
    check_writable(args.output, args.data)
    with status("Reading the texts"):
        texts, labels, notes = load_labelled_texts(
            args.data,
            file=standard_input(args.data),
            text=args.text,
            label=args.label,
            missing=args.missing,
            options=file_options(args),
        )
    print_notes(notes)
    counts = _count(labels, args.data)
    y = np.array(labels)
    load_tensorflow()
    chars = _takes_characters(texts) if args.chars is None else args.chars
    pipeline = make_text_classifier(
        ngram_range=(1, args.ngrams),
        char_ngram_range=(1, 5) if chars else None,
        class_weight=args.class_weight,
        random_state=args.seed,
    )
    rows = [[f"Texts labelled {label}", f"{count:,}"] for label, count in sorted(counts.items())]
    metadata: dict[str, Any] = {"date": date.today().isoformat(), "texts": len(texts)}
    if args.check:
        n_test = max(len(counts), math.ceil(_HELD_OUT * len(texts)))
        with status(f"Fitting without {n_test:,} texts, to test on them"):
            scores = _held_out_scores(pipeline, texts, y, n_test, args.seed)
            rows += scores
            metadata["check"] = dict(scores)
    with status(f"Fitting to {len(texts):,} texts"):
        pipeline.fit(texts, y)
        rows.append(["Features", f"{pipeline[-1].n_features_in_:,}"])
    with status("Saving the model"):
        skimdb.save(pipeline, args.output, metadata=metadata)
    print(text_table(Table(["Model of", str(args.data)], rows)))
    print(f"\nWritten: {args.output} ({args.output.stat().st_size / 1e6:.1f} MB)")


def _count(labels: list[str], path: Path) -> Counter[str]:
    """Count the texts of each label; warn of rare labels and imbalance."""
    counts = Counter(labels)
    shown = ", ".join(short_repr(label) for label, _ in counts.most_common(5))
    more = ", ..." if len(counts) > 5 else ""
    if len(counts) < 2 or len(counts) > len(labels) / 2:
        raise ValueError(
            f"{path} must have two labels or more, and several texts for each; labels found in "
            f"{len(labels):,} texts: {len(counts):,} ({shown}{more})"
        )
    for label, count in counts.items():
        if count < 2:
            raise ValueError(
                f"{path} must have at least two texts for each label, has one for "
                f"{short_repr(label)}"
            )
    few = [f"{label} ({count})" for label, count in sorted(counts.items()) if count < _FEW]
    notes = []
    if few:
        notes.append(f"Fewer than {_FEW} texts are labelled {', '.join(few)}.")
    if max(counts.values()) > _IMBALANCE * min(counts.values()):
        notes.append(
            f"The most frequent label has more than {_IMBALANCE} times the texts of the rarest. "
            "--class-weight balanced gives all labels the same weight."
        )
    print_notes(notes)
    return counts


def _takes_characters(texts: list[str]) -> bool:
    """Tell whether to include n-grams of characters; print a note if not."""
    n_characters = sum(map(len, texts))
    n_blanks = sum(text.count(" ") for text in texts)
    if n_characters <= _MANY_CHARACTERS or n_blanks < _FEW_BLANKS * n_characters:
        return True
    note = (
        "N-grams of characters are left out, because they would take minutes for texts of "
        f"{n_characters:,} characters; --chars includes them."
    )
    print_notes([note])
    return False


def _held_out_scores(
    pipeline: Pipeline, texts: list[str], y: NDArray[Any], n_test: int, seed: int
) -> list[list[str]]:
    train, test, y_train, y_test = train_test_split(
        texts, y, test_size=n_test, stratify=y, random_state=seed
    )
    predicted = pipeline.fit(train, y_train).predict(test)
    accuracy = accuracy_score(y_test, predicted)
    standard_error = math.sqrt(accuracy * (1 - accuracy) / n_test)
    most_frequent = np.unique(y_test, return_counts=True)[1].max() / n_test
    classes = pipeline.classes_
    recalls = recall_score(y_test, predicted, labels=classes, average=None, zero_division=0)
    macro_f1 = f1_score(y_test, predicted, average="macro", zero_division=0)
    return [
        [f"Accuracy on {n_test:,} held out (± SE)", f"{accuracy:.4f} ± {standard_error:.4f}"],
        ["Always the most frequent label", f"{most_frequent:.4f}"],
        ["Macro F1", f"{macro_f1:.4f}"],
        *(
            [f"Recall of {label}", f"{recall:.4f}"]
            for label, recall in zip(classes, recalls, strict=True)
        ),
    ]
