"""What is damaged in a project is found, and restored from the journal or the backups; the original is kept."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from core.check.examine import examine
from core.check.findings import Report, Verdict
from core.check.repair import repair
from core.errors import DiskError, NotAProject, ProjectBusy, ProjectError
from core.files.importing import Choice, import_file
from core.labels import SchemeKind, new_labels
from core.storage import backups, browse, decisions, journal, repeats
from core.storage.database import annotator_id, create, open_project
from core.storage.states import AnnotationState, labelled, states
from tests.conftest import MakeProject, write_csv
from tests.storage.corpus import busy, reviews

COUNT = 400
PAGE = 4096

MakePath = Callable[..., Path]


@pytest.fixture(scope="module")
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


def change(path: Path, *statements: str) -> None:
    """Do something to a project behind labelloop's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def decided(path: Path) -> dict[int, AnnotationState]:
    database = open_project(path)
    with database.reading() as session:
        found = states(session, range(1, COUNT + 1))
    database.close()
    return found


def texts(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM review ORDER BY id")]


def verdict(report: Report, part: str) -> Verdict:
    (found,) = [one.verdict for one in report.findings if one.part == part]
    return found


def overwrite(path: Path, table: str, leaf: bool) -> None:
    """Overwrite the first page of a table, or one of its pages that hold rows."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        connection.execute("PRAGMA journal_mode = DELETE")
    content = bytearray(path.read_bytes())
    if leaf:
        at = (page - 1) * PAGE
        assert content[at] in (2, 5), "more than one page"
        pointer = int.from_bytes(content[at + 12 : at + 14], "big")
        page = int.from_bytes(content[at + pointer : at + pointer + 4], "big")
    content[(page - 1) * PAGE : page * PAGE] = b"\xab" * PAGE
    path.write_bytes(content)


def test_a_sound_project_is_whole_and_looking_at_it_changes_nothing(path: Path) -> None:
    before = path.read_bytes()
    report = examine(path)
    assert report.is_whole, report
    assert {one.verdict for one in report.findings} <= {Verdict.GOOD, Verdict.NOTICE}
    assert {"file", "tables", "references", "reviews", "journal", "queue", "search", "models"} <= {
        one.part for one in report.findings
    }
    assert path.read_bytes() == before
    done = repair(path)
    assert (done.aside, done.restored, done.lost) == (None, [], [])
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE annotation_label SET label_id = 3 - label_id WHERE review_id IN (SELECT review_id FROM "
        "annotation_label LIMIT 3)",
        "DELETE FROM annotation_label",
        "UPDATE annotation SET decision = NULL WHERE decision = 'skipped'",
        "UPDATE annotation SET note = 'changed' WHERE note <> ''",
        "UPDATE annotation SET probability = 0.1 WHERE origin = 'accepted'",
        "INSERT INTO annotation_label SELECT review_id, annotator_id, 1 FROM annotation WHERE decision = 'skipped'",
    ],
)
def test_annotations_are_restored_from_the_journal(path: Path, statement: str) -> None:
    before = decided(path)
    change(path, statement)
    assert decided(path) != before
    spoilt = path.read_bytes()
    report = examine(path)
    assert report.damaged_parts() == ["journal"]
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole
    assert decided(path) == before
    assert done.lost == []
    assert done.aside is not None
    assert done.aside.read_bytes() == spoilt, "the file as it was is kept"
    assert done.aside.stat().st_mode & 0o777 == path.stat().st_mode & 0o777 == 0o600


def test_a_decision_that_the_journal_does_not_know_is_kept_and_can_be_undone(path: Path) -> None:
    before = decided(path)
    free = next(one for one in range(1, COUNT + 1) if one not in before)
    change(
        path,
        "INSERT INTO annotation (review_id, annotator_id, decision, flagged, note, origin, decided_at) "
        f"VALUES ({free}, 1, 'labelled', 0, '', 'person', '2999-01-01T00:00:00.000+00:00')",
        f"INSERT INTO annotation_label VALUES ({free}, 1, 2)",
    )
    assert examine(path).damaged_parts() == ["journal"]
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole
    assert decided(path)[free].label_ids == (2,)
    database = open_project(path)
    with database.writing() as session:
        assert journal.undo(session) is not None
    database.close()
    assert decided(path) == before


def test_labels_groups_and_imports_are_restored_too(project: MakeProject) -> None:
    database = project(reviews=["a", "a", "b"])
    with database.writing() as session:
        from core.storage import groups, scheme_changes

        person = annotator_id(session, "ann")
        scheme_changes.rename(session, person, 1, "good")
        groups.unfold(session, person, 1)
    database.close()
    change(
        database.path,
        "UPDATE label SET name = 'wrong' WHERE id = 1",
        "UPDATE review SET group_id = 1 WHERE id = 2",
        "UPDATE source SET withdrawn = 1",
    )
    report = examine(database.path)
    (found,) = [one for one in report.findings if one.part == "journal"]
    assert found.verdict is Verdict.DAMAGED
    assert len(found.examples) == 3
    done = repair(database.path)
    assert done.after is not None
    assert done.after.is_whole
    with closing(sqlite3.connect(database.path)) as connection:
        assert connection.execute("SELECT name FROM label WHERE id = 1").fetchone() == ("good",)
        assert connection.execute("SELECT group_id FROM review").fetchall() == [(1,), (2,), (3,)]
        assert connection.execute("SELECT withdrawn FROM source").fetchone() == (0,)


ANSWERED = "INSERT INTO repeat (review_id, annotator_id, first, second, first_at, second_at) VALUES "


def second_answers(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        columns = "review_id, annotator_id, first, second, first_at, second_at"
        return connection.execute(f"SELECT {columns} FROM repeat ORDER BY review_id, id").fetchall()


@pytest.fixture
def asked_again(path: Path) -> Path:
    """The project after five second answers, of which the last was taken back."""
    database = open_project(path)
    with database.writing() as session:
        person = annotator_id(session, "ann")
        for review_id in range(1, 6):
            first, second = labelled(person, [1]), labelled(person, [1 + review_id % 2])
            decisions.decide(session, person, "first", {review_id: first})
            repeats.answer(session, person, "again", review_id, second, first)
        journal.undo(session)
    database.close()
    assert len(second_answers(path)) == 4
    return path


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM repeat WHERE review_id = 2",
        "UPDATE repeat SET second = '[2, 1]' WHERE review_id = 1",
        "UPDATE repeat SET first_at = 'never'",
        f"{ANSWERED} (5, 1, '[1]', '[2]', 'once', 'later')",
        f"{ANSWERED} (1, 1, '[1]', '[2]', 'once', 'later')",
    ],
    ids=["lost", "changed", "other times", "undone", "doubled"],
)
def test_second_answers_are_held_against_the_journal(asked_again: Path, statement: str) -> None:
    before = second_answers(asked_again)
    assert examine(asked_again).is_whole
    change(asked_again, statement)
    report = examine(asked_again)
    assert report.damaged_parts() == ["journal"]
    assert any("second answers on review" in text for one in report.findings for text in one.examples)
    done = repair(asked_again)
    assert done.after is not None
    assert done.after.is_whole
    assert done.lost == []
    assert second_answers(asked_again) == before


def test_a_second_answer_that_the_journal_does_not_know_is_kept_and_can_be_undone(asked_again: Path) -> None:
    before = second_answers(asked_again)
    change(asked_again, f"{ANSWERED} (9, 1, '[1]', '[2]', 'once', 'later')")
    assert not examine(asked_again).is_whole
    done = repair(asked_again)
    assert done.after is not None
    assert done.after.is_whole
    assert [row[0] for row in second_answers(asked_again)] == [1, 2, 3, 4, 9]
    database = open_project(asked_again)
    with database.writing() as session:
        assert journal.undo(session) is not None
    database.close()
    assert second_answers(asked_again) == before


@pytest.mark.parametrize("reason", ["attempt to write a readonly database", "disk I/O error"])
def test_a_project_that_cannot_be_opened_is_not_called_damaged(
    path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """A folder without write permission, a disk without room for SQLite's own files: the file may be whole."""

    def refuse(_engine: object) -> None:
        raise sqlite3.OperationalError(reason)

    before = path.read_bytes()
    monkeypatch.setattr("core.check.examine.migrate.revision", refuse)
    for look in (examine, repair):
        with pytest.raises(DiskError, match="cannot be") as caught:
            look(path)
        assert caught.value.remedy
    assert path.read_bytes() == before


@pytest.mark.parametrize("undo", [0, 3, 30])
def test_undone_and_dropped_batches_are_replayed_as_they_stand(path: Path, undo: int) -> None:
    database = open_project(path)
    with database.writing() as session:
        person = annotator_id(session, "ann")
        for _ in range(undo):
            journal.undo(session)
    assert examine(path).is_whole
    with database.writing() as session:
        decisions.decide(session, person, "after the undo", {7: labelled(person, [1])})
    database.close()
    assert examine(path).is_whole


def test_an_older_label_of_the_same_review_does_not_win(path: Path) -> None:
    """A clock that goes back: the journal's order counts, not its times."""
    database = open_project(path)
    with database.writing() as session:
        person = annotator_id(session, "ann")
        for label, at in ((1, "2030-01-01T00:00:00.000+00:00"), (2, "2020-01-01T00:00:00.000+00:00")):
            state = AnnotationState(person, labelled(person, [label]).decision, (label,), decided_at=at)
            decisions.decide(session, person, "x", {9: state})
    database.close()
    assert examine(path).is_whole
    assert decided(path)[9].label_ids == (2,)


@pytest.mark.parametrize("index", ["review_by_shuffle", "annotation_by_decision", "change_by_subject"])
def test_a_damaged_index_is_made_anew(path: Path, index: str) -> None:
    before = decided(path)
    overwrite(path, index, leaf=False)
    assert "tables" in examine(path).damaged_parts()
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole
    assert done.lost == []
    assert decided(path) == before


def test_a_damaged_full_text_index_is_made_anew(path: Path) -> None:
    change(path, "DELETE FROM review_search_data WHERE id > 10")
    assert "search" in examine(path).damaged_parts()
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole
    database = open_project(path)
    with database.reading() as session:
        assert browse.page(session, browse.Filter(words="phone"), 0, 1_000)
    database.close()


@pytest.mark.parametrize("table", ["annotation", "annotation_label"])
@pytest.mark.parametrize("leaf", [True, False])
def test_damaged_pages_of_annotations_are_restored_from_the_journal(path: Path, table: str, leaf: bool) -> None:
    before = decided(path)
    if table == "annotation_label" and leaf:
        pytest.skip("it has one page")
    overwrite(path, table, leaf)
    assert not examine(path).is_whole
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole, done
    assert decided(path) == before
    assert done.lost == [], done.lost


@pytest.mark.parametrize("leaf", [True, False])
def test_damaged_pages_of_reviews_come_from_a_backup_and_later_labels_stay(path: Path, leaf: bool) -> None:
    assert backups.daily(path) is not None
    database = open_project(path)
    with database.writing() as session:
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "later", {5: labelled(person, [2])})
    database.close()
    before, said = decided(path), texts(path)
    overwrite(path, "review", leaf)
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole, done
    assert texts(path) == said
    assert decided(path) == before
    assert done.lost == []
    assert any("review" in one and "backup" in one for one in done.restored)


