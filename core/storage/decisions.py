"""Changing what was decided about reviews, always through the journal.

A review has one annotation: what another person decides about it takes the place of what was decided before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlmodel import Session

from core.storage import journal
from core.storage.states import AnnotationState, states
from core.storage.tables import Subject, utc_now


def decide(session: Session, annotator: int, title: str, wanted: dict[int, AnnotationState]) -> int | None:
    """Give reviews new states as one batch; returns the batch, or none when nothing is different.

    Flags and notes of a review stay as they are unless the new state says otherwise through `amend`.
    """
    before = states(session, wanted)
    after: dict[int, AnnotationState] = {}
    for review_id, state in wanted.items():
        known = before.get(review_id)
        after[review_id] = replace(state, flagged=known.flagged, note=known.note) if known else state
    return _record(session, annotator, title, before, after)


def amend(
    session: Session,
    annotator: int,
    title: str,
    review_id: int,
    *,
    flagged: bool | None = None,
    note: str | None = None,
) -> int | None:
    """Change the flag or the note of a review, leaving its decision alone; returns the batch."""
    before = states(session, [review_id])
    known = before.get(review_id, AnnotationState(annotator, decided_at=utc_now()))
    after = replace(
        known,
        flagged=known.flagged if flagged is None else flagged,
        note=known.note if note is None else note,
    )
    return _record(session, annotator, title, before, {review_id: after})


def clear(session: Session, annotator: int, title: str, review_ids: Iterable[int]) -> int | None:
    """Take the decisions of these reviews back as one batch; flags and notes stay. Returns the batch."""
    return decide(
        session,
        annotator,
        title,
        {review_id: AnnotationState(annotator, decided_at=utc_now()) for review_id in review_ids},
    )


def _record(
    session: Session,
    annotator: int,
    title: str,
    before: dict[int, AnnotationState],
    after: dict[int, AnnotationState],
) -> int | None:
    entries = [
        journal.Entry(
            Subject.ANNOTATION,
            review_id,
            before[review_id].to_json() if review_id in before else None,
            None if state.is_empty else state.to_json(),
        )
        for review_id, state in after.items()
        if not _same(before.get(review_id), state)
    ]
    return journal.record(session, annotator, title, entries) if entries else None


def _same(before: AnnotationState | None, after: AnnotationState) -> bool:
    if before is None:
        return after.is_empty
    return replace(before, decided_at=after.decided_at) == after
