"""A project file of the first schema becomes one of the present schema, with all that is in it."""

from __future__ import annotations

import json
import sqlite3
from array import array
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from core.storage import browse, cards, journal, migrate, runs, scheme, scheme_changes, sqlite, versions
from core.storage.database import open_project
from core.storage.states import states
from core.storage.tables import QueueReason, RunStatus

SEARCH = "review_search"


def test_a_project_of_the_first_schema_is_upgraded_with_a_backup_and_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    first_schema(path)
    before = contents(path)
    database = open_project(path)
    with database.reading() as session:
        (card,) = cards.cards(session, [3], multi=False)
        assert (card.reason, card.number, card.reason_label) == (QueueReason.MARGIN, 0.5, None)
    with database.writing() as session:
        assert [label.name for label in scheme.labels(session)] == ["good", "bad"]
        assert scheme.standing(session) == {1: 1, 2: 2}
        assert {review: state.label_ids for review, state in states(session, [1, 2, 3]).items()} == {1: (1,), 2: (2,)}
        assert browse.page(session, browse.Filter(words="broken"), 0, 10) == [2]
        assert cards.suggestions(session, [3], multi=False)[3].label_ids == (1,)
        assert journal.next_undo(session) == "bad"
    with database.reading() as session:
        assert foreign_key_errors(session) == []
    database.close()
    after = contents(path)
    assert after.pop("alembic_version") == [(migrate.HEAD,)]
    assert before.pop("alembic_version") == [("0001",)]
    assert after.pop("label") == [(*row, None) for row in before.pop("label")], "a column more"
    ended = "2025-01-01T00:00:00.000+00:00"
    assert after.pop("run") == [(*row, "", "", 0, "", "[]", ended, "fine-tuned") for row in before.pop("run")]
    assert after.pop("out_of_fold") == []
    assert after.pop("repeat") == []
    assert after.pop("source") == [(*row, "[]", "csv") for row in before.pop("source")]
    assert after.pop("annotation") == [(*row, None, None) for row in before.pop("annotation")]
    assert after.pop("queue_entry") == [(*row, None) for row in before.pop("queue_entry")]
    assert after == before

    (backup,) = tmp_path.glob("old.backups/old.before-*.db")
    kept = contents(backup)
    assert kept.pop("alembic_version") == [("0001",)]
    assert [row[:2] for row in kept.pop("label")] == [(1, "good"), (2, "bad")]
    assert [len(row) for row in kept.pop("run")] == [20], "as it was"
    changed = {"source": 12, "annotation": 9, "queue_entry": 4}
    assert {name: len(kept.pop(name)[0]) for name in changed} == changed, "as they were"
    assert kept == before


def test_history_of_the_first_schema_is_undone_and_redone_and_goes_on(tmp_path: Path) -> None:
    """Its journal knows nothing of merges."""
    path = tmp_path / "old.db"
    first_schema(path)
    database = open_project(path)
    with database.writing() as session:
        scheme_changes.add(session, 1, "third")
        scheme_changes.merge(session, 1, 1, 2)
        assert {review: state.label_ids for review, state in states(session, [1, 2]).items()} == {1: (2,), 2: (2,)}
        assert cards.suggestions(session, [3], multi=False)[3].label_ids == (2,)
        titles = []
        while step := journal.undo(session):
            titles.append(step.title)
        assert titles == ["merge good into bad", "add third", "bad", "import old.csv"]
        assert scheme.labels(session, archived=True) == []
        while journal.redo(session):
            pass
        assert scheme.standing(session) == {1: 2, 2: 2, 3: 3}
        assert {review: state.label_ids for review, state in states(session, [1, 2]).items()} == {1: (2,), 2: (2,)}
    database.close()


def test_runs_of_the_first_schema_are_versions_like_later_ones(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    first_schema(path)
    database = open_project(path)
    with database.writing() as session:
        runs.rename(session, 1, "the first")
        second = runs.start(session, "tiny", {}, [1, 2])
        runs.end(session, second, RunStatus.FINISHED)
        runs.publish(session, second, 1)
    with database.writing() as session:
        assert versions.roll_back(session) == 1
        first = runs.existing(session, 1)
        assert (first.name, first.resumed_at, first.checkpoint) == ("the first", [], "")
        assert cards.suggestions(session, [3], multi=False)[3].run_id == 1
    with closing(sqlite3.connect(path)) as file:
        plan = file.execute("EXPLAIN QUERY PLAN SELECT review_id FROM annotation WHERE note <> ''").fetchall()
        assert "annotation_noted" in str(plan)
    database.close()


def foreign_key_errors(session: Session) -> list[object]:
    return list(session.execute(text("PRAGMA foreign_key_check")).all())


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()
            if not name.startswith((SEARCH, "alembic"))
            else connection.execute(f"SELECT * FROM {name}").fetchall()
            for name in names
        }