def test_without_a_backup_what_is_lost_is_said(path: Path) -> None:
    before, said = decided(path), texts(path)
    overwrite(path, "review", leaf=True)
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole, done
    left = texts(path)
    assert 0 < COUNT - len(left) < COUNT
    assert set(left) < set(said)
    assert any(f"{COUNT - len(left)} reviews of reviews.csv: import that file again" in one for one in done.lost)
    kept = decided(path)
    assert all(before[one] == state for one, state in kept.items())
    assert examine(path).is_whole, "and it is said once"


def test_lost_entries_of_the_journal_are_said_and_annotations_stay(path: Path) -> None:
    before = decided(path)
    overwrite(path, "change", leaf=True)
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole, done
    assert any("of the journal, which cannot be undone" in one for one in done.lost)
    assert decided(path) == before


@pytest.mark.parametrize("spoil", ["header", "half", "empty"])
def test_a_file_of_which_little_is_left_is_restored_from_the_newest_backup(path: Path, spoil: str) -> None:
    before, said = decided(path), texts(path)
    assert backups.daily(path) is not None
    content = path.read_bytes()
    spoilt = {"header": b"\0" * PAGE + content[PAGE:], "half": content[: PAGE * 3], "empty": b""}[spoil]
    path.write_bytes(spoilt)
    assert not examine(path).is_whole
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole
    assert (decided(path), texts(path)) == (before, said)
    assert any("everything that was done after" in one for one in done.lost)
    assert done.aside is not None
    assert done.aside.read_bytes() == spoilt


