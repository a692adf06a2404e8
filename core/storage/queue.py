"""The stored queue: which reviews come up next, and what remains when it has run out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, exists, insert, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.storage.tables import Annotation, QueueEntry, QueueReason, Review, Source


@dataclass(frozen=True)
class Place:
    """How far the random order has been walked: the last review's place and id."""

    shuffle: int = -1
    review_id: int = 0


@dataclass(frozen=True)
class Planned:
    """A place in a queue about to be stored."""

    review_id: int
    reason: QueueReason
    number: float | None = None
    label_id: int | None = None


def undecided() -> ColumnElement[bool]:
    """True for reviews that nobody has decided about; a note alone is no decision."""
    decided = exists().where(
        col(Annotation.review_id) == col(Review.id),
        or_(col(Annotation.decision).is_not(None), col(Annotation.flagged)),
    )
    return ~decided.correlate(Review)


def current() -> ColumnElement[bool]:
    """True for reviews whose import has not been undone."""
    withdrawn = select(Source.id).where(col(Source.withdrawn)).scalar_subquery()
    return col(Review.source_id).not_in(withdrawn)


def first_of_its_text() -> ColumnElement[bool]:
    """True for reviews that no earlier one with the same text stands for: all earlier ones are decided about.

    Copies are decided about together, but an import may bring a copy of what was labelled before it.
    """
    earlier, annotation, source = aliased(Review), aliased(Annotation), aliased(Source)
    settled = exists().where(col(annotation.review_id) == col(earlier.id), col(annotation.decision).is_not(None))
    shown = exists().where(col(source.id) == col(earlier.source_id), col(source.withdrawn).is_(False))
    standing_for = exists().where(
        col(earlier.group_id) == col(Review.group_id), col(earlier.id) < col(Review.id), shown, ~settled
    )
    return or_(col(Review.group_id) == col(Review.id), ~standing_for.correlate(Review))


def upcoming(session: Session, exclude: Collection[int], limit: int) -> list[int]:
    """The next undecided reviews of the stored queue, in its order, one of each group."""
    query = (
        select(Review.id)
        .join(QueueEntry, col(QueueEntry.review_id) == col(Review.id))
        .where(undecided(), current())
        .order_by(col(QueueEntry.position))
        .limit(limit + len(exclude))
    )
    return [found for found in session.exec(query) if found is not None and found not in exclude][:limit]


def at_random(session: Session, after: Place, exclude: Collection[int], limit: int) -> tuple[list[int], Place]:
    """The next undecided reviews in the project's random order, and how far that got.

    Comes round to the beginning at the end, so it is empty only when nothing undecided remains.
    """
    found: list[int] = []
    place = after
    for start in (after, Place()):
        query = (
            select(Review.shuffle, Review.id)
            .where(
                or_(
                    col(Review.shuffle) > start.shuffle,
                    (col(Review.shuffle) == start.shuffle) & (col(Review.id) > start.review_id),
                ),
                col(Review.shuffle) >= start.shuffle,
                first_of_its_text(),
                undecided(),
                current(),
            )
            .order_by(col(Review.shuffle), col(Review.id))
            .limit(limit + len(exclude))
        )
        for shuffle, review_id in session.exec(query):
            assert review_id is not None
            if review_id in exclude or review_id in found:
                continue
            found.append(review_id)
            place = Place(shuffle, review_id)
            if len(found) == limit:
                return found, place
    return found, place


def group(session: Session, review_id: int) -> list[int]:
    """The reviews with the same text as this one, itself first."""
    own = session.get(Review, review_id)
    if own is None:
        return []
    query = select(Review.id).where(col(Review.group_id) == own.group_id, current())
    return [review_id, *(other for other in session.exec(query) if other not in (None, review_id))]


def replace(session: Session, planned: Sequence[Planned]) -> None:
    """Put a new queue in the place of the old one."""
    session.execute(delete(QueueEntry))
    if planned:
        session.execute(
            insert(QueueEntry),
            [
                {
                    "position": position,
                    "review_id": place.review_id,
                    "reason": place.reason,
                    "number": place.number,
                    "label_id": place.label_id,
                }
                for position, place in enumerate(planned)
            ],
        )
