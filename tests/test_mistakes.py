"""Label mistakes of a project on disk: who is suspected, and what a verdict does."""

from __future__ import annotations

import random
import struct

import pytest
from sqlmodel import Session, select

from core.errors import TooFewLabels
from core.mistakes import Found, find
from core.storage import decisions, journal, queue, runs, verdicts
from core.storage.database import Database, annotator_id
from core.storage.states import labelled, states
from core.storage.tables import Review, RunStatus
from tests.conftest import MakeProject, learnable

COUNT = 120


def right_label(review_id: int) -> int:
    """The label, 1 or 2, that a review should have: what `learnable` makes of its place."""
    return 1 if review_id % 2 == 0 else 2


def scores(review_id: int, sure: float) -> bytes:
    said = (sure, 1 - sure) if right_label(review_id) == 1 else (1 - sure, sure)
    return struct.pack("<2f", *said)


def planted(session: Session) -> list[int]:
    """Reviews outside the audit set that are given the wrong label, one in twelve."""
    ids = session.exec(select(Review.id).where(Review.audit == False)).all()  # noqa: E712
    return [one for one in ids if one is not None][5::12]


@pytest.fixture
def database(project: MakeProject) -> Database:
    """All reviews labelled, some wrongly; a run has answered out of fold, and for the audit set in advance."""
    made = project(reviews=[text for text, _ in learnable(COUNT)])
    draw = random.Random(1)
    with made.writing() as session:
        person = annotator_id(session, "ann")
        wrong = set(planted(session))
        run_id = runs.start(session, "tiny", {}, [1, 2])
        everything = [one for one in session.exec(select(Review)) if one.id is not None]
        said = {one.id: scores(one.id or 0, draw.uniform(0.75, 0.99)) for one in everything}
        runs.store_out_of_fold(session, run_id, [(one.id or 0, said[one.id]) for one in everything if not one.audit])
        runs.add_suggestions(
            session,
            [
                {"run_id": run_id, "review_id": one.id, "label_id": right_label(one.id or 0), "probability": 0.9,
                 "scores": said[one.id]}
                for one in everything if one.audit
            ],
        )  # fmt: skip
        runs.end(session, run_id, RunStatus.FINISHED)
        runs.publish(session, run_id, len(everything))
        given = {
            one.id or 0: 3 - right_label(one.id or 0) if one.id in wrong else right_label(one.id or 0)
            for one in everything
        }
        decisions.decide(session, person, "by hand", {one: labelled(person, [label]) for one, label in given.items()})
    return made


def found_in(database: Database) -> Found:
    with database.reading() as session:
        return find(session)


def test_the_planted_mistakes_are_the_suspects(database: Database) -> None:
    with database.reading() as session:
        wrong = planted(session)
    found = found_in(database)
    assert {one.review_id for one in found.suspects} == set(wrong)
    assert all(one.proposed == (right_label(one.review_id),) != one.given for one in found.suspects)
    assert (found.labelled, found.answered) == (COUNT, COUNT)
    expected, low, high = found.count_of_wrong()
    assert low <= len(wrong) <= high
    assert low <= expected <= high
    assert found.judged is None


def test_the_audit_set_is_held_against_suggestions(database: Database) -> None:
    """They are out of sample too, and what accuracy is measured on matters most."""
    with database.writing() as session:
        audit = session.exec(select(Review.id).where(Review.audit)).first()
        assert audit is not None
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "slip", {audit: labelled(person, [3 - right_label(audit)])})
    suspect = next(one for one in found_in(database).suspects if one.review_id == audit)
    assert suspect.audit


def test_a_kept_suspect_does_not_come_again_until_the_verdict_is_undone(database: Database) -> None:
    first = found_in(database).suspects[0]
    with database.writing() as session:
        verdicts.keep(session, annotator_id(session, "ann"), first.review_id, "negative")
    after = found_in(database)
    assert first.review_id not in {one.review_id for one in after.suspects}
    assert after.judged is not None
    assert (after.judged.looked_at, after.judged.corrected) == (1, 0)
    with database.writing() as session:
        step = journal.undo(session)
        assert step is not None
        assert (step.title, step.review_id) == ("kept negative", first.review_id)
    assert found_in(database).suspects[0] == first
    with database.writing() as session:
        journal.redo(session)
    assert first.review_id not in {one.review_id for one in found_in(database).suspects}


def test_a_corrected_suspect_has_the_other_label_with_its_copies_and_undo_gives_all_back(database: Database) -> None:
    first = found_in(database).suspects[0]
    with database.writing() as session:
        person = annotator_id(session, "ann")
        copy = next(one for one in session.exec(select(Review)) if one.id == first.review_id % COUNT + 1)
        copy.group_id = queue.group(session, first.review_id)[0]
        session.add(copy)
        session.flush()
        decisions.amend(session, person, "note", first.review_id, note="look again")
        before = states(session, queue.group(session, first.review_id))
        verdicts.correct(session, person, first.review_id, first.proposed, "positive")
        after = states(session, queue.group(session, first.review_id))
    assert len(after) == 2
    assert {state.label_ids for state in after.values()} == {first.proposed}
    assert after[first.review_id].note == "look again"
    assert first.review_id not in {one.review_id for one in found_in(database).suspects}
    judged = found_in(database).judged
    assert judged is not None
    assert judged.corrected >= 1
    with database.writing() as session:
        journal.undo(session)
        assert states(session, queue.group(session, first.review_id)) == before
    assert found_in(database).judged is None


def test_a_label_changed_after_it_was_kept_is_looked_at_again(database: Database) -> None:
    with database.writing() as session:
        wrong = set(planted(session))
        right = next(one for one in session.exec(select(Review.id)) if one is not None and one not in wrong)
        person = annotator_id(session, "ann")
        verdicts.keep(session, person, right, "positive")
        decisions.decide(session, person, "slip", {right: labelled(person, [3 - right_label(right)])})
    assert right in {one.review_id for one in found_in(database).suspects}


def test_of_two_runs_the_one_that_did_better_is_asked(database: Database) -> None:
    with database.writing() as session:
        ids = [one.id or 0 for one in session.exec(select(Review)) if not one.audit]
        worse = runs.start(session, "tiny", {}, [1, 2])
        runs.store_out_of_fold(session, worse, [(one, struct.pack("<2f", 0.98, 0.02)) for one in ids])
        wrong = planted(session)
    assert {one.review_id for one in found_in(database).suspects} == set(wrong)


def test_without_any_model_it_says_what_to_do(project: MakeProject) -> None:
    made = project(reviews=[text for text, _ in learnable(30)])
    with made.writing() as session:
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "by hand", {one: labelled(person, [1]) for one in range(1, 31)})
    with made.reading() as session, pytest.raises(TooFewLabels, match="answered for 0") as refused:
        find(session)
    assert "train a model" in str(refused.value)
