"""The container: a zip archive of stored members that ends with its own checksum.

Nothing is compressed, so that what a file unpacks to is bounded by what it takes on disk. The
archive's comment is the SHA-256 of all bytes before it.
"""

import hashlib
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skimdb.datasets import _npz

# All that the standard library and NumPy raise on damaged or hostile content.
MALFORMED = _npz._MALFORMED

_DIGEST_SIZE = 2 * hashlib.sha256().digest_size
# What NumPy writes; of strings those with at least one character.
_HEADER = re.compile(
    rb"\{'descr': '(\|b1|\|[iu]1|<[iu][248]|<f[248]|<U[1-9]\d{0,8}|\|S[1-9]\d{0,8})', "
    rb"'fortran_order': (False|True), 'shape': \(((?:\d{1,18},? ?)*)\), \} *\n"
)
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER_START = len(_MAGIC) + 2
_MAX_CODE_POINT = 0x10FFFF


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Turn what the block raises on wrong content into a ValueError that names the file."""
    try:
        yield
    except ImportError:  # of a library that is missing here, which is not the file's fault
        raise
    except MALFORMED as error:
        raise ValueError(f"{path} cannot be loaded: {describe(error)}") from error


def describe(error: BaseException) -> str:
    """Return what went wrong, in words."""
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    return str(error) or type(error).__name__


def write_archive(members: Mapping[str, bytes]) -> bytes:
    """Return the bytes of an archive.

    Parameters
    ----------
    members : mapping of str to bytes
        Name and content of each member.
    """
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            # The time that ZipInfo has by default: the same estimator gives the same file.
            archive.writestr(zipfile.ZipInfo(name), content)
        archive.comment = bytes(_DIGEST_SIZE)
    with buffer.getbuffer() as data:
        data[-_DIGEST_SIZE:] = _digest(data)
    return buffer.getvalue()


def _digest(data: bytes | memoryview) -> bytes:
    """Return what an archive must end with."""
    return hashlib.sha256(memoryview(data)[:-_DIGEST_SIZE]).hexdigest().encode()


def read_archive(path: Path) -> dict[str, bytes]:
    """Read a file that `write_archive` made.

    Parameters
    ----------
    path : Path

    Returns
    -------
    members : dict of str to bytes

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    ValueError
        If it is anything else than an intact file of this kind.
    """
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} cannot be loaded: it is not a regular file")
    data = path.read_bytes()
    with naming_file(path):
        if data[-_DIGEST_SIZE:] != _digest(data):
            raise ValueError("it is damaged, or was not written by skimdb.save")
        return stored_members(data)


def stored_members(data: bytes) -> dict[str, bytes]:
    """Read the members of an archive in memory, which together must not exceed its size.

    Parameters
    ----------
    data : bytes
        Of the archive.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        If a member is compressed, encrypted or there twice, or if the archive is damaged.
    """
    with zipfile.ZipFile(BytesIO(data)) as archive:
        infos = archive.infolist()
        if len({info.filename for info in infos}) < len(infos):
            raise ValueError("it has two members of the same name")
        for info in infos:
            if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
                raise ValueError(f"its member {info.filename!r} is compressed")
        if sum(info.file_size for info in infos) > len(data):
            raise ValueError("its members declare more bytes than it has")
        return {info.filename: archive.read(info) for info in infos}


def array_to_npy(array: NDArray[Any]) -> bytes:
    """Return an array of numbers, booleans or strings in NumPy's format.

    Raises
    ------
    TypeError
        For other types of elements.
    """
    if array.dtype.kind in "biufUS":
        little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
        buffer = BytesIO()
        np.lib.format.write_array(buffer, little_endian, version=(1, 0), allow_pickle=False)
        npy = buffer.getvalue()
        if _HEADER.match(npy, _HEADER_START):
            return npy
    raise TypeError(f"an array of dtype {array.dtype} cannot be kept")


def npy_to_array(npy: bytes) -> NDArray[Any]:
    """Return the array that `array_to_npy` was given.

    Raises
    ------
    ValueError
        If it is anything else, or not of the size that its header says.
    """
    dtype, order, shape, start = check_npy(npy)
    flat = np.frombuffer(npy, dtype, offset=start)
    if dtype.kind == "U" and flat.view("<u4").max(initial=0) > _MAX_CODE_POINT:
        raise ValueError("an array of strings holds an invalid character")
    if dtype.kind == "b" and flat.view("u1").max(initial=0) > 1:
        raise ValueError("an array of booleans holds something else")
    return flat.reshape(shape, order=order).astype(dtype.newbyteorder("="))


def check_npy(
    npy: bytes,
) -> tuple[np.dtype[Any], Literal["C", "F"], tuple[int, ...], int]:
    """Read the header of an array, which must be as NumPy writes it, and check the size.

    The header is not evaluated.

    Returns
    -------
    dtype : dtype
    order : {"C", "F"}
    shape : tuple of int
    start : int
        Where the elements begin.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    start = _HEADER_START + int.from_bytes(npy[len(_MAGIC) : _HEADER_START], "little")
    header = _HEADER.fullmatch(npy, _HEADER_START, start)
    if header is None or not npy.startswith(_MAGIC):
        raise ValueError("an array has a header that is not plain")
    dtype = np.dtype(header[1].decode())
    shape = tuple(int(size) for size in header[3].split(b",") if size.strip())
    if math.prod(shape) * dtype.itemsize != len(npy) - start:
        raise ValueError(
            f"an array of shape {shape} and dtype {dtype} has {len(npy) - start} bytes"
        )
    return dtype, "F" if header[2] == b"True" else "C", shape, start
