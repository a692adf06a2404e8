"""“More like this”: the reviews nearest to one or several others."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from core.queue.order import Queue, Reason
from core.queue.pool import Pool
from core.queue.space import PORTION, Space, sample_of

FIRST_LOOK = 384
"""Dimensions that all reviews are compared in; more of them are looked at in the best of these only."""

LOOKED_AT = 2_000
"""Reviews that are compared in all dimensions, at least; ten times what is asked for if that is more."""


def similar(pool: Pool, to: NDArray[np.int64], count: int) -> Queue:
    """The `count` reviews of the pool most like any of some rows of its features, the most similar first.

    By cosine similarity of all features, standardised. `to` are rows of `pool.features`, so that labelled reviews may
    be asked for too; these rows themselves are left out, as are reviews without features. Empty without features.
    """
    able = pool.with_features()
    rows = pool.feature_rows()[able]
    other = ~np.isin(rows, to)
    able, rows = able[other], rows[other]
    if pool.features is None or not len(able) or not len(to):
        return Queue.of(np.zeros(0, dtype=np.int64), Reason.SIMILAR)
    looked_at = max(LOOKED_AT, 10 * count)
    sample = pool.feature_rows()[sample_of(pool)]
    step = ceil(pool.features.shape[1] / FIRST_LOOK)
    if step > 1 and len(able) > looked_at:
        rough = _nearest(Space(pool.features[:, ::step], sample, pool.seed, None), rows, to)
        best = np.argpartition(-rough, looked_at)[:looked_at]
        able, rows = able[best], rows[best]
    nearest = _nearest(Space(pool.features, sample, pool.seed, None), rows, to)
    first = np.argsort(-nearest, kind="stable")[:count]
    return Queue.of(able[first], Reason.SIMILAR, nearest[first])


def _nearest(space: Space, rows: NDArray[np.int64], to: NDArray[np.int64]) -> NDArray[np.float32]:
    """The cosine similarity of each of the rows to the nearest of `to`, a portion at a time."""
    wanted = space.vectors(np.asarray(to, dtype=np.int64)).T
    portions = range(0, len(rows), PORTION)
    return np.concatenate([(space.vectors(rows[start : start + PORTION]) @ wanted).max(axis=1) for start in portions])
