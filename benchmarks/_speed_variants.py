"""The ways to do the same thing that ``benchmarks.speed`` compares, each measured in a process."""

import os
import time
import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import PeakMemory, load_imdb, load_texts

NUM_WORDS = 10_000
UNITS = 16
EPOCHS = 4
BATCH_SIZE = 512
SEARCH_GRID: dict[str, list[Any]] = {
    "units": [8, 16],
    "learning_rate": [0.001, 0.002],
    "epochs": [2, 4],
}
SEARCH_FOLDS = 3

Measurement = dict[str, float]


def timed(function: Callable[..., Any], *args: Any) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


# Vectorizing. Each function takes what `vectorizer_input` gives under the same name.


def vectorizer_input(kind: str) -> Any:
    """Return the 25,000 training reviews, all indices below `NUM_WORDS`, in one of the forms."""
    X, _ = load_imdb("train")
    arrays = np.empty(len(X), dtype=object)
    arrays[:] = [np.where(review < NUM_WORDS, review, 2).astype(np.int32) for review in X]
    if kind == "arrays":
        return arrays
    lists = [review.tolist() for review in arrays]
    if kind == "lists":
        return lists
    if kind == "arrow":
        import pyarrow as pa

        return pa.array(lists)
    if kind == "ragged":
        import tensorflow as tf

        return tf.ragged.constant(lists, dtype=tf.int64)
    raise ValueError(kind)


def notebook_loop(sequences: Any) -> NDArray[np.float64]:
    """Vectorize as the notebooks do."""
    results = np.zeros((len(sequences), NUM_WORDS))
    for i, sequence in enumerate(sequences):
        results[i, sequence] = 1.0
    return results


def _multi_label_binarizer(sequences: Any) -> Any:
    from sklearn.preprocessing import MultiLabelBinarizer

    return MultiLabelBinarizer(classes=range(NUM_WORDS), sparse_output=True).fit_transform(
        sequences
    )


def _count_vectorizer(sequences: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(analyzer=list, binary=True, dtype=np.float32).fit_transform(sequences)


def _category_encoding(sequences: Any) -> Any:
    import keras
    import tensorflow as tf

    layer = keras.layers.CategoryEncoding(NUM_WORDS, output_mode="multi_hot")
    # A row at a time: the layer takes no ragged batch, and a padded one would count its padding.
    return tf.stack([layer(sequence) for sequence in sequences])


def _ours(sequences: Any) -> Any:
    from skimdb import MultiHotVectorizer

    return MultiHotVectorizer(NUM_WORDS).fit_transform(sequences)


VECTORIZERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "notebooks' loop, lists": ("lists", notebook_loop),
    "notebooks' loop, arrays": ("arrays", notebook_loop),
    "CountVectorizer, lists": ("lists", _count_vectorizer),
    "MultiLabelBinarizer, lists": ("lists", _multi_label_binarizer),
    "Keras CategoryEncoding, a call per review": ("ragged", _category_encoding),
    "skimdb, lists": ("lists", _ours),
    "skimdb, arrays": ("arrays", _ours),
    "skimdb, Arrow": ("arrow", _ours),
}


def measure_vectorizer(name: str) -> Measurement:
    """Return seconds of the first and of the next call, and the peak memory of the first."""
    kind, function = VECTORIZERS[name]
    sequences = vectorizer_input(kind)
    function(sequences[:10])  # what is imported at first use
    memory = PeakMemory()
    first = timed(function, sequences)
    peak = memory.megabytes()
    later = timed(function, sequences)
    return {"first": first, "later": later, "peak_mb": peak}


# Fitting and predicting. Each function returns an unfitted classifier.


def multi_hot(
    subset: Literal["train", "test"], num_words: int = NUM_WORDS
) -> tuple[Any, NDArray[np.int64]]:
    """Return IMDB reviews as a CSR matrix."""
    from skimdb import MultiHotVectorizer

    X, y = load_imdb(subset)
    return MultiHotVectorizer(num_words).transform(X), y


