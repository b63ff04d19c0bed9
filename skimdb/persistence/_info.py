"""What a file holds, readable without loading it."""

import datetime
import json
import os
from typing import Any

import numpy as np

from skimdb.persistence._archive import naming_file, read_archive
from skimdb.persistence._contents import read_contents
from skimdb.utils._naming import as_path
from skimdb.utils._pipelines import flat_steps

_LABEL_TYPES = (str, int, float)


def describe_estimator(estimator: Any, metadata: dict[str, Any] | None) -> dict[str, Any]:
    """Return what `read_info` is to tell of an estimator.

    Raises
    ------
    TypeError, ValueError
        If `metadata` is no dict of what JSON can hold.
    """
    metadata = {} if metadata is None else metadata
    if not isinstance(metadata, dict) or not all(isinstance(key, str) for key in metadata):
        raise TypeError(f"metadata must be a dict with keys that are str, got {metadata!r}.")
    try:
        kept = json.loads(json.dumps(metadata, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise type(error)(f"metadata must hold what JSON can hold: {error}.") from error
    if kept != metadata:
        raise TypeError(
            "metadata must hold what JSON can hold, with keys that are str and lists instead of "
            f"tuples, got {metadata!r}."
        )
    steps = list(flat_steps(estimator))
    classes = getattr(estimator, "classes_", None)
    n_features = vars(steps[-1]).get("n_features_in_") if steps else None
    return {
        "steps": [type(step).__name__ for step in steps],
        "classes": classes.tolist() if isinstance(classes, np.ndarray) else None,
        "n_features": None if n_features is None else int(n_features),
        "metadata": metadata,
    }


def read_info(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a file of `save` holds, without loading it.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    info : dict
        With the items

        - "steps": list of str, the classes of a pipeline's steps, or of the estimator;
        - "classes": list of the labels, or None if the estimator has none;
        - "n_features": int, the number of features of the last step, or None if it has none;
        - "metadata": dict, what `save` was given;
        - "versions": dict of str, the versions of the libraries that wrote the file;
        - "n_bytes": int, the size of the file;
        - "modified": datetime, when the file was written, by the file system.

        Files of version 0.1.0 have none of the first four: they are None, or empty.

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    ValueError
        If the file is damaged, was not written by `save`, or was written in a newer format.

    See Also
    --------
    save : Write the file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import skimdb
    >>> from skimdb.persistence import read_info
    >>> vectorizer = skimdb.MultiHotVectorizer()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "vectorizer.skimdb")
    ...     skimdb.save(vectorizer, path, metadata={"for": "reviews"})
    ...     info = read_info(path)
    >>> info["steps"], info["metadata"]
    (['MultiHotVectorizer'], {'for': 'reviews'})
    """
    path = as_path(path, "path")
    contents = read_contents(path, read_archive(path, "r"))
    info: dict[str, Any] = {"steps": None, "classes": None, "n_features": None, "metadata": {}}
    status = path.stat()
    with naming_file(path):
        info |= _checked(contents["info"]) if "info" in contents else {}
    return {
        **info,
        "versions": contents["versions"],
        "n_bytes": status.st_size,
        "modified": datetime.datetime.fromtimestamp(status.st_mtime).astimezone(),
    }


def _checked(info: Any) -> dict[str, Any]:
    match info:
        case {
            "steps": list(steps),
            "classes": list() | None as classes,
            "n_features": int() | None,
            "metadata": dict(),
            **rest,
        } if (
            not rest
            and all(isinstance(step, str) for step in steps)
            and all(isinstance(label, _LABEL_TYPES) for label in classes or [])
        ):
            return dict(info)
    raise ValueError("what it says about itself is not what skimdb.save writes")
