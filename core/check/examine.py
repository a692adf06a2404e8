"""Verifying a project: its file, its journal against its state, its models against their records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from core.check import leftovers, parts
from core.check.findings import Finding, Report, Verdict, damaged, good, notice
from core.errors import DiskError, LabelloopError, NotAProject, ProjectBusy, ProjectTooNew
from core.locations import models_folder
from core.phrases import count
from core.storage import backups, migrate, sqlite
from core.storage.tables import Run

Progress = Callable[[str], None]
"""Told which part is looked at now."""

IN_ORDER: tuple[tuple[str, Callable[[Session], Finding]], ...] = (
    ("tables", parts.tables),
    ("references", parts.references),
    ("reviews", parts.reviews),
    ("journal", parts.journal),
    ("queue", parts.queue),
)


def examine(path: Path, progress: Progress = lambda _part: None) -> Report:
    """Look at every part of a project. Changes nothing.

    Raises NotAProject when there is no file or it is another program's, ProjectTooNew, ProjectBusy, and DiskError
    when it cannot be opened, which is no damage.
    """
    path = path.expanduser().absolute()
    found: list[Finding] = []
    progress("file")
    try:
        sqlite.verify_header(path)
    except NotAProject as error:
        if not path.is_file() or not backups.existing(path):
            raise
        return Report(str(path), (damaged("file", f"{error.message} There are backups to restore from."),))
    engine = sqlite.connect(path, existing=True)
    try:
        found = _examine(engine, path, progress)
    finally:
        engine.dispose()
    return Report(str(path), tuple(found))


def _examine(engine: Engine, path: Path, progress: Progress) -> list[Finding]:
    try:
        with sqlite.sentences(path):
            revision = migrate.revision(engine)
    except (ProjectBusy, DiskError):
        raise
    except LabelloopError as error:
        return [damaged("file", error.message), *_unchecked(name for name, _ in IN_ORDER)]
    if revision is not None and revision > migrate.HEAD:
        raise ProjectTooNew(
            f"{path} was written by a newer labelloop (schema {revision}; this one knows {migrate.HEAD}).",
            "Update with “pip install --upgrade labelloop”.",
        )
    if revision != migrate.HEAD:
        first = notice("file", f"its schema is {revision or 'missing'}; opening it brings it up to {migrate.HEAD}")
        wanted = IN_ORDER[:2]
    else:
        first = good("file", f"a labelloop project, schema {revision}, {path.stat().st_size / 2**20:,.1f} MB")
        wanted = IN_ORDER
    found = [first]
    for name, check in wanted:
        progress(name)
        found.append(_guarded(engine, path, name, check))
    if revision != migrate.HEAD:
        return [*found, *_unchecked(name for name, _ in IN_ORDER[2:])]
    progress("search")
    found.append(_search(engine, path))
    progress("models")
    found.append(_guarded(engine, path, "models", lambda session: parts.models(session, models_folder(path))))
    more = _guarded(engine, path, "runs", lambda session: parts.running(session) or good("runs", "in order"))
    found.append(more)
    found += [_leftovers(engine, path), leftovers.permissions(path), _backups(path)]
    return found


def _guarded(engine: Engine, path: Path, name: str, check: Callable[[Session], Finding]) -> Finding:
    """What a check finds; damage that keeps it from looking is a finding too."""
    try:
        with (
            sqlite.sentences(path),
            engine.connect() as connection,
            connection.begin(),
            Session(connection) as session,
        ):
            return check(session)
    except ProjectBusy:
        raise
    except LabelloopError as error:
        return damaged(name, f"cannot be read: {error.message}")
    except (ValueError, KeyError, TypeError, AttributeError, LookupError) as error:
        return damaged(name, f"holds something that cannot be ({type(error).__name__})")


def _search(engine: Engine, path: Path) -> Finding:
    """SQLite's check of the full-text index is a statement that writes, which is rolled back."""
    try:
        with sqlite.sentences(path), engine.connect() as connection:
            sqlite.for_writing(connection)
            transaction = connection.begin()
            try:
                with Session(connection) as session:
                    return parts.search(session)
            finally:
                transaction.rollback()
    except ProjectBusy:
        return Finding("search", Verdict.SKIPPED, "another program is writing")
    except LabelloopError as error:
        return Finding("search", Verdict.SKIPPED, error.message)


def _leftovers(engine: Engine, path: Path) -> Finding:
    def find(session: Session) -> Finding:
        runs = session.exec(select(Run).order_by(col(Run.id)))
        return leftovers.leftovers(path, {name for run in runs for name in (run.folder, run.checkpoint) if name})

    return _guarded(engine, path, "leftovers", find)


def _backups(path: Path) -> Finding:
    found = backups.existing(path)
    if not found:
        return notice("backups", "none yet; one a day is taken when the project is opened and has changed")
    size = sum(one.path.stat().st_size for one in found)
    newest = f"{found[0].taken_at:%Y-%m-%d %H:%M} UTC"
    return good("backups", f"{count(len(found), 'backup')} of {size / 2**20:,.1f} MB, the newest of {newest}")


def _unchecked(names: object) -> list[Finding]:
    return [Finding(name, Verdict.SKIPPED, "") for name in names]  # type: ignore[attr-defined]
