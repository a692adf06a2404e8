"""Project files: made whole or not at all, and what is none is refused with a sentence."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import select

from core.errors import NotAProject, ProjectError, ProjectTooNew
from core.labels import SchemeKind, new_labels
from core.storage import browse, migrate, sqlite
from core.storage.database import annotator_id, create, open_project, project_of
from core.storage.tables import Label, Review
from tests.conftest import MakeProject

LABELS = new_labels(["positive", "negative"])


@pytest.mark.parametrize(
    "name", ["reviews.db", "what?.db", "100% & more #1.db", "späße 批評.db", "no suffix", "a?b=c&d"]
)
def test_a_project_has_the_name_it_was_given(tmp_path: Path, name: str) -> None:
    database = create(tmp_path / name, SchemeKind.MULTI, LABELS)
    with database.reading() as session:
        assert project_of(session).kind is SchemeKind.MULTI
        assert project_of(session).name == Path(name).stem
        assert [(label.name, label.key) for label in session.exec(select(Label))] == [
            ("positive", "1"),
            ("negative", "2"),
        ]
    database.close()
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600, "nobody else reads it"
    open_project(tmp_path / name).close()


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "precious.db"
    path.write_text("my only copy")
    with pytest.raises(ProjectError, match=r"precious\.db exists already"):
        create(path, SchemeKind.SINGLE, LABELS)
    assert path.read_text() == "my only copy"
    assert os.listdir(tmp_path) == ["precious.db"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=re.escape(f"The folder {tmp_path / 'no' / 'such'} does not exist")):
        create(tmp_path / "no" / "such" / "p.db", SchemeKind.SINGLE, LABELS)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_takes_no_files_gives_a_sentence(tmp_path: Path) -> None:
    """The superuser may write everywhere but into /proc."""
    folder = Path("/proc") if os.geteuid() == 0 else tmp_path / "closed"
    if os.geteuid():
        folder.mkdir(mode=0o500)
    with pytest.raises(ProjectError, match=r"cannot be (opened|written)"):
        create(folder / "p.db", SchemeKind.SINGLE, LABELS)


def test_a_project_that_cannot_be_made_completely_leaves_nothing(tmp_path: Path) -> None:
    twice = [*LABELS, LABELS[0]]
    with pytest.raises(ProjectError, match=r"p\.db"):
        create(tmp_path / "p.db", SchemeKind.SINGLE, twice)
    assert os.listdir(tmp_path) == []


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    (tmp_path / "text.db").write_text("id,text\n1,hello\n" * 50)
    (tmp_path / "empty.db").touch()
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (x)")
    other.close()
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    for name, says in [
        ("missing.db", "cannot be read: No such file"),
        ("folder.db", "cannot be read: Is a directory"),
        ("text.db", "is not a labelloop project"),
        ("empty.db", "is not a labelloop project"),
        ("other.db", "is not a labelloop project"),
    ]:
        with pytest.raises(NotAProject, match=says) as caught:
            open_project(tmp_path / name)
        assert name in str(caught.value)
        assert caught.value.remedy
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before, "and left alone"


@pytest.mark.parametrize("kept", [100, 1_000, 5_000])
def test_a_truncated_project_is_refused(project: MakeProject, tmp_path: Path, kept: int) -> None:
    database = project(reviews=["a"])
    database.close()
    broken = tmp_path / "broken.db"
    broken.write_bytes(database.path.read_bytes()[:kept])
    with pytest.raises(ProjectError, match=r"broken\.db"):
        open_project(broken)


GARBAGE = b"\xab" * 4096
EMPTY_INDEX_PAGE = bytes([0x0A, 0, 0, 0, 0, 0x10, 0, 0]) + bytes(4088)


def damaged(project: MakeProject, tmp_path: Path, what: str, page_content: bytes) -> Path:
    """A project in which the first page of a table or an index is overwritten."""
    database = project(reviews=[f"review number {number} " * 20 for number in range(200)])
    database.close()
    content = bytearray(database.path.read_bytes())
    with sqlite3.connect(database.path) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (what,)).fetchone()
    connection.close()
    content[(page - 1) * 4096 : page * 4096] = page_content
    broken = tmp_path / "broken.db"
    broken.write_bytes(content)
    return broken


def test_damage_found_later_is_a_sentence_too(project: MakeProject, tmp_path: Path) -> None:
    opened = open_project(damaged(project, tmp_path, "review", GARBAGE))
    with pytest.raises(NotAProject, match=r"broken\.db is not a labelloop project, or is damaged"):  # noqa: SIM117
        with opened.reading() as session:
            session.exec(select(Review)).all()
    opened.close()


def test_integrity_tells_of_damage_that_nothing_else_has_met(project: MakeProject, tmp_path: Path) -> None:
    opened = open_project(damaged(project, tmp_path, "review_by_shuffle", EMPTY_INDEX_PAGE))
    with opened.reading() as session:
        assert browse.counts(session).reviews == 200
        assert any("missing from index review_by_shuffle" in one for one in sqlite.integrity(session.connection()))
    opened.close()


def test_a_file_of_a_newer_version_is_refused_and_left_alone(project: MakeProject) -> None:
    database = project()
    with database.writing() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0999'")
    database.close()
    before = database.path.read_bytes()
    with pytest.raises(ProjectTooNew, match=r"newer labelloop \(schema 0999; this one knows") as caught:
        open_project(database.path)
    assert "pip install --upgrade" in caught.value.remedy
    assert database.path.read_bytes() == before


def test_a_failed_transaction_changes_nothing(project: MakeProject) -> None:
    database = project()
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        _ = annotator_id(session, "nobody") / 0
    with database.writing() as session:
        assert annotator_id(session, "ann") == 1


def test_a_reader_sees_one_moment(project: MakeProject) -> None:
    database = project()
    with database.reading() as reading:
        assert project_of(reading).name == "reviews"
        with database.writing() as writing:
            writing.connection().exec_driver_sql("UPDATE project SET name = 'new'")
        reading.expire_all()
        assert project_of(reading).name == "reviews"
    with database.reading() as reading:
        assert project_of(reading).name == "new"


def test_commits_of_others_are_noticed_once(project: MakeProject) -> None:
    database = project()
    watcher = database.watch()
    other = open_project(database.path)
    assert not watcher.changed()
    for writer in (database, other):
        with writer.writing() as session:
            annotator_id(session, f"by {id(writer)}")
        assert watcher.changed()
        assert not watcher.changed()
    watcher.close()
    with database.writing() as session:
        annotator_id(session, "after the watcher")
    other.close()


def test_integrity_tells_of_rows_that_point_nowhere(project: MakeProject) -> None:
    database = project(reviews=["a"])
    with database.reading() as session:
        assert sqlite.integrity(session.connection()) == []
    database.close()
    with sqlite3.connect(database.path) as connection:
        connection.execute("INSERT INTO annotation_label VALUES (77, 1, 1)")
    connection.close()
    reopened = open_project(database.path)
    with reopened.reading() as session:
        assert sqlite.integrity(session.connection()) == [
            "a row of annotation_label points to a missing row of review"
        ]
    reopened.close()


def test_a_file_without_tables_is_brought_up_to_date_after_a_backup(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {sqlite.APPLICATION_ID}")
        connection.execute("CREATE TABLE kept (x)")
        connection.execute("INSERT INTO kept VALUES ('still here')")
    connection.close()
    opened = open_project(path)
    with opened.reading() as session:
        assert browse.counts(session).reviews == 0
    opened.close()
    (backup,) = tmp_path.glob(f"old.backups/old.before-{migrate.HEAD}-*.db")
    with sqlite3.connect(backup) as connection:
        assert connection.execute("SELECT x FROM kept").fetchall() == [("still here",)]
        assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (1,)
        assert connection.execute("PRAGMA application_id").fetchone() == (sqlite.APPLICATION_ID,)
    connection.close()
    open_project(path).close()
    assert len(list(tmp_path.glob("old.backups/*"))) == 1, "no backup when nothing is behind"


OTHER = """
import sys
from pathlib import Path
from core.storage.database import annotator_id, open_project
database = open_project(Path(sys.argv[1]))
with database.writing() as session:
    annotator_id(session, sys.argv[2])
database.close()
"""


def test_a_second_look_at_an_open_project_does_not_cost_the_first_its_locks(project: MakeProject) -> None:
    """Without them the other process thinks that it is the last one, and deletes the log that is written to here."""
    database = project()

    def names_there() -> set[str]:
        with sqlite3.connect(f"file:{database.path}?mode=ro", uri=True) as connection:
            found = {name for (name,) in connection.execute("select name from annotator")}
        connection.close()
        return found

    with database.writing() as session:
        annotator_id(session, "first")
    sqlite.verify_header(database.path)
    for number in range(3):
        subprocess.run([sys.executable, "-c", OTHER, str(database.path), f"other {number}"], check=True)
        assert database.path.with_name(database.path.name + "-wal").exists(), "it is in use here"
        with database.writing() as session:
            annotator_id(session, f"here {number}")
        sqlite.verify_header(database.path)
    wanted = {"first", *(f"{who} {number}" for who in ("other", "here") for number in range(3))}
    assert wanted <= names_there()
    database.close()
    assert wanted <= names_there()
