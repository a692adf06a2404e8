"""Guessing which column of a table is the text, which the id and which the label."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from core.errors import FileError
from core.files.table import Row, Table
from core.files.values import as_text

TEXT_NAMES = ("text", "review", "review_text", "reviewtext", "comment", "content", "body", "sentence", "message",
              "feedback", "tweet", "verbatim")  # fmt: skip
ID_NAMES = ("id", "review_id", "reviewid", "uid", "uuid", "key", "ticket_id", "comment_id")
LABEL_NAMES = ("label", "labels", "sentiment", "category", "categories", "class", "tag", "tags", "topic", "intent",
               "annotation")  # fmt: skip

LOOKED_AT = 200
"""Rows from which columns are guessed."""

MOST_LABELS = 30
"""Different values among those rows in a column that is taken for the labels."""


def text_column(table: Table) -> str:
    """The column that holds the reviews: by its name, else the one with the longest cells.

    Raises FileError when no row has a text at all.
    """
    named = _named(table.columns, TEXT_NAMES)
    if named is not None:
        return named
    lengths = [0] * len(table.columns)
    for cells in _first(table):
        for position, cell in enumerate(cells):
            lengths[position] += len(cell)
    if not any(lengths):
        raise FileError(f"{table.name} has no reviews in it.", "Choose a file with rows below the header.")
    return table.columns[lengths.index(max(lengths))]


def id_column(table: Table) -> str | None:
    """The column that holds the reviews' own ids, by its name; none when no name fits."""
    return _named(table.columns, ID_NAMES)


def label_column(table: Table) -> str | None:
    """The column that seems to hold labels, to be offered: by its name, when its first cells are few and short."""
    named = _named(table.columns, LABEL_NAMES)
    if named is None:
        return None
    position = table.columns.index(named)
    cells = {cells[position] for cells in _first(table)}
    return named if len(cells) <= MOST_LABELS and all(len(cell) <= 60 for cell in cells) else None


def require(table: Table, column: str) -> str:
    """The column if the table has it. Raises FileError naming those that exist."""
    if column not in table.columns:
        raise FileError(f"{table.name} has no column “{column}”.", f"Its columns are: {', '.join(table.columns)}.")
    return column


def _first(table: Table) -> list[list[str]]:
    entries = islice(table.entries(), LOOKED_AT)
    return [[as_text(cell) for cell in entry.cells] for entry in entries if isinstance(entry, Row)]


def _named(columns: Sequence[str], names: Sequence[str]) -> str | None:
    by_name = {column.strip().casefold(): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)
