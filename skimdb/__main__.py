"""The main job, ``python -m skimdb``: from the reviews to a chosen, tested and kept pipeline."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Read by TensorFlow when it is loaded: its notes about processors would stand among the results.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib as mpl
from sklearn.model_selection import train_test_split

from skimdb import __version__
from skimdb._command_line import OneLineParser, fail, integer_from, one_line
from skimdb._commands import COMMANDS, run_command
from skimdb._job import Reviews, Settings, run
from skimdb.datasets import fetch_imdb, make_reviews
from skimdb.datasets._base import locate_data_home
from skimdb.utils._files import atomic_file

_PARAM_GRID: dict[str, list[Any]] = {
    "units": [4, 16],
    "layers": [1, 2],
    "l2": [0.0, 0.001],
    "dropout": [0.0, 0.5],
    "epochs": [4, 8],
}
_QUICK_PARAM_GRID = {"units": [4, 16], "layers": [1, 2], "epochs": [4, 8]}
_LARGEST_SEED = 2**32 - 2  # The generated test reviews have the seed that follows.


def main(argv: Sequence[str] | None = None) -> int:
    """Run the main job, or the command that comes first, and return the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        return run_command(argv)
    args = _parse_arguments(argv)
    mpl.use("Agg")
    settings = Settings(
        n_jobs=args.n_jobs,
        seed=args.seed,
        n_folds=3 if args.quick else 5,
        n_search_folds=2 if args.quick else 3,
        param_grid=_QUICK_PARAM_GRID if args.quick else _PARAM_GRID,
    )
    try:
        try:
            _check_output(args.output)
            reviews = _load_reviews(args)
        except ValueError as error:  # a damaged file
            return fail(error)
        print(reviews.description, flush=True)
        run(reviews, settings, args.output)
    except OSError as error:
        return fail(error)
    except KeyboardInterrupt:
        print("skimdb: interrupted; no report was written.", file=sys.stderr)
        return 130
    return 0


def _check_output(output: Path) -> None:
    """Make the directory, and see whether files can be written there, before the work is done."""
    output.mkdir(parents=True, exist_ok=True)
    probe = output / ".skimdb"
    with atomic_file(probe):
        pass
    probe.unlink()


def _parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = OneLineParser(
        prog="python -m skimdb",
        description="Cross-validate, search, fit and test a dense network on reviews, beside "
        "classical classifiers, and write a report.",
        epilog="Commands, each with its own --help: "
        + "; ".join(f"{name}: {what}" for name, what in COMMANDS.items())
        + ".",
    )
    parser.add_argument(
        "--dataset",
        choices=["auto", "imdb", "synthetic"],
        default="auto",
        help="which reviews: auto takes IMDB where it is on disk or can be downloaded, and "
        "generated ones otherwise (default: auto)",
    )
    parser.add_argument(
        "--data-home",
        metavar="DIR",
        help="where imdb.npz is kept (default: $SKIMDB_DATA, or ~/skimdb_data)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("skimdb_report"),
        metavar="DIR",
        help="where to write the report (default: skimdb_report)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the reviews and a smaller search"
    )
    parser.add_argument(
        "--n-jobs",
        type=integer_from(1),
        default=os.cpu_count() or 1,
        metavar="N",
        help="threads that fit at the same time (default: all processors)",
    )
    parser.add_argument(
        "--seed", type=integer_from(0, _LARGEST_SEED), default=0, metavar="N", help="default: 0"
    )
    parser.add_argument("--version", action="version", version=f"skimdb {__version__}")
    return parser.parse_args(argv)


def _load_reviews(args: argparse.Namespace) -> Reviews:
    n_samples = 2500 if args.quick else 25_000
    if args.dataset == "synthetic":
        return _generate_reviews(n_samples, args.seed, "as asked for")
    try:
        return _load_imdb(args.data_home, n_samples)
    except OSError as error:
        if args.dataset == "imdb":
            raise
        reason = one_line(error).partition(". ")[0]
        return _generate_reviews(n_samples, args.seed, f"since {reason}")


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
        f"GENERATED reviews, {reason}: {n_samples:,} to train on and {n_samples:,} to test on. "
        "Figures are not those of IMDB.",
    )


if __name__ == "__main__":
    sys.exit(main())
