"""What a strategy sees: the reviews that nobody has decided about, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.floating[Any]]
"""Shape [rows, dimensions], float16 or float32, as the encoder gave them; may be a memory map."""

Probabilities = NDArray[np.float32]
"""Shape [reviews, labels], each between 0 and 1; a row of NaN where the learner has said nothing yet."""

Order = NDArray[np.int64]
"""Positions in a pool, the first to be labelled first; each position at most once."""

Mask = NDArray[np.bool_]

UNKNOWN = -1
"""In `rows`: this review has no features yet."""


@dataclass(frozen=True)
class Pool:
    """Undecided reviews, numbered from 0, and what is known about them. Nothing in it is ever changed.

    One feature table serves the undecided and the labelled reviews, so that nobody copies a file of 300 MB to ask for
    the next twenty reviews. Raises ValueError when built from arrays whose lengths contradict each other.
    """

    size: int
    """How many undecided reviews there are."""
    features: Features | None = None
    rows: NDArray[np.int64] | None = None
    """Shape [size]: each review's row of `features`, `UNKNOWN` where it has none; None: the row is the position."""
    probabilities: Probabilities | None = None
    """Calibrated, of the learner that speaks; None before there is one."""
    second: Probabilities | None = None
    """Of another learner over the same labels, for what two of them disagree about."""
    labelled: Mask | None = None
    """Shape [labelled, labels]: which labels the labelled reviews have, audit set left out; the last labelled last,
    with the columns of the probabilities."""
    labelled_rows: NDArray[np.int64] | None = None
    """Shape [labelled]: their rows of `features`, `UNKNOWN` where they have none."""
    groups: NDArray[np.int64] | None = None
    """Shape [size]: a number a group of near-duplicates; of each group one review comes."""
    settled: Mask | None = None
    """Shape [size]: another review of the group is labelled already; these come when nothing else is left."""
    audit: Mask | None = None
    """Shape [size]: reviews of the audit set's share, which no model may choose."""
    multi: bool = False
    """Whether a review may have several labels."""
    seed: int = 0

    def __post_init__(self) -> None:
        each = {
            "rows": self.rows if self.rows is not None else self.features,
            "probabilities": self.probabilities,
            "second": self.second,
            "groups": self.groups,
            "settled": self.settled,
            "audit": self.audit,
        }
        for name, array in each.items():
            if array is not None and len(array) != self.size:
                raise ValueError(f"{name}: {len(array)} for {self.size} reviews")
        labelled = 0 if self.labelled is None else len(self.labelled)
        if self.labelled_rows is not None and len(self.labelled_rows) != labelled:
            raise ValueError("labelled_rows: one for each row of labelled")
        columns = {array.shape[1] for array in (self.probabilities, self.second, self.labelled) if array is not None}
        if len(columns) > 1:
            raise ValueError(f"probabilities, second and labelled are about {sorted(columns)} labels")

    def part(self, positions: Order) -> Pool:
        """A pool of some of these reviews, numbered anew in the order given."""

        def taken(array: NDArray[Any] | None) -> Any:
            return None if array is None else array[positions]

        return replace(
            self,
            size=len(positions),
            rows=self.feature_rows()[positions],
            probabilities=taken(self.probabilities),
            second=taken(self.second),
            groups=taken(self.groups),
            settled=taken(self.settled),
            audit=taken(self.audit),
        )

    def feature_rows(self) -> NDArray[np.int64]:
        """Shape [size]: each review's row of the features, `UNKNOWN` without."""
        if self.features is None:
            return np.full(self.size, UNKNOWN, dtype=np.int64)
        return np.arange(self.size, dtype=np.int64) if self.rows is None else self.rows

    def with_features(self) -> Order:
        """The positions of the reviews that have features."""
        return np.flatnonzero(self.feature_rows() != UNKNOWN)

    def with_probabilities(self) -> Order:
        """The positions of the reviews about which the learner has said something."""
        if self.probabilities is None or self.probabilities.shape[1] == 0:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(~np.isnan(self.probabilities[:, 0]))

    def shuffled(self) -> Order:
        """All positions in the random order of the seed."""
        return np.random.default_rng([self.seed, 0]).permutation(self.size)
