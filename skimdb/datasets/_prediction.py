"""Predictions for the rows of files and frames, by a model that is fitted."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import Interval
from sklearn.utils.parallel import Parallel, delayed

from skimdb.datasets._arrow import check_columns, import_arrow
from skimdb.datasets._arrow_files import files_in
from skimdb.datasets._base import check_params
from skimdb.datasets._prediction_task import (
    LABEL,
    PROBABILITY,
    Cancellation,
    PredictionTask,
    hash_model,
    is_done,
    predict_file,
    predict_places,
)
from skimdb.utils._files import leftover_parts

if TYPE_CHECKING:
    import pandas

Source: TypeAlias = str | Path | Sequence[str | Path]
Progress: TypeAlias = Callable[[int, int], object]

_SUFFIX = ".parquet"


@check_params(
    {
        "source": [str, Path, list, tuple],
        "destination": [str, Path],
        "column": [str],
        "keep": [list, tuple, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "progress": [callable, None],
    }
)
def predict_files(
    model: Any,
    source: Source,
    destination: str | Path,
    *,
    column: str = "text",
    keep: Sequence[str] | None = None,
    batch_size: int = 5_000,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Predict the label of each row of Parquet files, in constant memory.

    For each file one of the same name is written, row by row in the same order. It appears when
    it is complete; files that are there already are not written again, so that what was
    interrupted goes on with the next file.

    Parameters
    ----------
    model : classifier or Pipeline
        Fitted, with `predict`, `predict_proba` and `classes_`. A column of texts reaches it as a
        list of str, a column of lists of word indices as a pyarrow Array, which
        `MultiHotVectorizer` takes.

    source : str, Path, or sequence of them
        A folder, of which all .parquet files are taken, those of its sub-folders too, in the
        order of their names, without those that start with a dot or an underscore; or one
        .parquet file; or several. On a cluster of several machines it must be an absolute path
        on storage that all workers share.

    destination : str or Path
        A folder, which is made if it is not there. The results have the names of the files, and
        in place of `source`, if that is a folder, their paths in it. On a cluster, as `source`.

    column : str, default="text"
        Where the texts or lists of word indices are.

    keep : list of str or None, default=None
        Columns that are copied to the results, such as an identifier.

    batch_size : int, default=5_000
        Number of rows that are read and predicted at a time.

    n_jobs : int or None, default=None
        Number of files to work on in parallel; None means 1 unless in a
        `joblib.parallel_config` context, -1 means all processors.

    progress : callable or None, default=None
        Called after each file that is written, in the calling thread, with the numbers of files
        that are done, those that were there before included, and of all files. Needs a joblib
        backend that returns results one by one, as all but "multiprocessing" of joblib's own do.

    Returns
    -------
    results : list of Path
        A file for each input file, in the same order: sorted by path if `source` is a folder.
        Its columns are those to `keep`, "label", out of `classes_`, and "probability" of that
        label, float32.

    Raises
    ------
    TypeError
        If `model` has no `predict_proba` or cannot be pickled.
    ValueError
        If `model` is not fitted; if there are no files, or two of the same name, or one that is
        no intact Parquet file; if a column is not there, or holds neither texts nor lists, or
        has a missing value; if `keep` has a name twice, or that of another column of the results;
        if `destination` lies in `source`; if a file in `destination` is not the result of this
        model, this column, these columns to keep and the file as it is now.
    OSError
        If a file cannot be read or written.
    ImportError
        Without pyarrow.

    See Also
    --------
    predict_frame : Predicts the rows of a DataFrame, such as a partition of Dask's.

    Notes
    -----
    What a result was made from is in the metadata of its file: a hash of `model`, the names of
    the columns, and size and time of modification of the input file. A model hashes to the same
    again when it is loaded from a file; one that was fitted again need not.

    An error ends the work and leaves the results that are complete. One that the model raises has
    a note that names file and rows. A process that is killed may leave temporary files that end
    in ".part", which the next call removes. There must not be two calls at a time for the same
    results on different machines.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pyarrow as pa
    >>> import pyarrow.parquet as pq
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skimdb.datasets import make_reviews, predict_files
    >>> from skimdb.feature_extraction import MultiHotVectorizer
    >>> X, y = make_reviews(600, random_state=0)
    >>> model = make_pipeline(MultiHotVectorizer(), LogisticRegression(C=0.05)).fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     reviews = Path(folder, "reviews")
    ...     reviews.mkdir()
    ...     for i in range(2):
    ...         X, y = make_reviews(100, random_state=i + 1)
    ...         pq.write_table(pa.table({"id": range(100), "x": X}), reviews / f"{i}.parquet")
    ...     results = predict_files(
    ...         model, reviews, Path(folder, "labels"), column="x", keep=["id"]
    ...     )
    ...     [path.name for path in results], pq.read_table(results[0]).column_names
    (['0.parquet', '1.parquet'], ['id', 'label', 'probability'])
    """
    _check_model(model)
    keep = _check_keep(keep)
    destination = Path(destination)
    inputs = _find_files(source)
    _check_destination(destination, source, inputs)
    import_arrow()
    hash_of_model = hash_model(model)
    tasks = [
        PredictionTask(path, destination / name, hash_of_model, column, keep, batch_size)
        for name, path in inputs.items()
    ]
    pending = [task for task in tasks if not is_done(task)]
    n_done = len(tasks) - len(pending)
    # One by one only where it is asked for, because not every joblib backend can.
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered" if progress else "list")
    cancellation = Cancellation()
    with _leaving_nothing_half_done(cancellation, pending):
        for _ in parallel(delayed(predict_file)(model, task, cancellation) for task in pending):
            n_done += 1
            if progress:
                progress(n_done, len(tasks))
    return [task.result for task in tasks]


