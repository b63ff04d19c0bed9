"""Training on two million reviews on disk, and predicting them.

Run with ``python -m benchmarks.streaming``, with pyarrow and distributed installed. It needs 5 GB
of disk for the reviews, which `make_reviews` generates. Each measurement is made in a process of
its own, and the variants take turns.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.progress import Progress

from benchmarks._measure import measure_in_process, measure_in_turns, median
from benchmarks._results import (
    RESULTS,
    Parts,
    add_only,
    environment_lines,
    load_parts,
    update_parts,
    write_text,
)
from benchmarks.streaming import streams
from skimdb.utils._tables import Table, markdown_table

PARTS = ["training", "prediction", "resuming"]

Results = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=__doc__)
    parser.add_argument("--reviews", type=int, default=2_000_000)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each variant")
    parser.add_argument("--folder", type=Path, help="where to write the reviews temporarily")
    add_only(parser, PARTS)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.measure:
        print(json.dumps(_measure(*args.measure)))
        return
    path = args.output / "streaming.json"
    with TemporaryDirectory(dir=args.folder) as folder:
        sizes = _generate(Path(folder), args.reviews)
        for part in args.only:
            runs = _run(part, folder, args.repeats)
            update_parts(path, {part: {"sizes": sizes, "runs": runs}})
    write_text(args.output / "streaming.md", _page(load_parts(path)))
    print(args.output / "streaming.md")


def _measure(part: str, name: str, repeat: str, folder: str) -> Any:
    if part == "training":
        return streams.measure_training(Path(folder), name, seed=int(repeat))
    if part == "prediction":
        return streams.measure_prediction(Path(folder), name)
    return streams.measure_resuming(Path(folder))


def _generate(folder: Path, n_reviews: int) -> Results:
    with Progress() as progress:
        task = progress.add_task("Generating", total=streams.N_STEPS)
        for _ in streams.make_files(folder, n_reviews):
            progress.advance(task)
    sizes: Results = json.loads((folder / "sizes.json").read_text())
    return sizes


def _run(part: str, folder: str, n_repeats: int) -> Any:
    if part == "resuming":
        return measure_in_process("streaming", part, "", "0", folder)
    variants = streams.TRAINING if part == "training" else streams.PREDICTION
    return measure_in_turns("streaming", part, list(variants), n_repeats, folder)


def _accuracy(runs: list[Results]) -> str:
    percent = 100 * np.array([run["accuracy"] for run in runs])
    return f"{np.median(percent):.2f} ({percent.min():.2f} to {percent.max():.2f})"


def _bars(training: Results) -> list[list[str]]:
    bars = []
    for disk, memory in streams.PAIRS.items():
        rate, peak, loss = (
            median(training[memory], "seconds") / median(training[disk], "seconds"),
            max(run["peak_mb"] for run in training[disk]),
            100 * (median(training[memory], "accuracy") - median(training[disk], "accuracy")),
        )
        bars += [
            [f"{disk}: rate / rate in memory", f"{rate:.2f}", "at least 0.5", rate >= 0.5],
            [f"{disk}: peak memory, MB", f"{peak:.0f}", "at most 1000", peak <= 1000],
            [f"{disk}: points of accuracy lost", f"{loss:.2f}", "at most 0.3", loss <= 0.3],
        ]
    return [[*row, "yes" if is_met else "**no**"] for *row, is_met in bars]


def _page(parts: Parts) -> str:
    results = {name: part["result"] for name, part in parts.items()}
    sections = [section(**results[name]) for name, section in _SECTIONS.items() if name in results]
    command = "`python -m benchmarks.streaming`: medians of several runs with different seeds."
    return "\n\n".join(["# More reviews than memory", command, environment_lines(parts), *sections])


def _rates(runs: list[Results], n_reviews: int) -> list[str]:
    return [
        f"{median(runs, 'seconds'):.1f}",
        f"{n_reviews / median(runs, 'seconds'):,.0f}",
        f"{median(runs, 'peak_mb'):,.0f}",
    ]


def _training_section(sizes: Results, runs: Results) -> str:
    bars = markdown_table(Table(["", "Measured", "Bar", "Met"], _bars(runs)))
    table = markdown_table(
        Table(
            ["One pass over", "Seconds", "Reviews per second", "Peak memory, MB", "Accuracy, %"],
            [
                [name, *_rates(measured, measured[0]["reviews"]), _accuracy(measured)]
                for name, measured in runs.items()
            ],
        )
    )
    return f"""## Training

{sizes["reviews"]:,} generated reviews of {sizes["tokens"] / 1e6:,.0f} million words, of which the
10,000 most frequent are features, stored as {sizes["files"]} Parquet files of word indices
({sizes["parquet_mb"]:,.0f} MB, in row groups of {streams.ROWS_PER_GROUP:,}), half of which have
only negative reviews and half only positive ones. The network on words is the default one, with two
hidden layers of 16 units. The n-grams are the million most frequent words and bigrams of two of the
files, found before; their network has one hidden layer of 32 units and Adam.

{bars}

Reading, vectorizing and training count. Streamed reviews are shuffled in a buffer of
{streams.SHUFFLE_BUFFER:,} and trained on by `partial_fit` in batches of {streams.BATCH_SIZE:,}, the
others by `fit`. The files are in the system's cache. Peak memory is the largest resident set beyond
that before. The accuracy is that on 25,000 other reviews.

{table}
"""


def _prediction_section(sizes: Results, runs: Results) -> str:
    header = ["", "Seconds", "Reviews per second", "Peak memory, MB"]
    rows = [[name, *_rates(measured, sizes["reviews"])] for name, measured in runs.items()]
    return f"""## Prediction

{sizes["reviews"]:,} generated reviews, already encoded as word indices, are predicted by a pipeline
that vectorizes 10,000 words, from and to Parquet files. The time includes the start of workers.
Peak memory is the resident set of the process, or of the largest worker, imports included.

{markdown_table(Table(header, rows))}
"""


def _resuming_section(sizes: Results, runs: Results) -> str:
    return f"""## Continuing

A prediction that was stopped after {runs["stopped_after"]} of {sizes["files"]} files wrote
{runs["then_written"]} when it was called again.
"""


_SECTIONS: dict[str, Callable[..., str]] = {
    "training": _training_section,
    "prediction": _prediction_section,
    "resuming": _resuming_section,
}


if __name__ == "__main__":
    main()
