"""Query strategies: which unlabelled reviews are worth a person's time, from probabilities alone."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from core.queue.pool import Order, Probabilities
from core.queue.scores import margins, multi_label_margins

__all__ = [
    "Margin",
    "MultiLabelMargin",
    "Order",
    "Probabilities",
    "Strategy",
    "interleaved",
    "margins",
    "multi_label_margins",
]


class Strategy(Protocol):
    """Ranks reviews by how much a label for them is worth."""

    def rank(self, probabilities: Probabilities) -> Order:
        """All positions, the most useful first. Ties keep their order."""
        ...


class Margin:
    """Breaking ties: the smallest difference between the two most probable labels first.

    Scheffer, Decomain and Wrobel, “Active hidden Markov models for information extraction” (2001); the best
    simple strategy with BERT in Schröder, Niekler and Potthast, “Revisiting uncertainty-based query
    strategies for active learning with transformers” (Findings of ACL 2022).
    """

    def rank(self, probabilities: Probabilities) -> Order:
        """All positions, the smallest margin first."""
        return np.argsort(margins(probabilities), kind="stable")


class MultiLabelMargin:
    """Multi-label form of breaking ties: the label nearest to one half decides.

    “Minimum” instance aggregation of Wu, Sheng, Zhang et al., “Multi-label active learning algorithms for image
    classification: overview and future promise” (ACM Computing Surveys 2020).
    """

    def rank(self, probabilities: Probabilities) -> Order:
        """All positions, those with a label nearest to one half first."""
        return np.argsort(multi_label_margins(probabilities), kind="stable")


def interleaved(main: Order, drawn: Order, every: int) -> list[tuple[int, bool]]:
    """Mix two orders: each `every`-th place comes from `drawn`, the others from `main`, until both are used up.

    Gives (position, came from drawn), each position once.
    """
    mixed: list[tuple[int, bool]] = []
    used: set[int] = set()
    sources = {False: iter(main.tolist()), True: iter(drawn.tolist())}
    while True:
        wanted = len(mixed) % every == every - 1
        for from_drawn in (wanted, not wanted):
            position = next((found for found in sources[from_drawn] if found not in used), None)
            if position is not None:
                used.add(position)
                mixed.append((position, from_drawn))
                break
        else:
            return mixed
