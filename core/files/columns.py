"""Guessing which column of a table is the text and which the id."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from core.errors import FileError
from core.files.reading import Table

TEXT_NAMES = ("text", "review", "review_text", "reviewtext", "comment", "content", "body", "sentence", "message",
              "feedback", "tweet", "verbatim")  # fmt: skip
ID_NAMES = ("id", "review_id", "reviewid", "uid", "uuid", "key", "ticket_id", "comment_id")

LOOKED_AT = 200
"""Rows from which the longest column is found."""


def text_column(table: Table) -> str:
    """The column that holds the reviews: by its name, else the one with the longest cells.

    Raises FileError when no row has a text at all.
    """
    named = _named(table.columns, TEXT_NAMES)
    if named is not None:
        return named
    lengths = [0] * len(table.columns)
    for row in islice(table.rows(), LOOKED_AT):
        for position, cell in enumerate(row.cells):
            lengths[position] += len(cell)
    if not any(lengths):
        raise FileError(f"{table.path.name} has no reviews in it.", "Choose a file with rows below the header.")
    return table.columns[lengths.index(max(lengths))]


def id_column(table: Table) -> str | None:
    """The column that holds the reviews' own ids, by its name; none when no name fits."""
    return _named(table.columns, ID_NAMES)


def require(table: Table, column: str) -> str:
    """The column if the table has it. Raises FileError naming those that exist."""
    if column not in table.columns:
        raise FileError(
            f"{table.path.name} has no column “{column}”.", f"Its columns are: {', '.join(table.columns)}."
        )
    return column


def _named(columns: Sequence[str], names: Sequence[str]) -> str | None:
    by_name = {column.strip().casefold(): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)
