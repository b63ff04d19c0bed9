"""The steps of the main job: compare, search, train for longer, test, write the report."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

import skimdb
from skimdb.cli.console import progress_bar, status
from skimdb.feature_extraction import MultiHotVectorizer
from skimdb.inspection import ComparisonDisplay, TrainingHistoryDisplay
from skimdb.model_selection import compare_estimators
from skimdb.utils._report import Block, Heading, Plot, Report
from skimdb.utils._tables import Table, text_table

_LOGISTIC = "Logistic regression, C searched"
_HISTORY_EPOCHS = 20


@dataclass(frozen=True)
class Reviews:
    """Reviews to train and to test on, and a sentence that says what they are."""

    X_train: NDArray[Any]
    y_train: NDArray[np.int64]
    X_test: NDArray[Any]
    y_test: NDArray[np.int64]
    description: str


@dataclass(frozen=True)
class Settings:
    """Sizes of the cross-validation and the search, threads and seed."""

    n_jobs: int
    seed: int
    n_folds: int
    n_search_folds: int
    param_grid: dict[str, list[Any]]


def write_report(reviews: Reviews, settings: Settings, output: Path) -> None:
    """Do all steps, print their results, and write the report and the fitted pipeline."""
    start = time.perf_counter()
    dense = make_pipeline(
        MultiHotVectorizer(), skimdb.DenseSentimentClassifier(random_state=settings.seed)
    )
    logistic = make_pipeline(
        MultiHotVectorizer(),
        GridSearchCV(
            LogisticRegression(solver="liblinear"),
            {"C": [0.01, 0.03, 0.1, 0.3]},
            cv=StratifiedKFold(3, shuffle=True, random_state=settings.seed),
        ),
    )
    with joblib.parallel_config("threading", n_jobs=settings.n_jobs):
        comparison = _compare(dense, logistic, reviews, settings)
        best, search = _search(dense, reviews, settings)
    with status("Fitting the final pipelines"):
        logistic.fit(reviews.X_train, reviews.y_train)
        history = _history(best, reviews, settings)
    test = _test({"Dense network, searched": best, _LOGISTIC: logistic}, best, reviews)

    report = Report("Sentiment of reviews")
    report.add(
        reviews.description,
        f"skimdb {skimdb.__version__}, seed {settings.seed}, {settings.n_jobs} threads, "
        f"{time.perf_counter() - start:.0f} s.",
        *comparison,
        *search,
        *history,
        *test,
    )
    paths = report.write(output, "report")
    paths.append(output / "pipeline.skimdb")
    skimdb.save(best, paths[-1])
    print(f"\nWritten: {', '.join(map(str, paths))}")


def _compare(
    dense: Pipeline, logistic: Pipeline, reviews: Reviews, settings: Settings
) -> list[Block]:
    """Cross-validate the network beside classical classifiers."""
    estimators = {
        "Dense network 16-16-1": dense,
        _LOGISTIC: logistic,
        "Multinomial naive Bayes": make_pipeline(MultiHotVectorizer(), MultinomialNB()),
        "Dummy (most frequent class)": make_pipeline(MultiHotVectorizer(), DummyClassifier()),
    }
    n_fits = len(estimators) * settings.n_folds
    with progress_bar("Cross-validating", n_fits) as update:
        comparison = compare_estimators(
            estimators,
            reviews.X_train,
            reviews.y_train,
            cv=settings.n_folds,
            random_state=settings.seed,
            progress=lambda n_finished, n_fits: update(completed=n_finished),
        )
    print(f"\n{comparison}", flush=True)
    return [
        Heading(f"Cross-validation on the training reviews, {settings.n_folds} folds"),
        comparison.summary(),
        Plot(
            ComparisonDisplay.from_comparison(comparison).figure_,
            "comparison",
            "Accuracy of each classifier on each fold",
        ),
    ]


def _search(
    pipeline: Pipeline, reviews: Reviews, settings: Settings
) -> tuple[Pipeline, list[Block]]:
    """Search the network's hyper-parameters and return the best pipeline, refitted."""
    n_candidates = int(np.prod([len(values) for values in settings.param_grid.values()]))
    with progress_bar("Searching", n_candidates * settings.n_search_folds) as update:

        def score(estimator: BaseEstimator, X: NDArray[Any], y: NDArray[Any]) -> float:
            accuracy = float(accuracy_score(y, estimator.predict(X)))
            update(advance=1)
            return accuracy

        search = GridSearchCV(
            clone(pipeline),
            {
                f"densesentimentclassifier__{name}": values
                for name, values in settings.param_grid.items()
            },
            scoring=score,
            cv=StratifiedKFold(settings.n_search_folds, shuffle=True, random_state=settings.seed),
        ).fit(reviews.X_train, reviews.y_train)
    params = {name.partition("__")[2]: value for name, value in search.best_params_.items()}
    outcome = (
        f"Best of {n_candidates} candidates: {params}, "
        f"cross-validated accuracy {search.best_score_:.4f}"
    )
    print(f"\n{outcome}", flush=True)
    return search.best_estimator_, [
        Heading(f"Search on the training reviews, {settings.n_search_folds} folds"),
        f"{outcome}.",
    ]


def _history(pipeline: Pipeline, reviews: Reviews, settings: Settings) -> list[Block]:
    """Train a configuration for longer on four fifths of the training reviews."""
    X, X_val, y, y_val = train_test_split(
        reviews.X_train,
        reviews.y_train,
        test_size=0.2,
        stratify=reviews.y_train,
        random_state=settings.seed,
    )
    vectorizer, classifier = (clone(step) for step in pipeline)
    classifier.set_params(epochs=_HISTORY_EPOCHS)
    classifier.fit(vectorizer.fit_transform(X), y, X_val=vectorizer.transform(X_val), y_val=y_val)
    return [
        Plot(
            TrainingHistoryDisplay.from_estimator(classifier).figure_,
            "history",
            "Loss and accuracy of the best configuration on training and validation reviews",
        ),
        f"Trained for {_HISTORY_EPOCHS} epochs on four fifths of the training reviews.",
    ]


def _test(estimators: dict[str, Any], best: Pipeline, reviews: Reviews) -> list[Block]:
    """Score fitted pipelines on the test reviews, and show the first predictions of the best."""
    scores = Table(
        ["Test reviews", "Accuracy", "ROC AUC", "Log loss"],
        [[name, *_test_scores(estimator, reviews)] for name, estimator in estimators.items()],
    )
    n_shown = 5
    probability = best.predict_proba(reviews.X_test[:n_shown])[:, 1]
    first = Table(
        ["Test review", "Label", "Predicted", "Probability of positive"],
        [
            [str(i + 1), str(reviews.y_test[i]), str(int(p > 0.5)), f"{p:.4f}"]
            for i, p in enumerate(probability)
        ],
    )
    print(f"\n{text_table(scores)}\n\n{text_table(first)}")
    return [Heading("Test"), scores, first]


def _test_scores(estimator: Any, reviews: Reviews) -> list[str]:
    probability = estimator.predict_proba(reviews.X_test)[:, 1]
    return [
        f"{accuracy_score(reviews.y_test, estimator.predict(reviews.X_test)):.4f}",
        f"{roc_auc_score(reviews.y_test, probability):.4f}",
        f"{log_loss(reviews.y_test, probability):.4f}",
    ]
