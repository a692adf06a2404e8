"""The journal: every change of annotations, scheme and sources, and unlimited undo and redo over it.

History is a line of batches. Undo marks the newest batch that is done as undone and writes back what was
before; redo goes the other way. Doing something new after an undo drops the undone batches: they stay in the
journal, but can no longer be redone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Text, bindparam, column, delete, exists, func, table, type_coerce, update
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from core.storage import sqlite
from core.storage.states import write_states
from core.storage.tables import Batch, BatchState, Change, Label, Repeat, Review, Source, Subject, utc_now

AT_ONCE = 1_000
"""Changes in one portion of a batch. With 5,000 the garbage collector holds the screen's thread up for 200 ms."""

_CHANGES = table("change", *(column(name) for name in ("batch_id", "subject", "subject_id", "before", "after")))

OF_REVIEWS = (Subject.ANNOTATION, Subject.GROUP, Subject.VERDICT, Subject.REPEAT)
"""Subjects whose id is a review's."""

Progress = Callable[[str, int, int], None]
"""Told, after each portion of a step, its title, how many changes are made, and of how many."""


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


def record(
    session: Session,
    annotator: int,
    title: str,
    entries: Iterable[Entry],
    written: Callable[[int], None] = lambda _changes: None,
) -> int:
    """Write a batch of changes to the journal and make the tables say what is after them.

    Entries may be a generator: they are taken in portions, so a million need not be held in memory. `written`
    is told after each portion how many that were.
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
            written(len(portion))
            portion = []
    _write(session, batch.id, portion)
    return batch.id


def undo(session: Session, progress: Progress | None = None) -> Step | None:
    """Take back the newest batch that is done, whoever made it; none when there is none."""
    batch = session.exec(_next_undo()).first()
    return _move(session, batch, BatchState.UNDONE, progress) if batch else None


def redo(session: Session, progress: Progress | None = None) -> Step | None:
    """Do the batch again that was undone last; none when there is none."""
    batch = session.exec(_next_redo()).first()
    return _move(session, batch, BatchState.DONE, progress) if batch else None


def changes_of(session: Session, batch_id: int) -> int:
    """How many changes a batch has."""
    query = select(func.count()).select_from(Change).where(col(Change.batch_id) == batch_id)
    return session.exec(query).one()


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

    Of a batch over many reviews the first is named; imports and changes of the scheme are left out.
    """
    first = (
        select(func.min(col(Change.id)))
        .where(col(Change.batch_id) == col(Batch.id), col(Change.subject) == Subject.ANNOTATION)
        .correlate(Batch)
        .scalar_subquery()
    )
    other = exists().where(col(Change.batch_id) == col(Batch.id), col(Change.subject) != Subject.ANNOTATION)
    query = (
        select(Batch.title, Change.subject_id)
        .join(Change, col(Change.id) == first)
        .where(col(Batch.state) == BatchState.DONE, ~other.correlate(Batch))
        .order_by(col(Batch.id).desc())
        .limit(limit)
    )
    return list(session.exec(query).all())


def _next_undo() -> Any:
    return select(Batch).where(Batch.state == BatchState.DONE).order_by(col(Batch.id).desc()).limit(1)


def _next_redo() -> Any:
    return select(Batch).where(Batch.state == BatchState.UNDONE).order_by(col(Batch.id)).limit(1)


