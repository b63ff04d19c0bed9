"""The page of `benchmarks.speed`, from its result file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks._measure import median
from benchmarks._results import Parts, environment_lines
from benchmarks.speed.classifiers import CLASSIFIERS
from benchmarks.speed.vectorizers import VECTORIZERS
from skimdb.utils._tables import Table, markdown_table

OURS, MLP, SCIKERAS = "skimdb", "MLPClassifier", "plain scikeras on CSR"
ONE_JOB, TWO_THREADS = "one job", "threading"  # names of the searches' backends

Runs = dict[str, list[dict[str, float]]]
Results = Mapping[str, Any]


def make_page(parts: Parts) -> str:
    """Return the page, with a section for each part that was measured."""
    results = {name: part["result"] for name, part in parts.items()}
    sections = [section(results[name]) for name, section in _SECTIONS.items() if name in results]
    if results.keys() >= _SECTIONS.keys():
        sections.insert(0, _bars_section(results))
    command = "`python -m benchmarks.speed`: medians of runs in which the variants take turns."
    return "\n\n".join(["# Speed", command, environment_lines(parts), *sections])


def _vectorize_section(runs: Runs) -> str:
    columns = {"first": "First call, s", "later": "Later calls, s", "peak_mb": "Peak memory, MB"}
    return f"""## Vectorizing 25,000 reviews

Each in a fresh process. The first call also pays for memory that it touches for the first time,
which in the notebooks' loop is a matrix of 2 GB. Peak memory is beyond that of the input. One run
of CategoryEncoding.{_left_out(VECTORIZERS, runs)}

{_runs_table(runs, columns)}
"""


def _texts_section(runs: Runs) -> str:
    return f"""## From raw text

The texts of the 25,000 training reviews (``imdb_train.parquet``), one call in a fresh process. One
run of CountVectorizer on 1-3-grams.

{_runs_table(runs, {"seconds": "Seconds"})}
"""


def _classify_section(runs: Runs) -> str:
    columns = {
        "first_fit": "First fit, s",
        "later_fit": "Later fits, s",
        "first_predict": "First predict, s",
        "warm_predict": "Later predicts, s",
        "peak_mb": "Peak memory, MB",
        "accuracy": "Test accuracy",
    }
    return f"""## Fitting on 25,000 reviews and predicting 25,000 others

The network has two hidden layers of 16 units and is trained for 4 epochs in batches of 512 on the
same float32 CSR matrix of 10,000 words, by RMSprop (MLPClassifier: by Adam). Times leave out
imports. Peak memory is that of the first fit, beyond imports and data. Runs have different
seeds.{_left_out(CLASSIFIERS, runs)}

{_runs_table(runs, columns)}
"""


def _pipeline_section(runs: Runs) -> str:
    return f"""## From word indices to predictions

A pipeline is fitted to 25,000 reviews and predicts 25,000 others.

{_runs_table(runs, {"seconds": "Seconds", "peak_mb": "Peak memory, MB"})}
"""


def _ngrams_section(runs: Runs) -> str:
    columns = {"fit": "First fit, s", "peak_mb": "Peak memory, MB"}
    return f"""## A million features

The {median(runs[OURS], "features"):,.0f} words, pairs and triples that at least two training
reviews contain, scaled by their log-count ratios. MultiHotVectorizer finds them in
{median(runs[OURS], "vectorize"):.3g} s. One hidden layer of 16 units, 2 epochs of Adam in batches
of 512. Memory is beyond imports and data.

{_runs_table(runs, columns)}
"""


def _search_section(runs: Runs) -> str:
    return f"""## Grid search with 24 fits

Units 8 and 16, learning rates 0.001 and 0.002, 2 and 4 epochs, 3 folds, and the final fit. One run
of plain scikeras.

{_runs_table(runs, {"seconds": "Seconds"})}
"""


def _joblib_section(runs: Runs) -> str:
    return f"""## Fits in two threads

The 60 fits of the grid search of ``benchmarks.searches``, by one job and by two jobs that are
joblib's threads.

