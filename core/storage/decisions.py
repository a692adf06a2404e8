"""Changing what was decided about reviews, always through the journal.

A review has one annotation: what another person decides about it takes the place of what was decided before.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

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


def decide_all(
    session: Session,
    annotator: int,
    title: str,
    review_ids: Sequence[int],
    state: AnnotationState,
    progress: journal.Progress | None = None,
) -> int:
    """Give many reviews one state as one batch; returns how many are different now. As `decide`, in portions."""
    changes = 0

    def entries() -> Iterator[journal.Entry]:
        nonlocal changes
        forms: dict[tuple[bool, str], dict[str, Any]] = {}
        for start in range(0, len(review_ids), journal.AT_ONCE):
            part = review_ids[start : start + journal.AT_ONCE]
            before = states(session, part)
            for review_id in part:
                known = before.get(review_id)
                beside = (known.flagged, known.note) if known else (False, "")
                after = replace(state, flagged=beside[0], note=beside[1])
                if not _same(known, after):
                    changes += 1
                    form = forms.setdefault(beside, after.to_json())
                    yield journal.Entry(Subject.ANNOTATION, review_id, known.to_json() if known else None, form)

    written = 0

    def tell(portion: int) -> None:
        nonlocal written
        written += portion
        if progress is not None:
            progress(title, written, len(review_ids))

    wanted = entries()
    first = next(wanted, None)
    if first is not None:
        journal.record(session, annotator, title, itertools.chain([first], wanted), tell)
    return changes


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
    forms: dict[AnnotationState, dict[str, Any]] = {}

    def form(state: AnnotationState) -> dict[str, Any]:
        """The state in the journal's form, one and the same for all reviews that get it."""
        if state not in forms:
            forms[state] = state.to_json()
        return forms[state]

    entries = [
        journal.Entry(
            Subject.ANNOTATION,
            review_id,
            before[review_id].to_json() if review_id in before else None,
            None if state.is_empty else form(state),
        )
        for review_id, state in after.items()
        if not _same(before.get(review_id), state)
    ]
    return journal.record(session, annotator, title, entries) if entries else None


def _same(before: AnnotationState | None, after: AnnotationState) -> bool:
    if before is None:
        return after.is_empty
    seen, followed = after.suggestion_shown, after.suggestion_followed
    known = replace(before, decided_at=after.decided_at, suggestion_shown=seen, suggestion_followed=followed)
    return known == after
