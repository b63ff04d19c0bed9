"""The container: a zip archive of stored members that ends with its own checksum.

Nothing is compressed, so that what a file unpacks to is bounded by what it takes on disk, and its
arrays can be mapped into memory. The archive's comment is the SHA-256 of all bytes before it.
"""

import hashlib
import math
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from skimdb.utils._npy import MALFORMED, NpyHeader, read_npy_header

Bytes: TypeAlias = NDArray[np.uint8]

_DIGEST_SIZE = 2 * hashlib.sha256().digest_size
_PIECE_SIZE = 2**18
# Of strings those with at least one character.
_DESCR = re.compile(r"\|b1|\|[iu]1|<[iu][248]|<f[248]|<U[1-9]\d{0,8}|\|S[1-9]\d{0,8}")
_MAX_CODE_POINT = 0x10FFFF
# NumPy fills headers up to a multiple of 64 bytes.
_HEADER_SIZE = 2**12
# Arrays begin at multiples of so many bytes.
_ALIGNMENT = 64
# A local header, up to the lengths of the name and of the extra field, which end it.
_LOCAL_HEADER = struct.Struct("<4s22xHH")
# An extra field that fills up: its identifier, its size, and the alignment.
_PADDING = struct.Struct("<HHH")
_PADDING_ID = 0xD935


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
            info = zipfile.ZipInfo(name)
            start = buffer.tell() + _LOCAL_HEADER.size + len(name.encode()) + _PADDING.size
            padding = bytes(-start % _ALIGNMENT)
            info.extra = _PADDING.pack(_PADDING_ID, 2 + len(padding), _ALIGNMENT) + padding
            archive.writestr(info, content)
        archive.comment = bytes(_DIGEST_SIZE)
    with buffer.getbuffer() as data:
        digest = hashlib.sha256(data[:-_DIGEST_SIZE]).hexdigest()
        data[-_DIGEST_SIZE:] = digest.encode()
    return buffer.getvalue()


def read_archive(path: Path, mmap_mode: str | None = None) -> dict[str, Bytes]:
    """Read a file that `write_archive` made.

    Parameters
    ----------
    path : Path
    mmap_mode : {None, "r", "c"}, default=None
        None reads the file; otherwise it is mapped, as by `numpy.memmap`.

    Returns
    -------
    members : dict of str to ndarray of uint8
        Views of the file's bytes.

    Raises
    ------
    OSError
        If there is no such file, or it may not be read.
    ValueError
        If it is anything else than an intact file of this kind.
    """
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} cannot be loaded: it is not a regular file")
    with path.open("rb") as file:
        is_intact = _is_intact(file)
        with naming_file(path):
            if not is_intact:
                raise ValueError("it is damaged, or was not written by skimdb.save")
        file.seek(0)
        data: Bytes = (
            np.fromfile(file, np.uint8)
            if mmap_mode is None
            else np.memmap(file, np.uint8, mmap_mode)  # type: ignore[call-overload]
        )
        with naming_file(path):
            return stored_members(file, data.view(np.ndarray))


def _is_intact(file: BinaryIO) -> bool:
    """Tell whether a file ends with its checksum; it is read in pieces."""
    size = file.seek(0, 2) - _DIGEST_SIZE
    if size < 0:
        return False
    file.seek(0)
    digest = hashlib.sha256()
    while size > 0:
        piece = file.read(min(size, _PIECE_SIZE))
        if not piece:
            return False
        digest.update(piece)
        size -= len(piece)
    return file.read() == digest.hexdigest().encode()


def stored_members(file: BinaryIO, data: Bytes) -> dict[str, Bytes]:
    """Return the members of an archive, which together must not exceed its size.

    Parameters
    ----------
    file : binary file
        The archive.
    data : ndarray of uint8
        The same bytes.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        If a member is compressed, encrypted or there twice, or if the archive is damaged.
    """
    try:
        infos = zipfile.ZipFile(file).infolist()
    except OSError as error:  # of a position that is not in the file
        raise ValueError(f"its directory is damaged: {error}") from error
    if len({info.filename for info in infos}) < len(infos):
        raise ValueError("it has two members of the same name")
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise ValueError(f"its member {info.filename!r} is compressed")
        if info.flag_bits & 1:
            raise ValueError(f"its member {info.filename!r} is encrypted")
    if sum(info.file_size for info in infos) > len(data):
        raise ValueError("its members declare more bytes than it has")
    return {info.filename: _content(info, data) for info in infos}


def _content(info: zipfile.ZipInfo, data: Bytes) -> Bytes:
    start = info.header_offset
    header = data[start : start + _LOCAL_HEADER.size] if start >= 0 else data[:0]
    if len(header) == _LOCAL_HEADER.size:
        signature, name_size, extra_size = _LOCAL_HEADER.unpack(header.tobytes())
        start += _LOCAL_HEADER.size + name_size + extra_size
        if signature == b"PK\x03\x04" and start + info.file_size <= len(data):
            return data[start : start + info.file_size]
    raise ValueError(f"its member {info.filename!r} is not where its directory says")


def array_to_npy(array: NDArray[Any]) -> bytes:
    """Return an array of numbers, booleans or strings in NumPy's format.

    Raises
    ------
    TypeError
        For other types of elements.
    """
    if array.dtype.kind in "biufUS" and _DESCR.fullmatch(array.dtype.newbyteorder("<").str):
        little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
        buffer = BytesIO()
        np.lib.format.write_array(buffer, little_endian, version=(1, 0), allow_pickle=False)
        return buffer.getvalue()
    raise TypeError(f"an array of dtype {array.dtype} cannot be kept")


def npy_to_array(npy: Bytes) -> NDArray[Any]:
    """Return the array that `array_to_npy` was given, a view where possible.

    Raises
    ------
    ValueError
        If it is anything else, or not of the size that its header says.
    """
    header = check_npy(npy)
    flat: NDArray[Any] = npy[header.start :].view(header.descr)
    if flat.dtype.kind == "U" and flat.view("<u4").max(initial=0) > _MAX_CODE_POINT:
        raise ValueError("an array of strings holds an invalid character")
    if flat.dtype.kind == "b" and flat.view("u1").max(initial=0) > 1:
        raise ValueError("an array of booleans holds something else")
    array = flat.reshape(header.shape, order=header.order)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    return array if array.flags.aligned else array.copy()  # Version 0.1.0 aligned nothing.


def check_npy(npy: Bytes) -> NpyHeader:
    """Read the header of an array, which must be as NumPy writes it, and check the size.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    header = read_npy_header(npy[:_HEADER_SIZE].tobytes())
    if not _DESCR.fullmatch(header.descr):
        raise ValueError("an array has a header that is not plain")
    n_bytes = len(npy) - header.start
    if math.prod(header.shape) * np.dtype(header.descr).itemsize != n_bytes:
        raise ValueError(
            f"an array of shape {header.shape} and dtype {np.dtype(header.descr)} has {n_bytes} "
            "bytes"
        )
    return header
