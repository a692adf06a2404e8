"""Asking about a review a second time, without saying so: which ones, and what was answered."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select

from core.storage import journal, queue
from core.storage.journal import Entry
from core.storage.queue import current
from core.storage.states import AnnotationState, states
from core.storage.tables import Annotation, Decision, Origin, Repeat, Review, Subject

AFTER = timedelta(minutes=30)
"""How long ago a review was labelled before it may come again: long enough to have forgotten it among others."""

LATER = 50
"""Decisions that must lie between, as well."""

LOOKED_AT = 2_000
"""Latest decisions among which one is drawn: 5 ms."""


@dataclass(frozen=True)
class _Answer:
    """The columns of `Repeat` but for the review, as the journal keeps them."""

    annotator_id: int
    first: list[int]
    second: list[int]
    first_at: str
    second_at: str


def draw(session: Session, annotator: int, now: datetime | None = None) -> int | None:
    """A review that this person has labelled a while ago and was never asked about again; none when there is none."""
    latest = ((now or datetime.now(UTC)) - AFTER).isoformat(timespec="milliseconds")
    again = select(Repeat.review_id).where(Repeat.annotator_id == annotator)
    query = (
        select(Annotation.review_id)
        .join(Review, col(Review.id) == col(Annotation.review_id))
        .where(
            col(Annotation.annotator_id) == annotator,
            col(Annotation.decision) == Decision.LABELLED,
            col(Annotation.origin) != Origin.IMPORTED,
            col(Annotation.decided_at) < latest,
            col(Annotation.review_id).not_in(again),
            ~col(Annotation.flagged),
            current(),
        )
        .order_by(col(Annotation.decided_at).desc())
        .offset(LATER)
        .limit(LOOKED_AT)
    )
    found = session.exec(query).all()
    return random.choice(found) if found else None


def answer(
    session: Session, annotator: int, title: str, review_id: int, state: AnnotationState, first: AnnotationState
) -> int:
    """Enter a second answer as one batch, and returns it. Where it is another than the first, it stands from now on,
    for the copies of the review too; where it is the same, the annotation stays as it was."""
    said = _Answer(annotator, list(first.label_ids), list(state.label_ids), first.decided_at, state.decided_at)
    entries = [Entry(Subject.REPEAT, review_id, None, asdict(said))]
    if set(first.label_ids) != set(state.label_ids):
        for one, before in states(session, queue.group(session, review_id)).items():
            after = replace(state, flagged=before.flagged, note=before.note)
            entries.append(Entry(Subject.ANNOTATION, one, before.to_json(), after.to_json()))
    return journal.record(session, annotator, title, entries)


def answers(session: Session, annotator: int | None = None) -> Sequence[Repeat]:
    """All second answers, in the order in which they were given."""
    query = select(Repeat).order_by(col(Repeat.second_at), col(Repeat.id))
    if annotator is not None:
        query = query.where(col(Repeat.annotator_id) == annotator)
    return session.exec(query).all()
