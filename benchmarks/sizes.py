"""The recommended pipeline on few texts and on many: seconds and memory of a fit.

Run with ``python -m benchmarks.sizes``, with the IMDB reviews in the data home. Each fit has a
process of its own and is a part of the results.
"""

import argparse
import json
import time
import warnings
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from benchmarks._data import load_texts
from benchmarks._measure import PeakMemory, measure_in_process
from benchmarks._results import (
    RESULTS,
    Parts,
    add_only,
    environment_lines,
    load_parts,
    update_parts,
    write_text,
)
from skimdb import make_text_classifier
from skimdb.utils._tables import Table, markdown_table

_REVIEWS, _SHORT = "reviews", "short texts"
_SIZES = {
    _REVIEWS: [50, 500, 5_000, 50_000, 100_000],
    _SHORT: [1_000, 10_000, 100_000, 1_000_000],
}
_N_WORDS = 20  # of a short text
_OURS, _CHARACTERS, _PEER = (
    "make_text_classifier",
    "make_text_classifier with characters",
    "tf-idf and logistic regression",
)
_MODELS = {_REVIEWS: [_OURS, _PEER], _SHORT: [_OURS, _CHARACTERS, _PEER]}
_LIMIT = "features__characters__characterencoder__max_word_frequency"
PARTS = [
    f"{n_texts} {kind}: {model}"
    for kind, models in _MODELS.items()
    for n_texts in _SIZES[kind]
    for model in models
]

Texts = tuple[list[str], NDArray[np.int64]]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizes", description=__doc__)
    add_only(parser, PARTS)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.measure:
        print(json.dumps(measure(args.measure)))
        return
    path = args.output / "sizes.json"
    with Progress() as progress:
        task = progress.add_task("", total=len(args.only))
        for part in args.only:
            progress.update(task, description=part)
            update_parts(path, {part: measure_in_process("sizes", part)})
            progress.advance(task)
    write_text(args.output / "sizes.md", _page(load_parts(path)))
    print(args.output / "sizes.md")


def measure(part: str) -> dict[str, float]:
    """Return the seconds and the peak memory of a fit."""
    size, model = part.split(": ")
    n_texts, kind = size.split(" ", 1)
    texts, labels = make_texts(kind, int(n_texts))
    pipeline = _make(model)
    _make(model).fit(texts[:50], labels[:50])  # what is loaded at the first fit
    memory = PeakMemory()
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a peer that does not converge
        pipeline.fit(texts, labels)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_mb": memory.megabytes()}


def make_texts(kind: str, n_texts: int) -> Texts:
    """Return texts in random order, and their labels.

    All 50,000 reviews are used. Further ones begin as one review and end as another with the same
    label. Short texts are pieces of reviews, which are cut a second time if more are needed.
    """
    halves = [load_texts("train"), load_texts("test")]
    reviews = [text.split() for texts, _ in halves for text in texts]
    labels = np.concatenate([y for _, y in halves])
    order = np.random.default_rng(0).permutation(len(reviews))
    make = _reviews if kind == _REVIEWS else _pieces
    chosen = list(islice(make(reviews, labels, order), n_texts))
    shuffled = np.random.default_rng(0).permutation(len(chosen))
    made_labels = np.array([label for _, label in chosen])
    return [chosen[i][0] for i in shuffled], made_labels[shuffled]


def _reviews(
    reviews: list[list[str]], labels: NDArray[np.int64], order: NDArray[np.int64]
) -> Iterator[tuple[str, int]]:
    for i in order:
        yield " ".join(reviews[i]), labels[i]
    for label in np.unique(labels):
        same = order[labels[order] == label]
        for i, j in zip(same, np.roll(same, 1), strict=True):
            first, second = reviews[i], reviews[j]
            yield " ".join(first[: len(first) // 2] + second[len(second) // 2 :]), label


def _pieces(
    reviews: list[list[str]], labels: NDArray[np.int64], order: NDArray[np.int64]
) -> Iterator[tuple[str, int]]:
    for first in (0, _N_WORDS // 2):
        for i in order:
            words = reviews[i]
            for start in range(first, len(words) - _N_WORDS + 1, _N_WORDS):
                yield " ".join(words[start : start + _N_WORDS]), labels[i]


def _make(model: str) -> Pipeline:
    if model == _PEER:
        return make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression())
    pipeline = make_text_classifier(random_state=0)
    return pipeline.set_params(**{_LIMIT: None}) if model == _CHARACTERS else pipeline


def _page(parts: Parts) -> str:
    tables = "\n\n".join(_table(kind, parts) for kind in _SIZES)
    return f"""# From fifty texts to a million

`python -m benchmarks.sizes`: a fit of `make_text_classifier`, which chooses the number of epochs
and is then trained on all texts, with its defaults and with n-grams of characters whatever the
texts; and of scikit-learn's `TfidfVectorizer(ngram_range=(1, 2))` with `LogisticRegression`, whose
parameters are not searched. Memory is the peak beyond imports and texts, of one fit in a process of
its own. The texts are those of IMDB's 50,000 reviews. Beyond 50,000, a review has the first half of
one of them and the second half of another with the same label. Short texts are pieces of
{_N_WORDS} words. Of a million, nearly half consist of the last ten words of one piece and the first
ten of the next.

{environment_lines(parts)}

{tables}
"""


def _table(kind: str, parts: Parts) -> str:
    models = _MODELS[kind]
    rows = []
    for n_texts in _SIZES[kind]:
        results = [parts.get(f"{n_texts} {kind}: {model}", {}).get("result") for model in models]
        rows.append(
            [
                f"{n_texts:,} {kind}",
                *(f"{result['seconds']:.1f}" if result else "" for result in results),
                *(f"{result['peak_mb']:,.0f}" if result else "" for result in results),
            ]
        )
    header = ["", *(f"{model}, s" for model in models), *(f"{model}, MB" for model in models)]
    return markdown_table(Table(header, rows))


if __name__ == "__main__":
    main()
