"""Undo and redo take back and do again exactly one batch, however large, whoever made it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import col, select

from core.files.importing import Choice, import_file
from core.storage import browse, decisions, journal, scheme
from core.storage.browse import Filter
from core.storage.database import Database, annotator_id
from core.storage.states import labelled, skipped, states
from core.storage.tables import Batch, BatchState, Subject
from tests.conftest import MakeProject, write_csv


def undo(database: Database) -> journal.Step | None:
    with database.writing() as session:
        return journal.undo(session)


def redo(database: Database) -> journal.Step | None:
    with database.writing() as session:
        return journal.redo(session)


def shown(database: Database) -> list[int]:
    with database.reading() as session:
        return browse.page(session, Filter(), 0, 100)


def label(database: Database, review_ids: list[int], label_id: int = 1, who: str = "ann") -> int | None:
    with database.writing() as session:
        person = annotator_id(session, who)
        return decisions.decide(
            session, person, f"label {label_id}", dict.fromkeys(review_ids, labelled(person, [label_id]))
        )


def test_a_batch_of_thousands_is_undone_and_redone_as_one(project: MakeProject) -> None:
    database = project(reviews=[f"review {number}" for number in range(5_000)])
    everything = list(range(1, 5_001))
    label(database, everything)
    step = undo(database)
    assert step is not None
    assert (step.changes, step.review_id, step.title) == (5_000, 1, "label 1")
    with database.reading() as session:
        assert states(session, everything) == {}
        assert browse.counts(session).labelled == 0
    again = redo(database)
    assert again is not None
    assert (again.changes, again.review_id) == (5_000, 1)
    with database.reading() as session:
        assert browse.counts(session).by_label == {1: 5_000}


def test_a_batch_larger_than_a_portion_is_undone_in_the_right_order(
    project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One batch may change a review twice; taken back, it is as it was before the first of the two."""
    monkeypatch.setattr(journal, "AT_ONCE", 2)
    database = project(reviews=["a", "b"])
    with database.writing() as session:
        person = annotator_id(session, "ann")
        first, second = labelled(person, [1]).to_json(), labelled(person, [2]).to_json()
        entry = journal.Entry
        entries = [entry(Subject.ANNOTATION, 1, None, first), entry(Subject.ANNOTATION, 2, None, first),
                   entry(Subject.ANNOTATION, 1, first, second)]  # fmt: skip
        journal.record(session, person, "twice", entries)
        assert {key: state.label_ids for key, state in states(session, [1, 2]).items()} == {1: (2,), 2: (1,)}
    undo(database)
    with database.reading() as session:
        assert states(session, [1, 2]) == {}
    redo(database)
    with database.reading() as session:
        assert {key: state.label_ids for key, state in states(session, [1, 2]).items()} == {1: (2,), 2: (1,)}


def test_undoing_an_import_hides_its_reviews_and_labels_and_redo_brings_them_back(
    project: MakeProject, tmp_path: Path
) -> None:
    database = project(reviews=["one", "two"])
    file = write_csv(
        tmp_path / "more.csv", ["text", "mark"], [("three", "neutral"), ("four", ""), ("five", "positive")]
    )
    import_file(database, Choice(file, label_column="mark"), "ann")
    with database.reading() as session:
        full = states(session, shown(database))
        names = [one.name for one in scheme.labels(session)]
    assert names == ["positive", "negative", "neutral"]
    undo(database)
    assert shown(database) == [1, 2]
    with database.reading() as session:
        assert [one.name for one in scheme.labels(session)] == ["positive", "negative"]
        assert states(session, range(1, 6)) == {}
        assert browse.page(session, Filter(words="three"), 0, 10) == []
        assert browse.find_by_name(session, "3") is None
        assert browse.total(session, Filter()) == 2
    redo(database)
    assert shown(database) == [1, 2, 3, 4, 5]
    with database.reading() as session:
        assert [one.name for one in scheme.labels(session)] == names
        assert states(session, shown(database)) == full


def test_doing_something_new_after_an_undo_drops_what_was_undone(project: MakeProject) -> None:
    database = project(reviews=["a", "b", "c"])
    label(database, [1])
    label(database, [2])
    undo(database)
    undo(database)
    label(database, [3])
    assert redo(database) is None
    with database.reading() as session:
        assert set(states(session, [1, 2, 3])) == {3}
        dropped = session.exec(select(Batch).where(col(Batch.state) == BatchState.DROPPED)).all()
        assert [batch.title for batch in dropped] == ["label 1", "label 1"], "kept for the record"
    step = undo(database)
    assert step is not None
    assert step.review_id == 3


def test_deciding_the_same_again_is_no_step(project: MakeProject) -> None:
    database = project(reviews=["a"])
    assert label(database, [1]) is not None
    assert label(database, [1]) is None


def test_the_last_person_to_decide_is_the_one_who_counts(project: MakeProject) -> None:
    """Two people take turns at one file: there is one label a review, and undo gives the other's back."""
    database = project(reviews=["a", "b"])
    label(database, [1], 1, "ann")
    label(database, [1], 2, "bob")
    label(database, [1], 1, "ann")
    with database.reading() as session:
        assert states(session, [1])[1].label_ids == (1,)
        assert browse.counts(session).by_label == {1: 1}
    undo(database)
    with database.reading() as session:
        bob = annotator_id(session, "bob")
        assert (states(session, [1])[1].annotator_id, states(session, [1])[1].label_ids) == (bob, (2,))


def test_a_flag_of_another_person_leaves_the_label_alone(project: MakeProject) -> None:
    database = project(reviews=["a"])
    label(database, [1], 1, "ann")
    with database.writing() as session:
        ann, bob = annotator_id(session, "ann"), annotator_id(session, "bob")
        decisions.amend(session, bob, "flag", 1, flagged=True)
        decisions.amend(session, bob, "note", 1, note="really?")
        state = states(session, [1])[1]
        assert (state.annotator_id, state.label_ids, state.flagged, state.note) == (ann, (1,), True, "really?")
        decisions.decide(session, bob, "skip", {1: skipped(bob)})
        state = states(session, [1])[1]
        assert (state.decision, state.flagged, state.note) == ("skipped", True, "really?")
        decisions.clear(session, bob, "clear", [1])
        state = states(session, [1])[1]
        assert (state.decision, state.label_ids, state.flagged, state.note) == (None, (), True, "really?")