def keras_network(units: int = UNITS, learning_rate: float = 0.001) -> Any:
    """Return the notebooks' base network."""
    import keras

    model = keras.Sequential(
        [
            keras.Input((NUM_WORDS,)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.RMSprop(learning_rate),
        loss="binary_crossentropy",
        metrics=["accuracy"],
    )
    return model


class _KerasOnDense:
    """The notebooks' way, from the matrix on: dense float64 reviews and `keras.Model.fit`."""

    def __init__(self) -> None:
        import keras  # noqa: F401

    def fit(self, X: Any, y: NDArray[np.int64]) -> "_KerasOnDense":
        self.model = keras_network()
        self.model.fit(
            X.toarray().astype(np.float64),
            y.astype(np.float32),
            epochs=EPOCHS,
            batch_size=BATCH_SIZE,
            verbose=0,
        )
        return self

    def predict(self, X: Any) -> NDArray[np.bool_]:
        probability = self.model.predict(X.toarray().astype(np.float64), verbose=0)
        return np.asarray(probability[:, 0] > 0.5)


class _KerasOnCSR:
    """`keras.Model.fit` on the sparse matrix."""

    def __init__(self) -> None:
        import keras  # noqa: F401

    def fit(self, X: Any, y: NDArray[np.int64]) -> "_KerasOnCSR":
        self.model = keras_network()
        self.model.fit(X, y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0)
        return self

    def predict(self, X: Any) -> NDArray[np.bool_]:
        return np.asarray(self.model.predict(X, verbose=0)[:, 0] > 0.5)


def _plain_scikeras() -> Any:
    from scikeras.wrappers import KerasClassifier

    return KerasClassifier(
        keras_network,
        model__units=UNITS,
        model__learning_rate=0.001,
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        verbose=0,
    )


def mlp_classifier(units: int = UNITS, layers: int = 2, epochs: int = EPOCHS) -> Any:
    """Return scikit-learn's network of the same shape."""
    from sklearn.neural_network import MLPClassifier

    warnings.filterwarnings("ignore", message="Stochastic Optimizer: Maximum iterations")
    return MLPClassifier(
        (units,) * layers, batch_size=BATCH_SIZE, max_iter=epochs, n_iter_no_change=epochs
    )


def _skorch() -> Any:
    import torch
    from skorch import NeuralNetBinaryClassifier

    torch.set_num_threads(os.cpu_count() or 1)
    network = torch.nn.Sequential(
        torch.nn.Linear(NUM_WORDS, UNITS),
        torch.nn.ReLU(),
        torch.nn.Linear(UNITS, UNITS),
        torch.nn.ReLU(),
        torch.nn.Linear(UNITS, 1),
        torch.nn.Flatten(0),
    )

    class FloatLabels(NeuralNetBinaryClassifier):  # type: ignore[misc]
        def fit(self, X: Any, y: NDArray[Any]) -> Any:
            return super().fit(X, y.astype(np.float32))

    return FloatLabels(
        network,
        optimizer=torch.optim.RMSprop,
        lr=0.001,
        max_epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        train_split=None,
        verbose=0,
        iterator_train__shuffle=True,
    )


def _logistic_regression() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.05, max_iter=1000)


def _dense_sentiment_classifier() -> Any:
    from skimdb import DenseSentimentClassifier

    return DenseSentimentClassifier()


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "notebooks: Keras on a dense matrix": _KerasOnDense,
    "plain scikeras on CSR": _plain_scikeras,
    "Keras fit(CSR)": _KerasOnCSR,
    "skorch on CSR": _skorch,
    "MLPClassifier": mlp_classifier,
    "LogisticRegression": _logistic_regression,
    "skimdb": _dense_sentiment_classifier,
}


