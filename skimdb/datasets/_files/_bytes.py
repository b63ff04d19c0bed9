"""Open files, decompressed."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, cast

from skimdb.utils._optional import import_optional

# Bytes to decompress at once. Those of a hostile .zst file become up to 128 MiB.
_CHUNK = 2**12


def decompressed(file: BinaryIO, compression: str | None) -> IO[bytes]:
    """Return a file of what a compressed file holds."""
    if compression == "gz":
        return cast(IO[bytes], gzip.open(file))
    if compression == "bz2":
        return bz2.open(file)
    if compression == "xz":
        return lzma.open(file)
    if compression == "zst":
        return io.BufferedReader(_Zstandard(file))
    return file


@contextmanager
def naming_compressed(name: str, compression: str | None) -> Iterator[None]:
    """Turn errors about compressed content into a ValueError that names the file."""
    errors: tuple[type[Exception], ...] = (EOFError, zlib.error, lzma.LZMAError)
    if compression == "zst":
        errors = (*errors, _import_zstandard().ZstdError)
    try:
        yield
    except errors as error:
        raise _damaged(name, compression, error) from error
    except OSError as error:
        # gzip and bz2 also raise it for damaged content, but then without an errno.
        if compression is None or error.errno is not None:
            raise
        raise _damaged(name, compression, error) from error


def _damaged(name: str, compression: str | None, error: Exception) -> ValueError:
    return ValueError(f"{name} is not a valid .{compression} file: {error}")


def _import_zstandard() -> Any:
    return import_optional("zstandard", needed_by="Reading .zst files", install="skimdb[files]")


class _Zstandard(io.RawIOBase):
    """A decompressed file. Unlike zstandard's own, it notices that the end of a file is missing."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._new_frame = _import_zstandard().ZstdDecompressor().decompressobj
        self._frame: Any = None
        self._compressed = b""
        self._content = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._content:
            compressed = self._compressed or self._file.read(_CHUNK)
            if not compressed:
                if self._frame is not None:
                    raise EOFError("the end of the file is missing")
                return 0
            if self._frame is None:
                self._frame = self._new_frame()
            self._content = memoryview(self._frame.decompress(compressed))
            self._compressed = b""
            if self._frame.eof:
                self._compressed, self._frame = self._frame.unused_data, None
        n_bytes = min(len(buffer), len(self._content))
        buffer[:n_bytes] = self._content[:n_bytes]
        self._content = self._content[n_bytes:]
        return n_bytes
