"""The ordered writer: what a person does reaches the disk in the order it was done, off the screen's thread."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlmodel import Session

from core.errors import LabelloopError, ProjectBusy, ProjectError
from core.storage.database import Database
from core.storage.signature import signature

T = TypeVar("T")

PATIENCE = 300.0
"""Seconds for which a job is tried while another program writes: to import a million reviews takes a third of it."""

GRACE = 0.010
"""Seconds that a decision waits for, so that the screen paints the next review first: both need the interpreter."""


@dataclass(frozen=True)
class _Job:
    work: Callable[[Session], Any]
    done: Callable[[Any], None]
    failed: Callable[[LabelloopError], None]


class OrderedWriter:
    """A thread that runs writing transactions one after the other, in the order they were handed in.

    `done` and `failed` are called in that thread, after the commit. A failed job does not keep later ones
    from running.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reading() as session:
            self.known = signature(session)
            """The project as it was after our last commit."""
        self.overtaken = False
        """Somebody else has committed between our commits. Whoever acts on it sets it back."""
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._hurry = threading.Event()
        """Somebody waits for the disk: no grace then."""
        self._closing = False
        self._held: ProjectBusy | None = None
        """What was said when another program still held the project at the end: nothing else waits for it then."""
        self._thread = threading.Thread(target=self._run, name="ordered-writer", daemon=True)
        self._thread.start()

    def submit(
        self,
        work: Callable[[Session], T],
        done: Callable[[T], None] = lambda _result: None,
        failed: Callable[[LabelloopError], None] = lambda _error: None,
    ) -> None:
        """Queue a transaction; returns at once."""
        self._jobs.put(_Job(work, done, failed))

    def marker(self) -> threading.Event:
        """An event that is set when everything handed in so far has been written, or has failed."""
        reached = threading.Event()
        self._hurry.set()
        self._jobs.put(_Job(lambda _session: None, lambda _none: reached.set(), lambda _error: reached.set()))
        return reached

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until everything handed in so far is on disk; false if that took longer than `timeout` seconds."""
        return self.marker().wait(timeout)

    def close(self, timeout: float = 30.0) -> None:
        """Finish what was handed in, then end the thread."""
        self._closing = True
        self._hurry.set()
        self._jobs.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._hurry.wait(GRACE)
            try:
                if self._held is not None:
                    raise self._held
                result = self._write(job)
            except LabelloopError as error:
                _tell(job.failed, error)
            except Exception as error:
                unexpected = ProjectError(f"Writing to {self._database.path} failed: {error!r}.", "See the log.")
                unexpected.__cause__ = error
                _tell(job.failed, unexpected)
            else:
                _tell(job.done, result)
            if self._jobs.empty():
                self._hurry.clear()

    def _write(self, job: _Job) -> Any:
        """Do a job in a transaction; while another program holds the project, try again and again."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                with self._database.writing() as session:
                    found = signature(session)
                    result = job.work(session)
                    session.flush()
                    known = signature(session)
            except ProjectBusy as error:
                if self._closing:
                    self._held = error
                if self._closing or time.monotonic() > end:
                    raise
            else:
                self.overtaken = self.overtaken or found != self.known
                self.known = known
                return result


def _tell(listener: Callable[[T], None], told: T) -> None:
    """A listener that fails must not end the thread: what is handed in later would never be written."""
    try:
        listener(told)
    except Exception:
        logging.exception("Nobody could be told what became of a write")
