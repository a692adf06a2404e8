"""Strategies that look at where reviews lie: what stands for many, what is unlike the labelled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.queue.covering import cover
from core.queue.order import Queue, Reason
from core.queue.pool import UNKNOWN, Order, Pool
from core.queue.space import Space, Vectors, sample_of
from core.queue.uncertainty import Random, doubts

CANDIDATES = 1_000
"""Reviews chosen among, drawn at random: the best of a thousand is among the best thousandth."""

MOST_CHOSEN = 512
"""Reviews chosen with care; a person labels fewer until the queue is made anew. The others follow more simply."""

NEIGHBOURS = 20
"""Most similar reviews of the sample, over which density is the mean."""


class Cover:
    """The reviews that stand for most others which no labelled one stands for: for the start, when nothing is known.

    Facility location over cosine similarities: Wei, Iyer and Bilmes, “Submodularity in data subset selection and
    active learning” (ICML 2015). As in TypiClust (Hacohen, Dekel and Weinshall, “Active learning on a budget:
    opposite strategies suit high and low budgets”, ICML 2022) typical reviews come first, one of each kind, and no
    outliers.
    """

    def order(self, pool: Pool, count: int) -> Queue:
        """The first `count` reviews: up to `MOST_CHOSEN` that cover the pool, then the others in random order."""
        candidates = sample_of(pool, CANDIDATES)
        if pool.features is None or not len(candidates):
            return Random().order(pool, count)
        space = Space.of(pool)
        rows = pool.feature_rows()
        represented = space.vectors(rows[sample_of(pool, CANDIDATES, stream=4)])
        similarities = kernel(space.vectors(rows[candidates]), represented)
        weights = np.ones(len(represented), dtype=np.float32)
        done = covered_by(space.vectors(labelled_rows(pool)), represented)
        found = cover(similarities, weights, done, min(count, MOST_CHOSEN))
        first = Queue.of(candidates[found.chosen], Reason.COVER, found.shares)
        return followed(pool, first, Random().order(pool, pool.size), count)


class Farthest:
    """The reviews least like anything labelled or chosen before them.

    Farthest-first traversal of k-center: Sener and Savarese, “Active learning for convolutional neural networks: a
    core-set approach” (ICLR 2018). It loves outliers: for finding what the scheme has forgotten, not for accuracy.
    """

    def order(self, pool: Pool, count: int) -> Queue:
        """The first `count` reviews: up to `MOST_CHOSEN` each the farthest of a sample, then the others at random."""
        candidates = sample_of(pool, CANDIDATES)
        if pool.features is None or not len(candidates):
            return Random().order(pool, count)
        space = Space.of(pool)
        vectors = space.vectors(pool.feature_rows()[candidates])
        labelled = space.vectors(labelled_rows(pool))
        # Without a label yet the distance is that to the middle of everything.
        known = labelled if len(labelled) else vectors.mean(axis=0, keepdims=True)
        nearest = (vectors @ known.T).max(axis=1)
        chosen: list[int] = []
        values: list[float] = []
        for _ in range(min(count, MOST_CHOSEN, len(candidates))):
            place = int(nearest.argmin())
            chosen.append(place)
            values.append(1 - float(nearest[place]))
            np.maximum(nearest, vectors @ vectors[place], out=nearest)
            nearest[chosen] = np.inf
        first = Queue.of(candidates[chosen], Reason.DISTANCE, np.array(values, dtype=np.float32))
        return followed(pool, first, Random().order(pool, pool.size), count)


class Density:
    """Unsure reviews of which there are many alike first; before there are probabilities, the densest of a sample.

    Information density: Settles and Craven, “An analysis of active learning strategies for sequence labeling tasks”
    (EMNLP 2008): 1 - margin times the mean similarity to the nearest.
    """

    def order(self, pool: Pool, count: int) -> Queue:
        """The first `count` reviews: up to `CANDIDATES` by density, then the others by margin or at random."""
        featured = pool.feature_rows() != UNKNOWN
        able = pool.with_probabilities()
        able = able[featured[able]]
        candidates, doubt = sample_of(pool, CANDIDATES), None
        if len(able):
            margin = doubts(pool, able)
            least = np.argsort(margin, kind="stable")[: 2 * CANDIDATES]
            candidates, doubt = able[least], 1 - margin[least]
        if pool.features is None or not len(candidates):
            return Random().order(pool, count)
        density = densities(pool, Space.of(pool), candidates)
        ranked = np.argsort(-density if doubt is None else -density * doubt, kind="stable")[:CANDIDATES]
        first = Queue.of(candidates[ranked], Reason.DENSITY, density[ranked])
        return followed(pool, first, Random().order(pool, pool.size), count)


def kernel(ours: Vectors, others: Vectors) -> NDArray[np.float32]:
    """Similarities from 0 to 1, shape [ours, others]: the square of the cosine, 0 where that is negative.

    Squared, so that a few close ones count for more than many far ones.
    """
    similarities: NDArray[np.float32] = np.maximum(ours @ others.T, 0)
    return np.square(similarities, out=similarities)


def covered_by(chosen: Vectors, represented: Vectors) -> NDArray[np.float32]:
    """The similarity of each of the represented to the nearest of the chosen, shape [represented]; 0 without any."""
    if not len(chosen):
        return np.zeros(len(represented), dtype=np.float32)
    nearest: NDArray[np.float32] = kernel(represented, chosen).max(axis=1)
    return nearest


def densities(pool: Pool, space: Space, positions: Order) -> NDArray[np.float32]:
    """Mean cosine similarity of these reviews to their `NEIGHBOURS` nearest others in a sample of the pool."""
    sample = sample_of(pool)
    rows = pool.feature_rows()
    similar = space.vectors(rows[positions]) @ space.vectors(rows[sample]).T
    similar[positions[:, None] == sample[None, :]] = -1
    nearest = min(NEIGHBOURS, len(sample))
    mean: NDArray[np.float32] = np.partition(similar, -nearest, axis=1)[:, -nearest:].mean(axis=1)
    return mean


def labelled_rows(pool: Pool) -> NDArray[np.int64]:
    """The rows of the labelled reviews that have features, the last ones first; at most `CANDIDATES` of them."""
    rows = np.zeros(0, dtype=np.int64) if pool.labelled_rows is None else pool.labelled_rows
    last: NDArray[np.int64] = rows[rows != UNKNOWN][::-1][:CANDIDATES]
    return last


def followed(pool: Pool, first: Queue, then: Queue, count: int) -> Queue:
    """`first`, and behind it what `then` has beside it, `count` entries in all."""
    taken = np.zeros(pool.size, dtype=np.bool_)
    taken[first.positions] = True
    rest = then.taken(~taken[then.positions])
    return Queue.joined([first, rest]).taken(slice(count))
