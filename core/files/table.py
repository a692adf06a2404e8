"""A file that has been recognised: its columns, and its rows one at a time, so that memory does not grow with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from core.errors import FileError
from core.files.inputs import Input
from core.files.values import JSON, Stored

LONGEST_LINE = 64 * 1024 * 1024
"""Characters of one line, cell or JSON value. A longer one is a file whose quotes or brackets do not match."""


@dataclass(frozen=True)
class ReadingOptions:
    """What a person says of a file; None: guessed."""

    format: str | None = None
    """csv, tsv, text, jsonl, json, parquet or xlsx."""
    delimiter: str | None = None
    """One character."""
    header: bool | None = None
    """Whether the first line names the columns."""
    quote: str | None = None
    """The character that cells are quoted with; empty for none."""
    sheet: str | None = None
    """Of a workbook the sheet, else the first."""


class Row(NamedTuple):
    """One row of a table."""

    number: int
    """The first after the header is 1; bad rows count."""
    line: int
    """The line of the file it ends on, the first being 1; in formats without lines the row of the file."""
    cells: list[Stored]
    """In the order of the columns. Text formats have text; see `values` for the others."""
    more: Mapping[str, Stored] | None = None
    """Cells of columns that were not known when the table was opened."""


class BadRow(NamedTuple):
    """What stands where a row should be."""

    number: int
    line: int
    """The line it begins on."""
    reason: str
    """Why it cannot be read, as the end of a sentence that begins with the line."""
    cells: list[Stored] | None = None
    """What is there of cells, as many as there are; bytes that do not decode are lone surrogates."""
    ends: bool = False
    """Nothing after it can be read."""


Entry = Row | BadRow


@dataclass(frozen=True)
class Table:
    """A file that has been recognised, ready to be read."""

    source: Input
    columns: list[str]
    encoding: str
    """Empty for formats that have none of their own to guess."""
    delimiter: str
    """Empty where cells are not delimited."""
    entries: Callable[[], Iterator[Entry]]
    """Starts reading from the first row, good and bad; may be called again."""
    format: str = "csv"
    types: list[str] = field(default_factory=list)
    """The kind of each column, see `values`; empty where all are text."""
    quote: str = '"'
    header: bool = True
    """Whether the file itself names the columns."""
    known_rows: int | None = None
    """How many rows there are, where the file says so."""
    notes: list[str] = field(default_factory=list)
    """What else was found and should be said."""
    classes: dict[str, list[str]] = field(default_factory=dict)
    """Names of the numbers in a column, where the file has such."""
    extended: Callable[[Sequence[str]], Table] | None = None
    """The table with further columns, where rows may bring such."""

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.source.path

    @property
    def name(self) -> str:
        """What people call it."""
        return self.source.name

    @property
    def size(self) -> int:
        """Bytes, unpacked, some of it guessed."""
        return self.source.size

    def rows(self) -> Iterator[Row]:
        """The rows. Raises FileError at the first that is bad."""
        for entry in self.entries():
            if isinstance(entry, BadRow):
                raise FileError(
                    f"{self.name}, {self.place(entry.line)}: {entry.reason}.",
                    "Correct it, or have such rows left out or mended.",
                )
            yield entry

    def place(self, line: int) -> str:
        """Where a row stands: `line 7`, or `row 7` where there are no lines."""
        return f"{'line' if self.format in ('csv', 'tsv', 'text', 'jsonl', 'json') else 'row'} {line}"

    def settled(self) -> Table:
        """The table with all columns that any row has: where they may come late, all of it is read for that."""
        if self.extended is None:
            return self
        late: dict[str, None] = {}
        for entry in self.entries():
            if isinstance(entry, Row) and entry.more:
                late.update(dict.fromkeys(entry.more))
        return self.extended(list(late)) if late else self

    def close(self) -> None:
        """Remove what was kept in temporary files."""
        self.source.close()


def with_all(table: Table, late: Sequence[str], again: Callable[[list[str]], Table]) -> Table:
    """For readers: the table read once more with further columns."""
    found = again([*table.columns, *late])
    return replace(found, types=[JSON] * len(found.columns), notes=table.notes)


def distinct(columns: Sequence[str], name: str) -> list[str]:
    """The columns if no name stands twice. Raises FileError."""
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            raise FileError(
                f"{name} has more than one column named “{column[:60]}”.", "Give every column a name of its own."
            )
        seen.add(column)
    return list(columns)
