"""Accuracy on sentiment data of every kind, beside peers that are tuned on each.

Run with ``python -m benchmarks.suite``, with the folder ``suite`` of data sets, the UCI sentences
and the IMDB reviews in the data home. Each model on a data set is a part of the results, which is
stored as soon as it is measured, so that a run can be stopped and taken up.
"""

import argparse
import time
import warnings
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss

from benchmarks._results import RESULTS, add_only, load_parts, update_parts
from benchmarks.suite.data import DATA_SETS, DataSet
from benchmarks.suite.models import MODELS, N_SEEDS, OURS, WEIGHTED_MODELS, WORDS
from benchmarks.suite.page import write_page

Scores = dict[str, list[float]]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suite", description=__doc__)
    add_only(parser, list(DATA_SETS))
    parser.add_argument("--models", nargs="+", choices=[*MODELS, *WEIGHTED_MODELS])
    parser.add_argument("--again", action="store_true", help="measure what is stored too")
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args(argv)
    path = args.output / "suite.json"
    with Progress() as progress:
        runs = [
            (name, model)
            for name in args.only
            for model in DATA_SETS[name].models
            if not args.models or model in args.models
        ]
        task = progress.add_task("", total=len(runs))
        for name, model in runs:
            progress.update(task, description=f"{name}: {model}")
            part = f"{name}: {model}"
            if args.again or part not in load_parts(path):
                update_parts(path, {part: measure(DATA_SETS[name], model)})
            progress.advance(task)
    write_page(args.output, load_parts(path))
    print(args.output / "suite.md")


def measure(data: DataSet, model: str) -> Scores:
    """Return the scores and seconds of each fit, one for each seed and fold."""
    scores: Scores = {}
    seeds = range(N_SEEDS if model.startswith((OURS, WORDS)) else 1)
    for seed, (X, y, X_test, y_test) in product(seeds, data.folds()):
        pipeline = data.models[model](seed)
        rarest = int(np.unique(y_test, return_counts=True)[1].argmin())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of peers that do not converge
            start = time.perf_counter()
            pipeline.fit(X, y)
            fitted = time.perf_counter()
            predicted = pipeline.predict(X_test)
            seconds = time.perf_counter() - fitted
        fold = {
            "accuracy": accuracy_score(y_test, predicted),
            "macro_f1": f1_score(y_test, predicted, average="macro"),
            "macro_f1_error": _bootstrap_error(y_test, predicted),
            "balanced_accuracy": balanced_accuracy_score(y_test, predicted),
            "rarest_f1": f1_score(y_test, predicted, average=None)[rarest],
            "fit_seconds": fitted - start,
            "predict_seconds": seconds,
            "n_test": len(y_test),
        }
        if hasattr(pipeline, "predict_proba"):
            fold["log_loss"] = log_loss(y_test, pipeline.predict_proba(X_test))
        for name, value in fold.items():
            scores.setdefault(name, []).append(float(value))
    return scores


def _bootstrap_error(y: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Return the standard error of macro F1, by 200 samples with replacement."""
    rng = np.random.default_rng(0)
    samples = (rng.integers(len(y), size=len(y)) for _ in range(200))
    return float(np.std([f1_score(y[i], predicted[i], average="macro") for i in samples]))


if __name__ == "__main__":
    main()
