"""What could be accepted, and what the audit set says about it.

Accepted are suggestions of the run in use for reviews that nobody has decided about or flagged, one for each group of
copies, which go along as when labelling. Reviews of the audit set are never accepted: they are the sample that the
promise stands on, for this run and for the next ones, and a model's word for them would measure nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from core import held_out
from core.errors import LabelloopError, ModelError
from core.evaluate.risk import Evidence
from core.held_out import Answers, Columns
from core.storage import learning, queue, quick_run, runs, scheme
from core.storage.database import project_of
from core.storage.learning import Example
from core.storage.tables import Annotation, Decision, Origin, Review, Run, RunKind, Suggestion

PORTION = 20_000
"""Suggestions read together."""

DRAWN = 10
"""Reviews shown before many are accepted."""


@dataclass(frozen=True)
class Likely:
    """Groups of reviews that could be accepted, one entry each, ordered by their first review."""

    review_ids: NDArray[np.int64]
    """The first review without a decision of each."""
    group_ids: NDArray[np.int64]
    confidences: NDArray[np.float64]
    given: NDArray[np.bool_]
    """Which labels are suggested, shape [groups, labels], in the order of the columns."""
    copies: NDArray[np.int64]
    """Further reviews of the group, which get the same labels."""


@dataclass(frozen=True)
class Gathered:
    """All that a promise stands on, as of one moment."""

    run_id: int
    columns: Columns
    offered: tuple[int, ...]
    """Labels of the columns that can be given: those not archived."""
    likely: Likely
    audit_confidences: NDArray[np.float64]
    audit_given: NDArray[np.bool_]
    """What was suggested for labelled audit reviews, shape [reviews, labels]."""
    audit_wrong: NDArray[np.bool_]
    open_audit: tuple[int, ...]
    """Audit reviews that nobody has decided about, in the project's random order."""
    unsettled: bool = False
    """The quick learner has a newer fit whose suggestions are not all stored yet: some are of an older one."""

    def evidence(self, label_id: int | None = None) -> Evidence:
        """What is known of all suggestions, or of those that have a certain label."""
        chosen, audited = self._with(self.likely.given, label_id), self._with(self.audit_given, label_id)
        return Evidence.of(
            self.likely.confidences[chosen], self.audit_confidences[audited], self.audit_wrong[audited]
        )

    def chosen(self, threshold: float, label_id: int | None = None) -> NDArray[np.int64]:
        """Places of the groups at a confidence or more, among all or among those suggested a label."""
        above = self.likely.confidences >= threshold
        return np.flatnonzero(above & self._with(self.likely.given, label_id))

    def reviews(self, threshold: float, label_id: int | None = None) -> int:
        """How many reviews these are with their copies."""
        places = self.chosen(threshold, label_id)
        return len(places) + int(self.likely.copies[places].sum())

    def drawn(self, threshold: float, label_id: int | None = None, many: int = DRAWN) -> list[int]:
        """Some of them, drawn at random, the least confident first."""
        places = self.chosen(threshold, label_id)
        some = sorted(random.sample(places.tolist(), min(many, len(places))), key=self.likely.confidences.__getitem__)
        return [int(self.likely.review_ids[place]) for place in some]

    def _with(self, given: NDArray[np.bool_], label_id: int | None) -> NDArray[np.bool_]:
        if label_id is None:
            return np.ones(len(given), dtype=np.bool_)
        if label_id not in self.columns.ids:
            raise LabelloopError("There is no such label.", "Name a label of the scheme.")
        has: NDArray[np.bool_] = given[:, self.columns.ids.index(label_id)]
        return has


def gather(session: Session) -> Gathered:
    """Read what could be accepted and what the audit set says: a few seconds and 20 MB for a million suggestions.

    Raises ModelError when no run is in use.
    """
    number = project_of(session).run_in_use
    if number is None:
        raise ModelError("No run is in use, so there are no suggestions to accept.", "Train one first.")
    run, columns = runs.existing(session, number), held_out.columns(session)
    there = {one.id for one in scheme.labels(session)}
    offered = np.array([label_id in there for label_id in columns.ids], dtype=np.bool_)
    likely, open_audit = _likely(session, run, columns, offered)
    answers, wrong = _audited(session, run, columns)
    kept = ~answers.chosen[:, ~offered].any(axis=1)
    confidences = _confidences(answers, columns)
    return Gathered(
        number,
        columns,
        tuple(label_id for label_id in columns.ids if label_id in there),
        likely,
        confidences[kept],
        answers.chosen[kept],
        wrong[kept],
        open_audit,
        run.kind is RunKind.QUICK and run.metrics.get(quick_run.SETTLED) != run.annotations_digest,
    )


