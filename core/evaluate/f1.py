"""Precision, recall and F1 from counts, for one set of reviews or for many resampled ones at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Outcomes(NamedTuple):
    """What came of the labels: per review, or summed over reviews; each of shape [..., labels]."""

    hits: NDArray[np.floating]
    """Given by the model and by the person."""
    given: NDArray[np.floating]
    """Given by the model."""
    support: NDArray[np.floating]
    """Given by the person."""


def outcomes(true: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Outcomes:
    """The outcome of every review, from `true` and `predicted` of shape [reviews, labels]."""
    return Outcomes(*(part.astype(np.float32) for part in (true & predicted, predicted, true)))


def summed(per_review: Outcomes) -> Outcomes:
    """The outcomes of all reviews together, shape [labels]."""
    return Outcomes(*(part.sum(axis=0, dtype=np.float64) for part in per_review))


def divided(part: NDArray[np.floating], whole: NDArray[np.floating]) -> NDArray[np.float64]:
    """The share, 0 where there is nothing to divide by."""
    shares: NDArray[np.float64] = np.zeros(np.shape(whole), dtype=np.float64)
    np.divide(part, whole, out=shares, where=np.asarray(whole) > 0)
    return shares


def f1(of: Outcomes) -> NDArray[np.float64]:
    """F1 of each label, shape [..., labels]: 2 · hits / (given + support)."""
    return divided(2 * of.hits, of.given + of.support)


def macro_f1(of: Outcomes) -> NDArray[np.float64]:
    """Mean of the labels' F1, over labels that occur among the true or the given ones; shape [...]."""
    occurring = (of.given + of.support) > 0
    return divided(f1(of).sum(axis=-1), occurring.sum(axis=-1))


def micro_f1(of: Outcomes) -> NDArray[np.float64]:
    """F1 of all pairs of review and label thrown together; shape [...]. With one label a review: the accuracy."""
    return divided(2 * of.hits.sum(axis=-1), (of.given + of.support).sum(axis=-1))
