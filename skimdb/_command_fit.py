"""``python -m skimdb fit``: from labelled texts to a model in a file."""

import argparse
import math
import string
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline

import skimdb
from skimdb._command_line import check_writable, silent_stderr
from skimdb.datasets._text_files import Label, load_labelled_texts, short_repr
from skimdb.feature_extraction import LogCountRatioScaler, MultiHotVectorizer, WordIndexEncoder
from skimdb.utils._tables import Table, text_table

_HELD_OUT = 0.1
# An apostrophe belongs to its word.
_PUNCTUATION = string.punctuation.replace("'", "")


def text_pipeline(random_state: int, *, max_n: int = 3) -> Pipeline:
    """Return the pipeline that is fitted: a dense network on the n-grams of texts.

    Parameters
    ----------
    random_state : int
        Seed of the network.
    max_n : int, default=3
        The greatest number of words in an n-gram.

    Returns
    -------
    pipeline : Pipeline
    """
    with silent_stderr():
        from skimdb.neural_network import (  # noqa: PLC0415, it loads TensorFlow
            DenseSentimentClassifier,
        )
    return make_pipeline(
        WordIndexEncoder(punctuation=_PUNCTUATION),
        MultiHotVectorizer(None, ngram_range=(1, max_n), min_df=2),
        LogCountRatioScaler(),
        DenseSentimentClassifier(
            units=32, layers=1, optimizer="adam", epochs=2, random_state=random_state
        ),
    )


def fit(args: argparse.Namespace) -> None:
    """Fit a pipeline, say how accurate it is on texts that were held out, and keep it."""
    check_writable(args.output)
    console = Console(stderr=True)
    with console.status("Reading the texts"):
        texts, labels = load_labelled_texts(args.data, text=args.text, label=args.label)
    counts = _count_two(labels, args.data)
    y = np.array(labels)
    with console.status("Loading TensorFlow"):
        pipeline = text_pipeline(args.seed, max_n=args.ngrams)
    rows = [[f"Texts labelled {label}", f"{count:,}"] for label, count in sorted(counts.items())]
    if args.check:
        n_test = max(2, math.ceil(_HELD_OUT * len(texts)))
        with console.status(f"Fitting without {n_test:,} texts, to test on them"):
            rows += _held_out_accuracy(pipeline, texts, y, n_test, args.seed)
    with console.status(f"Fitting to {len(texts):,} texts"):
        pipeline.fit(texts, y)
        rows.append(["Features", f"{len(pipeline[1].ngrams_):,}"])
    with console.status("Saving the model"):
        skimdb.save(pipeline, args.output)
    print(text_table(Table(["Model of", str(args.data)], rows)))
    print(f"\nWritten: {args.output} ({args.output.stat().st_size / 1e6:.1f} MB)")


def _count_two(labels: list[Label], path: Path) -> Counter[Label]:
    """Count how often each label is there, of which there must be two."""
    counts = Counter(labels)
    if len(counts) != 2:
        shown = ", ".join(short_repr(label) for label, _ in counts.most_common(5))
        more = ", ..." if len(counts) > 5 else ""
        raise ValueError(f"{path} must have two labels, has {len(counts):,}: {shown}{more}")
    for label, count in counts.items():
        if count < 2:
            raise ValueError(
                f"{path} must have two texts or more for each label, has one for "
                f"{short_repr(label)}"
            )
    return counts


def _held_out_accuracy(
    pipeline: Pipeline, texts: list[str], y: NDArray[Any], n_test: int, seed: int
) -> list[list[str]]:
    """Return rows that tell the accuracy on texts that the pipeline is not fitted to."""
    train, test, y_train, y_test = train_test_split(
        texts, y, test_size=n_test, stratify=y, random_state=seed
    )
    accuracy = pipeline.fit(train, y_train).score(test, y_test)
    standard_error = math.sqrt(accuracy * (1 - accuracy) / n_test)
    most_frequent = np.unique(y_test, return_counts=True)[1].max() / n_test
    return [
        [f"Accuracy on {n_test:,} held out (± SE)", f"{accuracy:.4f} ± {standard_error:.4f}"],
        ["The same of the commoner label", f"{most_frequent:.4f}"],
    ]
