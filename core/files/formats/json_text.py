"""JSON: an object a line, or one list of objects, which is read element by element."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from core.errors import FileError
from core.files.encodings import decoded, stray
from core.files.formats.json_buffer import DECODER, Buffer, words
from core.files.inputs import Input, reading
from core.files.table import LONGEST_LINE, BadRow, Entry, Row, Table, with_all
from core.files.values import JSON, MISSING, TooDeep, to_stored

FIRST = 1_000
"""Rows from which the columns are taken; later rows may bring more."""

TEXT = "text"
"""The column of a file that has texts in the place of objects."""


def is_lines(beginning: str, named: bool) -> bool:
    """Whether the beginning of a file is an object a line, rather than one JSON document; `named` it is called so."""
    lines = [line for line in beginning.splitlines() if line.strip()]
    if not lines or lines[0].lstrip()[:1] == "[":
        return False
    try:
        only = DECODER.decode(lines[0])
    except (ValueError, RecursionError):
        return named or (len(lines) > 1 and lines[0].rstrip().endswith("}") and lines[1].lstrip().startswith("{"))
    if len(lines) > 1 or named or not isinstance(only, dict):
        return True
    return not any(isinstance(one, list) and one and isinstance(one[0], dict) for one in only.values())


def json_lines(source: Input, encoding: str) -> Table:
    """A row a line. Raises FileError when no line is an object."""
    return _table(_Lines(source, encoding), "jsonl")


def json_document(source: Input, encoding: str) -> Table:
    """A row an element of the list: the document itself, or the first list of objects in it. Raises FileError."""
    return _table(_Document(source, encoding), "json")


@dataclass(frozen=True)
class _Values:
    """The values of a file, each with its line; errors in their place."""

    source: Input
    encoding: str

    def values(self) -> Iterator[tuple[int, Any] | BadRow]:
        raise NotImplementedError

    def entries(self, columns: Sequence[str]) -> Iterator[Entry]:
        known = frozenset(columns)
        with reading(self.source.path):
            for count, found in enumerate(self.values(), start=1):
                if isinstance(found, BadRow):
                    yield found._replace(number=count)
                    continue
                line, value = found
                if isinstance(value, str):
                    value = {TEXT: value}
                if not isinstance(value, dict):
                    yield BadRow(count, line, "no JSON object")
                    continue
                try:
                    cells = [to_stored(value.get(name, MISSING)) for name in columns]
                    late = None
                    if not value.keys() <= known:
                        late = {name: to_stored(one) for name, one in value.items() if name not in known}
                except TooDeep:
                    yield BadRow(count, line, "nested too deeply")
                    continue
                yield Row(count, line, cells, late)


def _table(values: _Values, format: str) -> Table:
    columns: dict[str, None] = {}
    seen, reason = 0, ""
    for entry in islice(values.entries(()), FIRST):
        seen += 1
        if isinstance(entry, Row):
            columns.update(dict.fromkeys(entry.more or ()))
        else:
            reason = reason or f" Line {entry.line:,}: {entry.reason}."
    name = values.source.name
    if not seen:
        raise FileError(f"{name} is empty.", "Choose a file with reviews in it.")
    if not columns:
        raise FileError(f"{name} holds no JSON objects.{reason}", 'A row is written as {"text": "…"}.')
    return _made(values, list(columns), format)


def _made(values: _Values, columns: list[str], format: str) -> Table:
    table = Table(
        values.source,
        columns,
        values.encoding,
        "",
        lambda: values.entries(columns),
        format,
        [JSON] * len(columns),
        quote="",
        extended=lambda late: with_all(table, late, lambda every: _made(values, every, format)),
    )
    return table


class _Lines(_Values):
    def values(self) -> Iterator[tuple[int, Any] | BadRow]:
        at = 0
        with decoded(self.source.open(), self.encoding) as file:
            for line in iter(lambda: file.readline(LONGEST_LINE), ""):
                at += 1
                if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
                    while (rest := file.readline(LONGEST_LINE)) and rest[-1] not in "\r\n":
                        pass
                    yield BadRow(0, at, f"longer than {LONGEST_LINE:,} characters")
                elif line.strip():
                    yield self._value(line, at)

    def _value(self, line: str, at: int) -> tuple[int, Any] | BadRow:
        if not line.isascii() and (odd := stray(line)):
            return BadRow(0, at, f"not written in {self.encoding} (byte {odd[0]:02X})")
        try:
            return at, DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            return BadRow(0, at, words(error))


class _Document(_Values):
    """Elements are taken from a buffer that grows only while one is not whole."""

    def values(self) -> Iterator[tuple[int, Any] | BadRow]:
        with decoded(self.source.open(), self.encoding) as file:
            yield from Buffer(file).elements()
