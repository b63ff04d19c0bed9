"""How fast vectorizing, fitting, predicting and searching are, beside the peers.

Run with ``python -m benchmarks.speed``, with the IMDB reviews and ``imdb_train.parquet`` where
`skimdb.datasets.fetch_imdb` finds its data. Each measurement is made in a process of its own, and
the variants take turns, so that a slow minute of the machine slows all of them.
"""

import argparse
import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks._measure import measure_in_turns
from benchmarks._results import RESULTS, add_only, load_parts, update_parts, write_text
from benchmarks.searches.variants import measure_backend
from benchmarks.speed.classifiers import CLASSIFIERS, measure_classifier, measure_pipeline
from benchmarks.speed.fits import (
    growth_cases,
    measure_growth,
    measure_million_words,
    measure_ngrams,
    measure_search,
    measure_words_and_units,
)
from benchmarks.speed.page import (
    MLP,
    ONE_JOB,
    OURS,
    SCIKERAS,
    TWO_THREADS,
    growth_figure,
    make_page,
)
from benchmarks.speed.vectorizers import (
    TEXT_WAYS,
    VECTORIZERS,
    measure_texts,
    measure_vectorizer,
)

_SLOW = ["Keras CategoryEncoding, a call per review", "CountVectorizer, 1-3-grams", SCIKERAS]
_REQUIRES = {"skorch on CSR": "skorch", "skimdb, Arrow": "pyarrow"}

# The variants of each part.
PARTS: dict[str, list[str]] = {
    "vectorize": list(VECTORIZERS),
    "texts": list(TEXT_WAYS),
    "classify": list(CLASSIFIERS),
    "pipeline": [OURS],
    "n-grams": [OURS, MLP],
    "search": [OURS, MLP, SCIKERAS],
    "joblib": [ONE_JOB, TWO_THREADS],
    "words and units": [OURS],
    "a million words": [OURS],
    "growth": list(growth_cases()),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each variant")
    add_only(parser, list(PARTS))
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.measure:
        print(json.dumps(_measure(*args.measure)))
        return
    mpl.use("Agg")
    path = args.output / "speed.json"
    for part in args.only:
        update_parts(path, {part: _run(part, args.repeats)})
    parts = load_parts(path)
    write_text(args.output / "speed.md", make_page(parts))
    if "growth" in parts:
        growth_figure(parts["growth"]["result"]).savefig(args.output / "speed.png", dpi=100)
    print(args.output / "speed.md")


def _measure(part: str, name: str, repeat: str, n_repeats: str = "1") -> Any:
    """Measure in this process."""
    functions: dict[str, Callable[[], Any]] = {
        "vectorize": lambda: measure_vectorizer(name),
        "classify": lambda: measure_classifier(name),
        "pipeline": measure_pipeline,
        "n-grams": lambda: measure_ngrams(name),
        "texts": lambda: measure_texts(name),
        "search": lambda: measure_search(name),
        "joblib": lambda: {"seconds": measure_backend(name)["later"]},
        "growth": lambda: measure_growth(name, int(n_repeats)),
        "words and units": lambda: measure_words_and_units(int(n_repeats)),
        "a million words": lambda: measure_million_words(int(n_repeats)),
    }
    return functions[part]()


def _run(part: str, n_repeats: int) -> Any:
    names = [name for name in PARTS[part] if _is_installed(name)]
    if part in ("growth", "words and units", "a million words"):  # these repeat within one process
        runs = measure_in_turns("speed", part, names, 1, str(n_repeats))
        once = {name: measured[0] for name, measured in runs.items()}
        return once if part == "growth" else once[OURS]
    often = [name for name in names if not (name in _SLOW and part != "classify")]
    slow = [name for name in names if name not in often]
    return {
        **measure_in_turns("speed", part, often, n_repeats),
        **measure_in_turns("speed", part, slow, 1),
    }


def _is_installed(name: str) -> bool:
    return name not in _REQUIRES or importlib.util.find_spec(_REQUIRES[name]) is not None


if __name__ == "__main__":
    main()
