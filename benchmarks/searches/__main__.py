"""What a search gains from two cores, by each backend of joblib, and from a pipeline's memory.

Run with ``python -m benchmarks.searches``, with the IMDB reviews where
`skimdb.datasets.fetch_imdb` finds its data, and distributed and ray installed. Each measurement is
made in a process of its own, and the variants take turns.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._measure import measure_in_turns, median
from benchmarks._results import (
    RESULTS,
    Parts,
    add_only,
    environment_lines,
    load_parts,
    update_parts,
    write_text,
)
from benchmarks.searches import variants
from skimdb.utils._tables import Table, markdown_table

# The variants of each part.
PARTS = {
    "backend": list(variants.BACKENDS),
    "memory": ["no memory", "memory"],
    "key": ["key"],
}

Runs = dict[str, list[dict[str, Any]]]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.searches", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each variant")
    add_only(parser, list(PARTS))
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.measure:
        print(json.dumps(_measure(*args.measure)))
        return
    path = args.output / "searches.json"
    for part in args.only:
        update_parts(path, {part: measure_in_turns("searches", part, PARTS[part], args.repeats)})
    write_text(args.output / "searches.md", _page(load_parts(path)))
    print(args.output / "searches.md")


def _measure(part: str, name: str, repeat: str) -> Any:
    if part == "backend":
        return variants.measure_backend(name)
    return variants.measure_memory(name) if part == "memory" else variants.measure_key()


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
                f"{variants.N_FITS / np.median(later):.2f}",
                "yes" if is_same else "**no**",
            ]
        )
    return rows


def _page(parts: Parts) -> str:
    results = {name: part["result"] for name, part in parts.items()}
    sections = [section(results[name]) for name, section in _SECTIONS.items() if name in results]
    command = "`python -m benchmarks.searches`: medians of several runs."
    return "\n\n".join(["# Searches on one machine", command, environment_lines(parts), *sections])


def _backend_section(runs: Runs) -> str:
    header = [
        "Backend",
        "First search and start, s",
        "Later searches, s",
        "Later / one job",
        "Fits per second",
        "Scores of one job",
    ]
    return f"""## Two cores

A grid search of {variants.N_FITS} fits on the 25,000 training reviews: 5 learning rates, 8 to 64
units, 3 folds, of a pipeline that vectorizes 10,000 words and trains for 4 epochs. Two jobs, except
for "one job". The process has loaded TensorFlow. The first search includes the start of the
backend, whose workers load TensorFlow. The last column says whether the scores are those of one
job, to the bit.

{markdown_table(Table(header, _backend_rows(runs)))}
"""


def _memory_section(runs: Runs) -> str:
    rows = [
        [
            name,
            f"{median(measured, 'seconds'):.1f}",
            *(
                text
                for method in ("fit_transform", "transform")
                for text in (
                    f"{median(measured, 'counts', method):.0f}",
                    f"{median(measured, 'seconds_of', method):.1f}",
                )
            ),
        ]
        for name, measured in runs.items()
    ]
    header = ["", "Search, s", "fit_transform", "s", "transform", "s"]
    return f"""## A pipeline's memory

A grid search of 24 fits in one job: 8 networks of one hidden layer on 3 folds, on the words, pairs
and triples of at least two reviews, scaled by their log-count ratios. The table has the calls of
the vectorizer's methods and the seconds that they take.

{markdown_table(Table(header, rows))}
"""


def _key_section(runs: Runs) -> str:
    keys = runs["key"]
    return f"""## The key of a fold

`Pipeline(memory=...)` identifies a fold by a hash of its reviews. For two thirds of the training
reviews it takes {1000 * median(keys, "key"):.0f} ms. A hash of their indices as one array takes
{1000 * median(keys, "flat"):.0f} ms, and that of an ordinary object array of them
{1000 * median(keys, "objects"):.0f} ms.
"""


_SECTIONS: dict[str, Callable[[Runs], str]] = {
    "backend": _backend_section,
    "memory": _memory_section,
    "key": _key_section,
}


if __name__ == "__main__":
    main()