def test_what_cannot_be_restored_is_left_as_it_was(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: PAGE * 2])
    before = sorted(os.listdir(path.parent))
    spoilt = path.read_bytes()
    with pytest.raises(ProjectError, match="cannot be restored") as caught:
        repair(path)
    assert "backups" in caught.value.remedy
    assert path.read_bytes() == spoilt
    assert sorted(os.listdir(path.parent)) == before
    path.write_bytes(b"no database at all")
    with pytest.raises(NotAProject):
        examine(path)


def test_a_text_that_is_not_the_imported_one_comes_from_a_backup(path: Path) -> None:
    said = texts(path)
    assert backups.daily(path) is not None
    change(path, "UPDATE review SET text = 'not what was written' WHERE id IN (3, 4)")
    report = examine(path)
    assert {"reviews", "search"} <= set(report.damaged_parts())
    assert "not what was written" not in json.dumps(report.to_json()), "no text is quoted"
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole
    assert texts(path) == said


def test_a_model_that_is_not_the_one_of_its_record_is_found_and_moved_aside(path: Path) -> None:
    folder = path.with_suffix(".models") / "run-1"
    folder.mkdir(parents=True, mode=0o700)
    folder.parent.chmod(0o700)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text("{}")
    files = {"config.json": hashlib.sha256(b"{}").hexdigest()}
    (folder / "labelloop.json").write_text(json.dumps({"files": files}))
    change(path, f"UPDATE run SET folder = 'run-1', weights_sha256 = '{hashlib.sha256(b'weights').hexdigest()}'")
    assert examine(path).is_whole
    (folder / "config.json").write_text('{"other": 1}')
    report = examine(path)
    assert report.damaged_parts() == ["models"]
    assert any("config.json has another SHA-256" in text for one in report.findings for text in one.examples)
    done = repair(path)
    assert done.after is not None
    assert done.after.is_whole
    assert any("model of run 1" in one for one in done.lost)
    (aside,) = folder.parent.glob("run-1.damaged-*")
    assert (aside / "config.json").read_text() == '{"other": 1}'


