"""Two million generated reviews on disk: making them, training on them and predicting them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from benchmarks._measure import PeakMemory, memory_status
from benchmarks._results import write_json
from skimdb import DenseSentimentClassifier, MultiHotVectorizer
from skimdb.datasets import iter_batches, make_reviews, predict_files, predict_frame
from skimdb.model_selection import dask_client

NUM_WORDS = 10_000
_N_FILES = N_STEPS = 20
ROWS_PER_GROUP = 10_000
BATCH_SIZE = 20_000
SHUFFLE_BUFFER = 100_000
_N_TEST = 25_000
_N_GRAMS = 1_000_000


# Making


def make_files(folder: Path, n_reviews: int) -> Iterator[None]:
    """Write the reviews as Parquet files, sorted by label."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    parquet = folder / "parquet"
    parquet.mkdir(parents=True)
    n_per_file = n_reviews // _N_FILES
    n_tokens = 0
    for number in range(_N_FILES):
        X, y = make_reviews(2 * n_per_file, num_words=NUM_WORDS, random_state=number)
        label = number * 2 // _N_FILES
        reviews = X[y == label]
        offsets = np.concatenate([[0], np.cumsum([len(review) for review in reviews])])
        words = pa.ListArray.from_arrays(offsets.astype(np.int32), np.concatenate(reviews))
        table = pa.table({"words": words, "label": np.full(len(reviews), label)})
        pq.write_table(table, parquet / f"{number:03}.parquet", row_group_size=ROWS_PER_GROUP)
        n_tokens += int(offsets[-1])
        yield
    # For n-grams a tenth of the reviews does, of both labels.
    (folder / "fewer").mkdir()
    for number in (0, _N_FILES - 1):
        name = f"{number:03}.parquet"
        shutil.copy(parquet / name, folder / "fewer" / name)
    write_json(
        folder / "sizes.json",
        {
            "reviews": n_per_file * _N_FILES,
            "files": _N_FILES,
            "tokens": n_tokens,
            "parquet_mb": sum(path.stat().st_size for path in parquet.iterdir()) / 1e6,
        },
    )


# Training


def _train_streamed(
    folder: Path, vectorizer: MultiHotVectorizer, classifier: DenseSentimentClassifier
) -> None:
    for words, y in iter_batches(
        folder,
        BATCH_SIZE,
        columns=["words", "label"],
        shuffle_buffer=SHUFFLE_BUFFER,
        random_state=classifier.random_state,
    ):
        classifier.partial_fit(vectorizer.transform(words), y, classes=[0, 1])


def _train_in_memory(
    folder: Path, vectorizer: MultiHotVectorizer, classifier: DenseSentimentClassifier
) -> None:
    words, y = _read(folder)
    classifier.fit(vectorizer.transform(words), y)


def _read(folder: Path) -> tuple[Any, Any]:
    import pyarrow.parquet as pq

    table = pq.read_table(folder).combine_chunks()
    return table["words"], table["label"].to_numpy()


_Train = Callable[[Path, MultiHotVectorizer, DenseSentimentClassifier], None]
_NETWORKS = {
    "words": DenseSentimentClassifier(epochs=1),
    "n-grams": DenseSentimentClassifier(32, layers=1, optimizer="adam", epochs=1),
}
# What is trained on, and how.
TRAINING: dict[str, tuple[str, _Train]] = {
    "words in memory": ("words", _train_in_memory),
    "words streamed": ("words", _train_streamed),
    "n-grams in memory": ("n-grams", _train_in_memory),
    "n-grams streamed": ("n-grams", _train_streamed),
}
# Each way of training from disk, and the one in memory that it is compared with.
PAIRS = {"words streamed": "words in memory", "n-grams streamed": "n-grams in memory"}