{_runs_table(runs, {"seconds": "Seconds"})}
"""


def _words_and_units_section(runs: dict[str, list[float]]) -> str:
    rows = [[name, f"{np.median(seconds):.3g}"] for name, seconds in runs.items()]
    return f"""## More words and units

Later fits of skimdb's network on the training reviews.

{_table(["", "Seconds"], rows)}
"""


def _million_words_section(runs: dict[str, list[float]]) -> str:
    rows = [[name, f"{np.median(values):.3g}"] for name, values in runs.items()]
    return f"""## Single batches and reviews

The training reviews, with each word divided at random among a hundred, so that there are a million.
One hidden layer of 32 units, Adam, batches of 512. Milliseconds, unless it says otherwise.

{_table(["", "Median"], rows)}
"""


def _growth_section(growth: Mapping[str, Mapping[str, dict[str, list[float]]]]) -> str:
    tables = "\n\n".join(
        f"By {size}:\n\n"
        + _table(
            [size.capitalize(), "skimdb, s", "MLPClassifier, s", "Ratio"],
            [
                [
                    f"{int(value):,}",
                    *(f"{np.median(runs[name]):.3f}" for name in (OURS, MLP)),
                    f"{np.median(np.divide(runs[OURS], runs[MLP])):.2f}",
                ]
                for value, runs in cases.items()
            ],
        )
        for size, cases in growth.items()
    )
    return f"""## How the time of an epoch grows

Generated reviews: 25,000 of them, 10,000 words, 16 units and two hidden layers unless stated
otherwise. With more words the number of entries stays the same: each word is divided at random
among several.

{tables}

![Seconds of an epoch by rows, words, units and layers](speed.png)
"""


_SECTIONS: dict[str, Callable[[Any], str]] = {
    "vectorize": _vectorize_section,
    "texts": _texts_section,
    "classify": _classify_section,
    "pipeline": _pipeline_section,
    "n-grams": _ngrams_section,
    "search": _search_section,
    "joblib": _joblib_section,
    "words and units": _words_and_units_section,
    "a million words": _million_words_section,
    "growth": _growth_section,
}


def _bars_section(results: Results) -> str:
    rows = [
        [
            name,
            f"{value:.3g}",
            f"{relation} {bar:g}",
            "yes" if (value >= bar if relation == ">=" else value <= bar) else "**no**",
        ]
        for name, value, relation, bar in _bars(results)
    ]
    return f"""## Ratios

