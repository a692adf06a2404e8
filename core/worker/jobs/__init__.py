"""What the worker does. Only here and in `core.training` are the learning libraries imported."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from core.storage.database import Database, open_project
from core.worker import requests
from core.worker.events import Cancelled, Event, Exported, Finished, Started

Emit = Callable[[Event], None]
ShouldStop = Callable[[], bool]


def prepare(request: requests.Request) -> None:
    """Load the libraries that the job needs, which may take many seconds on a busy machine."""
    if isinstance(request, requests.Train | requests.Suggest):
        importlib.import_module("core.worker.jobs.train")  # an export needs no torch


def run(request: requests.Request, emit: Emit, should_stop: ShouldStop, log: str) -> Finished | Cancelled:
    """Do a job; returns its last event. Raises LabelloopError when it cannot be done."""
    database = open_project(Path(request.project))
    try:
        if isinstance(request, requests.Train):
            from core.worker.jobs.train import train

            return train(database, request, emit, should_stop, log)
        if isinstance(request, requests.Suggest):
            from core.worker.jobs.suggest import suggest

            return suggest(database, request, emit, should_stop, log)
        return _export(database, request, emit, log)
    finally:
        database.close()


def _export(database: Database, request: requests.Export, emit: Emit, log: str) -> Finished:
    from core.files.exporting import What, export
    from core.worker.jobs.pace import Pace

    emit(Started("export", None, log))
    pace = Pace("exporting", emit)
    done = export(database, Path(request.target), What(request.what), pace.report)
    emit(Exported(str(done.path), done.rows))
    return Finished(None, 0.0)