def measure_training(folder: Path, name: str, seed: int) -> dict[str, float]:
    """Train for one pass in this process; the n-grams are found before."""
    features, train = TRAINING[name]
    path = folder / ("parquet" if features == "words" else "fewer")
    vectorizer = MultiHotVectorizer(NUM_WORDS)
    if features == "n-grams":
        vectorizer.set_params(ngram_range=(1, 2), max_features=_N_GRAMS).fit(_read(path)[0])
    classifier = clone(_NETWORKS[features]).set_params(random_state=seed)
    memory = PeakMemory()
    start = perf_counter()
    train(path, vectorizer, classifier)
    seconds = perf_counter() - start
    peak = memory.megabytes()
    X, y = make_reviews(_N_TEST, num_words=NUM_WORDS, random_state=10**6)
    return {
        "seconds": seconds,
        "peak_mb": peak,
        "accuracy": classifier.score(vectorizer.transform(X), y),
        "reviews": _count(path),
    }


def _count(folder: Path) -> int:
    import pyarrow.dataset as ds

    return int(ds.dataset(folder).count_rows())


# Predicting


def _predict_in_turn(model: Any, folder: Path, results: Path) -> float:
    predict_files(model, folder / "parquet", results, column="words")
    return _peak_mb()


def _predict_in_threads(model: Any, folder: Path, results: Path) -> float:
    with joblib.parallel_config(backend="threading", n_jobs=2):
        return _predict_in_turn(model, folder, results)


def _predict_files_on_dask(model: Any, folder: Path, results: Path) -> float:
    with _dask() as client, joblib.parallel_config(backend="dask", n_jobs=2):
        _predict_in_turn(model, folder.resolve(), results.resolve())
        return float(max(client.run(_peak_mb).values()))


def _map_partitions(model: Any, folder: Path, results: Path) -> float:
    import dask.dataframe as dd

    with _dask() as client:
        frame = dd.read_parquet(folder / "parquet")
        meta = predict_frame(frame.partitions[0].head(0), model, column="words")
        predictions = frame.map_partitions(predict_frame, model, column="words", meta=meta)
        predictions.to_parquet(results)
        return float(max(client.run(_peak_mb).values()))


def _dask() -> Any:
    return dask_client(n_workers=2, threads_per_worker=1, dashboard_address=":0")


_Predict = Callable[[Any, Path, Path], float]
PREDICTION: dict[str, _Predict] = {
    "predict_files, one job": _predict_in_turn,
    "predict_files, two threads": _predict_in_threads,
    "predict_files, two Dask workers": _predict_files_on_dask,
    "map_partitions, two Dask workers": _map_partitions,
}


def measure_prediction(folder: Path, name: str) -> dict[str, float]:
    """Predict all files in this process and its workers, starting them included."""
    model = _fitted_pipeline()
    PeakMemory()  # The peak is that from here on.
    with TemporaryDirectory(dir=folder) as results:
        start = perf_counter()
        peak = PREDICTION[name](model, folder, Path(results))
        return {"seconds": perf_counter() - start, "peak_mb": peak}


def measure_resuming(folder: Path) -> dict[str, int]:
    """Stop a prediction after some files, and count what the next one still does."""
    model = _fitted_pipeline()
    calls: list[int] = []

    def stop(n_done: int, n_files: int) -> None:
        if n_done == n_files // 2:
            raise KeyboardInterrupt

    with TemporaryDirectory(dir=folder) as results:
        predict = partial(predict_files, model, folder / "parquet", results, column="words")
        with suppress(KeyboardInterrupt):
            predict(progress=stop)
        there = len(list(Path(results).iterdir()))
        predict(progress=lambda n_done, n_files: calls.append(n_done))
    return {"stopped_after": there, "then_written": len(calls)}


def _fitted_pipeline() -> Any:
    X, y = make_reviews(25_000, num_words=NUM_WORDS, random_state=10**6 + 1)
    model = make_pipeline(MultiHotVectorizer(NUM_WORDS), DenseSentimentClassifier(random_state=0))
    return model.fit(X, y)


def _peak_mb() -> float:
    """Return the largest resident set of this process so far, mapped files included."""
    return memory_status("VmHWM") / 1024
