"""What the worker does. Only here and in `core.training` are the learning libraries imported."""

from __future__ import annotations

import importlib
import queue
from collections.abc import Callable
from pathlib import Path

from core.storage.database import Database, open_project
from core.worker import requests
from core.worker.events import Cancelled, Event, Exported, Finished, Started

Emit = Callable[[Event], None]
ShouldStop = Callable[[], bool]
Inbox = queue.SimpleQueue[requests.Question | None]
"""Questions to the running job; None wakes a job that waits for one, so that it notices that it shall stop."""


def prepare(request: requests.Request) -> None:
    """Load the libraries that the job needs, which may take many seconds on a busy machine."""
    if isinstance(request, requests.Train | requests.Suggest):
        importlib.import_module("core.worker.jobs.train")  # an export needs no torch
    elif isinstance(request, requests.Assist):
        importlib.import_module("core.worker.jobs.assist")
    elif isinstance(request, requests.Rehearse):
        importlib.import_module("core.worker.jobs.rehearse")


def run(
    request: requests.Request,
    emit: Emit,
    should_stop: ShouldStop,
    log: str,
    inbox: Inbox | None = None,
) -> Finished | Cancelled:
    """Do a job; returns its last event. Raises LabelloopError when it cannot be done.

    `inbox` brings questions to a job that answers some.
    """
    if isinstance(request, requests.Rehearse):
        from core.worker.jobs.rehearse import rehearse

        return rehearse(request, emit, should_stop, log)
    database = open_project(Path(request.project))
    try:
        if isinstance(request, requests.Train):
            from core.worker.jobs.train import train

            return train(database, request, emit, should_stop, log)
        if isinstance(request, requests.Suggest):
            from core.worker.jobs.suggest import suggest

            return suggest(database, request, emit, should_stop, log)
        if isinstance(request, requests.Assist):
            from core.worker.jobs.assist import assist

            return assist(database, request, emit, should_stop, log, inbox or queue.SimpleQueue())
        return _export(database, request, emit, should_stop, log)
    finally:
        database.close()


class _ExportStopped(Exception):
    """A person asked for an end; what was written so far is removed."""


def _export(
    database: Database, request: requests.Export, emit: Emit, should_stop: ShouldStop, log: str
) -> Finished | Cancelled:
    from core.files.exporting import What, Wish, export
    from core.worker.jobs.pace import Pace

    emit(Started("export", None, log))
    pace = Pace("exporting", emit)

    def report(done: int, of: int) -> None:
        if should_stop():
            raise _ExportStopped
        pace.report(done, of)

    wish = Wish(What(request.what), request.where, request.format, request.guard, request.card)
    try:
        done = export(database, Path(request.target), wish, report)
    except _ExportStopped:
        return Cancelled(None, "Stopped as asked; nothing was written.")
    emit(Exported(str(done.path), done.rows, str(done.card or ""), done.notes))
    return Finished(None, 0.0)
