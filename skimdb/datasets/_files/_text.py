"""Decode text files, and say where and why that fails."""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

from skimdb.datasets._files._bytes import naming_compressed

_HEAD_SIZE = 1024
# UTF-32 comes first, because its mark begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# How files begin that are no text, whatever they are called.
_OTHER_FORMATS = {
    b"\x1f\x8b": "gz",
    b"BZh91AY&SY": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
    b"PK\x03\x04": "xlsx",
    b"PAR1": "parquet",
    b"ARROW1\x00\x00": "arrow",
}
# Those that files often have, the more frequent ones first.
_LIKELY = (
    "cp1252", "mac_roman", "cp1250", "cp1251", "koi8_r", "gb18030", "big5", "shift_jis", "euc_jp",
    "euc_kr", "cp1253", "cp1254", "cp1255", "cp1256", "cp866",
)  # fmt: skip
_SAMPLE_SIZE = 2**18
# Bytes of a word shown on either side of the one that is wrong.
_WORD_SIZE = 20
# Differences of charset-normalizer's measures that mean nothing.
_SIMILAR = 0.02


class TextFile:
    """The lines of a text file whose encoding is given or found out.

    Attributes
    ----------
    encoding : str
    """

    def __init__(
        self, file: IO[bytes], name: str, encoding: str | None, compression: str | None = None
    ) -> None:
        self._name, self._compression = name, compression
        with naming_compressed(name, compression):
            head = file.read(_HEAD_SIZE)
        for start, other in _OTHER_FORMATS.items():
            if head.startswith(start):
                raise ValueError(
                    f"{name} begins as a .{other} file does: rename it, or say what it is with "
                    "--input-format"
                )
        self.encoding = _check_encoding(head, name, encoding)
        self._pieces = _Joined(head, file)
        self._bytes = io.BufferedReader(self._pieces)
        self._text = io.TextIOWrapper(self._bytes, self.encoding, newline="")

    def lines(self, limit: int = -1) -> Iterator[str]:
        r"""Yield lines with their ends, "\n", "\r\n" or "\r"; longer ones than `limit` in parts."""
        number = 1
        with naming_compressed(self._name, self._compression):
            while True:
                try:
                    line = self._text.readline(limit)
                except UnicodeDecodeError as error:
                    raise self._describe(error, number) from error
                if not line:
                    return
                yield line
                number += line.endswith(("\n", "\r"))

    def _describe(self, error: UnicodeDecodeError, number: int) -> ValueError:
        # What was decoded before has no line break, or it would have been yielded.
        before = error.object[: error.start].decode(self.encoding, errors="replace")
        number += len(re.findall("\r\n|\r|\n", before))
        encoding = "UTF-8" if self.encoding.startswith("utf-8") else self.encoding
        place = f"line {number} of {self._name} is not {encoding}"
        if self.encoding.startswith(("utf-16", "utf-32")):
            return ValueError(f"{place}: {error.reason}")
        # What was decoded ends where the last piece ends, but may begin within a word.
        recent = self._pieces.recent
        start = len(recent) - (len(error.object) - error.start)
        word = _word_at(recent, start)
        sample = recent[max(0, start - _WORD_SIZE) :] + self._bytes.read(_SAMPLE_SIZE)
        readings = [f"in {name} it reads {text!r}" for name, text in _readings(word, sample)]
        found = f"; {', '.join(readings)}" if readings else ""
        return ValueError(f"{place}: {word!r}. Give its encoding (--encoding){found}")


def _check_encoding(head: bytes, name: str, encoding: str | None) -> str:
    marked = next((found for mark, found in _MARKS.items() if head.startswith(mark)), None)
    if encoding is None:
        return marked or _unmarked_utf16(head) or "utf-8"
    given = codecs.lookup(encoding).name
    if marked is None:
        return given
    if not given.startswith(marked.removesuffix("-sig")):
        raise ValueError(
            f"{name} begins with the byte order mark of {marked.removesuffix('-sig')}, so its "
            f"encoding cannot be {encoding}"
        )
    return marked


def _unmarked_utf16(head: bytes) -> str | None:
    """Recognise UTF-16 without a mark: at least a quarter of its characters are ASCII."""
    n_even, n_odd = head[::2].count(0), head[1::2].count(0)
    if max(n_even, n_odd) < len(head) / 8 or min(n_even, n_odd):
        return None
    return "utf-16-le" if n_odd else "utf-16-be"


def _word_at(content: bytes, position: int) -> bytes:
    before = re.split(rb"[\s,;]", content[max(0, position - _WORD_SIZE) : position])[-1]
    return before + re.split(rb"[\s,;]", content[position : position + _WORD_SIZE])[0]


def _readings(word: bytes, sample: bytes) -> Iterator[tuple[str, str]]:
    """Decode a word in the most likely encoding, and in those that are most frequent."""
    for encoding in dict.fromkeys([_likely_encoding(sample), *_LIKELY[:2]]):
        if encoding is not None:
            with suppress(UnicodeDecodeError):
                yield encoding, word.decode(encoding)


def _likely_encoding(sample: bytes) -> str | None:
    try:
        import charset_normalizer  # noqa: PLC0415 (optional dependency)
    except ImportError:
        return None
    # Among many ASCII characters, the others would hardly count.
    words = b" ".join(re.findall(rb"[^\s\x00]*[\x80-\xff][^\s\x00]*", sample))
    matches: Any = charset_normalizer.from_bytes(words, cp_isolation=list(_LIKELY))
    best = matches.best()
    if best is None:
        return None
    similar = {
        name
        for match in matches
        if match.chaos < best.chaos + _SIMILAR and match.coherence > best.coherence - _SIMILAR
        for name in match.could_be_from_charset
    }
    return next((name for name in _LIKELY if name in similar), best.encoding)


class _Joined(io.RawIOBase):
    """Bytes that were read from a file, and the rest of the file.

    Attributes
    ----------
    recent : bytes
        The piece read last, and the end of what came before it.
    """

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self._head, self._file = head, file
        self.recent = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._head[: len(buffer)] or self._file.read(len(buffer))
        self._head = self._head[len(content) :]
        buffer[: len(content)] = content
        if content:
            self.recent = self.recent[-_WORD_SIZE:] + content
        return len(content)
