"""The classical baselines, the notebooks' networks and skimdb's pipelines on the test reviews.

Run with ``python -m benchmarks.leaderboard``, with the IMDB reviews where
`skimdb.datasets.fetch_imdb` finds them. Hyper-parameters are chosen by cross-validation on the
training reviews. The chosen ones are fitted to all of these and tested once, in a process of their
own. Finished searches and tests are stored, so that an interrupted run continues where it was.
"""

import argparse
import json
import pickle
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

from benchmarks._data import load_imdb
from benchmarks._fits import Job, Outcome, run_jobs
from benchmarks._measure import PeakMemory, measure_in_process
from benchmarks._results import (
    RESULTS,
    Parts,
    add_only,
    environment_lines,
    update_parts,
    write_text,
)
from benchmarks.leaderboard.models import ENTRIES, WORDS, Entry, load_reviews
from skimdb.model_selection import compare_estimators
from skimdb.utils._report import Heading, Plot, Report
from skimdb.utils._tables import Table, markdown_table

FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)
COMPARISON_FOLDS = StratifiedKFold(10, shuffle=True, random_state=1)
N_BINS = 15
_COMPARED = ("skimdb-words-10-000-words", "logisticregression-10-000-words")
_COMPARISON = "comparison"
_BY_KEY = {entry.key: entry for entry in ENTRIES}

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
    """Search and test the lines that are not stored, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.leaderboard", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="fits of random classifiers")
    add_only(parser, [*_BY_KEY, _COMPARISON])
    parser.add_argument("--output", type=Path, default=RESULTS / "leaderboard")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.measure:
        key, n_seeds, chosen = args.measure
        parameters = as_parameters(json.loads(chosen))
        print(json.dumps(_measure(_BY_KEY[key], int(n_seeds), parameters)))
        return
    mpl.use("Agg")
    path, fits = args.output / "leaderboard.json", args.output / "fits"
    for key in args.only:
        result = _compare(fits) if key == _COMPARISON else _run(_BY_KEY[key], args.seeds, fits)
        parts = update_parts(path, {key: result})
    make_report(parts).write(args.output, "leaderboard")
    write_text(args.output / "leaderboard-summary.md", summary(parts))
    print(args.output / "leaderboard.md")


def as_parameters(plain: Mapping[str, Any]) -> Chosen:
    """Return parameters that were JSON, which has lists for tuples."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()
    }


def _run(entry: Entry, n_seeds: int, fits: Path) -> Outcome:
    """Return what was chosen for a line of the table, and its test."""
    search = _search_stored(entry, fits)
    chosen = as_parameters(search["best"]) if search else {}
    n_seeds = n_seeds if entry.is_random else 1
    params = {"chosen": chosen, "seeds": n_seeds, "pipeline": entry.description}
    measure = partial(
        measure_in_process, "leaderboard", entry.key, str(n_seeds), json.dumps(chosen)
    )
    return {"search": search, "test": _stored(f"test {entry.key}", params, measure, fits)}


def _search_stored(entry: Entry, fits: Path) -> Outcome | None:
    if not entry.grid:
        return None
    params = {"grid": dict(entry.grid), "folds": FOLDS.n_splits, "pipeline": entry.description}
    return _stored(f"search {entry.key}", params, partial(_search, entry), fits)


def _stored(
    name: str, params: Mapping[str, Any], run: Callable[[], Outcome], fits: Path
) -> Outcome:
    job: Job[None] = Job(name, params, lambda _: run())
    return run_jobs([job], lambda: None, n_jobs=1, directory=fits, title=name)[name]


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


