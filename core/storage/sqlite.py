"""Everything that is particular to SQLite: pragmas, transactions, errors, full-text search, backups."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, ColumnElement, Connection, Engine, create_engine, event, exc, text
from sqlalchemy.pool import QueuePool

from core.errors import NotAProject, ProjectBusy, ProjectError

APPLICATION_ID = 0x6C6C6F6F
"""Marks the file as a labelloop project in its header (SQLite's `application_id`)."""

BUSY_SECONDS = 10
"""How long a writer waits for another one. The worker's transactions hold the lock for about 0.15 s."""

MMAP_BYTES = 256 * 1024 * 1024
"""Pages read straight from the system's cache; not counted twice when several connections are open."""

_IMMEDIATE = "labelloop_immediate"


def connect(path: Path) -> Engine:
    """An engine on a project file whose transactions are begun by us, not by the driver."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=4,
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"mmap_size = {MMAP_BYTES}",
            "cache_size = -8192",
            "temp_store = MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            return
        immediate = connection.get_execution_options().get(_IMMEDIATE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN DEFERRED")

    return engine


def for_writing(connection: Connection) -> Connection:
    """Make the next transaction of the connection take the write lock at once.

    A transaction that reads first and writes later fails with “database is locked” whatever the timeout.
    """
    return connection.execution_options(**{_IMMEDIATE: True})


@contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the file into sentences."""
    try:
        yield
    except exc.DatabaseError as error:
        raise explained(path, str(error.orig)) from error
    except sqlite3.DatabaseError as error:
        raise explained(path, str(error)) from error


def explained(path: Path, reason: str) -> ProjectError:
    """The sentence for one of SQLite's error messages about a project file."""
    if "locked" in reason or "busy" in reason:
        return ProjectBusy(
            f"Another program has held {path} for more than {BUSY_SECONDS} seconds.",
            "Close the other labelloop that is importing or training on it, then try again.",
        )
    if "full" in reason:
        return ProjectError(f"There is no room left on the disk of {path}.", "Free some space, then try again.")
    if "readonly" in reason or "read-only" in reason:
        return ProjectError(f"{path} cannot be written.", "Give yourself write permission on it and its folder.")
    if "not a database" in reason or "malformed" in reason:
        return NotAProject(f"{path} is not a labelloop project, or is damaged.", "Choose a file made by labelloop.")
    if "unable to open" in reason:
        return ProjectError(f"{path} cannot be opened.", "Check that its folder exists and that you may use it.")
    return ProjectError(f"{path}: {reason}.", "Run “labelloop doctor” and see the log for details.")


def verify_header(path: Path) -> None:
    """Raise NotAProject unless the file's header is that of a labelloop project."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise NotAProject(
            f"{path} cannot be read: {error.strerror}.",
            "Check the path, or make a project with “labelloop new”.",
        ) from error
    magic, application = header[:16], header[68:72]
    if magic != b"SQLite format 3\x00" or int.from_bytes(application, "big") != APPLICATION_ID:
        raise NotAProject(
            f"{path} is not a labelloop project.",
            "Give a project file (.db), or import this file into one with “labelloop import”.",
        )


def mark(connection: Connection) -> None:
    """Write the application id into the header."""
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def data_version(connection: Connection) -> int:
    """A number that changes when another connection has committed. Compare on one and the same connection."""
    return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())


def back_up(connection: Connection, target: Path) -> None:
    """Write a compact, consistent copy of the database to a file that must not exist yet."""
    connection.exec_driver_sql("VACUUM INTO ?", (str(target),))


def integrity(connection: Connection) -> list[str]:
    """What SQLite finds wrong with the file; empty when all is well."""
    rows = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    found = [str(row) for row in rows if row != "ok"]
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return found + [f"a row of {row[0]} points to a missing row of {row[2]}" for row in orphans[:20]]


def index_text(connection: Connection, source_id: int) -> None:
    """Enter the reviews of one source into the full-text index."""
    connection.execute(
        text("INSERT INTO review_search (rowid, text) SELECT id, text FROM review WHERE source_id = :source"),
        {"source": source_id},
    )


def matches(review_id: Any, expression: str) -> ColumnElement[bool]:
    """True for reviews that the full-text index finds with an expression of `search_expression`."""
    found = text("SELECT rowid FROM review_search WHERE review_search MATCH :words").bindparams(words=expression)
    condition: ColumnElement[bool] = review_id.in_(found)
    return condition


_TOKEN = re.compile(r'-?"[^"]*"?|\S+')


def search_expression(query: str) -> str:
    """An FTS5 expression for what a person typed; empty when there is nothing to look for.

    Words must all occur; `"a phrase"` as it stands; `deliver*` any ending; `NOT word` or `-word` must not
    occur. Everything else is looked for literally, so that no query is a syntax error.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    negate = False
    for token in _TOKEN.findall(query):
        if token == "NOT":
            negate = True
            continue
        if token.startswith("-") and len(token) > 1:
            negate, token = True, token[1:]  # noqa: PLW2901
        prefix = token.endswith("*") and not token.startswith('"')
        words = token.strip('"').rstrip("*").replace('"', " ").replace("\x00", " ")
        if any(character.isalnum() for character in words):
            (unwanted if negate else wanted).append(f'"{words}"' + (" *" if prefix else ""))
        negate = False
    if not wanted:
        return ""
    expression = " AND ".join(wanted)
    return f"({expression}) NOT ({' OR '.join(unwanted)})" if unwanted else expression
