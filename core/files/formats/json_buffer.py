"""JSON values one after the other from a text of any length, exactly: json.JSONDecoder of the standard library does
the reading, and is handed more of the text until a value is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TextIO

from core.files.encodings import stray
from core.files.table import LONGEST_LINE, BadRow
from core.files.values import number

CHUNK = 1024 * 1024
"""Characters read at a time."""

_SPACE = " \t\r\n"


class _Twice(ValueError):
    """An object names one key twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found


DECODER = json.JSONDecoder(parse_float=number, object_pairs_hook=_object)


class _Broken(ValueError):
    """The document is no JSON from here on."""


class Buffer:
    """A document of which only what a value needs is in memory."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def elements(self) -> Iterator[tuple[int, Any] | BadRow]:
        """The elements of the list with their lines; at the end what is wrong, if anything is."""
        try:
            if self._peek() == "{":
                self._enter()
            elif self._peek() == "[":
                self._at += 1
            else:
                raise _Broken("no list of objects")
            yield from self._list()
        except (_Broken, RecursionError, _Twice) as error:
            yield BadRow(0, self._line, f"{words(error)}; nothing after it can be read", ends=True)

    def _list(self) -> Iterator[tuple[int, Any]]:
        """The elements after “[”."""
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            self._peek()
            line = self._line
            yield line, self._value()
            sign = self._peek()
            self._at += 1
            if sign == "]":
                return
            if sign != ",":
                raise _Broken("no “,” or “]” after a value" if sign else "the list is never closed")

    def _enter(self) -> None:
        """Go into the first list of objects in the object that the document is."""
        self._at += 1
        while True:
            if self._peek() == "}":
                raise _Broken("an object without a list of objects")
            self._value()
            if self._peek() != ":":
                raise _Broken("no “:” after a name")
            self._at += 1
            if self._peek() == "[":
                self._at += 1
                if self._peek() == "{":
                    return
                for _ in self._list():
                    pass
            else:
                self._value()
            if self._peek() == ",":
                self._at += 1

    def _peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text):
                sign = self._text[self._at]
                if sign not in _SPACE:
                    return sign
                self._line += sign == "\n"
                self._at += 1
            if not self._more(CHUNK):
                return ""

    def _value(self) -> Any:
        if not self._peek():
            raise _Broken("the document ends in the middle")
        wanted = CHUNK
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
                # A number at the end of the buffer may go on.
                if end < len(self._text) or not self._more(CHUNK):
                    break
            except _Twice:
                raise
            except ValueError as error:
                if len(self._text) - self._at > LONGEST_LINE or not self._more(wanted):
                    raise _Broken(words(error)) from error
                wanted = len(self._text)
        if odd := stray(self._text[self._at : end]):
            raise _Broken(f"bytes that do not decode ({odd[0]:02X})")
        self._line += self._text.count("\n", self._at, end)
        self._at = end
        return value

    def _more(self, characters: int) -> bool:
        if self._ended:
            return False
        text = self._file.read(characters)
        self._ended = not text
        self._text = self._text[self._at :] + text
        self._at = 0
        return bool(text)


def words(error: Exception) -> str:
    """What is wrong, as the end of a sentence."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, _Twice):
        return f"the key “{str(error)[:60]}” stands twice in one object"
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON ({error.msg[:1].lower()}{error.msg[1:]}, at character {error.colno})"
    return str(error)
