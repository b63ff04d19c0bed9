"""Every experiment of the two course notebooks, run again with several seeds.

Run with ``python -m benchmarks.notebooks``, with the IMDB reviews where
`skimdb.datasets.fetch_imdb` finds them. ``experiments.json`` lists the experiments with their
published figures. Each finished fit is kept in a file of its own, and an interrupted run goes on
where it was.
"""

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sklearn.metrics import log_loss

from benchmarks._common import RESULTS, load_imdb, machine, machine_line, write_json
from skimdb import MultiHotVectorizer
from skimdb.inspection import (
    HistoryComparisonDisplay,
    HyperparameterDisplay,
    TrainingHistoryDisplay,
)
from skimdb.utils._report import Heading, Plot, Report
from skimdb.utils._tables import Table

NUM_WORDS = 10_000
N_VALIDATION = 10_000
# The notebooks took the first reviews of Keras' own order; any one split will do.
SPLIT_SEED = 113
EXPERIMENTS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "experiments.json").read_text()
)["experiments"]

History = dict[str, list[float]]


@dataclass(frozen=True)
class Variant:
    """One configuration of an experiment, of several where the experiment sweeps a parameter."""

    experiment: Mapping[str, Any]
    label: str
    params: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the experiment, and of the value that is swept."""
        return f"{self.experiment['id']} {self.label}".strip()

    @property
    def uses_all_reviews(self) -> bool:
        """Whether it trains on all training reviews, and so has no validation."""
        return bool(self.experiment["data"].startswith("25000"))

    @property
    def published(self) -> History:
        """The published history, which sweeps do not have."""
        history: History = self.experiment.get("published_history", {})
        return history

    @property
    def is_tested(self) -> bool:
        """Whether test results belong to it."""
        return self.uses_all_reviews or "published_test" in self.experiment


def variants_of(experiment: Mapping[str, Any]) -> list[Variant]:
    """Return the configurations of an experiment."""
    sweep = experiment.get("sweep")
    if sweep is None:
        return [Variant(experiment, "", experiment["params"])]
    [(swept, values)] = sweep.items()
    changes = [value if isinstance(value, dict) else {swept: value} for value in values]
    return [
        Variant(
            experiment,
            ", ".join(f"{name}={value}" for name, value in change.items()) or "none",
            {**experiment["params"], **change},
        )
        for change in changes
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Run what has not been run, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notebooks", description=__doc__)
    parser.add_argument("--only", help="experiments, as in A5,B3")
    parser.add_argument("--seeds", type=int, default=5, help="fits of each configuration")
    parser.add_argument("--n-jobs", type=int, default=os.cpu_count())
    parser.add_argument("--output", type=Path, default=RESULTS / "notebooks")
    args = parser.parse_args(argv)
    known = [experiment["id"] for experiment in EXPERIMENTS]
    only = args.only.split(",") if args.only else known
    if unknown := sorted(set(only) - set(known)):
        parser.error(f"argument --only: there is no experiment {', '.join(unknown)}")
    variants = [
        variant
        for experiment in EXPERIMENTS
        if experiment["id"] in only
        for variant in variants_of(experiment)
    ]
    start = time.perf_counter()
    fits = run_all(variants, args.seeds, args.n_jobs, args.output / "fits")
    seconds = time.perf_counter() - start
    results = {"machine": machine(), "fits": fits}
    write_json(args.output / "notebooks.json", results)
    mpl.use("Agg")
    mpl.rcParams["figure.max_open_warning"] = 0  # The page has more.
    report = _report(variants, results, args.seeds)
    report.write(args.output, "notebooks")
    print(f"{args.output / 'notebooks.md'}, fits in {seconds:.0f} s")


def run_all(
    variants: Sequence[Variant], n_seeds: int, n_jobs: int, directory: Path
) -> dict[str, list[dict[str, Any]]]:
    """Return the outcome of each fit, by the variant's name, from its file where there is one."""
    directory.mkdir(parents=True, exist_ok=True)
    jobs = [(variant, seed) for variant in variants for seed in range(n_seeds)]
    outcomes = {(variant.name, seed): _kept(directory, variant, seed) for variant, seed in jobs}
    to_do = [(variant, seed) for variant, seed in jobs if not outcomes[variant.name, seed]]
    columns = (TextColumn("Fitting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        task = progress.add_task("", total=len(jobs), completed=len(jobs) - len(to_do))
        if to_do:
            reviews = _Reviews.load()
            finished = joblib.Parallel(
                n_jobs, backend="threading", return_as="generator_unordered"
            )(joblib.delayed(_run)(reviews, variant, seed, directory) for variant, seed in to_do)
            for name, seed, outcome in finished:
                outcomes[name, seed] = outcome
                progress.advance(task)
    return {
        variant.name: [outcomes[variant.name, seed] for seed in range(n_seeds)]
        for variant in variants
    }


@dataclass(frozen=True)
class _Reviews:
    X: Any
    y: NDArray[np.int64]
    X_test: Any
    y_test: NDArray[np.int64]

    @classmethod
    def load(cls) -> "_Reviews":
        vectorizer = MultiHotVectorizer(NUM_WORDS)
        X, y = load_imdb("train")
        order = np.random.default_rng(SPLIT_SEED).permutation(len(y))
        X_test, y_test = load_imdb("test")
        return cls(vectorizer.transform(X)[order], y[order], vectorizer.transform(X_test), y_test)


def _file(directory: Path, variant: Variant, seed: int) -> Path:
    return directory / f"{variant.name.replace(' ', '-')}-seed{seed}.json"


def _kept(directory: Path, variant: Variant, seed: int) -> dict[str, Any]:
    try:
        outcome: dict[str, Any] = json.loads(_file(directory, variant, seed).read_text())
    except FileNotFoundError:
        return {}
    return outcome if outcome["params"] == dict(variant.params) else {}


def _run(
    reviews: _Reviews, variant: Variant, seed: int, directory: Path
) -> tuple[str, int, dict[str, Any]]:
    from skimdb import DenseSentimentClassifier

    classifier = DenseSentimentClassifier(**variant.params, random_state=seed)
    start = time.perf_counter()
    if variant.uses_all_reviews:
        classifier.fit(reviews.X, reviews.y)
    else:
        classifier.fit(
            reviews.X[N_VALIDATION:],
            reviews.y[N_VALIDATION:],
            X_val=reviews.X[:N_VALIDATION],
            y_val=reviews.y[:N_VALIDATION],
        )
    outcome: dict[str, Any] = {
        "params": dict(variant.params),
        "seconds": time.perf_counter() - start,
        "history": classifier.history_,
    }
    if variant.is_tested:
        probability = classifier.predict_proba(reviews.X_test)[:, 1]
        kernels = classifier.model_.get_weights()[:-2:2]
        penalty = sum(
            variant.params["l1"] * np.abs(kernel).sum() + variant.params["l2"] * (kernel**2).sum()
            for kernel in kernels
        )
        outcome["test"] = {
            # As Keras' evaluate, which counts the regularisation in.
            "loss": float(log_loss(reviews.y_test, probability) + penalty),
            "accuracy": float(((probability > 0.5) == reviews.y_test).mean()),
            "first_probabilities": probability[:5].astype(float).tolist(),
            "first_labels": reviews.y_test[:5].tolist(),
        }
    write_json(_file(directory, variant, seed), outcome)
    return variant.name, seed, outcome


def _values(fits: Sequence[Mapping[str, Any]], figure: str) -> NDArray[np.float64]:
    """Return one figure of each fit."""
    kind, _, metric = figure.partition(" ")
    if kind == "test":
        return np.array([fit["test"][metric] for fit in fits])
    return np.array([_figure_of(fit["history"], figure) for fit in fits])


def _figure_of(history: History, figure: str) -> float:
    kind, _, metric = figure.partition(" ")
    values = history[metric]
    if kind == "final":
        return values[-1]
    return min(values) if metric.endswith("loss") else max(values)


def _published(variant: Variant, figure: str) -> float | None:
    kind, _, metric = figure.partition(" ")
    if kind == "test":
        value: float | None = variant.experiment.get("published_test", {}).get(metric)
        return value
    return _figure_of(variant.published, figure) if metric in variant.published else None


_FIGURES = {
    "final val_accuracy": "Final validation accuracy",
    "best val_accuracy": "Best validation accuracy",
    "final val_loss": "Final validation loss",
    "best val_loss": "Best validation loss",
    "test accuracy": "Test accuracy",
    "test loss": "Test loss",
}


def _figure_rows(variant: Variant, fits: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    rows = []
    for figure, name in _FIGURES.items():
        is_test = figure.startswith("test")
        if (is_test and not variant.is_tested) or (not is_test and variant.uses_all_reviews):
            continue
        values = _values(fits, figure)
        published = _published(variant, figure)
        rows.append(
            [
                variant.name,
                name,
                "" if published is None else f"{published:.4f}",
                f"{np.median(values):.4f}",
                f"{values.min():.4f} to {values.max():.4f}",
                "" if published is None else f"{np.median(values) - published:+.4f}",
                ""
                if published is None
                else "yes"
                if values.min() <= published <= values.max()
                else "no",
            ]
        )
    return rows


def _report(variants: Sequence[Variant], results: Mapping[str, Any], n_seeds: int) -> Report:
    fits = results["fits"]
    report = Report("The notebooks' experiments, run again")
    report.add(
        f"`python -m benchmarks.notebooks`, {n_seeds} seeds of each configuration. "
        f"{machine_line(results['machine'])}",
        "Training reviews: 25,000, of which 10,000 are for validation, the same in all fits, "
        "except where an experiment trains on all of them. Published figures are those of one "
        "fit with an unknown seed. Medians and ranges are over the seeds.",
        Heading("All figures"),
        Table(
            ["Experiment", "Figure", "Published", "Median", "Range", "Difference", "In range"],
            [row for variant in variants for row in _figure_rows(variant, fits[variant.name])],
        ),
        Heading("Epochs and time"),
        Table(
            ["Experiment", "Configuration", "Epochs", "Best epoch", "Published best", "Fit, s"],
            [_epoch_row(variant, fits[variant.name]) for variant in variants],
        ),
    )
    for experiment in {
        variant.experiment["id"]: variant.experiment for variant in variants
    }.values():
        own = [variant for variant in variants if variant.experiment["id"] == experiment["id"]]
        report.add(Heading(f"{experiment['id']}: {experiment['title']}"))
        if "published_verdict" in experiment:
            report.add(f"Published conclusion: {experiment['published_verdict']}.")
        report.add(*_plots(experiment, own, fits))
    return report


def _epoch_row(variant: Variant, fits: Sequence[Mapping[str, Any]]) -> list[str]:
    def best_epoch(history: History) -> int:
        return int(np.argmin(history["val_loss"])) + 1

    measured = published = ""
    if not variant.uses_all_reviews:
        epochs = [best_epoch(fit["history"]) for fit in fits]
        measured = f"{np.median(epochs):g} ({min(epochs)} to {max(epochs)})"
    if "val_loss" in variant.published:
        published = str(best_epoch(variant.published))
    configuration = ", ".join(
        f"{name} {value:g}" for name, value in variant.params.items() if name != "epochs" and value
    )
    return [
        variant.name,
        configuration,
        str(variant.params["epochs"]),
        measured,
        published,
        f"{np.median([fit['seconds'] for fit in fits]):.2f}",
    ]


def _plots(
    experiment: Mapping[str, Any],
    variants: Sequence[Variant],
    fits: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[Plot | Table]:
    identifier = experiment["id"]
    if "sweep" in experiment:
        histories = {
            variant.label: [fit["history"] for fit in fits[variant.name]] for variant in variants
        }
        [(swept, values)] = experiment["sweep"].items()
        by_value = {
            label if isinstance(value, dict) else value: fit_histories
            for value, (label, fit_histories) in zip(values, histories.items(), strict=True)
        }
        return [
            Plot(
                HistoryComparisonDisplay.from_histories(histories).figure_,
                f"{identifier}-val-loss",
                f"Validation loss of {identifier} by epoch",
            ),
            Plot(
                HyperparameterDisplay.from_histories(swept, by_value).figure_,
                f"{identifier}-best",
                f"Least validation loss and greatest validation accuracy of {identifier}",
            ),
        ]
    [variant] = variants
    own = fits[variant.name]
    if not variant.published:
        test = own[0]["test"]
        return [
            Table(
                ["Test review", "Label", "Probability of positive, seed 0"],
                [
                    [str(i), str(label), f"{probability:.4f}"]
                    for i, (label, probability) in enumerate(
                        zip(test["first_labels"], test["first_probabilities"], strict=True), 1
                    )
                ],
            )
        ]
    figure = "final accuracy" if variant.uses_all_reviews else "final val_accuracy"
    values = _values(own, figure)
    median_fit = own[int(np.argsort(values, kind="stable")[(len(values) - 1) // 2])]
    return [
        Plot(
            TrainingHistoryDisplay.from_history(
                median_fit["history"],
                reference=variant.published,
                reference_name="Published",
                name=f"{identifier}, seed with the median result",
            ).figure_,
            f"{identifier}-history",
            f"Training history of {identifier}, the published one behind it",
        )
    ]


if __name__ == "__main__":
    main()
