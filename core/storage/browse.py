"""Counting and listing reviews: by state, by label, by words."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.storage import gathering
from core.storage.filters import Filter, Order, State
from core.storage.gathering import Abandoned
from core.storage.listing import Asked
from core.storage.queue import current
from core.storage.tables import (
    Annotation,
    AnnotationLabel,
    Decision,
    Review,
    Source,
)

__all__ = ["Abandoned", "Counts", "Filter", "Order", "State", "counts", "every", "find_by_name", "page", "total"]

MOST_DIGITS = 19
"""Digits of a number that SQLite may not hold any more; no file has so many rows."""


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


def counts(session: Session, with_audit: bool = True) -> Counts:
    """Count reviews and annotations.

    Without the audit set's share it takes a tenth of the time: 0.02 s instead of 0.12 with 100,000 annotations.
    """
    reviews = session.exec(select(func.sum(Source.rows)).where(col(Source.withdrawn).is_(False))).one()
    by_decision = dict(
        session.exec(
            select(Annotation.decision, func.count())
            .where(col(Annotation.decision).is_not(None))
            .group_by(col(Annotation.decision))
        ).all()
    )
    flagged = session.exec(select(func.count()).select_from(Annotation).where(col(Annotation.flagged))).one()
    in_audit = (
        select(func.count())
        .select_from(Annotation)
        .join(Review, col(Review.id) == col(Annotation.review_id))
        .where(col(Annotation.decision) == Decision.LABELLED, col(Review.audit))
    )
    audit = session.exec(in_audit).one() if with_audit else 0
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
    return len(every(session, replace(wanted, order=Order.FILE)))


def page(session: Session, wanted: Filter, offset: int, limit: int) -> list[int]:
    """Review ids of one page of the filtered, sorted list. The first is quick; for others keep what `every` gives."""
    asked = Asked(session, wanted)
    if offset == 0 and (found := gathering.first(session, asked, limit)) is not None:
        return found
    return gathering.gather(session, asked, limit=offset + limit)[offset:].tolist()


def every(session: Session, wanted: Filter, still: Callable[[], bool] = lambda: True) -> array[int]:
    """All review ids that the filter lets through, in its order: about a second and 4 MB for a million.

    Raises Abandoned soon after `still` says that they are no longer wanted.
    """
    return gathering.gather(session, Asked(session, wanted), still)


def find_by_name(session: Session, name: str) -> int | None:
    """The review with this external id, else with this row of the file; none when there is neither."""
    found = session.exec(select(Review.id).where(Review.external_id == name, current()).limit(1)).first()
    if found is None and name.isdecimal() and len(name) < MOST_DIGITS:
        query = select(Review.id).where(Review.row == int(name), current()).order_by(col(Review.id)).limit(1)
        found = session.exec(query).first()
    return found
