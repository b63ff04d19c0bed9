"""How many fits per second a Dask cluster makes, by its number of workers.

Run with ``python -m benchmarks.cluster``, for two worker processes on this machine, or with
``--scheduler tcp://host:8786`` for whatever cluster the address names, whose workers need skimdb
installed. The IMDB reviews must be where `skimdb.datasets.fetch_imdb` finds its data, here alone.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import joblib
import numpy as np
from rich.progress import Progress

from benchmarks._data import load_imdb
from benchmarks._results import RESULTS, Parts, environment_lines, update_parts, write_text
from benchmarks.searches.variants import N_FITS, make_search, scores
from skimdb.model_selection import dask_client
from skimdb.utils._tables import Table, markdown_table


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--scheduler", help="address of the cluster; by default one is started")
    parser.add_argument("--repeats", type=int, default=3, help="searches for each size")
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args(argv)
    local = {} if args.scheduler else {"n_workers": 2, "threads_per_worker": 1}
    with dask_client(args.scheduler, **local) as client:
        results = {"cluster": _run(client, args.repeats)}
    parts = update_parts(args.output / "cluster.json", results)
    write_text(args.output / "cluster.md", _page(parts))
    print(args.output / "cluster.md")


def _run(client: Any, n_repeats: int) -> dict[str, Any]:
    """Search with one job here, then on an increasing number of workers, in turns."""
    X, y = load_imdb("train")
    threads = client.nthreads()
    workers = sorted(threads)
    sizes = [2**i for i in range(len(workers).bit_length()) if 2**i < len(workers)]
    sizes.append(len(workers))
    serial = make_search(1)
    serial.estimator.fit(X[:1000], y[:1000])  # TensorFlow starts in its first fit.
    seconds: dict[str, list[float]] = {str(size): [] for size in [0, *sizes]}
    differing = 0
    with Progress() as progress:
        task = progress.add_task("Searching", total=n_repeats * len(seconds))
        for _ in range(n_repeats):
            seconds["0"].append(_seconds(serial, X, y))
            progress.advance(task)
            for size in sizes:
                search = make_search(-1)
                with joblib.parallel_config(backend="dask", workers=workers[:size]):
                    seconds[str(size)].append(_seconds(search, X, y))
                differing += int(np.count_nonzero(scores(search) != scores(serial)))
                progress.advance(task)
    return {
        "seconds": seconds,
        "threads": {str(size): sum(threads[name] for name in workers[:size]) for size in sizes},
        "differing_scores": differing,
    }


def _seconds(search: Any, X: Any, y: Any) -> float:
    start = perf_counter()
    search.fit(X, y)
    return perf_counter() - start


def _page(parts: Parts) -> str:
    results = parts["cluster"]["result"]
    medians = {size: float(np.median(runs)) for size, runs in results["seconds"].items()}
    table = markdown_table(
        Table(
            ["Workers", "Threads", "Seconds", "Fits per second", "Times one job"],
            [
                [
                    size if size != "0" else "none, one job",
                    str(results["threads"].get(size, 1)),
                    f"{median:.1f}",
                    f"{N_FITS / median:.2f}",
                    f"{medians['0'] / median:.2f}",
                ]
                for size, median in medians.items()
            ],
        )
    )
    n_searches = sum(map(len, results["seconds"].values())) - len(results["seconds"]["0"])
    return f"""# Searches on a cluster

`python -m benchmarks.cluster`: medians of {len(results["seconds"]["0"])} searches. The client:

{environment_lines(parts)}

A grid search of {N_FITS} fits on the 25,000 training reviews, as on
[the page on one machine](searches.md), by joblib's Dask backend.

{table}

Of the {n_searches * N_FITS} scores on the cluster, {results["differing_scores"]} differ from
those of one job.
"""


if __name__ == "__main__":
    main()
