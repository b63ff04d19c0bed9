"""Reading npz files without running what their pickles ask for."""

import pickle
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The official members unpack to 14 MB each.
_MAX_MEMBER_BYTES = 2**29
# Of a word, so that its index is an int32 as well.
_MAX_RANK = np.iinfo(np.int32).max - 3

# All that the standard library raises on a damaged or hostile archive, member or pickle.
_MALFORMED = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
)


class _Call:
    """A call that a pickle asks for, recorded instead of made."""

    __slots__ = ("args", "name", "state")

    def __init__(self, name: str, args: tuple[Any, ...]) -> None:
        self.name = name
        self.args = args
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Global:
    """Stands in a pickle for a function or class of NumPy."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *args: Any) -> _Call:
        return _Call(self.name, args)


class _ArrayUnpickler(pickle.Unpickler):
    """Loads what NumPy writes for arrays as `_Call`; neither NumPy nor anything else runs."""

    _KNOWN = frozenset(
        {
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            # Bytes in protocol 2
            ("_codecs", "encode"),
            # Contiguous arrays in protocol 5
            ("numpy.core.numeric", "_frombuffer"),
            ("numpy._core.numeric", "_frombuffer"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"its pickle asks for {module}.{name}, which is refused")
        return _Global(name)


@contextmanager
def open_npz(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an npz file, and say which file it was if reading it fails.

    Parameters
    ----------
    path : Path
        The file.

    Yields
    ------
    archive : ZipFile
        For `read_integers` and `read_sequences`.

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    ValueError
        If the block finds the file damaged or not what it should be.
    """
    # From memory, so that what is raised below comes from the content and not from the disk.
    file = BytesIO(path.read_bytes())
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except _MALFORMED as error:
        raise ValueError(f"{path} cannot be read: {error or type(error).__name__}") from error


def _read_member(
    archive: zipfile.ZipFile, name: str
) -> tuple[tuple[int, ...], np.dtype[Any], bytes]:
    """Shape, dtype and what follows the header of an array."""
    if f"{name}.npy" not in archive.namelist():
        raise ValueError(f"it has no array {name!r}")
    info = archive.getinfo(f"{name}.npy")
    if info.file_size > _MAX_MEMBER_BYTES:
        raise ValueError(f"{name!r} declares {info.file_size} bytes, more than {_MAX_MEMBER_BYTES}")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name!r} is compressed in another way than NumPy's")
    file = BytesIO(archive.read(info))
    version = np.lib.format.read_magic(file)
    # Version 3.0 differs from 2.0 in its encoding alone, which plain dtypes do not use.
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read_header(file)
    if len(shape) != 1:
        raise ValueError(f"{name!r} has shape {shape}, expected one dimension")
    return shape, dtype, file.read()


def read_integers(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Read a one-dimensional array of integers.

    Parameters
    ----------
    archive : ZipFile
        From `open_npz`.
    name : str
        Of the array.

    Returns
    -------
    integers : ndarray of shape (n,)
        A writable array of its own, in the dtype of the file.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    (size,), dtype, data = _read_member(archive, name)
    if dtype.kind not in "iu":
        raise ValueError(f"{name!r} has dtype {dtype}, expected integers")
    if size * dtype.itemsize != len(data):
        raise ValueError(f"{name!r} declares {size} integers but holds {len(data)} bytes")
    return np.frombuffer(data, dtype=dtype).copy()


def read_sequences(
    archive: zipfile.ZipFile, name: str
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Read an object array of lists or arrays of indices.

    Parameters
    ----------
    archive : ZipFile
        From `open_npz`.
    name : str
        Of the array.

    Returns
    -------
    indices : ndarray of shape (n_tokens,), dtype int32
        The sequences one after the other.
    lengths : ndarray of shape (n_sequences,), dtype int64
        Of the sequences.

    Raises
    ------
    ValueError
        If it is anything else, or its pickle asks for anything but arrays.
    """
    shape, dtype, data = _read_member(archive, name)
    if dtype != np.dtype(object):
        raise ValueError(f"{name!r} has dtype {dtype}, expected object")
    items = _array_items(_ArrayUnpickler(BytesIO(data)).load(), name)
    if len(items) != shape[0]:
        raise ValueError(f"{name!r} declares {shape[0]} sequences but holds {len(items)}")
    sequences = []
    size = 0
    for item in items:
        sequences.append(_as_list(item, name))
        size += len(sequences[-1])
        # A pickle may name one sequence many times; no honest one has an index in under a byte.
        if size > len(data):
            raise ValueError(f"{name!r} holds more than {len(data)} indices in {len(data)} bytes")
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    return _flatten(sequences, size, name), lengths


def _array_items(pickled: Any, name: str) -> list[Any]:
    """Items of a pickled object array."""
    match pickled:
        case _Call(name="_reconstruct", state=(_, (int(),), _, _, list(items))):
            return items
    raise ValueError(f"{name!r} is not an array of sequences")


def _as_list(item: Any, name: str) -> list[Any]:
    """One sequence, from a list or from a pickled array."""
    match item:
        case list():
            return item
        case _Call(name="_reconstruct", state=(_, (int(size),), dtype, _, data)):
            pass
        case _Call(name="_frombuffer", args=(data, dtype, (int(size),), *_)):
            pass
        case _:
            raise ValueError(f"{name!r} holds something else than lists and arrays of integers")
    if isinstance(data, _Call) and data.name == "encode":
        data = str(data.args[0]).encode("latin1")
    match dtype:
        case _Call(name="dtype", args=(str(code), *_), state=(_, str(byte_order), *_)) if (
            re.fullmatch("[iu][1248]", code) and byte_order in ("<", ">", "|")
        ):
            values: NDArray[Any] = np.frombuffer(data, dtype=byte_order + code)
        case _:
            raise ValueError(f"{name!r} holds arrays of something else than integers")
    if values.size != size:
        raise ValueError(f"{name!r} holds an array of {size} integers with {values.size} of them")
    return list(values.tolist())


def _flatten(sequences: list[list[Any]], size: int, name: str) -> NDArray[np.int32]:
    types = set(map(type, chain.from_iterable(sequences)))
    if types - {int}:
        names = sorted(type_.__name__ for type_ in types - {int})
        raise ValueError(f"{name!r} holds {', '.join(names)}, expected integers alone")
    if size and not (
        min(chain.from_iterable(sequences)) >= 0
        and max(chain.from_iterable(sequences)) <= _MAX_RANK
    ):
        raise ValueError(f"{name!r} holds indices outside 0 to {_MAX_RANK}")
    return np.fromiter(chain.from_iterable(sequences), dtype=np.int32, count=size)
