"""Strategies that ask what the learner is least sure of."""

from __future__ import annotations

import numpy as np

from core.queue.order import Queue, Reason
from core.queue.pool import Order, Pool
from core.queue.scores import Scores, confidences, divergences, entropies, margins, multi_label_margins


class Random:
    """In random order: what every other strategy has to beat, and what no model has biased."""

    def order(self, pool: Pool, count: int) -> Queue:
        """The first `count` reviews in random order."""
        return Queue.of(pool.shuffled()[:count], Reason.RANDOM)


class LeastConfidence:
    """The least probable suggestion first.

    Lewis and Gale, “A sequential algorithm for training text classifiers” (SIGIR 1994); Culotta and McCallum,
    “Reducing labeling effort for structured prediction tasks” (AAAI 2005).
    """

    def order(self, pool: Pool, count: int) -> Queue:
        """The first `count` reviews, the least confident suggestion first, then those without one at random."""
        able = pool.with_probabilities()
        if pool.probabilities is None or not len(able):
            return Random().order(pool, count)
        found = confidences(pool.probabilities[able], pool.multi)
        return least_first(pool, able, found, found, Reason.CONFIDENCE, count)


class Margin:
    """Breaking ties: the smallest difference between the two most probable labels first.

    Scheffer, Decomain and Wrobel, “Active hidden Markov models for information extraction” (2001); the best simple
    strategy with BERT in Schröder, Niekler and Potthast, “Revisiting uncertainty-based query strategies for active
    learning with transformers” (Findings of ACL 2022). With several labels the one nearest to one half decides: Wu,
    Sheng, Zhang et al., “Multi-label active learning algorithms for image classification” (ACM Computing Surveys
    2020).
    """

    def order(self, pool: Pool, count: int) -> Queue:
        """The first `count` reviews, the smallest margin first, then those without probabilities at random."""
        able = pool.with_probabilities()
        if pool.probabilities is None or not len(able):
            return Random().order(pool, count)
        found = doubts(pool, able)
        return least_first(pool, able, found, found, Reason.MARGIN, count)


class Entropy:
    """The most spread probabilities first.

    Shannon (1948); for choosing what to label: Settles and Craven, “An analysis of active learning strategies for
    sequence labeling tasks” (EMNLP 2008). With many labels it prefers what no label fits.
    """

    def order(self, pool: Pool, count: int) -> Queue:
        """The first `count` reviews, the greatest entropy first, then those without probabilities at random."""
        able = pool.with_probabilities()
        if pool.probabilities is None or not len(able):
            return Random().order(pool, count)
        found = entropies(pool.probabilities[able], pool.multi)
        return least_first(pool, able, -found, found, Reason.ENTROPY, count)


class Disagreement:
    """What two learners say most differently about first.

    Seung, Opper and Sompolinsky, “Query by committee” (COLT 1992); with Jensen-Shannon divergence: McCallum and
    Nigam, “Employing EM and pool-based active learning for text classification” (ICML 1998). While there is one
    learner: `Margin`.
    """

    def order(self, pool: Pool, count: int) -> Queue:
        """The first `count` reviews, the greatest divergence first, then the rest by margin."""
        if pool.probabilities is None or pool.second is None:
            return Margin().order(pool, count)
        both = ~np.isnan(pool.probabilities[:, :1]).any(axis=1) & ~np.isnan(pool.second[:, :1]).any(axis=1)
        able = np.flatnonzero(both)
        found = divergences(pool.probabilities[able], pool.second[able], pool.multi)
        first = least_first(pool, able, -found, found, Reason.DISAGREEMENT, min(count, len(able)))
        rest = np.flatnonzero(~both)
        more = Margin().order(pool.part(rest), count - len(first)).within(rest)
        return Queue.joined([first, more])


class LabelSearch:
    """The reviews most likely to have one label first: to find the rare, or to check what is called so.

    “Certainty” or relevance sampling: Lewis and Gale (SIGIR 1994), Attenberg and Provost, “Why label when you can
    search?” (KDD 2010), who show that search is what finds a class of one in a hundred.
    """

    def __init__(self, label: int) -> None:
        """`label` is the label's column in the probabilities."""
        self.label = label

    def order(self, pool: Pool, count: int) -> Queue:
        """The first `count` reviews, the highest probability first, then those without one at random.

        Raises ValueError when the learner does not know the label.
        """
        able = pool.with_probabilities()
        if pool.probabilities is None or not len(able):
            return Random().order(pool, count)
        if not 0 <= self.label < pool.probabilities.shape[1]:
            raise ValueError(f"label {self.label} of {pool.probabilities.shape[1]}")
        found = pool.probabilities[able, self.label]
        queue = least_first(pool, able, -found, found, Reason.LABEL, count)
        queue.labels[~np.isnan(queue.values)] = self.label
        return queue


def doubts(pool: Pool, positions: Order) -> Scores:
    """The margins of these reviews, single- or multi-label. Raises ValueError for a pool without probabilities."""
    if pool.probabilities is None:
        raise ValueError("the pool has no probabilities")
    return (multi_label_margins if pool.multi else margins)(pool.probabilities[positions])


def least_first(pool: Pool, able: Order, keys: Scores, values: Scores, reason: Reason, count: int) -> Queue:
    """The reviews `able` by their keys, equals in random order, then the pool's others in random order."""
    place = np.empty(pool.size, dtype=np.int64)
    shuffled = pool.shuffled()
    place[shuffled] = np.arange(pool.size)
    ranked = np.lexsort((place[able], keys))[:count]
    first = Queue.of(able[ranked], reason, values[ranked])
    if len(first) == count or len(able) == pool.size:
        return first
    scored = np.zeros(pool.size, dtype=np.bool_)
    scored[able] = True
    return Queue.joined([first, Queue.of(shuffled[~scored[shuffled]][: count - len(first)], Reason.RANDOM)])
