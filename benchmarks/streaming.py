"""Training on two million reviews on disk, and predicting them.

Run with ``python -m benchmarks.streaming``, with pyarrow and distributed installed. It needs 5 GB
of disk for the reviews, which `make_reviews` generates. Each measurement is made in a process of
its own, and the variants take turns.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.progress import Progress

from benchmarks import _streams
from benchmarks._common import (
    RESULTS,
    machine,
    machine_line,
    measure_in_process,
    write_json,
    write_text,
)
from skimdb.utils._tables import Table, markdown_table

Results = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=__doc__)
    parser.add_argument("--reviews", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each variant")
    parser.add_argument("--folder", type=Path, help="where to put the reviews for a while")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.measure:
        print(json.dumps(_measure(*args.measure)))
        return
    with TemporaryDirectory(dir=args.folder) as folder:
        results = {"machine": machine(), **_run(Path(folder), args.reviews, args.repeats)}
    write_json(args.output / "streaming.json", results)
    write_text(args.output / "streaming.md", _page(results))
    print(_page(results))


def _measure(part: str, folder: str, name: str = "", seed: str = "0") -> Any:
    if part == "training":
        return _streams.measure_training(Path(folder), name, int(seed))
    if part == "prediction":
        return _streams.measure_prediction(Path(folder), name)
    return _streams.measure_resuming(Path(folder))


def _run(folder: Path, n_reviews: int, n_repeats: int) -> Results:
    training: dict[str, list[Results]] = {name: [] for name in _streams.TRAINING}
    prediction: dict[str, list[Results]] = {name: [] for name in _streams.PREDICTION}
    with Progress() as progress:
        task = progress.add_task("Generating", total=_streams.N_STEPS)
        for _ in _streams.make_files(folder, n_reviews):
            progress.advance(task)
        total = n_repeats * (len(training) + len(prediction))
        task = progress.add_task("Measuring", total=total)

        def measure(part: str, name: str, *more: str) -> Results:
            progress.update(task, description=name)
            measured: Results = measure_in_process("streaming", part, str(folder), name, *more)
            progress.advance(task)
            return measured

        for seed in range(n_repeats):
            for name, runs in training.items():
                runs.append(measure("training", name, str(seed)))
            for name, runs in prediction.items():
                runs.append(measure("prediction", name))
        return {
            "sizes": json.loads((folder / "sizes.json").read_text()),
            "training": training,
            "prediction": prediction,
            "resuming": measure_in_process("streaming", "resuming", str(folder)),
        }


def _median(runs: list[Results], figure: str) -> float:
    return float(np.median([run[figure] for run in runs]))


def _accuracy(runs: list[Results]) -> str:
    percent = 100 * np.array([run["accuracy"] for run in runs])
    return f"{np.median(percent):.2f} ({percent.min():.2f} to {percent.max():.2f})"


def _bars(results: Results) -> list[list[str]]:
    training = results["training"]
    bars = []
    for disk, memory in _streams.PAIRS.items():
        rate, peak, loss = (
            _median(training[memory], "seconds") / _median(training[disk], "seconds"),
            max(run["peak_mb"] for run in training[disk]),
            100 * (_median(training[memory], "accuracy") - _median(training[disk], "accuracy")),
        )
        bars += [
            [f"{disk}: rate, of that of {memory}", f"{rate:.2f}", "at least 0.5", rate >= 0.5],
            [f"{disk}: peak memory, MB", f"{peak:.0f}", "at most 1000", peak <= 1000],
            [f"{disk}: points of accuracy lost", f"{loss:.2f}", "at most 0.3", loss <= 0.3],
        ]
    return [[*row, "yes" if is_met else "**no**"] for *row, is_met in bars]


def _page(results: Results) -> str:
    sizes = results["sizes"]
    n_reviews = sizes["reviews"]
    bars = markdown_table(Table(["", "Measured", "Bar", "Met"], _bars(results)))
    training = markdown_table(
        Table(
            ["One pass over", "Seconds", "Reviews per second", "Peak memory, MB", "Accuracy, %"],
            [
                [
                    name,
                    f"{_median(runs, 'seconds'):.1f}",
                    f"{n_reviews / _median(runs, 'seconds'):,.0f}",
                    f"{_median(runs, 'peak_mb'):,.0f}",
                    _accuracy(runs),
                ]
                for name, runs in results["training"].items()
            ],
        )
    )
    prediction = markdown_table(
        Table(
            ["", "Seconds", "Reviews per second", "Peak memory, MB"],
            [
                [
                    name,
                    f"{_median(runs, 'seconds'):.1f}",
                    f"{n_reviews / _median(runs, 'seconds'):,.0f}",
                    f"{_median(runs, 'peak_mb'):,.0f}",
                ]
                for name, runs in results["prediction"].items()
            ],
        )
    )
    return f"""# More reviews than memory

`python -m benchmarks.streaming`, medians of {len(next(iter(results["training"].values())))} runs
with as many seeds. {machine_line(results["machine"])}

{n_reviews:,} generated reviews of {sizes["tokens"] / 1e6:,.0f} million words, of which the 10,000
most frequent are told apart: as {sizes["files"]} Parquet files of word indices
({sizes["parquet_mb"]:,.0f} MB, in row groups of {_streams.ROWS_PER_GROUP:,}), half of which have
negative reviews only and half positive ones; and as the arrays of a CSR matrix
({sizes["matrix_mb"]:,.0f} MB) in the same order. The network is the default one, with two hidden
layers of 16 units.

{bars}

## Training

From reviews, the time is that of reading, where they are streamed, vectorizing and training; from a
matrix, of training. Streamed reviews are shuffled in a buffer of {_streams.SHUFFLE_BUFFER:,}, and
trained on by `partial_fit` in batches of {_streams.BATCH_SIZE:,}; the others by `fit`. Files are in
the system's cache. Peak memory is the largest resident set, pages of mapped files included, beyond
that after imports. The accuracy is that on 25,000 other reviews.

{training}

## Prediction

By a pipeline that vectorizes 10,000 words, from and to Parquet files. The time includes the start
of workers; peak memory is the resident set of the process, or of the largest worker, imports
included.

{prediction}

A prediction that was stopped after {results["resuming"]["stopped_after"]} of {sizes["files"]} files
wrote {results["resuming"]["then_written"]} when it was called again.
"""


if __name__ == "__main__":
    main()
