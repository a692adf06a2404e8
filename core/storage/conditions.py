"""A filter's conditions, each as a set of reviews.

A condition is written down once. It can then be asked two ways: whether a review is in the set, which is quick for
the candidates of a first page, and which reviews are in it, which is quick for a whole list.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, literal_column, or_
from sqlalchemy import select as sql_select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.storage import sqlite
from core.storage.filters import Filter, State
from core.storage.tables import (
    Annotation,
    AnnotationLabel,
    Decision,
    Label,
    Project,
    Review,
    Source,
    Suggestion,
)
from core.storage.words import search


@dataclass(frozen=True, eq=False)
class Members:
    """The reviews that have a row with certain properties in a table; negated, all others."""

    table: Any
    review_id: Any
    """Its column that names the review."""
    conditions: tuple[ColumnElement[bool], ...] = ()
    negated: bool = False
    sorted: bool = False
    """Reading it in the order of the reviews is cheaper than in that of another index."""

    def ids(self) -> Select[Any]:
        """The reviews that have such a row, also where the set is negated."""
        query = sql_select(self.review_id).select_from(self.table).where(*self.conditions)
        return query.order_by(self.review_id) if self.sorted else query

    def holds(self, review_id: Any) -> ColumnElement[bool]:
        """True for reviews of the set; `review_id` is a column of a subquery."""
        found = exists().select_from(self.table).where(self.review_id == review_id, *self.conditions)
        found = found.correlate(review_id.table)
        return ~found if self.negated else found


class Conditions:
    """A filter, with what has to be known about the project to ask for it."""

    def __init__(self, session: Session, wanted: Filter) -> None:
        self.wanted = wanted
        self.run = session.exec(select(Project.run_in_use)).first()
        sources = session.exec(select(Source).order_by(col(Source.id))).all()
        self.sources = [
            one for one in sources if not one.withdrawn and wanted.source_id in (None, one.id) and one.id is not None
        ]
        """The files whose reviews may pass."""
        self.all_sources = len(self.sources) == len(sources)
        merged = select(Label.id, Label.merged_into).where(col(Label.merged_into).is_not(None), ~col(Label.removed))
        self.meant = {one: into for one, into in session.exec(merged) if one is not None and into is not None}
        """Labels that were merged away, with those that count for them in older runs' suggestions."""
        typed = wanted.words.strip()
        self.search = search(typed) if typed else None
        self.nothing = bool(typed) and self.search is None
        """What was typed cannot be looked for."""
        self.has_prefix = self.search is not None and self.search.has_prefix

    # ------------------------------------------------------------------ conditions

    @cached_property
    def annotated(self) -> Members | None:
        """Reviews whose annotation has what is asked of it; none when nothing is."""
        its = self._of_annotation()
        return Members(Annotation, col(Annotation.review_id), tuple(its)) if its else None

    @cached_property
    def labelled(self) -> Members | None:
        """Reviews that were given the label asked for."""
        wanted = self.wanted
        if wanted.label_id is None or wanted.state in (State.OPEN, State.SUGGESTED):
            return None
        its = (col(AnnotationLabel.label_id) == wanted.label_id,)
        return Members(AnnotationLabel, col(AnnotationLabel.review_id), its)

    @cached_property
    def decided(self) -> Members | None:
        """Where open reviews are asked for: all others."""
        if self.wanted.state not in (State.OPEN, State.SUGGESTED):
            return None
        its = (or_(col(Annotation.decision).is_not(None), col(Annotation.flagged)),)
        return Members(Annotation, col(Annotation.review_id), its, negated=True)

    @cached_property
    def suggested(self) -> Members | None:
        """Reviews whose suggestion is as asked for."""
        its = self._of_suggestion()
        return Members(Suggestion, col(Suggestion.review_id), (self._its(Suggestion), *its)) if its else None

    @cached_property
    def found(self) -> Members | None:
        """Reviews in which the words occur, or do not."""
        if self.search is None:
            return None
        index = sqlite.found(self.search.expression)
        return Members(index, index.c.id, negated=self.search.without)

    @cached_property
    def others(self) -> list[Members]:
        """The rest: in the audit set, disagreement of model and person, and of two runs."""
        wanted, members = self.wanted, list[Members]()
        if wanted.audit is not None:
            members.append(Members(Review, col(Review.id), (col(Review.audit).is_(wanted.audit),)))
        if wanted.state is State.DISAGREED:
            its = (col(Annotation.decision) == Decision.LABELLED, self._said_otherwise(col(Annotation.review_id)))
            members.append(Members(Annotation, col(Annotation.review_id), its))
        if wanted.flipped is not None:
            members.append(self._flipped(*wanted.flipped))
        return members

    @cached_property
    def members(self) -> list[Members]:
        """All sets that a review has to be in, but for its file."""
        named = (self.labelled, self.annotated, self.decided, self.found, self.suggested)
        return [one for one in named if one is not None] + self.others

    @cached_property
    def of_files(self) -> list[Members]:
        """The reviews of the files that may pass; empty when all may."""
        if self.all_sources:
            return []
        files = [source.id for source in self.sources]
        return [Members(Review, col(Review.id), (col(Review.source_id).in_(files),))]

    # ------------------------------------------------------------------ columns

    def _its(self, table: Any) -> ColumnElement[bool]:
        its: ColumnElement[bool] = col(table.run_id) == self.run
        return its

    def _of_annotation(self) -> list[ColumnElement[bool]]:
        wanted, its = self.wanted, list[ColumnElement[bool]]()
        if wanted.state in (State.LABELLED, State.DISAGREED):
            its.append(col(Annotation.decision) == Decision.LABELLED)
        elif wanted.state is State.SKIPPED:
            its.append(col(Annotation.decision) == Decision.SKIPPED)
        elif wanted.state is State.FLAGGED:
            its.append(sqlite.is_one(col(Annotation.flagged)))
        elif wanted.state is State.NOTED:
            # As in the index over noted reviews: with a parameter in its place the index would not be used.
            its.append(col(Annotation.note) != literal_column("''"))
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
            its.append(self._its(Suggestion))
        return its

    def _said(self, table: Any) -> Any:
        """The label that a suggestion means now."""
        label = col(table.label_id)
        return case(self.meant, value=label, else_=label) if self.meant else label

    def _said_otherwise(self, review_id: Any) -> ColumnElement[bool]:
        """There is a suggestion whose label is not among the labels given, or there are labels where it has none."""
        given = exists().where(col(AnnotationLabel.review_id) == review_id).correlate(Annotation, Suggestion)
        same = given.where(col(AnnotationLabel.label_id) == self._said(Suggestion))
        otherwise = case((col(Suggestion.label_id).is_(None), given), else_=~same)
        its = (col(Suggestion.review_id) == review_id, self._its(Suggestion), otherwise)
        return exists().where(*its).correlate(Annotation)

    def _flipped(self, one: int, other: int) -> Members:
        """Reviews of which two runs say different things. Both are read in the order of the reviews."""
        first, second = aliased(Suggestion), aliased(Suggestion)
        differs = self._said(second).is_distinct_from(self._said(first))
        same_review = (col(second.run_id) == other, col(second.review_id) == col(first.review_id))
        otherwise = exists().where(*same_review, differs).correlate(first)
        return Members(first, col(first.review_id), (col(first.run_id) == one, otherwise), sorted=True)
