"""Predictions for the rows of files and frames, by a fitted model."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.parallel import Parallel, delayed

from skimdb.datasets._base import check_params
from skimdb.datasets._columns import MISSING_RULES
from skimdb.datasets._files import FileOptions, check_columns, tables_below
from skimdb.datasets._files._arrow import import_arrow
from skimdb.datasets._files._formats import FILE_CONSTRAINTS
from skimdb.datasets._prediction_task import (
    LABEL,
    PROBABILITY,
    Cancellation,
    PredictionTask,
    added_names,
    hash_model,
    is_done,
    predict_all,
    predict_file,
    probability_columns,
    probability_names,
)
from skimdb.utils._files import remove_leftovers
from skimdb.utils._naming import as_path, naming
from skimdb.utils._predictors import with_predictors

if TYPE_CHECKING:
    import pandas

_Source: TypeAlias = str | Path | Sequence[str | Path]


@check_params(
    {
        "source": [str, Path, list, tuple],
        "destination": [str, Path],
        "column": [str],
        "keep": [list, tuple, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "proba": ["boolean"],
        "missing": [StrOptions(set(MISSING_RULES))],
        **FILE_CONSTRAINTS,
        "progress": [callable, None],
    }
)
def predict_files(
    model: Any,
    source: _Source,
    destination: str | Path,
    *,
    column: str = "text",
    keep: Sequence[str] | None = None,
    batch_size: int = 5_000,
    n_jobs: int | None = None,
    proba: bool = False,
    missing: str = "error",
    encoding: str | None = None,
    sep: str | None = None,
    escape: str | None = None,
    header: bool = True,
    progress: Callable[[int, int], object] | None = None,
) -> list[Path]:
    """Predict the label of each row of files, in constant memory.

    Each input file gives one Parquet file, with its rows in the same order. An output file appears
    when it is complete. Existing output files are skipped, so that an interrupted run can be
    continued by the same call.

    Parameters
    ----------
    model : classifier or Pipeline
        A fitted model with `predict`, `predict_proba` and `classes_`. Texts are passed to it as a
        list of str, and lists of word indices as a pyarrow Array, which `MultiHotVectorizer`
        accepts. Workers get a `DenseSentimentPredictor` in place of each
        `DenseSentimentClassifier`, and so do not load TensorFlow.

    source : str, Path, or sequence of them
        A folder, a file, or a sequence of files, in the formats of :func:`iter_batches`. All such
        files in a folder and its sub-folders are read, sorted by path; a warning names other files.
        Names that start with a dot or an underscore are skipped. On a cluster of several machines,
        pass an absolute path on storage that all workers share.

    destination : str or Path
        The folder for the results, which is created if it does not exist. If `source` is a folder,
        the results have the same paths relative to `destination` as the files have relative to
        `source`; ".parquet" is added to the names of files in other formats. On a cluster, the same
        conditions apply as for `source`.

    column : str, default="text"
        The column of texts or lists of word indices.

    keep : list of str or None, default=None
        Columns to copy to the results, such as an identifier. If one is called like a column that
        is added, such as "label", the latter is called "predicted_label".

    batch_size : int, default=5_000
        Number of rows to read and predict at a time.

    n_jobs : int or None, default=None
        Number of files to process in parallel. None means 1 unless in a
        :obj:`joblib.parallel_config` context. -1 means using all processors.

    proba : bool, default=False
        Whether to write the probabilities of all labels too, in columns such as "probability_pos".

    missing : {"error", "drop"}, default="error"
        What to do with rows that have no text or list, or a blank text. If they are dropped, the
        result has fewer rows than the file, and a warning has the counts.

    encoding, sep, escape, header : default=None, None, None, True
        How to read text files, as in :func:`iter_batches`.

    progress : callable or None, default=None
        Called as `progress(n_done, n_files)` in the calling thread after each file that is written.
        `n_done` includes files that were skipped. Requires a joblib backend that returns results
        one by one; of joblib's own backends only "multiprocessing" does not.

    Returns
    -------
    results : list of Path
        The output file of each input file, in the order of the input files. Its columns are those
        to `keep`, "label" (one of `classes_`) and "probability" (of that label, float32), and those
        of `proba`.

    Raises
    ------
    TypeError
        If `model` has no `predict_proba` or cannot be pickled.
    ValueError
        If `model` is not fitted; if there are no files, if two files have the same name, or if one
        is damaged; if a column does not exist, has missing or blank values, or holds neither texts
        nor lists; if `keep` has duplicates, or "predicted_label" beside "label"; if
        `destination` is inside `source`; if an existing output file was made from another model,
        column, `keep` or input file, or read otherwise.
    OSError
        If a file cannot be read or written.
    ImportError
        If pyarrow, or what a format needs, is not installed.

    Warns
    -----
    UserWarning
        Of what was found out about the files and may be wrong, and of files and rows left out.

    See Also
    --------
    predict_frame : Predicts the rows of a DataFrame, such as a partition of a Dask DataFrame.

    Notes
    -----
    The metadata of an output file records what it was made from: a hash of `model`, the column
    names, and the size and modification time of the input file. A model that is saved and loaded
    has the same hash; a model that is fitted again may have another one.

    An error stops all work and keeps the complete results. If the model raised the error, a note on
    it names the file and the rows. A killed process may leave temporary files, whose names begin
    with a dot and end in ".part", so that ``pyarrow.parquet.read_table`` skips them in the folder;
    the next call removes them. Do not write the same results from different machines at the same
    time.

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
    keep = _check_keep(keep, [LABEL, *probability_names(model, proba)])
    destination = as_path(destination, "destination")
    options = FileOptions(encoding=encoding, sep=sep, escape=escape, header=header)
    inputs, notes = _find_files(source, options)
    _check_destination(destination, source, inputs)
    import_arrow()
    with suppress(ValueError):  # Keras alone predicts
        model = with_predictors(model)
    model_hash = hash_model(model)
    tasks = [
        PredictionTask(
            path, destination / name, model_hash, column, keep, batch_size, proba, missing, options
        )
        for name, path in inputs.items()
    ]
    pending = [task for task in tasks if not is_done(task)]
    n_done = len(tasks) - len(pending)
    # Not every joblib backend can return results one by one.
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered" if progress else "list")
    cancellation = Cancellation()
    with _cleaning_up(cancellation, tasks):
        for found in parallel(delayed(predict_file)(model, task, cancellation) for task in pending):
            n_done += 1
            notes += found
            if progress:
                progress(n_done, len(tasks))
    for note in notes:
        warnings.warn(note, stacklevel=3)  # the caller of the validated function
    return [task.result for task in tasks]


