"""What annotations and second answers should be is known from the journal, and restored from it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.check.examine import examine
from core.check.findings import Verdict
from core.check.repair import repair
from core.storage import decisions, journal, repeats
from core.storage.database import annotator_id, open_project
from core.storage.states import AnnotationState, labelled
from tests.check.damage import COUNT, change, decided
from tests.conftest import MakeProject


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
