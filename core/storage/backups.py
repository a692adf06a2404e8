"""Automatic backups: whole, consistent copies in a folder beside the project, a number of each kind kept.

One is taken before every change of the schema, and one a day when a project that has changed is opened for writing.
The daily copy is made page by page from one moment of the database, with pauses: labelling goes on meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from core.errors import ProjectError
from core.locations import backups_folder, make_private
from core.storage import sqlite

KEPT = 7
"""Daily backups that are kept if nothing else is asked for."""

KEPT_BEFORE = 3
"""Backups from before changes of the schema that are kept."""

EVERY = 24 * 3600.0
"""Seconds between two daily backups."""

PAGES = 500
"""Pages copied at a time, 2 MB: the disk and the interpreter are held for about two milliseconds."""

PAUSE = 0.004
"""Seconds between two portions: a million reviews, 0.8 GB, take four seconds."""

SYNC_EVERY = 16
"""Portions after which the copy is sent to the disk, so that a label's own write never waits for much of it."""

_NAME = re.compile(r"\.(daily|before-\w+)-(\d{8}-\d{6})\.db$")
_STAMP = "%Y%m%d-%H%M%S"


class BackupStopped(Exception):
    """The backup is no longer wanted."""


@dataclass(frozen=True)
class Backup:
    """A copy of a project."""

    path: Path
    taken_at: datetime
    """By its name, UTC. Names of later backups are later, even where the clock went back between them."""
    daily: bool


def existing(project: Path) -> list[Backup]:
    """The backups of a project, the newest first."""
    found = []
    with contextlib.suppress(OSError):
        for path in backups_folder(project).iterdir():
            name = _NAME.search(path.name)
            if name is not None and path.name.startswith(f"{project.stem}."):
                taken = datetime.strptime(name[2], _STAMP).replace(tzinfo=UTC)
                found.append(Backup(path, taken, name[1] == "daily"))
    return sorted(found, key=lambda one: (one.taken_at, one.path.name), reverse=True)


def before_migration(engine: Engine, project: Path, head: str) -> Path:
    """Copy a project before its schema is brought up to `head`. Raises ProjectError."""
    target = _target(project, f"before-{head}")
    with _written(target) as draft, engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        sqlite.back_up(connection, draft)
    prune(project)
    return target


def is_due(project: Path) -> bool:
    """Whether a daily backup shall be taken now: none is of the last day, and something has changed since the last.

    A clock that went back counts as a day gone by.
    """
    changed = max((_changed_at(one) for one in (project, project.with_name(project.name + "-wal"))), default=0.0)
    taken = [_changed_at(one.path) for one in existing(project) if one.daily]
    now = time.time()
    return all(abs(now - at) >= EVERY for at in taken) and all(changed > at or at > now for at in taken)


def daily(project: Path, kept: int = KEPT, wanted: Callable[[], bool] = lambda: True) -> Path | None:
    """Take the daily backup if it is due and any are to be kept; returns it. Call it off the screen's thread.

    Raises ProjectError when it cannot be made. None, too, when `wanted` says that it is not wanted any more.
    """
    if kept < 1 or not is_due(project):
        return None
    target = _target(project, "daily")
    try:
        with _written(target) as draft:
            copy(project, draft, wanted)
    except BackupStopped:
        return None
    prune(project, kept)
    return target


def copy(project: Path, target: Path, wanted: Callable[[], bool] = lambda: True) -> None:
    """Copy one moment of a project to a new file, in portions with pauses.

    Raises ProjectError, or BackupStopped once it is not wanted any more.
    """
    size = project.stat().st_size
    if shutil.disk_usage(target.parent).free < size * 1.1:
        raise ProjectError(
            f"There is no room for a backup of {project} ({size / 2**20:,.0f} MB) beside it.",
            "Free some space, or set the setting “backups” to 0.",
        )
    portions = 0

    def pause(_status: int, left: int, _total: int) -> None:
        nonlocal portions
        portions += 1
        if not wanted():
            raise BackupStopped
        if left and portions % SYNC_EVERY == 0:
            _sync(target)
        time.sleep(PAUSE if left else 0)

    source = sqlite3.connect(f"file:{sqlite.quoted(project)}?mode=rw", uri=True, isolation_level=None)
    with contextlib.closing(source), contextlib.closing(sqlite3.connect(target)) as copied:
        # A transaction that has read sees one moment; without it every label given meanwhile starts the copy anew.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        copied.execute("PRAGMA journal_mode = OFF")
        copied.execute("PRAGMA synchronous = OFF")
        source.backup(copied, pages=PAGES, progress=pause)
        source.execute("ROLLBACK")
        copied.execute("PRAGMA journal_mode = DELETE")
    _sync(target)


def prune(project: Path, kept: int = KEPT) -> None:
    """Delete all but the newest backups of each kind, and drafts whose process is gone."""
    for daily_ones, most in ((True, kept), (False, KEPT_BEFORE)):
        for old in [one for one in existing(project) if one.daily is daily_ones][max(1, most) :]:
            with contextlib.suppress(OSError):
                old.path.unlink()


@contextlib.contextmanager
def _written(target: Path):  # type: ignore[no-untyped-def]
    """Gives a place to write to; what stands there at the end becomes the backup, or nothing does."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        make_private(target.parent)
        with sqlite.sentences(target):
            yield draft
        draft.chmod(0o600)
        draft.replace(target)
    except OSError as error:
        raise ProjectError(
            f"No backup can be written to {target.parent}: {error.strerror}.",
            "Check the room on the disk and your permissions.",
        ) from error
    finally:
        for leftover in (draft, draft.with_name(f"{draft.name}-journal")):
            with contextlib.suppress(OSError):
                leftover.unlink()


def _target(project: Path, kind: str) -> Path:
    """The name of the next backup: later than all there are, whatever the clock says."""
    now = datetime.now(UTC)
    newest = existing(project)
    if newest and newest[0].taken_at >= now.replace(microsecond=0):
        now = newest[0].taken_at + timedelta(seconds=1)
    return backups_folder(project) / f"{project.stem}.{kind}-{now.strftime(_STAMP)}.db"


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
