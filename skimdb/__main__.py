"""The main job, ``python -m skimdb``: from the reviews to a chosen, tested and kept pipeline."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

# Read by TensorFlow when it is loaded: its notes about processors would stand among the results.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import joblib
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from skimdb import __version__, inspection, model_selection
from skimdb.datasets import fetch_imdb, make_reviews
from skimdb.datasets._base import locate_data_home
from skimdb.feature_extraction import MultiHotVectorizer
from skimdb.utils._files import atomic_file
from skimdb.utils._report import Heading, Plot, Report, Table

_DENSE = "Dense network 16-16-1"
_LOGISTIC = "Logistic regression, C searched"
_PARAM_GRID: dict[str, list[Any]] = {
    "units": [4, 16],
    "layers": [1, 2],
    "l2": [0.0, 0.001],
    "dropout": [0.0, 0.5],
    "epochs": [4, 8],
}
_HISTORY_EPOCHS = 20


@dataclass(frozen=True)
class _Reviews:
    X_train: NDArray[Any]
    y_train: NDArray[np.int64]
    X_test: NDArray[Any]
    y_test: NDArray[np.int64]
    description: str


@dataclass(frozen=True)
class _Settings:
    n_jobs: int
    seed: int
    n_folds: int
    n_search_folds: int
    param_grid: dict[str, list[Any]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the main job and return the exit status."""
    args = _parse_arguments(argv)
    mpl.use("Agg")
    try:
        reviews = _load_reviews(args)
        args.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"skimdb: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    settings = _Settings(
        n_jobs=args.n_jobs,
        seed=args.seed,
        n_folds=3 if args.quick else 5,
        n_search_folds=2 if args.quick else 3,
        param_grid={**_PARAM_GRID, "l2": [0.0], "dropout": [0.0]} if args.quick else _PARAM_GRID,
    )
    try:
        _run(reviews, settings, args.output)
    except KeyboardInterrupt:
        print("skimdb: interrupted; no report was written.", file=sys.stderr)
        return 130
    return 0


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"skimdb: error: {message}\n")


