"""What holds a score down where more labels will not lift it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FEW = 16
"""Examples of a label below which it counts as hardly learned."""

FEWEST_REPEATS = 20
"""Silent repeats before a person's own consistency is told."""

FEWEST_ERRORS = 10
"""Errors of one kind before they are called a limit: fewer are chance."""

LARGE = 0.25
"""Share of all errors from which one cause is worth naming."""


class Cause(StrEnum):
    """What a score is held down by."""

    NOISE = "own disagreement"
    """The person decides differently about the same review."""
    RARE = "few examples"
    """Labels with few examples."""
    CONFUSED = "confusable labels"
    """Two labels that are taken for each other."""


@dataclass(frozen=True)
class Limit:
    """One cause, how much of the error it explains, and what to do about it."""

    cause: Cause
    share: float
    """Of the errors, 0 to 1; at least so much for `Cause.NOISE`."""
    sentence: str


@dataclass(frozen=True)
class Record:
    """What is known about a session besides its scores."""

    names: Sequence[str]
    """The labels."""
    examples: Sequence[int]
    """Reviews learned from, a label."""
    confusion: NDArray[np.int64] | None = None
    """Shape [labels, labels], rows true, columns predicted, on the audit set; None in a multi-label scheme."""
    repeats: int = 0
    """Reviews the person has been shown a second time without knowing."""
    changed: int = 0
    """Of these, how many were decided differently."""


def limits(record: Record) -> tuple[Limit, ...]:
    """The causes that explain much of the errors, the greatest first; none where nothing stands out."""
    found = [limit for limit in (_noise(record), _rare(record), _confused(record)) if limit is not None]
    return tuple(sorted(found, key=lambda limit: -limit.share))


def _noise(record: Record) -> Limit | None:
    if record.repeats < FEWEST_REPEATS or not record.changed:
        return None
    own = record.changed / record.repeats
    # Of two decisions that differ at least one is wrong, each as likely: half of them count against a model.
    share = 1.0 if record.confusion is None else min(1.0, own / 2 / max(_error(record.confusion), 1e-9))
    if share < LARGE:
        return None
    return Limit(
        Cause.NOISE,
        share,
        f"You decided differently about {record.changed:,} of {record.repeats:,} reviews shown twice: "
        f"no model can be right about more than some {1 - own / 2:.0%} of your labels. "
        "Clearer descriptions of the labels help, more labels do not.",
    )


def _rare(record: Record) -> Limit | None:
    few = [place for place, count in enumerate(record.examples) if count < FEW]
    if not few:
        return None
    names = _listed([f"“{record.names[place]}” ({record.examples[place]:,})" for place in few])
    if record.confusion is None:
        return Limit(Cause.RARE, LARGE, f"Few examples yet of {names}: “By label” in the command palette finds some.")
    wrong = _errors(record.confusion)
    count = int(wrong[few].sum())
    share = count / max(int(wrong.sum()), 1)
    if count < FEWEST_ERRORS or share < LARGE:
        return None
    return Limit(
        Cause.RARE,
        share,
        f"{share:.0%} of the errors are reviews of labels with few examples: {names}. "
        "“By label” in the command palette finds some.",
    )


def _confused(record: Record) -> Limit | None:
    if record.confusion is None or len(record.names) < 3:
        return None
    wrong = _errors(record.confusion)
    both = np.triu(wrong + wrong.T)
    first, second = divmod(int(both.argmax()), len(both))
    count, share = int(both[first, second]), both[first, second] / max(int(wrong.sum()), 1)
    if count < FEWEST_ERRORS or share < LARGE:
        return None
    return Limit(
        Cause.CONFUSED,
        float(share),
        f"{share:.0%} of the errors take “{record.names[first]}” and “{record.names[second]}” for each other: "
        "say in their descriptions what tells them apart, or merge them.",
    )


def _errors(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    return confusion - np.diag(np.diag(confusion))


def _error(confusion: NDArray[np.int64]) -> float:
    return float(_errors(confusion).sum() / max(int(confusion.sum()), 1))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3:,} more"
