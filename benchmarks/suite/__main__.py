"""Accuracy on sentiment data of every kind, beside peers that are tuned on each.

Run with ``python -m benchmarks.suite``, with the folder ``suite`` of data sets, the UCI sentences
and the IMDB reviews in the data home. Each data set is a part of the results, and each model of it
is stored as soon as it is measured, so that a run can be stopped and taken up.
"""

import argparse
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.progress import Progress
from scipy.stats import rankdata
from sklearn.metrics import accuracy_score, f1_score, log_loss

from benchmarks._results import (
    RESULTS,
    Parts,
    add_only,
    environment_lines,
    load_parts,
    update_parts,
    write_text,
)
from benchmarks.suite.data import DATA_SETS, DataSet
from benchmarks.suite.models import MODELS, OURS, WORDS
from skimdb.utils._tables import Table, markdown_table

Scores = dict[str, list[float]]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suite", description=__doc__)
    add_only(parser, list(DATA_SETS))
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--again", action="store_true", help="measure what is stored too")
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args(argv)
    path = args.output / "suite.json"
    with Progress() as progress:
        task = progress.add_task("", total=len(args.only) * len(args.models))
        for name in args.only:
            for model in args.models:
                progress.update(task, description=f"{name}: {model}")
                measured = load_parts(path).get(name, {"result": {}})["result"]
                if args.again or model not in measured:
                    update_parts(path, {name: {**measured, model: measure(DATA_SETS[name], model)}})
                progress.advance(task)
    write_text(args.output / "suite.md", _page(load_parts(path)))
    print(args.output / "suite.md")


def measure(data: DataSet, model: str) -> Scores:
    """Return the scores and seconds of each fold."""
    scores: Scores = {}
    for X, y, X_test, y_test in data.folds():
        pipeline = MODELS[model]()
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
            "fit_seconds": fitted - start,
            "predict_seconds": seconds,
            "n_test": len(y_test),
        }
        if hasattr(pipeline, "predict_proba"):
            fold["log_loss"] = log_loss(y_test, pipeline.predict_proba(X_test))
        for name, value in fold.items():
            scores.setdefault(name, []).append(float(value))
    return scores


def _summary(name: str, scores: Scores) -> tuple[float, float]:
    """Return the score that counts, and its standard error."""
    mean = float(np.mean(scores["macro_f1" if DATA_SETS[name].by_macro_f1 else "accuracy"]))
    accuracy = float(np.mean(scores["accuracy"]))
    n_test = sum(scores["n_test"])
    return mean, float(np.sqrt(accuracy * (1 - accuracy) / n_test))


def _page(parts: Parts) -> str:
    results = {name: part["result"] for name, part in parts.items()}
    complete = [name for name in DATA_SETS if set(results.get(name, {})) >= set(MODELS)]
    rows, ranks = [], []
    n_reached = 0
    for name in complete:
        scores = {model: _summary(name, results[name][model]) for model in MODELS}
        values = [scores[model][0] for model in MODELS]
        ranks.append(rankdata([-value for value in values]))
        peer = max(MODELS.keys() - {OURS, WORDS}, key=lambda model: scores[model])
        best, error = scores[peer]
        reached = scores[OURS][0] >= best - error / 2
        n_reached += reached
        rows.append(
            [
                name + (" (macro F1)" if DATA_SETS[name].by_macro_f1 else ""),
                f"{scores[OURS][0]:.4f}",
                f"{scores[WORDS][0]:.4f}",
                f"{best:.4f}",
                peer,
                f"{error / 2:.4f}",
                "yes" if reached else "no",
                f"{np.mean(results[name][OURS]['fit_seconds']):.1f}",
                f"{np.mean(results[name][peer]['fit_seconds']):.1f}",
            ]
        )
    header = [
        "Data",
        OURS,
        "DenseSentimentClassifier",
        "Best peer",
        "which",
        "half a standard error",
        "at least the peer less that",
        "Fit, s",
        "Peer's fit, s",
    ]
    mean_ranks = np.mean(ranks, axis=0) if ranks else []
    rank_rows = [
        [model, f"{rank:.2f}"]
        for rank, model in sorted(zip(mean_ranks, MODELS, strict=False), key=lambda pair: pair[0])
    ]
    return f"""# Sentiment data of every kind

`python -m benchmarks.suite`: data sets are cross-validated on the same five folds. Of IMDB, five
random samples of several sizes are trained on, and tested on 5,000 other training reviews; the
whole is tested on its own test reviews. The peers choose C or alpha among three values by
cross-validation within each training part, and their time includes this choice. The package's own
models are the same for all data sets.
The score is accuracy, unless it says macro F1.

{environment_lines(parts)}

`{OURS}` is at least as good as the best peer, less half a standard error of its accuracy, on
{n_reached} of {len(complete)} data sets.

{markdown_table(Table(header, rows))}

Mean rank over these data sets, 1 being the best:

{markdown_table(Table(["", "Mean rank"], rank_rows))}
"""


if __name__ == "__main__":
    main()
