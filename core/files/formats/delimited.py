"""Delimited text: CSV, TSV and their like, read without losing or guessing away a single cell."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TextIO

from core.errors import FileError
from core.files.encodings import decoded, stray
from core.files.formats.dialect import Dialect
from core.files.formulas import BETWEEN, guard_column, unguard, unguard_header
from core.files.inputs import Input, reading
from core.files.table import LONGEST_LINE, BadRow, Entry, Row, Table, distinct

LOOKED_AT = 200
"""Rows that show whether the last column is of an export."""


def delimited(source: Input, encoding: str, dialect: Dialect, format: str) -> Table:
    """Read the header. Raises FileError when there is none."""
    reader = _Reader(source, encoding, dialect)
    columns = reader.columns()
    guarded = dialect.header and guard_column(columns) is not None and _is_guarded(reader.entries(columns))
    return Table(
        source,
        unguard_header(columns) if guarded else columns,
        encoding,
        dialect.delimiter,
        lambda: _unguarded(columns, reader.entries(columns)) if guarded else reader.entries(columns),
        format,
        quote=dialect.quote,
        header=dialect.header,
    )


def _unguarded(columns: list[str], entries: Iterator[Entry]) -> Iterator[Entry]:
    """The rows of an export as they were before cells were kept from being run as formulas."""
    for entry in entries:
        if isinstance(entry, BadRow):
            yield entry._replace(cells=None)
        elif _tells(entry.cells):
            yield entry._replace(cells=unguard(columns, entry.cells))
        else:
            yield BadRow(entry.number, entry.line, f"the column “{columns[-1]}” names cells that have no apostrophe")


def _is_guarded(entries: Iterator[Entry]) -> bool:
    """Whether the last column, whose name an export uses, is what an export writes there."""
    return all(_tells(entry.cells) for entry in islice(entries, LOOKED_AT) if isinstance(entry, Row))


def _tells(cells: list[str]) -> bool:
    """Whether the last cell is empty, or numbers cells of the row that begin with an apostrophe."""
    return not cells[-1] or all(
        place.isascii() and place.isdigit() and 0 < int(place) < len(cells) and cells[int(place) - 1].startswith("'")
        for place in cells[-1].split(BETWEEN)
    )


@dataclass(frozen=True)
class _Reader:
    source: Input
    encoding: str
    dialect: Dialect

    def columns(self) -> list[str]:
        with reading(self.source.path), decoded(self.source.open(), self.encoding) as file:
            lines = _Lines(file)
            try:
                first = next(self.dialect.reader(lines), None)
            except csv.Error as error:
                raise FileError(
                    f"{self.source.name}, line 1: {_words(error)}.", "Check the quotes around that line."
                ) from error
        if not first:
            raise FileError(
                f"{self.source.name} has no header line.", "Put the names of the columns on the first line."
            )
        if odd := [byte for cell in first for byte in stray(cell)]:
            raise FileError(
                f"{self.source.name}, line 1: {_undecoded(odd, self.encoding)}.",
                "Name its encoding, for example --encoding cp1252 for files from Windows programs.",
            )
        if self.dialect.header:
            return distinct(first, self.source.name)
        return [f"column {number}" for number in range(1, len(first) + 1)]

    def entries(self, columns: list[str]) -> Iterator[Entry]:
        width = len(columns)
        with reading(self.source.path), decoded(self.source.open(), self.encoding) as file:
            lines = _Lines(file)
            rows = self.dialect.reader(lines)
            if self.dialect.header:
                next(rows, None)
            number = 0
            while True:
                lines.begin()
                try:
                    cells = next(rows, None)
                except csv.Error as error:
                    number += 1
                    begun, first = lines.first
                    yield BadRow(number, begun, _words(error), self.dialect.unquoted(first))
                    lines.give_back()
                    rows = self.dialect.reader(lines)
                    continue
                if cells is None:
                    return
                if not cells and not lines.odd:
                    continue
                number += 1
                if lines.odd:
                    yield BadRow(number, lines.first[0], lines.why(self.encoding), None if lines.too_long else cells)
                elif len(cells) != width:
                    yield BadRow(number, lines.first[0], _miscounted(len(cells), width), cells)
                else:
                    yield Row(number, lines.number, cells)


class _Lines:
    """The lines of a file, which can be given back but for the first of the row that turned out to be bad."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._held: list[str] = []
        self._again: list[str] = []
        self.number = 0
        self.odd: list[int] = []
        self.too_long = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        self._held.append(line)
        if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
            self._skip()
        elif not line.isascii() and (found := stray(line)):
            self.odd += found
        return line

    def begin(self) -> None:
        """The next line begins a row."""
        self._held.clear()
        if self.odd:
            self.odd = []
        self.too_long = False

    @property
    def first(self) -> tuple[int, str]:
        """The line that the row began on, and its text."""
        return self.number - len(self._held) + 1, self._held[0] if self._held else ""

    def give_back(self) -> None:
        """Read the lines after the first once more, as rows of their own."""
        self._again += self._held[:0:-1]
        self.number -= len(self._held) - 1

    def why(self, encoding: str) -> str:
        """What is wrong with the lines of the row."""
        return f"longer than {LONGEST_LINE:,} characters" if self.too_long else _undecoded(self.odd, encoding)

    def _skip(self) -> None:
        self.too_long = True
        self.odd.append(0)
        while (rest := self._file.readline(LONGEST_LINE)) and rest[-1] not in "\r\n":
            pass


def _undecoded(odd: list[int], encoding: str) -> str:
    name = "UTF-8" if encoding.startswith("utf-8") else encoding
    listed = " ".join(f"{byte:02X}" for byte in odd[:4])
    return f"not written in {name} (bytes {listed}{' …' if len(odd) > 4 else ''})"


def _miscounted(found: int, wanted: int) -> str:
    return f"{found} cell{'s' * (found != 1)} where the header has {wanted}"


def _words(error: csv.Error) -> str:
    told = str(error)
    if "unexpected end" in told:
        return "a quote that is never closed"
    if "field larger" in told:
        return f"a cell of more than {LONGEST_LINE:,} characters, whose quote is likely never closed"
    if "expected after" in told:
        return "a quote within a quoted cell"
    return told
