"""Counting and listing reviews: by state, by label, by words."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, false, func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from core.storage import sqlite
from core.storage.queue import current, undecided
from core.storage.tables import (
    Annotation,
    AnnotationLabel,
    Decision,
    Project,
    QueueEntry,
    Review,
    Source,
    Suggestion,
)

MOST_DIGITS = 19
"""Digits of a number that SQLite may not hold any more; no file has so many rows."""


class State(StrEnum):
    """What browse can be narrowed to."""

    ALL = "all"
    OPEN = "open"
    """Nobody has decided about it."""
    LABELLED = "labelled"
    SKIPPED = "skipped"
    FLAGGED = "flagged"
    NOTED = "noted"
    SUGGESTED = "suggested"
    """Open, and the model in use suggests a label."""
    DISAGREED = "disagreed"
    """Labelled otherwise than the model in use says."""


class Order(StrEnum):
    """How browse is sorted."""

    FILE = "file"
    """As in the imported files."""
    QUEUE = "queue"
    """As they come up for labelling."""
    RECENT = "recent"
    """Latest decision first."""
    SURE = "sure"
    """Most probable suggestion first."""
    UNSURE = "unsure"
    """Least probable suggestion first."""


@dataclass(frozen=True)
class Filter:
    """Which reviews, in which order."""

    state: State = State.ALL
    label_id: int | None = None
    """Has this label, or, with `State.SUGGESTED` or `OPEN`, this suggestion."""
    words: str = ""
    """Full-text search: words, "phrases", prefix*, NOT word."""
    order: Order = Order.FILE


@dataclass(frozen=True)
class Counts:
    """How far the project is."""

    reviews: int
    labelled: int
    skipped: int
    flagged: int
    audit_labelled: int
    """Labelled reviews of the audit set."""
    by_label: dict[int, int] = field(default_factory=dict)
    """Labelled reviews by label id."""

    @property
    def share(self) -> float:
        """Share of reviews that are labelled, 0 to 1."""
        return self.labelled / self.reviews if self.reviews else 0.0


def counts(session: Session) -> Counts:
    """Count reviews and annotations."""
    reviews = session.exec(select(func.sum(Source.rows)).where(col(Source.withdrawn).is_(False))).one()
    by_decision = dict(
        session.exec(
            select(Annotation.decision, func.count())
            .where(col(Annotation.decision).is_not(None))
            .group_by(col(Annotation.decision))
        ).all()
    )
    flagged = session.exec(select(func.count()).select_from(Annotation).where(col(Annotation.flagged))).one()
    audit = session.exec(
        select(func.count())
        .select_from(Annotation)
        .join(Review, col(Review.id) == col(Annotation.review_id))
        .where(col(Annotation.decision) == Decision.LABELLED, col(Review.audit))
    ).one()
    by_label = dict(
        session.exec(select(AnnotationLabel.label_id, func.count()).group_by(col(AnnotationLabel.label_id))).all()
    )
    return Counts(
        reviews=int(reviews or 0),
        labelled=by_decision.get(Decision.LABELLED, 0),
        skipped=by_decision.get(Decision.SKIPPED, 0),
        flagged=flagged,
        audit_labelled=audit,
        by_label=by_label,
    )


def total(session: Session, wanted: Filter) -> int:
    """How many reviews the filter lets through."""
    if wanted == Filter(order=wanted.order):
        reviews = session.exec(select(func.sum(Source.rows)).where(col(Source.withdrawn).is_(False))).one()
        return int(reviews or 0)
    query = _narrowed(sql_select(func.count()).select_from(Review), wanted)
    return int(session.execute(query).scalar_one())


def page(session: Session, wanted: Filter, offset: int, limit: int) -> list[int]:
    """Review ids of one page of the filtered, sorted list."""
    query = _sorted(_narrowed(sql_select(col(Review.id)), wanted), wanted.order)
    return list(session.execute(query.offset(offset).limit(limit)).scalars())


def find_by_name(session: Session, name: str) -> int | None:
    """The review with this external id, else with this row of the file; none when there is neither."""
    found = session.exec(select(Review.id).where(Review.external_id == name, current()).limit(1)).first()
    if found is None and name.isdecimal() and len(name) < MOST_DIGITS:
        query = select(Review.id).where(Review.row == int(name), current()).order_by(col(Review.id)).limit(1)
        found = session.exec(query).first()
    return found


def _run_in_use() -> ColumnElement[Any]:
    return select(Project.run_in_use).scalar_subquery()


def _suggested(label_id: int | None = None) -> ColumnElement[bool]:
    found = exists().where(col(Suggestion.review_id) == col(Review.id), col(Suggestion.run_id) == _run_in_use())
    if label_id is not None:
        found = found.where(col(Suggestion.label_id) == label_id)
    return found.correlate(Review)


def _annotated(*conditions: Any) -> ColumnElement[bool]:
    return exists().where(col(Annotation.review_id) == col(Review.id), *conditions).correlate(Review)


def _has_label(label_id: Any = None) -> ColumnElement[bool]:
    """True for reviews with this label, or with any."""
    found = exists().where(col(AnnotationLabel.review_id) == col(Review.id))
    if label_id is not None:
        found = found.where(col(AnnotationLabel.label_id) == label_id)
    return found.correlate(Review, Suggestion)


def _disagreed() -> ColumnElement[bool]:
    """Labelled, with a suggestion whose label is not among the labels given, or with labels where it has none."""
    otherwise = exists().where(
        col(Suggestion.review_id) == col(Review.id),
        col(Suggestion.run_id) == _run_in_use(),
        case(
            (col(Suggestion.label_id).is_(None), _has_label()),
            else_=~_has_label(col(Suggestion.label_id)),
        ),
    )
    return otherwise.correlate(Review) & _annotated(col(Annotation.decision) == Decision.LABELLED)


def _narrowed(query: Select[Any], wanted: Filter) -> Select[Any]:
    query = query.where(current())
    conditions = {
        State.OPEN: [undecided()],
        State.LABELLED: [_annotated(col(Annotation.decision) == Decision.LABELLED)],
        State.SKIPPED: [_annotated(col(Annotation.decision) == Decision.SKIPPED)],
        State.FLAGGED: [_annotated(col(Annotation.flagged))],
        State.NOTED: [_annotated(col(Annotation.note) != "")],
        State.SUGGESTED: [undecided(), _suggested()],
        State.DISAGREED: [_disagreed()],
    }.get(wanted.state, [])
    query = query.where(*conditions)
    if wanted.label_id is not None:
        by_suggestion = wanted.state in (State.OPEN, State.SUGGESTED)
        query = query.where(_suggested(wanted.label_id) if by_suggestion else _has_label(wanted.label_id))
    if wanted.words.strip():
        expression = sqlite.search_expression(wanted.words)
        query = query.where(sqlite.matches(Review.id, expression) if expression else false())
    return query


def _sorted(query: Select[Any], order: Order) -> Select[Any]:
    if order is Order.FILE:
        return query.order_by(col(Review.id))
    if order is Order.QUEUE:
        return query.outerjoin(QueueEntry, col(QueueEntry.review_id) == col(Review.id)).order_by(
            col(QueueEntry.position).is_(None), col(QueueEntry.position), col(Review.shuffle)
        )
    if order is Order.RECENT:
        return query.outerjoin(Annotation, col(Annotation.review_id) == col(Review.id)).order_by(
            col(Annotation.decided_at).is_(None), col(Annotation.decided_at).desc(), col(Review.id)
        )
    joined = query.outerjoin(
        Suggestion,
        (col(Suggestion.review_id) == col(Review.id)) & (col(Suggestion.run_id) == _run_in_use()),
    )
    probability = col(Suggestion.probability)
    by = probability.desc() if order is Order.SURE else probability
    return joined.order_by(probability.is_(None), by, col(Review.id))
