"""Find, download and cache data files."""

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
from skimdb.utils._naming import as_path

# Keras' word indices: 0 is padding, 1 starts a review, 2 stands for words that were left out, and
# every other index is the rank of a word + 3.
START_CHAR = 1
OOV_CHAR = 2
INDEX_FROM = 3

_ENVIRONMENT_VARIABLE = "SKIMDB_DATA"
_DEFAULT_HOME = "~/skimdb_data"
_TIMEOUT = 30.0

_CACHE_VERSION = 1

_Function = TypeVar("_Function", bound=Callable[..., Any])


def check_params(constraints: dict[str, list[Any]]) -> Callable[[_Function], _Function]:
    """Make a decorator that validates a function's parameters as scikit-learn does.

    Unlike scikit-learn's own, it keeps the type of the function.
    """
    decorator: Callable[[_Function], _Function] = validate_params(
        constraints, prefer_skip_nested_validation=True
    )
    return decorator


# Downloads


class RemoteFile(NamedTuple):
    """A file that can be downloaded, and its checksum in hexadecimal digits."""

    name: str
    url: str
    algorithm: str
    checksum: str


def locate_data_home(data_home: str | os.PathLike[str] | None) -> tuple[Path, str]:
    """Return the data directory, which need not exist, and what chose it, for messages."""
    if data_home is not None:
        return as_path(data_home, "data_home").expanduser(), "the parameter data_home"
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
    """Find a file in the data directory, or download it there.

    An existing file is used whatever its checksum. A download is saved only if it is complete and
    has the right checksum.
    """
    directory, origin = locate_data_home(data_home)
    path = directory / remote.name
    if path.is_file():
        return path
    missing = f"{remote.name} is not in {directory} ({origin})"
    advice = (
        f"Put the file from {remote.url} there, or set data_home or the environment variable "
        f"{_ENVIRONMENT_VARIABLE} to the directory that has it. skimdb.datasets.make_reviews "
        "generates reviews without a file."
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
    """Read arrays of integers from the cache beside a file, or create the cache by `convert`.

    The cache records the size and modification time of the source file, after following links, and
    is replaced if they differ or if it is damaged. Without permission to write, no cache is made;
    any other failure to write it is a warning. The returned arrays share memory with nothing.
    """
    names = list(names)
    cache = source.with_name(f"{source.stem}_cache.npz")
    # Taken before reading: if the source changes meanwhile, the cache is stale.
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
        # Missing, damaged or not readable: convert the source again.
        return None


def _write_cache(cache: Path, arrays: dict[str, Any]) -> None:
    try:
        with atomic_file(cache) as file:
            np.savez(file, **arrays)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            warnings.warn(
                f"The cache {cache} could not be written, so loading takes as long the next "
                f"time: {error}",
                stacklevel=2,
            )
