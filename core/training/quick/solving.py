"""Least squares on the labels' zeros and ones, with exact leave-one-out answers to choose and to calibrate by.

The leave-one-out residuals of ridge regression have a closed form (Allen 1974, “The relationship between variable
selection and data augmentation and a method for prediction”), so that a fit, its regularisation, its calibration and
its out-of-sample log-loss take hundredths of a second at some hundred labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PENALTIES = (300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0)
"""Ridge penalties tried, for features of unit variance of which there are some 1,500."""

SLOPES = np.exp(np.linspace(-2.0, 4.0, 40))
"""Slopes of the link tried."""

STRIDE = 3
"""Of so many slopes one is tried first, then those about the best: two minima, where there are two, are alike."""

SLOPE_PRIOR, SLOPE_WEIGHT = 3.0, 0.5
"""A slope in the middle of what was found for small sets, and the weight of that belief against the summed loss."""


@dataclass(frozen=True)
class Solution:
    """Ridge regression with one penalty."""

    loss: float
    """Summed over the labelled reviews, with the belief in the slope."""
    penalty: float
    weights: Floats
    """[n, classes]: of the rows, not of the columns; slope times these is what is answered."""
    slope: float
    left_out: Floats
    """[n, classes]: the answer to each row by what was solved without it, slope times deviations from the shares."""


class Solver:
    """Solves for some rows again and again; what is costly is done once."""

    def __init__(self, x: NDArray[np.float32], labels: Floats, shares: Floats, multi_label: bool) -> None:
        """Take rows `x` [n, columns], their `labels` and the `shares` of all other labels, both [n, classes]."""
        self._labels, self._shares, self._multi_label = labels, shares, multi_label
        self._deviations = labels - labels.mean(axis=0)
        values, self._vectors = np.linalg.eigh((x @ x.T).astype(np.float64))
        self._values, self._squares = np.maximum(values, 0.0), self._vectors**2

    def solutions(self, penalties: Sequence[float] = PENALTIES, offset: Floats | None = None) -> list[Solution]:
        """One for each penalty; what is solved for is added to `offset` [n, classes], which is given."""
        return [self._solve(penalty, offset) for penalty in penalties]

    def _solve(self, penalty: float, offset: Floats | None) -> Solution:
        """The best slope for a penalty.

        The labels are centred by their mean, and without a row the mean is another one: all other labels' deviations
        rise by as much as it falls, and the answer to that is the answer to a target of 1 everywhere.
        """
        n, known = len(self._labels), 0.0 if offset is None else offset
        sought = np.column_stack([self._deviations - known, np.ones(n)])
        inverse = 1.0 / (self._values + penalty)
        dual = self._vectors @ (inverse[:, None] * (self._vectors.T @ sought))
        without = sought - dual / (self._squares @ inverse)[:, None]
        left_out = without[:, :-1] + without[:, -1:] * self._deviations / (n - 1) + known
        slope, cost = self._best_slope(left_out)
        return Solution(cost, penalty, dual[:, :-1], slope, slope * left_out)

    def _best_slope(self, said: Floats) -> tuple[float, float]:
        def cost(slope: float) -> float:
            sure = probabilities(slope * said, self._shares, self._multi_label)
            belief = SLOPE_WEIGHT * np.log(slope / SLOPE_PRIOR) ** 2
            return len(said) * log_loss(sure, self._labels, self._multi_label) + float(belief)

        costs = {place: cost(SLOPES[place]) for place in range(0, len(SLOPES), STRIDE)}
        middle = min(costs, key=costs.__getitem__)
        for place in range(max(middle - STRIDE + 1, 0), min(middle + STRIDE, len(SLOPES))):
            costs.setdefault(place, cost(SLOPES[place]))
        best = min(costs, key=costs.__getitem__)
        return float(SLOPES[best]), costs[best]


def shares_of(truth: Floats, multi_label: bool, without: Floats | None = None) -> Floats:
    """How frequent each label is, [classes]; among all but each row of `without`, [rows, classes].

    None so far counts as half a review.
    """
    held, count = truth.sum(axis=0), len(truth)
    if without is not None:
        held, count = held - without, count - 1
    return np.asarray((held + 0.5) / (count + (1.0 if multi_label else 0.5 * truth.shape[1])))


def unit(shares: Floats, multi_label: bool) -> Floats:
    """What deviations from the shares are measured in.

    It is the root of the share, as in a Pearson residual: in their own units rare classes are never named, in units
    of the share itself they are named too often (amazon_instruments, macro-F1 at 1,024 labels: 25.8, 19.9 and 22.5).
    """
    return np.asarray(np.sqrt(shares * (1 - shares)) if multi_label else np.sqrt(shares))


def base(shares: Floats, multi_label: bool) -> Floats:
    """The logits of the shares themselves."""
    return np.asarray(np.log(shares / (1 - shares)) if multi_label else np.log(shares))


def probabilities(said: Floats, shares: Floats, multi_label: bool) -> NDArray[np.float32]:
    """From answers [m, classes]: the least-squares deviations from the labels' shares, times the slope."""
    logits = base(shares, multi_label) + said / unit(shares, multi_label)
    if multi_label:
        return np.asarray(0.5 * (1 + np.tanh(logits / 2)), dtype=np.float32)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def log_loss(said: NDArray[np.float32], labels: Floats, multi_label: bool) -> float:
    """Nats a row; multi-label: a row and label. `labels` are zeros and ones, or probabilities."""
    sure = np.clip(said.astype(np.float64), 1e-6, 1 - 1e-6)
    if multi_label:
        return float(-np.mean(labels * np.log(sure) + (1 - labels) * np.log(1 - sure)))
    return float(-np.mean((labels * np.log(sure)).sum(axis=1)))


def linear(x: NDArray[np.floating], truth: NDArray[np.floating], multi_label: bool) -> tuple[Floats, Floats]:
    """The classifier whose logits are `x @ weights + bias`: weights [columns, classes] and bias [classes].

    `x` is [n, columns], each of mean 0 and deviation 1, `truth` [n, classes] probabilities or zeros and ones.
    """
    labels, rows = np.asarray(truth, dtype=np.float64), np.asarray(x, dtype=np.float32)
    shares = shares_of(labels, multi_label)
    solver = Solver(rows, labels, shares_of(labels, multi_label, labels), multi_label)
    best = min(solver.solutions(), key=lambda one: one.loss)
    return rows.T.astype(np.float64) @ best.weights * (best.slope / unit(shares, multi_label)), base(
        shares, multi_label
    )
