"""Choosing few that stand for many: greedy facility location."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.queue.pool import Order

Similarities = NDArray[np.float32]
"""Shape [candidates, represented], none below 0."""


class Covering(NamedTuple):
    """Candidates in the order in which they were chosen."""

    chosen: Order
    """Places of candidates."""
    shares: NDArray[np.float32]
    """Of the represented, by weight, the share for which this one was nearer than all that came before it."""


def cover(
    similarities: Similarities, weights: NDArray[np.float32], covered: NDArray[np.float32], count: int
) -> Covering:
    """The candidates that best stand for the represented, each next one given those before it.

    Maximises the weighted sum over the represented of the similarity to the nearest chosen one; `covered` is what
    they have already, shape [represented], and is left as it is. The greedy choice is within 1 - 1/e of the best set
    (Nemhauser, Wolsey, Fisher 1978); gains only fall, so most need not be computed again (Minoux, “Accelerated greedy
    algorithms for maximizing submodular set functions”, 1978). Equal gains: the earlier candidate.
    """
    now = covered.copy()
    gains = np.array([np.maximum(row - now, 0) @ weights for row in similarities], dtype=np.float32)
    waiting = [(-float(gain), place, 0) for place, gain in enumerate(gains)]
    heapify(waiting)
    chosen: list[int] = []
    shares: list[float] = []
    total = max(float(weights.sum()), 1e-12)
    while waiting and len(chosen) < count:
        gain, place, known = heappop(waiting)
        closer = similarities[place] - now
        if known < len(chosen):
            heappush(waiting, (-float(np.maximum(closer, 0) @ weights), place, len(chosen)))
            continue
        chosen.append(place)
        shares.append(float(weights[closer > 0].sum()) / total if gain < 0 else 0.0)
        np.maximum(now, similarities[place], out=now)
    return Covering(np.array(chosen, dtype=np.int64), np.array(shares, dtype=np.float32))
