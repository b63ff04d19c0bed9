"""What a billion reviews would cost, at the rates that other benchmarks measured.

Run with ``python -m benchmarks.scale`` after `benchmarks.cluster` and `benchmarks.streaming`, whose
result files it reads. It measures nothing itself.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._measure import median
from benchmarks._results import RESULTS, environment_line, load_parts, write_text
from benchmarks.searches.variants import N_FITS
from skimdb.utils._tables import Table, markdown_table

_N_REVIEWS = 10**9
_N_PASSES = 4
# A search among networks need not see all reviews.
_SAMPLE = 10**6
_MACHINES = (1, 10, 100)

Rates = dict[str, float]


def main(argv: Sequence[str] | None = None) -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args(argv)
    streaming = load_parts(args.results / "streaming.json")
    cluster = load_parts(args.results / "cluster.json")
    results = {name: part["result"] for name, part in {**streaming, **cluster}.items()}
    line = environment_line(streaming["training"]["environment"])
    write_text(args.results / "scale.md", _page(results, line))
    print(args.results / "scale.md")


def _rates(results: dict[str, Any]) -> Rates:
    """Return reviews per second of one machine, and what a review takes on disk."""
    training = results["training"]
    sizes = training["sizes"]
    n_reviews = sizes["reviews"]
    runs = {**training["runs"], **results["prediction"]["runs"]}
    seconds = {name: median(measured, "seconds") for name, measured in runs.items()}
    cluster = {size: np.median(times) for size, times in results["cluster"]["seconds"].items()}
    workers = max(map(int, cluster))
    return {
        "train": n_reviews / seconds["words streamed"],
        "predict": n_reviews / seconds["predict_files, two threads"],
        "parquet bytes": 1e6 * sizes["parquet_mb"] / n_reviews,
        "peak_mb": max(run["peak_mb"] for run in training["runs"]["words streamed"]),
        "workers": workers,
        "speedup": float(cluster["0"] / cluster[str(workers)]),
    }


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.2g}" if seconds < 36_000 else f"{seconds / 3600:,.0f}"


def _rows(rates: Rates) -> list[list[str]]:
    """Return the hours that each task takes, by the number of machines."""
    fit = _N_PASSES * _N_REVIEWS / rates["train"]
    fit_of_sample = _N_PASSES * _SAMPLE / rates["train"]
    # The whole on one machine, of which a search makes use as measured, and what cannot be divided.
    tasks = {
        f"one network, {_N_PASSES} passes": (fit, fit),
        "prediction of all": (_N_REVIEWS / rates["predict"], 0),
        f"search of {N_FITS} fits on a sample of {_SAMPLE:,}": (
            N_FITS * fit_of_sample / rates["speedup"],
            fit_of_sample,
        ),
        f"search of {N_FITS} fits on all": (N_FITS * fit / rates["speedup"], fit),
    }
    return [
        [what, *(_hours(max(whole / n, indivisible)) for n in _MACHINES)]
        for what, (whole, indivisible) in tasks.items()
    ]


def _page(results: dict[str, Any], environment: str) -> str:
    rates = _rates(results)
    table = markdown_table(
        Table(["Hours on machines like this one", *map(str, _MACHINES)], _rows(rates))
    )
    megabytes_per_second = rates["train"] * rates["parquet bytes"] / 1e6
    terabytes = _N_REVIEWS * rates["parquet bytes"] / 1e12
    one_network = _N_PASSES * _N_REVIEWS / rates["train"] / 3600
    return f"""# A billion reviews, on paper

`python -m benchmarks.scale` computes this from the rates on the pages about
[clusters](cluster.md) and [streaming](streaming.md); nothing here was run. Measured {environment}

## Measured

On one such machine, {rates["train"]:,.0f} reviews a second are streamed from Parquet, vectorized
and trained on, in {rates["peak_mb"]:,.0f} MB of memory; and {rates["predict"]:,.0f} are predicted
by two threads. With {rates["workers"]:.0f} workers on its two cores a search is
{rates["speedup"]:.2f} times as fast as with one job. A review takes {rates["parquet bytes"]:,.0f}
bytes as Parquet.

## What a billion would cost

{_N_REVIEWS:,} reviews are {terabytes:.2g} TB as Parquet.

{table}

Memory stays what it is: training and prediction hold buffers only. Predictions are by file, and the
fits of a search by worker, so that more machines divide their time, down to that of one fit; a
single network is trained in one place.

## The first bottleneck

It is the training of a single network. Its steps come one after the other: {one_network:,.1f} hours
for {_N_PASSES} passes stay {one_network:,.1f} hours with a hundred machines. Reading is far from
it, since training takes {megabytes_per_second:,.0f} MB of Parquet a second. A search need not see
everything: on the third of a sample of {_SAMPLE:,} that a fold holds out, the standard error of an
accuracy of 90 % is 0.05 points.

The second one would be storage that all workers share: {_MACHINES[-1]} machines that predict take
{_MACHINES[-1] * rates["predict"] * rates["parquet bytes"] / 1e6:,.0f} MB a second together.

The third one is n-grams. They are learnt from all reviews in memory; for a billion they would have
to be learnt from a sample, or be hashed.

## What would change then

1. Training in parallel on parts of the reviews: a network per machine, whose weights are averaged
   every so many steps. `iter_batches` and `partial_fit` are what a machine would do between two
   averages; averaging is not in skimdb.
2. Larger batches on a graphics card. The first layer is then a sum of embeddings, which Keras has.
"""


if __name__ == "__main__":
    main()
