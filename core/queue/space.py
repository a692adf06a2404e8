"""Where reviews lie to each other: features made comparable, few enough dimensions to be quick."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.queue.pool import Features, Order, Pool

Vectors = NDArray[np.float32]
"""Shape [reviews, dimensions], each of unit length (or zero): products are cosine similarities."""

SAMPLE = 2_000
"""Reviews whose mean and deviation stand for the pool's, and that stand for it where density is estimated."""

DIMENSIONS = 128
"""Of the projection: a cosine similarity is off by less than 0.09 in two of three cases, near 1 by far less."""

FARTHEST = np.float32(5)
"""Deviations at which a standardised feature is cut: a few of BERT's dimensions would else decide alone."""

PORTION = 4_096
"""Rows converted at a time: 25 MB with 1,536 dimensions."""


class Space:
    """Turns rows of features into vectors of unit length.

    Standardised by mean and deviation of a sample, since the middle layers of BERT have a few dimensions that are
    hundreds of times wider than the rest (Timkey and van Schijndel, “All bark and no bite: rogue dimensions in
    transformer language models obscure representational quality”, EMNLP 2021), then projected at random, which keeps
    angles (Achlioptas, “Database-friendly random projections”, JCSS 2003).
    """

    def __init__(self, features: Features, sample: NDArray[np.int64], seed: int, dimensions: int | None = DIMENSIONS):
        """`sample` are rows of the features; `dimensions` None leaves them unprojected."""
        self._features = features
        drawn = np.asarray(features[np.sort(sample)], dtype=np.float32)
        width = features.shape[1]
        self._mean = drawn.mean(axis=0) if len(drawn) else np.zeros(width, dtype=np.float32)
        deviation = drawn.std(axis=0) if len(drawn) else np.ones(width, dtype=np.float32)
        # A dimension in which nothing differs says nothing: it becomes zero everywhere.
        self._scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 1e-6)
        self._projection: Vectors | None = None
        if dimensions is not None and dimensions < width:
            draw = np.random.default_rng([seed, 1])
            self._projection = draw.standard_normal((width, dimensions), dtype=np.float32)

    @classmethod
    def of(cls, pool: Pool, dimensions: int | None = DIMENSIONS) -> Self:
        """The space of a pool, by a sample of its reviews that have features. Raises ValueError without features."""
        if pool.features is None:
            raise ValueError("the pool has no features")
        return cls(pool.features, pool.feature_rows()[sample_of(pool)], pool.seed, dimensions)

    def vectors(self, rows: NDArray[np.int64]) -> Vectors:
        """The vectors of these rows of the features."""
        width = self._features.shape[1] if self._projection is None else self._projection.shape[1]
        found = np.empty((len(rows), width), dtype=np.float32)
        for start in range(0, len(rows), PORTION):
            portion = slice(start, start + PORTION)
            some = np.asarray(self._features[rows[portion]], dtype=np.float32)
            some -= self._mean
            some *= self._scale
            np.clip(some, -FARTHEST, FARTHEST, out=some)
            found[portion] = some if self._projection is None else some @ self._projection
        length = np.linalg.norm(found, axis=1, keepdims=True)
        np.divide(found, length, out=found, where=length > 0)
        return found


def sample_of(pool: Pool, size: int = SAMPLE, stream: int = 2) -> Order:
    """Some positions that have features, drawn by the pool's seed, in random order; `stream` tells draws apart."""
    able = pool.with_features()
    draw = np.random.default_rng([pool.seed, stream])
    return draw.permutation(able)[:size] if len(able) <= 4 * size else _distinct(draw, able, size)


def _distinct(draw: np.random.Generator, able: Order, size: int) -> Order:
    chosen: NDArray[Any] = draw.choice(len(able), size, replace=False, shuffle=True)
    found: Order = able[chosen]
    return found
