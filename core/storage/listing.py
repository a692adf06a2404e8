"""The queries behind browse: each starts from the smallest index that already has the order asked for.

A list is put together from one or two parts. “Most probable first”, say, is all reviews with a suggestion, straight
from the index over probabilities, and after them those without one. A part never joins the reviews' own rows, which
are wide, unless the filter asks about them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, false, or_
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from core.storage import sqlite
from core.storage.filters import Filter, Order, State
from core.storage.tables import (
    Annotation,
    AnnotationLabel,
    Decision,
    Label,
    Project,
    QueueEntry,
    Review,
    Source,
    Suggestion,
)


def parts(session: Session, wanted: Filter) -> list[Select[Any]]:
    """Queries for review ids; one after the other they give what the filter lets through, in its order."""
    run = session.exec(select(Project.run_in_use)).first()
    withdrawn = [one for one in session.exec(select(Source.id).where(col(Source.withdrawn))) if one is not None]
    words = wanted.words.strip()
    expression = sqlite.search_expression(words) if words else ""
    if words and not expression:
        return [sql_select(col(Review.id)).where(false())]
    merged = select(Label.id, Label.merged_into).where(col(Label.merged_into).is_not(None), ~col(Label.removed))
    meant = {one: into for one, into in session.exec(merged) if one is not None and into is not None}
    asked = _Asked(wanted, run, withdrawn, expression, meant)
    if wanted.about_annotations:
        return [asked.sorted(col(Annotation.review_id), Annotation)]
    if words:
        found = sqlite.found(expression)
        return [asked.sorted(found.c.id, found)]
    if wanted.about_suggestions:
        return [asked.sorted(col(Suggestion.review_id), Suggestion)]
    return asked.by_order()


class _Asked:
    """A filter, with what has to be known about the project to ask for it."""

    def __init__(
        self, wanted: Filter, run: int | None, withdrawn: list[int], expression: str, meant: dict[int, int]
    ) -> None:
        """`meant` maps labels that were merged away to those that count for them in older runs' suggestions."""
        self.wanted, self.run, self.withdrawn, self.expression = wanted, run, withdrawn, expression
        self.meant = meant

    def by_order(self) -> list[Select[Any]]:
        """Starts from the order's own index; what has no place in it comes after."""
        order, review = self.wanted.order, col(Review.id)
        if order is Order.FILE:
            return [self.sorted(review, Review)]
        if order is Order.QUEUE:
            queued = exists().where(col(QueueEntry.review_id) == review).correlate(Review)
            return [
                self.sorted(col(QueueEntry.review_id), QueueEntry),
                self._from(review, Review).where(~queued).order_by(col(Review.shuffle), review),
            ]
        if order is Order.RECENT:
            annotated = exists().where(col(Annotation.review_id) == review).correlate(Review)
            return [
                self.sorted(col(Annotation.review_id), Annotation),
                self._from(review, Review).where(~annotated).order_by(review),
            ]
        suggested = exists().where(self._its(Suggestion, review)).correlate(Review)
        return [
            self.sorted(col(Suggestion.review_id), Suggestion),
            self._from(review, Review).where(~suggested).order_by(review),
        ]

    def sorted(self, review_id: Any, start: Any) -> Select[Any]:
        """The reviews that a table has, in the order asked for."""
        query, order = self._from(review_id, start), self.wanted.order
        if order is Order.FILE:
            return query.order_by(review_id)
        if order is Order.QUEUE:
            position = col(QueueEntry.position)
            if start is QueueEntry:
                return query.order_by(position)
            query = query.outerjoin(QueueEntry, col(QueueEntry.review_id) == review_id)
            shuffle = sql_select(col(Review.shuffle)).where(col(Review.id) == review_id).scalar_subquery()
            return query.order_by(position.is_(None), position, shuffle, review_id)
        if order is Order.RECENT:
            at = col(Annotation.decided_at)
            if start is not Annotation:
                query = query.outerjoin(Annotation, col(Annotation.review_id) == review_id)
                return query.order_by(at.is_(None), at.desc(), review_id)
            return query.order_by(at.desc(), review_id)
        probability = col(Suggestion.probability)
        by = probability.desc() if order is Order.SURE else probability
        if start is not Suggestion:
            query = query.outerjoin(Suggestion, self._its(Suggestion, review_id))
            return query.order_by(probability.is_(None), by, review_id)
        return query.order_by(by, review_id)

    def _from(self, review_id: Any, start: Any) -> Select[Any]:
        query = sql_select(review_id).select_from(start)
        if start is Suggestion:
            query = query.where(col(Suggestion.run_id) == self.run)
        return query.where(*self._conditions(review_id, start))

    def _its(self, table: type[Suggestion], review_id: Any) -> ColumnElement[bool]:
        its: ColumnElement[bool] = (col(table.review_id) == review_id) & (col(table.run_id) == self.run)
        return its

    def _conditions(self, review_id: Any, start: Any) -> list[ColumnElement[bool]]:
        wanted = self.wanted
        conditions: list[ColumnElement[bool]] = []
        for table, its in (
            (Annotation, self._of_annotation()),
            (Suggestion, self._of_suggestion()),
            (Review, self._of_review()),
        ):
            if its and start is table:
                conditions += its
            elif its and table is Suggestion:
                conditions.append(exists().where(self._its(Suggestion, review_id), *its).correlate(start))
            elif its:
                key = Annotation.review_id if table is Annotation else Review.id
                conditions.append(exists().where(col(key) == review_id, *its).correlate(start))
        if wanted.state in (State.OPEN, State.SUGGESTED):
            decided = exists().where(
                col(Annotation.review_id) == review_id,
                or_(col(Annotation.decision).is_not(None), col(Annotation.flagged)),
            )
            if start is Annotation:
                conditions += [col(Annotation.decision).is_(None), ~col(Annotation.flagged)]
            else:
                conditions.append(~decided.correlate(start))
        if wanted.state is State.DISAGREED:
            conditions.append(self._disagreed(review_id, start))
        if wanted.label_id is not None and wanted.state not in (State.OPEN, State.SUGGESTED):
            conditions.append(_has_label(review_id, wanted.label_id).correlate(start))
        if self.expression and wanted.about_annotations:
            conditions.append(sqlite.matches(review_id, self.expression))
        return conditions

    def _of_annotation(self) -> list[ColumnElement[bool]]:
        wanted, its = self.wanted, list[ColumnElement[bool]]()
        if wanted.state in (State.LABELLED, State.DISAGREED):
            its.append(col(Annotation.decision) == Decision.LABELLED)
        elif wanted.state is State.SKIPPED:
            its.append(col(Annotation.decision) == Decision.SKIPPED)
        elif wanted.state is State.FLAGGED:
            its.append(sqlite.is_one(col(Annotation.flagged)))
        elif wanted.state is State.NOTED:
            its.append(col(Annotation.note) != "")
        if wanted.origin is not None:
            its += [col(Annotation.origin) == wanted.origin, col(Annotation.decision).is_not(None)]
        if wanted.since is not None:
            its.append(col(Annotation.decided_at) >= wanted.since)
        if wanted.until is not None:
            its.append(col(Annotation.decided_at) < wanted.until + "~")
        return its

    def _of_suggestion(self) -> list[ColumnElement[bool]]:
        wanted, its = self.wanted, list[ColumnElement[bool]]()
        if wanted.suggestion_label is not None:
            also = [one for one, into in self.meant.items() if into == wanted.suggestion_label]
            label = col(Suggestion.label_id)
            its.append(label.in_([wanted.suggestion_label, *also]) if also else label == wanted.suggestion_label)
        if wanted.at_least is not None:
            its.append(col(Suggestion.probability) >= wanted.at_least)
        if wanted.at_most is not None:
            its.append(col(Suggestion.probability) <= wanted.at_most)
        if not its and wanted.state is State.SUGGESTED:
            its.append(col(Suggestion.run_id) == self.run)
        return its

    def _of_review(self) -> list[ColumnElement[bool]]:
        wanted, its = self.wanted, list[ColumnElement[bool]]()
        if wanted.source_id is not None:
            its.append(col(Review.source_id) == wanted.source_id)
        if self.withdrawn:
            its.append(col(Review.source_id).not_in(self.withdrawn))
        if wanted.audit is not None:
            its.append(col(Review.audit).is_(wanted.audit))
        return its

    def _disagreed(self, review_id: Any, start: Any) -> ColumnElement[bool]:
        """There is a suggestion whose label is not among the labels given, or there are labels where it has none."""
        given = _has_label(review_id).correlate(start, Suggestion)
        said = (
            case(self.meant, value=col(Suggestion.label_id), else_=col(Suggestion.label_id)) if self.meant else None
        )
        same = _has_label(review_id, col(Suggestion.label_id) if said is None else said).correlate(start, Suggestion)
        otherwise = case((col(Suggestion.label_id).is_(None), given), else_=~same)
        return exists().where(self._its(Suggestion, review_id), otherwise).correlate(start)


def _has_label(review_id: Any, label_id: Any = None) -> Any:
    """True for reviews with this label, or with any."""
    found = exists().where(col(AnnotationLabel.review_id) == review_id)
    return found if label_id is None else found.where(col(AnnotationLabel.label_id) == label_id)
