"""The classifiers of `benchmarks.leaderboard`, each with its grid of hyper-parameters."""

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from benchmarks._data import load_imdb, load_texts
from skimdb import DenseSentimentClassifier, MultiHotVectorizer, make_text_classifier
from skimdb.feature_extraction import LogCountRatioScaler, WordIndexEncoder

WORDS = "10,000 words"
NGRAMS = "1-3-grams"
BIGRAMS = "1-2-grams"
SEQUENCES = "word sequences"
TEXT = "n-grams of raw text"
_NETWORK: dict[str, Any] = {"layers": 1, "optimizer": "adam", "epochs": 2, "batch_size": 512}
# Apostrophes stay within words.
_PUNCTUATION = string.punctuation.replace("'", "")


@dataclass(frozen=True)
class Entry:
    """A line of the table.

    Attributes
    ----------
    name : str
        Of the classifier.
    features : str
        What it is given.
    steps : callable
        Takes a seed and returns the steps after the vectorizer, by name.
    grid : mapping
        Values to choose from by cross-validation.
    is_random : bool
        Whether the seed changes the result.
    is_ours : bool
        Whether it is one of this package's pipelines.
    """

    name: str
    features: str
    steps: Callable[[int], list[tuple[str, Any]]]
    grid: Mapping[str, list[Any]] = field(default_factory=dict)
    is_random: bool = False
    is_ours: bool = False

    @property
    def key(self) -> str:
        """Its unique name, in lower case and without spaces."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.name} {self.features}".lower())

    @property
    def description(self) -> str:
        """All parameters of its pipeline but for the seed's, as text."""
        with config_context(print_changed_only=False):
            return repr(self.pipeline(0).steps)

    def pipeline(self, seed: int) -> Pipeline:
        """Return the whole pipeline, from word indices on."""
        steps = self.steps(seed)
        if self.features in (WORDS, BIGRAMS, NGRAMS):
            steps = [("vectorizer", _vectorizer(self.features)), *steps]
        return Pipeline(steps)


def load_reviews(entry: Entry, subset: Literal["train", "test"]) -> tuple[Any, NDArray[np.int64]]:
    """Return the texts or word indices that the pipeline of an entry takes, and the labels."""
    return load_texts(subset) if entry.features == TEXT else load_imdb(subset)


def _vectorizer(features: str) -> MultiHotVectorizer:
    if features == WORDS:
        return MultiHotVectorizer(10_000)
    return MultiHotVectorizer(None, ngram_range=(1, 3) if features == NGRAMS else (1, 2), min_df=2)


class NBSVM(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Wang and Manning's (2012) classifier, of features scaled by their log-count ratio.

    A linear support vector machine whose coefficients are interpolated with their mean magnitude.
    """

    def __init__(self, C: float = 1.0, beta: float = 0.25) -> None:
        self.C = C
        self.beta = beta

    def fit(self, X: Any, y: NDArray[Any]) -> Self:
        """Fit the support vector machine and interpolate."""
        svm = LinearSVC(C=self.C, random_state=0).fit(X, y)
        self.classes_ = svm.classes_
        mean_magnitude = np.abs(svm.coef_).mean()
        self.coef_ = (1 - self.beta) * mean_magnitude + self.beta * svm.coef_[0]
        self.intercept_ = svm.intercept_[0]
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the signed distances."""
        return np.asarray(X @ self.coef_ + self.intercept_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the classes."""
        return np.asarray(self.classes_[(self.decision_function(X) > 0).astype(int)])


class AveragedEmbeddings(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The mean of learnt word embeddings and a sigmoid, as in fastText (Joulin et al. 2016)."""

    def __init__(
        self,
        num_words: int = 20_000,
        dimension: int = 50,
        max_length: int = 400,
        epochs: int = 5,
        random_state: int = 0,
    ) -> None:
        self.num_words = num_words
        self.dimension = dimension
        self.max_length = max_length
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X: Any, y: NDArray[Any]) -> Self:
        """Train the embeddings and the output."""
        import keras

        keras.utils.set_random_seed(self.random_state)
        self.classes_ = np.unique(y)
        self.model_ = keras.Sequential(
            [
                keras.Input((self.max_length,), dtype="int32"),
                keras.layers.Embedding(self.num_words, self.dimension, mask_zero=True),
                keras.layers.GlobalAveragePooling1D(),
                keras.layers.Dense(1, activation="sigmoid"),
            ]
        )
        optimizer = keras.optimizers.Adam(0.01)
        self.model_.compile(optimizer=optimizer, loss="binary_crossentropy")
        self.model_.fit(
            self._padded(X), y == self.classes_[1], epochs=self.epochs, batch_size=512, verbose=0
        )
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probabilities of both classes."""
        positive = self.model_.predict(self._padded(X), batch_size=512, verbose=0)[:, 0]
        return np.column_stack([1 - positive, positive]).astype(np.float64)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the classes."""
        return np.asarray(self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)])

    def _padded(self, X: Any) -> NDArray[np.int32]:
        padded = np.zeros((len(X), self.max_length), dtype=np.int32)
        for row, review in zip(padded, X, strict=True):
            known = np.where(review < self.num_words, review, 2)[: self.max_length]
            row[: len(known)] = known
        return padded


def _step(make: Callable[[int], Any], *before: tuple[str, Any]) -> Callable[[int], Any]:
    return lambda seed: [*before, ("classifier", make(seed))]


def _scaler() -> tuple[str, Any]:
    return ("scaler", LogCountRatioScaler())


