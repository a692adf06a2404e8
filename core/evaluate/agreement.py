"""How far two answers about the same reviews agree, beyond chance, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from core.evaluate.intervals import RESAMPLES, SEED, ends, wilson


@dataclass(frozen=True)
class Agreement:
    """Agreement of two answers about the same reviews."""

    reviews: int
    same: int
    """How many have the same answer twice."""
    low: float
    """Ends of the 95 % interval of the share of the same."""
    high: float
    kappa: float | None
    """Cohen's kappa, 1 for full agreement, 0 for what chance gives; None where all answers are one and the same."""
    kappa_low: float | None
    kappa_high: float | None

    @property
    def share(self) -> float:
        """Of the same answers, 0 to 1."""
        return self.same / self.reviews


def agreement(first: Sequence[Hashable], second: Sequence[Hashable]) -> Agreement:
    """Agreement of two answers in the same order, with 95 % intervals.

    Cohen, “A coefficient of agreement for nominal scales” (1960); sets of labels count as classes of their own. The
    share's interval is Wilson's. Kappa's is the percentile bootstrap over reviews (Efron 1979), and reaches at least
    as far as Wilson's with the same chance agreement: with few reviews, or full agreement, resampling sees too little
    spread. Raises ValueError without reviews, or when there are not as many of both.
    """
    if not first or len(first) != len(second):
        raise ValueError("two answers about each of some reviews are needed")
    same = sum(one == other for one, other in zip(first, second, strict=True))
    low, high = wilson(same, len(first))
    by_chance = _by_chance(Counter(first), Counter(second), len(first))
    if by_chance >= 1:
        return Agreement(len(first), same, low, high, None, None, None)
    kappa, lowest, highest = ((share - by_chance) / (1 - by_chance) for share in (same / len(first), low, high))
    drawn_low, drawn_high = _bootstrap(first, second)
    return Agreement(
        len(first), same, low, high, kappa, max(-1.0, min(lowest, drawn_low)), min(1.0, max(highest, drawn_high))
    )


def _by_chance(first: Counter[Hashable], second: Counter[Hashable], reviews: int) -> float:
    return sum(number * second[one] for one, number in first.items()) / (reviews * reviews)


def _bootstrap(first: Sequence[Hashable], second: Sequence[Hashable]) -> tuple[float, float]:
    """The percentile interval of kappa; resamples in which all answers are the same say nothing and are left out."""
    known = {one: place for place, one in enumerate(dict.fromkeys([*first, *second]))}
    classes = len(known)
    pairs = Counter(zip((known[one] for one in first), (known[one] for one in second), strict=True))
    cells = np.array(list(pairs), dtype=np.int64)
    counts = np.array(list(pairs.values()), dtype=np.float64)
    drawn = np.random.default_rng(SEED).multinomial(len(first), counts / len(first), size=RESAMPLES) / len(first)
    same = drawn[:, cells[:, 0] == cells[:, 1]].sum(axis=1)
    rows, columns = (np.zeros((RESAMPLES, classes)) for _ in range(2))
    for place, (row, column) in enumerate(cells):
        rows[:, row] += drawn[:, place]
        columns[:, column] += drawn[:, place]
    by_chance = (rows * columns).sum(axis=1)
    able = by_chance < 1 - 1e-9
    if not able.any():
        return 1.0, -1.0
    return ends((same[able] - by_chance[able]) / (1 - by_chance[able]))


def difference(right: int, size: int, other_right: int, other_size: int) -> tuple[float, float]:
    """The 95 % interval of the difference of two independent shares, the first less the second.

    Newcombe, “Interval estimation for the difference between independent proportions” (1998), method 10: made of
    Wilson's intervals of both. Raises ValueError as `wilson` does.
    """
    share, other = right / size, other_right / other_size
    low, high = wilson(right, size)
    other_low, other_high = wilson(other_right, other_size)
    return (
        share - other - sqrt((share - low) ** 2 + (other_high - other) ** 2),
        share - other + sqrt((high - share) ** 2 + (other - other_low) ** 2),
    )
