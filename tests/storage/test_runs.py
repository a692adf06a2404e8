"""Runs as versions: named, put in use, rolled back, deleted; and what they decided, taken back."""

from __future__ import annotations

import pytest
from sqlmodel import col, func, select

from core.errors import ModelError
from core.storage import cards, decisions, journal, learning, runs, scheme_changes, taking_back, versions
from core.storage.database import Database, annotator_id, project_of
from core.storage.states import accepted, labelled, states
from core.storage.tables import Annotation, Origin, QueueEntry, QueueReason, Run, RunStatus, Suggestion
from tests.conftest import MakeProject, learnable
from tests.storage import corpus

REVIEWS = 60


@pytest.fixture
def database(project: MakeProject) -> Database:
    return project(reviews=[text for text, _ in learnable(REVIEWS)])


def finished(database: Database, sure: float, in_use: bool = True, folder: bool = True) -> int:
    """A finished run that finds label 1 this probable for every review."""
    with database.writing() as session:
        run = runs.start(session, "tiny", {}, [1, 2])
        scores = dict.fromkeys(range(1, REVIEWS + 1), (sure, 1 - sure))
        before = project_of(session).run_in_use
        corpus.suggest(session, run, scores)
        if not in_use:
            runs.change(session, run, in_use_since=None)
            project = project_of(session)
            project.run_in_use = before
            session.add(project)
        runs.end(session, run, RunStatus.FINISHED)
        if folder:
            place = database.models / f"run-{run}"
            place.mkdir(parents=True)
            (place / "model.safetensors").write_bytes(b"weights")
            runs.change(session, run, folder=place.name)
    return run


def in_use(database: Database) -> int | None:
    with database.reading() as session:
        return project_of(session).run_in_use


def stored(database: Database) -> dict[int, int]:
    """How many suggestions are stored, by run."""
    with database.reading() as session:
        query = select(Suggestion.run_id, func.count()).group_by(col(Suggestion.run_id))
        return dict(session.exec(query).all())


def record(database: Database, run: int) -> Run:
    with database.reading() as session:
        return runs.existing(session, run)


def said(database: Database, review: int) -> float:
    """The probability that is shown of a review's suggestion."""
    with database.reading() as session:
        return round(cards.suggestions(session, [review], multi=False)[review].probability, 3)


# ---------------------------------------------------------------------- names and notes


def test_a_run_has_a_name_and_a_note(database: Database) -> None:
    run = finished(database, 0.9)
    with database.writing() as session:
        runs.rename(session, run, "  all   labels ")
        runs.write_note(session, run, " with the\nnew scheme ")
    assert (record(database, run).name, record(database, run).note) == ("all labels", "with the\nnew scheme")
    with database.writing() as session:
        runs.rename(session, run, "")
    assert record(database, run).name == ""
    for what in (runs.rename, runs.write_note):
        with database.writing() as session, pytest.raises(ModelError, match="characters"):
            what(session, run, "x" * 3_000)
        with database.writing() as session, pytest.raises(ModelError, match="There is no run 9"):
            what(session, 9, "x")


# ---------------------------------------------------------------------- which run is in use


def test_a_promoted_run_is_shown_at_once_and_orders_the_queue(database: Database) -> None:
    first, second = finished(database, 0.9), finished(database, 0.6, in_use=False)
    assert (in_use(database), said(database, 5)) == (first, 0.9)
    with database.writing() as session:
        versions.promote(session, second)
    assert (in_use(database), said(database, 5)) == (second, 0.6)
    with database.reading() as session:
        entries = session.exec(select(QueueEntry)).all()
        assert len(entries) == REVIEWS
        assert {round(entry.number or 0, 3) for entry in entries if entry.reason is QueueReason.MARGIN} == {0.2}


def test_rolling_back_goes_back_step_by_step(database: Database) -> None:
    first, second, third = (finished(database, sure) for sure in (0.7, 0.8, 0.9))
    for expected in (second, first):
        with database.writing() as session:
            assert versions.roll_back(session) == expected
        assert in_use(database) == expected
    assert said(database, 1) == 0.7
    with database.writing() as session, pytest.raises(ModelError, match=f"No run was in use before run {first}"):
        versions.roll_back(session)
    with database.writing() as session:
        versions.promote(session, third)
    with database.writing() as session:
        assert versions.roll_back(session) == first, "what was rolled back from is no longer on the way"


def test_what_cannot_be_put_in_use_says_what_to_do(database: Database) -> None:
    with database.writing() as session:
        with pytest.raises(ModelError, match=r"No run is in use\. Train one"):
            versions.roll_back(session)
        with pytest.raises(ModelError, match="There is no run 4"):
            versions.promote(session, 4)
    first = finished(database, 0.9)
    second = finished(database, 0.8)
    versions.drop_suggestions(database, first)
    with database.writing() as session:
        for take in (lambda: versions.promote(session, first), lambda: versions.roll_back(session)):
            with pytest.raises(ModelError, match=f"not stored. Suggest with it.*labelloop suggest --run {first}"):
                take()
        untrained = runs.start(session, "tiny", {}, [1, 2])
        runs.end(session, untrained, RunStatus.FAILED)
        with pytest.raises(ModelError, match="is failed and has no model"):
            versions.promote(session, untrained)
    assert in_use(database) == second


