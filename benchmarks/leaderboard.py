"""The classical baselines, the notebooks' networks and skimdb's pipelines on the test reviews.

Run with ``python -m benchmarks.leaderboard``, with the IMDB reviews where
`skimdb.datasets.fetch_imdb` finds them. Hyper-parameters are chosen by cross-validation on the
training reviews, and what was chosen is fitted to all of these and tested once, in a process of
its own. What is finished is kept, and an interrupted run goes on where it was.
"""

import argparse
import json
import pickle
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from benchmarks._common import (
    RESULTS,
    PeakMemory,
    load_imdb,
    machine,
    machine_line,
    write_json,
    write_text,
)
from benchmarks._fits import Job, Outcome, run_jobs
from benchmarks._leaderboard_models import ENTRIES, WORDS, Entry, load_reviews
from skimdb.model_selection import compare_estimators
from skimdb.utils._report import Heading, Plot, Report
from skimdb.utils._tables import Table, markdown_table

FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)
COMPARISON_FOLDS = StratifiedKFold(10, shuffle=True, random_state=1)
N_BINS = 15
_COMPARED = (f"skimdb, words, {WORDS}", f"LogisticRegression, {WORDS}")
_BY_NAME = {entry.key: entry for entry in ENTRIES}

PUBLISHED = [
    ("Bag of words and word vectors", 88.89, "Maas et al., ACL 2011"),
    ("NBSVM on 1-2-grams", 91.22, "Wang and Manning, ACL 2012"),
    ("NBSVM on 1-3-grams", 91.87, "Mesnil et al., ICLR 2015 workshop, arXiv:1412.5335"),
    ("Dense network on 1-3-grams", 90.83, "Johnson and Zhang, NAACL 2015, arXiv:1412.1058"),
    ("seq2-bown-CNN", 92.33, "Johnson and Zhang, NAACL 2015, arXiv:1412.1058"),
    ("Neural NBSVM on 1-3-grams", 92.5, "Maiya, github.com/amaiya/keras-nbsvm, 2019"),
    ("Weighted neural bag of n-grams", 93.5, "Li et al., COLING 2016, C16-1150"),
]

Chosen = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Search and measure what has not been yet, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.leaderboard", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="fits of what is random")
    parser.add_argument("--only", help="part of the names of the lines to run")
    parser.add_argument("--output", type=Path, default=RESULTS / "leaderboard")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.measure:
        name, n_seeds, chosen = args.measure
        parameters = as_parameters(json.loads(chosen))
        print(json.dumps(_measure(_BY_NAME[name], int(n_seeds), parameters)))
        return
    entries = [entry for entry in ENTRIES if (args.only or "") in entry.key]
    fits = args.output / "fits"
    searches = _run_all(
        "search",
        "Searching",
        fits,
        {
            e.key: (
                {"grid": dict(e.grid), "folds": FOLDS.n_splits, "pipeline": e.description},
                partial(_search, e),
            )
            for e in entries
            if e.grid
        },
    )
    chosen = {e.key: as_parameters(searches[e.key]["best"]) if e.grid else {} for e in entries}
    tests = _run_all(
        "test",
        "Testing",
        fits,
        {
            e.key: (
                {
                    "chosen": chosen[e.key],
                    "seeds": args.seeds if e.is_random else 1,
                    "pipeline": e.description,
                },
                partial(_measure_in_process, e, args.seeds if e.is_random else 1, chosen[e.key]),
            )
            for e in entries
        },
    )
    pair = {key: chosen[key] for key in _COMPARED if key in chosen}
    comparisons = {"words": (pair, partial(_compare, pair))} if len(pair) == 2 else {}
    results = {
        "machine": machine(),
        "seeds": args.seeds,
        "comparison": _run_all("compare", "Comparing", fits, comparisons).get("words"),
        "searches": searches,
        "tests": tests,
    }
    write_json(args.output / "leaderboard.json", results)
    mpl.use("Agg")
    _report(entries, results).write(args.output, "leaderboard")
    write_text(args.output / "leaderboard-summary.md", _summary(entries, results))
    print(args.output / "leaderboard.md")


