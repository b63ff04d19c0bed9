"""How many n-grams the recommended pipeline keeps: size and time against accuracy."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from benchmarks._data import find_file, load_texts, read_columns
from benchmarks.serving.measures import Measurement, median_seconds

# Most n-grams of words, and of characters; the first is the pipeline's own.
SELECTIONS = {
    "200,000 and 120,000": (200_000, 120_000),
    "all": (None, None),
    "100,000 and 60,000": (100_000, 60_000),
    "50,000 and 30,000": (50_000, 30_000),
}
DATA_SETS = ["imdb", "customer_reviews", "airline_tweets", "chinese_hotels"]


def measure_selection(name: str) -> dict[str, Measurement]:
    """Return, for each data set, what a selection costs and reaches, by cross-validation.

    The folds of IMDB's training reviews share no movie.
    """
    return {data: _measure(_make_model(name), data) for data in DATA_SETS}


def _make_model(name: str) -> Any:
    import skimdb

    n_words, n_characters = SELECTIONS[name]
    return skimdb.make_text_classifier(random_state=0).set_params(
        features__words__multihotvectorizer__max_features=n_words,
        features__characters__multihotvectorizer__max_features=n_characters,
    )


def _measure(pipeline: Any, data: str) -> Measurement:
    import skimdb

    measured: dict[str, list[float]] = {}

    def note(**figures: float) -> None:
        for name, value in figures.items():
            measured.setdefault(name, []).append(value)

    for X, y, X_test, y_test in _folds(data):
        model = clone(pipeline).fit(X, y)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.skimdb")
            skimdb.save(model, path)
            megabytes = path.stat().st_size / 1e6
            predictor = skimdb.load_predictor(path)
        milliseconds = 1e3 * median_seconds(predictor.predict_proba, [[text] for text in X_test])
        network = model[-1].model_
        note(megabytes=megabytes, milliseconds=milliseconds, accuracy=model.score(X_test, y_test))
        weights = network.get_weights()
        network.set_weights([weight.astype(np.float16) for weight in weights])
        note(
            half_megabytes=megabytes - sum(weight.nbytes for weight in weights) / 2e6,
            half_accuracy=model.score(X_test, y_test),
        )
    return {name: float(np.mean(values)) for name, values in measured.items()}


def _folds(data: str) -> Iterator[tuple[NDArray[Any], ...]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if data == "imdb":
        X, y = load_texts("train")
        movies = read_columns(find_file("imdb_train.parquet"), ["movie"])["movie"]
        splits = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(X, y, movies)
    else:
        columns = read_columns(find_file(f"suite/{data}.parquet"), ["text", "label"])
        X, y = columns["text"], columns["label"].astype(str)
        splits = StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)
    for train, test in splits:
        yield X[train], y[train], X[test], y[test]
