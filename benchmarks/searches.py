"""What a search gains from two cores, by each backend of joblib, and from a pipeline's memory.

Run with ``python -m benchmarks.searches``, with the IMDB reviews where
`skimdb.datasets.fetch_imdb` finds its data, and distributed and ray installed. Each measurement is
made in a process of its own, and the variants take turns.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from benchmarks import _searches
from benchmarks._common import (
    RESULTS,
    machine,
    machine_line,
    measure_in_process,
    write_json,
    write_text,
)
from skimdb.utils._tables import Table, markdown_table

_VARIANTS = {
    "backend": list(_searches.BACKENDS),
    "memory": ["no memory", "memory"],
    "key": ["key"],
}

Runs = dict[str, list[dict[str, Any]]]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.searches", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each variant")
    parser.add_argument("--only", choices=list(_VARIANTS), help="the part to measure anew")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.measure:
        print(json.dumps(_measure(*args.measure)))
        return
    path = args.output / "searches.json"
    kept = json.loads(path.read_text()) if args.only else {}
    parts = [args.only] if args.only else list(_VARIANTS)
    results = {**kept, "machine": machine(), **_run(parts, args.repeats)}
    write_json(path, results)
    write_text(args.output / "searches.md", _page(results))
    print(_page(results))


def _measure(part: str, name: str) -> Any:
    if part == "backend":
        return _searches.measure_backend(name)
    return _searches.measure_memory(name) if part == "memory" else _searches.measure_key()


def _run(parts: Sequence[str], n_repeats: int) -> dict[str, Runs]:
    results: dict[str, Runs] = {part: {name: [] for name in _VARIANTS[part]} for part in parts}
    with Progress() as progress:
        task = progress.add_task("Measuring", total=n_repeats * sum(map(len, results.values())))
        for _ in range(n_repeats):
            for part, runs in results.items():
                for name, measured in runs.items():
                    progress.update(task, description=f"{part}: {name}")
                    measured.append(measure_in_process("searches", part, name))
                    progress.advance(task)
    return results


def _median(runs: list[dict[str, Any]], *path: str) -> float:
    values = []
    for run in runs:
        value: Any = run
        for name in path:
            value = value[name]
        values.append(value)
    return float(np.median(values))


def _backend_rows(runs: Runs) -> list[list[str]]:
    serial = runs["one job"]
    rows = []
    for name, measured in runs.items():
        first = [run["start"] + run["first"] for run in measured]
        later = [run["later"] for run in measured]
        ratio = np.median(np.divide(later, [run["later"] for run in serial]))
        is_same = all(run["scores"] == serial[0]["scores"] for run in measured)
        rows.append(
            [
                name,
                f"{np.median(first):.1f}",
                f"{np.median(later):.1f}",
                f"{ratio:.2f}",
                f"{_searches.N_FITS / np.median(later):.2f}",
                "yes" if is_same else "**no**",
            ]
        )
    return rows


def _page(results: dict[str, Any]) -> str:
    backends = markdown_table(
        Table(
            [
                "Backend",
                "First search and start, s",
                "Later searches, s",
                "Later / one job",
                "Fits per second",
                "Scores of one job",
            ],
            _backend_rows(results["backend"]),
        )
    )
    memory = markdown_table(
        Table(
            ["", "Search, s", "fit_transform", "s", "transform", "s"],
            [
                [
                    name,
                    f"{_median(runs, 'seconds'):.1f}",
                    *(
                        text
                        for method in ("fit_transform", "transform")
                        for text in (
                            f"{_median(runs, 'counts', method):.0f}",
                            f"{_median(runs, 'seconds_of', method):.1f}",
                        )
                    ),
                ]
                for name, runs in results["memory"].items()
            ],
        )
    )
    keys = results["key"]["key"]
    return f"""# Searches on one machine

`python -m benchmarks.searches`, medians of {len(keys)} runs.
{machine_line(results["machine"])}

## Two cores

A grid search of {_searches.N_FITS} fits on the 25,000 training reviews: 5 learning rates, 8 to 64
units, 3 folds, of a pipeline that vectorizes 10,000 words and trains for 4 epochs. Two jobs, or
one. The process has loaded TensorFlow; starting a backend, and having its workers load TensorFlow,
counts in the first search. Scores are compared to the bit.

{backends}

## A pipeline's memory

A grid search of 24 fits in one job: 8 networks of one hidden layer on 3 folds, on the words, pairs
and triples of at least two reviews, scaled by their log-count ratios. How often the vectorizer is
fitted and applied, and for how long.

{memory}

The key of a fold of two thirds of the reviews takes {1000 * _median(keys, "key"):.0f} ms, a hash of
their indices as one array {1000 * _median(keys, "flat"):.0f} ms, and the key of an ordinary object
array of them {1000 * _median(keys, "objects"):.0f} ms.
"""


if __name__ == "__main__":
    main()