def test_leftovers_and_open_permissions_are_told(path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    draft = path.with_name(f".{path.name}.{int(gone.stdout)}.tmp")
    draft.write_text("half a project")
    (path.with_suffix(".models") / "run-77").mkdir(parents=True)
    path.chmod(0o644)
    report = examine(path)
    assert report.is_whole
    assert verdict(report, "leftovers") is verdict(report, "permissions") is Verdict.NOTICE
    told = " ".join(text for one in report.findings for text in one.examples)
    assert draft.name in told
    assert "run-77" in told
    done = repair(path)
    assert done.aside is None
    assert path.stat().st_mode & 0o777 == 0o600
    assert done.after is not None
    assert verdict(done.after, "permissions") is Verdict.GOOD


OPEN = """
import sys
from pathlib import Path
from core.storage.database import open_project
database = open_project(Path(sys.argv[1]))
with database.reading() as session:
    pass
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="locks are not told there")
def test_a_project_that_is_open_elsewhere_is_not_repaired(path: Path) -> None:
    change(path, "DELETE FROM annotation_label")
    with subprocess.Popen(
        [sys.executable, "-c", OPEN, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.readline()
        with pytest.raises(ProjectBusy, match="open in another program") as caught:
            repair(path)
        assert "Close it there" in caught.value.remedy
        other.stdin.close()
    assert repair(path).aside is not None


def test_an_older_schema_is_looked_at_and_not_changed(tmp_path: Path) -> None:
    from core.storage import migrate, sqlite

    path = tmp_path / "old.db"
    engine = sqlite.connect(path)
    with engine.connect() as connection:
        sqlite.mark(connection)
        connection.commit()
    migrate.upgrade(engine, "0001")
    engine.dispose()
    report = examine(path)
    assert report.is_whole
    assert verdict(report, "tables") is Verdict.GOOD
    assert verdict(report, "journal") is Verdict.SKIPPED
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
