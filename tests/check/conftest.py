"""A project in which everything occurs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.files.importing import Choice, import_file
from core.labels import SchemeKind, new_labels
from core.storage.database import create
from tests.check.damage import COUNT
from tests.conftest import write_csv
from tests.storage.corpus import busy, reviews


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed project in which everything occurs."""
    folder = tmp_path_factory.mktemp("original")
    database = create(folder / "reviews.db", SchemeKind.SINGLE, new_labels(["positive", "negative"]))
    rows = [(f"r{number}", f"{text} {number}") for number, text in enumerate(reviews(COUNT))]
    import_file(database, Choice(write_csv(folder / "reviews.csv", ["id", "text"], rows)), "ann")
    busy(database, COUNT)
    database.close()
    return database.path


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copied = tmp_path / "reviews.db"
    shutil.copyfile(original, copied)
    copied.chmod(0o600)
    return copied
