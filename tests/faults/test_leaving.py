"""The app is left, or a folder changed, while something is in the way: it says where that is which was decided."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.check.examine import examine
from core.labelling.session import LabellingSession
from core.storage import pending, sqlite
from core.storage.database import Database, open_project
from core.storage.states import states
from tests.conftest import MakeProject

COUNT = 9


def decided(path: Path) -> int:
    database = open_project(path)
    pending.recover(database)
    with database.reading() as session:
        number = len(states(session, range(1, COUNT + 1)))
    database.close()
    assert examine(path).is_whole
    return number


@pytest.fixture
def path(project: MakeProject) -> Path:
    made = project(reviews=[f"text {number}" for number in range(COUNT)])
    made.close()
    return made.path


def test_what_cannot_be_written_at_the_end_stays_noted_and_is_entered_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    database = open_project(path)
    session = LabellingSession(database, "ann")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            session.give([1])
        told = session.close()
        other.execute("ROLLBACK")
    database.close()
    (noted,) = path.parent.glob(".*.pending")
    assert f"3 decisions could not be written to the project. They are noted in {noted}" in told
    assert "Another program has held" in told
    monkeypatch.setattr(pending, "_lives", lambda _process, _path: False)
    assert decided(path) == 3
    assert not noted.exists()


def test_decisions_that_could_not_even_be_noted_are_told_to_be_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    database = open_project(path)
    session = LabellingSession(database, "ann")

    def refuse(_file: int, _data: bytes) -> int:
        raise OSError(28, os.strerror(28))

    with closing(sqlite3.connect(path, isolation_level=None)) as other, monkeypatch.context() as full:
        other.execute("BEGIN IMMEDIATE")
        full.setattr("core.storage.pending.os.write", refuse)
        session.give([1])
        told = session.close()
        other.execute("ROLLBACK")
    database.close()
    assert "1 decision could not be written to the project. They are lost: label those reviews once more" in told


def test_left_with_everything_written_it_says_nothing(path: Path) -> None:
    database = open_project(path)
    session = LabellingSession(database, "ann")
    session.give([1])
    assert session.close() == ""
    database.close()
    assert decided(path) == 1


def test_a_project_removed_while_it_was_open_is_told_of_at_the_end_at_the_latest(path: Path) -> None:
    database = open_project(path)
    session = LabellingSession(database, "ann")
    session.give([1])
    session.writer.flush()
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink()
    told = session.close()
    database.close()
    (rescued,) = path.parent.glob("*.rescued-*.db")
    assert str(rescued) in told
    assert decided(rescued) == 1


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced there")
def test_what_was_labelled_is_not_played_into_another_project_that_took_its_place(
    path: Path, project: MakeProject
) -> None:
    other = project(reviews=[f"another {number}" for number in range(300)], name="other.db")
    other.close()
    before = other.path.read_bytes()
    database = open_project(path)
    session = LabellingSession(database, "ann")
    for _ in range(4):
        session.give([1])
    session.writer.flush()
    other.path.replace(path)
    assert "was replaced" in session.close()
    database.close()
    report = examine(path)
    assert report.is_whole, report
    assert path.read_bytes() == before
    (rescued,) = path.parent.glob("*.rescued-*.db")
    assert decided(rescued) == 4


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be renamed there")
def test_a_project_that_is_renamed_and_put_back_has_everything(path: Path, tmp_path: Path) -> None:
    database = open_project(path)
    session = LabellingSession(database, "ann")
    for _ in range(4):
        session.give([1])
    session.writer.flush()
    path.rename(tmp_path / "elsewhere.db")
    assert "was removed or renamed" in session.close()
    copied = tmp_path / "kept"
    copied.mkdir()
    for end in ("-wal", "-shm"):
        if path.with_name(path.name + end).exists():
            shutil.copyfile(path.with_name(path.name + end), copied / f"reviews.db{end}")
    shutil.copyfile(tmp_path / "elsewhere.db", copied / "reviews.db")
    database.close()
    assert decided(copied / "reviews.db") == 4


def test_a_folder_that_cannot_be_changed_any_more_keeps_nobody_from_leaving(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database: Database = open_project(path)
    session = LabellingSession(database, "ann")
    session.give([1])
    session.writer.flush()

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, os.strerror(13))

    with monkeypatch.context() as denied:
        denied.setattr(Path, "unlink", refuse)
        assert session.close() == ""
    database.close()
    assert decided(path) == 1
