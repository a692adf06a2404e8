"""Everything that is particular to SQLite: pragmas, transactions, errors, full-text search, backups."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Delete,
    Engine,
    Insert,
    Subquery,
    TableClause,
    bindparam,
    column,
    create_engine,
    delete,
    event,
    exc,
    insert,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from core.errors import DiskError, NotAProject, ProjectBusy, ProjectError

APPLICATION_ID = 0x6C6C6F6F
"""Marks the file as a labelloop project in its header (SQLite's `application_id`)."""

BUSY_SECONDS = 10
"""How long a writer waits for another one. The worker's transactions hold the lock for about 0.15 s."""

FILLING_KIB = 192 * 1024
"""Cache while a file is imported: the indexes over random values stay in memory while they grow."""

USUAL_KIB = 4 * 1024
"""Cache of a connection."""

BESIDE = 64 * 1024
"""Bytes on the disk below which not even the index of a write-ahead log, 32 KiB, finds room with its log."""

_IMMEDIATE = "labelloop_immediate"

FILE = "labelloop_file"
"""What `identity` said of the file when a connection was opened, in its `info`."""


def connect(path: Path, existing: bool = False) -> Engine:
    """An engine on a project file whose transactions are begun by us, not by the driver.

    With `existing`, a file that is gone is not made anew, empty. Parameters are hidden from the messages of errors,
    which reach logs: they are texts of reviews.
    """
    url = URL.create("sqlite", database=str(path))
    if existing:
        url = URL.create("sqlite", database=f"file:{quoted(path)}", query={"mode": "rw", "uri": "true"})
    engine = create_engine(
        url,
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=4,
        # The connection used last is taken first: the others stay unused, and their caches empty.
        pool_use_lifo=True,
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        record.info[FILE] = identity(path)
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"cache_size = -{USUAL_KIB}",
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


def identity(path: Path) -> tuple[int, int] | None:
    """Which file stands at a path: another one has another identity; none where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def quoted(path: Path) -> str:
    """A path as SQLite's addresses have it."""
    return quote(os.fsencode(path))


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
    if "full" in reason or ("I/O error" in reason and _is_full(path)):
        return DiskError(f"There is no room left on the disk of {path}.", "Free some space, then try again.")
    if "readonly" in reason or "read-only" in reason:
        return DiskError(f"{path} cannot be written.", "Give yourself write permission on it and its folder.")
    if "not a database" in reason or "malformed" in reason:
        return NotAProject(
            f"{path} is not a labelloop project, or is damaged.",
            f"If it was one, “labelloop check {shlex.quote(str(path))} --repair” restores what can be restored.",
        )
    if "I/O error" in reason or "disk image" in reason:
        return DiskError(
            f"{path} cannot be read or written: the disk reports an error ({reason}).",
            "Check the disk and the room on it, then open the project again; “labelloop check” tells if it is whole.",
        )
    if "unable to open" in reason:
        return DiskError(f"{path} cannot be opened.", "Check that its folder exists and that you may use it.")
    return ProjectError(f"{path}: {reason}.", "“labelloop check” tells whether the project is whole.")


def _is_full(path: Path) -> bool:
    """Whether the disk has no room for what SQLite keeps beside an open file, which it calls an error of the disk."""
    try:
        return shutil.disk_usage(path.parent).free < BESIDE
    except OSError:
        return False


def verify_header(path: Path) -> None:
    """Raise NotAProject unless the file's header is that of a labelloop project.

    SQLite reads it: were the file opened and closed beside it, this process would lose the locks of its connections
    to the same file, and another process would then delete their write-ahead log
    (https://www.sqlite.org/howtocorrupt.html, “Posix advisory locks canceled by a separate thread doing close()”).
    """
    if reason := _unreadable(path):
        raise NotAProject(
            f"{path} cannot be read: {reason}.", "Check the path, or make a project with “labelloop new”."
        )
    try:
        with closing(sqlite3.connect(f"file:{quoted(path)}?mode=ro&immutable=1", uri=True)) as connection:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.DatabaseError:  # too damaged to be opened by anybody: it has no locks to lose
        application = _application_in(path)
    if application != APPLICATION_ID:
        raise NotAProject(
            f"{path} is not a labelloop project.",
            "Give a project file (.db), or import this file into one with “labelloop import”.",
        )


def _application_in(path: Path) -> int | None:
    """The application id in the header of a damaged file; none where it has no header of SQLite's."""
    with path.open("rb") as file:
        header = file.read(100)
    return int.from_bytes(header[68:72], "big") if header[:16] == b"SQLite format 3\x00" else None


def _unreadable(path: Path) -> str:
    """Why a file cannot be read, in the system's words; empty if it can."""
    try:
        if path.is_dir():
            return os.strerror(errno.EISDIR)
        path.stat()
    except OSError as error:
        return error.strerror or str(error)
    return "" if os.access(path, os.R_OK) else os.strerror(errno.EACCES)


def mark(connection: Connection) -> None:
    """Write the application id into the header."""
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def insert_rows(connection: Connection, into: TableClause, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows of plain values, given in the order of the table's columns.

    SQLAlchemy's own way costs twice as much a row: it takes each apart by name and puts it together again.
    """
    statement = insert(into).values({column.name: bindparam(column.name) for column in into.c})
    _for_each(connection, statement, rows)


def delete_rows(
    connection: Connection, of: TableClause, columns: Sequence[str], values: list[tuple[Any, ...]]
) -> None:
    """Delete the rows that have these values in these columns."""
    _for_each(connection, delete(of).where(*(of.c[name] == bindparam(name) for name in columns)), values)


def _for_each(connection: Connection, statement: Insert | Delete, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        connection.exec_driver_sql(str(statement.compile(dialect=connection.dialect)), rows)


def data_version(connection: Connection) -> int:
    """A number that changes when another connection has committed. Compare on one and the same connection."""
    return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())


def back_up(connection: Connection, target: Path) -> None:
    """Write a compact, consistent copy of the database to a file that must not exist yet."""
    connection.exec_driver_sql("VACUUM INTO ?", (str(target),))


def integrity(connection: Connection) -> list[str]:
    """What SQLite finds wrong with the file; empty when all is well."""
    lost = [f"a row of {name} points to a missing row of {to}" for name, to in orphans(connection).elements()]
    return page_errors(connection) + lost[:20]


def page_errors(connection: Connection) -> list[str]:
    """What SQLite finds wrong with pages, rows and indexes."""
    rows = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    return [line for row in rows for line in str(row).splitlines() if line != "ok" and not line.startswith("***")]


def without_references(connection: Connection) -> None:
    """Let rows of this connection point nowhere from now on. Only before its first transaction."""
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys = OFF")


def orphans(connection: Connection) -> Counter[tuple[str, str]]:
    """Rows that point to missing rows: how many of which table to which."""
    return Counter((row[0], row[2]) for row in connection.exec_driver_sql("PRAGMA foreign_key_check"))


def search_errors(connection: Connection) -> str | None:
    """Why the full-text index is not that of the texts; none when it is. Needs a writing transaction."""
    try:
        connection.exec_driver_sql("INSERT INTO review_search (review_search, rank) VALUES ('integrity-check', 1)")
    except exc.DatabaseError as error:
        if "readonly" in str(error.orig):
            raise
        return str(error.orig)
    return None


def rebuild_search(connection: Connection) -> None:
    """Make the full-text index anew from the texts. Needs a writing transaction."""
    connection.exec_driver_sql("INSERT INTO review_search (review_search) VALUES ('rebuild')")


def index_text(connection: Connection, source_id: int) -> None:
    """Enter the reviews of one source into the full-text index."""
    connection.execute(
        text("INSERT INTO review_search (rowid, text) SELECT id, text FROM review WHERE source_id = :source"),
        {"source": source_id},
    )


@contextmanager
def filling(connection: Connection) -> Iterator[None]:
    """Give the connection the memory that writing very many rows needs, for as long as that lasts."""
    connection.exec_driver_sql(f"PRAGMA cache_size = -{FILLING_KIB}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size = -{USUAL_KIB}")


def found(expression: str) -> Subquery:
    """What the full-text index finds, as a table with the column `id`; sorted by it at no cost."""
    index = table("review_search", column("rowid"))
    query = select(index.c.rowid.label("id")).where(text("review_search MATCH :words").bindparams(words=expression))
    return query.subquery("found")


def is_one(flag: Any) -> ColumnElement[bool]:
    """True where a boolean is set, written so that an index over only those rows is used."""
    is_set: ColumnElement[bool] = flag == literal_column("1")
    return is_set
