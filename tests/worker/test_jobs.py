"""The jobs without a process around them: which run is shown, which reviews come first, what a stop leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import Session, col, func, select

from core.errors import LabelloopError, TrainingError
from core.files.importing import Choice, import_file
from core.storage import journal, learning, queue, runs
from core.storage.database import Database, project_of
from core.storage.tables import QueueEntry, QueueReason, Review, Run, RunStatus, Suggestion
from core.worker.events import Cancelled, Event, Finished, ModelSaved, Progressed, SuggestionsStored
from core.worker.requests import Request, Suggest, Train
from tests.conftest import MakeProject, learnable, write_csv

MakeTrain = Callable[..., Train]


def never() -> bool:
    return False


def do(request: Request, should_stop: Callable[[], bool] = never) -> tuple[list[Event], Finished | Cancelled]:
    from core.worker import jobs

    told: list[Event] = []
    last = jobs.run(request, told.append, should_stop, "")
    return told, last


def stored(told: list[Event]) -> SuggestionsStored:
    (event,) = [one for one in told if isinstance(one, SuggestionsStored)]
    return event


def in_use(session: Session) -> int | None:
    return project_of(session).run_in_use


@pytest.fixture
def database(project: MakeProject, tmp_path: Path) -> Database:
    """Enough labels that the audit set tells a good model from a bad one."""
    made = project()
    rows = [[text, label if number < 240 else ""] for number, (text, label) in enumerate(learnable(400))]
    import_file(made, Choice(write_csv(tmp_path / "some.csv", ["text", "mark"], rows), label_column="mark"), "ann")
    return made


def test_a_worse_model_is_not_shown_unless_asked_for(database: Database, training: MakeTrain) -> None:
    told, _ = do(training(database, epochs=12))
    assert stored(told).in_use
    told, last = do(training(database, epochs=0.1, learning_rate=1e-9, head_multiplier=1))
    assert isinstance(last, Finished)
    worse = stored(told)
    assert (worse.run_id, worse.in_use) == (2, False)
    assert "suggestions still come from run 1" in worse.message
    with database.reading() as session:
        assert in_use(session) == 1
        first, second = (session.get(Run, number) for number in (1, 2))
        assert first is not None
        assert second is not None
        good, bad = first.metrics["audit"]["model"], second.metrics["audit"]["model"]
        assert good["accuracy"] > bad["accuracy"]
        assert good["size"] == bad["size"] == len(learning.examples(session, audit=True)) >= 20
        assert second.status is RunStatus.FINISHED
    told, last = do(Suggest(str(database.path), run_id=2))
    assert isinstance(last, Finished)
    assert stored(told).in_use
    with database.reading() as session:
        assert in_use(session) == 2


def test_after_a_training_doubtful_reviews_come_first_and_every_tenth_is_drawn_at_random(
    database: Database, training: MakeTrain
) -> None:
    do(training(database))
    with database.reading() as session:
        entries = session.exec(select(QueueEntry).order_by(col(QueueEntry.position))).all()
        audit = {review.id: review.audit for review in session.exec(select(Review))}
        shuffle = {review.id: review.shuffle for review in session.exec(select(Review))}
        undecided = set(session.exec(select(Review.id).where(queue.undecided())))
    assert {entry.review_id for entry in entries} == undecided
    both = min(
        9 * sum(entry.reason is QueueReason.AUDIT for entry in entries),
        sum(entry.reason is QueueReason.MARGIN for entry in entries),
    )
    for entry in entries:
        assert audit[entry.review_id] == (entry.reason is QueueReason.AUDIT), (
            "of the audit set the model chooses none"
        )
        if entry.position < both:
            assert (entry.reason is QueueReason.AUDIT) == (entry.position % 10 == 9)
    margins = [entry.number for entry in entries if entry.reason is QueueReason.MARGIN]
    assert None not in margins
    assert margins == sorted(margins, key=lambda margin: margin or 0)
    drawn = [entry.review_id for entry in entries if entry.reason is QueueReason.AUDIT]
    assert drawn == sorted(drawn, key=lambda review_id: shuffle[review_id]), "in the random order"


def test_audit_reviews_are_measured_on_and_never_trained_on(database: Database) -> None:
    with database.reading() as session:
        trained = {one.text for one in learning.examples(session, audit=False)}
        measured = {one.text for one in learning.examples(session, audit=True)}
        audit = set(session.exec(select(Review.text).where(Review.audit)))
        suggested = learning.to_suggest(session, 0, 1_000)
        assert learning.to_suggest_count(session) == len(suggested)
    assert trained
    assert measured
    assert trained.isdisjoint(audit)
    assert measured <= audit
    assert measured <= {text for _, text in suggested}, "labelled or not, they get a suggestion to be measured by"


def test_stopped_while_suggesting_the_model_is_kept_and_its_suggestions_are_not_shown(
    database: Database, training: MakeTrain
) -> None:
    told: list[Event] = []
    from core.worker import jobs

    last = jobs.run(training(database), told.append, lambda: any(isinstance(one, ModelSaved) for one in told), "")
    assert isinstance(last, Cancelled)
    assert not any(isinstance(one, Progressed) for one in told)
    with database.reading() as session:
        run = session.get(Run, 1)
        assert run is not None
        assert (run.status, run.folder, run.suggested) == (RunStatus.CANCELLED, "run-1", 0)
        assert in_use(session) is None
    told, _ = do(Suggest(str(database.path)))
    assert stored(told).run_id == 1
    with database.reading() as session:
        count = session.exec(select(func.count()).select_from(Suggestion)).one()
        assert count == stored(told).count == learning.to_suggest_count(session)


def test_a_failed_training_is_recorded_with_its_reason(
    database: Database, training: MakeTrain, tmp_path: Path
) -> None:
    with pytest.raises(LabelloopError, match="was not found"):
        do(training(database, base_model=str(tmp_path / "no such model")))
    with database.reading() as session:
        run = session.get(Run, 1)
        assert run is not None
        assert run.status is RunStatus.FAILED
        assert "no such model" in run.message
        assert runs.running(session) is None
    with pytest.raises(TrainingError, match="Unknown training argument speed"):
        do(training(database, speed=9))


def test_a_label_that_undo_took_out_does_not_stop_later_trainings(
    database: Database, training: MakeTrain, tmp_path: Path
) -> None:
    rows = [[f"{text} again", "neutral"] for text, _ in learnable(30)]
    import_file(
        database, Choice(write_csv(tmp_path / "more.csv", ["text", "mark"], rows), label_column="mark"), "ann"
    )
    do(training(database))
    with database.writing() as session:
        assert journal.undo(session) is not None
    _, last = do(training(database))
    assert isinstance(last, Finished)
    with database.reading() as session:
        second = session.get(Run, 2)
        assert second is not None
        assert len(second.label_ids) == 2
        assert second.metrics["audit"]["model"]["size"] > 0


def test_several_labels_a_review_from_training_to_suggestions(
    project: MakeProject, training: MakeTrain, tmp_path: Path
) -> None:
    database = project(["positive", "negative"], multi=True)
    rows = [
        [text, f"{label}|long" if number % 3 else "" if number % 5 else label]
        for number, (text, label) in enumerate(learnable(120))
    ]
    import_file(database, Choice(write_csv(tmp_path / "a.csv", ["text", "tags"], rows), label_column="tags"), "ann")
    told, last = do(training(database, epochs=2))
    assert isinstance(last, Finished)
    with database.reading() as session:
        for row in session.exec(select(Suggestion)):
            assert (row.label_id is None) == (row.probability < 0.5)
        assert stored(told).count == learning.to_suggest_count(session) > 0
