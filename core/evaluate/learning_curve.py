"""Score by number of labels: a power law through the points of a session, with what is not known about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.evaluate.intervals import ends, wilson

EXPONENTS = np.linspace(0.1, 1.5, 29)
"""Of the power law, all alike before anything is measured. Fitted to text classifiers they lie between 0.2 and 1
(Hestness et al. 2017 for deep learning on much data, Figueroa et al. 2012 for hundreds of labels)."""

STEPS = 31
"""Values tried of the error at the smallest number of labels, and twice as many at the largest: steps of a quarter of
a deviation."""

REACH = 4.0
"""Deviations around the measured errors within which the true ones are looked for."""

DRAWS = 4_000
"""Curves that stand for the posterior: an end of a 95 % interval stands on a hundred of them."""

FEWEST_POINTS = 4
"""Three parameters are fitted; fewer points bend to anything."""

PARAMETERS = 3

SHARED = 0.5
"""Correlation of being right about one review before and after more labels."""

LEAST_SPAN = 2.0
"""The largest number of labels by the smallest: over less, a curve and a straight line look alike."""

LEAST_DEVIATION = 0.002
"""Of a measured score: nobody measures better than this, and a point without width must not decide alone."""


@dataclass(frozen=True)
class Point:
    """A score measured during a session."""

    labels: int
    """Reviews that were learned from."""
    score: float
    """Accuracy, or an F1: 0 to 1."""
    low: float
    """Lower end of its 95 % interval."""
    high: float

    def __post_init__(self) -> None:
        if self.labels < 1 or not 0 <= self.low <= self.high <= 1 or not 0 <= self.score <= 1:
            raise ValueError(f"{self} is no measured score")

    @classmethod
    def counted(cls, labels: int, right: int, size: int) -> Self:
        """From how many of the measured reviews were right, with Wilson's interval. Raises ValueError for size 0."""
        low, high = wilson(right, size)
        return cls(labels, right / size, low, high)


