"""What a model says of labels that have been merged since it was trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def merged(probabilities: NDArray[np.float32], columns: Sequence[int], multi: bool) -> NDArray[np.float32]:
    """Probabilities of the merged labels, shape [reviews, max(columns) + 1], from shape [reviews, labels].

    `columns` says which merged label each label belongs to. Labels that exclude each other are added; in a
    multi-label scheme the most probable one counts, a lower bound of the probability of either.
    """
    wide = np.zeros((len(probabilities), max(columns) + 1), dtype=np.float32)
    for column, said in zip(columns, probabilities.T, strict=True):
        wide[:, column] = np.maximum(wide[:, column], said) if multi else wide[:, column] + said
    return wide
