"""What a person says of a label that was suspected to be wrong: that it is right, or what is right instead.

A verdict is an entry of the journal and nothing else: it stands while its batch does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session, col, select

from core.storage import journal, queue, scheme
from core.storage.journal import Entry
from core.storage.states import AnnotationState, labelled, states
from core.storage.tables import Batch, BatchState, Change, Subject, utc_now

Write = Callable[[Session], int]
"""Writes a verdict and returns its batch."""

PORTION = 10_000
"""Rows read at a time."""


@dataclass(frozen=True)
class Verdict:
    """A person has looked at a review's labels again."""

    label_ids: tuple[int, ...]
    """The labels that the person stands by."""
    was: tuple[int, ...]
    """The labels that were suspected."""

    @property
    def corrected(self) -> bool:
        """Whether the labels were wrong."""
        return self.label_ids != self.was


def keep(session: Session, annotator: int, review_id: int, names: str) -> int:
    """Note that the labels of a review, and of its copies, are right; returns the batch."""
    known = states(session, queue.group(session, review_id))
    entries = [_entry(annotator, one, state.label_ids, state.label_ids) for one, state in known.items()]
    return journal.record(session, annotator, f"kept {names}", entries)


def correct(session: Session, annotator: int, review_id: int, label_ids: Sequence[int], names: str) -> int:
    """Give a review and its copies other labels than the suspected ones; returns the batch. Flags and notes stay."""
    wanted = labelled(annotator, label_ids)
    known = states(session, queue.group(session, review_id))
    return journal.record(session, annotator, f"corrected to {names}", _corrected(annotator, wanted, known))


def _corrected(annotator: int, wanted: AnnotationState, known: dict[int, AnnotationState]) -> Iterable[Entry]:
    for review_id, before in known.items():
        after = replace(wanted, flagged=before.flagged, note=before.note)
        yield Entry(Subject.ANNOTATION, review_id, before.to_json(), after.to_json())
        yield _entry(annotator, review_id, wanted.label_ids, before.label_ids)


def _entry(annotator: int, review_id: int, stands_by: Sequence[int], was: Sequence[int]) -> Entry:
    form = {
        "annotator_id": annotator,
        "label_ids": sorted(stands_by),
        "was": sorted(was),
        "at": utc_now(),
    }
    return Entry(Subject.VERDICT, review_id, None, form)


def verdicts(session: Session) -> dict[int, Verdict]:
    """The last verdict about each review that has one; labels merged since count as what they were merged into."""
    stands = scheme.standing(session)
    query = (
        select(Change.subject_id, Change.after)
        .join(Batch, col(Batch.id) == col(Change.batch_id))
        .where(col(Change.subject) == Subject.VERDICT, col(Batch.state) == BatchState.DONE)
        .order_by(col(Change.id))
        .execution_options(yield_per=PORTION)
    )
    found: dict[int, Verdict] = {}
    for review_id, form in session.exec(query):
        if form is not None:
            label_ids, was = (
                tuple(sorted({stands.get(one, one) for one in form[name]})) for name in ("label_ids", "was")
            )
            found[review_id] = Verdict(label_ids, was)
    return found