def test_suggestions_of_three_runs_are_kept(database: Database) -> None:
    numbers = [finished(database, 0.6 + number / 100, in_use=number < 2) for number in range(6)]
    assert in_use(database) == numbers[1]
    dropped = versions.drop_old_suggestions(database)
    assert sorted(dropped) == numbers[2:5], "in use, the one before, and the newest stay"
    assert stored(database) == dict.fromkeys([*numbers[:2], numbers[5]], REVIEWS)
    assert [record(database, number).suggested for number in numbers] == [REVIEWS, REVIEWS, 0, 0, 0, REVIEWS]
    assert versions.drop_old_suggestions(database) == []


def test_dropping_goes_in_portions_and_spares_the_run_in_use(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "AT_ONCE", 7)
    first, second = finished(database, 0.9), finished(database, 0.8)
    versions.drop_suggestions(database, second)
    versions.drop_suggestions(database, first)
    assert stored(database) == {second: REVIEWS}


# ---------------------------------------------------------------------- deleting


def test_a_deleted_run_keeps_its_record_and_nothing_else(database: Database) -> None:
    first, second = finished(database, 0.9), finished(database, 0.8)
    with database.writing() as session:
        runs.add_points(session, first, [("loss", 1, 0.5)])
        runs.change(session, first, metrics={"temperature": 1.2}, checkpoint=f"run-{first}.checkpoint")
        runs.store_out_of_fold(session, first, [(1, b"12345678")])
        decisions.decide(session, annotator_id(session, "ann"), "accept", {1: accepted(1, [1], first, 0.9)})
    (database.models / f"run-{first}.checkpoint").mkdir()
    versions.remove(database, first)
    assert [folder.name for folder in database.models.iterdir()] == [f"run-{second}"]
    assert stored(database) == {second: REVIEWS}
    kept = record(database, first)
    assert (kept.removed, kept.folder, kept.checkpoint, kept.suggested) == (True, "", "", 0)
    assert kept.metrics == {"temperature": 1.2}
    with database.writing() as session:
        assert runs.curve(session, first, "loss") == [(1, 0.5)]
        assert runs.out_of_fold(session, first) == []
        assert states(session, [1])[1].run_id == first, "what was accepted from it stays"
        for take in (versions.promote, runs.with_model):
            with pytest.raises(ModelError, match=f"Run {first} was deleted"):
                take(session, first)
        with pytest.raises(ModelError, match="No run was in use before"):
            versions.roll_back(session)


def test_the_run_in_use_and_a_running_one_are_not_deleted(database: Database) -> None:
    run = finished(database, 0.9)
    with database.writing() as session:
        running = runs.start(session, "tiny", {}, [1, 2])
    for number, sentence in ((run, "is in use. Put another run in use"), (running, "is running. Stop it")):
        with pytest.raises(ModelError, match=sentence):
            versions.remove(database, number)
    assert (database.models / f"run-{run}").is_dir()
    assert stored(database) == {run: REVIEWS}
    with database.writing() as session:
        runs.change(session, running, process_started=1.0)
    versions.remove(database, running)
    assert record(database, running).status is RunStatus.INTERRUPTED, "its process is gone"


def test_a_model_folder_that_is_gone_already_does_not_hinder(database: Database) -> None:
    first, _ = finished(database, 0.9), finished(database, 0.8)
    (database.models / f"run-{first}" / "model.safetensors").unlink()
    (database.models / f"run-{first}").rmdir()
    versions.remove(database, first)
    assert record(database, first).removed


# ---------------------------------------------------------------------- resuming


def test_a_resumed_run_has_each_point_of_its_curves_once(database: Database) -> None:
    with database.writing() as session:
        run = runs.start(session, "tiny", {}, [1, 2])
        runs.add_points(session, run, [("loss", step, 0.1) for step in range(1, 11)])
        runs.change(session, run, checkpoint="run-1.checkpoint")
        assert runs.resumable(session) == []
        runs.end(session, run, RunStatus.CANCELLED, "Stopped.")
    with database.writing() as session:
        assert [one.id for one in runs.resumable(session)] == [run]
        runs.take_up(session, run)
        runs.resumed(session, run, 6)
        runs.add_points(session, run, [("loss", step, 0.2) for step in range(7, 13)])
    with database.reading() as session:
        curve = runs.curve(session, run, "loss")
        assert curve == [(step, 0.1 if step <= 6 else 0.2) for step in range(1, 13)]
        taken = runs.existing(session, run)
        assert (taken.status, taken.message, taken.finished_at) == (RunStatus.RUNNING, "", None)
        assert taken.resumed_at == [6]
        assert runs.resumable(session) == []


