"""How good answers to reviews with known labels are, and what several rehearsals of the same say together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.evaluate.calibration import expected_calibration_error

SURELY_WRONG = 1e-6
"""Probability below which being wrong costs no more log-loss."""


@dataclass(frozen=True)
class Scores:
    """How good the answers to the test reviews are."""

    accuracy: float
    """Share of exactly right labels, or label sets."""
    macro_f1: float
    micro_f1: float
    calibration_error: float
    """Expected calibration error of the most probable label, 0 to 1; multi-label: of every label."""
    log_loss: float


class Result(Protocol):
    """What one session has measured at one number of labels."""

    @property
    def method(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def budget(self) -> int: ...
    @property
    def labels(self) -> int: ...
    @property
    def scores(self) -> Mapping[str, float]: ...
    @property
    def seconds(self) -> float: ...


@dataclass(frozen=True)
class Spread:
    """Mean over the seeds, and their sample standard deviation; none with a single seed."""

    mean: float
    deviation: float | None


@dataclass(frozen=True)
class Row:
    """What a method has reached with a number of labels."""

    method: str
    budget: int
    labels: int
    """What there was of the budget: less where the data ended."""
    seeds: int
    scores: Mapping[str, Spread]
    """By the names of the fields of `Scores`."""
    seconds: Spread
    """Of training, from the first label on."""

    def to_json(self) -> dict[str, Any]:
        """The row as plain data."""
        scores = {name: {"mean": one.mean, "deviation": one.deviation} for name, one in self.scores.items()}
        seconds = {"mean": self.seconds.mean, "deviation": self.seconds.deviation}
        its = {"method": self.method, "budget": self.budget, "labels": self.labels, "seeds": self.seeds}
        return {**its, "scores": scores, "seconds": seconds}


def rows(results: Iterable[Result]) -> list[Row]:
    """One row a method and number of labels: methods in the order they come in, numbers of labels ascending."""
    kept: dict[tuple[str, int], list[Result]] = {}
    for result in results:
        kept.setdefault((result.method, result.budget), []).append(result)
    order = list(dict.fromkeys(method for method, _ in kept))
    return [_row(kept[key]) for key in sorted(kept, key=lambda key: (order.index(key[0]), key[1]))]


def _row(several: list[Result]) -> Row:
    first = several[0]
    scores = {name: spread([one.scores[name] for one in several]) for name in first.scores}
    labels = max(one.labels for one in several)
    seconds = spread([one.seconds for one in several])
    return Row(first.method, first.budget, labels, len(several), scores, seconds)


def spread(values: list[float]) -> Spread:
    """Mean and sample standard deviation."""
    return Spread(fmean(values), stdev(values) if len(values) > 1 else None)


def scores(said: NDArray[np.float32], truth: NDArray[np.generic]) -> Scores:
    """Scores of probabilities [n, classes] against class indices [n], or zeros and ones [n, classes].

    Macro-F1 is the mean over the labels that any of the reviews has.
    """
    sure = np.clip(said.astype(np.float64), SURELY_WRONG, 1 - SURELY_WRONG)
    if truth.ndim > 1:
        holds = truth.astype(bool)
        given = said >= 0.5
        loss = -np.mean(np.where(holds, np.log(sure), np.log(1 - sure)))
        confidence, right = np.maximum(said, 1 - said).ravel(), (given == holds).ravel()
        accuracy = float((given == holds).all(axis=1).mean())
    else:
        classes = said.shape[1]
        holds = np.eye(classes, dtype=bool)[truth.astype(np.int64)]
        given = np.eye(classes, dtype=bool)[said.argmax(axis=1)]
        loss = -np.mean(np.log(sure[holds]))
        confidence, right = said.max(axis=1), (given & holds).any(axis=1)
        accuracy = float(right.mean())
    hits, total = (given & holds).sum(axis=0), given.sum(axis=0) + holds.sum(axis=0)
    each = np.divide(2 * hits, total, out=np.zeros(len(hits)), where=total > 0)
    present = holds.any(axis=0)
    return Scores(
        accuracy,
        float(each[present].mean()) if present.any() else math.nan,
        float(2 * hits.sum() / max(total.sum(), 1)),
        expected_calibration_error(confidence, right),
        float(loss),
    )