def as_parameters(plain: Mapping[str, Any]) -> Chosen:
    """Return parameters that were JSON, which has lists for tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()
    }


def _run_all(
    kind: str,
    title: str,
    directory: Path,
    tasks: Mapping[str, tuple[Mapping[str, Any], Callable[[], Outcome]]],
) -> dict[str, Outcome]:
    """Return the outcome of each task, from its file where that is of the same parameters."""

    def job(key: str) -> Job[None]:
        params, run = tasks[key]
        return Job(f"{kind} {key}", params, lambda _: run())

    if not tasks:
        return {}
    jobs = [job(key) for key in tasks]
    outcomes = run_jobs(jobs, lambda: None, n_jobs=1, directory=directory, title=title)
    return {key: outcomes[f"{kind} {key}"] for key in tasks}


def _search(entry: Entry) -> Outcome:
    """Choose hyper-parameters by cross-validation on the training reviews."""
    X, y = load_reviews(entry, "train")
    search = GridSearchCV(entry.pipeline(0), dict(entry.grid), cv=FOLDS, refit=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        search.fit(X, y)
    return {
        "best": search.best_params_,
        "accuracy": float(search.best_score_),
        "candidates": [
            {"params": params, "accuracy": float(accuracy)}
            for params, accuracy in zip(
                search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
            )
        ],
    }


def _compare(chosen: Mapping[str, Chosen]) -> Outcome:
    """Compare two pipelines fold by fold on the training reviews."""
    estimators = {
        key: _BY_NAME[key].pipeline(0).set_params(**params) for key, params in chosen.items()
    }
    X, y = load_imdb("train")
    comparison = compare_estimators(estimators, X, y, cv=COMPARISON_FOLDS)
    [pair] = comparison.pairwise()
    return {"summary": str(comparison), "pair": pair._asdict()}


def _measure_in_process(entry: Entry, n_seeds: int, chosen: Chosen) -> Outcome:
    command = [sys.executable, "-m", "benchmarks.leaderboard", "--measure"]
    command += [entry.key, str(n_seeds), json.dumps(chosen)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{entry.key} failed:\n{run.stderr[-2000:]}")
    outcome: Outcome = json.loads(run.stdout.splitlines()[-1])
    return outcome


def _measure(entry: Entry, n_seeds: int, chosen: Chosen) -> Outcome:
    """Fit to all training reviews and test, in this process."""
    X, y = load_reviews(entry, "train")
    X_test, y_test = load_reviews(entry, "test")
    warnings.simplefilter("ignore", ConvergenceWarning)
    runs = []
    for seed in range(n_seeds):
        memory = PeakMemory()
        start = time.perf_counter()
        pipeline = entry.pipeline(seed).set_params(**chosen).fit(X, y)
        fitted = time.perf_counter()
        peak = memory.megabytes()
        predicted = pipeline.predict(X_test)
        end = time.perf_counter()
        runs.append(
            {
                "fit_seconds": fitted - start,
                "predict_seconds": end - fitted,
                "peak_mb": peak,
                "disk_mb": len(pickle.dumps(pipeline)) / 1e6,
                "accuracy": float(accuracy_score(y_test, predicted)),
                **_probability_scores(pipeline, X_test, y_test),
            }
        )
    return {"runs": runs}


def _probability_scores(pipeline: Any, X: NDArray[Any], y: NDArray[np.int64]) -> dict[str, float]:
    if not hasattr(pipeline, "predict_proba"):
        return {"roc_auc": float(roc_auc_score(y, pipeline.decision_function(X)))}
    probability = pipeline.predict_proba(X)[:, 1].astype(np.float64)
    return {
        "roc_auc": float(roc_auc_score(y, probability)),
        "log_loss": float(log_loss(y, probability)),
        "calibration_error": calibration_error(y, probability),
    }


def calibration_error(y: NDArray[np.int64], probability: NDArray[np.float64]) -> float:
    """Return the expected calibration error, with bins of equal width (Guo et al. 2017)."""
    bins = np.minimum((probability * N_BINS).astype(int), N_BINS - 1)
    gaps = np.bincount(bins, weights=probability - y, minlength=N_BINS)
    return float(np.abs(gaps).sum() / len(y))


def _median(runs: Sequence[Mapping[str, float]], figure: str) -> float | None:
    values = [run[figure] for run in runs if figure in run]
    return float(np.median(values)) if values else None


_COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "Accuracy, %": ("accuracy", lambda value: f"{100 * value:.2f}"),
    "ROC AUC": ("roc_auc", lambda value: f"{value:.4f}"),
    "Log loss": ("log_loss", lambda value: f"{value:.3f}"),
    "Calibration error": ("calibration_error", lambda value: f"{value:.3f}"),
    "Fit, s": ("fit_seconds", lambda value: f"{value:.3g}"),
    "Predict, s": ("predict_seconds", lambda value: f"{value:.3g}"),
    "Peak memory, MB": ("peak_mb", lambda value: f"{value:.0f}"),
    "On disk, MB": ("disk_mb", lambda value: f"{value:.3g}"),
}


def _ranked(entries: Sequence[Entry], results: Mapping[str, Any]) -> list[Entry]:
    def accuracy(entry: Entry) -> float:
        return _median(results["tests"][entry.key]["runs"], "accuracy") or 0.0

    return sorted(entries, key=accuracy, reverse=True)


def _row(entry: Entry, runs: Sequence[Mapping[str, float]], columns: Sequence[str]) -> list[str]:
    cells = [f"**{entry.name}**" if entry.is_ours else entry.name, entry.features]
    for column in columns:
        figure, form = _COLUMNS[column]
        value = _median(runs, figure)
        cells.append("" if value is None else form(value))
    return cells


def _range(runs: Sequence[Mapping[str, float]]) -> str:
    if len(runs) == 1:
        return ""
    values = [100 * run["accuracy"] for run in runs]
    return f"{min(values):.2f} to {max(values):.2f}"


def _report(entries: Sequence[Entry], results: Mapping[str, Any]) -> Report:
    ranked = _ranked(entries, results)
    tests = results["tests"]
    report = Report("Leaderboard")
    report.add(
        f"`python -m benchmarks.leaderboard`. {machine_line(results['machine'])}",
        "25,000 IMDB reviews to train on and 25,000 to test. Hyper-parameters are chosen by "
        f"{FOLDS.n_splits}-fold cross-validation on the training reviews, then fitted to all of "
        f"them. What is random is fitted {results['seeds']} times, in one process; figures are "
        "medians, so that the first fit's extra time, TensorFlow's for instance, does not show. "
        "Fit and predict times are of whole pipelines, from word indices or raw texts on; memory "
        "is beyond imports and reviews; on disk, a pickle. One standard error of an accuracy of "
        "90 % on 25,000 reviews is 0.19 points. Warnings that a solver stopped before it "
        "converged are not shown.",
        Table(
            ["Classifier", "Features", *_COLUMNS, "Range of accuracy"],
            [
                [
                    *_row(entry, tests[entry.key]["runs"], list(_COLUMNS)),
                    _range(tests[entry.key]["runs"]),
                ]
                for entry in ranked
            ],
        ),
        Plot(_figure(ranked, tests), "leaderboard", "Test accuracy against the time to fit"),
        Heading("Published"),
        "Figures that others published for the same split, as printed there; none was run here.",
        Table(
            ["Model", "Accuracy, %", "Source"],
            [[name, f"{accuracy:.2f}", source] for name, accuracy, source in PUBLISHED],
        ),
    )
    if results["comparison"]:
        pair = results["comparison"]["pair"]
        report.add(
            Heading("10,000 words: the network against logistic regression"),
            "Both with the hyper-parameters that cross-validation chose, on the same ten other "
            "folds of the training reviews.",
            Table(
                ["Figure", "Value"],
                [
                    [name, value if isinstance(value, str) else f"{value:.4g}"]
                    for name, value in pair.items()
                ],
            ),
        )
    report.add(
        Heading("What cross-validation chose"),
        Table(
            ["Classifier", "Features", "Chosen", "Accuracy in cross-validation, %", "Candidates"],
            [
                [
                    entry.name,
                    entry.features,
                    ", ".join(
                        f"{name.partition('__')[2]} {value}"
                        for name, value in results["searches"][entry.key]["best"].items()
                    ),
                    f"{100 * results['searches'][entry.key]['accuracy']:.2f}",
                    str(len(results["searches"][entry.key]["candidates"])),
                ]
                for entry in entries
                if entry.grid
            ],
        ),
    )
    return report


def _figure(entries: Sequence[Entry], tests: Mapping[str, Any]) -> Figure:
    """Draw test accuracy against the time to fit."""
    figure, ax = plt.subplots(figsize=(8, 6), layout="constrained")
    markers = {WORDS: "o", "1-2-grams": "D", "1-3-grams": "s"}
    for rank, entry in enumerate(entries):
        runs = tests[entry.key]["runs"]
        accuracy, seconds = _median(runs, "accuracy"), _median(runs, "fit_seconds")
        if accuracy is None or seconds is None or accuracy < 0.8:
            continue
        ax.plot(
            seconds,
            100 * accuracy,
            markers.get(entry.features, "^"),
            color="C1" if entry.is_ours else "C0",
            markeredgecolor="black",
        )
        ax.annotate(
            entry.name,
            (seconds, 100 * accuracy),
            xytext=(5, 3 if rank % 2 else -8),
            textcoords="offset points",
            fontsize=7,
        )
    ax.set(
        xscale="log",
        xlabel="Seconds to fit, vectorizing included",
        ylabel="Test accuracy, %",
    )
    ax.set_title(
        "Circles: 10,000 words; diamonds: 1-2-grams; squares: 1-3-grams; triangles: other",
        fontsize=8,
    )
    return figure


def _summary(entries: Sequence[Entry], results: Mapping[str, Any]) -> str:
    """Return the top of the table, for README."""
    columns = ["Accuracy, %", "ROC AUC", "Fit, s", "Predict, s"]
    top = [
        entry for rank, entry in enumerate(_ranked(entries, results)) if rank < 8 or entry.is_ours
    ]
    rows = [_row(entry, results["tests"][entry.key]["runs"], columns) for entry in top]
    return markdown_table(Table(["Classifier", "Features", *columns], rows))


if __name__ == "__main__":
    main()
