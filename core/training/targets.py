"""Labels as arrays, and how many of them a model gets right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.training.examples import Target


def target_array(labels: Sequence[Target], classes: int, multi_label: bool) -> NDArray[Any]:
    """Class indices [n] as int64, or for multi-label [n, classes] zeros and ones as float32."""
    if not multi_label:
        return np.array(labels, dtype=np.int64)
    targets = np.zeros((len(labels), classes), dtype=np.float32)
    for row, label in enumerate(labels):
        targets[row, list(label) if isinstance(label, tuple) else [label]] = 1
    return targets


MOST_WEIGHT = 10.0
"""Against the largest class: above, single reviews of a rare class decide steps of their own."""


def balanced_weights(targets: NDArray[Any], classes: int) -> NDArray[np.float32]:
    """Weights [classes] that make rare classes count as much as frequent ones, up to `MOST_WEIGHT` times as much.

    For [n] class indices: inverse to the class's size, and 1 on average over the reviews (King and Zeng 2001,
    "Logistic Regression in Rare Events Data"). For [n, classes] zeros and ones: of a label that holds, against one
    that does not. A class without a review weighs 1.
    """
    if targets.ndim > 1:
        holds = targets.sum(axis=0)
        ratio = np.divide(len(targets) - holds, holds, out=np.ones(classes), where=holds > 0)
        return np.asarray(ratio.clip(1.0, MOST_WEIGHT), dtype=np.float32)
    sizes = np.bincount(targets, minlength=classes)
    weights = np.divide(sizes.max(), sizes, out=np.ones(classes), where=sizes > 0).clip(max=MOST_WEIGHT)
    return np.asarray(weights * len(targets) / float(weights @ sizes), dtype=np.float32)


def accuracy(logits: NDArray[np.float32], targets: NDArray[Any]) -> float:
    """Share of reviews with the right label, or for [n, classes] targets with exactly the right set."""
    if targets.ndim > 1:
        return float(np.mean(((logits > 0) == targets.astype(bool)).all(axis=1)))
    return float(np.mean(logits.argmax(axis=1) == targets))
