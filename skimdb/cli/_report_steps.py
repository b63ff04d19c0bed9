"""The steps of the main job: compare, search, choose the epochs, test, explain."""

import math
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import joblib
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

import skimdb
from skimdb.cli.console import progress_bar, status
from skimdb.feature_extraction import MultiHotVectorizer, WordIndexEncoder
from skimdb.inspection import (
    ComparisonDisplay,
    ReviewExplanation,
    TrainingHistoryDisplay,
    explain_reviews,
)
from skimdb.model_selection import compare_estimators
from skimdb.utils._blas_threads import single_blas_thread
from skimdb.utils._report import Block, Formatted, Heading, Plot, Report
from skimdb.utils._tables import Table, text_table

FILES = ["report.html", "report.md", "comparison.png", "history.png", "pipeline.skimdb"]

_NETWORK = "Network on 1-3-grams"
_PARAM_GRID: dict[str, list[Any]] = {"units": [16, 32], "layers": [1, 2]}
_CLASSIFIER = "densesentimentclassifier__"
_HISTORY_EPOCHS = 8
# Legible on a phone, where figures are as wide as the screen.
_FIGURE_SIZE = (5.2, 3.6)
# Long enough to say something, and short enough to read.
_MIN_WORDS, _MAX_WORDS = 40, 80


@dataclass(frozen=True)
class Reviews:
    """Reviews to train and to test on, the ranks of their words, and a sentence about them."""

    X_train: NDArray[Any]
    y_train: NDArray[np.str_]
    X_test: NDArray[Any]
    y_test: NDArray[np.str_]
    word_index: dict[str, int]
    description: str


@dataclass(frozen=True)
class Settings:
    """Number of threads and folds, and the seed."""

    n_jobs: int
    n_folds: int
    seed: int


def write_report(reviews: Reviews, settings: Settings, folder: Path) -> None:
    """Do all steps, print their results, and write the report and the fitted pipeline."""
    start = time.perf_counter()
    classifiers = _classifiers(settings.seed)
    with (
        # Processes would each load TensorFlow, and fits on n-grams seldom hold Python's lock.
        joblib.parallel_config("threading", n_jobs=settings.n_jobs),
        single_blas_thread(),
        mpl.rc_context({"figure.figsize": _FIGURE_SIZE}),
    ):
        comparison = _compare(classifiers, reviews, settings)
        network, search = _search(classifiers[_NETWORK], reviews, settings)
        network, history = _choose_epochs(network, reviews, settings)
        classifiers[_NETWORK] = network
        with status("Fitting all training reviews"):
            for classifier in classifiers.values():
                classifier.fit(reviews.X_train, reviews.y_train)
        test = _test(classifiers, reviews)
    pipeline = _from_text(network, reviews)
    examples = _explain(pipeline, reviews)

    report = Report("Sentiment of reviews")
    report.add(
        reviews.description,
        f"skimdb {skimdb.__version__}, seed {settings.seed}, {settings.n_jobs} threads, "
        f"{time.perf_counter() - start:.0f} s.",
        *comparison,
        *search,
        *history,
        *test,
        *examples,
    )
    report.write(folder, "report")
    skimdb.save(pipeline, folder / "pipeline.skimdb")


def _classifiers(seed: int) -> dict[str, Pipeline]:
    return {
        _NETWORK: make_pipeline(
            MultiHotVectorizer(None, ngram_range=(1, 3), min_df=2, max_features=200_000),
            skimdb.DenseSentimentClassifier(
                layers=1,
                optimizer="adam",
                epochs=2,
                feature_scaling="log_count_ratio",
                random_state=seed,
            ),
        ),
        "Network on words": make_pipeline(
            MultiHotVectorizer(), skimdb.DenseSentimentClassifier(random_state=seed)
        ),
        "Logistic regression": make_pipeline(
            MultiHotVectorizer(),
            GridSearchCV(
                LogisticRegression(max_iter=1000),
                {"C": [0.01, 0.03, 0.1, 0.3]},
                cv=StratifiedKFold(3, shuffle=True, random_state=seed),
            ),
        ),
        "Naive Bayes": make_pipeline(MultiHotVectorizer(), MultinomialNB()),
    }


