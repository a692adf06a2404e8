"""What reading a file once has told: enough to import it without deciding anything anew."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from typing import TYPE_CHECKING

from core.errors import FileError
from core.files import columns
from core.files.choice import Choice
from core.files.import_report import Report
from core.files.labelling import Labels
from core.files.screening import Screening
from core.files.table import Entry, Table
from core.files.values import as_text

if TYPE_CHECKING:
    from core.files.grouping import Groups

PORTION = 2_000
"""Rows taken at a time."""


class Fate(IntEnum):
    """What becomes of a row."""

    LEFT_OUT = 0
    IMPORTED = 1
    KNOWN = 2


@dataclass(frozen=True)
class Roles:
    """Which columns are what, by their places."""

    text: int
    id: int | None
    label: int | None

    def external_id(self, cells: list[object]) -> str | None:
        """A row's own id, such as SQLite can store it; none if it has none."""
        if self.id is None or cells[self.id] is None:
            return None
        cell = cells[self.id]
        found = cell if type(cell) is str else as_text(cell)
        return found if found.isascii() else found.encode("utf-8", "replace").decode()


@dataclass
class Examined:
    """All that reading the file once has told."""

    table: Table
    sha256: str
    roles: Roles
    screening: Screening
    labels: Labels
    report: Report
    groups: Groups | None
    """How the rows that are imported are grouped; none when there are none."""
    fates: bytearray
    """A `Fate` for each row of the file."""
    known_ids: array[int]
    """The reviews that known rows are, in the file's order."""


def portions(table: Table) -> Iterator[list[Entry]]:
    """The rows in portions."""
    entries = table.entries()
    while portion := list(islice(entries, PORTION)):
        yield portion


def roles(table: Table, choice: Choice) -> Roles:
    """The columns that a person named, the others guessed. Raises FileError for those that are not there."""
    text = columns.require(table, choice.text_column or columns.text_column(table))
    own_id = columns.require(table, choice.id_column) if choice.id_column else columns.id_column(table)
    label = columns.require(table, choice.label_column) if choice.label_column else None
    if label == text:
        raise FileError(f"The column “{text}” cannot be text and label.", "Choose another with --label.")
    if own_id == text:
        own_id = None
    at = table.columns.index
    return Roles(at(text), at(own_id) if own_id is not None else None, at(label) if label is not None else None)
