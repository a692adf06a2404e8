"""The queue as it is stored: what a strategy gives, and after a training what the run's suggestions call for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from core.evaluate.merging import merged
from core.labels import SchemeKind
from core.queue.order import NO_LABEL, REASONS, Queue
from core.queue.strategies import Margin, MultiLabelMargin, Strategy, interleaved, margins, multi_label_margins
from core.settings import DRAWN_EVERY
from core.storage import queue, scheme
from core.storage.database import project_of
from core.storage.queue import Planned
from core.storage.tables import QueueReason, Review, Run, Suggestion

QUEUE_LENGTH = 2_000
"""Reviews that are put in order after a training; a person labels fewer until the next one."""

PORTION = 20_000
"""Suggestions looked at together: the best of a million are found in the memory of one portion."""


@dataclass(frozen=True)
class _Best:
    """The reviews that come first of those looked at, in the order in which they come."""

    ids: NDArray[np.int64]
    shuffle: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    """Shape [reviews, labels]."""

    @classmethod
    def none(cls, labels: int) -> _Best:
        """Of nothing."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, nothing, np.zeros((0, labels), dtype=np.float32))

    def of_both(self, more: _Best, strategy: Strategy | None) -> _Best:
        """The first of these and of `more`: by the strategy, and where it ties or there is none, in random order."""
        shuffle = np.concatenate([self.shuffle, more.shuffle])
        at = np.argsort(shuffle, kind="stable")
        probabilities = np.concatenate([self.probabilities, more.probabilities])[at]
        if strategy is not None:
            ranked = strategy.rank(probabilities)
            at, probabilities = at[ranked], probabilities[ranked]
        ids = np.concatenate([self.ids, more.ids])[at]
        return _Best(ids[:QUEUE_LENGTH], shuffle[at][:QUEUE_LENGTH], probabilities[:QUEUE_LENGTH])


def entries(found: Queue, review_ids: NDArray[np.int64], label_ids: Sequence[int]) -> list[Planned]:
    """A strategy's order as places to be stored; `review_ids` by position, `label_ids` by column."""
    rows = zip(
        review_ids[found.positions].tolist(),
        found.reasons.tolist(),
        found.values.tolist(),
        found.labels.tolist(),
        strict=True,
    )
    return [
        Planned(
            review_id,
            QueueReason(REASONS[reason].value),
            None if math.isnan(value) else value,
            None if label == NO_LABEL else label_ids[label],
        )
        for review_id, reason, value, label in rows
    ]


def plan(session: Session, run: Run, drawn_every: int = DRAWN_EVERY) -> list[Planned]:
    """The queue after a training: reviews the model hesitates about, one of so many drawn from the audit share.

    It needs no features, and no more memory for a million reviews than for a portion of them; where the quick learner
    is at work, its plan takes the place of this one within a second. Of reviews in the audit set's share the model
    chooses none: the audit set stays a random sample.
    """
    multi = project_of(session).kind is SchemeKind.MULTI
    strategy: Strategy = MultiLabelMargin() if multi else Margin()
    chosen, drawn = _best(session, run, strategy, multi)
    gaps = (multi_label_margins if multi else margins)(chosen.probabilities)
    ids = [*chosen.ids.tolist(), *drawn.ids.tolist()]
    order = interleaved(np.arange(len(chosen.ids)), len(chosen.ids) + np.arange(len(drawn.ids)), drawn_every)
    return [
        Planned(ids[position], QueueReason.AUDIT)
        if from_drawn
        else Planned(ids[position], QueueReason.MARGIN, float(gaps[position]))
        for position, from_drawn in order[:QUEUE_LENGTH]
    ]


def _best(session: Session, run: Run, strategy: Strategy, multi: bool) -> tuple[_Best, _Best]:
    """Of undecided reviews with a suggestion the first by the strategy, and of the audit share the first at all."""
    stands = scheme.standing(session)
    meant = [stands.get(label_id, label_id) for label_id in run.label_ids]
    distinct = list(dict.fromkeys(meant))
    columns = [distinct.index(label_id) for label_id in meant]
    query = (
        select(Review.id, Review.shuffle, Review.audit, Suggestion.scores)
        .join(Suggestion, col(Suggestion.review_id) == col(Review.id))
        .where(col(Suggestion.run_id) == run.id)
        .where(queue.undecided(), queue.current(), col(Review.group_id) == col(Review.id))
        .execution_options(yield_per=PORTION)
    )
    chosen = drawn = _Best.none(len(distinct))
    for rows in session.exec(query).partitions():
        ids, shuffle, audit, packed = zip(*rows, strict=True)
        said = np.frombuffer(b"".join(packed), dtype="<f4").reshape(len(rows), len(columns))
        found = _Best(np.array(ids), np.array(shuffle), merged(said, columns, multi))
        in_audit = np.array(audit, dtype=np.bool_)
        chosen = chosen.of_both(_part(found, ~in_audit), strategy)
        drawn = drawn.of_both(_part(found, in_audit), None)
    return chosen, drawn


def _part(found: _Best, which: NDArray[np.bool_]) -> _Best:
    return _Best(found.ids[which], found.shuffle[which], found.probabilities[which])