def _compare(classifiers: dict[str, Pipeline], reviews: Reviews, settings: Settings) -> list[Block]:
    """Cross-validate the classifiers on the same folds."""
    n_fits = len(classifiers) * settings.n_folds
    with progress_bar("Cross-validating", n_fits) as update:
        comparison = compare_estimators(
            classifiers,
            reviews.X_train,
            reviews.y_train,
            cv=settings.n_folds,
            random_state=settings.seed,
            progress=lambda n_finished, n_fits: update(completed=n_finished),
        )
    summary = comparison.summary()
    scores = Table(summary.header[:3], [row[:3] for row in summary.rows])
    pairs = Table(
        ["Difference in points", "Mean", "95 % interval"],
        [
            [
                f"{pair.first} \N{MINUS SIGN} {pair.second}",
                f"{100 * pair.mean_difference:+.2f}",
                f"{100 * pair.ci_low:+.2f} to {100 * pair.ci_high:+.2f}",
            ]
            for pair in comparison.pairwise()
        ],
    )
    print(f"\n{text_table(scores)}\n\n{text_table(pairs)}", flush=True)
    display = ComparisonDisplay.from_comparison(comparison)
    features = (
        f"The {_NETWORK.lower()} sees which of the 200,000 most frequent words, pairs and triples "
        "of words a review contains, scaled by their log-count ratios. The others see which of the "
        "10,000 most frequent words it contains; the network on words is that of the notebooks, "
        "with two hidden layers of 16 units. The C of logistic regression is chosen in each fold. "
        "Accuracies and times are means of the folds ± their standard deviations."
    )
    return [
        Heading(f"Cross-validation on the training reviews, {settings.n_folds} folds"),
        features,
        scores,
        Plot(display.figure_, "comparison", "Accuracy of each classifier on each fold"),
        "Paired differences on the same folds, by the corrected resampled t-test:",
        pairs,
    ]


def _search(
    network: Pipeline, reviews: Reviews, settings: Settings
) -> tuple[Pipeline, list[Block]]:
    """Search the network's hyper-parameters, and return it with the best."""
    grid = {f"{_CLASSIFIER}{name}": values for name, values in _PARAM_GRID.items()}
    cv = StratifiedKFold(3, shuffle=True, random_state=settings.seed)
    n_candidates = math.prod(map(len, grid.values()))
    with progress_bar("Searching", n_candidates * cv.get_n_splits()) as update:

        def score(estimator: Pipeline, X: NDArray[Any], y: NDArray[Any]) -> float:
            accuracy = float(accuracy_score(y, estimator.predict(X)))
            update(advance=1)
            return accuracy

        search = GridSearchCV(network, grid, scoring=score, cv=cv, refit=False)
        search.fit(reviews.X_train, reviews.y_train)
    results, n_folds = search.cv_results_, cv.get_n_splits()
    scores = np.transpose([results[f"split{fold}_test_score"] for fold in range(n_folds)])
    candidates = Table(
        [*_PARAM_GRID, "accuracy"],
        [
            [
                *(str(results["params"][i][name]) for name in grid),
                f"{scores[i].mean():.4f} ± {scores[i].std(ddof=1):.4f}",
            ]
            for i in np.argsort(results["rank_test_score"], kind="stable")
        ],
    )
    print(f"\n{text_table(candidates)}", flush=True)
    return clone(network).set_params(**search.best_params_), [
        Heading(f"Search on the training reviews, {n_folds} folds"),
        candidates,
        f"The following steps use the {_NETWORK.lower()} with the settings in the first row.",
    ]


def _choose_epochs(
    network: Pipeline, reviews: Reviews, settings: Settings
) -> tuple[Pipeline, list[Block]]:
    """Return the network with the number of epochs that is best on a fifth of the reviews."""
    X, X_val, y, y_val = train_test_split(
        reviews.X_train,
        reviews.y_train,
        test_size=0.2,
        stratify=reviews.y_train,
        random_state=settings.seed,
    )
    with status("Choosing the number of epochs"):
        trained = clone(network).set_params(**{f"{_CLASSIFIER}epochs": _HISTORY_EPOCHS})
        features, classifier = trained[:-1], trained[-1]
        # Not fitted to the validation reviews, whose labels must not choose the n-grams.
        classifier.fit(
            features.fit_transform(X, y), y, X_val=features.transform(X_val), y_val=y_val
        )
    display = TrainingHistoryDisplay.from_estimator(classifier, name=_NETWORK)
    outcome = (
        f"Trained on four fifths of the training reviews for {_HISTORY_EPOCHS} epochs, the "
        f"network has the lowest loss on the others after {display.best_epoch}."
    )
    print(f"\n{outcome}", flush=True)
    return clone(network).set_params(**{f"{_CLASSIFIER}epochs": display.best_epoch}), [
        Heading("Number of epochs"),
        Plot(
            display.figure_,
            "history",
            "Loss and accuracy on training and validation reviews after each epoch",
        ),
        outcome,
    ]