@dataclass(frozen=True)
class Band:
    """What is believed about a number: the median and the ends of an interval."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """Learning curves that agree with what was measured: error(n) = a + b·n^-c, each as likely as the others."""

    least: NDArray[np.float64]
    """a, shape [draws]: the error that no number of labels takes away."""
    height: NDArray[np.float64]
    """b, shape [draws]."""
    exponent: NDArray[np.float64]
    """c, shape [draws]."""
    labels: int
    """The largest number of labels that was measured."""

    def score(self, labels: float, confidence: float = 0.95) -> Band:
        """The score at a number of labels."""
        return _band(1 - self.least - self.height * float(labels) ** -self.exponent, confidence)

    def gain(self, now: float, then: float, confidence: float = 0.95) -> Band:
        """How much the score grows from one number of labels to a larger one. It never falls on a power law."""
        return _band(self.gains(now, then), confidence)

    def gains(self, now: float, then: float) -> NDArray[np.float64]:
        """The growth on each of the curves, shape [draws]."""
        grown: NDArray[np.float64] = self.height * (float(now) ** -self.exponent - float(then) ** -self.exponent)
        return grown

    def ceiling(self, confidence: float = 0.95) -> Band:
        """The score that would be reached with any number of labels."""
        return _band(1 - self.least, confidence)


def fit(points: Sequence[Point], seed: int = 0, shared: float = SHARED) -> Curve | None:
    """The power laws that agree with the points, or None where these are too few or too close together.

    error(n) = a + b·n^-c with a, b ≥ 0: Mukherjee et al., “Estimating dataset size requirements for classifying DNA
    microarray data” (2003); Figueroa et al., “Predicting sample size required for classification performance” (2012);
    Hestness et al., “Deep learning scaling is predictable, empirically” (2017); Viering and Loog, “The shape of
    learning curves: a review” (2022). Points weigh by their intervals. What is not known is the posterior on a grid
    over the errors at the smallest and the largest number of labels and over c, instead of a bootstrap: with five
    points, most resamples of points cannot be fitted. Where the points scatter more than their intervals say, these
    are widened (Birge 1932). `shared` is for points measured on the same reviews, or on a growing set of them; with
    0.5 the 95 % interval of a later score held 91 to 99 % of all cases, whether they shared nothing or nearly all.
    """
    merged = _merged(points)
    if len(merged) < FEWEST_POINTS or merged[-1].labels < LEAST_SPAN * merged[0].labels:
        return None
    sizes = np.array([point.labels for point in merged], dtype=np.float64)
    errors = np.array([1 - point.score for point in merged])
    deviations = np.array([_deviation(point) for point in merged])
    grid = _Grid.around(sizes, errors, deviations)
    squares = grid.squares(sizes, errors, deviations, shared)
    scatter = max(1.0, float(squares.min()) / (len(merged) - PARAMETERS))
    if scatter > 1:
        grid = _Grid.around(sizes, errors, deviations * np.sqrt(scatter))
        squares = grid.squares(sizes, errors, deviations * np.sqrt(scatter), shared)
    weights = np.exp(-(squares - squares.min()) / 2)
    draw = np.random.default_rng(seed)
    chosen = draw.choice(len(weights), DRAWS, p=weights / weights.sum())
    return Curve(grid.least[chosen], grid.height[chosen], grid.exponent[chosen], merged[-1].labels)


@dataclass(frozen=True)
class _Grid:
    """Power laws to be tried, each of shape [tried]."""

    least: NDArray[np.float64]
    height: NDArray[np.float64]
    exponent: NDArray[np.float64]

    @classmethod
    def around(cls, sizes: NDArray[np.float64], errors: NDArray[np.float64], deviations: NDArray[np.float64]) -> Self:
        """Those through all errors near the first and last measured ones, falling, with 0 ≤ a.

        By the two errors rather than by a and b, which for one exponent and another differ by orders of magnitude
        though the curves hardly do.
        """
        steps = np.linspace(-REACH, REACH, STEPS)
        # Noise may have put the first below the last: the flat curve between them must be among those tried.
        lowest, highest = errors.min() - REACH * deviations[-1], errors.max() + REACH * deviations[-1]
        begin = np.clip(errors[0] + steps * deviations[0], 0, 1)
        end = np.linspace(max(lowest, 0.0), min(highest, 1.0), 2 * STEPS)
        first, last, exponent = (each.ravel() for each in np.meshgrid(begin, end, EXPONENTS, indexing="ij"))
        height = (first - last) / (sizes[0] ** -exponent - sizes[-1] ** -exponent)
        least = last - height * sizes[-1] ** -exponent
        possible = (height >= 0) & (least >= 0)
        if not possible.any():
            return cls(np.array([errors.mean()]), np.zeros(1), np.array([EXPONENTS[0]]))
        return cls(least[possible], height[possible], exponent[possible])

    def squares(
        self,
        sizes: NDArray[np.float64],
        errors: NDArray[np.float64],
        deviations: NDArray[np.float64],
        shared: float,
    ) -> NDArray[np.float64]:
        """Squared Mahalanobis distances to the points, shape [tried].

        Of two points one has been measured on reviews of which the other's are a part, so that what they share is the
        variance of the larger set, times the correlation of right and wrong on one review.
        """
        variances = deviations**2
        covariance = shared * np.minimum(variances[:, None], variances[None, :])
        np.fill_diagonal(covariance, variances)
        whitening = np.linalg.inv(np.linalg.cholesky(covariance))
        off = errors[:, None] - self.least - self.height * sizes[:, None] ** -self.exponent
        distances: NDArray[np.float64] = np.square(whitening @ off).sum(axis=0)
        return distances


def _merged(points: Sequence[Point]) -> list[Point]:
    """One point a number of labels, the last one measured, by number of labels."""
    return sorted({point.labels: point for point in points}.values(), key=lambda point: point.labels)


def _deviation(point: Point) -> float:
    return max((point.high - point.low) / 2 / NormalDist().inv_cdf(0.975), LEAST_DEVIATION)


def _band(values: NDArray[np.float64], confidence: float) -> Band:
    low, high = ends(values, confidence)
    return Band(float(np.median(values)), low, high)
