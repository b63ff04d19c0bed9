"""How fast vectorizing, fitting, predicting and searching are, beside the peers.

Run with ``python -m benchmarks.speed``, with the IMDB reviews and ``imdb_train.parquet`` where
`skimdb.datasets.fetch_imdb` finds its data. Each measurement is made in a process of its own, and
the variants take turns, so that a slower minute of the machine slows all of them.
"""

import argparse
import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from rich.progress import Progress

from benchmarks import _speed_variants as variants
from benchmarks._common import (
    RESULTS,
    machine,
    machine_line,
    measure_in_process,
    write_json,
    write_text,
)
from skimdb.utils._tables import Table, markdown_table

_SLOW = "Keras CategoryEncoding, a call per review"
_SLOW_TEXTS = "CountVectorizer, 1-3-grams"
_REQUIRES = {"skorch on CSR": "skorch", "skimdb, Arrow": "pyarrow"}
_OURS, _MLP, _SCIKERAS = "skimdb", "MLPClassifier", "plain scikeras on CSR"

PARTS = [
    "vectorize",
    "texts",
    "classify",
    "pipeline",
    "n-grams",
    "search",
    "words and units",
    "growth",
]

Runs = dict[str, list[dict[str, float]]]
Results = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each variant")
    parser.add_argument(
        "--only", help=f"parts to measure anew, the others being kept, of {','.join(PARTS)}"
    )
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.measure:
        print(json.dumps(_measure(*args.measure)))
        return
    path = args.output / "speed.json"
    parts = args.only.split(",") if args.only else PARTS
    if unknown := sorted(set(parts) - set(PARTS)):
        parser.error(f"argument --only: there is no part {', '.join(unknown)}")
    kept = json.loads(path.read_text()) if args.only else {}
    results = _run(parts, args.repeats, kept)
    write_json(path, results)
    write_text(args.output / "speed.md", _page(results))
    mpl.use("Agg")
    _figure(results["growth"]).savefig(args.output / "speed.png", dpi=100)
    print(_page(results))


def _measure(kind: str, name: str, n_repeats: str = "1") -> Any:
    """Measure in this process."""
    functions: dict[str, Callable[[], Any]] = {
        "vectorize": lambda: variants.measure_vectorizer(name),
        "classify": lambda: variants.measure_classifier(name),
        "pipeline": variants.measure_pipeline,
        "n-grams": lambda: variants.measure_ngrams(name),
        "texts": lambda: variants.measure_texts(name),
        "search": lambda: variants.measure_search(name),
        "growth": lambda: variants.measure_growth(name, int(n_repeats)),
        "words and units": lambda: variants.measure_words_and_units(int(n_repeats)),
    }
    return functions[kind]()


def _run(parts: Sequence[str], n_repeats: int, kept: Results) -> Results:
    """Measure some parts; the others are as they are kept."""
    vectorizers = _installed(variants.VECTORIZERS)
    classifiers = _installed(variants.CLASSIFIERS)
    sizes = list(variants.growth_cases())
    # What takes turns, and what is slow out of proportion or repeats within, and runs once.
    names: dict[str, tuple[list[str], list[str]]] = {
        "vectorize": ([name for name in vectorizers if name != _SLOW], [_SLOW]),
        "texts": ([name for name in variants.TEXT_WAYS if name != _SLOW_TEXTS], [_SLOW_TEXTS]),
        "classify": (classifiers, []),
        "pipeline": ([_OURS], []),
        "n-grams": ([_OURS, _MLP], []),
        "search": ([_OURS, _MLP], [_SCIKERAS]),
        "words and units": ([], ["all"]),
        "growth": ([], sizes),
    }
    total = sum(n_repeats * len(names[part][0]) + len(names[part][1]) for part in parts)
    results = {**kept, "machine": machine()}
    results["left_out"] = [
        name
        for name in [*variants.VECTORIZERS, *variants.CLASSIFIERS]
        if name not in {*vectorizers, *classifiers}
    ]
    with Progress() as progress:
        task = progress.add_task("Measuring", total=total)

        def measure(part: str, name: str) -> Any:
            progress.update(task, description=f"{part}: {name}")
            repeats_within = part in ("words and units", "growth")
            measured = measure_in_process("speed", part, name, *[str(n_repeats)] * repeats_within)
            progress.advance(task)
            return measured

        for part in parts:
            repeated, once = names[part]
            rounds = [{name: measure(part, name) for name in repeated} for _ in range(n_repeats)]
            results[part] = {
                **{name: [measured[name] for measured in rounds] for name in repeated},
                **{name: measure(part, name) for name in once},
            }
            if repeated:
                results[part] |= {name: [results[part][name]] for name in once}
    results["words and units"] = results["words and units"].get("all", results["words and units"])
    return results


def _installed(names: Sequence[str] | dict[str, Any]) -> list[str]:
    return [
        name
        for name in names
        if name not in _REQUIRES or importlib.util.find_spec(_REQUIRES[name]) is not None
    ]


def _median(runs: list[dict[str, float]], figure: str) -> float:
    return float(np.median([run[figure] for run in runs]))