def predict_frame(
    frame: "pandas.DataFrame", model: Any, *, column: str = "text"
) -> "pandas.DataFrame":
    """Predict the label of each row of a frame, for Dask's `map_partitions`.

    Parameters
    ----------
    frame : pandas.DataFrame of n_samples rows
        May be empty; the result then has the same dtypes as for other frames.

    model : classifier or Pipeline
        A fitted model with `predict`, `predict_proba` and `classes_`. The column is passed to it as
        a Series. What :func:`skimdb.load_predictor` returns does not load TensorFlow in workers.

    column : str, default="text"
        The column of texts or lists of word indices.

    Returns
    -------
    predictions : pandas.DataFrame of shape (n_samples, 2)
        The columns "label" (one of `classes_`) and "probability" (of that label, float32), with the
        index of `frame`.

    Raises
    ------
    TypeError
        If `model` has no `predict_proba`, or if `frame` is not a DataFrame.
    ValueError
        If `model` is not fitted, or if the column does not exist or has missing values.

    See Also
    --------
    predict_files : Predicts the rows of files, and continues after an interruption.

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

    With Dask, where `meta` describes the columns and their types:

    >>> import dask.dataframe as dd  # doctest: +SKIP
    >>> dd.read_parquet("reviews").map_partitions(
    ...     predict_frame, model, meta=predict_frame(frame.head(0), model)
    ... ).to_parquet("labels")  # doctest: +SKIP
    """
    import pandas  # noqa: PLC0415 (optional dependency)

    _check_model(model)
    if not isinstance(frame, pandas.DataFrame):
        raise TypeError(f"frame must be a pandas DataFrame, got a {type(frame).__name__}")
    with naming("column"):
        check_columns(list(frame.columns), [column], "frame")
    is_missing = frame[column].isna().to_numpy()
    if is_missing.any():
        raise ValueError(f"row {is_missing.argmax() + 1:,} of frame: {column!r} is missing")
    indices, probabilities = predict_all(model, frame[column])
    (chosen,) = probability_columns(indices, probabilities, proba=False)
    # Labels taken from the classes have the right dtype even if there are no rows.
    labels = pandas.Series(model.classes_).array.take(indices)
    return pandas.DataFrame({LABEL: labels, PROBABILITY: chosen}, index=frame.index)


