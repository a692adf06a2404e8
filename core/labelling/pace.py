"""How fast a person labels, and how long the rest will take."""

from __future__ import annotations

from collections import deque
from statistics import fmean

PAUSE = 120.0
"""Seconds after which a gap between two decisions counts as a break, not as work."""

REMEMBERED = 40
"""Decisions the pace is taken from: some five minutes of work."""

FEWEST = 3
"""Intervals before a pace is told."""


class Pace:
    """The moving pace of a labelling session. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._intervals: deque[float] = deque(maxlen=REMEMBERED)
        self.decided = 0
        """Decisions in this session."""
        self.streak = 0
        """Decisions since the last break."""
        self._since: float | None = None

    def decide(self, now: float) -> None:
        """A decision was made."""
        self.decided += 1
        if self._last is None or now - self._last >= PAUSE:
            self.streak, self._since = 0, now
        self.streak += 1
        if self._last is not None and now - self._last < PAUSE:
            self._intervals.append(now - self._last)
        self._last = now

    def minutes_at_work(self, now: float) -> float:
        """Minutes since the last break, or since the first decision."""
        return 0.0 if self._since is None else (now - self._since) / 60

    def rest(self, now: float) -> None:
        """A break was suggested: the next one is suggested after as much work again."""
        self._since = now

    @property
    def per_minute(self) -> float | None:
        """Decisions a minute, breaks left out; none before there are four."""
        if len(self._intervals) < FEWEST:
            return None
        return 60.0 / max(fmean(self._intervals), 1e-3)

    def minutes_left(self, remaining: int) -> float | None:
        """Minutes for so many more decisions at this pace; none while there is no pace."""
        pace = self.per_minute
        return None if pace is None else remaining / pace
