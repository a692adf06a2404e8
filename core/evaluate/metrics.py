"""Scores of predicted against true labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.evaluate.intervals import wilson


@dataclass(frozen=True)
class PerLabel:
    """Scores of one label."""

    label: str
    precision: float
    """Of those predicted to have it, the share that have it; 0 when none was predicted."""
    recall: float
    """Of those that have it, the share that was found; 0 when none has it."""
    f1: float
    support: int
    """How many have it."""


@dataclass(frozen=True)
class Scores:
    """Scores of one way of labelling on one set of reviews."""

    name: str
    size: int
    """Reviews it was measured on."""
    accuracy: float
    """Share of reviews whose labels are all right."""
    accuracy_low: float
    """Lower end of the 95 % Wilson interval of the accuracy."""
    accuracy_high: float
    macro_f1: float
    """Mean of the labels' F1, over labels that occur among the true or the predicted ones."""
    labels: tuple[PerLabel, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Counts, rows true, columns predicted; empty in a multi-label scheme."""

    def to_json(self) -> dict[str, Any]:
        """The form in the database and of `--json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read the form in the database."""
        labels = tuple(PerLabel(**label) for label in data["labels"])
        confusion = tuple(tuple(row) for row in data["confusion"])
        return cls(**{**data, "labels": labels, "confusion": confusion})


def scores(
    name: str, label_names: Sequence[str], true: NDArray[np.bool_], predicted: NDArray[np.bool_], multi: bool
) -> Scores:
    """Score predictions.

    `true` and `predicted` have shape [reviews, labels] and say which labels a review has. Raises ValueError
    when there is no review.
    """
    if len(true) == 0:
        raise ValueError("nothing to measure on")
    hits = (true & predicted).sum(axis=0)
    given = predicted.sum(axis=0)
    support = true.sum(axis=0)
    precision = np.divide(hits, given, out=np.zeros(len(hits)), where=given > 0)
    recall = np.divide(hits, support, out=np.zeros(len(hits)), where=support > 0)
    together = given + support
    f1 = np.divide(2 * hits, together, out=np.zeros(len(hits)), where=together > 0)
    right = int((true == predicted).all(axis=1).sum())
    low, high = wilson(right, len(true))
    occurring = together > 0
    return Scores(
        name=name,
        size=len(true),
        accuracy=right / len(true),
        accuracy_low=low,
        accuracy_high=high,
        macro_f1=float(f1[occurring].mean()) if occurring.any() else 0.0,
        labels=tuple(
            PerLabel(label, float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, label in enumerate(label_names)
        ),
        confusion=() if multi else _confusion(true, predicted),
    )


def _confusion(true: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> tuple[tuple[int, ...], ...]:
    table = true.astype(np.int64).T @ predicted.astype(np.int64)
    return tuple(tuple(int(count) for count in row) for row in table)


def indicator(chosen: Sequence[Sequence[int]], labels: int) -> NDArray[np.bool_]:
    """Shape [reviews, labels]: which labels each review has, from positions of labels."""
    table = np.zeros((len(chosen), labels), dtype=np.bool_)
    for row, positions in enumerate(chosen):
        table[row, list(positions)] = True
    return table