@contextmanager
def _cleaning_up(cancellation: Cancellation, tasks: list[PredictionTask]) -> Iterator[None]:
    """Stop running tasks after an error, and remove temporary files of killed processes."""
    try:
        yield
    finally:
        cancellation.cancel()
        for task in tasks:
            remove_leftovers(task.result)


def _check_model(model: Any) -> None:
    if not hasattr(model, "predict_proba"):
        raise TypeError(f"model must have predict_proba, got a {type(model).__name__}")
    if not hasattr(model, "classes_"):
        raise NotFittedError(f"model must be fitted, got a {type(model).__name__} without classes_")


def _check_keep(keep: Sequence[str] | None, added: list[str]) -> tuple[str, ...]:
    keep = tuple(keep or ())
    for name in keep:
        if not isinstance(name, str):
            raise TypeError(f"keep must hold names of columns, got {name!r}")
        if keep.count(name) > 1:
            raise ValueError(
                f"keep must not hold duplicates, got {name!r} {keep.count(name)} times"
            )
    added_names(added, keep, "keep")
    return keep


def _find_files(source: _Source, options: FileOptions) -> tuple[dict[Path, Path], list[str]]:
    """Map the names of the results, relative to the destination, to the input files."""
    notes: list[str] = []
    if isinstance(source, str | Path) and source != "" and Path(source).is_dir():
        paths, notes = tables_below(Path(source), options)
        if not paths:
            raise ValueError(f"source must contain files of a known format, but {source} has none")
        names = [path.relative_to(source) for path in paths]
    else:
        sources = [source] if isinstance(source, str | Path) else list(source)
        if not sources or "" in sources:
            raise ValueError(f"source must be a folder or at least one file, got {source!r}")
        paths = [as_path(path, "source") for path in sources]
        names = [Path(path.name) for path in paths]
    files: dict[Path, Path] = {}
    for path, name in zip(paths, names, strict=True):
        if not path.exists():
            raise FileNotFoundError(f"source: {path} does not exist")
        with naming("source"):
            options.format_of(path.name)
        result = (
            name if name.suffix.lower() == ".parquet" else name.with_name(f"{name.name}.parquet")
        )
        if result in files:
            raise ValueError(
                f"source must be files whose results have different names, got {files[result]} "
                f"and {path}"
            )
        files[result] = path
    return files, notes


def _check_destination(destination: Path, source: _Source, inputs: dict[Path, Path]) -> None:
    """Check that no result would be written among the input files."""
    if destination.exists() and not destination.is_dir():
        raise NotADirectoryError(f"destination must be a folder, but {destination} is a file")
    results = [(destination / name).resolve() for name in inputs]
    is_inside = not {path.resolve() for path in inputs.values()}.isdisjoint(results)
    if isinstance(source, str | Path):
        folder = Path(source).resolve()
        is_inside = is_inside or any(result.is_relative_to(folder) for result in results)
    if is_inside:
        raise ValueError(f"destination must not be inside source={source}, got {destination}")