def _move(session: Session, batch: Batch, state: BatchState, progress: Progress | None) -> Step:
    """Apply the batch's changes in the direction that `state` says, and mark it."""
    back = state is BatchState.UNDONE
    batch.state, batch.state_at = state, utc_now()
    session.add(batch)
    session.flush()
    assert batch.id is not None
    total = changes_of(session, batch.id)
    found, left = (Change.before, Change.after) if back else (Change.after, Change.before)
    begun = query = (
        sql_select(
            col(Change.id),
            col(Change.subject),
            col(Change.subject_id),
            type_coerce(found, Text),
            left["annotator_id"].as_integer(),  # type: ignore[index]
        )
        .where(col(Change.batch_id) == batch.id)
        .order_by(col(Change.id).desc() if back else col(Change.id))
        .limit(AT_ONCE)
    )
    review_id: int | None = None
    changes, last = 0, None
    while True:
        if last is not None:
            query = begun.where(col(Change.id) < last if back else col(Change.id) > last)
        portion = session.connection().execute(query).all()
        if not portion:
            return Step(batch.id, batch.title, review_id, changes)
        last = portion[-1][0]
        changes += len(portion)
        read: dict[str | None, dict[str, Any] | None] = {
            form: json.loads(form) if form else None for form in {row[3] for row in portion}
        }
        _apply(session, [_Target(row[1], row[2], read[row[3]], row[4]) for row in portion])
        for row in portion:
            if row[1] in OF_REVIEWS and (back or review_id is None):
                review_id = row[2]
        if progress is not None:
            progress(batch.title, changes, total)


def _write(session: Session, batch_id: int, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    written: dict[int, str | None] = {id(None): None}

    def form(state: dict[str, Any] | None) -> str | None:
        """A state as it is stored; one that many changes share is put into words once."""
        if id(state) not in written:
            written[id(state)] = json.dumps(state)
        return written[id(state)]

    sqlite.insert_rows(
        session.connection(),
        _CHANGES,
        [
            (batch_id, entry.subject.value, entry.subject_id, form(entry.before), form(entry.after))
            for entry in entries
        ],
    )
    _apply(
        session,
        [
            _Target(
                entry.subject,
                entry.subject_id,
                entry.after,
                entry.before.get("annotator_id") if entry.before else None,
            )
            for entry in entries
        ],
    )


class _Target(NamedTuple):
    """What a thing shall be."""

    subject: Subject
    subject_id: int
    state: dict[str, Any] | None
    annotator: int | None
    """Whose annotation gives way; none when there is none."""


def _apply(session: Session, targets: Sequence[_Target]) -> None:
    """Make the tables say what the targets say; a later target of the same thing wins."""
    annotations: dict[int, dict[str, Any] | None] = {}
    given: set[tuple[int, int]] = set()
    groups: dict[int, int] = {}
    for subject, subject_id, state, annotator in targets:
        if subject is Subject.ANNOTATION:
            annotations[subject_id] = state
            if annotator is not None:
                given.add((subject_id, annotator))
        elif subject is Subject.LABEL:
            _apply_label(session, subject_id, state)
        elif subject is Subject.GROUP:
            assert state is not None
            groups[subject_id] = state["group_id"]
        elif subject is Subject.REPEAT:
            _apply_repeat(session, subject_id, state)
        elif subject is Subject.SOURCE:
            session.execute(update(Source).where(col(Source.id) == subject_id).values(withdrawn=state is None))
    if annotations:
        write_states(session, annotations, given)
    if groups:
        session.connection().execute(
            update(Review).where(col(Review.id) == bindparam("review")).values(group_id=bindparam("group")),
            [{"review": review_id, "group": group_id} for review_id, group_id in groups.items()],
        )


def _apply_repeat(session: Session, review_id: int, state: dict[str, Any] | None) -> None:
    """Enter a second answer; or take the last one about the review out, since steps are taken back in their order."""
    if state is not None:
        session.add(Repeat(review_id=review_id, **state))
        session.flush()
        return
    last = select(func.max(col(Repeat.id))).where(col(Repeat.review_id) == review_id).scalar_subquery()
    session.execute(delete(Repeat).where(col(Repeat.id) == last))


def _apply_label(session: Session, label_id: int, state: dict[str, Any] | None) -> None:
    values = {"removed": True} if state is None else {**state, "removed": False}
    session.execute(update(Label).where(col(Label.id) == label_id).values(**values))
