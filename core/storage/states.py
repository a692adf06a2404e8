"""The state of an annotation, as the journal keeps it and as the tables hold it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from sqlalchemy import column, table
from sqlmodel import Session, col, select

from core.storage import sqlite
from core.storage.tables import Annotation, AnnotationLabel, Decision, Origin, utc_now

CHUNK = 500
"""Ids in one `IN` list; SQLite allows 32,766 parameters, and statements of one size are cached."""

_LINKS = table("annotation_label", column("review_id"), column("annotator_id"), column("label_id"))
_FIELDS = ("annotator_id", "decision", "flagged", "note", "origin", "run_id", "probability", "decided_at")
_BESIDE = ("suggestion_shown", "suggestion_followed")
"""Fields that journals before the fourth schema do not have, and states of reviews without suggestion neither."""
_ROWS = table("annotation", column("review_id"), *(column(name) for name in (*_FIELDS, *_BESIDE)))
"""The annotation tables without types: a journal state already has the form in which its values are stored."""

_values = itemgetter(*_FIELDS)


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
    suggestion_shown: bool | None = None
    suggestion_followed: bool | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing is decided, flagged or noted: no row is kept for it."""
        return self.decision is None and not self.flagged and not self.note

    def to_json(self) -> dict[str, Any]:
        """The form in the journal."""
        form = {
            "annotator_id": self.annotator_id,
            "decision": self.decision,
            "label_ids": list(self.label_ids),
            "flagged": self.flagged,
            "note": self.note,
            "origin": self.origin,
            "run_id": self.run_id,
            "probability": self.probability,
            "decided_at": self.decided_at,
        }
        if self.suggestion_shown is not None:
            form |= {"suggestion_shown": self.suggestion_shown, "suggestion_followed": self.suggestion_followed}
        return form

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


_COLUMNS: tuple[Any, ...] = (
    Annotation.review_id,
    Annotation.annotator_id,
    Annotation.decision,
    Annotation.flagged,
    Annotation.note,
    Annotation.origin,
    Annotation.run_id,
    Annotation.probability,
    Annotation.decided_at,
    Annotation.suggestion_shown,
    Annotation.suggestion_followed,
)
"""A review and, but for the labels, the fields of `AnnotationState` in their order."""


def states(session: Session, review_ids: Iterable[int], annotator: int | None = None) -> dict[int, AnnotationState]:
    """Annotations by review id, of one annotator or of whoever; reviews without one are left out."""
    wanted = list(review_ids)
    found: dict[int, AnnotationState] = {}
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        rows = select(*_COLUMNS).where(col(Annotation.review_id).in_(part))
        links = select(AnnotationLabel.review_id, AnnotationLabel.annotator_id, AnnotationLabel.label_id).where(
            col(AnnotationLabel.review_id).in_(part)
        )
        if annotator is not None:
            rows = rows.where(col(Annotation.annotator_id) == annotator)
            links = links.where(col(AnnotationLabel.annotator_id) == annotator)
        labels: dict[tuple[int, int], list[int]] = {}
        for review_id, annotator_id, label_id in session.exec(links):
            labels.setdefault((review_id, annotator_id), []).append(label_id)
        for review_id, annotator_id, decision, *others in session.execute(rows):
            label_ids = tuple(sorted(labels.get((review_id, annotator_id), ())))
            found[review_id] = AnnotationState(annotator_id, decision, label_ids, *others)
    return found


def write_states(
    session: Session, wanted: dict[int, dict[str, Any] | None], given: Iterable[tuple[int, int]]
) -> None:
    """Make the annotation tables say what the journal's states say. For the journal alone.

    `wanted` maps review ids to journal states (None: no annotation); `given` are the pairs of review and
    annotator whose annotations give way to it. The statements are prepared once and run for every row, so that
    a batch of 100,000 takes a second or two, and between rows the screen's thread has its turn.
    """
    connection = session.connection()
    gone = sorted(given)
    for its_table in (_LINKS, _ROWS):
        sqlite.delete_rows(connection, its_table, ("review_id", "annotator_id"), gone)
    rows: list[tuple[Any, ...]] = []
    links: list[tuple[int, int, int]] = []
    for review_id, data in sorted(wanted.items(), key=itemgetter(0)):
        if data is not None:
            rows.append((review_id, *_values(data), data.get(_BESIDE[0]), data.get(_BESIDE[1])))
            links += [(review_id, data["annotator_id"], label_id) for label_id in data["label_ids"]]
    sqlite.insert_rows(connection, _ROWS, rows)
    sqlite.insert_rows(connection, _LINKS, links)
