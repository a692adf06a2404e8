"""The quick learner's run: one row that lives on beside the trainings, and is none of them."""

from __future__ import annotations

import struct

import pytest
from sqlmodel import select

from core.errors import ModelError
from core.settings import Settings
from core.storage import cards, learning, quick_run, runs, taking_back, versions
from core.storage.database import Database, annotator_id, project_of
from core.storage.decisions import decide
from core.storage.states import accepted
from core.storage.tables import QueueEntry, Run, RunKind, RunStatus, Suggestion
from tests.conftest import MakeProject
from tui import by_itself

IDS = range(1, 31)


@pytest.fixture
def database(project: MakeProject) -> Database:
    return project(reviews=[" ".join(f"w{number}{letter}" for letter in "abcdefgh") for number in IDS])


def prepare(database: Database, labels: list[int] | None = None) -> int:
    return quick_run.prepare(database, "tiny", {"recipe": "r"}, labels or [1, 2], "CPU", "fp32")


def say(database: Database, run_id: int, first: float) -> None:
    """Store, in one of several portions, what the quick learner says of all reviews."""
    for part in (IDS[:10], IDS[10:]):
        rows = [
            {
                "run_id": run_id,
                "review_id": one,
                "label_id": 1 if first >= 0.5 else 2,
                "probability": max(first, 1 - first),
                "scores": struct.pack("<2f", first, 1 - first),
            }
            for one in part
        ]
        with database.writing() as session:
            quick_run.store(session, run_id, rows)
            quick_run.publish_if_first(session, run_id)


def trained(database: Database) -> int:
    """A finished training whose suggestions are stored."""
    with database.writing() as session:
        run_id = runs.start(session, "tiny", {}, [1, 2])
        runs.end(session, run_id, RunStatus.FINISHED)
        said = {"run_id": run_id, "label_id": 2, "probability": 0.6, "scores": struct.pack("<2f", 0.4, 0.6)}
        runs.add_suggestions(session, [{**said, "review_id": one} for one in IDS])
        runs.change(session, run_id, folder=f"run-{run_id}", suggested=len(IDS))
    return run_id


def test_its_suggestions_are_replaced_in_place_and_shown_at_once(database: Database) -> None:
    run_id = prepare(database)
    say(database, run_id, 0.9)
    assert prepare(database) == run_id
    say(database, run_id, 0.2)
    with database.reading() as session:
        run = runs.existing(session, run_id)
        assert (run.kind, run.status, run.suggested) == (RunKind.QUICK, RunStatus.FINISHED, len(IDS))
        assert project_of(session).run_in_use == run_id
        found = cards.suggestions(session, list(IDS), multi=False)
        assert {(one.label_ids, one.quick) for one in found.values()} == {((2,), True)}
        assert len(session.exec(select(Suggestion)).all()) == len(IDS)


def test_other_labels_take_away_what_was_said_over_those_before(database: Database) -> None:
    run_id = prepare(database)
    say(database, run_id, 0.9)
    assert prepare(database, [2, 1]) == run_id
    with database.reading() as session:
        run = runs.existing(session, run_id)
        assert (run.label_ids, run.suggested) == ([2, 1], 0)
        assert session.exec(select(Suggestion)).all() == []


def test_a_fit_is_a_point_of_its_curve_by_the_number_of_labels(database: Database) -> None:
    run_id = prepare(database)
    with database.writing() as session:
        for labels, loss in ((12, 0.7), (13, 0.6), (12, 0.8)):
            quick_run.fitted(session, run_id, labels, "d", loss, 0.1)
    with database.reading() as session:
        assert runs.curve(session, run_id, quick_run.LOG_LOSS) == [(12, 0.8), (13, 0.6)]
        assert runs.existing(session, run_id).metrics[quick_run.LOG_LOSS] == 0.8


def test_it_is_no_training(database: Database) -> None:
    run_id = prepare(database)
    say(database, run_id, 0.9)
    with database.reading() as session:
        assert runs.running(session) is None
        assert runs.resumable(session) == []
        with pytest.raises(ModelError, match="no trained model yet"):
            runs.with_model(session, None)
        with pytest.raises(ModelError, match="quick learner"):
            runs.with_model(session, run_id)
        asked = Settings(annotator="ann", retrain_minutes=1)
        assert by_itself.situation(session, 99.0).minutes_since == 99.0, "its last fit is not the end of a training"
        assert not by_itself.due(session, asked, 99.0)[0]
    with database.writing() as session:
        assert runs.mark_interrupted(session) == []
    tuned = trained(database)
    with database.reading() as session:
        assert runs.with_model(session, None).id == tuned, "the newest that has a model"


def test_it_is_rolled_back_to_promoted_and_kept_beside_three_trainings(database: Database) -> None:
    run_id = prepare(database)
    say(database, run_id, 0.9)
    others = [trained(database) for _ in range(5)]
    with database.writing() as session:
        versions.promote(session, others[-1])
    assert versions.drop_old_suggestions(database) == [others[1], others[0]]
    with database.writing() as session:
        assert versions.roll_back(session) == run_id
        assert session.exec(select(QueueEntry)).first() is not None
        versions.promote(session, others[-1])
        versions.promote(session, run_id)
        assert project_of(session).run_in_use == run_id
        assert session.get(Run, run_id) is not None


def test_what_was_accepted_from_it_can_be_taken_back(database: Database) -> None:
    run_id = prepare(database)
    say(database, run_id, 0.9)
    with database.writing() as session:
        annotator = annotator_id(session, "ann")
        decide(session, annotator, "accept", {one: accepted(annotator, [1], run_id, 0.9) for one in IDS[:4]})
    with database.writing() as session:
        assert taking_back.accepted_from(session, run_id) == 4
        assert taking_back.take_back(session, annotator, run_id) == 4
        assert learning.label_ids(session, audit=False) == {}


def test_after_it_was_deleted_the_next_fit_begins_another(database: Database) -> None:
    run_id = prepare(database)
    say(database, run_id, 0.9)
    with pytest.raises(ModelError, match="in use"):
        versions.remove(database, run_id)
    other = trained(database)
    with database.writing() as session:
        versions.promote(session, other)
    versions.remove(database, run_id)
    assert prepare(database) == other + 1