def _bars(results: Results) -> list[tuple[str, float, str, float]]:
    """Return what each ratio compares, its value, and the bar it is to meet."""
    vectorize, classify, search = results["vectorize"], results["classify"], results["search"]
    ngrams = results["n-grams"]
    later = {name: float(np.median(runs)) for name, runs in results["words and units"].items()}

    def first_call(name: str) -> float:
        return _median(vectorize[name], "first")

    def classifier(name: str, figure: str) -> float:
        return _median(classify[name], figure)

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
            classifier(_SCIKERAS, "first_fit") / classifier(_OURS, "first_fit"),
            ">=",
            8,
        ),
        (
            "fit: skimdb, first fit / MLPClassifier, later fits",
            classifier(_OURS, "first_fit") / classifier(_MLP, "later_fit"),
            "<=",
            1.5,
        ),
        (
            "fit: skimdb, later fits / MLPClassifier, later fits",
            classifier(_OURS, "later_fit") / classifier(_MLP, "later_fit"),
            "<=",
            0.8,
        ),
        (
            "24-fit grid search: skimdb / MLPClassifier",
            _median(search[_OURS], "seconds") / _median(search[_MLP], "seconds"),
            "<=",
            0.9,
        ),
        (
            "predict, warm: skimdb / MLPClassifier",
            classifier(_OURS, "warm_predict") / classifier(_MLP, "warm_predict"),
            "<=",
            1.0,
        ),
        ("peak memory of the first fit, MB", classifier(_OURS, "peak_mb"), "<=", 150),
        (
            "peak memory from sequences to predictions, MB",
            _median(results["pipeline"][_OURS], "peak_mb"),
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
            _median(ngrams[_OURS], "fit") / _median(ngrams[_MLP], "fit"),
            "<=",
            1.0,
        ),
        (
            "peak memory of a fit on 1-3-grams, MB",
            _median(ngrams[_OURS], "peak_mb"),
            "<=",
            1500,
        ),
    ]


def _page(results: Results) -> str:
    bars = _table(
        ["Ratio", "Measured", "Bar", "Met"],
        [
            [
                name,
                f"{value:.3g}",
                f"{relation} {bar:g}",
                "yes" if (value >= bar if relation == ">=" else value <= bar) else "**no**",
            ]
            for name, value, relation, bar in _bars(results)
        ],
    )
    vectorize = _runs_table(
        results["vectorize"],
        {"first": "First call, s", "later": "Later calls, s", "peak_mb": "Peak memory, MB"},
    )
    texts = _runs_table(results["texts"], {"seconds": "Seconds"})
    classify = _runs_table(
        results["classify"],
        {
            "first_fit": "First fit, s",
            "later_fit": "Later fits, s",
            "first_predict": "First predict, s",
            "warm_predict": "Later predicts, s",
            "peak_mb": "Peak memory, MB",
            "accuracy": "Test accuracy",
        },
    )
    ngrams = _runs_table(results["n-grams"], {"fit": "First fit, s", "peak_mb": "Peak memory, MB"})
    ngram_runs = results["n-grams"][_OURS]
    search = _runs_table(results["search"], {"seconds": "Seconds"})
    growth = "\n\n".join(
        f"By {size}:\n\n"
        + _table(
            [size.capitalize(), "skimdb, s", "MLPClassifier, s", "Ratio"],
            [
                [
                    f"{int(value):,}",
                    *(f"{np.median(runs[name]):.3f}" for name in (_OURS, _MLP)),
                    f"{np.median(np.divide(runs[_OURS], runs[_MLP])):.2f}",
                ]
                for value, runs in cases.items()
            ],
        )
        for size, cases in results["growth"].items()
    )
    left_out = ", ".join(results["left_out"]) or "none"
    n_runs = len(results["classify"][_OURS])
    return f"""# Speed

`python -m benchmarks.speed`, medians of {n_runs} runs. {machine_line(results["machine"])}

Left out because it is not installed: {left_out}. Each section is one run in which the variants take
turns; sections may have been measured at different times.

## Ratios

On the 25,000 + 25,000 IMDB reviews. The network has two hidden layers of 16 units and is trained
for 4 epochs in batches of 512 on the same float32 CSR matrix of 10,000 words; by RMSprop, which
MLPClassifier does not have: it uses Adam.

{bars}

## Vectorizing 25,000 reviews

Each in a fresh process: the first call pays for the memory that it touches for the first time,
which in the notebooks' loop is a matrix of 2 GB. Peak memory is beyond the input's. One run of
CategoryEncoding.

{vectorize}

## From raw text

The texts of the 25,000 training reviews (``imdb_train.parquet``), one call in a fresh process. One
run of CountVectorizer on 1-3-grams.

{texts}

## Fitting on 25,000 reviews and predicting 25,000 others

Times do not include imports. Peak memory is that of the first fit, beyond imports and data. The
accuracies are of runs with different seeds.

{classify}

## A million features

The {_median(ngram_runs, "features"):,.0f} words, pairs and triples that two or more of the training
reviews contain, which MultiHotVectorizer finds in {_median(ngram_runs, "vectorize"):.3g} s; scaled
by their log-count ratios. One hidden layer of 16 units, 2 epochs of Adam in batches of 512. Memory
is beyond imports and data.

{ngrams}

## Grid search with 24 fits

Units 8 and 16, learning rates 0.001 and 0.002, 2 and 4 epochs, 3 folds, and the final fit. One run
of plain scikeras.

{search}

## How the time of an epoch grows

Generated reviews; 25,000 of them, 10,000 words, 16 units and two hidden layers where not said
otherwise. With more words there are as many entries: each word is divided at random among several.

{growth}

![Seconds of an epoch by rows, words, units and layers](speed.png)
"""


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return markdown_table(Table(header, rows))


def _runs_table(runs_by_name: Runs, columns: dict[str, str]) -> str:
    return _table(
        ["", *columns.values()],
        [
            [name, *(f"{_median(runs, figure):.3g}" for figure in columns)]
            for name, runs in runs_by_name.items()
        ],
    )


def _figure(growth: dict[str, Any]) -> Figure:
    figure = Figure(figsize=(9, 6), layout="constrained")
    for ax, (size, cases) in zip(figure.subplots(2, 2).flat, growth.items(), strict=True):
        values = [int(value) for value in cases]
        for name, style in ((_OURS, "o-"), (_MLP, "s--")):
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


if __name__ == "__main__":
    main()
