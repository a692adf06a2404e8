"""Cells that a spreadsheet would run: an apostrophe before them, and the way back.

Excel, LibreOffice and Google Sheets take a cell of a CSV file for a formula when it begins with “=”, “+”, “-”, “@”, a
tab or a line end (OWASP, “CSV Injection”). Such a cell gets one apostrophe in front, unless it is a plain number. A
column at the end, `guarded`, has the numbers of the columns of the row in which that was done, the first being 1, so
that nothing is lost: whoever takes one apostrophe away there has the cells as they were, and so reads labelloop.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

COLUMN = "guarded"
"""The name of the column at the end; prefixed where the file has one of that name."""

PREFIX = "labelloop_"

_RUN = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
"""How a cell begins that is run, or would be after an apostrophe is taken away."""

_NUMBER = re.compile(r"[+-](?:\d+(?:[.,]\d+)*|[.,]\d+)(?:[eE][+-]?\d+)?")

BETWEEN = "|"


def is_run(cell: str) -> bool:
    """Whether a spreadsheet would run the cell, or it looks as one that was kept from it."""
    return _RUN.match(cell) is not None and _NUMBER.fullmatch(cell) is None


def guard(cells: Sequence[str]) -> tuple[list[str], list[int]]:
    """The cells with an apostrophe before those that would be run, and the places of these."""
    places = [at for at, cell in enumerate(cells) if cell and is_run(cell)]
    found = list(cells)
    for at in places:
        found[at] = f"'{cells[at]}"
    return found, places


def guard_column(columns: Sequence[str]) -> str | None:
    """The name of the column that tells which cells have an apostrophe; none when the table has no such column."""
    last = columns[-1] if columns else ""
    return last if last.removeprefix(PREFIX * last.count(PREFIX)) == COLUMN else None


def unguard(columns: Sequence[str], cells: Sequence[str]) -> list[str]:
    """The cells as they were before `guard`, without the column that tells of it. `columns` are those of the file."""
    named = set(cells[-1].split(BETWEEN)) if cells[-1] else set()
    found = list(cells[:-1])
    if named:
        for at in range(len(columns) - 1):
            if str(at + 1) in named and found[at].startswith("'"):
                found[at] = found[at][1:]
    return found


def unguard_header(columns: Sequence[str]) -> list[str]:
    """The names of the columns as they were, without the one that tells."""
    return [name[1:] if name.startswith("'") and is_run(name[1:]) else name for name in columns[:-1]]