def _dense(**params: Any) -> Callable[[int], Any]:
    return lambda seed: DenseSentimentClassifier(**params, random_state=seed)


def _mlp(max_iter: int) -> Callable[[int], Any]:
    return lambda seed: MLPClassifier(
        (16, 16), batch_size=512, max_iter=max_iter, n_iter_no_change=max_iter, random_state=seed
    )


def _entries() -> list[Entry]:
    c_grid = {"classifier__C": [0.01, 0.03, 0.1, 0.3]}
    alpha_grid = {"classifier__alpha": [0.1, 0.3, 1.0, 3.0]}
    svm_grid = {"classifier__C": [0.001, 0.003, 0.01, 0.03]}
    sgd_grid = {"classifier__alpha": [1e-5, 1e-4, 1e-3]}
    logistic = _step(lambda _: LogisticRegression(max_iter=1000))
    scaled_logistic = _step(lambda _: LogisticRegression(max_iter=1000), _scaler())
    sgd = _step(lambda seed: SGDClassifier(loss="log_loss", random_state=seed))
    svm = _step(lambda seed: LinearSVC(random_state=seed))
    nbsvm = _step(lambda _: NBSVM(), _scaler())
    nbsvm_grid = {"classifier__C": [0.01, 0.1, 1.0], "classifier__beta": [0.25, 0.5]}
    boosting = _step(
        lambda seed: HistGradientBoostingClassifier(random_state=seed),
        ("tfidf", TfidfTransformer(sublinear_tf=True)),
        ("svd", TruncatedSVD(200, random_state=0)),
    )
    return [
        Entry("Most frequent class", WORDS, _step(lambda _: DummyClassifier())),
        *(
            entry
            for features in (WORDS, NGRAMS)
            for entry in (
                Entry("MultinomialNB", features, _step(lambda _: MultinomialNB()), alpha_grid),
                Entry("BernoulliNB", features, _step(lambda _: BernoulliNB()), alpha_grid),
                Entry("LogisticRegression", features, logistic, c_grid),
                Entry("LogisticRegression on log-count ratios", features, scaled_logistic, c_grid),
                Entry("LinearSVC", features, svm, svm_grid),
                Entry("SGDClassifier, log loss", features, sgd, sgd_grid, is_random=True),
                Entry("NBSVM", features, nbsvm, nbsvm_grid),
            )
        ),
        Entry(
            "HistGradientBoosting on 200 SVD components",
            WORDS,
            boosting,
            {"classifier__max_iter": [100, 300]},
            is_random=True,
        ),
        Entry(
            "Averaged embeddings (Keras)",
            SEQUENCES,
            _step(lambda seed: AveragedEmbeddings(random_state=seed)),
            {"classifier__epochs": [3, 6, 12]},
            is_random=True,
        ),
        Entry(
            "MLPClassifier, 16-16",
            WORDS,
            _step(_mlp(4)),
            {"classifier__max_iter": [2, 4]},
            is_random=True,
        ),
        Entry("MLPClassifier, 16-16, 2 epochs", NGRAMS, _step(_mlp(2)), is_random=True),
        Entry("Notebooks' base network, 16-16, 4 epochs", WORDS, _step(_dense()), is_random=True),
        Entry(
            "Notebooks' regularised network, 8-8",
            WORDS,
            _step(_dense(units=8, l2=0.0005, dropout=0.5, batch_size=128, epochs=6)),
            is_random=True,
        ),
        *_ours(),
    ]


def _three_networks(seed: int) -> VotingClassifier:
    networks = [(f"network_{i}", _dense(**_NETWORK, units=32)(3 * seed + i)) for i in range(3)]
    return VotingClassifier(networks, voting="soft")


def _text_steps() -> list[Any]:
    return [
        WordIndexEncoder(punctuation=_PUNCTUATION, normalize=False),
        MultiHotVectorizer(None, ngram_range=(1, 3), min_df=2),
        LogCountRatioScaler(),
    ]


def _ours() -> list[Entry]:
    return [
        Entry(
            "skimdb, words",
            WORDS,
            _step(_dense(optimizer="adam", batch_size=512), _scaler()),
            {
                "classifier__layers": [1, 2],
                "classifier__units": [16, 64],
                "classifier__epochs": [1, 2, 3],
                "classifier__l2": [0.0, 0.0001],
            },
            is_random=True,
            is_ours=True,
        ),
        Entry(
            "skimdb, fast",
            BIGRAMS,
            _step(_dense(**_NETWORK), _scaler()),
            is_random=True,
            is_ours=True,
        ),
        Entry(
            "skimdb, n-grams",
            NGRAMS,
            _step(_dense(**_NETWORK), _scaler()),
            {"classifier__units": [16, 32, 64]},
            is_random=True,
            is_ours=True,
        ),
        Entry(
            "skimdb, text",
            TEXT,
            lambda seed: make_pipeline(*_text_steps(), _dense(**_NETWORK, units=32)(seed)).steps,
            {
                "wordindexencoder__punctuation": ["", _PUNCTUATION],
                "multihotvectorizer__ngram_range": [(1, 3), (1, 5)],
                "densesentimentclassifier__units": [16, 32],
            },
            is_random=True,
            is_ours=True,
        ),
        Entry(
            "make_text_classifier",
            TEXT,
            lambda seed: make_text_classifier(random_state=seed).steps,
            is_random=True,
            is_ours=True,
        ),
        Entry(
            "skimdb, three networks voting",
            TEXT,
            _step(_three_networks, *make_pipeline(*_text_steps()).steps),
            is_random=True,
            is_ours=True,
        ),
    ]


ENTRIES = _entries()