def _compare(fits: Path) -> Outcome:
    """Compare two searched pipelines fold by fold on the training reviews."""
    searches = {key: _search_stored(_BY_KEY[key], fits) for key in _COMPARED}
    chosen = {key: as_parameters(search["best"]) for key, search in searches.items() if search}

    def run() -> Outcome:
        estimators = {
            key: _BY_KEY[key].pipeline(0).set_params(**params) for key, params in chosen.items()
        }
        X, y = load_imdb("train")
        comparison = compare_estimators(estimators, X, y, cv=COMPARISON_FOLDS)
        [pair] = comparison.pairwise()
        return {"summary": str(comparison), "pair": pair._asdict()}

    return _stored(_COMPARISON, chosen, run, fits)


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
    """Return the median, or None for a figure that the classifier does not have."""
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


Tests = Mapping[str, Sequence[Mapping[str, float]]]


def _tests_of(parts: Parts) -> Tests:
    """Return the runs of each line's test, by decreasing accuracy."""
    runs = {
        entry.key: parts[entry.key]["result"]["test"]["runs"]
        for entry in ENTRIES
        if entry.key in parts
    }
    ranking = sorted(runs, key=lambda key: _median(runs[key], "accuracy") or 0.0, reverse=True)
    return {key: runs[key] for key in ranking}


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


def make_report(parts: Parts) -> Report:
    """Return the page about all lines in a result file."""
    tests = _tests_of(parts)
    report = Report("Leaderboard")
    report.add(
        "`python -m benchmarks.leaderboard`.",
        environment_lines(parts),
        "25,000 IMDB reviews to train on and 25,000 to test. Hyper-parameters are chosen by "
        f"{FOLDS.n_splits}-fold cross-validation on the training reviews, then fitted to all of "
        f"them. Random classifiers are fitted {max(map(len, tests.values()))} times, in one "
        "process, and figures are medians; so they leave out the extra time of a first fit. Fit "
        "and predict times are those of whole pipelines, from word indices or raw texts to "
        "labels. Memory is beyond imports and reviews; on disk, a pickle. One standard error of "
        "an accuracy of 90 % on 25,000 reviews is 0.19 points. Warnings about convergence are not "
        "shown.",
        Table(
            ["Classifier", "Features", *_COLUMNS, "Range of accuracy"],
            [
                [*_row(_BY_KEY[key], runs, list(_COLUMNS)), _range(runs)]
                for key, runs in tests.items()
            ],
        ),
        Plot(_figure(tests), "leaderboard", "Test accuracy against the time to fit"),
        Heading("Published"),
        "Published figures for the same split; none was run here.",
        Table(
            ["Model", "Accuracy, %", "Source"],
            [[name, f"{accuracy:.2f}", source] for name, accuracy, source in PUBLISHED],
        ),
    )
    if _COMPARISON in parts:
        pair = parts[_COMPARISON]["result"]["pair"]
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
                _search_row(entry, search)
                for entry in ENTRIES
                if entry.key in parts and (search := parts[entry.key]["result"]["search"])
            ],
        ),
    )
    return report


def _search_row(entry: Entry, search: Outcome) -> list[str]:
    best = (f"{name.partition('__')[2]} {value}" for name, value in search["best"].items())
    accuracy = f"{100 * search['accuracy']:.2f}"
    return [entry.name, entry.features, ", ".join(best), accuracy, str(len(search["candidates"]))]


def _figure(tests: Tests) -> Figure:
    """Draw test accuracy against the time to fit."""
    figure, ax = plt.subplots(figsize=(8, 6), layout="constrained")
    markers = {WORDS: "o", "1-2-grams": "D", "1-3-grams": "s"}
    for rank, (key, runs) in enumerate(tests.items()):
        entry = _BY_KEY[key]
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


def summary(parts: Parts) -> str:
    """Return the top of the table, with all lines of this package."""
    columns = ["Accuracy, %", "ROC AUC", "Fit, s", "Predict, s"]
    rows = [
        _row(_BY_KEY[key], runs, columns)
        for rank, (key, runs) in enumerate(_tests_of(parts).items())
        if rank < 8 or _BY_KEY[key].is_ours
    ]
    return markdown_table(Table(["Classifier", "Features", *columns], rows))


if __name__ == "__main__":
    main()
