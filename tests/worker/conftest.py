"""Projects to train on, and what a real worker says about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.files.importing import Choice, import_file
from core.storage.database import Database
from core.worker.client import Worker
from core.worker.events import Event
from core.worker.requests import Request, Train
from tests.conftest import MakeProject, learnable, write_csv

LABELLED = 80
OPEN = 2_300
"""More than two portions of suggestions."""


@pytest.fixture
def labelled_project(project: MakeProject, tmp_path: Path) -> Database:
    """A project with labels to learn from, and many reviews without."""
    database = project()
    pairs = learnable(LABELLED + OPEN)
    rows = [[text, label if number < LABELLED else ""] for number, (text, label) in enumerate(pairs)]
    import_file(
        database, Choice(write_csv(tmp_path / "some.csv", ["text", "mark"], rows), label_column="mark"), "ann"
    )
    return database


@pytest.fixture
def training(tiny_base: Path) -> Callable[..., Train]:
    """A request to train the tiny BERT, for a second or for ever."""

    def request(database: Database, endless: bool = False, cross_validate: bool = False, **arguments: Any) -> Train:
        length = {"epochs": 1_000, "patience": None} if endless else {"epochs": 4, "learning_rate": 3e-3}
        given = {"base_model": str(tiny_base), "pool_reviews": 0, **length, **arguments}
        return Train(str(database.path), given, cross_validate=cross_validate)

    return request


async def all_of(request: Request) -> tuple[list[Event], Worker]:
    """All events of a real worker, and the worker."""
    worker = Worker(request)
    return [event async for event in worker.events()], worker
