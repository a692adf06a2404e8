"""How unsure probabilities are: one number a review."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.queue.pool import Probabilities

Scores = NDArray[np.float32]
"""Shape [reviews]."""

LEAST = np.float32(1e-7)
"""Stands for zero in logarithms."""


def margins(probabilities: Probabilities) -> Scores:
    """Difference of the two highest probabilities of each review, shape [reviews]; 1 when there is one label."""
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities), dtype=np.float32)
    highest = np.partition(probabilities, -2, axis=1)[:, -2:]
    return highest[:, 1] - highest[:, 0]


def multi_label_margins(probabilities: Probabilities) -> Scores:
    """Twice the distance of the nearest label to one half, shape [reviews], between 0 and 1."""
    result: Scores = np.abs(probabilities - 0.5).min(axis=1) * 2
    return result


def confidences(probabilities: Probabilities, multi: bool) -> Scores:
    """Probability that the suggestion is right; of several labels, that all are, were they independent."""
    if multi:
        every: Scores = np.maximum(probabilities, 1 - probabilities).prod(axis=1)
        return every
    highest: Scores = probabilities.max(axis=1)
    return highest


def entropies(probabilities: Probabilities, multi: bool) -> Scores:
    """Entropy as a share of the greatest possible, 0 to 1; of several labels the mean of each label's own."""
    if multi:
        mean: Scores = _binary_entropies(probabilities).mean(axis=1)
        return mean
    labels = probabilities.shape[1]
    if labels < 2:
        return np.zeros(len(probabilities), dtype=np.float32)
    nats: Scores = -(probabilities * np.log(np.maximum(probabilities, LEAST))).sum(axis=1)
    return nats / np.float32(np.log(labels))


def divergences(first: Probabilities, second: Probabilities, multi: bool) -> Scores:
    """Jensen-Shannon divergence of two learners in bits, 0 to 1; of several labels the greatest of each label's own.

    Lin, “Divergence measures based on the Shannon entropy” (1991): 0 where they agree, 1 where each is certain of
    something else.
    """
    middle = ((first + second) / 2).astype(np.float32)
    if multi:
        each = _binary_entropies(middle) - (_binary_entropies(first) + _binary_entropies(second)) / 2
        greatest: Scores = np.maximum(each, 0).max(axis=1)
        return greatest
    nats = [-(said * np.log(np.maximum(said, LEAST))).sum(axis=1) for said in (middle, first, second)]
    bits: Scores = np.clip((nats[0] - (nats[1] + nats[2]) / 2) / np.log(2), 0, 1).astype(np.float32)
    return bits


def _binary_entropies(probabilities: Probabilities) -> Probabilities:
    """In bits, shape [reviews, labels]."""
    other = 1 - probabilities
    bits: Probabilities = -(
        probabilities * np.log2(np.maximum(probabilities, LEAST)) + other * np.log2(np.maximum(other, LEAST))
    )
    return bits
