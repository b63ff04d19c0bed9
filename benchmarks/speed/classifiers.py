"""Fitting and predicting. Each function returns an unfitted classifier."""

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._data import load_imdb
from benchmarks._measure import PeakMemory
from benchmarks.speed.setting import (
    BATCH_SIZE,
    EPOCHS,
    NUM_WORDS,
    UNITS,
    Measurement,
    multi_hot,
    timed,
)


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


def plain_scikeras() -> Any:
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


def dense_sentiment_classifier() -> Any:
    from skimdb import DenseSentimentClassifier

    return DenseSentimentClassifier(epochs=EPOCHS, batch_size=BATCH_SIZE)


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "notebooks: Keras on a dense matrix": _KerasOnDense,
    "plain scikeras on CSR": plain_scikeras,
    "Keras fit(CSR)": _KerasOnCSR,
    "skorch on CSR": _skorch,
    "MLPClassifier": mlp_classifier,
    "LogisticRegression": _logistic_regression,
    "skimdb": dense_sentiment_classifier,
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

    from skimdb import MultiHotVectorizer

    X, y = load_imdb("train")
    X_test, _ = load_imdb("test")
    pipeline = make_pipeline(MultiHotVectorizer(NUM_WORDS), dense_sentiment_classifier())
    memory = PeakMemory()
    seconds = timed(pipeline.fit, X, y) + timed(pipeline.predict, X_test)
    return {"seconds": seconds, "peak_mb": memory.megabytes()}
