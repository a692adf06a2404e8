"""Counting and listing reviews: by state, by label, by words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Select, func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from core.storage.filters import Filter, Order, State
from core.storage.listing import parts
from core.storage.queue import current
from core.storage.tables import (
    Annotation,
    AnnotationLabel,
    Decision,
    Review,
    Source,
)

__all__ = ["Counts", "Filter", "Order", "State", "counts", "every", "find_by_name", "page", "total"]

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
    return sum(_count(session, part) for part in parts(session, replace(wanted, order=Order.FILE)))


def page(session: Session, wanted: Filter, offset: int, limit: int) -> list[int]:
    """Review ids of one page of the filtered, sorted list."""
    if wanted == Filter() and (found := _contiguous(session, offset, limit)) is not None:
        return found
    ids: list[int] = []
    for part in parts(session, wanted):
        found = list(session.execute(part.offset(offset).limit(limit - len(ids))).scalars())
        ids += found
        if len(ids) == limit:
            break
        offset = 0 if found else offset - _count(session, part)
    return ids


def every(session: Session, wanted: Filter) -> Iterator[int]:
    """All review ids that the filter lets through, in its order."""
    for part in parts(session, wanted):
        yield from session.execute(part).scalars()


def find_by_name(session: Session, name: str) -> int | None:
    """The review with this external id, else with this row of the file; none when there is neither."""
    found = session.exec(select(Review.id).where(Review.external_id == name, current()).limit(1)).first()
    if found is None and name.isdecimal() and len(name) < MOST_DIGITS:
        query = select(Review.id).where(Review.row == int(name), current()).order_by(col(Review.id)).limit(1)
        found = session.exec(query).first()
    return found


def _count(session: Session, part: Select[Any]) -> int:
    return int(session.execute(sql_select(func.count()).select_from(part.order_by(None).subquery())).scalar_one())


def _contiguous(session: Session, offset: int, limit: int) -> list[int] | None:
    """A page of everything as imported; none when it has to be looked for.

    An import writes its reviews one after the other and none is ever deleted, so that the place of a row follows
    from how many rows each file has.
    """
    ids: list[int] = []
    sources = session.exec(select(Source).where(col(Source.withdrawn).is_(False)).order_by(col(Source.id))).all()
    for source in sources:
        mine = col(Review.source_id) == source.id
        first = session.execute(select(Review.id).where(mine).order_by(col(Review.row)).limit(1)).scalar()
        last = session.execute(select(Review.id).where(mine).order_by(col(Review.row).desc()).limit(1)).scalar()
        if first is None or last is None:
            continue
        if last - first + 1 != source.rows:
            return None
        start = first + min(offset, source.rows)
        taken = range(start, min(last + 1, start + limit - len(ids)))
        offset -= min(offset, source.rows)
        ids += taken
    return ids
