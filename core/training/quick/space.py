"""The coordinates that the quick learner works in: the features of the pool, standardised, and its opinion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OPINION_SCALE = 40.0
"""How much farther the opinion's direction reaches than one of the standardised features: it is one against 1,500,
and is to be penalised as little as all of them together."""

CLEAR = 0.6
"""Opinion, of the word list, from which on a text is for or against: one word does, two that disagree do not."""

FEWEST_CLEAR = 50
"""Clear texts, of the pool, from which on a direction is sought in them."""

SMOOTHING = 3_000.0
"""Ridge penalty of that direction."""

MOST = 5_000
"""Rows of the pool that are looked at."""


@dataclass(frozen=True)
class Space:
    """Mean and deviation of the pool's features, and the direction in them that the word list points to.

    The word list is silent about half of short reviews, and wrong where words are: it gives cr an AUC of 0.80, the
    direction that ridge regression of it on the features finds in the unlabelled pool gives 0.91, without one label
    (sst2 0.72 and 0.87, airline_tweets 0.89 and 0.96). Weak supervision as in Ratner et al. 2017, “Snorkel”.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    direction: NDArray[np.float32] | None
    """[features]: of opinions, among standardised features; None where the pool has too few clear texts."""
    middle: float
    spread: float
    """Mean and deviation of the pool along that direction."""

    @classmethod
    def of(cls, pool: NDArray[np.floating]) -> Space:
        """From features [reviews, dimensions] whose last column is the word list's opinion."""
        numbers = np.asarray(pool[:: max(len(pool) // MOST, 1)], dtype=np.float32)
        mean = numbers[:, :-1].mean(axis=0)
        deviation = numbers[:, :-1].std(axis=0) + np.float32(1e-4)
        x, said = (numbers[:, :-1] - mean) / deviation, numbers[:, -1]
        clear = np.abs(said) > CLEAR
        fewest = min(int((said[clear] > 0).sum()), int((said[clear] < 0).sum()))
        if clear.sum() < FEWEST_CLEAR or fewest < FEWEST_CLEAR // 5:
            return cls(mean, deviation, None, 0.0, 1.0)
        direction = ridge(x[clear], np.sign(said[clear]))
        along = x @ direction
        return cls(mean, deviation, direction, float(along.mean()), float(along.std()) + 1e-6)

    @property
    def has_opinion(self) -> bool:
        """Whether there is a direction of opinion."""
        return self.direction is not None

    def coordinates(self, features: NDArray[np.floating], with_opinion: bool) -> NDArray[np.float32]:
        """Rows [reviews, features], or with the opinion one more."""
        x = (np.asarray(features[:, :-1], dtype=np.float32) - self.mean) / self.deviation
        if not with_opinion or self.direction is None:
            return x
        along = (x @ self.direction - self.middle) / self.spread * OPINION_SCALE
        return np.concatenate([x, along[:, None].astype(np.float32)], axis=1)


def ridge(x: NDArray[np.float32], said: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ridge regression of what is said, [rows] or [rows, columns], by the smaller of its two systems of equations."""
    centred = said - said.mean(axis=0)
    rows, columns = x.shape
    if rows < columns:
        inner = x @ x.T + SMOOTHING * np.eye(rows, dtype=np.float32)
        return np.asarray(x.T @ np.linalg.solve(inner, centred), dtype=np.float32)
    outer = x.T @ x + SMOOTHING * np.eye(columns, dtype=np.float32)
    return np.asarray(np.linalg.solve(outer, x.T @ centred), dtype=np.float32)
