"""The claims about the base and the regularised network on other test sets (9 and 10)."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from benchmarks._fits import Outcome
from benchmarks.claims.drawing import forest_plot
from benchmarks.claims.statistics import (
    ACCURACY_MARGIN,
    FAILS,
    HOLDS,
    UNCLEAR,
    Claim,
    Estimate,
    FloatArray,
    Greater,
    Part,
    auc_values,
    crossed_estimate,
)
from benchmarks.claims.studies import (
    BASE,
    BEST,
    NETWORKS,
    REFERENCES,
    REGULARISED,
    SOURCES,
    TRAINING_SIZES,
    TransferSets,
    n_published,
    transfer_name,
    unpack,
)
from skimdb.inspection._style import series_style
from skimdb.utils._report import Plot
from skimdb.utils._tables import Table

Outcomes = Mapping[str, Outcome]
_HIGHER = Greater(0, ACCURACY_MARGIN)
_MODELS = {
    BASE: "Base network",
    REGULARISED: "Regularised network",
    BEST: "Best configuration (A12)",
    **{name: name for name in REFERENCES},
}
_SETS = {
    "test": "IMDB test reviews",
    "shortest": "Shortest tenth of the test",
    "longest": "Longest tenth of the test",
    "amazon": "Amazon sentences",
    "yelp": "Yelp sentences",
    "imdb": "IMDB sentences",
}
_OTHER_SETS = [name for name in _SETS if name != "test"]
_METRICS = {"accuracy": "accuracy", "auc": "area under the ROC curve"}
_IN_WORDS = {
    "shortest": "the shortest test reviews",
    "longest": "the longest",
    "amazon": "Amazon",
    "yelp": "Yelp",
    "imdb": "IMDB sentences",
}


class Transfer:
    """The scores of the models on all test sets."""

    def __init__(self, outcomes: Outcomes, sets: TransferSets, n_seeds: int) -> None:
        self._outcomes = outcomes
        self._sets = sets
        self._n_seeds = n_seeds

    def scores(
        self, model: str, test_set: str, n_train: int, *, same_steps: bool = False
    ) -> FloatArray:
        """Return log odds of shape (n_seeds, n_reviews)."""
        members = self._sets.members[test_set]
        names = [
            transfer_name(model, n_train, seed, same_steps=same_steps)
            for seed in range(self._n_seeds)
        ]
        return np.array([unpack(self._outcomes[name]["scores"])[members] for name in names])

    def values(self, metric: str, test_set: str, scores: FloatArray) -> FloatArray:
        """Return values of the reviews, in points, whose mean is accuracy or area."""
        y = self._sets.y[self._sets.members[test_set]]
        if metric == "accuracy":
            right: FloatArray = 100.0 * ((scores > 0) == y)
            return right
        return 100 * np.array([auc_values(y, own) for own in scores])

    def difference(
        self,
        metric: str,
        test_set: str,
        first: tuple[str, int],
        second: tuple[str, int],
        **how: bool,
    ) -> Estimate:
        """Return the first minus the second, models with their number of training reviews."""
        values = [
            self.values(metric, test_set, self.scores(model, test_set, n_train, **how))
            for model, n_train in (first, second)
        ]
        return crossed_estimate(values[0] - values[1])

    def level(self, metric: str, test_set: str, model: str, n_train: int, **how: bool) -> float:
        """Return the mean over seeds and reviews."""
        scores = self.scores(model, test_set, n_train, **how)
        return float(self.values(metric, test_set, scores).mean())

    def figures(self) -> dict[str, Outcome]:
        """Return accuracy and area of each fit on each set, in the place of the scores."""
        return {
            name: {
                "params": outcome["params"],
                **{test_set: self._figures_of(outcome, test_set) for test_set in _SETS},
            }
            for name, outcome in self._outcomes.items()
        }

    def _figures_of(self, outcome: Outcome, test_set: str) -> dict[str, float]:
        scores = unpack(outcome["scores"])[None, self._sets.members[test_set]]
        return {
            metric: round(float(self.values(metric, test_set, scores).mean()), 3)
            for metric in _METRICS
        }


def judge_base(number: int, transfer: Transfer) -> Claim:
    """Judge whether the base network beats the regularised one on the test reviews."""
    n_all, n_part = TRAINING_SIZES[-1], n_published()
    base = (BASE, n_all)
    others = {
        f"As published, the regularised network on {n_part:,} reviews": (REGULARISED, n_part),
        f"Both on {n_all:,} reviews": (REGULARISED, n_all),
        f"Both on {n_all:,} reviews, against the best configuration (A12)": (BEST, n_all),
    }
    parts = [
        Part(name, "points", transfer.difference("accuracy", "test", base, other), _HIGHER)
        for name, other in others.items()
    ]
    base_level, *levels = (
        f"{transfer.level('accuracy', 'test', *model):.1f} %" for model in (base, *others.values())
    )
    says = (
        f"Test accuracy {base_level} for the base network (two layers of 16, 4 epochs), "
        f"{levels[0]} for the regularised one (A10) trained on {n_part:,} reviews, and {levels[1]} "
        f"trained on {n_all:,}; {levels[2]} for A12's configuration trained on {n_all:,}."
    )
    statement = "The base network beats the regularised one on the test reviews"
    return Claim(number, statement, says, parts)


def judge_transfer(number: int, transfer: Transfer) -> Claim:
    """Judge whether the regularised network generalises better to other reviews."""
    on_sets = _set_parts(transfer, REGULARISED, "", _HIGHER)
    shrunk = _size_parts(transfer)
    lightly = _set_parts(transfer, BEST, "A12's configuration: ", None)
    n_sets = len(_OTHER_SETS)
    says = (
        f"Regularised (A10) against base, trained on {TRAINING_SIZES[-1]:,} reviews: accuracy in "
        f"% {_levels(transfer)}. Of sentences from elsewhere they call "
        f"{_share_positive(transfer, REGULARISED)} and {_share_positive(transfer, BASE)} % "
        "positive, where half are. The area under the ROC curve, which no decision threshold "
        f"matters to, differs by {_range(on_sets[n_sets:])} points; with the lighter "
        f"regularisation of A12 by {_range(lightly[n_sets:])} and accuracy by "
        f"{_range(lightly[:n_sets])}. Of all {len(on_sets) + len(shrunk)} comparisons, those "
        f"with {TRAINING_SIZES[0]:,} to {TRAINING_SIZES[-2]:,} training reviews included, "
        f"{_count([*on_sets, *shrunk])}."
    )
    blocks: list[Plot | Table] = [
        forest_plot(on_sets, "claim10-sets", "Regularised minus base network, in points"),
        _sizes_plot(transfer),
        _levels_table(transfer),
    ]
    statement = "The regularised network generalises better to a different test set"
    return Claim(number, statement, says, [*on_sets, *shrunk, *lightly], blocks)


def _set_parts(transfer: Transfer, model: str, prefix: str, rule: Greater | None) -> list[Part]:
    """Return the differences from the base network on other sets, the accuracies first."""
    n_all = TRAINING_SIZES[-1]
    return [
        Part(
            f"{prefix}{_SETS[name]}, {metric_name}",
            "points",
            transfer.difference(metric, name, (model, n_all), (BASE, n_all)),
            rule,
        )
        for metric, metric_name in _METRICS.items()
        for name in _OTHER_SETS
    ]


def _size_parts(transfer: Transfer) -> list[Part]:
    """Return the differences from the base network after training on fewer reviews."""
    return [
        Part(
            f"{n:,} training reviews, {what}, {metric_name}",
            "points",
            transfer.difference(metric, "test", (REGULARISED, n), (BASE, n), same_steps=same_steps),
            _HIGHER,
        )
        for same_steps, what in (
            (False, "the notebooks' epochs"),
            (True, f"steps as on {TRAINING_SIZES[-1]:,}"),
        )
        for metric, metric_name in _METRICS.items()
        for n in TRAINING_SIZES[:-1]
    ]


def _levels_table(transfer: Transfer) -> Table:
    n_all = TRAINING_SIZES[-1]
    rows = []
    for test_set, set_name in _SETS.items():
        for model, model_name in _MODELS.items():
            positive = float((transfer.scores(model, test_set, n_all) > 0).mean())
            levels = [
                f"{transfer.level(metric, test_set, model, n_all):.1f}" for metric in _METRICS
            ]
            rows.append([set_name, model_name, *levels, f"{100 * positive:.1f}"])
    header = ["Trained on all reviews, tested on", "Model", "Accuracy, %", "Area under ROC, %"]
    return Table([*header, "Called positive, %"], rows)


def _levels(transfer: Transfer) -> str:
    n_all = TRAINING_SIZES[-1]
    return ", ".join(
        f"{transfer.level('accuracy', name, REGULARISED, n_all):.1f} against "
        f"{transfer.level('accuracy', name, BASE, n_all):.1f} on {_IN_WORDS[name]}"
        for name in _OTHER_SETS
    )


def _share_positive(transfer: Transfer, model: str) -> str:
    scores = [transfer.scores(model, source, TRAINING_SIZES[-1]) for source in SOURCES]
    return f"{100 * (np.hstack(scores) > 0).mean():.0f}"


def _range(parts: Sequence[Part]) -> str:
    values = [part.estimate.value for part in parts]
    return f"{min(values):+.1f} to {max(values):+.1f}"


def _count(parts: Sequence[Part]) -> str:
    numbers = {
        verdict: sum(part.verdict == verdict for part in parts)
        for verdict in (HOLDS, FAILS, UNCLEAR)
    }
    return (
        f"{numbers[HOLDS]} favour it, {numbers[FAILS]} exclude an advantage of "
        f"{ACCURACY_MARGIN} points, and {numbers[UNCLEAR]} leave it open"
    )


def _sizes_plot(transfer: Transfer) -> Plot:
    figure, axes = plt.subplots(1, 2, sharey=True, figsize=(9, 4), layout="constrained")
    for ax, same_steps in zip(axes, (False, True), strict=True):
        for i, (model, name) in enumerate(_MODELS.items()):
            levels = [
                transfer.level(
                    "accuracy",
                    "test",
                    model,
                    n,
                    same_steps=same_steps and model in NETWORKS and n < TRAINING_SIZES[-1],
                )
                for n in TRAINING_SIZES
            ]
            ax.plot(TRAINING_SIZES, levels, label=name, **series_style(i))
        ax.set_xscale("log")
        ax.set(
            title="As many steps as on all reviews" if same_steps else "The notebooks' epochs",
            xlabel="Training reviews",
        )
    axes[0].set_ylabel("Test accuracy in %")
    axes[1].legend(frameon=False, fontsize="small")
    return Plot(figure, "claim10-sizes", "Test accuracy against the number of training reviews")