def measure_classifier(name: str) -> Measurement:
    """Return seconds of the first and a later fit and prediction, memory and accuracy."""
    X, y = multi_hot("train")
    X_test, y_test = multi_hot("test")
    make_classifier = CLASSIFIERS[name]
    make_classifier()  # imports
    memory = PeakMemory()
    classifier = make_classifier()
    first_fit = timed(classifier.fit, X, y)
    peak = memory.megabytes()
    first_predict = timed(classifier.predict, X_test)
    accuracy = float(np.mean(np.asarray(classifier.predict(X_test)).astype(int) == y_test))
    warm_predict = float(np.median([timed(classifier.predict, X_test) for _ in range(5)]))
    later_fit = timed(make_classifier().fit, X, y)
    return {
        "first_fit": first_fit,
        "later_fit": later_fit,
        "first_predict": first_predict,
        "warm_predict": warm_predict,
        "peak_mb": peak,
        "accuracy": accuracy,
    }


def measure_pipeline() -> Measurement:
    """Return the peak memory of a pipeline from sequences to predictions, and its seconds."""
    from sklearn.pipeline import make_pipeline

    from skimdb import DenseSentimentClassifier, MultiHotVectorizer

    X, y = load_imdb("train")
    X_test, _ = load_imdb("test")
    pipeline = make_pipeline(MultiHotVectorizer(NUM_WORDS), DenseSentimentClassifier())
    memory = PeakMemory()
    seconds = timed(pipeline.fit, X, y) + timed(pipeline.predict, X_test)
    return {"seconds": seconds, "peak_mb": memory.megabytes()}


# Raw texts


