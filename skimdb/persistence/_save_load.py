"""The two functions."""

import importlib.metadata
import json
import os
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator

import skimdb
from skimdb.persistence._archive import naming_file, read_archive, write_archive
from skimdb.persistence._estimators import decode_estimator, encode_estimator
from skimdb.persistence._plain import take_member
from skimdb.utils._files import atomic_file
from skimdb.utils._naming import naming

_FORMAT = 1
_CONTENTS = "skimdb.json"
_LIBRARIES = ("keras", "numpy", "scikit-learn", "skops", "tensorflow")


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Keep an estimator, fitted or not, in a file without pickle.

    Parameters
    ----------
    estimator : estimator
        `DenseSentimentClassifier`, `MultiHotVectorizer`, `LogCountRatioScaler`,
        `WordIndexEncoder`, `CharacterEncoder`, or a `Pipeline` or `FeatureUnion` of these and of
        scikit-learn's estimators, nested as you like. scikit-learn's own are kept by skops:
        ``pip install 'skimdb[persistence]'``.
    path : str or path-like
        The file to make or to replace. It is written whole or not at all.

    Raises
    ------
    TypeError, ValueError
        If the estimator, or a parameter or attribute that is named, is nothing that can be kept
        safely: functions, callbacks, optimizers that are not Keras' own or have a schedule of
        learning rates, labels other than strings and numbers, a `model_` that has been
        changed, a pipeline's `memory`, scikit-learn's trees and sparse matrices, and a voting
        or searching wrapper around estimators of skimdb. Nothing is written then.
    ImportError
        If skops is needed and not installed.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Bring it back.

    Notes
    -----
    The file is a zip archive of JSON and of arrays in NumPy's format, both uncompressed, and
    ends with its SHA-256. Of the network it holds the weights, the optimizer's settings and
    state, and what is needed to build the network anew, so that `partial_fit` and
    ``warm_start=True`` go on to the bit. Parameters come back as they were, except that NumPy's
    scalars become Python's. A `RandomState` is kept with its position.

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
    if isinstance(estimator, type) or not isinstance(estimator, BaseEstimator):
        raise TypeError(f"estimator must be an estimator, got {estimator!r}.")
    members: dict[str, bytes] = {}
    contents = {
        "format": _FORMAT,
        "versions": _versions(),
        "estimator": encode_estimator(estimator, members),
    }
    text = json.dumps(contents, allow_nan=False)
    archive = write_archive({_CONTENTS: text.encode(), **members})
    with naming("path"):
        path = Path(path)
    with atomic_file(path) as file:
        file.write(archive)


def load(path: str | os.PathLike[str]) -> Any:
    """Return an estimator that `save` has kept.

    Whatever the file holds, loading runs nothing that it names, writes nothing, and takes
    memory in proportion to its size.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    estimator : estimator
        It predicts the same to the bit, on one machine and with the same versions of the
        libraries.

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    ValueError
        If the file is damaged, was not written by `save`, contradicts itself, was written in a
        newer format, or if scikit-learn's estimators in it hold types that skops does not trust.
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

    Examples
    --------
    See `save`.
    """
    with naming("path"):
        path = Path(path)
    members = read_archive(path)
    with naming_file(path):
        contents = json.loads(take_member(members, _CONTENTS).decode())
        _check_format(contents)
        estimator = decode_estimator(contents["estimator"], members)
        if members:
            raise ValueError(f"it has members that nothing uses: {sorted(members)[:5]}")
    return estimator


def _versions() -> dict[str, str]:
    versions = {"skimdb": skimdb.__version__}
    for library in _LIBRARIES:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue  # skops may be absent, and TensorFlow has several names
    return versions


def _check_format(contents: Any) -> None:
    match contents:
        case {"format": int(file_format), "versions": {"skimdb": str(version)}, "estimator": _}:
            pass
        case _:
            raise ValueError(f"its {_CONTENTS} is not what skimdb.save writes")
    if file_format > _FORMAT:
        raise ValueError(
            f"it was written in format {file_format} by skimdb {version}; skimdb "
            f"{skimdb.__version__} reads formats up to {_FORMAT}. Install a newer one"
        )
