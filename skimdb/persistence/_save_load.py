"""The two functions."""

import os
import warnings
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.model_selection._search import BaseSearchCV

from skimdb.persistence._archive import naming_file, read_archive, write_archive
from skimdb.persistence._contents import CONTENTS, read_contents, write_contents
from skimdb.persistence._estimators import decode_estimator, encode_estimator
from skimdb.persistence._info import describe_estimator
from skimdb.persistence._network_arrays import SaveOptions
from skimdb.utils._files import atomic_file
from skimdb.utils._naming import as_path
from skimdb.utils._nested import nesting_depth, replace_nested

# Each estimator around another one makes some of scikit-learn's methods several times slower.
_MAX_DEPTH = 10


def save(
    estimator: Any,
    path: str | os.PathLike[str],
    *,
    optimizer_state: bool = False,
    half_precision: bool = False,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Keep an estimator, fitted or not, in a file without pickle.

    Parameters
    ----------
    estimator : estimator
        Of skimdb or scikit-learn, nested up to 10 deep, such as a `Pipeline`, `FeatureUnion`,
        `ColumnTransformer`, `VotingClassifier` or `CalibratedClassifierCV`. All but `Pipeline`
        and `FeatureUnion` among scikit-learn's own are kept by skops:
        ``pip install 'skimdb[persistence]'``. Of a fitted search, such as `GridSearchCV`, the
        best estimator is kept, which predicts the same.
    path : str or path-like
        The file to make or to replace. It is written whole or not at all.
    optimizer_state : bool, default=False
        Keep the optimizer's state, which takes up to twice as much as the weights, and which
        `partial_fit` and ``warm_start=True`` need to go on to the bit. Without it, they go on
        with a new optimizer, and a warning says so.
    half_precision : bool, default=False
        Keep the network's weights as float16, in half the bytes. They come back rounded, in the
        type that they had.
    metadata : dict, default=None
        What else is known of the estimator, such as its accuracy, for `read_info`: keys that are
        str, and values that JSON can hold.

    Raises
    ------
    TypeError, ValueError
        If the estimator, or a parameter or attribute that is named, is nothing that can be kept
        safely: functions, callbacks, optimizers that are not Keras' own or have a schedule of
        learning rates, labels other than strings and numbers, a `model_` that has been
        changed, weights that are not finite, a pipeline's `memory`, and scikit-learn's trees and
        sparse matrices. Nothing is written then.
    ImportError
        If skops is needed and not installed.
    OSError
        If the file cannot be written.

    Warns
    -----
    UserWarning
        If only the best estimator of a search is kept.

    See Also
    --------
    load : Bring it back.
    load_predictor : Bring it back only to predict.
    read_info : What a file holds, without loading it.

    Notes
    -----
    The file is a zip archive of JSON and of arrays in NumPy's format, both uncompressed, and
    ends with its SHA-256. Of the network it holds the weights, the optimizer's settings, and what
    is needed to build the network anew. Parameters come back as they were, except that NumPy's
    scalars become Python's. A `RandomState` is kept with its position.

    A link stays, and the file that it leads to is replaced. A file that is replaced keeps its
    mode. A device or a pipe is written to.

    References
    ----------
    .. [1] `scikit-learn on model persistence
       <https://scikit-learn.org/stable/model_persistence.html>`_: why not pickle.
    .. [2] `skops.io <https://skops.readthedocs.io/en/stable/persistence.html>`_.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import skimdb
    >>> vectorizer = skimdb.MultiHotVectorizer(num_words=7)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "vectorizer.skimdb")
    ...     skimdb.save(vectorizer, path)
    ...     skimdb.load(path)
    MultiHotVectorizer(num_words=7)
    """
    if not isinstance(estimator, BaseEstimator):
        raise TypeError(f"estimator must be an estimator, got {estimator!r}.")
    _check_depth(estimator)
    estimator, searches = _without_searches(estimator)
    info = describe_estimator(estimator, metadata)
    members: dict[str, bytes] = {}
    options = SaveOptions(optimizer_state, half_precision)
    contents = write_contents(info, encode_estimator(estimator, members, options))
    archive = write_archive({CONTENTS: contents, **members})
    with atomic_file(as_path(path, "path")) as file:
        file.write(archive)
    for search in searches:
        warnings.warn(f"Of {search}, save has kept only the best_estimator_.", stacklevel=2)


def load(path: str | os.PathLike[str], *, mmap_mode: str | None = None) -> Any:
    """Return an estimator that `save` has kept.

    Whatever the file holds, loading runs nothing that it names, writes nothing, and takes
    memory in proportion to its size.

    Parameters
    ----------
    path : str or path-like
        The file.
    mmap_mode : {None, "r", "c"}, default=None
        Map the arrays of skimdb's estimators into memory instead of reading them, so that
        processes that load the same file share them. With "r" they are read-only; `partial_fit`
        copies the weights. With "c" they can be assigned to, and the file stays as it is. A file
        that is mapped must not be changed; `save` to the same path replaces it, which is safe.

    Returns
    -------
    estimator : estimator
        It predicts the same to the bit, on one machine and with the same versions of the
        libraries, unless it was saved in half precision. If it was saved without the optimizer's
        state, `partial_fit` and ``warm_start=True`` warn that they go on with a new optimizer.

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    ValueError
        If the file is damaged, was not written by `save`, contradicts itself, was written in a
        newer format, or if scikit-learn's estimators in it hold types that are not trusted; or
        for another `mmap_mode`.
    ImportError
        If skops is needed and not installed.

    Warns
    -----
    sklearn.exceptions.InconsistentVersionWarning
        If scikit-learn's own estimators come from another version of scikit-learn. For all
        others the file's format is what counts, whatever versions wrote it.

    See Also
    --------
    save : Write the file.
    load_predictor : Only to predict, without loading TensorFlow.

    Examples
    --------
    See `save`.
    """
    return _load(path, mmap_mode, with_predictors=False)


def load_predictor(path: str | os.PathLike[str], *, mmap_mode: str | None = None) -> Any:
    """Return what predicts as the estimator that `save` has kept, without loading TensorFlow.

    A `DenseSentimentPredictor` takes the place of each `DenseSentimentClassifier`. It has
    `predict`, `predict_proba`, `predict_log_proba` and `decision_function`, and the pipeline around
    it can be explained. It cannot be trained: `load` returns the estimator itself.

    Parameters
    ----------
    path : str or path-like
        The file.
    mmap_mode : {None, "r", "c"}, default=None
        As in `load`.

    Returns
    -------
    predictor : estimator
        It predicts the same to the bit as what `load` returns.

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    ValueError
        As `load`; and if a network has an activation that Keras alone computes.
    ImportError
        If skops is needed and not installed.

    Warns
    -----
    sklearn.exceptions.InconsistentVersionWarning
        As `load`.

    See Also
    --------
    load : Return the estimator, which can be trained further.
    DenseSentimentClassifier.to_predictor : The same for a classifier in memory.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import skimdb
    >>> from skimdb.datasets import make_reviews
    >>> from sklearn.pipeline import make_pipeline
    >>> X, y = make_reviews(500, random_state=0)
    >>> model = make_pipeline(
    ...     skimdb.MultiHotVectorizer(), skimdb.DenseSentimentClassifier(random_state=0)
    ... ).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "model.skimdb")
    ...     skimdb.save(model, path)
    ...     predictor = skimdb.load_predictor(path)
    >>> bool((predictor.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    return _load(path, mmap_mode, with_predictors=True)


def _load(path: str | os.PathLike[str], mmap_mode: str | None, *, with_predictors: bool) -> Any:
    if mmap_mode not in (None, "r", "c"):
        raise ValueError(f"mmap_mode must be None, 'r' or 'c', got {mmap_mode!r}.")
    path = as_path(path, "path")
    members = read_archive(path, mmap_mode)
    contents = read_contents(path, members)
    with naming_file(path):
        estimator = decode_estimator(
            contents["estimator"], members, with_predictors=with_predictors
        )
        if members:
            raise ValueError(f"it has members that nothing uses: {sorted(members)[:5]}")
        _check_depth(estimator)
    return estimator


def _check_depth(estimator: Any) -> None:
    depth = nesting_depth(estimator)
    if depth > _MAX_DEPTH:
        raise ValueError(
            f"estimators are nested {depth} deep, one within another; at most {_MAX_DEPTH} can be "
            "kept"
        )


def _without_searches(estimator: Any) -> tuple[Any, list[str]]:
    """Return an estimator with the best ones of fitted searches, and the searches' classes."""
    searches: list[str] = []

    def best_estimator(value: Any) -> Any:
        if not (isinstance(value, BaseSearchCV) and hasattr(value, "best_estimator_")):
            return value
        searches.append(type(value).__name__)
        return replace_nested(value.best_estimator_, best_estimator)

    return replace_nested(estimator, best_estimator), searches
