"""A filter's order, as walks along indexes that have it already.

“Most probable first” is all reviews with a suggestion, straight from the index over probabilities, and after them
those without one, as in the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select
from sqlalchemy import select as sql_select
from sqlmodel import col

from core.storage.conditions import Conditions, Members
from core.storage.filters import Order, State
from core.storage.tables import (
    Annotation,
    QueueEntry,
    Review,
    Suggestion,
)


@dataclass(frozen=True, eq=False)
class Walk:
    """Reviews in the order of an index. Further conditions on the table it belongs to cost nothing there."""

    table: Any
    review_id: Any
    order_by: tuple[Any, ...]
    conditions: tuple[ColumnElement[bool], ...] = ()

    def query(self) -> Select[Any]:
        """Its reviews in its order."""
        return sql_select(self.review_id).select_from(self.table).where(*self.conditions).order_by(*self.order_by)


class Asked(Conditions):
    """A filter with its order."""

    def walks(self) -> list[tuple[Walk, list[Members]]]:
        """The walks of the order, each with the conditions it does not see to itself.

        What no walk comes by follows in the order of the files: `rest` says whether there is such.
        """
        order, members = self.wanted.order, self.members
        if order is Order.QUEUE:
            queued = Walk(QueueEntry, col(QueueEntry.review_id), (col(QueueEntry.position),))
            others = Members(QueueEntry, col(QueueEntry.review_id), negated=True)
            shuffled = Walk(Review, col(Review.id), (col(Review.shuffle), col(Review.id)))
            return [(queued, members), (shuffled, [*members, others])]
        if order is Order.RECENT:
            # Left to the walk, other conditions would let SQLite start from their index and sort.
            undecided = (col(Annotation.decision).is_(None), ~col(Annotation.flagged)) if self.decided else ()
            by = (col(Annotation.decided_at).desc(), col(Annotation.review_id))
            return [(Walk(Annotation, by[1], by, undecided), _without(members, self.decided))]
        if order in (Order.SURE, Order.UNSURE):
            probability = col(Suggestion.probability)
            by_probability = probability.desc() if order is Order.SURE else probability
            walk = Walk(
                Suggestion,
                col(Suggestion.review_id),
                (by_probability, col(Suggestion.review_id)),
                (self._its(Suggestion), *self._of_suggestion()),
            )
            return [(walk, _without(members, self.suggested))]
        return []

    def rest(self) -> list[Members] | None:
        """The conditions of what comes after all walks, in the order of the files; none where nothing can."""
        wanted, members = self.wanted, self.members
        if wanted.order is Order.QUEUE:
            return None
        if wanted.order is Order.RECENT:
            anywhere = Members(Annotation, col(Annotation.review_id), negated=True)
            return None if wanted.about_annotations else [*members, anywhere]
        if wanted.order in (Order.SURE, Order.UNSURE):
            anywhere = Members(Suggestion, col(Suggestion.review_id), (self._its(Suggestion),), negated=True)
            needs_one = wanted.about_suggestions or wanted.state is State.DISAGREED
            return None if needs_one else [*members, anywhere]
        return members

    def sorted(self, start: Members) -> Select[Any]:
        """The whole list from a set that has few reviews: each is looked at, then they are sorted."""
        walk = start.ids().order_by(None).distinct().subquery("start")
        of, order = walk.c[0], self.wanted.order
        tests = [one.holds(of) for one in [*self.members, *self.of_files] if one is not start]
        query = sql_select(of).select_from(walk).where(*tests)
        if order is Order.QUEUE:
            position = col(QueueEntry.position)
            query = query.outerjoin(QueueEntry, col(QueueEntry.review_id) == of)
            shuffle = sql_select(col(Review.shuffle)).where(col(Review.id) == of).scalar_subquery()
            return query.order_by(position.is_(None), position, shuffle, of)
        if order is Order.RECENT:
            at = col(Annotation.decided_at)
            query = query.outerjoin(Annotation, col(Annotation.review_id) == of)
            return query.order_by(at.is_(None), at.desc(), of)
        if order in (Order.SURE, Order.UNSURE):
            probability = col(Suggestion.probability)
            by = probability.desc() if order is Order.SURE else probability
            query = query.outerjoin(Suggestion, (col(Suggestion.review_id) == of) & self._its(Suggestion))
            return query.order_by(probability.is_(None), by, of)
        return query.order_by(of)


def _without(members: list[Members], *seen_to: Members | None) -> list[Members]:
    return [one for one in members if not any(one is other for other in seen_to)]
