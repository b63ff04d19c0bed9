"""Read npz files without running any code that their pickles call."""

import pickle
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimdb.utils._npy import MALFORMED, read_npy_header

# The arrays of the official file are 14 MB each.
_MAX_MEMBER_BYTES = 2**29
# Objects take up to 64 times as much memory as their pickle, and the official file is compressed to
# two thirds. What is smaller than this is not looked at.
_MAX_RATIO = 50
_SMALL_MEMBER_BYTES = 2**20
# The index of a word is its rank + 3, and must be an int32 too.
_MAX_RANK = np.iinfo(np.int32).max - 3


class _Call:
    """A call in a pickle, recorded instead of made."""

    __slots__ = ("args", "name", "state")

    def __init__(self, name: str, args: tuple[Any, ...]) -> None:
        self.name = name
        self.args = args
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Global:
    """Stand-in for one of the functions and classes that NumPy's pickles name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *args: Any) -> _Call:
        return _Call(self.name, args)


class _ArrayUnpickler(pickle.Unpickler):
    """Load the pickle of an array as `_Call` objects, without calling NumPy or anything else."""

    _KNOWN = frozenset(
        {
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            # Bytes, in protocol 2
            ("_codecs", "encode"),
            # Contiguous arrays, in protocol 5
            ("numpy.core.numeric", "_frombuffer"),
            ("numpy._core.numeric", "_frombuffer"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"its pickle calls {module}.{name}, which is not allowed")
        return _Global(name)


# The opcodes in pickles of arrays and lists: a run of integers, which lists have by the thousand;
# others of a fixed size; two lines; a number of bytes, which is itself of so many bytes.
_INTEGERS = re.compile(rb"(?:K.|M..|J.{4}){1,1000}", re.DOTALL)
_FIXED = re.compile(
    rb"[\x80hq].|[rj].{4}|[\x95G].{8}|[\x85-\x89\x93\x94()\]}NRabelstu.]", re.DOTALL
)
_LINES = re.compile(rb"c[^\n]*\n[^\n]*\n")
_COUNTED = {
    **dict.fromkeys([b"C", b"U", b"\x8a", b"\x8c"], 1),
    **dict.fromkeys([b"B", b"T", b"X"], 4),
    **dict.fromkeys([b"\x8e", b"\x96"], 8),
}


def _check_pickle(data: bytes) -> None:
    """Check that unpickling takes memory in proportion to the size of the pickle.

    An unpickler allocates what an opcode says, such as room for so many objects, before it reads
    on.

    Raises
    ------
    ValueError
        If there are other opcodes than arrays and lists need, or if one refers beyond the end or
        to an object that is not there yet.
    """
    position, n_objects = 0, 0
    while position < len(data):
        opcode = data[position : position + 1]
        if found := _INTEGERS.match(data, position) or _LINES.match(data, position):
            position = found.end()
        elif opcode in _COUNTED:
            start = position + 1 + _COUNTED[opcode]
            position = start + int.from_bytes(data[position + 1 : start], "little")
        elif found := _FIXED.match(data, position):
            position = found.end()
            if opcode in (b"q", b"r"):
                if int.from_bytes(found[0][1:], "little") > n_objects:
                    raise ValueError("its pickle refers to an object that is not there yet")
                n_objects += 1
            elif opcode == b".":
                return
        else:
            raise ValueError(f"its pickle has the opcode {opcode!r}, which arrays do not need")
    raise ValueError("its pickle ends too early")


@contextmanager
def open_npz(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an npz file for `read_integers` and `read_sequences`.

    Whatever damaged or hostile content raises in the block becomes a ValueError that names the
    file.
    """
    # From memory, so that all errors below are about the content and not about the disk.
    file = BytesIO(path.read_bytes())
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except MALFORMED as error:
        raise ValueError(f"{path} cannot be read: {error or type(error).__name__}") from error


