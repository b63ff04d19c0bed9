"""What is fitted for the claims: four studies, each a list of jobs on the same data."""

import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import vstack
from scipy.special import logit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.naive_bayes import MultinomialNB

from benchmarks._data import load_imdb, read_columns
from benchmarks._fits import Job, Outcome
from benchmarks.claims.texts import encode, locate_texts
from benchmarks.notebooks.experiments import EXPERIMENTS, NUM_WORDS, variants_of
from skimdb import MultiHotVectorizer

N_VALIDATION = 10_000
N_FOLDS = 5
N_CANDIDATES = 100
TRAINING_SIZES = [500, 1000, 2500, 5000, 10_000, 25_000]
SOURCES = ["amazon", "yelp", "imdb"]
# 512 units cost as much as all others together, and overfit before the eighth epoch.
EPOCHS_OF_512_UNITS = 8

_NOTEBOOKS = {
    variant.name: dict(variant.params)
    for experiment in EXPERIMENTS
    for variant in variants_of(experiment)
}
# Of configurations that are in several experiments, one name each.
VALIDATED = {
    name: _NOTEBOOKS[name]
    for name in (
        *("A2", "A3", "A5", "A6", "A7", "A8", "B2 units=4", "B2 units=16", "B2 units=512"),
        *("B3 layers=2", "B3 layers=3", "B3 layers=4", "B5 l1=0.001", "B6 dropout=0.5"),
    )
}
VALIDATED["B2 units=512"]["epochs"] = EPOCHS_OF_512_UNITS
BASE, REGULARISED, BEST = "A11", "A10", "A12"
NETWORKS = {name: _NOTEBOOKS[name] for name in [BASE, REGULARISED, BEST]}
REFERENCES = {
    "Logistic regression": LogisticRegression(C=0.05),
    "Naive Bayes": MultinomialNB(),
}
# The notebooks' own parameters and what lies between them; few epochs and units, so that a
# thousand fits are affordable.
SEARCH_SPACE: dict[str, list[Any]] = {
    "units": [4, 8, 16],
    "layers": [1, 2, 3],
    "l1": [0.0, 0.0001, 0.001],
    "l2": [0.0, 0.0005, 0.001],
    "dropout": [0.0, 0.25, 0.5],
    "learning_rate": [0.0005, 0.001, 0.002],
    "batch_size": [128, 256, 512, 1024],
    "epochs": [2, 3, 4, 5, 6, 7, 8],
}


def _described(name: str) -> dict[str, str]:
    """Return the name of a model, and of a reference also its parameters."""
    return {"model": name, **({"reference": repr(REFERENCES[name])} if name in REFERENCES else {})}


def pack(scores: NDArray[Any]) -> str:
    """Write scores as text, with three digits each."""
    return base64.b64encode(scores.astype("<f2").tobytes()).decode()


def unpack(text: str) -> NDArray[np.float64]:
    """Read scores that `pack` wrote."""
    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float64)


# Claims 1 to 7: random splits into training and validation part


@dataclass(frozen=True)
class TrainingReviews:
    """The training reviews of IMDB."""

    X: Any
    y: NDArray[np.int64]

    @classmethod
    def load(cls) -> "TrainingReviews":
        """Read them."""
        X, y = load_imdb("train")
        return cls(MultiHotVectorizer(NUM_WORDS).transform(X), y)


def validation_jobs(n_seeds: int, names: Sequence[str]) -> list[Job[TrainingReviews]]:
    """Return a job for each configuration and seed, which is that of the split too."""
    return [
        Job(
            f"validation {name} seed{seed}",
            {**VALIDATED[name], **_split(seed), "configuration": name},
            partial(_fit_validated, VALIDATED[name], seed),
        )
        for name in names
        for seed in range(n_seeds)
    ]


def _split(seed: int) -> dict[str, int]:
    return {"seed": seed, "n_validation": N_VALIDATION}


def _fit_validated(params: Mapping[str, Any], seed: int, reviews: TrainingReviews) -> Outcome:
    order = np.random.default_rng(seed).permutation(len(reviews.y))
    validation, train = order[:N_VALIDATION], order[N_VALIDATION:]
    classifier = _network(params, seed, callbacks=[_cross_entropy(params["l1"], params["l2"])])
    start = time.perf_counter()
    classifier.fit(
        reviews.X[train],
        reviews.y[train],
        X_val=reviews.X[validation],
        y_val=reviews.y[validation],
    )
    return {"seconds": time.perf_counter() - start, "history": classifier.history_}


