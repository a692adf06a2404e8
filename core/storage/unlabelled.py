"""Reviews that nobody has decided about, as a training takes them beside the labelled ones."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from core.storage.queue import current, undecided
from core.storage.tables import Review

PORTION = 500
"""Ids asked for at a time."""


def drawn(session: Session, limit: int) -> list[tuple[int, str]]:
    """The first reviews without a decision in the project's random order: ids and texts, one of each group.

    None of the audit set: a model that has learned from its texts, labels or not, would be measured on what it knows.
    """
    query = (
        select(Review.id, Review.text)
        .where(undecided(), current(), col(Review.audit).is_(False), col(Review.group_id) == col(Review.id))
        .order_by(col(Review.shuffle), col(Review.id))
        .limit(limit)
    )
    return [(review_id, text) for review_id, text in session.exec(query) if review_id is not None]


def texts(session: Session, review_ids: Sequence[int]) -> list[str]:
    """The texts of these reviews, in their order. Raises KeyError when one is gone."""
    found: dict[int | None, str] = {}
    for start in range(0, len(review_ids), PORTION):
        part = review_ids[start : start + PORTION]
        found.update(session.exec(select(Review.id, Review.text).where(col(Review.id).in_(part))).all())
    return [found[review_id] for review_id in review_ids]
