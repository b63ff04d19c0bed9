"""``skimdb report``, the main job: from the reviews to a chosen, tested and saved pipeline."""

import argparse
import os
import shutil
from pathlib import Path

import matplotlib as mpl
import numpy as np
from sklearn.model_selection import train_test_split

from skimdb.cli._report_steps import FILES, Reviews, Settings, write_report
from skimdb.cli.console import (
    OneLineParser,
    add_n_jobs,
    file_path,
    integer_from,
    load_tensorflow,
    one_line,
)
from skimdb.datasets import fetch_imdb, fetch_imdb_word_index, make_reviews
from skimdb.datasets._base import INDEX_FROM, locate_data_home
from skimdb.utils._files import atomic_folder

HELP = (
    "Cross-validate, search, fit and test a dense network on reviews, beside classical "
    "classifiers, and write a report."
)

_LABELS = np.array(["negative", "positive"])
# Of the report and of the pipeline, with its optimizer's state.
_MEGABYTES, _QUICK_MEGABYTES = 500, 60
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
        "-o",
        "--output",
        type=file_path,
        default=Path("skimdb_report"),
        metavar="DIR",
        help="folder to write to (default: skimdb_report)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the reviews, and fewer folds"
    )
    add_n_jobs(
        parser,
        "threads that fit at the same time, each in about 1 GB",
        default="the number of processors, at most 5, or 3 with --quick",
    )
    parser.add_argument(
        "--seed", type=integer_from(0, _LARGEST_SEED), default=0, metavar="N", help="default: 0"
    )


def run(args: argparse.Namespace) -> None:
    """Load the reviews, and do all steps of the job."""
    mpl.use("Agg")
    n_folds = 3 if args.quick else 5
    settings = Settings(
        n_jobs=args.n_jobs or min(os.cpu_count() or 1, n_folds),
        seed=args.seed,
        n_folds=n_folds,
    )
    output = args.output.resolve()
    _check_output(output, _QUICK_MEGABYTES if args.quick else _MEGABYTES)
    with atomic_folder(output) as folder:
        reviews = _load_reviews(args)
        print(reviews.description, flush=True)
        load_tensorflow()
        write_report(reviews, settings, folder)
    print(f"\nWritten: {', '.join(str(args.output / name) for name in FILES)}")


def _check_output(output: Path, megabytes: int) -> None:
    """Check that the folder can be written, before the work is done."""
    if output.is_dir():
        others = sorted({path.name for path in output.iterdir()} - set(FILES))
        if others:
            raise FileExistsError(
                f"--output {output} must be a new folder or one with a report, which is replaced; "
                f"it has other files, such as {others[0]}"
            )
        if output.is_mount():
            raise OSError(f"--output {output} is a mount point; name a folder in it")
    elif output.exists():
        raise NotADirectoryError(f"--output {output} must be a folder, and is a file")
    if not output.parent.is_dir():
        raise NotADirectoryError(
            f"--output {output} cannot be made: there is no folder {output.parent}"
        )
    n_free = shutil.disk_usage(output.parent).free
    if n_free < megabytes * 1e6:
        raise OSError(
            f"the report needs {megabytes} MB, and {output.parent} has only {n_free / 1e6:.0f} MB "
            "left; name another folder with --output"
        )


def _load_reviews(args: argparse.Namespace) -> Reviews:
    n_samples = 2500 if args.quick else 25_000
    if args.dataset == "generated":
        return _generate_reviews(n_samples, args.seed, "as requested")
    try:
        return _load_imdb(args.data_home, n_samples)
    except OSError as error:
        if args.dataset == "imdb":
            raise
        return _generate_reviews(n_samples, args.seed, f"because {_reason(error)}")


def _load_imdb(data_home: str | None, n_samples: int) -> Reviews:
    imdb = fetch_imdb(subset="all", data_home=data_home, n_retries=0)
    train, test = imdb.splits["train"], imdb.splits["test"]
    X_train, y_train = imdb.data[train], imdb.target[train]
    if n_samples < len(y_train):
        X_train, _, y_train, _ = train_test_split(
            X_train, y_train, train_size=n_samples, stratify=y_train, random_state=0
        )
    X_test, y_test = imdb.data[test], imdb.target[test]
    description = (
        f"IMDB reviews: {len(y_train):,} to train on and {len(y_test):,} to test on, "
        f"from {locate_data_home(data_home)[0]}."
    )
    try:
        word_index = fetch_imdb_word_index(data_home=data_home, n_retries=0)
    except OSError as error:
        description += f" Words are shown as their rank, because {_reason(error)}."
        word_index = _numbered_words(max(map(np.max, imdb.data)))
    return Reviews(X_train, _LABELS[y_train], X_test, _LABELS[y_test], word_index, description)


def _generate_reviews(n_samples: int, seed: int, reason: str) -> Reviews:
    X_train, y_train = make_reviews(n_samples, random_state=seed)
    X_test, y_test = make_reviews(n_samples, random_state=seed + 1)
    word_index = _numbered_words(max(map(np.max, [*X_train, *X_test])))
    description = (
        f"Generated reviews (not from IMDB), {reason}: {n_samples:,} to train on and "
        f"{n_samples:,} to test on."
    )
    return Reviews(X_train, _LABELS[y_train], X_test, _LABELS[y_test], word_index, description)


def _numbered_words(largest_index: int) -> dict[str, int]:
    """Return names for words that have none."""
    return {f"word{rank}": rank for rank in range(1, int(largest_index) - INDEX_FROM + 1)}


def _reason(error: OSError) -> str:
    return one_line(error).partition(". ")[0]
