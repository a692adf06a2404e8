"""Scores of predicted against true labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.evaluate.f1 import divided, f1, macro_f1, micro_f1, outcomes, summed
from core.evaluate.intervals import macro_f1_interval, micro_f1_interval, wilson


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
    given: int | None = None
    """How many were predicted to have it; None in records that are older than it."""


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
    """Counts, rows true, columns predicted; empty in a multi-label scheme, see `pairs`."""
    macro_f1_low: float | None = None
    """Lower end of the 95 % bootstrap interval of the macro-F1; None in records that are older than it."""
    macro_f1_high: float | None = None
    micro_f1: float | None = None
    """F1 of all pairs of review and label together; only in a multi-label scheme, else it is the accuracy."""
    micro_f1_low: float | None = None
    micro_f1_high: float | None = None

    @property
    def pairs(self) -> tuple[tuple[int, int, int], ...]:
        """Of each label, how many have it and were predicted to, have it only, and were predicted only.

        Empty in records that are older than `PerLabel.given`.
        """
        found = [(round(one.recall * one.support), one.support, one.given) for one in self.labels]
        return tuple((hits, support - hits, given - hits) for hits, support, given in found if given is not None)

    def to_json(self) -> dict[str, Any]:
        """The form in the database and of `--json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read the form in the database."""
        labels = tuple(PerLabel(**label) for label in data["labels"])
        confusion = tuple(tuple(row) for row in data["confusion"])
        known = {field.name: data[field.name] for field in fields(cls) if field.name in data}
        return cls(**{**known, "labels": labels, "confusion": confusion})


def scores(
    name: str, label_names: Sequence[str], true: NDArray[np.bool_], predicted: NDArray[np.bool_], multi: bool
) -> Scores:
    """Score predictions.

    `true` and `predicted` have shape [reviews, labels] and say which labels a review has. Raises ValueError
    when there is no review.
    """
    if len(true) == 0:
        raise ValueError("nothing to measure on")
    total = summed(outcomes(true, predicted))
    precision, recall, each = divided(total.hits, total.given), divided(total.hits, total.support), f1(total)
    right = int((true == predicted).all(axis=1).sum())
    low, high = wilson(right, len(true))
    macro_low, macro_high = macro_f1_interval(true, predicted)
    micro_low, micro_high = micro_f1_interval(true, predicted) if multi else (None, None)
    return Scores(
        name=name,
        size=len(true),
        accuracy=right / len(true),
        accuracy_low=low,
        accuracy_high=high,
        macro_f1=float(macro_f1(total)),
        labels=tuple(
            PerLabel(
                label,
                float(precision[i]),
                float(recall[i]),
                float(each[i]),
                int(total.support[i]),
                int(total.given[i]),
            )
            for i, label in enumerate(label_names)
        ),
        confusion=() if multi else _confusion(true, predicted),
        macro_f1_low=macro_low,
        macro_f1_high=macro_high,
        micro_f1=float(micro_f1(total)) if multi else None,
        micro_f1_low=micro_low,
        micro_f1_high=micro_high,
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
