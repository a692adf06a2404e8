"""Putting right what is wrong inside a project file that can be read: run on a copy, never on the original."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, delete, exists, func, update
from sqlmodel import Session, SQLModel, col, select

from core.check import parts, replay
from core.errors import ProjectError
from core.phrases import count
from core.storage import backups, migrate, runs, sqlite
from core.storage.database import annotator_id, project_of
from core.storage.tables import (
    Annotator,
    Batch,
    BatchState,
    Change,
    Project,
    QueueEntry,
    Review,
    Run,
    Source,
    Subject,
    Suggestion,
    utc_now,
)

LOST = "entries lost to damage"
"""Title of the batch that stands for journal entries that could not be read. It can be neither undone nor redone."""

REPAIRER = "repair"
"""The annotator of what a repair enters into the journal where nobody else is known."""


def mend(draft: Path, project: Path, restored: list[str], lost: list[str]) -> None:
    """Put right what can be put right; tells what it restored and what is lost. `project` is whose copy it is.

    Raises ProjectError when pages of the file are damaged, which cannot be put right in place.
    """
    engine = sqlite.connect(draft, existing=True)
    try:
        with sqlite.sentences(draft):
            if migrate.revision(engine) != migrate.HEAD:
                migrate.upgrade(engine)
            _mend_indexes(engine, restored)
            with _writing(engine) as session:
                _mend_rows(session, project, restored, lost)
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        engine.dispose()


def mend_models(draft: Path, folder: Path, restored: list[str], lost: list[str]) -> None:
    """Make runs whose model is missing or is another one say so; a damaged folder is moved aside."""
    engine = sqlite.connect(draft, existing=True)
    try:
        with sqlite.sentences(draft), _writing(engine) as session:
            for run in session.exec(select(Run).where(col(Run.folder) != "").order_by(col(Run.id))):
                its = folder / run.folder
                if run.id is None or not list(parts.model_errors(its, run.weights_sha256)):
                    continue
                if its.exists():
                    aside = its.with_name(f"{its.name}.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S}")
                    its.rename(aside)
                    restored.append(f"the damaged model of run {run.id} was moved aside to {aside}")
                runs.change(session, run.id, folder="", message="Its model was missing or damaged.")
                lost.append(f"the model of run {run.id}; its suggestions, scores and curves are there")
    finally:
        engine.dispose()


def _mend_indexes(engine: Engine, restored: list[str]) -> None:
    """Make the indexes anew where they are damaged. Raises ProjectError when more than they are."""
    with _writing(engine) as session:
        connection = session.connection()
        if parts.tables(session).examples:
            connection.exec_driver_sql("REINDEX")
            if parts.tables(session).examples:
                raise ProjectError("Pages of the file are damaged.")
            restored.append("the indexes, made anew from the tables")
    with _writing(engine) as session:
        if sqlite.search_errors(session.connection()) is not None:
            sqlite.rebuild_search(session.connection())
            restored.append("the full-text index, made anew from the texts")


def _mend_rows(session: Session, project: Path, restored: list[str], lost: list[str]) -> None:
    project_of(session)
    _mend_texts(session, project, restored, lost)
    _drop_orphans(session, lost)
    found = replay.differences(session)
    if found.number:
        changed, entered = replay.put_right(session, found, _repairer(session))
        if changed:
            restored.append(f"{count(changed, 'thing')} made what the journal says")
        if entered:
            what = count(entered, "annotation or second answer", "annotations or second answers")
            restored.append(f"{what} that the journal did not know, entered into it")
    _mend_queue(session, restored)
    _count_lost(session, lost)


def _mend_texts(session: Session, project: Path, restored: list[str], lost: list[str]) -> None:
    """Take texts that are not the imported ones from a backup that has them."""
    wrong: dict[int, bytes] = {}
    query = select(Review.id, Review.text, Review.digest).execution_options(yield_per=parts.PORTION)
    for review_id, text, digest in session.exec(query):
        if review_id is not None and _digest(text) != digest:
            wrong[review_id] = digest
    if not wrong:
        return
    found: dict[int, str] = {}
    for one in backups.existing(project):
        with (
            contextlib.suppress(sqlite3.DatabaseError),
            contextlib.closing(sqlite3.connect(f"file:{sqlite.quoted(one.path)}?mode=ro", uri=True)) as copied,
        ):
            for review_id in wrong.keys() - found.keys():
                row = copied.execute("SELECT text FROM review WHERE id = ?", (review_id,)).fetchone()
                if row is not None and _digest(row[0]) == wrong[review_id]:
                    found[review_id] = row[0]
    for review_id, text in found.items():
        session.execute(update(Review).where(col(Review.id) == review_id).values(text=text))
    if found:
        sqlite.rebuild_search(session.connection())
        restored.append(f"{count(len(found), 'text')} from a backup")
    for review_id in sorted(wrong.keys() - found.keys()):
        # What is there now is what there is: it is what is shown, trained on and exported.
        text = session.exec(select(Review.text).where(col(Review.id) == review_id)).one()
        session.execute(update(Review).where(col(Review.id) == review_id).values(digest=_digest(text)))
        lost.append(f"the text of review {review_id} as it was imported; what can be read of it is kept")


def _drop_orphans(session: Session, lost: list[str]) -> None:
    """Delete rows that point to rows that are gone, until none is left."""
    connection = session.connection()
    dropped: dict[str, int] = {}
    for _ in range(len(SQLModel.metadata.sorted_tables)):
        if not sqlite.orphans(connection):
            break
        for table in reversed(SQLModel.metadata.sorted_tables):
            for key in table.foreign_keys:
                parent = key.column.table.alias()
                missing = ~exists().where(parent.c[key.column.name] == key.parent).correlate(table)
                gone = connection.execute(delete(table).where(key.parent.is_not(None), missing))
                if gone.rowcount:
                    dropped[table.name] = dropped.get(table.name, 0) + gone.rowcount
    lost += [
        f"{count(number, 'row')} of {name}, which belonged to rows that are gone" for name, number in dropped.items()
    ]


def _mend_queue(session: Session, restored: list[str]) -> None:
    absent = ~exists().where(col(Review.id) == col(QueueEntry.review_id))
    gone = session.execute(delete(QueueEntry).where(absent))
    dropped = int(getattr(gone, "rowcount", 0))
    if dropped:
        restored.append(f"the queue, without {count(dropped, 'place')} of no review")
    row = project_of(session)
    if row.current_review is not None and session.get(Review, row.current_review) is None:
        session.execute(update(Project).values(current_review=None))
    if row.run_in_use is None:
        return
    run = session.get(Run, row.run_in_use)
    if run is None or run.id is None:
        session.execute(update(Project).values(run_in_use=None))
        restored.append("the record of which run is in use: none, because its record is gone")
        return
    stored = session.exec(select(func.count()).select_from(Suggestion).where(col(Suggestion.run_id) == run.id)).one()
    if stored < run.suggested:
        runs.change(session, run.id, suggested=stored)


def _count_lost(session: Session, lost: list[str]) -> None:
    rows = dict(session.exec(select(Review.source_id, func.count()).group_by(col(Review.source_id))).all())
    for source in session.exec(select(Source)):
        missing = source.rows - rows.get(source.id or 0, 0)
        if missing > 0 and source.id is not None:
            lost.append(f"{count(missing, 'review')} of {source.file_name}: import that file again to get them back")
            session.execute(update(Source).where(col(Source.id) == source.id).values(rows=source.rows - missing))
    last = session.exec(select(func.max(col(Change.id)))).one() or 0
    gaps = last - session.exec(select(func.count()).select_from(Change)).one()
    if gaps:
        _fill_gaps(session)
        lost.append(f"{count(gaps, 'entry', 'entries')} of the journal, which cannot be undone any more")


def _fill_gaps(session: Session) -> None:
    """Put entries that say nothing in the place of those that are gone, so that they are told of once."""
    now = utc_now()
    batch = Batch(title=LOST, annotator_id=_repairer(session), at=now, state=BatchState.DROPPED, state_at=now)
    session.add(batch)
    session.flush()
    last = 0
    for change_id in [*session.exec(select(Change.id).order_by(col(Change.id)))]:
        assert change_id is not None
        for missing in range(last + 1, change_id):
            session.add(
                Change(
                    id=missing, batch_id=batch.id or 0, subject=Subject.SOURCE, subject_id=0, before=None, after=None
                )
            )
        last = change_id


def _repairer(session: Session) -> int:
    first = session.exec(select(Annotator.id).order_by(col(Annotator.id)).limit(1)).first()
    return first if first is not None else annotator_id(session, REPAIRER)


@contextlib.contextmanager
def _writing(engine: Engine):  # type: ignore[no-untyped-def]
    """A writing transaction in which rows may point nowhere for a while."""
    with engine.connect() as connection:
        sqlite.without_references(connection)
        sqlite.for_writing(connection)
        with connection.begin(), Session(connection, expire_on_commit=False) as session:
            yield session
            session.flush()


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[: parts.DIGEST]
