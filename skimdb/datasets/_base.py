"""Where data files are found, how they are downloaded and how they are cached."""

import errno
import hashlib
import os
import time
import warnings
from collections.abc import Callable, Iterable
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import validate_params

from skimdb.datasets._npz import open_npz, read_integers
from skimdb.utils._files import atomic_file

# Keras' convention: 0 pads, 1 starts a review, 2 replaces a word, and a word is its rank + 3.
START_CHAR = 1
OOV_CHAR = 2
INDEX_FROM = 3

_ENVIRONMENT_VARIABLE = "SKIMDB_DATA"
_DEFAULT_HOME = "~/skimdb_data"
_TIMEOUT = 30.0

_CACHE_VERSION = 1

_Function = TypeVar("_Function", bound=Callable[..., Any])


def check_params(constraints: dict[str, list[Any]]) -> Callable[[_Function], _Function]:
    """Decorate a function to check its parameters as scikit-learn's own functions do.

    Parameters
    ----------
    constraints : dict of str to list
        What each parameter may be, as in scikit-learn's `_parameter_constraints`.

    Returns
    -------
    decorator : callable
        It leaves the function's type as it is, which scikit-learn's own does not.
    """
    decorator: Callable[[_Function], _Function] = validate_params(
        constraints, prefer_skip_nested_validation=True
    )
    return decorator


# Places and downloads


class RemoteFile(NamedTuple):
    """A file that can be downloaded.

    Parameters
    ----------
    name : str
        Its name in the data directory.
    url : str
        Where it comes from.
    algorithm : str
        Of the checksum, as `hashlib` names it.
    checksum : str
        In hexadecimal digits.
    """

    name: str
    url: str
    algorithm: str
    checksum: str


def locate_data_home(data_home: str | os.PathLike[str] | None) -> tuple[Path, str]:
    """Find the directory that data files are in.

    Parameters
    ----------
    data_home : str, path-like or None
        The caller's choice; None leaves it to the environment variable `SKIMDB_DATA` and,
        where that is not set, to `~/skimdb_data`.

    Returns
    -------
    directory : Path
        It need not exist.
    origin : str
        What chose it, for messages.
    """
    if data_home is not None:
        return Path(data_home).expanduser(), "the parameter data_home"
    if home := os.environ.get(_ENVIRONMENT_VARIABLE):
        return Path(home).expanduser(), f"the environment variable {_ENVIRONMENT_VARIABLE}"
    return Path(_DEFAULT_HOME).expanduser(), "the default data_home"


def fetch_file(
    remote: RemoteFile,
    *,
    data_home: str | os.PathLike[str] | None,
    download_if_missing: bool,
    n_retries: int,
    delay: float,
) -> Path:
    """Find a file in the data directory, or download it to there.

    A file that is there is taken as it is, whatever its checksum. A download is written only
    when it is complete and its checksum is right.

    Parameters
    ----------
    remote : RemoteFile
        What to find.
    data_home : str, path-like or None
        See `locate_data_home`.
    download_if_missing : bool
        Whether to download the file if it is not there.
    n_retries : int
        How often a download that failed is tried again.
    delay : float
        Seconds between two tries.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    OSError
        If the file is not there and was not downloaded.
    """
    directory, origin = locate_data_home(data_home)
    path = directory / remote.name
    if path.is_file():
        return path
    missing = f"{remote.name} is not in {directory} ({origin})"
    advice = (
        f"Put the file from {remote.url} there, or name the directory that holds it by the "
        f"parameter data_home or the environment variable {_ENVIRONMENT_VARIABLE}. "
        "skimdb.datasets.make_reviews generates reviews that need no file."
    )
    if not download_if_missing:
        raise OSError(f"{missing}, and download_if_missing=False. {advice}")
    try:
        body = _download(remote, n_retries=n_retries, delay=delay)
        directory.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as file:
            file.write(body)
    except (OSError, HTTPException) as error:
        raise OSError(f"{missing}, and downloading it failed: {error}. {advice}") from error
    return path


def _download(remote: RemoteFile, *, n_retries: int, delay: float) -> bytes:
    for retries_left in range(n_retries, -1, -1):
        try:
            with urlopen(remote.url, timeout=_TIMEOUT) as response:
                body: bytes = response.read()
            break
        except (OSError, HTTPException) as error:
            if not retries_left:
                raise
            warnings.warn(
                f"Downloading {remote.url} failed: {error}; trying again in {delay} s",
                stacklevel=2,
            )
            time.sleep(delay)
    checksum = hashlib.new(remote.algorithm, body, usedforsecurity=False).hexdigest()
    if checksum != remote.checksum:
        raise OSError(
            f"the {remote.algorithm} checksum of the {len(body)} bytes from {remote.url} is "
            f"{checksum}, expected {remote.checksum}"
        )
    return body


# The cache


def load_cached(
    source: Path,
    convert: Callable[[Path], dict[str, NDArray[Any]]],
    names: Iterable[str],
) -> dict[str, NDArray[Any]]:
    """Read arrays of integers from the cache beside a file, which is made if need be.

    The cache holds the size and the time of change of the file it was made from (of the
    file that a symbolic link leads to), and is made anew when they differ or when it is
    damaged. A directory that may not be written to is left without a cache; any other
    failure to write one is a warning.

    Parameters
    ----------
    source : Path
        The file that is slow to read.
    convert : callable
        Reads `source`; all its arrays are put in the cache.
    names : iterable of str
        The arrays wanted.

    Returns
    -------
    arrays : dict of str to ndarray
        Arrays of their own, which nobody else holds.
    """
    names = list(names)
    cache = source.with_name(f"{source.stem}_cache.npz")
    # Taken before reading, so that a change while reading makes the cache stale.
    status = source.stat()
    key = np.array([_CACHE_VERSION, status.st_size, status.st_mtime_ns])
    arrays = _read_cache(cache, key, names)
    if arrays is None:
        converted = convert(source)
        _write_cache(cache, {"key": key, **converted})
        arrays = {name: converted[name] for name in names}
    return arrays


def _read_cache(
    cache: Path, key: NDArray[np.int64], names: list[str]
) -> dict[str, NDArray[Any]] | None:
    try:
        with open_npz(cache) as archive:
            if not np.array_equal(read_integers(archive, "key"), key):
                return None
            return {name: read_integers(archive, name) for name in names}
    except (OSError, ValueError):
        # Missing, damaged or not for us to read: the source has it all.
        return None


def _write_cache(cache: Path, arrays: dict[str, Any]) -> None:
    try:
        with atomic_file(cache) as file:
            np.savez(file, **arrays)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            warnings.warn(
                f"The cache {cache} could not be written, so the next reading takes as long "
                f"as this one: {error}",
                stacklevel=2,
            )
