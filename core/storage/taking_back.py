"""Taking back what a run decided: the annotations that were accepted from it and that nobody has confirmed since."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, Text, func, type_coerce
from sqlmodel import Session, col, select

from core.storage import journal, runs, scheme
from core.storage.states import CHUNK, AnnotationState, states
from core.storage.tables import Annotation, Batch, BatchState, Change, Origin, Subject, utc_now


def accepted_from(session: Session, run_id: int) -> int:
    """How many annotations stand that were accepted from a run and that nobody has confirmed or changed since."""
    return session.exec(select(func.count()).select_from(Annotation).where(*_its(run_id))).one()


def take_back(session: Session, annotator: int, run_id: int, progress: journal.Progress | None = None) -> int:
    """Undo every annotation that was accepted from a run and still stands as such, as one batch; returns how many.

    Each review gets back the decision it had before, or none. A person confirms or changes an accepted annotation
    by labelling the review; then it is the person's and stays. Flags and notes stay. Raises ModelError when there
    is no such run.
    """
    runs.existing(session, run_id)
    query = select(Annotation.review_id).where(*_its(run_id)).order_by(col(Annotation.review_id))
    review_ids = list(session.exec(query))
    if not review_ids:
        return 0
    title, written = f"take back what run {run_id} decided", 0

    def tell(portion: int) -> None:
        nonlocal written
        written += portion
        if progress is not None:
            progress(title, written, len(review_ids))

    journal.record(session, annotator, title, _entries(session, annotator, run_id, review_ids), tell)
    return len(review_ids)


def _its(run_id: int) -> tuple[ColumnElement[bool], ...]:
    return (col(Annotation.run_id) == run_id, col(Annotation.origin) == Origin.ACCEPTED)


def _entries(session: Session, annotator: int, run_id: int, review_ids: Sequence[int]) -> Iterator[journal.Entry]:
    """The changes that take these reviews back, in portions, so that no more than one is in memory."""
    stands = scheme.standing(session)
    nothing = AnnotationState(annotator, decided_at=utc_now())
    for start in range(0, len(review_ids), CHUNK):
        part = review_ids[start : start + CHUNK]
        present, earlier = states(session, part), _decided_before(session, run_id, part)
        for review_id in part:
            now, was = present[review_id], earlier.get(review_id)
            labels = [stands.get(label_id) for label_id in was.label_ids] if was else []
            known = tuple(sorted({label_id for label_id in labels if label_id is not None}))
            if was is None or None in labels:
                after = replace(nothing, flagged=now.flagged, note=now.note)
            else:
                after = replace(was, label_ids=known, flagged=now.flagged, note=now.note)
            form = None if after.is_empty else after.to_json()
            yield journal.Entry(Subject.ANNOTATION, review_id, now.to_json(), form)


def _decided_before(session: Session, run_id: int, review_ids: Sequence[int]) -> dict[int, AnnotationState]:
    """What was decided about reviews before the run's suggestion was accepted; those undecided then are missing."""
    query = (
        select(Change.subject_id, type_coerce(Change.before, Text))
        .join(Batch, col(Batch.id) == col(Change.batch_id))
        .where(
            col(Change.subject) == Subject.ANNOTATION,
            col(Change.subject_id).in_(review_ids),
            col(Batch.state) == BatchState.DONE,
        )
        .order_by(col(Change.subject_id), col(Change.id).desc())
    )
    found: dict[int, AnnotationState] = {}
    rows = session.connection().execute(query)
    for review_id, changes in itertools.groupby(rows, key=lambda row: int(row[0])):
        for _, before in changes:
            state = _read(before)
            if state is None or not (state.origin is Origin.ACCEPTED and state.run_id == run_id):
                if state is not None and state.decision is not None:
                    found[review_id] = state
                break
    return found


def _read(form: str | None) -> AnnotationState | None:
    return AnnotationState.from_json(json.loads(form)) if form else None
