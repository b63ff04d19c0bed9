"""Predictions for the rows of one file, written to a Parquet file."""

import json
import os
import pickle
import threading
from collections.abc import Iterator, Sequence
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

from skimdb.datasets._columns import MissingValues
from skimdb.datasets._files import FileOptions, Table, open_table
from skimdb.datasets._files._arrow import (
    as_type,
    import_arrow,
    is_list,
    is_text,
    naming_arrow,
    plain_type,
)
from skimdb.datasets._files._pieces import arrow_schema, to_arrow
from skimdb.utils._files import atomic_file
from skimdb.utils._notes import note_on_error

LABEL, PROBABILITY = "label", "probability"
_METADATA_KEY = b"skimdb"


def predict_all(model: Any, X: Any) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Predict the index of each label in `classes_`, and the probabilities of all.

    A pipeline transforms `X` only once. `X` may be empty, in which case the model is not called.
    """
    if _num_samples(X) == 0:
        return np.empty(0, dtype=np.intp), np.empty((0, len(model.classes_)), dtype=np.float32)
    if type(model) is Pipeline and len(model) > 1:
        return predict_all(model[-1], model[:-1].transform(X))
    # Not argmax of the probabilities: the model may have a tuned decision threshold.
    indices = np.searchsorted(model.classes_, model.predict(X))
    return indices, model.predict_proba(X).astype(np.float32)


def probability_names(model: Any, proba: bool) -> list[str]:
    """Return the names of the columns of probabilities: of the label, or also of all labels."""
    labels = model.classes_.tolist() if proba else []
    return [PROBABILITY, *(f"{PROBABILITY}_{label}" for label in labels)]


def added_names(own: Sequence[str], keep: Sequence[str], argument: str) -> list[str]:
    """Return the names of the columns that are added, which differ from those to keep."""
    names = [f"predicted_{name}" if name in keep else name for name in own]
    for own_name, name in zip(own, names, strict=True):
        if name in keep:
            raise ValueError(
                f"{argument} must not name both {own_name!r} and {name!r}, which is the name that "
                "the column of predictions would get"
            )
    return names


def probability_columns(
    indices: NDArray[np.intp], probabilities: NDArray[np.float32], proba: bool
) -> list[NDArray[np.float32]]:
    """Return the columns of probabilities, given those of all labels."""
    chosen = np.take_along_axis(probabilities, indices[:, np.newaxis], axis=1)[:, 0]
    return [chosen, *np.ascontiguousarray(probabilities.T)] if proba else [chosen]


@dataclass(frozen=True)
class PredictionTask:
    """Everything that determines the result of one file; `model` is a hash."""

    source: Path
    result: Path
    model: str
    column: str
    keep: tuple[str, ...]
    batch_size: int
    proba: bool
    missing: str
    options: FileOptions

    def fingerprint(self, status: os.stat_result) -> dict[str, Any]:
        """Return what the result is made from, given the status of the input file."""
        return {
            "model": self.model,
            "column": self.column,
            "columns to keep": list(self.keep),
            "choice of probabilities": self.proba,
            "rule for missing texts": self.missing,
            "way to read the file": [*vars(self.options).values()],
            "input file": [status.st_size, status.st_mtime_ns],
        }


class Cancellation:
    """Stops tasks that run in threads of this process, which joblib does not do after an error.

    A copy in another process has no effect: there, tasks end with their process.
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
        """Raise CancelledError if the task should stop."""
        if self._is_cancelled:
            raise CancelledError

    def cancel(self) -> None:
        """Stop all tasks, and wait until none is running."""
        self._is_cancelled = True
        with self._condition:
            self._condition.wait_for(lambda: self._n_running == 0)


def predict_file(model: Any, task: PredictionTask, cancellation: Cancellation) -> list[str]:
    """Write the complete result of a file, or nothing; return notes on the file.

    Raise CancelledError if the task is cancelled, which is checked after each batch.
    """
    pyarrow, parquet = import_arrow(), import_arrow("pyarrow.parquet")
    labels = pyarrow.array(model.classes_)
    missing = MissingValues()
    names = added_names([LABEL, *probability_names(model, task.proba)], task.keep, "keep")
    # Taken before reading: if the file changes meanwhile, the result is not taken for its own.
    fingerprint = task.fingerprint(task.source.stat())
    with cancellation.running(), open_table(task.source, task.options) as table:
        cancellation.check()
        table_schema = _check_schema(table, task)
        schema = pyarrow.schema(
            [
                *(table_schema.field(name) for name in task.keep),
                (names[0], labels.type),
                *((name, pyarrow.float32()) for name in names[1:]),
            ],
            metadata={_METADATA_KEY: json.dumps(fingerprint).encode()},
        )
        task.result.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(task.result) as file, parquet.ParquetWriter(file, schema) as writer:
            for where, X, kept in _batches(table, table_schema, task, missing):
                with note_on_error(f"raised by model on {where}"):
                    indices, probabilities = predict_all(model, X)
                chosen = probability_columns(indices, probabilities, task.proba)
                columns = [*kept, labels.take(pyarrow.array(indices)), *map(pyarrow.array, chosen)]
                writer.write_batch(pyarrow.RecordBatch.from_arrays(columns, schema=schema))
                cancellation.check()
    dropped = [f"{missing}; these rows are left out"] if missing else []
    return [f"{task.source}: {note}" for note in [*table.notes, *dropped]]