def _test(classifiers: dict[str, Pipeline], reviews: Reviews) -> list[Block]:
    """Score the fitted classifiers on the test reviews."""
    scores = Table(
        ["Test reviews", "Accuracy", "ROC AUC", "Log loss"],
        [[name, *_test_scores(fitted, reviews)] for name, fitted in classifiers.items()],
    )
    print(f"\n{text_table(scores)}", flush=True)
    setting = (
        f"Fitted to all training reviews, on {len(reviews.y_test):,} test reviews, which were not "
        "used before. Accuracy is with its standard error."
    )
    return [Heading("Test"), setting, scores]


def _test_scores(fitted: Pipeline, reviews: Reviews) -> list[str]:
    probability = fitted.predict_proba(reviews.X_test)
    accuracy = accuracy_score(reviews.y_test, fitted.classes_[probability.argmax(axis=1)])
    standard_error = math.sqrt(accuracy * (1 - accuracy) / len(reviews.y_test))
    return [
        f"{accuracy:.4f} ± {standard_error:.4f}",
        f"{roc_auc_score(reviews.y_test == fitted.classes_[1], probability[:, 1]):.4f}",
        f"{log_loss(reviews.y_test, probability, labels=fitted.classes_):.4f}",
    ]


def _from_text(network: Pipeline, reviews: Reviews) -> Pipeline:
    """Return the fitted network as a pipeline that takes texts."""
    # Keras' word index was made of texts as they are.
    encoder = WordIndexEncoder(word_index=reviews.word_index, normalize=False)
    network[0].set_params(word_index=reviews.word_index)
    return Pipeline([("wordindexencoder", encoder), *network.steps])


def _explain(pipeline: Pipeline, reviews: Reviews) -> list[Block]:
    """Show five short test reviews, with the words that decided highlighted."""
    chosen, texts = _choose_reviews(pipeline, reviews)
    setting = (
        f"The first two negative and positive test reviews of {_MIN_WORDS} to {_MAX_WORDS} words "
        f"that the {_NETWORK.lower()} gets right, and the first that it gets wrong. Words on blue "
        "with a solid underline speak for positive, words on orange with a dotted underline for "
        "negative; what pairs and triples contribute is divided among their words."
    )
    blocks: list[Block] = [Heading("What decided"), setting]
    print()
    for i, explanation in zip(chosen, explain_reviews(pipeline, texts), strict=True):
        title = f"Test review {i + 1} is {reviews.y_test[i]}"
        print(f"{title}. {explanation.title}: {', '.join(explanation.names[:5])}")
        blocks.append(
            Formatted(
                f"**{title}.** {explanation.title}:\n\n> {_bold_words(explanation)}",
                f"<h3>{escape(title)}</h3>\n{explanation._repr_html_()}",
            )
        )
    return blocks


def _choose_reviews(
    pipeline: Pipeline, reviews: Reviews
) -> tuple[NDArray[np.intp], NDArray[np.object_]]:
    """Return the positions of five test reviews, and their texts."""
    n_words = np.array([len(review) - 1 for review in reviews.X_test])
    short = np.flatnonzero((n_words >= _MIN_WORDS) & (n_words <= _MAX_WORDS))
    texts, labels = pipeline[0].inverse_transform(reviews.X_test[short]), reviews.y_test[short]
    is_right = pipeline.predict(texts) == labels
    right = [np.flatnonzero(is_right & (labels == label))[:2] for label in pipeline.classes_]
    chosen = np.concatenate([*right, np.flatnonzero(~is_right)[:1]])
    return short[chosen], texts[chosen]


def _bold_words(explanation: ReviewExplanation) -> str:
    contributions = np.abs(explanation.word_contributions())
    return " ".join(
        f"**{word.text}**" if contribution > contributions.max() / 3 else word.text
        for word, contribution in zip(explanation.words, contributions, strict=True)
    )