{_table(["Ratio", "Measured", "Bar", "Met"], rows)}
"""


def _bars(results: Results) -> list[tuple[str, float, str, float]]:
    """Return what each ratio compares, its value, and its bar."""
    vectorize, classify, search = results["vectorize"], results["classify"], results["search"]
    ngrams = results["n-grams"]
    million = {name: float(np.median(runs)) for name, runs in results["a million words"].items()}
    later = {name: float(np.median(runs)) for name, runs in results["words and units"].items()}

    def first_call(name: str) -> float:
        return median(vectorize[name], "first")

    def classifier(name: str, figure: str) -> float:
        return median(classify[name], figure)

    return [
        (
            "vectorize: notebooks' loop / skimdb, from lists",
            first_call("notebooks' loop, lists") / first_call("skimdb, lists"),
            ">=",
            15,
        ),
        (
            "vectorize: notebooks' loop, from lists / skimdb, from arrays",
            first_call("notebooks' loop, lists") / first_call("skimdb, arrays"),
            ">=",
            40,
        ),
        (
            "vectorize: MultiLabelBinarizer / skimdb, from lists",
            first_call("MultiLabelBinarizer, lists") / first_call("skimdb, lists"),
            ">=",
            2.5,
        ),
        (
            "fit: plain scikeras / skimdb, first fits",
            classifier(SCIKERAS, "first_fit") / classifier(OURS, "first_fit"),
            ">=",
            8,
        ),
        (
            "fit: skimdb, first fit / MLPClassifier, later fits",
            classifier(OURS, "first_fit") / classifier(MLP, "later_fit"),
            "<=",
            1.5,
        ),
        (
            "fit: skimdb, first fit / later fits",
            classifier(OURS, "first_fit") / classifier(OURS, "later_fit"),
            "<=",
            1.2,
        ),
        (
            "fit: skimdb, later fits / MLPClassifier, later fits",
            classifier(OURS, "later_fit") / classifier(MLP, "later_fit"),
            "<=",
            0.8,
        ),
        (
            "24-fit grid search: skimdb / MLPClassifier",
            median(search[OURS], "seconds") / median(search[MLP], "seconds"),
            "<=",
            0.65,
        ),
        (
            "60 fits: two threads / one job",
            median(results["joblib"][TWO_THREADS], "seconds")
            / median(results["joblib"][ONE_JOB], "seconds"),
            "<=",
            0.7,
        ),
        (
            "predict, warm: skimdb / MLPClassifier",
            classifier(OURS, "warm_predict") / classifier(MLP, "warm_predict"),
            "<=",
            1.0,
        ),
        ("peak memory of the first fit, MB", classifier(OURS, "peak_mb"), "<=", 150),
        (
            "peak memory from sequences to predictions, MB",
            median(results["pipeline"][OURS], "peak_mb"),
            "<=",
            400,
        ),
        (
            "fit: 88,587 words / 10,000 words",
            later["88,587 words, 16 units"] / later["10,000 words, 16 units"],
            "<=",
            2.0,
        ),
        (
            "fit: 64 units / 16 units",
            later["10,000 words, 64 units"] / later["10,000 words, 16 units"],
            "<=",
            2.5,
        ),
        (
            "fit on 1-3-grams: skimdb / MLPClassifier, first fits",
            median(ngrams[OURS], "fit") / median(ngrams[MLP], "fit"),
            "<=",
            1.0,
        ),
        (
            "peak memory of a fit on 1-3-grams, MB",
            median(ngrams[OURS], "peak_mb"),
            "<=",
            420,
        ),
        (
            "a million words: partial_fit of a batch / fit, per batch",
            million["partial_fit, one batch"] / million["fit, per batch"],
            "<=",
            1.5,
        ),
        (
            "a million words: predict one review, skimdb / MLPClassifier",
            million["predict, one review"] / million["MLPClassifier: predict, one review"],
            "<=",
            2.0,
        ),
        (
            "a million words: bytes of a pickle / of weights and slots",
            million["bytes of pickle / of weights and slots"],
            "<=",
            1.05,
        ),
    ]


def _left_out(variants: Mapping[str, Any], runs: Runs) -> str:
    names = [name for name in variants if name not in runs]
    return f" Not installed, and so left out: {', '.join(names)}." if names else ""


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return markdown_table(Table(header, rows))


def _runs_table(runs_by_name: Runs, columns: dict[str, str]) -> str:
    return _table(
        ["", *columns.values()],
        [
            [name, *(f"{median(runs, figure):.3g}" for figure in columns)]
            for name, runs in runs_by_name.items()
        ],
    )


def growth_figure(growth: dict[str, Any]) -> Figure:
    """Draw the seconds of an epoch against each size."""
    figure = Figure(figsize=(9, 6), layout="constrained")
    for ax, (size, cases) in zip(figure.subplots(2, 2).flat, growth.items(), strict=True):
        values = [int(value) for value in cases]
        for name, style in ((OURS, "o-"), (MLP, "s--")):
            ax.plot(values, [np.median(runs[name]) for runs in cases.values()], style, label=name)
        ax.set(xlabel=size.capitalize(), ylabel="Seconds of an epoch")
        if size == "layers":
            ax.set_ylim(bottom=0)
        else:
            ax.set(xscale="log", yscale="log")
        ax.set_xticks(values, [f"{value:,}" for value in values])
        ax.xaxis.minorticks_off()
        ax.grid(alpha=0.3)
        ax.legend()
    return figure
