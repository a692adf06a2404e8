"""Time to target: what the next labels will bring, how long they take, or that it cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, log10

import numpy as np

from core.evaluate.forecast_limits import Limit, Record, limits
from core.evaluate.forecast_stopping import WORTH, is_flat, is_stable
from core.evaluate.learning_curve import FEWEST_POINTS, LEAST_SPAN, Band, Curve, Point, fit

CONFIDENCE = 0.8
"""Of the intervals told: four in five."""

SHARES = (0.2, 0.5, 1.0, 2.0)
"""Further labels that are looked at, as shares of those there are. No farther than three times what was measured."""

WORTHWHILE = 0.01
"""Gain from which a number of further labels is proposed: a point."""

SEEN = 0.002
"""Lower end of the gain from which it is promised: a fifth of a point."""


class Outlook(StrEnum):
    """What more labels will do."""

    HELPS = "more labels help"
    HARDLY = "more labels will hardly help"
    UNTOLD = "cannot be told yet"


@dataclass(frozen=True)
class Forecast:
    """What the next labels will bring."""

    outlook: Outlook
    now: int
    """Labels there are."""
    more: int | None = None
    """Further labels the forecast is about."""
    gain: Band | None = None
    """Growth of the score by them, 0 to 1, with an interval of `CONFIDENCE`."""
    minutes: float | None = None
    """For them at the person's pace; None without a pace."""
    stop: bool = False
    """The stopping hint: the curve is flat and predictions are stable."""
    limits: tuple[Limit, ...] = ()
    """What holds the score down, the greatest first."""

    @property
    def sentence(self) -> str:
        """The forecast in words."""
        return _sentence(self)


@dataclass(frozen=True)
class Target:
    """How many further labels reach a score."""

    score: float
    likely: float
    """Share of the curves on which any number of labels reaches it."""
    more: Band | None
    """Further labels, among these curves; None where less than half of them reach it."""


def forecast(
    points: Sequence[Point],
    per_minute: float | None = None,
    remaining: int | None = None,
    kappas: Sequence[float] = (),
    record: Record | None = None,
    seed: int = 0,
) -> Forecast:
    """What the next labels will bring, from the scores of a session.

    `per_minute` is the person's pace in labels, `remaining` how many reviews are left, `kappas` how far the
    predictions of each training agree with those of the one before (`forecast_stopping.kappa`), `record` what may
    hold the score down.
    """
    now = max((point.labels for point in points), default=0)
    causes = limits(record) if record is not None else ()
    curve = fit(points, seed)
    if curve is None or (remaining is not None and remaining <= 0):
        return Forecast(Outlook.UNTOLD, now, limits=causes)
    more, gain = _proposed(curve, now, remaining)
    flat = is_flat(curve, now)
    if flat:
        outlook = Outlook.HARDLY
    elif gain.low >= SEEN and gain.middle >= WORTH:
        outlook = Outlook.HELPS
    else:
        outlook = Outlook.UNTOLD
    minutes = more / per_minute if per_minute else None
    return Forecast(outlook, now, more, gain, minutes, flat and is_stable(kappas), causes)


def _proposed(curve: Curve, now: int, remaining: int | None) -> tuple[int, Band]:
    """The smallest number of further labels worth proposing; where none is, as many again."""
    offers = []
    for share in SHARES:
        more = min(rounded(now * share), remaining) if remaining is not None else rounded(now * share)
        gain = curve.gain(now, now + more, CONFIDENCE)
        offers.append((more, gain))
        if gain.middle >= WORTHWHILE:
            return more, gain
    return offers[SHARES.index(1.0)]


def target(curve: Curve, score: float, confidence: float = CONFIDENCE) -> Target:
    """How many further labels, from the last ones measured, reach a score, and how likely any number does."""
    room = 1 - score - curve.least
    able = (room > 0) & (curve.height > 0)
    there = (room > 0) & (curve.height * float(curve.labels) ** -curve.exponent <= room)
    likely = float((able | there).mean())
    if likely < 0.5:
        return Target(score, likely, None)
    reaches = able & ~there
    more = np.zeros(int((able | there).sum()))
    powers = np.log(curve.height[reaches] / room[reaches]) / curve.exponent[reaches]
    more[: int(reaches.sum())] = np.exp(np.minimum(powers, 50.0)) - curve.labels
    low, middle, high = np.percentile(more, [50 * (1 - confidence), 50, 50 * (1 + confidence)])
    return Target(score, likely, Band(float(middle), float(low), float(high)))


def rounded(labels: float) -> int:
    """A number of labels that promises no more than it knows: two digits, at least 1."""
    step: int = 10 ** max(0, int(log10(max(labels, 1))) - 1)
    return max(1, ceil(labels / step) * step)


def _sentence(told: Forecast) -> str:
    match told.outlook:
        case Outlook.HELPS:
            return f"{_cost(told)} for {_points(told.gain)}."
        case Outlook.HARDLY:
            why = " ".join(limit.sentence for limit in told.limits) or "No single cause stands out."
            stop = "You can stop: " if told.stop else ""
            start = "more labels will hardly help" if told.stop else "More labels will hardly help"
            return f"{stop}{start} ({_cost(told, 'about')} for {_points(told.gain)}). {why}"
        case Outlook.UNTOLD if told.gain is None:
            return (
                f"What more labels bring cannot be told yet: it takes scores at {FEWEST_POINTS} numbers of labels, "
                f"the largest at least {LEAST_SPAN:.0f} times the smallest."
            )
        case Outlook.UNTOLD:
            low, high = (100 * end for end in (told.gain.low, told.gain.high)) if told.gain else (0.0, 0.0)
            return (
                f"What more labels bring cannot be told yet: {told.more:,} more may bring {low:+.1f} to "
                f"{high:+.1f} points. A larger audit set tells."
            )


def _cost(told: Forecast, about: str = "About") -> str:
    labels = f"{about} {told.more:,} more label{'' if told.more == 1 else 's'}"
    return labels if told.minutes is None else f"{labels}, {_time(told.minutes)} at your pace,"


def _time(minutes: float) -> str:
    if minutes < 90:
        whole = max(1, round(minutes))
        return f"{whole} minute{'' if whole == 1 else 's'}"
    return f"{minutes / 60:.1f} hours"


def _points(gain: Band | None) -> str:
    if gain is None:
        return "an unknown gain"
    return f"{100 * gain.middle:+.1f} points ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
