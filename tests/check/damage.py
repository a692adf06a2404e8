"""Ways to damage a project behind labelloop's back, and to see what stands in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from core.check.findings import Report, Verdict
from core.storage.database import open_project
from core.storage.states import AnnotationState, states

COUNT = 400
PAGE = 4096


def change(path: Path, *statements: str) -> None:
    """Do something to a project behind labelloop's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def decided(path: Path) -> dict[int, AnnotationState]:
    database = open_project(path)
    with database.reading() as session:
        found = states(session, range(1, COUNT + 1))
    database.close()
    return found


def texts(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM review ORDER BY id")]


def verdict(report: Report, part: str) -> Verdict:
    (found,) = [one.verdict for one in report.findings if one.part == part]
    return found


def overwrite(path: Path, table: str, leaf: bool) -> None:
    """Overwrite the first page of a table, or one of its pages that hold rows."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        connection.execute("PRAGMA journal_mode = DELETE")
    content = bytearray(path.read_bytes())
    if leaf:
        at = (page - 1) * PAGE
        assert content[at] in (2, 5), "more than one page"
        pointer = int.from_bytes(content[at + 12 : at + 14], "big")
        page = int.from_bytes(content[at + pointer : at + pointer + 4], "big")
    content[(page - 1) * PAGE : page * PAGE] = b"\xab" * PAGE
    path.write_bytes(content)