def _likely(
    session: Session, run: Run, columns: Columns, offered: NDArray[np.bool_]
) -> tuple[Likely, tuple[int, ...]]:
    """The groups to accept, and the open reviews of the audit set."""
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]] = []
    audit: dict[int, tuple[int, int]] = {}
    for rows in _open(session, run):
        for review_id, group_id, _, shuffle, _ in (row for row in rows if row[2]):
            audit.setdefault(group_id, (shuffle, review_id))
        rest = [row for row in rows if not row[2]]
        answers = held_out.answers(session, run, columns, [(row[0], row[4]) for row in rest], tempered=False)
        kept = ~answers.chosen[:, ~offered].any(axis=1)
        ids = np.array([row[0] for row in rest], dtype=np.int64)
        groups = np.array([row[1] for row in rest], dtype=np.int64)
        found.append((ids[kept], groups[kept], _confidences(answers, columns)[kept], answers.chosen[kept]))
    none = np.zeros(0, dtype=np.int64)
    found.append((none, none, np.zeros(0), np.zeros((0, len(columns.ids)), dtype=np.bool_)))
    ids, groups, confidences, given = (np.concatenate(parts) for parts in zip(*found, strict=True))
    _, first, sizes = np.unique(groups, return_index=True, return_counts=True)
    order = np.argsort(first)
    first, sizes = first[order], sizes[order]
    likely = Likely(ids[first], groups[first], confidences[first], given[first], sizes - 1)
    return likely, tuple(review_id for _, review_id in sorted(audit.values()))


def _open(session: Session, run: Run) -> Iterator[list[tuple[int, int, int, int, bytes]]]:
    """Reviews without a decision that have a suggestion: id, group, in the audit set, place in the order, scores."""
    query = (
        sql_select(
            col(Review.id), col(Review.group_id), col(Review.audit), col(Review.shuffle), col(Suggestion.scores)
        )
        .join(Suggestion, col(Suggestion.review_id) == col(Review.id))
        .where(col(Suggestion.run_id) == run.id, queue.undecided(), queue.current())
        .order_by(col(Suggestion.review_id))
    )
    # Straight from the driver: SQLAlchemy's rows would cost more than finding them does.
    cursor: Any = session.connection().execute(query).cursor
    try:
        while rows := cursor.fetchmany(PORTION):
            yield rows
    finally:
        cursor.close()


def _audited(session: Session, run: Run, columns: Columns) -> tuple[Answers, NDArray[np.bool_]]:
    """What the run says about labelled audit reviews, one of each group, and where it is wrong.

    What was itself accepted from a suggestion is left out.
    """
    query = (
        select(Review.id, Review.group_id)
        .join(Annotation, col(Annotation.review_id) == col(Review.id))
        .where(col(Annotation.decision) == Decision.LABELLED, col(Annotation.origin) != Origin.ACCEPTED)
        .where(col(Review.audit), queue.current())
        .order_by(col(Review.id))
    )
    first: dict[int, int] = {}
    for review_id, group_id in session.exec(query):
        if review_id is not None:
            first.setdefault(group_id, review_id)
    labels = learning.label_ids(session, audit=True)
    answers = held_out.suggested(session, run, columns, list(first.values()))
    true = columns.true([Example(one, "", labels.get(one, ())) for one in answers.review_ids])
    return answers, (true != answers.chosen).any(axis=1)


def _confidences(answers: Answers, columns: Columns) -> NDArray[np.float64]:
    """How probable it is that a suggestion is right, shape [reviews].

    Of labels that exclude each other it is the probability of the most probable one; else that of the label which
    the run is least sure to give or not to give.
    """
    said = answers.probabilities.astype(np.float64)
    if not len(columns.ids):
        return np.zeros(len(said))
    sure: NDArray[np.float64] = np.maximum(said, 1 - said).min(axis=1) if columns.multi else said.max(axis=1)
    return sure
