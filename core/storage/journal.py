"""The journal: every change of annotations, scheme and sources, and unlimited undo and redo over it.

History is a line of batches. Undo marks the newest batch that is done as undone and writes back what was
before; redo goes the other way. Doing something new after an undo drops the undone batches: they stay in the
journal, but can no longer be redone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, insert, update
from sqlmodel import Session, col, select

from core.storage.states import write_states
from core.storage.tables import Batch, BatchState, Change, Label, Source, Subject, utc_now

AT_ONCE = 10_000
"""Changes held in memory while a batch is undone: about 10 MB."""


@dataclass(frozen=True)
class Entry:
    """One change about to be recorded: what was, and what shall be."""

    subject: Subject
    subject_id: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True)
class Step:
    """A step that was taken through the history, or could be."""

    batch_id: int
    title: str
    review_id: int | None
    """The review to show: the first that the batch changed; none when it changed no review."""
    changes: int
    """How many things it changed."""


def record(session: Session, annotator: int, title: str, entries: Iterable[Entry]) -> int:
    """Write a batch of changes to the journal and make the tables say what is after them.

    Entries may be a generator: they are taken in portions, so a million need not be held in memory.
    """
    now = utc_now()
    session.execute(
        update(Batch).where(col(Batch.state) == BatchState.UNDONE).values(state=BatchState.DROPPED, state_at=now)
    )
    batch = Batch(title=title, annotator_id=annotator, at=now, state_at=now)
    session.add(batch)
    session.flush()
    assert batch.id is not None
    portion: list[Entry] = []
    for entry in entries:
        portion.append(entry)
        if len(portion) == AT_ONCE:
            _write(session, batch.id, portion)
            portion = []
    _write(session, batch.id, portion)
    return batch.id


def undo(session: Session) -> Step | None:
    """Take back the newest batch that is done, whoever made it; none when there is none."""
    batch = session.exec(_next_undo()).first()
    return _move(session, batch, BatchState.UNDONE) if batch else None


def redo(session: Session) -> Step | None:
    """Do the batch again that was undone last; none when there is none."""
    batch = session.exec(_next_redo()).first()
    return _move(session, batch, BatchState.DONE) if batch else None


def next_undo(session: Session) -> str:
    """The title of what undo would take back; empty when there is nothing."""
    batch = session.exec(_next_undo()).first()
    return batch.title if batch else ""


def next_redo(session: Session) -> str:
    """The title of what redo would do again; empty when there is nothing."""
    batch = session.exec(_next_redo()).first()
    return batch.title if batch else ""


def recent(session: Session, limit: int) -> list[tuple[str, int]]:
    """The last batches that are done and decided about a review: title and that review, the newest first.

    Of a batch over many reviews the first is named; imports are left out.
    """
    first = (
        select(func.min(col(Change.id)))
        .where(col(Change.batch_id) == col(Batch.id), col(Change.subject) == Subject.ANNOTATION)
        .correlate(Batch)
        .scalar_subquery()
    )
    imported = exists().where(col(Change.batch_id) == col(Batch.id), col(Change.subject) == Subject.SOURCE)
    query = (
        select(Batch.title, Change.subject_id)
        .join(Change, col(Change.id) == first)
        .where(col(Batch.state) == BatchState.DONE, ~imported.correlate(Batch))
        .order_by(col(Batch.id).desc())
        .limit(limit)
    )
    return list(session.exec(query).all())


def _next_undo() -> Any:
    return select(Batch).where(Batch.state == BatchState.DONE).order_by(col(Batch.id).desc()).limit(1)


def _next_redo() -> Any:
    return select(Batch).where(Batch.state == BatchState.UNDONE).order_by(col(Batch.id)).limit(1)


def _move(session: Session, batch: Batch, state: BatchState) -> Step:
    """Apply the batch's changes in the direction that `state` says, and mark it."""
    back = state is BatchState.UNDONE
    batch.state, batch.state_at = state, utc_now()
    session.add(batch)
    order = col(Change.id).desc() if back else col(Change.id)
    review_id: int | None = None
    changes, last = 0, None
    while True:
        query = select(Change).where(Change.batch_id == batch.id).order_by(order).limit(AT_ONCE)
        if last is not None:
            query = query.where(col(Change.id) < last if back else col(Change.id) > last)
        portion = session.exec(query).all()
        if not portion:
            break
        last = portion[-1].id
        changes += len(portion)
        _apply(session, [(change, change.before if back else change.after) for change in portion])
        for change in portion:
            if change.subject is Subject.ANNOTATION and (back or review_id is None):
                review_id = change.subject_id
        session.expunge_all()
        session.add(batch)
    assert batch.id is not None
    return Step(batch.id, batch.title, review_id, changes)


def _write(session: Session, batch_id: int, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    session.execute(
        insert(Change),
        [
            {
                "batch_id": batch_id,
                "subject": entry.subject,
                "subject_id": entry.subject_id,
                "before": entry.before,
                "after": entry.after,
            }
            for entry in entries
        ],
    )
    _apply(session, [(entry, entry.after) for entry in entries])


def _apply(session: Session, targets: Sequence[tuple[Entry | Change, dict[str, Any] | None]]) -> None:
    """Make the tables say what the targets say; a later target of the same thing wins."""
    annotations: dict[int, dict[str, Any] | None] = {}
    annotators: dict[int, set[int]] = {}
    for change, state in targets:
        if change.subject is Subject.ANNOTATION:
            annotations[change.subject_id] = state
            whose = {part["annotator_id"] for part in (change.before, change.after) if part is not None}
            annotators.setdefault(change.subject_id, set()).update(whose)
        elif change.subject is Subject.LABEL:
            _apply_label(session, change.subject_id, state)
        else:
            session.execute(update(Source).where(col(Source.id) == change.subject_id).values(withdrawn=state is None))
    if annotations:
        write_states(session, annotations, annotators)


def _apply_label(session: Session, label_id: int, state: dict[str, Any] | None) -> None:
    values = {"removed": True} if state is None else {**state, "removed": False}
    session.execute(update(Label).where(col(Label.id) == label_id).values(**values))
