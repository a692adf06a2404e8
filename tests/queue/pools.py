"""Small pools, made by hand and by hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.queue.pool import UNKNOWN, Pool


def table(rows: list[list[float]]) -> NDArray[np.float32]:
    return np.array(rows, dtype=np.float32)


def asked(*rows: list[float], **more: Any) -> Pool:
    """A pool of which only probabilities are known."""
    return Pool(size=len(rows), probabilities=table(list(rows)), **more)


def blobs(sizes: list[int], dimensions: int = 64, spread: float = 0.3, seed: int = 0) -> NDArray[np.float32]:
    """Features of several kinds of review, kind after kind: each kind around a random sign in every dimension."""
    draw = np.random.default_rng(seed)
    middles = draw.choice(np.array([-1, 1], dtype=np.float32), (len(sizes), dimensions))
    return np.concatenate(
        [
            middle + spread * draw.standard_normal((size, dimensions), dtype=np.float32)
            for middle, size in zip(middles, sizes, strict=True)
        ]
    )


@st.composite
def any_pool(draw: st.DrawFn) -> Pool:
    """Any pool: with and without features, probabilities, labelled reviews, groups, audit set, several labels."""
    size, labels = draw(st.integers(0, 30)), draw(st.integers(1, 4))
    labelled, dimensions = draw(st.integers(0, 40)), draw(st.integers(1, 5))
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    multi = draw(st.booleans())
    has = {name: draw(st.booleans()) for name in ("features", "said", "second", "groups", "settled", "audit", "some")}
    rows = np.arange(size + labelled)
    if has["some"]:
        rows[numbers.random(len(rows)) < 0.3] = UNKNOWN

    def said() -> NDArray[np.float32]:
        raw = numbers.random((size, labels)).astype(np.float32) + np.float32(0.01)
        found = raw / 1.02 if multi else raw / raw.sum(axis=1, keepdims=True)
        if has["some"]:
            found[numbers.random(size) < 0.3] = np.nan
        return found.astype(np.float32)

    values = numbers.integers(-2, 3, (size + labelled, dimensions)).astype(np.float16)
    return Pool(
        size=size,
        features=values if has["features"] else None,
        rows=rows[:size] if has["features"] else None,
        probabilities=said() if has["said"] else None,
        second=said() if has["second"] else None,
        labelled=numbers.random((labelled, labels)) < 0.4,
        labelled_rows=rows[size:] if has["features"] else None,
        groups=numbers.integers(0, max(1, size // 2), size) if has["groups"] else None,
        settled=numbers.random(size) < 0.3 if has["settled"] else None,
        audit=numbers.random(size) < 0.3 if has["audit"] else None,
        multi=multi,
        seed=draw(st.integers(0, 5)),
    )
