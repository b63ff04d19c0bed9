"""Predictions for the rows of one file, written to another."""

import json
import os
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from joblib.hashing import NumpyHasher
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _num_samples

from skimdb.datasets._arrow import (
    check_columns,
    decoded_type,
    import_arrow,
    is_list,
    is_text,
    naming_file,
    open_parquet,
)
from skimdb.utils._files import atomic_file
from skimdb.utils._notes import note_on_error

LABEL, PROBABILITY = "label", "probability"
_METADATA_KEY = b"skimdb"


def predict_places(model: Any, X: Any) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Predict labels, and how probable each of them is.

    Parameters
    ----------
    model : classifier or Pipeline
        Fitted. What comes before the last step of a pipeline is done only once.
    X : sequence of n_samples
        What `model` takes; possibly empty, which it need not take.

    Returns
    -------
    places : ndarray of shape (n_samples,), dtype intp
        Of the labels in `classes_`.
    probabilities : ndarray of shape (n_samples,), dtype float32
        Of these labels.
    """
    if _num_samples(X) == 0:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.float32)
    if type(model) is Pipeline and len(model) > 1:
        return predict_places(model[-1], model[:-1].transform(X))
    # The most probable label is not always the one predicted: the threshold may have been tuned.
    places = np.searchsorted(model.classes_, model.predict(X))
    probabilities = np.take_along_axis(model.predict_proba(X), places[:, np.newaxis], axis=1)
    return places, probabilities[:, 0].astype(np.float32)


@dataclass(frozen=True)
class PredictionTask:
    """One file, and all that its result depends on.

    Parameters
    ----------
    source, result : Path
        The file to read, and the file to write.
    model : str
        Hash of the model.
    column : str
        Where the texts or lists of word indices are.
    keep : tuple of str
        Columns that are copied.
    batch_size : int
        Number of rows that are predicted at a time.
    """

    source: Path
    result: Path
    model: str
    column: str
    keep: tuple[str, ...]
    batch_size: int

    def made_from(self, status: os.stat_result) -> dict[str, Any]:
        """Tell what the result is made from, for its metadata, given the input file's status."""
        return {
            "model": self.model,
            "column": self.column,
            "columns to keep": list(self.keep),
            "input file": [status.st_size, status.st_mtime_ns],
        }


