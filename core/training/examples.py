"""The reviews a training learns from, as plain lists."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import TooFewLabels, TrainingError

if TYPE_CHECKING:  # the screen's process imports this module, and not numpy
    import numpy as np
    from numpy.typing import NDArray

Target = int | tuple[int, ...]
"""A label's index, or for multi-label the indices of all labels of the review (none is allowed)."""

FEWEST = 2
"""Fewest training reviews and classes; with fewer there is nothing to tell apart."""

MOST_VALIDATION = 2_000
"""Most reviews that `split` keeps back: they tell an accuracy to within 2 points, and cost ten seconds on a CPU."""


@dataclass(frozen=True)
class TrainingSet:
    """Training and validation reviews with their labels.

    Raises `TooFewLabels` for too few reviews or only one class, `TrainingError` for lists that do not fit.
    """

    train_texts: Sequence[str]
    train_labels: Sequence[Target]
    validation_texts: Sequence[str]
    validation_labels: Sequence[Target]
    label_names: Sequence[str]
    multi_label: bool = False
    pool_texts: Sequence[str] = ()
    """Unlabelled reviews to learn from too."""
    pool_targets: NDArray[np.float32] | None = None
    """[pool texts, classes]: the probabilities that a teacher gives them."""

    def __post_init__(self) -> None:
        if len(self.pool_texts) != (0 if self.pool_targets is None else len(self.pool_targets)):
            raise TrainingError(
                "The pool's reviews and what is said about them differ in number.", "Give each one row."
            )
        for part, texts, labels in (
            ("training", self.train_texts, self.train_labels),
            ("validation", self.validation_texts, self.validation_labels),
        ):
            if len(texts) != len(labels):
                raise TrainingError(
                    f"There are {len(texts)} {part} reviews and {len(labels)} labels.",
                    "Give each review one entry.",
                )
            for label in labels:
                self._check(label)
        self._check_enough()

    def _check(self, label: Target) -> None:
        fits = isinstance(label, tuple) == self.multi_label
        indices = label if isinstance(label, tuple) else (label,)
        if not fits or any(not 0 <= index < len(self.label_names) for index in indices):
            raise TrainingError(
                f"The label {label!r} does not fit a scheme of {len(self.label_names)} labels.",
                "Use a tuple of label indices." if self.multi_label else "Use the index of one label.",
            )

    def _check_enough(self) -> None:
        few = "Label some more reviews, of at least two classes, and train again."
        if len(self.train_texts) < FEWEST:
            raise TooFewLabels(f"There are {len(self.train_texts)} labelled reviews to train on.", few)
        different = set(self.train_labels)
        if len(different) < FEWEST:
            index = next(iter(different))
            names = [self.label_names[i] for i in (index if isinstance(index, tuple) else (index,))]
            raise TooFewLabels(f"All labelled reviews are of one class: {', '.join(names) or 'no label'}.", few)


def split(
    texts: Sequence[str],
    labels: Sequence[Target],
    label_names: Sequence[str],
    *,
    validation_share: float,
    seed: int = 0,
    multi_label: bool = False,
) -> TrainingSet:
    """Keep back `validation_share` of every class for validation, at most 2,000 reviews, drawn by `seed`.

    Shares are rounded down and the last review of a class (or label set) is never taken, so that every
    class is trained on; what rounding leaves short is filled from the largest classes.
    """
    groups: dict[Target, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        groups[label].append(index)
    order = random.Random(seed)
    kept: list[int] = []
    spare: list[int] = []
    for label in sorted(groups, key=lambda key: (-len(groups[key]), str(key))):
        members = groups[label]
        order.shuffle(members)
        count = min(int(len(members) * validation_share), len(members) - 1)
        kept += members[:count]
        spare += members[count:-1][: len(members) // 2]
    wanted = min(round(len(texts) * validation_share), MOST_VALIDATION)
    order.shuffle(kept)
    kept = [*kept[:wanted], *spare[: max(0, wanted - len(kept))]]
    back = set(kept)
    train = [index for index in range(len(texts)) if index not in back]
    validation = sorted(back)
    return TrainingSet(
        [texts[index] for index in train],
        [labels[index] for index in train],
        [texts[index] for index in validation],
        [labels[index] for index in validation],
        list(label_names),
        multi_label,
    )