def _integer_from(least: int) -> Callable[[str], int]:
    def integer(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {value}")
        return value

    return integer


def _parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _OneLineParser(
        prog="python -m skimdb",
        description="Cross-validate, search, fit and test a dense network on reviews, beside "
        "classical classifiers, and write a report.",
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
        type=_integer_from(1),
        default=os.cpu_count() or 1,
        metavar="N",
        help="threads that fit at the same time (default: all processors)",
    )
    parser.add_argument("--seed", type=_integer_from(0), default=0, metavar="N", help="default: 0")
    parser.add_argument("--version", action="version", version=f"skimdb {__version__}")
    return parser.parse_args(argv)


def _load_reviews(args: argparse.Namespace) -> _Reviews:
    n_samples = 2500 if args.quick else 25_000
    if args.dataset == "synthetic":
        reviews = _generate_reviews(n_samples, args.seed, "as asked for")
    else:
        try:
            reviews = _load_imdb(args.data_home, n_samples)
        except OSError:
            if args.dataset == "imdb":
                raise
            reviews = _generate_reviews(
                n_samples, args.seed, "since IMDB's are neither on disk nor to be downloaded"
            )
    print(reviews.description, flush=True)
    return reviews


def _load_imdb(data_home: str | None, n_samples: int) -> _Reviews:
    imdb = fetch_imdb(subset="all", data_home=data_home, n_retries=0)
    train, test = imdb.splits["train"], imdb.splits["test"]
    X_train, y_train = imdb.data[train], imdb.target[train]
    X_test, y_test = imdb.data[test], imdb.target[test]
    if n_samples < len(y_train):
        X_train, _, y_train, _ = train_test_split(
            X_train, y_train, train_size=n_samples, stratify=y_train, random_state=0
        )
    return _Reviews(
        X_train,
        y_train,
        X_test,
        y_test,
        f"IMDB reviews: {len(y_train):,} to train on and {len(y_test):,} to test on, "
        f"from {locate_data_home(data_home)[0]}.",
    )


def _generate_reviews(n_samples: int, seed: int, reason: str) -> _Reviews:
    X_train, y_train = make_reviews(n_samples, random_state=seed)
    X_test, y_test = make_reviews(n_samples, random_state=seed + 1)
    return _Reviews(
        X_train,
        y_train,
        X_test,
        y_test,
        f"GENERATED reviews, {reason}: {n_samples:,} to train on and {n_samples:,} to test on. "
        "Figures are not those of IMDB.",
    )


def _run(reviews: _Reviews, settings: _Settings, output: Path) -> None:
    """Do all steps and write what came out."""
    start = time.perf_counter()
    console = Console(stderr=True)
    console.print("Loading TensorFlow")
    with _silent_stderr():
        from skimdb import neural_network  # noqa: PLC0415

    dense = make_pipeline(
        MultiHotVectorizer(),
        neural_network.DenseSentimentClassifier(random_state=settings.seed),
    )
    logistic = make_pipeline(
        MultiHotVectorizer(),
        GridSearchCV(
            LogisticRegression(solver="liblinear"),
            {"C": [0.01, 0.03, 0.1, 0.3]},
            cv=StratifiedKFold(3, shuffle=True, random_state=settings.seed),
        ),
    )
    estimators = {
        _DENSE: dense,
        _LOGISTIC: logistic,
        "Multinomial naive Bayes": make_pipeline(MultiHotVectorizer(), MultinomialNB()),
        "Dummy (most frequent class)": make_pipeline(MultiHotVectorizer(), DummyClassifier()),
    }
    with joblib.parallel_config("threading", n_jobs=settings.n_jobs):
        with _progress_bar(
            console, "Cross-validating", len(estimators) * settings.n_folds
        ) as advance:
            comparison = model_selection.compare_estimators(
                estimators,
                reviews.X_train,
                reviews.y_train,
                cv=settings.n_folds,
                random_state=settings.seed,
                progress=lambda n_finished, n_fits: advance(),
            )
        print(f"\n{comparison}", flush=True)
        search = _search(dense, reviews, settings, console)
    best_params = {name.partition("__")[2]: value for name, value in search.best_params_.items()}
    print(
        f"\nBest of {len(search.cv_results_['params'])} candidates: {best_params}, "
        f"cross-validated accuracy {search.best_score_:.4f}",
        flush=True,
    )
    with console.status("Fitting the final pipelines"):
        best = search.best_estimator_
        logistic.fit(reviews.X_train, reviews.y_train)
        history = _validation_history(best, reviews, settings.seed)
    results = Table(
        ["Test reviews", "Accuracy", "ROC AUC", "Log loss"],
        [
            [name, *_test_scores(estimator, reviews)]
            for name, estimator in [("Dense network, searched", best), (_LOGISTIC, logistic)]
        ],
    )
    first = Table(
        ["Test review", "Label", "Predicted", "Probability of positive"],
        [
            [str(i), str(label), str(int(probability > 0.5)), f"{probability:.4f}"]
            for i, (label, probability) in enumerate(
                zip(reviews.y_test, best.predict_proba(reviews.X_test[:5])[:, 1], strict=False),
                start=1,
            )
        ],
    )
    _print_table(results)
    _print_table(first)

    report = Report("Sentiment of reviews")
    report.add(
        reviews.description,
        f"skimdb {__version__}, seed {settings.seed}, {settings.n_jobs} threads, "
        f"{time.perf_counter() - start:.0f} s.",
        Heading(f"Cross-validation on the training reviews, {settings.n_folds} folds"),
        _comparison_table(comparison),
        Plot(
            inspection.ComparisonDisplay.from_comparison(comparison).figure_,
            "comparison",
            "Accuracy of each classifier on each fold",
        ),
        Heading("Search"),
        f"Best of {len(search.cv_results_['params'])} candidates in {settings.n_search_folds} "
        f"folds: {best_params}, accuracy {search.best_score_:.4f}.",
        Plot(
            inspection.TrainingHistoryDisplay.from_history(history).figure_,
            "history",
            "Loss and accuracy of the best configuration on training and validation reviews",
        ),
        f"The best configuration, trained for {_HISTORY_EPOCHS} epochs on four fifths of the "
        "training reviews and validated on the others.",
        Heading("Test"),
        results,
        first,
    )
    paths = report.write(output, "report")
    paths.append(output / "pipeline.joblib")
    with atomic_file(paths[-1]) as file:
        joblib.dump(best, file)
    print(f"\nWritten: {', '.join(map(str, paths))}")


def _search(
    pipeline: Pipeline, reviews: _Reviews, settings: _Settings, console: Console
) -> GridSearchCV:
    n_candidates = int(np.prod([len(values) for values in settings.param_grid.values()]))
    n_fits = n_candidates * settings.n_search_folds
    with _progress_bar(console, "Searching", n_fits) as advance:

        def score(estimator: BaseEstimator, X: NDArray[Any], y: NDArray[Any]) -> float:
            accuracy = float(accuracy_score(y, estimator.predict(X)))
            advance()
            return accuracy

        search = GridSearchCV(
            clone(pipeline),
            {
                f"densesentimentclassifier__{name}": values
                for name, values in settings.param_grid.items()
            },
            scoring=score,
            cv=StratifiedKFold(settings.n_search_folds, shuffle=True, random_state=settings.seed),
        )
        return search.fit(reviews.X_train, reviews.y_train)


def _validation_history(pipeline: Pipeline, reviews: _Reviews, seed: int) -> dict[str, list[float]]:
    """Return the training history of a configuration on four fifths of the training reviews."""
    X, X_val, y, y_val = train_test_split(
        reviews.X_train, reviews.y_train, test_size=0.2, stratify=reviews.y_train, random_state=seed
    )
    vectorizer, classifier = (clone(step) for step in pipeline)
    classifier.set_params(epochs=_HISTORY_EPOCHS)
    classifier.fit(vectorizer.fit_transform(X), y, X_val=vectorizer.transform(X_val), y_val=y_val)
    history: dict[str, list[float]] = classifier.history_
    return history


def _test_scores(estimator: BaseEstimator, reviews: _Reviews) -> list[str]:
    probability = estimator.predict_proba(reviews.X_test)[:, 1]
    return [
        f"{metric(reviews.y_test, values):.4f}"
        for metric, values in [
            (accuracy_score, estimator.predict(reviews.X_test)),
            (roc_auc_score, probability),
            (log_loss, probability),
        ]
    ]


def _comparison_table(comparison: Any) -> Table:
    def mean_and_sd(values: NDArray[np.float64], form: str) -> str:
        return f"{values.mean():{form}} ± {values.std(ddof=1):{form}}"

    names = sorted(comparison.scores, key=lambda name: -comparison.scores[name]["accuracy"].mean())
    return Table(
        ["Classifier", "Accuracy", "Fit time (s)"],
        [
            [
                name,
                mean_and_sd(comparison.scores[name]["accuracy"], ".4f"),
                mean_and_sd(comparison.fit_times[name], ".2f"),
            ]
            for name in names
        ],
    )


def _print_table(table: Table) -> None:
    rows = [table.header, *table.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print()
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Drop what native code writes: TensorFlow has notes that no setting turns off."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@contextmanager
def _progress_bar(console: Console, description: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on standard error; the function yielded advances it, from any thread."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task: TaskID = progress.add_task(description, total=total)
        yield lambda: progress.advance(task)


if __name__ == "__main__":
    sys.exit(main())
