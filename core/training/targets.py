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


def accuracy(logits: NDArray[np.float32], targets: NDArray[Any]) -> float:
    """Share of reviews with the right label, or for [n, classes] targets with exactly the right set."""
    if targets.ndim > 1:
        return float(np.mean(((logits > 0) == targets.astype(bool)).all(axis=1)))
    return float(np.mean(logits.argmax(axis=1) == targets))