def predict_frame(
    frame: "pandas.DataFrame", model: Any, *, column: str = "text"
) -> "pandas.DataFrame":
    """Predict the label of each row of a frame, for Dask's `map_partitions`.

    Parameters
    ----------
    frame : pandas.DataFrame of n_samples rows
        Possibly without rows, for the types of the result.

    model : classifier or Pipeline
        Fitted, with `predict`, `predict_proba` and `classes_`. It takes the values of the column
        as a Series.

    column : str, default="text"
        Where the texts or lists of word indices are.

    Returns
    -------
    predictions : pandas.DataFrame of shape (n_samples, 2)
        With the index of `frame` and the columns "label", out of `classes_`, and "probability" of
        that label, float32.

    Raises
    ------
    TypeError
        If `model` has no `predict_proba`.
    ValueError
        If `model` is not fitted, or if the column is not there or has a missing value.

    See Also
    --------
    predict_files : Predicts the rows of files, and goes on where it was interrupted.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.naive_bayes import MultinomialNB
    >>> from sklearn.pipeline import make_pipeline
    >>> from skimdb.datasets import predict_frame
    >>> frame = pd.DataFrame({"text": ["good", "bad", "so good"]}, index=["a", "b", "c"])
    >>> model = make_pipeline(CountVectorizer(), MultinomialNB())
    >>> model = model.fit(frame["text"], ["pos", "neg", "pos"])
    >>> predict_frame(frame, model)
      label  probability
    a   pos     0.800000
    b   neg     0.600000
    c   pos     0.842105

    With Dask, of which `meta` tells the columns and types:

    >>> import dask.dataframe as dd  # doctest: +SKIP
    >>> dd.read_parquet("reviews").map_partitions(
    ...     predict_frame, model, meta=predict_frame(frame.head(0), model)
    ... ).to_parquet("labels")  # doctest: +SKIP
    """
    import pandas  # noqa: PLC0415, the package does not depend on it

    _check_model(model)
    check_columns(list(frame.columns), [column], "frame")
    is_missing = frame[column].isna().to_numpy()
    if is_missing.any():
        raise ValueError(f"row {is_missing.argmax() + 1:,} of frame: {column!r} is missing")
    places, probabilities = predict_places(model, frame[column])
    # Taken from the classes, the labels have the same type also where there are none.
    labels = pandas.Series(model.classes_).array.take(places)
    return pandas.DataFrame({LABEL: labels, PROBABILITY: probabilities}, index=frame.index)


@contextmanager
def _leaving_nothing_half_done(
    cancellation: Cancellation, tasks: list[PredictionTask]
) -> Iterator[None]:
    """End all that still runs after an error, and remove the files of killed processes."""
    try:
        yield
    finally:
        cancellation.cancel()
        for part in leftover_parts(task.result for task in tasks):
            part.unlink(missing_ok=True)


def _check_model(model: Any) -> None:
    if not hasattr(model, "predict_proba"):
        raise TypeError(f"model must have predict_proba, got a {type(model).__name__}")
    if not hasattr(model, "classes_"):
        raise NotFittedError(f"model must be fitted, got a {type(model).__name__} without classes_")


def _check_keep(keep: Sequence[str] | None) -> tuple[str, ...]:
    keep = tuple(keep or ())
    for name in keep:
        if not isinstance(name, str):
            raise TypeError(f"keep must hold names of columns, got {name!r}")
        if name in (LABEL, PROBABILITY):
            raise ValueError(f"keep must not hold {name!r}, which the results have of their own")
        if keep.count(name) > 1:
            raise ValueError(
                f"keep must hold each name once, got {name!r} {keep.count(name)} times"
            )
    return keep


def _find_files(source: Source) -> dict[Path, Path]:
    """Return the files by the names of their results."""
    if isinstance(source, str | Path) and Path(source).is_dir():
        folder = Path(source)
        files = {path.relative_to(folder): path for path in files_in(folder, {_SUFFIX})}
        if not files:
            raise ValueError(f"source must hold {_SUFFIX} files, and {folder} has none")
        return files
    paths = [Path(path) for path in ([source] if isinstance(source, str | Path) else source)]
    if not paths:
        raise ValueError("source must be a folder or one file or more, got an empty list")
    files = {}
    for path in paths:
        if path.suffix.lower() != _SUFFIX:
            raise ValueError(f"source must be a folder or {_SUFFIX} files, got {path}")
        path.stat()
        name = Path(path.name)
        if name in files:
            raise ValueError(
                f"source must be files of different names, got {files[name]} and {path}"
            )
        files[name] = path
    return files


def _check_destination(destination: Path, source: Source, inputs: dict[Path, Path]) -> None:
    """Check that results are not written among the files that are read."""
    if destination.exists() and not destination.is_dir():
        raise NotADirectoryError(f"destination must be a folder, and {destination} is a file")
    results = [(destination / name).resolve() for name in inputs]
    is_among = not {path.resolve() for path in inputs.values()}.isdisjoint(results)
    if isinstance(source, str | Path):
        folder = Path(source).resolve()
        is_among = is_among or any(result.is_relative_to(folder) for result in results)
    if is_among:
        raise ValueError(f"destination must not lie in source, got {destination} for {source}")
