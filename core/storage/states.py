"""The state of an annotation, as the journal keeps it and as the tables hold it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import delete, insert
from sqlmodel import Session, col, select

from core.storage.tables import Annotation, AnnotationLabel, Decision, Origin, utc_now

CHUNK = 500
"""Ids in one `IN` list; SQLite allows 32,766 parameters, and statements of one size are cached."""


@dataclass(frozen=True)
class AnnotationState:
    """All of one annotation, as the journal keeps it."""

    annotator_id: int
    decision: Decision | None = None
    label_ids: tuple[int, ...] = ()
    flagged: bool = False
    note: str = ""
    origin: Origin = Origin.PERSON
    run_id: int | None = None
    probability: float | None = None
    decided_at: str = ""

    @property
    def is_empty(self) -> bool:
        """Nothing is decided, flagged or noted: no row is kept for it."""
        return self.decision is None and not self.flagged and not self.note

    def to_json(self) -> dict[str, Any]:
        """The form in the journal."""
        return {**asdict(self), "label_ids": list(self.label_ids)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> AnnotationState:
        """Read the form in the journal."""
        return cls(
            **{
                **data,
                "decision": Decision(data["decision"]) if data["decision"] else None,
                "origin": Origin(data["origin"]),
                "label_ids": tuple(data["label_ids"]),
            }
        )


def labelled(annotator: int, label_ids: Sequence[int]) -> AnnotationState:
    """The state of a review that a person has just labelled."""
    return AnnotationState(
        annotator, Decision.LABELLED, tuple(sorted(label_ids)), origin=Origin.PERSON, decided_at=utc_now()
    )


def accepted(annotator: int, label_ids: Sequence[int], run_id: int, probability: float) -> AnnotationState:
    """The state of a review whose suggestion a person has just accepted."""
    state = labelled(annotator, label_ids)
    return replace(state, origin=Origin.ACCEPTED, run_id=run_id, probability=probability)


def skipped(annotator: int) -> AnnotationState:
    """The state of a review that a person has passed over."""
    return AnnotationState(annotator, Decision.SKIPPED, decided_at=utc_now())


def states(session: Session, review_ids: Iterable[int], annotator: int | None = None) -> dict[int, AnnotationState]:
    """Annotations by review id, of one annotator or of whoever; reviews without one are left out."""
    wanted = list(review_ids)
    found: dict[int, AnnotationState] = {}
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        rows = select(Annotation).where(col(Annotation.review_id).in_(part))
        links = select(AnnotationLabel.review_id, AnnotationLabel.annotator_id, AnnotationLabel.label_id).where(
            col(AnnotationLabel.review_id).in_(part)
        )
        if annotator is not None:
            rows = rows.where(col(Annotation.annotator_id) == annotator)
            links = links.where(col(AnnotationLabel.annotator_id) == annotator)
        labels: dict[tuple[int, int], list[int]] = {}
        for review_id, annotator_id, label_id in session.exec(links):
            labels.setdefault((review_id, annotator_id), []).append(label_id)
        for row in session.exec(rows):
            found[row.review_id] = _state(row, labels.get((row.review_id, row.annotator_id), []))
    return found


def _state(row: Annotation, label_ids: list[int]) -> AnnotationState:
    return AnnotationState(
        annotator_id=row.annotator_id,
        decision=row.decision,
        label_ids=tuple(sorted(label_ids)),
        flagged=row.flagged,
        note=row.note,
        origin=row.origin,
        run_id=row.run_id,
        probability=row.probability,
        decided_at=row.decided_at,
    )


def write_states(session: Session, wanted: dict[int, dict[str, Any] | None], annotators: dict[int, set[int]]) -> None:
    """Make the annotation tables say what the journal's states say. For the journal alone.

    `wanted` maps review ids to journal states (None: no annotation); `annotators` maps review ids to those
    whose annotations give way to it.
    """
    by_annotator: dict[int, list[int]] = {}
    for review_id in wanted:
        for annotator in annotators[review_id]:
            by_annotator.setdefault(annotator, []).append(review_id)
    for annotator, reviews in by_annotator.items():
        for start in range(0, len(reviews), CHUNK):
            part = reviews[start : start + CHUNK]
            for table in (AnnotationLabel, Annotation):
                session.execute(
                    delete(table).where(
                        col(table.review_id).in_(part),
                        col(table.annotator_id) == annotator,
                    )
                )
    rows, links = [], []
    for review_id, data in wanted.items():
        if data is None:
            continue
        row = {key: value for key, value in data.items() if key != "label_ids"}
        row["decision"] = Decision(row["decision"]) if row["decision"] else None
        row["origin"] = Origin(row["origin"])
        rows.append({"review_id": review_id, **row})
        links += [
            {"review_id": review_id, "annotator_id": data["annotator_id"], "label_id": label_id}
            for label_id in data["label_ids"]
        ]
    if rows:
        session.execute(insert(Annotation), rows)
    if links:
        session.execute(insert(AnnotationLabel), links)
