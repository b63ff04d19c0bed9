"""Every experiment of the two course notebooks, run again with several seeds.

Run with ``python -m benchmarks.notebooks``, with the IMDB reviews where
`skimdb.datasets.fetch_imdb` finds them. ``experiments.json`` lists the experiments with their
published figures. Each finished fit is stored in a file of its own, so that an interrupted run
continues where it was.
"""

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from benchmarks._data import load_imdb
from benchmarks._fits import Job, Outcome, run_jobs
from benchmarks._results import (
    RESULTS,
    Parts,
    add_only,
    environment_lines,
    update_parts,
)
from benchmarks.notebooks.experiments import (
    EXPERIMENTS,
    FIGURES,
    NUM_WORDS,
    History,
    Variant,
    figures_of,
    variants_of,
)
from benchmarks.notebooks.far_figures import N_SEEDS_FAR, calmed, far_blocks, far_figures
from skimdb import MultiHotVectorizer
from skimdb.inspection import (
    HistoryComparisonDisplay,
    HyperparameterDisplay,
    TrainingHistoryDisplay,
)
from skimdb.utils._report import Heading, Plot, Report
from skimdb.utils._tables import Table

N_VALIDATION = 10_000
# The notebooks took the first reviews in Keras' own order.
SPLIT_SEED = 113


def main(argv: Sequence[str] | None = None) -> None:
    """Run the fits that are not stored, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notebooks", description=__doc__)
    add_only(parser, [experiment["id"] for experiment in EXPERIMENTS])
    parser.add_argument("--seeds", type=int, default=5, help="fits of each configuration")
    parser.add_argument("--n-jobs", type=int, default=os.cpu_count())
    parser.add_argument("--output", type=Path, default=RESULTS / "notebooks")
    args = parser.parse_args(argv)
    variants = _variants_of(args.only)
    start = time.perf_counter()
    run = partial(run_all, n_jobs=args.n_jobs, directory=args.output / "fits")
    fits = run(variants, n_seeds=args.seeds)
    far = far_figures(variants, fits)
    more = [again for case in far for again in (case.variant, calmed(case.variant))]
    far_fits = run(more, n_seeds=N_SEEDS_FAR)
    results = {
        identifier: {
            "fits": {variant.name: fits[variant.name] for variant in _variants_of([identifier])},
            "far": {
                variant.name: far_fits[variant.name]
                for case in far
                if case.variant.experiment["id"] == identifier
                for variant in (case.variant, calmed(case.variant))
            },
        }
        for identifier in args.only
    }
    parts = update_parts(args.output / "notebooks.json", results)
    mpl.use("Agg")
    mpl.rcParams["figure.max_open_warning"] = 0  # The page has more.
    make_report(parts).write(args.output, "notebooks")
    print(f"{args.output / 'notebooks.md'}, in {time.perf_counter() - start:.0f} s")


def _variants_of(identifiers: Sequence[str]) -> list[Variant]:
    return [
        variant
        for experiment in EXPERIMENTS
        if experiment["id"] in identifiers
        for variant in variants_of(experiment)
    ]


def run_all(
    variants: Sequence[Variant], n_seeds: int, n_jobs: int, directory: Path
) -> dict[str, list[Outcome]]:
    """Return the outcome of each fit, by the variant's name, from its file where there is one."""
    jobs = {
        (variant.name, seed): Job(
            f"{variant.name} seed{seed}", variant.settings, partial(_run, variant, seed)
        )
        for variant in variants
        for seed in range(n_seeds)
    }
    outcomes = run_jobs(list(jobs.values()), _Reviews.load, n_jobs=n_jobs, directory=directory)
    return {
        variant.name: [outcomes[jobs[variant.name, seed].name] for seed in range(n_seeds)]
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


def _run(variant: Variant, seed: int, reviews: _Reviews) -> Outcome:
    from skimdb import DenseSentimentClassifier

    classifier = DenseSentimentClassifier(
        **variant.params, callbacks=_callbacks(variant), random_state=seed
    )
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
    outcome: Outcome = {
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
    return outcome


def _callbacks(variant: Variant) -> list[Any]:
    if variant.last_rate == 1:
        return []
    from keras.callbacks import LearningRateScheduler

    last = variant.params["epochs"] - 1
    return [
        LearningRateScheduler(
            lambda epoch, rate: rate * variant.last_rate if epoch == last else rate
        )
    ]


def _figure_rows(variant: Variant, fits: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    rows = []
    for figure, name in FIGURES.items():
        is_test = figure.startswith("test")
        if (is_test and not variant.is_tested) or (not is_test and variant.uses_all_reviews):
            continue
        values = figures_of(fits, figure)
        published = variant.published_figure(figure)
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


def make_report(parts: Parts) -> Report:
    """Return the page about all experiments in a result file."""
    variants = _variants_of(list(parts))
    fits: dict[str, list[Outcome]] = {}
    far_fits: dict[str, list[Outcome]] = {}
    for part in parts.values():
        fits |= part["result"]["fits"]
        far_fits |= part["result"]["far"]
    numbers = sorted({len(own) for own in fits.values()})
    report = Report("The notebooks' experiments, run again")
    report.add(
        f"`python -m benchmarks.notebooks`, {' or '.join(map(str, numbers))} seeds of each "
        "configuration.",
        environment_lines(parts),
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
        *far_blocks(far_figures(variants, fits), far_fits),
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
    values = figures_of(own, figure)
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
