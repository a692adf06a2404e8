"""Going to another point of the history, in steps through the ordered writer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlmodel import Session

from core.errors import LabelloopError
from core.storage import history
from core.storage.history import Walked, Way
from core.storage.writer import OrderedWriter


@dataclass(frozen=True)
class Progress:
    """How far a journey is."""

    way: Way
    """The way as it was at the start."""
    steps: int = 0
    changes: int = 0
    ended: bool = False
    stopped: bool = False
    """Ended before its target, because somebody asked or because something new was done."""


class Travel:
    """Walks along a way, a transaction of steps after another; what is decided meanwhile ends it."""

    def __init__(
        self,
        writer: OrderedWriter,
        way: Way,
        told: Callable[[Progress], None],
        failed: Callable[[LabelloopError], None] = lambda _error: None,
    ) -> None:
        """Set out. `told` and `failed` are called in the writer's thread."""
        self._writer, self._told, self._failed = writer, told, failed
        self._progress = Progress(way)
        self._stop = False
        self._newest = -1
        self._submit()

    def stop(self) -> None:
        """End the journey at the next step."""
        self._stop = True

    def _submit(self) -> None:
        self._writer.submit(self._walk, self._walked, self._failed)

    def _walk(self, session: Session) -> Walked | None:
        """Steps of one transaction; none when the journey has to end here."""
        if self._newest < 0:
            self._newest = history.newest(session)
        if self._stop or history.newest(session) != self._newest:
            return None
        way = self._progress.way
        left = replace(way, steps=way.steps - self._progress.steps)
        return history.walk(session, left, self._tell_inside, lambda: self._stop)

    def _tell_inside(self, _title: str, done: int, _total: int) -> None:
        self._told(replace(self._progress, changes=self._progress.changes + done))

    def _walked(self, walked: Walked | None) -> None:
        if walked is None:
            self._told(replace(self._progress, ended=True, stopped=True))
            return
        done = replace(
            self._progress, steps=self._progress.steps + walked.steps, changes=self._progress.changes + walked.changes
        )
        self._progress = done
        if walked.arrived:
            self._told(replace(done, ended=True, stopped=done.steps < done.way.steps))
        else:
            self._told(done)
            self._submit()