def first_schema(path: Path) -> None:
    """A project as the first version left it: three reviews and their labels imported, one relabelled, one run."""
    engine = sqlite.connect(path)
    with engine.connect() as connection:
        sqlite.mark(connection)
        connection.commit()
    migrate.upgrade(engine, "0001")
    engine.dispose()
    at = "2025-01-01T00:00:00.000+00:00"
    good: dict[str, Any] = {
        "name": "good",
        "key": "1",
        "colour": "green",
        "description": "",
        "keywords": ["fine"],
        "position": 0,
        "archived": False,
    }
    bad = {**good, "name": "bad", "key": "2", "colour": "red", "keywords": [], "position": 1}
    given: dict[str, Any] = {
        "annotator_id": 1,
        "decision": "labelled",
        "label_ids": [1],
        "flagged": False,
        "note": "",
        "origin": "imported",
        "run_id": None,
        "probability": None,
        "decided_at": at,
    }
    changed = {**given, "label_ids": [2], "origin": "person"}
    changes: list[tuple[int, str, int, object, object]] = [
        (1, "label", 1, None, good),
        (1, "label", 2, None, bad),
        (1, "source", 1, None, {"file_name": "old.csv"}),
        (1, "annotation", 1, None, given),
        (1, "annotation", 2, None, given),
        (2, "annotation", 2, given, changed),
    ]
    with closing(sqlite3.connect(path)) as file, file:
        run = file.execute
        run("INSERT INTO project VALUES (1, 'old', 'single', 5, 0.2, 1, NULL, ?)", (at,))
        run("INSERT INTO annotator VALUES (1, 'ann')")
        for number, label in enumerate((good, bad), 1):
            cells = (label["name"], label["key"], label["colour"], json.dumps(label["keywords"]), label["position"])
            run("INSERT INTO label VALUES (?, ?, ?, ?, '', ?, ?, 0, 0)", (number, *cells))
        run(
            "INSERT INTO source VALUES (1, 'old.csv', 'x', 'utf-8', ',', '[\"text\", \"mark\"]', 'text', NULL,"
            " 'mark', 3, ?, 0)",
            (at,),
        )
        for number, words in enumerate(("fine", "broken", "so so"), 1):
            its = (number, number, words, bytes([number] * 16), number, number * 10, number == 3)
            run("INSERT INTO review VALUES (?, 1, ?, NULL, ?, '[\"\"]', ?, ?, ?, ?)", its)
        run("INSERT INTO review_search (review_search) VALUES ('rebuild')")
        scores = array("f", [0.75, 0.25]).tobytes()
        run(
            "INSERT INTO run VALUES (1, 'finished', 'tiny', '{}', '[1, 2]', '', '', '{}', '', 2, 0, '{}', '', '', 1,"
            " '', ?, ?, 1, 1.0)",
            (at, at),
        )
        run("INSERT INTO suggestion VALUES (1, 3, 1, 0.75, ?)", (scores,))
        run("INSERT INTO queue_entry VALUES (0, 3, 'margin', 0.5)")
        for review_id, label_id, origin in ((1, 1, "imported"), (2, 2, "person")):
            row = (review_id, origin, at)
            run("INSERT INTO annotation VALUES (?, 1, 'labelled', 0, '', ?, NULL, NULL, ?)", row)
            run("INSERT INTO annotation_label VALUES (?, 1, ?)", (review_id, label_id))
        for number, title in enumerate(("import old.csv", "bad"), 1):
            run("INSERT INTO batch VALUES (?, ?, 1, ?, 'done', ?)", (number, title, at, at))
        for batch, subject, subject_id, was, became in changes:
            entry = (batch, subject, subject_id, was and json.dumps(was), json.dumps(became))
            run("INSERT INTO change (batch_id, subject, subject_id, before, after) VALUES (?, ?, ?, ?, ?)", entry)
