"""Looking at every row before anything is written: what is kept, what is mended, what is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from core.files import encodings
from core.files.problems import LONGEST_TEXT, Action, Problem, Tally
from core.files.table import BadRow, Entry, Table
from core.files.values import Stored, as_text

_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
_ODD = re.compile(f"[{_CONTROLS}\ud800-\udfff]")
_CONTROL = re.compile(f"[{_CONTROLS}]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_COMMANDS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x9b[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    rf"|\x1b[ -/]*[0-~]|[{_CONTROLS}]"
)
"""Whole commands to terminals (ECMA-48), and single control characters."""


class Taken(NamedTuple):
    """A row that may be imported."""

    number: int
    line: int
    cells: list[Stored]
    text: str


class Screening:
    """Looks at rows, and counts what is wrong with them. Asked twice about a row, it says the same."""

    def __init__(self, table: Table, text_at: int, tallies: Mapping[Problem, Tally]) -> None:
        self._table = table
        self._text_at = text_at
        self._tallies = tallies
        self.mended = 0
        """Rows that are imported otherwise than they stand in the file."""

    def of(self, entry: Entry) -> Taken | None:
        """The row if it is kept, mended if need be."""
        if isinstance(entry, BadRow):
            return self._bad(entry)
        cell = entry.cells[self._text_at]
        line = entry.line
        if type(cell) is str:
            text = cell
        else:
            text = as_text(cell)
            if text and not self._kept(Problem.NOT_TEXT, line, _short(text)):
                return None
        if len(text) > LONGEST_TEXT or not text.isprintable() or text.isspace() or not text:
            return self._odd(entry.number, line, entry.cells, text)
        return Taken(entry.number, line, entry.cells, text)

    def _odd(self, number: int, line: int, cells: list[Stored], text: str) -> Taken | None:
        """As `of`, for a text that may have a problem."""
        before = text
        if not text.strip() and not self._kept(Problem.EMPTY, line, "no text"):
            return None
        if _ODD.search(text) is not None:
            if (found := _SURROGATE.search(text)) is not None:
                if not self._kept(Problem.SURROGATE, line, f"U+{ord(found[0]):04X} in {_short(text)}"):
                    return None
                text = _SURROGATE.sub("\ufffd", text)
            if (found := _CONTROL.search(text)) is not None:
                if not self._kept(Problem.CONTROL, line, f"U+{ord(found[0]):04X} in {_short(text)}"):
                    return None
                if self._tallies[Problem.CONTROL].action is Action.MEND:
                    text = _COMMANDS.sub("", text)
        if len(text) > LONGEST_TEXT:
            if not self._kept(Problem.TOO_LONG, line, f"{len(text):,} characters"):
                return None
            if self._tallies[Problem.TOO_LONG].action is Action.MEND:
                text = text[:LONGEST_TEXT]
        self.mended += text != before
        return Taken(number, line, cells, text)

    def _bad(self, row: BadRow) -> Taken | None:
        tally = self._tallies[Problem.BAD_LINE]
        tally.note(row.line, row.reason)
        if tally.action is not Action.MEND:
            return None
        cells = mended(row, self._table, self._text_at)
        if cells is None:
            tally.unmended += 1
            return None
        self.mended += 1
        text = as_text(cells[self._text_at])
        counted = self.mended
        taken = self._odd(row.number, row.line, cells, text)
        self.mended = counted - (taken is None)
        return taken

    def _kept(self, problem: Problem, line: int, what: str) -> bool:
        tally = self._tallies[problem]
        tally.note(line, what)
        return tally.action is not Action.LEAVE_OUT


def mended(row: BadRow, table: Table, text_at: int) -> list[Stored] | None:
    """The cells of a bad row, one a column; none where that would be a guess about the text.

    Missing cells at the end are empty, if the text is not among them. Of surplus cells it is the text that they were
    cut from: it is what has commas in it. Bytes of another encoding are read as Windows programs write them.
    """
    if row.cells is None or row.ends:
        return None
    cells = [encodings.mended(cell, table.encoding) if isinstance(cell, str) else cell for cell in row.cells]
    width, surplus = len(table.columns), len(row.cells) - len(table.columns)
    if surplus > 0:
        if not any(cells[width:]):
            return cells[:width]
        if not table.delimiter:
            return None
        parts = cells[text_at : text_at + surplus + 1]
        return [*cells[:text_at], table.delimiter.join(parts), *cells[text_at + surplus + 1 :]]
    if len(cells) <= text_at:
        return None
    return cells + [""] * -surplus


def _short(text: str) -> str:
    return f"“{text[:40]}{'…' if len(text) > 40 else ''}”"