def _analyzed(texts: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return [*map(CountVectorizer().build_analyzer(), texts)]


def _counted(texts: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer().fit_transform(texts)


def _counted_ngrams(texts: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(ngram_range=(1, 3), min_df=2, binary=True).fit_transform(texts)


def _encoded(texts: Any) -> Any:
    from skimdb.feature_extraction import WordIndexEncoder

    return WordIndexEncoder().fit_transform(texts)


def _encoded_ngrams(texts: Any) -> Any:
    from skimdb import MultiHotVectorizer

    vectorizer = MultiHotVectorizer(None, ngram_range=(1, 3), min_df=2)
    return vectorizer.fit_transform(_encoded(texts))


TEXT_WAYS: dict[str, Callable[[Any], Any]] = {
    "CountVectorizer's tokenization alone": _analyzed,
    "WordIndexEncoder, fitted: word indices": _encoded,
    "CountVectorizer, fitted: counts of words": _counted,
    "WordIndexEncoder and MultiHotVectorizer, 1-3-grams": _encoded_ngrams,
    "CountVectorizer, 1-3-grams": _counted_ngrams,
}


def measure_texts(name: str) -> Measurement:
    """Return seconds of turning the training texts into words or features."""
    texts, _ = load_texts("train")
    TEXT_WAYS[name](texts[:100])  # imports
    return {"seconds": timed(TEXT_WAYS[name], texts)}


# A million features


def measure_ngrams(name: str) -> Measurement:
    """Return seconds and peak memory of a fit on the 1-3-grams of the training reviews.

    These are scaled by their log-count ratios, and the network has one hidden layer of 16 units
    and is trained by Adam for 2 epochs.
    """
    from skimdb import DenseSentimentClassifier, MultiHotVectorizer
    from skimdb.feature_extraction import LogCountRatioScaler

    X, y = load_imdb("train")
    vectorizer = MultiHotVectorizer(None, ngram_range=(1, 3), min_df=2)
    start = time.perf_counter()
    features = vectorizer.fit_transform(X)
    vectorize = time.perf_counter() - start
    features = LogCountRatioScaler().fit(features, y).transform(features)
    classifier: Any = mlp_classifier(layers=1, epochs=2)
    if name == "skimdb":
        classifier = DenseSentimentClassifier(layers=1, optimizer="adam", epochs=2)
    memory = PeakMemory()
    fit = timed(classifier.fit, features, y)
    return {
        "features": features.shape[1],
        "vectorize": vectorize,
        "fit": fit,
        "peak_mb": memory.megabytes(),
    }


# Grid search


def measure_search(name: str) -> Measurement:
    """Return the seconds of a grid search with 24 fits and a final one."""
    from sklearn.model_selection import GridSearchCV

    classifier: Any
    grid: dict[str, list[Any]]
    if name == "skimdb":
        classifier, grid = _dense_sentiment_classifier(), dict(SEARCH_GRID)
    elif name == "MLPClassifier":
        classifier = mlp_classifier().set_params(n_iter_no_change=max(SEARCH_GRID["epochs"]))
        grid = {
            "hidden_layer_sizes": [(units, units) for units in SEARCH_GRID["units"]],
            "learning_rate_init": SEARCH_GRID["learning_rate"],
            "max_iter": SEARCH_GRID["epochs"],
        }
    elif name == "plain scikeras on CSR":
        classifier = _plain_scikeras()
        grid = {
            "model__units": SEARCH_GRID["units"],
            "model__learning_rate": SEARCH_GRID["learning_rate"],
            "epochs": SEARCH_GRID["epochs"],
        }
    else:
        raise ValueError(name)
    X, y = multi_hot("train")
    search = GridSearchCV(classifier, grid, cv=SEARCH_FOLDS)
    return {"seconds": timed(search.fit, X, y)}


# Growth: one epoch, ours and scikit-learn's network in turn.


def growth_cases() -> dict[str, list[int]]:
    """Return the values of each size that is varied."""
    return {
        "rows": [5_000, 10_000, 25_000, 50_000, 100_000],
        "words": [10_000, 30_000, 100_000, 300_000, 1_000_000],
        "units": [16, 32, 64, 128, 256, 512],
        "layers": [1, 2, 3, 4],
    }


def measure_growth(size: str, n_repeats: int) -> dict[str, dict[str, list[float]]]:
    """Return for each value the seconds of each fit of both classifiers, in the same order."""
    from skimdb import DenseSentimentClassifier, MultiHotVectorizer
    from skimdb.datasets import make_reviews

    reviews, y = make_reviews(100_000 if size == "rows" else 25_000, random_state=0)
    X = MultiHotVectorizer(NUM_WORDS).transform(reviews)
    DenseSentimentClassifier(epochs=1).fit(X[:1000], y[:1000])
    seconds: dict[str, dict[str, list[float]]] = {}
    for value in growth_cases()[size]:
        X_case, y_case, shape = X, y, {"units": UNITS, "layers": 2}
        if size == "rows":
            X_case, y_case = X[:value], y[:value]
        elif size == "words":
            X_case = _spread_columns(X, value)
        else:
            shape[size] = value
        runs: dict[str, list[float]] = {"skimdb": [], "MLPClassifier": []}
        for _ in range(n_repeats):
            ours = DenseSentimentClassifier(shape["units"], shape["layers"], epochs=1)
            mlp = mlp_classifier(epochs=1, **shape)
            runs["skimdb"].append(timed(ours.fit, X_case, y_case))
            runs["MLPClassifier"].append(timed(mlp.fit, X_case, y_case))
        seconds[str(value)] = runs
    return seconds


def _spread_columns(X: Any, n_columns: int) -> Any:
    """Return a matrix with as many entries, in which each word is several words at random."""
    from scipy.sparse import csr_matrix

    factor = n_columns // X.shape[1]
    copies = np.random.default_rng(0).integers(factor, size=X.nnz)
    indices = (X.indices.astype(np.int64) * factor + copies).astype(np.int32)
    return csr_matrix((X.data, indices, X.indptr), shape=(X.shape[0], n_columns))


def measure_words_and_units(n_repeats: int) -> dict[str, list[float]]:
    """Return seconds of later fits of ours on IMDB with more words, and with more units."""
    from skimdb import DenseSentimentClassifier

    X, y = multi_hot("train")
    X_all_words, _ = multi_hot("train", 88_587)
    cases: dict[str, tuple[int, Any]] = {
        "10,000 words, 16 units": (16, X),
        "88,587 words, 16 units": (16, X_all_words),
        "10,000 words, 64 units": (64, X),
    }
    runs: dict[str, list[float]] = {name: [] for name in cases}
    DenseSentimentClassifier().fit(X, y)
    for _ in range(n_repeats):
        for name, (units, matrix) in cases.items():
            runs[name].append(timed(DenseSentimentClassifier(units).fit, matrix, y))
    return runs
