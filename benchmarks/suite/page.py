"""The page of the results."""

from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy.stats import friedmanchisquare, rankdata, studentized_range

from benchmarks._results import Parts, environment_lines, write_text
from benchmarks.suite.data import DATA_SETS
from benchmarks.suite.models import LOGISTIC_REGRESSION, MODELS, OURS, WEIGHTED_MODELS, WORDS
from skimdb.utils._tables import Table, markdown_table

# The best bag of features of Wang and Manning (2012), by ten folds or on the test reviews.
_PUBLISHED = {
    "customer_reviews": ".818, NBSVM",
    "mpqa": ".867, SVM",
    "subjectivity": ".936, naive Bayes",
    "imdb": ".912, NBSVM",
}
# Samples of the same reviews are no independent data sets.
_RANKED = [name for name in DATA_SETS if not name.startswith("imdb_")]

Scores = dict[str, list[float]]


class _Score(NamedTuple):
    value: float
    standard_error: float


def write_page(folder: Path, parts: Parts) -> None:
    """Write the page and its figure."""
    results: dict[str, dict[str, Scores]] = {}
    measured: Parts = {}
    for name, part in parts.items():
        data, model = name.split(": ", 1)
        results.setdefault(data, {})[model] = part["result"]
        who = OURS if model.startswith(OURS) else "others"
        measured[f"{data} ({who})"] = part
    complete = [name for name in DATA_SETS if results.get(name, {}).keys() >= MODELS.keys()]
    scores = {
        name: {model: _score(name, results[name][model]) for model in MODELS} for name in complete
    }
    text = [
        _INTRODUCTION,
        environment_lines(measured),
        _comparison(scores, results),
        _other_measures(scores, results),
    ]
    ranked = [name for name in complete if name in _RANKED]
    if len(ranked) > 2:
        values = np.array([[scores[name][model].value for model in MODELS] for name in ranked])
        text.append(_ranks(values))
        _draw_ranks(values, folder / "suite-ranks.png")
    if (weighted := results.get("alexa_feedback", {})).keys() >= WEIGHTED_MODELS.keys():
        text.append(_imbalance(weighted))
    write_text(folder / "suite.md", "\n\n".join(text) + "\n")


_INTRODUCTION = """# Sentiment data of every kind

`python -m benchmarks.suite`: data sets are cross-validated on the same five folds. Of IMDB, five
random samples of several sizes are trained on, and tested on 5,000 other training reviews; the
whole is tested on its own test reviews. The peers choose C or alpha among three values by
cross-validation within each training part, and their time includes this choice. The package's own
models are the same for all data sets, and their figures are means over three seeds.
The score is accuracy, unless it says macro F1. Its standard error is that of a proportion, or by
the bootstrap for macro F1."""


def _score(name: str, scores: Scores) -> _Score:
    if DATA_SETS[name].by_macro_f1:
        errors = scores["macro_f1_error"]
        return _Score(
            float(np.mean(scores["macro_f1"])), float(np.linalg.norm(errors) / len(errors))
        )
    accuracy = float(np.mean(scores["accuracy"]))
    return _Score(accuracy, float(np.sqrt(accuracy * (1 - accuracy) / sum(scores["n_test"]))))


def _best_peer(of_models: dict[str, _Score]) -> str:
    peers = [model for model in MODELS if model not in (OURS, WORDS)]
    return max(peers, key=lambda model: of_models[model].value)


