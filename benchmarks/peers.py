"""Accuracy and size of fastText on the IMDB reviews, beside the figures of the leaderboard.

Run with ``python -m benchmarks.peers``, with the extra ``peers`` installed. Nothing is timed.
"""

import argparse
import re
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from benchmarks._data import load_texts
from benchmarks._results import RESULTS, Parts, environment_lines, update_parts, write_text
from skimdb.utils._tables import Table, markdown_table

_GRID = {"wordNgrams": [2, 3], "epoch": [5, 10]}
_N_SEEDS = 3


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args(argv)
    parts = update_parts(args.output / "peers.json", {"fastText": _fasttext()})
    write_text(args.output / "peers.md", _page(parts))
    print(args.output / "peers.md")


def _fasttext() -> dict[str, Any]:
    texts, labels = load_texts("train")
    lines = np.array([_line(text) for text in texts])
    order = np.random.default_rng(0).permutation(len(lines))
    train, validation = order[5_000:], order[:5_000]
    candidates = [dict(zip(_GRID, values, strict=True)) for values in product(*_GRID.values())]
    test_texts, test_labels = load_texts("test")
    test_lines = np.array([_line(text) for text in test_texts])
    with Progress() as progress:
        task = progress.add_task("Training", total=len(candidates) + _N_SEEDS)
        scores = []
        for candidate in candidates:
            model = _train(lines[train], labels[train], candidate, seed=0)
            scores.append(_accuracy(model, lines[validation], labels[validation]))
            progress.advance(task)
        chosen = candidates[int(np.argmax(scores))]
        accuracies = []
        for seed in range(_N_SEEDS):
            model = _train(lines, labels, chosen, seed)
            accuracies.append(_accuracy(model, test_lines, test_labels))
            progress.advance(task)
    return {"chosen": chosen, "accuracies": accuracies, "megabytes": _megabytes(model)}


def _line(text: str) -> str:
    """Return a text as fastText's tutorial prepares it: lower case, marks as words."""
    return re.sub(r"\s+", " ", re.sub(r"([.!?,'/()])", r" \1 ", text.lower()))


def _train(lines: NDArray[Any], labels: NDArray[Any], parameters: dict[str, int], seed: int) -> Any:
    import fasttext

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.txt")
        rows = (f"__label__{label} {line}\n" for label, line in zip(labels, lines, strict=True))
        path.write_text("".join(rows))
        # With one thread, a seed gives one result.
        return fasttext.train_supervised(
            str(path), lr=0.5, thread=1, seed=seed, verbose=0, **parameters
        )


def _accuracy(model: Any, lines: NDArray[Any], labels: NDArray[Any]) -> float:
    predicted, _ = model.predict(lines.tolist())
    return float(
        np.mean([int(first[0][-1]) == y for first, y in zip(predicted, labels, strict=True)])
    )


def _megabytes(model: Any) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.bin")
        model.save_model(str(path))
        return path.stat().st_size / 1e6


def _page(parts: Parts) -> str:
    result = parts["fastText"]["result"]
    accuracies = 100 * np.array(result["accuracies"])
    row = [
        "fastText, supervised",
        ", ".join(f"{name} {value}" for name, value in result["chosen"].items()),
        f"{np.median(accuracies):.2f}",
        f"{accuracies.min():.2f} to {accuracies.max():.2f}",
        f"{result['megabytes']:.0f}",
    ]
    header = ["Classifier", "Chosen", "Accuracy, %", "Range", "On disk, MB"]
    return f"""# fastText on the IMDB reviews

`python -m benchmarks.peers`: fastText's supervised classifier on the raw texts, prepared as in its
tutorial, with the learning rate 0.5 and one thread, so that a seed gives one result. The length of
the word n-grams and the number of epochs are chosen on a fifth of the training reviews; then
{_N_SEEDS} seeds are trained on all of them. The accuracies on the 25,000 test reviews compare with
those of the [leaderboard](leaderboard/leaderboard.md).

{environment_lines(parts)}

{markdown_table(Table(header, [row]))}
"""


if __name__ == "__main__":
    main()