def test_a_run_knows_whether_the_annotations_are_still_those_it_saw(database: Database) -> None:
    with database.writing() as session:
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "label", {number: labelled(person, [1]) for number in range(1, 20)})
        run = runs.start(session, "tiny", {}, [1, 2])
        runs.change(session, run, annotations_digest=learning.digest(learning.examples(session, audit=False)))
        trained = [example.review_id for example in learning.examples(session, audit=False)]

    def same() -> bool:
        with database.reading() as session:
            return learning.unchanged_since(session, runs.existing(session, run))

    assert same()
    with database.writing() as session:
        decisions.decide(session, person, "label", {trained[0]: labelled(person, [2])})
    assert not same()
    with database.writing() as session:
        journal.undo(session)
    assert same()
    with database.writing() as session:
        scheme_changes.add(session, person, "third")
    assert not same(), "a model of two labels cannot learn three"


# ---------------------------------------------------------------------- taking back


def test_only_what_nobody_has_confirmed_is_taken_back_and_undo_brings_it_back(database: Database) -> None:
    first, second = finished(database, 0.9), finished(database, 0.8)
    with database.writing() as session:
        ann, bob = annotator_id(session, "ann"), annotator_id(session, "bob")
        decisions.decide(session, ann, "by hand", {1: labelled(ann, [2]), 2: labelled(ann, [2])})
        wanted = {number: accepted(ann, [1], first, 0.9) for number in range(2, 9)}
        decisions.decide(session, ann, "accept", wanted)
        decisions.decide(session, ann, "accept others", {9: accepted(ann, [1], second, 0.8)})
        decisions.decide(session, bob, "confirm", {3: labelled(bob, [1])})
        decisions.decide(session, bob, "change", {4: labelled(bob, [2])})
        decisions.amend(session, bob, "flag", 5, flagged=True)
        decisions.amend(session, bob, "note", 6, note="why?")
        before = states(session, range(1, 12))
        assert taking_back.accepted_from(session, first) == 5
    with database.writing() as session:
        assert taking_back.take_back(session, bob, first) == 5
        after = states(session, range(1, 12))
        assert journal.next_undo(session) == f"take back what run {first} decided"
    assert {number: after[number] for number in (1, 3, 4, 9)} == {number: before[number] for number in (1, 3, 4, 9)}
    assert (after[2].label_ids, after[2].origin, after[2].annotator_id) == ((2,), Origin.PERSON, ann), (
        "what a person had decided before is there again"
    )
    assert (after[5].decision, after[5].flagged, after[6].decision, after[6].note) == (None, True, None, "why?")
    assert 7 not in after
    assert 8 not in after
    with database.writing() as session:
        assert taking_back.take_back(session, bob, first) == 0
        step = journal.undo(session)
        assert step is not None
        assert step.changes == 5
        assert states(session, range(1, 12)) == before
        journal.redo(session)
        assert states(session, range(1, 12)) == after


def test_taking_back_from_a_run_that_is_not_there(database: Database) -> None:
    with database.writing() as session, pytest.raises(ModelError, match="There is no run 3"):
        taking_back.take_back(session, annotator_id(session, "ann"), 3)


def test_labels_merged_or_undone_since_do_not_come_back(database: Database) -> None:
    run = finished(database, 0.9)
    with database.writing() as session:
        ann = annotator_id(session, "ann")
        scheme_changes.add(session, ann, "third")
        decisions.decide(session, ann, "by hand", {1: labelled(ann, [2]), 2: labelled(ann, [3])})
        decisions.decide(session, ann, "accept", {number: accepted(ann, [1], run, 0.9) for number in (1, 2)})
        scheme_changes.merge(session, ann, 2, 3)
    with database.writing() as session:
        assert taking_back.take_back(session, ann, run) == 2
        assert {number: state.label_ids for number, state in states(session, [1, 2]).items()} == {1: (3,), 2: (3,)}


def test_very_many_are_taken_back_in_portions(project: MakeProject) -> None:
    database = project(reviews=[f"text {number} {number * 7919 % 10007}" for number in range(2_600)])
    told: list[int] = []
    with database.writing() as session:
        ann = annotator_id(session, "ann")
        run = runs.start(session, "tiny", {}, [1, 2])
        ids = list(range(1, 2_601))
        decisions.decide_all(session, ann, "accept all", ids, accepted(ann, [1], run, 0.9))
    with database.writing() as session:
        done = taking_back.take_back(session, ann, run, lambda _title, changes, _total: told.append(changes))
    assert done == 2_600
    assert told == [1_000, 2_000], "told after each full portion"
    with database.writing() as session:
        assert session.exec(select(func.count()).select_from(Annotation)).one() == 0
        journal.undo(session)
        assert taking_back.accepted_from(session, run) == 2_600


# ---------------------------------------------------------------------- suggesting anew


def test_out_of_fold_answers_are_replaced_as_a_whole(database: Database) -> None:
    run = finished(database, 0.9)
    with database.writing() as session:
        runs.store_out_of_fold(session, run, [(2, b"b" * 8), (1, b"a" * 8)])
        runs.store_out_of_fold(session, run, [(3, b"c" * 8), (1, b"d" * 8)])
        assert runs.out_of_fold(session, run) == [(1, b"d" * 8), (3, b"c" * 8)]