def _comparison(scores: dict[str, dict[str, _Score]], results: dict[str, dict[str, Scores]]) -> str:
    rows = []
    lost = []
    for name, of_models in scores.items():
        ours = of_models[OURS].value
        peer = _best_peer(of_models)
        best, error = of_models[peer]
        if ours < best - error / 2:
            lost.append(name)
        rows.append(
            [
                name + (" (macro F1)" if DATA_SETS[name].by_macro_f1 else ""),
                f"{ours:.4f}",
                f"{of_models[WORDS].value:.4f}",
                f"{best:.4f}",
                peer,
                f"{error / 2:.4f}",
                "no" if name in lost else "yes",
                _PUBLISHED.get(name, ""),
                *(f"{np.mean(results[name][model]['fit_seconds']):.1f}" for model in (OURS, peer)),
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
        "published",
        "Fit, s",
        "Peer's fit, s",
    ]
    return f"""`{OURS}` is at least as good as the best peer, less half a standard error, on
{len(rows) - len(lost)} of {len(rows)} data sets.

{markdown_table(Table(header, rows))}

Where classes are rare (alexa_stars), macro F1 goes on growing after the epoch with the best Brier
score, by which the number of epochs is chosen on all data sets."""


def _other_measures(
    scores: dict[str, dict[str, _Score]], results: dict[str, dict[str, Scores]]
) -> str:
    rows = []
    for name, of_models in scores.items():
        compared = [results[name][model] for model in (OURS, _best_peer(of_models))]
        rows.append(
            [
                name,
                *(f"{np.mean(of_model['macro_f1']):.4f}" for of_model in compared),
                *(
                    f"{np.mean(results[name][model]['log_loss']):.3f}"
                    for model in (OURS, LOGISTIC_REGRESSION)
                ),
                *(f"{_milliseconds_per_text(of_model):.3f}" for of_model in compared),
            ]
        )
    header = [
        "Data",
        "Macro F1",
        "best peer's",
        "Log loss",
        "logistic regression's",
        "Prediction of a text, ms",
        "best peer's",
    ]
    return f"""## Other measures

The best peer is the one above. LinearSVC has no probabilities, so the log loss is compared with
that of logistic regression on tf-idf, whose C is chosen by its accuracy.

{markdown_table(Table(header, rows))}"""


def _milliseconds_per_text(scores: Scores) -> float:
    return 1000 * sum(scores["predict_seconds"]) / sum(scores["n_test"])


def _ranks(values: NDArray[Any]) -> str:
    """Return mean ranks with the tests of Demsar (2006)."""
    ranks = rankdata(-values, axis=1).mean(axis=0)
    order = np.argsort(ranks)
    rows = [[list(MODELS)[i], f"{ranks[i]:.2f}"] for i in order]
    p = friedmanchisquare(*values.T).pvalue
    return f"""## Ranks

Mean rank over the {len(values)} data sets that share no texts, 1 being the best. Friedman's test
of equal ranks: p = {p:.2g}. Two models differ at the level of .05 by Nemenyi's test if their mean
ranks are {_critical_difference(*values.shape):.2f} apart, which is the length of the bars
(Demsar 2006, "Statistical comparisons of classifiers over multiple data sets", JMLR 7).

{markdown_table(Table(["", "Mean rank"], rows))}

![Mean ranks](suite-ranks.png)"""


def _critical_difference(n_sets: int, n_models: int) -> float:
    quantile = studentized_range.ppf(0.95, n_models, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(n_models * (n_models + 1) / (6 * n_sets)))


def _draw_ranks(values: NDArray[Any], path: Path) -> None:
    ranks = rankdata(-values, axis=1).mean(axis=0)
    order = np.argsort(-ranks)
    names = [list(MODELS)[i] for i in order]
    fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
    half = _critical_difference(*values.shape) / 2
    ax.errorbar(ranks[order], range(len(names)), xerr=half, fmt="o", capsize=3)
    ax.axvspan(ranks.min() - half, ranks.min() + half, color="0.93", zorder=0)
    ax.set_yticks(range(len(names)), names)
    ax.set_xlabel("Mean rank; models whose bars do not overlap differ")
    fig.savefig(path, dpi=100)
    plt.close(fig)


def _imbalance(results: dict[str, Scores]) -> str:
    rows = [
        [
            model,
            *(
                f"{np.mean(results[model][score]):.3f}"
                for score in ("accuracy", "balanced_accuracy", "rarest_f1")
            ),
        ]
        for model in WEIGHTED_MODELS
    ]
    return f"""## A rare class

The reviews of alexa_stars in two classes, at most two stars or more, which are 1 : 11.

{markdown_table(Table(["", "Accuracy", "Balanced accuracy", "F1 of the rare class"], rows))}"""
