"""When to stop labelling: a hint that needs two witnesses, a flat learning curve and predictions that stay."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluate.learning_curve import Curve

STEP = 0.2
"""The next labels that are asked about, as a share of those there are."""

WORTH = 0.005
"""Gain from the next labels below which they are not worth a person's time: half a point."""

WORTH_DOUBLED = 0.02
"""The same of twice the labels, so that a long way to go at a slow pace is no reason to stop."""

FEWEST_LABELS = 200
"""Before so many, a flat curve may be that of a model that gives one label to everything and has yet to start."""

SURE = 0.95
"""Confidence of the intervals whose upper ends have to be below. Looked at after each training, the curve was
called flat too early in 4 of 110 simulated sessions, by a gain of at most 0.6 points; with 0.9 in one of ten."""

WINDOW = 3
"""Trainings in a row whose predictions have to agree with those before them (Bloodgood and Vijay-Shanker 2009)."""

STABLE = 0.99
"""Mean kappa over the window from which predictions count as stable (the same)."""

FEWEST_COMPARED = 500
"""Reviews of the pool whose predictions are compared; with fewer, one that changes is half a percent."""


def kappa(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Cohen's kappa of two models' predictions on the same reviews: 1 for the same, 0 for no more than by chance.

    Both of shape [reviews], label numbers, or [reviews, labels], true where the label is given: then over all pairs.
    Two that give one and the same label to everything have not learned yet: 0. Cohen, “A coefficient of agreement
    for nominal scales” (1960).
    """
    ours, theirs = np.ravel(first).astype(np.int64), np.ravel(second).astype(np.int64)
    if len(ours) != len(theirs) or not len(ours):
        raise ValueError(f"{len(ours)} predictions against {len(theirs)}")
    observed = float((ours == theirs).mean())
    kinds = int(max(ours.max(), theirs.max())) + 1
    shares = [np.bincount(each, minlength=kinds) / len(each) for each in (ours, theirs)]
    chance = float(shares[0] @ shares[1])
    return 0.0 if chance >= 1 else (observed - chance) / (1 - chance)


def is_stable(kappas: Sequence[float]) -> bool:
    """Whether the last trainings changed next to no prediction.

    `kappas` are those of each training with the one before, on the same reviews of the pool, in their order:
    Bloodgood and Vijay-Shanker, “A method for stopping active learning based on stabilizing predictions and the need
    for user-adjustable stopping” (CoNLL 2009).
    """
    return len(kappas) >= WINDOW and fmean(kappas[-WINDOW:]) >= STABLE - 1e-9


def is_flat(curve: Curve, now: int) -> bool:
    """Whether the next fifth of labels surely brings less than half a point, and as many again less than two."""
    if now < FEWEST_LABELS:
        return False
    nearly, doubled = curve.gain(now, now * (1 + STEP), SURE), curve.gain(now, now * 2, SURE)
    return nearly.high < WORTH and doubled.high < WORTH_DOUBLED


def may_stop(curve: Curve | None, now: int, kappas: Sequence[float]) -> bool:
    """The hint: the curve is flat and the predictions are stable. Either alone says too early that it is enough."""
    return curve is not None and is_flat(curve, now) and is_stable(kappas)
