"""Progress of a long job with its rate and the time left."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.worker.events import Event, Progressed


class Pace:
    """Turns “so many of so many” into events with a rate, measured since it was made."""

    def __init__(self, what: str, emit: Callable[[Event], None]) -> None:
        self._what = what
        self._emit = emit
        self._began = time.monotonic()

    def report(self, done: int, total: int) -> None:
        """Say how many are done."""
        rate = done / max(time.monotonic() - self._began, 1e-6)
        left = (total - done) / rate if rate > 0 else 0.0
        self._emit(Progressed(self._what, done, total, rate, left))