class Cancellation:
    """Ends the tasks that run in threads of this process, which joblib leaves running.

    A copy in another process has no effect: such tasks end with their process.
    """

    def __init__(self) -> None:
        self._is_cancelled = False
        self._n_running = 0
        self._condition = threading.Condition()

    def __reduce__(self) -> tuple[type["Cancellation"], tuple[()]]:
        return Cancellation, ()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count a task while it runs."""
        with self._condition:
            self._n_running += 1
        try:
            yield
        finally:
            with self._condition:
                self._n_running -= 1
                self._condition.notify_all()

    def check(self) -> None:
        """Raise an error if the task is to end."""
        if self._is_cancelled:
            raise CancelledError

    def cancel(self) -> None:
        """Let no task go on, and wait for the end of those that run."""
        self._is_cancelled = True
        with self._condition:
            self._condition.wait_for(lambda: self._n_running == 0)


def predict_file(model: Any, task: PredictionTask, cancellation: Cancellation) -> None:
    """Write the result of a file, whole or not at all.

    Parameters
    ----------
    model : classifier or Pipeline
        Fitted.
    task : PredictionTask
        What is to be done.
    cancellation : Cancellation
        Asked after each batch.

    Raises
    ------
    OSError, ValueError
        As `predict_files` does.
    concurrent.futures.CancelledError
        If the task was cancelled.
    """
    pyarrow, parquet = import_arrow(), import_arrow("pyarrow.parquet")
    labels = pyarrow.array(model.classes_)
    with cancellation.running(), task.source.open("rb") as source:
        cancellation.check()
        with naming_file(str(task.source)):
            table = open_parquet(source)
        _check_schema(table.schema_arrow, task)
        schema = pyarrow.schema(
            [
                *(table.schema_arrow.field(name) for name in task.keep),
                (LABEL, labels.type),
                (PROBABILITY, pyarrow.float32()),
            ],
            metadata={
                _METADATA_KEY: json.dumps(task.made_from(os.fstat(source.fileno()))).encode()
            },
        )
        task.result.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(task.result) as file, parquet.ParquetWriter(file, schema) as writer:
            for where, X, kept in _batches(table, task):
                with note_on_error(f"raised by model on {where}"):
                    places, probabilities = predict_places(model, X)
                columns = [*kept, labels.take(pyarrow.array(places)), pyarrow.array(probabilities)]
                writer.write_batch(pyarrow.RecordBatch.from_arrays(columns, schema=schema))
                cancellation.check()


def _check_schema(schema: Any, task: PredictionTask) -> None:
    name = str(task.source)
    check_columns(schema.names, [task.column, *task.keep], name)
    column_type = schema.field(task.column).type
    types = import_arrow("pyarrow.types")
    # A file without rows may have a column without a type.
    tests = (_holds_texts, is_list, types.is_fixed_size_list, types.is_null)
    if not any(test(column_type) for test in tests):
        raise ValueError(
            f"{name}: {task.column!r} must hold texts or lists of word indices, got {column_type}"
        )


def _holds_texts(column_type: Any) -> bool:
    return is_text(decoded_type(column_type))


def _batches(table: Any, task: PredictionTask) -> Iterator[tuple[str, Any, list[Any]]]:
    """Yield which rows they are, what the model takes, and the columns to keep."""
    name = str(task.source)
    n_read = 0
    with naming_file(name):
        for batch in table.iter_batches(
            task.batch_size, columns=list({task.column, *task.keep}), use_threads=False
        ):
            X = batch.column(task.column)
            if X.null_count:
                row = n_read + 1 + int(X.is_null().to_numpy(zero_copy_only=False).argmax())
                raise ValueError(f"row {row:,} of {name}: {task.column!r} is missing")
            where = f"rows {n_read + 1:,} to {n_read + len(X):,} of {name}"
            n_read += len(X)
            kept = [batch.column(column) for column in task.keep]
            yield where, X.to_pylist() if _holds_texts(X.type) else X, kept


def is_done(task: PredictionTask) -> bool:
    """Tell whether the result is there.

    Parameters
    ----------
    task : PredictionTask
        What is to be done.

    Returns
    -------
    is_done : bool

    Raises
    ------
    ValueError
        If a file of its name is there, and is the result of something else.
    """
    if not task.result.exists():
        return False
    with task.result.open("rb") as file, naming_file(str(task.result)):
        found = (import_arrow("pyarrow.parquet").read_metadata(file).metadata or {}).get(
            _METADATA_KEY
        )
    problem = "is no result of predict_files"
    if found is not None:
        made_from = json.loads(found)
        expected = task.made_from(task.source.stat())
        others = [key for key, value in expected.items() if made_from.get(key) != value]
        if not others:
            return True
        problem = f"was not made from the same {' and '.join(others)}"
    raise ValueError(f"{task.result} {problem}: remove it or choose another destination")


class _ModelHasher(NumpyHasher):  # type: ignore[misc]
    """Hash that is the same in every process, which `joblib.hash` is not for these."""

    def save(self, obj: Any) -> None:
        """Hash one object, with those in it."""
        if hasattr(type(obj), "get_weights") and hasattr(type(obj), "to_json"):
            # Keras models pickle with the time of day.
            obj = [obj.to_json(), *obj.get_weights()]
        elif isinstance(obj, dict) and "_stop_words_id" in obj:
            # scikit-learn's CountVectorizer keeps an address in memory.
            obj = {key: value for key, value in obj.items() if key != "_stop_words_id"}
        super().save(obj)


def hash_model(model: Any) -> str:
    """Hash a model, to the same each time that it is loaded.

    Parameters
    ----------
    model : estimator
        Fitted.

    Returns
    -------
    digest : str
        Hexadecimal.

    Raises
    ------
    TypeError
        If it cannot be pickled.
    """
    try:
        return str(_ModelHasher(hash_name="sha1").hash(model))
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise TypeError(
            "model must be one that can be pickled, so that its results can be told from those "
            f"of others: {error}"
        ) from error
