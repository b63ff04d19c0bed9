"""The claims about validation: choosing on it, and movies that it shares (8 and 11)."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from benchmarks._fits import Outcome
from benchmarks.claims.drawing import forest_plot, mark_margin
from benchmarks.claims.statistics import (
    ACCURACY_MARGIN,
    TEST_TRAIN_RATIO,
    Claim,
    Estimate,
    FloatArray,
    Greater,
    Part,
    Within,
    chosen_score,
    crossed_estimate,
    independent_difference,
    resampled_estimate,
)
from benchmarks.claims.studies import (
    BASE,
    FOLDS,
    N_VALIDATION,
    unpack,
)
from skimdb.inspection._style import series_style
from skimdb.utils._report import Plot

Outcomes = Mapping[str, Outcome]
N_EXPERIMENTS = 20
_HIGHER = Greater(0, ACCURACY_MARGIN)
_SAME = Within(-ACCURACY_MARGIN, ACCURACY_MARGIN)


# Claim 8


def judge_search(number: int, outcomes: Outcomes, n_seeds: int) -> Claim:
    """Judge whether choosing on the validation split leaks information."""
    fits = np.array(
        [
            [outcome["halves"] + [outcome["test"]] for outcome in _of_split(outcomes, seed)]
            for seed in range(n_seeds)
        ]
    )
    halves, test = 100 * fits[:, :, :2], 100 * fits[:, :, 2]
    half = N_VALIDATION // 2
    sizes = np.arange(1, halves.shape[1] + 1)
    optimism = {
        f"Chosen on {half:,} reviews, scored on {half:,} others": [
            _optimism_of_halves(halves, n) for n in sizes
        ],
        f"Chosen on {2 * half:,} reviews, scored on the test": [
            _optimism_on_test(halves.mean(axis=2), test, n) for n in sizes
        ],
    }
    n_most = int(sizes[-1])
    parts = [
        Part(f"Best of {n}. {name}: validation minus score", "points", estimates[n - 1], _SAME)
        for n in (min(N_EXPERIMENTS, n_most), n_most)
        for name, estimates in optimism.items()
    ]
    nested, on_test = optimism.values()
    says = (
        f"The best of {n_most} random configurations on {half:,} reviews is {_points(nested[-1])} "
        f"points less accurate on {half:,} others, the optimism of the choice by two-fold "
        "cross-validation; "
        f"the best of {N_EXPERIMENTS}, as many as the notebooks have, "
        f"{_points(nested[min(N_EXPERIMENTS, n_most) - 1])}. "
        f"Chosen on {2 * half:,} reviews, as there, it is "
        f"{_points(on_test[-1])} points less accurate on the test reviews; but a configuration "
        f"drawn at random, without choosing, is {_points(on_test[0])}, which is no leak."
    )
    statement = "After tuning on one validation split, validation accuracy matches test accuracy"
    return Claim(number, statement, says, parts, [_optimism_plot(sizes, optimism)])


def _of_split(outcomes: Outcomes, seed: int) -> list[Outcome]:
    return [outcome for outcome in outcomes.values() if outcome["params"]["seed"] == seed]


def _optimism_of_halves(halves: FloatArray, n_drawn: int) -> Estimate:
    """Return the optimism with either half choosing, so that which is easier drops out."""
    return resampled_estimate(
        [
            np.mean(
                [
                    chosen_score(scores[:, i], scores[:, i] - scores[:, 1 - i], n_drawn)
                    for i in (0, 1)
                ]
            )
            for scores in halves
        ],
        TEST_TRAIN_RATIO,
    )


def _optimism_on_test(validation: FloatArray, test: FloatArray, n_drawn: int) -> Estimate:
    return resampled_estimate(
        [
            chosen_score(on_validation, on_validation - on_test, n_drawn)
            for on_validation, on_test in zip(validation, test, strict=True)
        ],
        TEST_TRAIN_RATIO,
    )


def _optimism_plot(sizes: NDArray[Any], optimism: Mapping[str, Sequence[Estimate]]) -> Plot:
    figure, ax = plt.subplots(layout="constrained")
    for i, (name, estimates) in enumerate(optimism.items()):
        style = {**series_style(i), "markevery": 10}
        value, low, high = np.array(estimates).T
        ax.plot(sizes, value, label=name, **style)
        ax.fill_between(sizes, low, high, color=style["color"], alpha=0.2, linewidth=0)
    mark_margin(ax.axhline, ax.axhspan)
    ax.set(xlabel="Configurations to choose from", ylabel="Optimism in points of accuracy")
    ax.legend(frameon=False)
    return Plot(figure, "claim8-optimism", "Optimism against the number of configurations")


def _points(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


# Claim 11


def judge_movies(
    number: int,
    outcomes: Outcomes,
    movies: Mapping[str, NDArray[Any]],
    n_seeds: int,
) -> Claim:
    """Judge whether folds that share movies are optimistic."""
    models = {BASE: "Base network", "Logistic regression": "Logistic regression"}
    parts, beside, sentences = [], [], []
    for model, name in models.items():
        right = {kind: _of_folds(outcomes, model, kind, "right", n_seeds) for kind in FOLDS}
        test = _of_folds(outcomes, model, "grouped", "right_test", n_seeds)
        estimate = crossed_estimate(right["stratified"] - right["grouped"], movies["train"])
        parts.append(Part(f"{name}: stratified minus grouped", "points", estimate, _HIGHER))
        both_movies = np.concatenate([movies["train"], movies["test"]])
        for kind in FOLDS:
            on_test = _of_folds(outcomes, model, kind, "right_test", n_seeds)
            estimate = crossed_estimate(independent_difference(right[kind], on_test), both_movies)
            beside.append(Part(f"{name}: {kind} minus test", "points", estimate, None))
        sentences.append(
            f"{name}: {right['stratified'].mean():.2f} % in stratified folds, "
            f"{right['grouped'].mean():.2f} % in folds grouped by movie, and {test.mean():.2f} % "
            "of the test reviews by the models of the latter"
        )
    says = f"{'. '.join(sentences)}."
    plot = forest_plot([*parts, *beside], "claim11-movies", "Difference of accuracy, in points")
    statement = "Validation reviews that share movies with the training part are optimistic"
    return Claim(number, statement, says, [*parts, *beside], [plot])


def _of_folds(outcomes: Outcomes, model: str, kind: str, what: str, n_seeds: int) -> FloatArray:
    names = [f"movies {model} {kind} seed{seed}" for seed in range(n_seeds)]
    return 100 * np.array([unpack(outcomes[name][what]) for name in names])


def movie_figures(outcomes: Outcomes) -> dict[str, Outcome]:
    """Return the accuracies of each cross-validation, in the place of its predictions."""
    return {
        name: {
            "params": outcome["params"],
            "held_out": float(unpack(outcome["right"]).mean()),
            "test": float(unpack(outcome["right_test"]).mean()),
        }
        for name, outcome in outcomes.items()
    }
