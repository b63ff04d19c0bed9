"""``skimdb report``, the main job: from the reviews to a chosen, tested and saved pipeline."""

import argparse
import os
from pathlib import Path
from typing import Any

import matplotlib as mpl
from sklearn.model_selection import train_test_split

from skimdb.cli._report_steps import Reviews, Settings, write_report
from skimdb.cli.console import OneLineParser, add_n_jobs, integer_from, load_tensorflow, one_line
from skimdb.datasets import fetch_imdb, make_reviews
from skimdb.datasets._base import locate_data_home
from skimdb.utils._files import atomic_file

HELP = (
    "Cross-validate, search, fit and test a dense network on reviews, beside classical "
    "classifiers, and write a report."
)

_PARAM_GRID: dict[str, list[Any]] = {
    "units": [4, 16],
    "layers": [1, 2],
    "l2": [0.0, 0.001],
    "dropout": [0.0, 0.5],
    "epochs": [4, 8],
}
_QUICK_PARAM_GRID = {"units": [4, 16], "layers": [1, 2], "epochs": [4, 8]}
_LARGEST_SEED = 2**32 - 2  # The generated test reviews have the next seed.


def add_arguments(parser: OneLineParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--dataset",
        choices=["auto", "imdb", "generated"],
        default="auto",
        help="auto takes the IMDB reviews if they are on disk or can be downloaded, and generated "
        "ones otherwise (default: auto)",
    )
    parser.add_argument(
        "--data-home",
        metavar="DIR",
        help="folder of imdb.npz (default: $SKIMDB_DATA, or ~/skimdb_data)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("skimdb_report"),
        metavar="DIR",
        help="folder to write to (default: skimdb_report)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the reviews and a smaller search"
    )
    add_n_jobs(parser, "threads that fit at the same time")
    parser.add_argument(
        "--seed", type=integer_from(0, _LARGEST_SEED), default=0, metavar="N", help="default: 0"
    )


def run(args: argparse.Namespace) -> None:
    """Load the reviews, and do all steps of the job."""
    mpl.use("Agg")
    settings = Settings(
        n_jobs=args.n_jobs or os.cpu_count() or 1,
        seed=args.seed,
        n_folds=3 if args.quick else 5,
        n_search_folds=2 if args.quick else 3,
        param_grid=_QUICK_PARAM_GRID if args.quick else _PARAM_GRID,
    )
    _check_output(args.output)
    reviews = _load_reviews(args)
    print(reviews.description, flush=True)
    load_tensorflow()
    write_report(reviews, settings, args.output)


def _check_output(output: Path) -> None:
    """Make the folder, and check that files can be written there, before the work is done."""
    output.mkdir(parents=True, exist_ok=True)
    probe = output / ".skimdb"
    with atomic_file(probe):
        pass
    probe.unlink()


def _load_reviews(args: argparse.Namespace) -> Reviews:
    n_samples = 2500 if args.quick else 25_000
    if args.dataset == "generated":
        return _generate_reviews(n_samples, args.seed, "as requested")
    try:
        return _load_imdb(args.data_home, n_samples)
    except OSError as error:
        if args.dataset == "imdb":
            raise
        reason = one_line(error).partition(". ")[0]
        return _generate_reviews(n_samples, args.seed, f"because {reason}")


def _load_imdb(data_home: str | None, n_samples: int) -> Reviews:
    imdb = fetch_imdb(subset="all", data_home=data_home, n_retries=0)
    train, test = imdb.splits["train"], imdb.splits["test"]
    X_train, y_train = imdb.data[train], imdb.target[train]
    X_test, y_test = imdb.data[test], imdb.target[test]
    if n_samples < len(y_train):
        X_train, _, y_train, _ = train_test_split(
            X_train, y_train, train_size=n_samples, stratify=y_train, random_state=0
        )
    return Reviews(
        X_train,
        y_train,
        X_test,
        y_test,
        f"IMDB reviews: {len(y_train):,} to train on and {len(y_test):,} to test on, "
        f"from {locate_data_home(data_home)[0]}.",
    )


def _generate_reviews(n_samples: int, seed: int, reason: str) -> Reviews:
    X_train, y_train = make_reviews(n_samples, random_state=seed)
    X_test, y_test = make_reviews(n_samples, random_state=seed + 1)
    return Reviews(
        X_train,
        y_train,
        X_test,
        y_test,
        f"Generated reviews (not from IMDB), {reason}: {n_samples:,} to train on and "
        f"{n_samples:,} to test on.",
    )
