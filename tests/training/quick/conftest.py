"""Features as an encoder gives them, without the encoder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDTH = 120


def reviews(
    count: int, classes: int, seed: int = 0, opinions: bool = False
) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
    """Features [count, WIDTH + 1] that differ by class, and the classes. With `opinions` the last column tells."""
    means = np.random.default_rng(99).normal(size=(classes, WIDTH)) * 0.4
    draw = np.random.default_rng(seed)
    drawn = draw.integers(0, classes, count)
    said = np.where(drawn == 1, 1.0, -1.0) * (draw.random(count) < 0.5) if opinions else np.zeros(count)
    features = np.column_stack([means[drawn] + draw.normal(size=(count, WIDTH)), said])
    return features.astype(np.float16), drawn
