"""The history as people look at it: every batch, and the way from the present to another point."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from core.storage import journal
from core.storage.tables import Annotator, Batch, BatchState, Change, Label, Review, Source, Subject

BEGINNING = 0
"""Stands for the point before the first batch, where a batch's number is asked for."""

BREATH = 0.25
"""Seconds of steps in one transaction: cancelling waits no longer, and 40,000 small steps need no 40,000 commits."""


@dataclass(frozen=True)
class Past:
    """A batch as the history shows it."""

    batch_id: int
    title: str
    annotator: str
    at: str
    state: BatchState
    changes: int


@dataclass(frozen=True)
class Way:
    """What lies between the present and a point of the history."""

    target: int
    """The batch that will be the last one done; `BEGINNING` for none."""
    back: bool
    """Whether the way is by undoing."""
    steps: int
    changes: int


@dataclass(frozen=True)
class Detail:
    """One change of a batch, in words."""

    name: str
    """The review as people call it, the label or the file."""
    text: str
    """What the review says; empty for other things."""
    before: str
    after: str


@dataclass(frozen=True)
class Walked:
    """How far a way was walked."""

    steps: int = 0
    changes: int = 0
    last: journal.Step | None = None
    arrived: bool = False


def count(session: Session) -> int:
    """How many batches there are, dropped ones included."""
    return session.exec(select(func.count()).select_from(Batch)).one()


def present(session: Session) -> int:
    """The newest batch that is done; `BEGINNING` when there is none."""
    query = select(func.max(col(Batch.id))).where(col(Batch.state) == BatchState.DONE)
    return session.exec(query).one() or BEGINNING


def newest(session: Session) -> int:
    """The newest batch, whatever its state: another number means that something was done."""
    return session.exec(select(func.max(col(Batch.id)))).one() or BEGINNING


def position(session: Session, batch_id: int) -> int:
    """At which place of the list, the newest being 0, a batch stands; the beginning is at its end."""
    return session.exec(select(func.count()).select_from(Batch).where(col(Batch.id) > batch_id)).one()


def batches(session: Session, offset: int, limit: int) -> list[Past]:
    """A page of the batches, the newest first."""
    page = select(Batch.id).order_by(col(Batch.id).desc()).offset(offset).limit(limit).subquery()
    changes = select(func.count()).where(col(Change.batch_id) == col(Batch.id)).correlate(Batch).scalar_subquery()
    query = (
        select(Batch, Annotator.name, changes)
        .join(page, page.c.id == col(Batch.id))
        .join(Annotator, col(Annotator.id) == col(Batch.annotator_id))
        .order_by(col(Batch.id).desc())
    )
    return [
        Past(batch.id or 0, batch.title, name, batch.at, batch.state, many)
        for batch, name, many in session.exec(query)
    ]


def way_to(session: Session, target: int) -> Way | None:
    """The way to just after a batch, or to the beginning; none when the batch was dropped or does not exist."""
    if target == BEGINNING:
        return _way(session, target, back=True)
    batch = session.get(Batch, target)
    if batch is None or batch.state is BatchState.DROPPED:
        return None
    return _way(session, target, back=batch.state is BatchState.DONE)


def details(session: Session, batch_id: int, limit: int) -> list[Detail]:
    """The first changes of a batch, in words."""
    query = select(Change).where(Change.batch_id == batch_id).order_by(col(Change.id)).limit(limit)
    changes = session.exec(query).all()
    labels = {label.id: label.name for label in session.exec(select(Label))}
    of_reviews = journal.OF_REVIEWS
    wanted = [change.subject_id for change in changes if change.subject in of_reviews]
    reviews = {review.id: review for review in session.exec(select(Review).where(col(Review.id).in_(wanted)))}
    found = []
    for change in changes:
        name, text = f"{change.subject.value} {change.subject_id}", ""
        if change.subject in of_reviews and (review := reviews.get(change.subject_id)) is not None:
            name, text = review.external_id or f"row {review.row}", review.text
        elif change.subject is Subject.LABEL:
            name = f"label {labels.get(change.subject_id, '')}"
        elif change.subject is Subject.SOURCE and (source := session.get(Source, change.subject_id)) is not None:
            name = source.file_name
        before, after = (_in_words(change.subject, state, labels) for state in (change.before, change.after))
        found.append(Detail(name, text, before, after))
    return found


def walk(
    session: Session, way: Way, progress: journal.Progress | None = None, stop: Callable[[], bool] = lambda: False
) -> Walked:
    """Take steps along a way for a quarter of a second, at least one; stops early when asked, between two steps."""
    walked, ends = Walked(), time.monotonic() + BREATH
    while walked.steps < way.steps:
        if walked.steps and (stop() or time.monotonic() > ends):
            return walked
        step = journal.undo(session, progress) if way.back else journal.redo(session, progress)
        if step is None:
            break
        walked = replace(walked, steps=walked.steps + 1, changes=walked.changes + step.changes, last=step)
    return replace(walked, arrived=True)


def _between(target: int, back: bool) -> ColumnElement[bool]:
    if back:
        return (col(Batch.state) == BatchState.DONE) & (col(Batch.id) > target)
    return (col(Batch.state) == BatchState.UNDONE) & (col(Batch.id) <= target)


def _way(session: Session, target: int, back: bool) -> Way:
    steps = session.exec(select(func.count()).select_from(Batch).where(_between(target, back))).one()
    inside = select(Batch.id).where(_between(target, back))
    changes = session.exec(select(func.count()).select_from(Change).where(col(Change.batch_id).in_(inside))).one()
    return Way(target, back, steps, changes)


def _in_words(subject: Subject, state: dict[str, Any] | None, labels: dict[int | None, str]) -> str:
    if state is None:
        return "nothing" if subject is Subject.ANNOTATION else "not there"
    if subject is Subject.GROUP:
        return f"group {state['group_id']}"
    if subject in (Subject.VERDICT, Subject.REPEAT):
        given = state["label_ids" if subject is Subject.VERDICT else "second"]
        names = ", ".join(labels.get(label_id, "?") for label_id in given) or "no label"
        return f"{'stood by' if subject is Subject.VERDICT else 'asked again:'} {names}"
    if subject is not Subject.ANNOTATION:
        return str(state.get("name") or "there")
    parts = []
    if state["decision"] == "labelled":
        parts.append(", ".join(labels.get(label_id, "?") for label_id in state["label_ids"]) or "no label")
    elif state["decision"]:
        parts.append(str(state["decision"]))
    if state["flagged"]:
        parts.append("flagged")
    if state["note"]:
        parts.append(f"note “{state['note']}”")
    return " · ".join(parts) or "nothing"
