"""When to train by itself: a pure rule over a few numbers, so that it can be read and tested at a glance."""

from __future__ import annotations

from dataclasses import dataclass

FEWEST = 20
"""New labels below which no training starts by itself: they hardly change what a model says."""


@dataclass(frozen=True)
class Wanted:
    """What a person has asked for."""

    after_labels: int = 0
    """New labels after which to train; 0: not by their number."""
    after_minutes: float = 0.0
    """Minutes after which to train, if there are new labels; 0: not by time."""

    @property
    def anything(self) -> bool:
        """Whether training by itself is wanted at all."""
        return self.after_labels > 0 or self.after_minutes > 0


@dataclass(frozen=True)
class Situation:
    """How things stand."""

    new_labels: int
    """Labels given since the newest finished run, or since the beginning."""
    minutes_since: float
    """Minutes since the newest run ended, or since the project was opened."""
    on_battery: bool = False
    """Whether the machine runs on its battery."""
    quiet: bool = False
    """Whether a person asked for quiet."""
    busy: bool = False
    """Whether a job runs or waits."""
    unchanged: bool = False
    """Whether a run has seen exactly these annotations already."""
    new_when_failed: int | None = None
    """New labels there were when the newest training began, if it failed or was stopped; none if it finished."""


def due(wanted: Wanted, now: Situation) -> tuple[bool, str]:
    """Whether to start a training now, and why or why not, in a sentence.

    Never on battery, when asked to be quiet, while a job runs, below 20 new labels, twice for the same annotations,
    and after one that failed or was stopped only once more labels have come.
    """
    if not wanted.anything:
        return False, "Training by itself is off."
    hindrance = _hindrance(now)
    if hindrance:
        return False, hindrance
    if 0 < wanted.after_labels <= now.new_labels:
        return True, f"There are {now.new_labels:,} new labels."
    if 0 < wanted.after_minutes <= now.minutes_since:
        return True, f"There are {now.new_labels:,} new labels, and {now.minutes_since:.0f} minutes have passed."
    return False, _wait(wanted, now)


def _hindrance(now: Situation) -> str:
    """What speaks against a training whatever is wanted; empty when nothing does."""
    if now.busy:
        return "A job is running."
    if now.quiet:
        return "Quiet is asked for."
    if now.on_battery:
        return "The machine runs on its battery."
    if now.new_labels < FEWEST:
        return f"There are {now.new_labels:,} new labels, fewer than {FEWEST}."
    if now.unchanged:
        return "These annotations have been trained on."
    if now.new_when_failed is not None and now.new_labels <= now.new_when_failed:
        return "The last training did not finish; the next one waits for more labels."
    return ""


def _wait(wanted: Wanted, now: Situation) -> str:
    parts = []
    if wanted.after_labels:
        parts.append(f"{max(wanted.after_labels, FEWEST) - now.new_labels:,} more labels")
    if wanted.after_minutes:
        parts.append(f"{wanted.after_minutes - now.minutes_since:.0f} more minutes")
    return f"Waiting for {' or '.join(parts)}."


def on_battery() -> bool:
    """Whether the machine runs on its battery; false where that cannot be told, as on most desktops."""
    import psutil

    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError, RuntimeError):
        return False
    return battery is not None and battery.power_plugged is False
