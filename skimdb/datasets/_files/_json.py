"""Read records from JSON lines, and from an array of objects, in constant memory."""

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from skimdb.datasets._files._text import TextFile
from skimdb.datasets._values import short_repr

# The line on which an object begins, and the object.
Record = tuple[int, dict[str, Any]]

_PIECE = 2**16
# An error this close to the end of what has been read may be due to what has not.
_MARGIN = 20
_SPACE = re.compile(r"[ \t\r\n\ufeff]*")


def read_records(file: TextFile, name: str) -> Iterator[Record]:
    """Yield the objects of a file. It is an array if the first character is a bracket."""
    pieces = file.lines(_PIECE)
    blank: list[str] = []
    for piece in pieces:
        blank.append(piece)
        if not piece.isspace():
            break
    pieces = chain(blank, pieces)
    if blank and blank[-1].lstrip().startswith("["):
        return _read_array(_Buffer(pieces, name))
    return _read_lines(pieces, name)


def _read_lines(pieces: Iterator[str], name: str) -> Iterator[Record]:
    parts: list[str] = []
    number = 1
    for piece in chain(pieces, ["\n"]):
        parts.append(piece)
        if piece.endswith(("\n", "\r")):
            line = "".join(parts)
            if not line.isspace():
                yield number, _parse(line, f"line {number} of {name}")
            parts = []
            number += 1


def _parse(line: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line.rstrip())
    except (ValueError, RecursionError) as error:
        reason: object = error
        if isinstance(error, json.JSONDecodeError):  # Its line would be that within the record.
            reason = f"{error.msg} at character {error.pos + 1}"
        raise ValueError(
            f"{where} is not JSON: {reason}. The file must have an object on each line, or be an "
            "array of objects"
        ) from error
    return _check_object(value, where)


def _check_object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be a JSON object, got {short_repr(value)}")
    return value


class _Buffer:
    """The part of a file that has been read and not yet used."""

    def __init__(self, pieces: Iterator[str], name: str) -> None:
        self._pieces, self._name = pieces, name
        self._text, self._start = "", 0
        self.line = 1

    @property
    def where(self) -> str:
        return f"line {self.line} of {self._name}"

    def next_character(self) -> str:
        """Skip white space and return the character after it, or "" at the end of the file."""
        while True:
            match = _SPACE.match(self._text, self._start)
            self._skip_to(match.end() if match else self._start)
            if self._start < len(self._text):
                return self._text[self._start]
            if not self._read():
                return ""

    def skip_character(self) -> None:
        self._skip_to(self._start + 1)

    def next_object(self) -> dict[str, Any]:
        decoder = json.JSONDecoder()
        while True:
            try:
                value, end = decoder.raw_decode(self._text, self._start)
            except json.JSONDecodeError as error:
                may_go_on = error.msg.startswith("Unterminated string") or (
                    error.pos > len(self._text) - _MARGIN
                )
                if not (may_go_on and self._read()):
                    raise ValueError(f"{self.where} is not JSON: {error.msg}") from error
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{self.where} is not JSON: {error}") from error
            else:
                found = _check_object(value, self.where)
                self._skip_to(end)
                return found

    def _skip_to(self, end: int) -> None:
        self.line += self._text.count("\n", self._start, end)
        self._start = end

    def _read(self) -> bool:
        """Read at least as much as is in the buffer, so that a long object is not slow."""
        parts = [self._text[self._start :]]
        n_wanted = max(_PIECE, len(parts[0]))
        for piece in self._pieces:
            parts.append(piece)
            n_wanted -= len(piece)
            if n_wanted <= 0:
                break
        self._text, self._start = "".join(parts), 0
        return len(parts) > 1


def _read_array(buffer: _Buffer) -> Iterator[Record]:
    buffer.next_character()
    buffer.skip_character()  # the opening bracket
    is_open = buffer.next_character() != "]"
    while is_open:
        if not buffer.next_character():
            raise _unexpected(buffer, "", "an object")
        yield buffer.line, buffer.next_object()
        character = buffer.next_character()
        if character not in (",", "]"):
            raise _unexpected(buffer, character, "',' or ']'")
        is_open = character == ","
        if is_open:
            buffer.skip_character()
    buffer.skip_character()  # the closing bracket
    if character := buffer.next_character():
        raise _unexpected(buffer, character, "the end of the file after the array")


def _unexpected(buffer: _Buffer, character: str, expected: str) -> ValueError:
    found = repr(character) if character else "the end of the file"
    return ValueError(f"{buffer.where} is not JSON: expected {expected}, got {found}")
