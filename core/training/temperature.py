"""One temperature that makes probabilities honest, fitted on validation logits in plain numpy.

Guo et al. 2017, "On Calibration of Modern Neural Networks".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST = 0.25, 5.0
PRECISION = 1e-5
"""Of ln T."""
PRIOR_WEIGHT = 4.0
"""Weight of the belief in a temperature of 1, against the summed loss of the validation reviews."""


def fit_temperature(logits: NDArray[np.floating], targets: NDArray[Any], probabilities: bool = False) -> float:
    """The temperature T for which `logits / T` has the lowest loss, drawn towards 1 by few reviews.

    `logits` is [n, classes]. `targets` is [n] class indices (softmax, cross-entropy) or [n, classes] zeros
    and ones (sigmoid, binary cross-entropy), or with `probabilities` [n, classes] of classes that exclude each other
    (softmax). Minimises n * loss(T) + PRIOR_WEIGHT * ln(T)² over [0.25, 5].
    1.0 without reviews.
    """
    if len(logits) == 0:
        return 1.0
    scores = np.asarray(logits, dtype=np.float64)

    def cost(log_t: float) -> float:
        return len(scores) * loss(scores / np.exp(log_t), targets, probabilities) + PRIOR_WEIGHT * log_t * log_t

    low, high = float(np.log(LOWEST)), float(np.log(HIGHEST))
    # The loss is convex in 1/T, hence has one minimum along ln T too; the prior keeps it near 1. A grid
    # finds its neighbourhood, golden-section search the rest.
    grid = np.linspace(low, high, 61)
    best = int(np.argmin([cost(float(point)) for point in grid]))
    left, right = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])
    ratio = (np.sqrt(5.0) - 1) / 2
    while right - left > PRECISION:
        inner_left, inner_right = right - ratio * (right - left), left + ratio * (right - left)
        if cost(inner_left) <= cost(inner_right):
            right = inner_right
        else:
            left = inner_left
    return float(np.exp((left + right) / 2))


def loss(logits: NDArray[np.floating], targets: NDArray[Any], probabilities: bool = False) -> float:
    """Mean cross-entropy in nats; for [n, classes] targets binary cross-entropy, over reviews and classes.

    Unless these are `probabilities` of classes that exclude each other.
    """
    scores = np.asarray(logits, dtype=np.float64)
    if targets.ndim > 1 and not probabilities:
        return float(np.mean(np.logaddexp(0.0, scores) - targets * scores))
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    if targets.ndim > 1:
        return float(np.mean(log_sum - (shifted * targets).sum(axis=1)))
    return float(np.mean(log_sum - shifted[np.arange(len(scores)), targets.astype(np.int64)]))


def probabilities(logits: NDArray[np.floating], multi_label: bool) -> NDArray[np.float32]:
    """Softmax over the classes, or for multi-label the sigmoid of each: [n, classes], float32."""
    scores = np.asarray(logits, dtype=np.float64)
    if multi_label:
        return (0.5 * (1 + np.tanh(scores / 2))).astype(np.float32)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True)) if scores.size else scores
    shares: NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
