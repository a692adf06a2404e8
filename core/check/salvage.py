"""Getting rows out of a damaged database file, page by page where pages cannot be read.

SQLite only: rows are asked for by ranges of their ids, and a range that meets a damaged page is halved until what
cannot be read is a single row. What is missing then comes from a backup.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import SQLModel

from core.storage import sqlite

MOST_FAILURES = 3_000
"""Failed reads after which a table is given up."""

PORTION = 2_000

STEP = 100_000
"""Ids asked for at once."""

FROM_JOURNAL = ("annotation", "annotation_label")
"""Tables that the journal makes anew: rows of a backup could be older than what is undone by now."""

Row = tuple[object, ...]


@dataclass
class Salvaged:
    """Rows by table."""

    from_file: dict[str, int] = field(default_factory=dict)
    from_backup: dict[str, int] = field(default_factory=dict)
    incomplete: list[str] = field(default_factory=list)
    """Tables of which something could not be read."""


def salvage(damaged: Path, backup: Path | None, target: Path) -> Salvaged:
    """Copy all rows that can be read from a damaged file into `target`, a new project file of the same schema.

    Rows that cannot be read are taken from `backup`, of the same schema too, where it has them.
    """
    found = Salvaged()
    with contextlib.closing(_open(target, "rw")) as into:
        into.execute("PRAGMA foreign_keys = OFF")
        into.execute("PRAGMA synchronous = OFF")
        for table in SQLModel.metadata.sorted_tables:
            into.execute("BEGIN")
            whole = _copy_table(damaged, into, table.name, found.from_file)
            if not whole:
                found.incomplete.append(table.name)
                if backup is not None and table.name not in FROM_JOURNAL:
                    _copy_table(backup, into, table.name, found.from_backup)
            into.execute("COMMIT")
    return found


def schema_of(path: Path) -> str | None:
    """The schema's number in a file, damaged or not; none where it cannot be read."""
    try:
        with contextlib.closing(_open(path, "ro")) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError:
        return None
    return str(row[0]) if row else None


def _open(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{sqlite.quoted(path)}?mode={mode}", uri=True, isolation_level=None)
    # A damaged text is bytes that are no UTF-8: the row is not lost for it, and its digest tells.
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def _copy_table(source: Path, into: sqlite3.Connection, name: str, counts: dict[str, int]) -> bool:
    """Copy what can be read of a table; whether that is all of it."""
    try:
        columns = [row[1] for row in into.execute(f'PRAGMA table_info("{name}")')]
        with contextlib.closing(_open(source, "rw")) as connection:
            # Pages that were read are not asked for again once one of them is found damaged.
            connection.execute("PRAGMA cell_size_check = ON")
            reader = _Reader(connection, name, columns)
            marks = ", ".join("?" * len(columns))
            statement = f'INSERT OR IGNORE INTO "{name}" VALUES ({marks})'
            before = into.total_changes
            for rows in reader.portions():
                for row in rows:
                    with contextlib.suppress(sqlite3.DatabaseError):  # a value that no such column can hold
                        into.execute(statement, row)
            if into.total_changes > before:
                counts[name] = counts.get(name, 0) + into.total_changes - before
    except sqlite3.DatabaseError:
        return False
    return not reader.failures


class _Reader:
    """Reads a table that may be damaged."""

    def __init__(self, connection: sqlite3.Connection, name: str, columns: list[str]) -> None:
        self._connection = connection
        self._query = f'SELECT {", ".join(f"{chr(34)}{one}{chr(34)}" for one in columns)} FROM "{name}" NOT INDEXED'
        self._name = name
        self.failures = 0

    def portions(self) -> Iterator[list[Row]]:
        """Rows that can be read, in portions; some may come twice."""
        has_rowid = True
        try:
            self._connection.execute(f'SELECT rowid FROM "{self._name}" LIMIT 0')
        except sqlite3.OperationalError:
            has_rowid = False
        if not has_rowid:
            yield from self._from_both_ends()
            return
        last = self._last()
        for start in range(1, last + 1, STEP):
            yield from self._range(start, min(last, start + STEP - 1))

    def _from_both_ends(self) -> Iterator[list[Row]]:
        """Rows before the first damaged page and after the last, of a table that has no numbers."""
        rows, whole = self._all(self._query)
        yield rows
        if not whole:
            keys = [row[1] for row in self._connection.execute(f'PRAGMA table_info("{self._name}")') if row[5]]
            backwards = ", ".join(f'"{key}" DESC' for key in keys)
            yield self._all(f"{self._query} ORDER BY {backwards}")[0]

    def _all(self, query: str) -> tuple[list[Row], bool]:
        rows: list[Row] = []
        try:
            rows.extend(self._connection.execute(query))
        except (sqlite3.DatabaseError, ValueError, OverflowError):
            self.failures += 1
            return rows, False
        return rows, True

    def _last(self) -> int:
        """The largest number, or where that cannot be read a guess that is larger."""
        for query in (f'SELECT max(rowid) FROM "{self._name}"', f'SELECT count(*) FROM "{self._name}"'):
            try:
                return int(self._connection.execute(query).fetchone()[0] or 0)
            except sqlite3.DatabaseError:
                self.failures += 1
        return STEP * 20

    def _range(self, low: int, high: int) -> Iterator[list[Row]]:
        rows, whole = self._all(f"{self._query} WHERE rowid BETWEEN {low} AND {high}")
        if whole or self.failures > MOST_FAILURES:
            yield rows
            return
        if low == high:
            return
        middle = (low + high) // 2
        yield from self._range(low, middle)
        yield from self._range(middle + 1, high)