def _check_schema(table: Table, task: PredictionTask) -> Any:
    """Check that the columns exist, and return the types of all columns."""
    table.check_columns([task.column, *task.keep])
    schema = arrow_schema(table)
    column_type = plain_type(schema.field(task.column).type)
    types = import_arrow("pyarrow.types")
    # The column of a file without rows may have the null type.
    tests = (is_text, is_list, types.is_fixed_size_list, types.is_null)
    if not any(test(column_type) for test in tests):
        raise ValueError(
            f"{table.name}: {task.column!r} must hold texts or lists of word indices, got "
            f"{column_type}"
        )
    return schema


def _batches(
    table: Table, schema: Any, task: PredictionTask, missing: MissingValues
) -> Iterator[tuple[str, Any, list[Any]]]:
    """Yield the rows' location for messages, the model's input, and the columns to keep."""
    names = list(dict.fromkeys([task.column, *task.keep]))
    for columns, numbers in table.batches(names, task.batch_size):
        where = f"{table.unit}s {numbers[0]:,} to {numbers[-1]:,} of {table.name}"
        arrays = {
            name: to_arrow(column, schema.field(name).type, f"{where}: {name!r}")
            for name, column in zip(names, columns, strict=True)
        }
        X = as_type(arrays[task.column], plain_type(arrays[task.column].type))
        # Only texts can be blank; lists with values are not looked into.
        may_be_missing = is_text(X.type) or X.null_count
        is_complete = missing.find_complete(
            table.where, numbers, {task.column: X.to_pylist()} if may_be_missing else {}
        )
        if not all(is_complete):
            if task.missing == "error":
                raise missing.error(of_all_rows=False)
            mask = import_arrow().array(is_complete)
            arrays = {name: array.filter(mask) for name, array in arrays.items()}
            X = X.filter(mask)
        kept = [arrays[name] for name in task.keep]
        yield where, X.to_pylist() if is_text(X.type) else X, kept


def is_done(task: PredictionTask) -> bool:
    """Whether the result exists; raise ValueError if it was made from something else."""
    if not task.result.exists():
        return False
    with task.result.open("rb") as file, naming_arrow(str(task.result)):
        metadata = import_arrow("pyarrow.parquet").read_metadata(file).metadata or {}
    problem = "was not written by predict_files"
    if _METADATA_KEY in metadata:
        found = json.loads(metadata[_METADATA_KEY])
        expected = task.fingerprint(task.source.stat())
        different = [key for key, value in expected.items() if found.get(key) != value]
        if not different:
            return True
        problem = f"was made from a different {' and '.join(different)}"
    raise ValueError(f"{task.result} {problem}: remove it or choose another destination")


class _ModelHasher(NumpyHasher):  # type: ignore[misc]
    """`joblib.hash` whose result is the same in every process."""

    def save(self, obj: Any) -> None:
        if hasattr(type(obj), "get_weights") and hasattr(type(obj), "to_json"):
            # The pickle of a Keras model contains the current time.
            obj = [obj.to_json(), *obj.get_weights()]
        elif isinstance(obj, np.ndarray) and not obj.size:
            obj = np.empty(obj.shape, obj.dtype)  # whose strides are always the same
        elif isinstance(obj, dict) and "_stop_words_id" in obj:
            # scikit-learn's CountVectorizer stores the id() of an object.
            obj = {key: value for key, value in obj.items() if key != "_stop_words_id"}
        super().save(obj)


def hash_model(model: Any) -> str:
    """Return a hexadecimal hash of a model, which stays the same when the model is reloaded."""
    try:
        return str(_ModelHasher(hash_name="sha1").hash(model))
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise TypeError(
            "model must be picklable, so that its results can be told from those of other "
            f"models: {error}"
        ) from error