def _cross_entropy(l1: float, l2: float) -> Any:
    """Return a callback that adds to the history the validation loss without its penalty."""
    import keras

    class CrossEntropy(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            kernels = self.model.get_weights()[:-2:2]
            penalty = sum(l1 * np.abs(kernel).sum() + l2 * (kernel**2).sum() for kernel in kernels)
            logs["val_cross_entropy"] = float(logs["val_loss"] - penalty)

    return CrossEntropy()


def _network(params: Mapping[str, Any], seed: int, callbacks: Any = None) -> Any:
    from skimdb import DenseSentimentClassifier

    return DenseSentimentClassifier(**params, callbacks=callbacks, random_state=seed)


# Claim 8: a search on one validation split, with reviews that took no part in choosing


@dataclass(frozen=True)
class AllReviews:
    """The reviews of IMDB, and sentences from elsewhere where they are needed."""

    X: Any
    y: NDArray[np.int64]
    X_test: Any
    y_test: NDArray[np.int64]

    @classmethod
    def load(cls) -> "AllReviews":
        """Read the training and the test reviews."""
        train = TrainingReviews.load()
        X_test, y_test = load_imdb("test")
        return cls(train.X, train.y, MultiHotVectorizer(NUM_WORDS).transform(X_test), y_test)

    @classmethod
    def load_with_sentences(cls) -> "AllReviews":
        """Read the reviews, with the sentences after those of the test."""
        reviews = cls.load()
        [path] = locate_texts(10)
        sentences = read_columns(path, ["text", "label"])
        X_test = vstack([reviews.X_test, encode(sentences["text"])], format="csr")
        y_test = np.concatenate([reviews.y_test, sentences["label"]])
        return cls(reviews.X, reviews.y, X_test, y_test)


def search_jobs(n_seeds: int) -> list[Job[AllReviews]]:
    """Return a job for each random candidate on each split."""
    jobs = []
    for seed in range(n_seeds):
        rng = np.random.default_rng(seed)
        for candidate in range(N_CANDIDATES):
            params = {name: rng.choice(values).item() for name, values in SEARCH_SPACE.items()}
            jobs.append(
                Job(
                    f"search split{seed} candidate{candidate}",
                    {**params, **_split(seed)},
                    partial(_fit_candidate, params, seed),
                )
            )
    return jobs


def _fit_candidate(params: Mapping[str, Any], seed: int, reviews: AllReviews) -> Outcome:
    order = np.random.default_rng(seed).permutation(len(reviews.y))
    train = order[N_VALIDATION:]
    classifier = _network(params, seed).fit(reviews.X[train], reviews.y[train])
    halves = np.split(order[:N_VALIDATION], 2)
    return {
        "halves": [float(classifier.score(reviews.X[half], reviews.y[half])) for half in halves],
        "test": float(classifier.score(reviews.X_test, reviews.y_test)),
    }


# Claims 9 and 10: other test sets, smaller training sets


def transfer_name(model: str, n_train: int, seed: int, *, same_steps: bool = False) -> str:
    """Return the name of a job of `transfer_jobs`."""
    return f"transfer {model} n{n_train}{' steps' if same_steps else ''} seed{seed}"


def n_published() -> int:
    """Return the number of reviews that the regularised network was trained on."""
    return TRAINING_SIZES[-1] - N_VALIDATION


def transfer_jobs(n_seeds: int, sizes: Sequence[int]) -> list[Job[AllReviews]]:
    """Return a job for each model, size of the training set and seed.

    A seed determines the order of the reviews, of which the first are trained on. The networks
    are also trained on small sets for as many steps as on the largest.
    """
    jobs = []
    for seed in range(n_seeds):
        for n_train in sizes:
            for name, params in NETWORKS.items():
                jobs.append(_transfer_job(name, params, n_train, seed, same_steps=False))
                if n_train < TRAINING_SIZES[-1]:
                    longer = _as_many_steps(params, n_train)
                    jobs.append(_transfer_job(name, longer, n_train, seed, same_steps=True))
            for name in REFERENCES:
                jobs.append(_transfer_job(name, {}, n_train, seed, same_steps=False))
        # As published, on the training part of a split.
        params = NETWORKS[REGULARISED]
        jobs.append(_transfer_job(REGULARISED, params, n_published(), seed, same_steps=False))
    return jobs


def _transfer_job(
    name: str, params: dict[str, Any], n_train: int, seed: int, *, same_steps: bool
) -> Job[AllReviews]:
    return Job(
        transfer_name(name, n_train, seed, same_steps=same_steps),
        {**params, **_described(name), "n_train": n_train, "seed": seed},
        partial(_fit_transferred, name, params, n_train, seed),
    )


def _as_many_steps(params: dict[str, Any], n_train: int) -> dict[str, Any]:
    """Return the parameters with as many epochs as give the steps on the largest set."""
    n_steps, largest = (-(-n // params["batch_size"]) for n in (n_train, TRAINING_SIZES[-1]))
    return {**params, "epochs": round(params["epochs"] * largest / n_steps)}


def _fit_transferred(
    name: str, params: Mapping[str, Any], n_train: int, seed: int, reviews: AllReviews
) -> Outcome:
    train = np.random.default_rng(seed).permutation(len(reviews.y))[:n_train]
    model = REFERENCES[name] if name in REFERENCES else _network(params, seed)
    return {"scores": _scores(model, reviews.X[train], reviews.y[train], reviews.X_test)}


def _scores(model: Any, X: Any, y: NDArray[Any], X_test: Any) -> str:
    """Return the log odds of the positive class, by a model that is fitted before."""
    probability = clone(model).fit(X, y).predict_proba(X_test)[:, 1].astype(np.float64)
    return pack(logit(probability.clip(1e-12, 1 - 1e-12)))


@dataclass(frozen=True)
class TransferSets:
    """What the test reviews and the sentences after them are.

    Attributes
    ----------
    y : ndarray of shape (n_reviews,)
        Labels.
    members : dict of str to ndarray of int
        Indices of the reviews of each set.
    """

    y: NDArray[np.int64]
    members: dict[str, NDArray[np.intp]]

    @classmethod
    def load(cls) -> "TransferSets":
        """Read labels, lengths and sources."""
        X_test, y_test = load_imdb("test")
        [path] = locate_texts(10)
        sentences = read_columns(path, ["label", "source"])
        by_length = np.argsort([len(review) for review in X_test], kind="stable")
        n_tenth = len(by_length) // 10
        members = {
            "test": np.arange(len(y_test)),
            "shortest": by_length[:n_tenth],
            "longest": by_length[-n_tenth:],
        }
        for source in SOURCES:
            members[source] = len(y_test) + np.flatnonzero(sentences["source"] == source)
        return cls(np.concatenate([y_test, sentences["label"]]), members)


# Claim 11: folds that share movies


@dataclass(frozen=True)
class MovieReviews:
    """Reviews of known movies."""

    X: Any
    y: NDArray[np.int64]
    movies: NDArray[Any]
    X_test: Any
    y_test: NDArray[np.int64]

    @classmethod
    def load(cls) -> "MovieReviews":
        """Read and encode the texts."""
        train, test = (read_columns(path, ["text", "label"]) for path in locate_texts(11))
        return cls(
            encode(train["text"]),
            train["label"],
            load_movies()["train"],
            encode(test["text"]),
            test["label"],
        )


def load_movies() -> dict[str, NDArray[Any]]:
    """Return the movie of each training and each test review."""
    train, test = (read_columns(path, ["movie"])["movie"] for path in locate_texts(11))
    return {"train": train, "test": test}


FOLDS = {"stratified": StratifiedKFold, "grouped": StratifiedGroupKFold}


def movie_jobs(n_seeds: int) -> list[Job[MovieReviews]]:
    """Return a job for each model, kind of folds and seed, which shuffles the folds too."""
    return [
        Job(
            f"movies {model} {kind} seed{seed}",
            {**params, **_described(model), "folds": kind, "n_folds": N_FOLDS, "seed": seed},
            partial(_cross_validate, model, params, kind, seed),
        )
        for model, params in [(BASE, NETWORKS[BASE]), ("Logistic regression", {})]
        for kind in FOLDS
        for seed in range(n_seeds)
    ]


def _cross_validate(
    name: str, params: Mapping[str, Any], kind: str, seed: int, reviews: MovieReviews
) -> Outcome:
    """Return whether reviews were told right when held out, and the share of folds for the test."""
    right = np.zeros(len(reviews.y))
    right_test = np.zeros(len(reviews.y_test))
    folds = FOLDS[kind](N_FOLDS, shuffle=True, random_state=seed)
    groups = reviews.movies if kind == "grouped" else None
    for train, held_out in folds.split(reviews.X, reviews.y, groups):
        model = REFERENCES[name] if name in REFERENCES else _network(params, seed)
        X_both = vstack([reviews.X[held_out], reviews.X_test], format="csr")
        scores = unpack(_scores(model, reviews.X[train], reviews.y[train], X_both))
        predicted = scores > 0
        right[held_out] = predicted[: len(held_out)] == reviews.y[held_out]
        right_test += (predicted[len(held_out) :] == reviews.y_test) / N_FOLDS
    return {"right": pack(right), "right_test": pack(right_test)}
