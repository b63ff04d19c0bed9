"""The models, and what is measured of them, each in a fresh process."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._data import load_texts

PEER = "CountVectorizer 1-3-grams and logistic regression"
RECOMMENDED = "recommended pipeline"
CHARACTERS = "recommended pipeline, with characters"
MODELS = [PEER, RECOMMENDED, CHARACTERS]
OURS = [RECOMMENDED, CHARACTERS]
COMMANDS = ["import sklearn", "predict a text", "predict a file"]

_N_TEXTS = 25_000
_N_SINGLE = 500
_N_AT_ONCE = 1000

Measurement = dict[str, float]


def model_path(folder: Path, name: str) -> Path:
    """Return where a model is kept."""
    return folder / f"{name}.{'joblib' if name == PEER else 'skimdb'}"


def fit(folder: Path, name: str) -> None:
    """Fit a model to the training reviews and keep it."""
    import joblib

    import skimdb

    model = _make_model(name).fit(*_texts("train"))
    path = model_path(folder, name)
    if name == PEER:
        joblib.dump(model, path)
    else:
        skimdb.save(model, path)


def _make_model(name: str) -> Any:
    import skimdb

    if name == PEER:
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        return make_pipeline(
            CountVectorizer(ngram_range=(1, 3), min_df=2, binary=True),
            LogisticRegression(C=0.05, max_iter=1000),
        )
    model = skimdb.make_text_classifier(random_state=0)
    if name == CHARACTERS:
        model.set_params(features__characters__characterencoder__max_word_frequency=None)
    return model


def measure_model(folder: Path, name: str) -> Measurement:
    """Return the size of a model's file, the time to load it, and its accuracy on the test set."""
    path = model_path(folder, name)
    _load(path)  # what is imported at first use
    start = time.perf_counter()
    model = _load(path)
    seconds = time.perf_counter() - start
    accuracy = model.score(*_texts("test"))
    return {"megabytes": path.stat().st_size / 1e6, "load": seconds, "accuracy": float(accuracy)}


def measure_predictions(folder: Path, repeat: int) -> dict[str, Measurement]:
    """Return, for each model, the median seconds of one review, and those of 1,000 at once.

    The models take turns.
    """
    models = {name: _load(model_path(folder, name)) for name in MODELS}
    texts, _ = _texts("test")
    rng = np.random.default_rng(repeat)
    single = [texts[i] for i in rng.permutation(len(texts))[:_N_SINGLE]]
    seconds: dict[str, list[float]] = {name: [] for name in MODELS}
    for text in single:
        for name, model in models.items():
            seconds[name].append(_seconds(model.predict_proba, [text]))
    return {
        name: {
            "one": float(np.median(seconds[name])),
            "thousand": _seconds(model.predict_proba, texts[:_N_AT_ONCE]),
        }
        for name, model in models.items()
    }


def write_test_file(folder: Path) -> None:
    """Write the test reviews as a CSV file."""
    import csv

    texts, _ = _texts("test")
    with (folder / "test.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows([text] for text in texts[:_N_TEXTS])


def measure_command(folder: Path, command: str, name: str) -> Measurement:
    """Return the seconds and the peak memory of a whole process."""
    model = str(model_path(folder, name))
    predict = [sys.executable, "-m", "skimdb", "predict", model]
    arguments = {
        "import sklearn": [sys.executable, "-c", "import sklearn"],
        "predict a text": predict,
        "predict a file": [*predict, str(folder / "test.csv"), "-o", str(folder / "out.csv")],
    }[command]
    start = time.perf_counter()
    process = subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    if process.stdin is not None:
        process.stdin.write("A good film, and good fun!\n")
        process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed")
    return {"seconds": seconds, "peak_mb": usage.ru_maxrss / 1024}


def _load(path: Path) -> Any:
    import joblib

    import skimdb

    return joblib.load(path) if path.suffix == ".joblib" else skimdb.load_predictor(path)


def _texts(subset: Any) -> tuple[list[str], Any]:
    texts, labels = load_texts(subset)
    return texts.tolist(), labels


def median_seconds(function: Callable[[Any], Any], arguments: Sequence[Any]) -> float:
    """Return the median time of a call with each of some arguments, at most 500 of them."""
    return float(np.median([_seconds(function, argument) for argument in arguments[:_N_SINGLE]]))


def _seconds(function: Callable[[Any], Any], argument: Any) -> float:
    start = time.perf_counter()
    function(argument)
    return time.perf_counter() - start