def _read_member(
    archive: zipfile.ZipFile, name: str
) -> tuple[tuple[int, ...], np.dtype[Any], bytes]:
    """Return the shape and dtype of an array, and the bytes after its header."""
    if f"{name}.npy" not in archive.namelist():
        raise ValueError(f"it has no array {name!r}")
    info = archive.getinfo(f"{name}.npy")
    if info.file_size > _MAX_MEMBER_BYTES:
        raise ValueError(f"{name!r} declares {info.file_size} bytes, more than {_MAX_MEMBER_BYTES}")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name!r} is compressed by a method that NumPy does not use")
    npy = archive.read(info)
    header = read_npy_header(npy)
    if len(header.shape) != 1:
        raise ValueError(f"{name!r} has shape {header.shape}, expected one dimension")
    return header.shape, np.dtype(header.descr), npy[header.start :]


def read_integers(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Read a one-dimensional array of integers of any dtype, as a writable copy."""
    (size,), dtype, data = _read_member(archive, name)
    if dtype.kind not in "iu":
        raise ValueError(f"{name!r} has dtype {dtype}, expected integers")
    if size * dtype.itemsize != len(data):
        raise ValueError(f"{name!r} declares {size} integers but holds {len(data)} bytes")
    return np.frombuffer(data, dtype=dtype).copy()


def read_sequences(
    archive: zipfile.ZipFile, name: str
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Read an object array of lists or arrays of indices, as one flat array and their lengths."""
    shape, dtype, data = _read_member(archive, name)
    n_stored = archive.getinfo(f"{name}.npy").compress_size
    if len(data) > max(_MAX_RATIO * n_stored, _SMALL_MEMBER_BYTES):
        raise ValueError(f"{name!r} has {len(data)} bytes in {n_stored}, too many to be sequences")
    if dtype != np.dtype(object):
        raise ValueError(f"{name!r} has dtype {dtype}, expected object")
    _check_pickle(data)
    items = _array_items(_ArrayUnpickler(BytesIO(data)).load(), name)
    if len(items) != shape[0]:
        raise ValueError(f"{name!r} declares {shape[0]} sequences but holds {len(items)}")
    sequences = []
    size = 0
    for item in items:
        sequences.append(_as_list(item, name))
        size += len(sequences[-1])
        # A pickle may refer to one sequence many times. An honest index takes at least one byte.
        if size > len(data):
            raise ValueError(f"{name!r} holds more than {len(data)} indices in {len(data)} bytes")
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    return _flatten(sequences, size, name), lengths


def _array_items(pickled: Any, name: str) -> list[Any]:
    match pickled:
        case _Call(name="_reconstruct", state=(_, (int(),), _, _, list(items))):
            return items
    raise ValueError(f"{name!r} is not an array of sequences")


def _as_list(item: Any, name: str) -> list[Any]:
    """Return a sequence that was pickled as a list or as an array."""
    match item:
        case list():
            return item
        case _Call(name="_reconstruct", state=(_, (int(size),), dtype, _, data)):
            pass
        case _Call(name="_frombuffer", args=(data, dtype, (int(size),), *_)):
            pass
        case _:
            raise ValueError(f"{name!r} holds objects other than lists and arrays of integers")
    if isinstance(data, _Call) and data.name == "encode":
        data = str(data.args[0]).encode("latin1")
    match dtype:
        case _Call(name="dtype", args=(str(code), *_), state=(_, str(byte_order), *_)) if (
            re.fullmatch("[iu][1248]", code) and byte_order in ("<", ">", "|")
        ):
            values: NDArray[Any] = np.frombuffer(data, dtype=byte_order + code)
        case _:
            raise ValueError(f"{name!r} holds arrays of other dtypes than integers")
    if values.size != size:
        raise ValueError(f"{name!r} declares an array of {size} integers but holds {values.size}")
    return list(values.tolist())


def _flatten(sequences: list[list[Any]], size: int, name: str) -> NDArray[np.int32]:
    types = set(map(type, chain.from_iterable(sequences)))
    if types - {int}:
        names = sorted(type_.__name__ for type_ in types - {int})
        raise ValueError(f"{name!r} holds {', '.join(names)}, expected only integers")
    if size and not (
        min(chain.from_iterable(sequences)) >= 0
        and max(chain.from_iterable(sequences)) <= _MAX_RANK
    ):
        raise ValueError(f"{name!r} holds indices outside 0 to {_MAX_RANK}")
    return np.fromiter(chain.from_iterable(sequences), dtype=np.int32, count=size)
