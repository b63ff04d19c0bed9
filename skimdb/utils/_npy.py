"""Arrays in NumPy's format, read without evaluating anything."""

import pickle
import re
import zipfile
import zlib
from typing import Literal, NamedTuple

# All that the standard library and NumPy raise for a damaged or hostile archive, member or pickle.
MALFORMED = (
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

_MAGIC = b"\x93NUMPY"
_STARTS = tuple(_MAGIC + version for version in (b"\x01\x00", b"\x02\x00", b"\x03\x00"))
# As NumPy writes it for arrays without fields; NumPy 1 for Python 2 wrote 3L.
_HEADER = re.compile(
    rb"\{'descr': '([<>|=]?[a-zA-Z]\d{0,9})', 'fortran_order': (False|True), "
    rb"'shape': \(((?:\d{1,18}L?,? ?)*)\), \} *\n"
)


class NpyHeader(NamedTuple):
    """What an array is, and where in the bytes its elements begin."""

    descr: str
    order: Literal["C", "F"]
    shape: tuple[int, ...]
    start: int


def read_npy_header(npy: bytes) -> NpyHeader:
    """Read the header of an array, given at least so many bytes.

    Raises
    ------
    ValueError
        If it is not as NumPy writes it.
    """
    # Versions 2 and 3 have 4 bytes for the size of the header.
    size_end = len(_MAGIC) + 2 + (2 if npy[len(_MAGIC) : len(_MAGIC) + 2] == b"\x01\x00" else 4)
    start = size_end + int.from_bytes(npy[len(_MAGIC) + 2 : size_end], "little")
    header = _HEADER.fullmatch(npy, size_end, start)
    if header is None or not npy.startswith(_STARTS):
        raise ValueError("an array has a header that is not plain")
    shape = tuple(map(int, re.findall(rb"\d+", header[3])))
    return NpyHeader(header[1].decode(), "F" if header[2] == b"True" else "C", shape, start)
