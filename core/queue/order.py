"""What a strategy gives: an order of reviews, each with the reason why it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from core.queue.pool import Order, Pool


class Reason(StrEnum):
    """Why a review comes now, and what the number beside it is."""

    RANDOM = "random"
    """Drawn at random, to see what there is; no number."""
    AUDIT = "audit"
    """Drawn at random for the audit set; no number."""
    MARGIN = "margin"
    """The model hesitates: difference of the two highest probabilities, or multi-label twice the nearest label's
    distance to one half. 0 is a tie, 1 certain."""
    CONFIDENCE = "confidence"
    """The model is least sure: probability of what it would suggest."""
    ENTROPY = "entropy"
    """The model's probabilities are spread: entropy as a share of the greatest possible."""
    COVER = "cover"
    """Stands for a part of the reviews of which none is labelled yet: share of the reviews that are in it."""
    DISTANCE = "distance"
    """Unlike everything labelled: cosine distance to the most similar one, 0 to 2."""
    DENSITY = "density"
    """Many reviews are like it: mean cosine similarity to those most similar."""
    LABEL = "label"
    """Likely to have the label that was asked for: its probability."""
    RARE = "rare"
    """Likely to have a label with few examples yet: its probability."""
    DISAGREEMENT = "disagreement"
    """Two learners say different things: Jensen-Shannon divergence, 0 to 1."""
    SIMILAR = "similar"
    """Like what was asked for: cosine similarity to the most similar of it."""


REASONS = tuple(Reason)
"""By code: what `Queue.reasons` counts from."""

NO_LABEL = -1


@dataclass(frozen=True)
class Entry:
    """One review of a queue."""

    position: int
    """In the pool."""
    reason: Reason
    value: float | None
    """The number of the reason; None where it has none."""
    label: int | None
    """Column of the label that the reason is about, for `Reason.LABEL` and `Reason.RARE`."""


@dataclass(frozen=True)
class Queue:
    """An order of reviews with reasons, as arrays: a hundred thousand entries need no objects."""

    positions: Order
    reasons: NDArray[np.int8]
    """Shape [entries]: places in `REASONS`."""
    values: NDArray[np.float32]
    """Shape [entries]: the number of the reason, NaN where it has none."""
    labels: NDArray[np.int16]
    """Shape [entries]: the column of the label the reason is about, or `NO_LABEL`."""

    @classmethod
    def of(
        cls,
        positions: Order,
        reason: Reason,
        values: NDArray[np.floating] | None = None,
        labels: NDArray[np.integer] | None = None,
    ) -> Self:
        """A queue all of whose reviews come for the same reason."""
        size = len(positions)
        return cls(
            np.asarray(positions, dtype=np.int64),
            np.full(size, REASONS.index(reason), dtype=np.int8),
            np.full(size, np.nan, dtype=np.float32) if values is None else values.astype(np.float32),
            np.full(size, NO_LABEL, dtype=np.int16) if labels is None else labels.astype(np.int16),
        )

    @classmethod
    def joined(cls, parts: Sequence[Queue]) -> Self:
        """One after the other."""
        if not parts:
            return cls.of(np.zeros(0, dtype=np.int64), Reason.RANDOM)
        return cls(
            np.concatenate([part.positions for part in parts]),
            np.concatenate([part.reasons for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.labels for part in parts]),
        )

    def taken(self, places: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Queue:
        """The entries at these places, in this order."""
        return Queue(self.positions[places], self.reasons[places], self.values[places], self.labels[places])

    def within(self, positions: Order) -> Queue:
        """The same reviews, numbered as in the pool that `positions` was a part of."""
        return Queue(positions[self.positions], self.reasons, self.values, self.labels)

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, place: int) -> Entry:
        value, label = float(self.values[place]), int(self.labels[place])
        return Entry(
            position=int(self.positions[place]),
            reason=REASONS[self.reasons[place]],
            value=None if np.isnan(value) else value,
            label=None if label == NO_LABEL else label,
        )

    def __iter__(self) -> Iterator[Entry]:
        return (self[place] for place in range(len(self)))


class QueryStrategy(Protocol):
    """Ranks undecided reviews by how much a label for them is worth.

    Audit share, groups and the settled are none of its business: `core.queue.plan.plan` sees to them.
    """

    def order(self, pool: Pool, count: int) -> Queue:
        """The first `count` reviews of the pool, or all where there are fewer; each once."""
        ...
