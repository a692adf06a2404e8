"""What labelloop does unless told otherwise: cover the space first, then doubt with diversity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.queue.covering import cover
from core.queue.diversity import MOST_CHOSEN, Cover, followed, kernel
from core.queue.order import REASONS, Queue, Reason
from core.queue.pool import UNKNOWN, Pool, Probabilities
from core.queue.space import Space
from core.queue.uncertainty import Margin, doubts

START = 24
"""Labels before a model's doubts are asked: with fewer it doubts the wrong things. Between 16 and 48 it hardly
mattered on seven sets. At least as many as the scheme has labels: with 77 of them, 64 typical reviews gave 34 %
accuracy, 24 and then doubts 31 %."""

MOST_DOUBTED = 0.05
"""Share of the pool that counts as doubted; 0.03 to 0.1 were alike."""

FEWEST_DOUBTED, MOST_COMPARED = 64, 2_000
"""Bounds of their number: enough to choose among, and each compared with each in 20 ms."""

COMPANY = 5
"""Nearest other candidates that say whether one is an outlier."""

ALONE = 0.3
"""Of the median candidate's similarity to its nearest: one with less is an outlier."""

GREATEST_NEED = 8.0
"""A label counts at most this many times as rare as the mean, and at least a quarter."""

RARE = 0.5
"""Of the mean number of examples: a label with fewer is called rare."""

LIKELY = 0.25
"""Probability of a rare label from which it is the reason."""


class DoubtAndDiversity:
    """Of the reviews that the model doubts most, those that stand for most of the others, one of each kind.

    Filtered active submodular selection: Wei, Iyer and Bilmes, “Submodularity in data subset selection and active
    learning” (ICML 2015). An outlier stands for nothing but itself and comes late, however much it is doubted. In a
    single-label scheme doubt counts for more where labels with few examples are likely, as in Aggarwal, Popescu and
    Hudelot, “Active learning for imbalanced datasets” (WACV 2020); with several labels that cost 2 points of F1.
    """

    def order(self, pool: Pool, count: int) -> Queue:
        """The first `count` reviews: up to `MOST_CHOSEN` with care, then the others by margin."""
        able = pool.with_probabilities()
        able = able[pool.feature_rows()[able] != UNKNOWN]
        if pool.probabilities is None or pool.features is None or not len(able):
            return Margin().order(pool, count)
        margin = doubts(pool, able)
        needed = np.ones(len(able), dtype=np.float32)
        if not pool.multi and pool.labelled is not None:
            needed = pool.probabilities[able] @ need(pool.labelled)
        wanted = int(np.clip(MOST_DOUBTED * len(able), FEWEST_DOUBTED, MOST_COMPARED))
        doubted = np.argsort((margin - 1) * needed, kind="stable")[:wanted]
        vectors = Space.of(pool).vectors(pool.feature_rows()[able[doubted]])
        nothing = np.zeros(len(doubted), dtype=np.float32)
        similarities = kernel(vectors, vectors)
        np.fill_diagonal(similarities, _own(similarities))
        found = cover(similarities, needed[doubted], nothing, min(count, MOST_CHOSEN)).chosen
        chosen = doubted[found]
        first = Queue.of(able[chosen], Reason.MARGIN, margin[chosen])
        return followed(pool, _with_rare(pool, first), Margin().order(pool, pool.size), count)


class Auto:
    """The default: cover the space first, then doubt with diversity.

    Cold start by typical reviews and uncertainty later: Hacohen, Dekel and Weinshall, “Active learning on a budget:
    opposite strategies suit high and low budgets” (ICML 2022).
    """

    def order(self, pool: Pool, count: int) -> Queue:
        """The first `count` reviews."""
        labelled, labels = (0, 0) if pool.labelled is None else pool.labelled.shape
        if labelled >= max(START, labels) and len(pool.with_probabilities()):
            return DoubtAndDiversity().order(pool, count)
        if len(pool.with_features()):
            return Cover().order(pool, count)
        return Margin().order(pool, count)


def _own(similarities: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each candidate counts for standing for itself, shape [candidates]: 1, but hardly at all for outliers.

    With 1, an outlier would come as soon as the first of each kind has. Less for all others too was worse.
    """
    others = min(COMPANY, len(similarities) - 1)
    if others < 1:
        return np.ones(len(similarities), dtype=np.float32)
    nearest = np.partition(similarities, -others - 1, axis=1)[:, -others - 1 :]
    company = (nearest.sum(axis=1) - np.diag(similarities)) / others
    own: NDArray[np.float32] = np.where(company < ALONE * np.median(company), company, 1).astype(np.float32)
    return own


def need(labelled: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How much each label wants for examples, shape [labels]: the root of how much rarer than the mean it is."""
    examples = labelled.sum(axis=0)
    mean = max(float(examples.mean()), 1.0) if len(examples) else 1.0
    wanted: NDArray[np.float32] = np.sqrt(np.clip(mean / (examples + 1), 1 / 4, GREATEST_NEED)).astype(np.float32)
    return wanted


def _with_rare(pool: Pool, queue: Queue) -> Queue:
    """The same with another reason where a label with few examples is likely: that label, and its probability."""
    if pool.labelled is None or pool.probabilities is None or pool.multi or pool.labelled.shape[1] < 2:
        return queue
    examples = pool.labelled.sum(axis=0)
    few = np.flatnonzero(examples < RARE * examples.mean())
    if not len(few):
        return queue
    said: Probabilities = pool.probabilities[queue.positions][:, few]
    label, probability = few[said.argmax(axis=1)], said.max(axis=1)
    rare = probability >= LIKELY
    return replace(
        queue,
        reasons=np.where(rare, REASONS.index(Reason.RARE), queue.reasons).astype(np.int8),
        values=np.where(rare, probability, queue.values).astype(np.float32),
        labels=np.where(rare, label, queue.labels).astype(np.int16),
    )
