"""A run of few labels learns from reviews without one; what it learns from is kept while it can be resumed."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlmodel import select
from transformers import AlbertConfig, AlbertModel

from core.errors import CheckpointError
from core.files.importing import Choice, import_file
from core.storage import learning, runs, unlabelled
from core.storage.database import Database
from core.storage.queue import undecided
from core.storage.tables import Review, RunStatus
from core.worker.events import Cancelled, Event, Finished, FoldDone, Noticed, Progressed
from core.worker.requests import Train
from tests.conftest import MakeProject, learnable, write_csv
from tests.training.test_encoders import folder_of

from .test_resuming import do, run_of, stopped_at

MakeTrain = Callable[..., Train]

LABELLED, OPEN, STEPS = 60, 200, 12
LESSON = "run-1.lesson.npz"


@pytest.fixture
def database(project: MakeProject) -> Database:
    """Few labelled reviews, and a pool of others, some of them copies."""
    made = project()
    pairs = learnable(LABELLED + OPEN)
    pairs += [(f"{text}!", label) for text, label in pairs[-20:]]
    rows = [[text, label if number < LABELLED else ""] for number, (text, label) in enumerate(pairs)]
    file = write_csv(made.path.parent / "some.csv", ["text", "mark"], rows)
    import_file(made, Choice(file, label_column="mark"), "ann")
    return made


@pytest.fixture
def taught(training: MakeTrain) -> MakeTrain:
    """A request for a short training that learns from the pool too."""

    def request(database: Database, **arguments: Any) -> Train:
        return training(database, **{"epochs": None, "steps": STEPS, "pool_reviews": 2_000, **arguments})

    return request


def notices(told: list[Event]) -> list[str]:
    return [event.message for event in told if isinstance(event, Noticed)]


def names(database: Database) -> list[str]:
    return sorted(path.name for path in database.models.iterdir()) if database.models.exists() else []


def test_stopped_and_resumed_it_ends_with_the_very_same_weights(database: Database, taught: MakeTrain) -> None:
    told, last = stopped_at(taught(database), 5)
    assert isinstance(last, Cancelled)
    assert last.message.endswith("It can be resumed from its checkpoint.")
    assert any("reviews without a label too" in one for one in notices(told))
    teaching = [event for event in told if isinstance(event, Progressed)]
    assert teaching
    assert {event.what for event in teaching} == {"teaching"}
    folds = [(event.fold, event.folds) for event in told if isinstance(event, FoldDone)]
    assert folds[0] == (0, 4)
    assert folds[-1] == (4, 4)
    assert names(database) == ["run-1.checkpoint", LESSON]
    assert stat.S_IMODE((database.models / LESSON).stat().st_mode) == 0o600
    told, last = do(Train(str(database.path), resume=1, cross_validate=False))
    assert isinstance(last, Finished)
    assert not any(isinstance(event, FoldDone) for event in told), "the teacher is not made again"
    _, last = do(taught(database))
    assert isinstance(last, Finished)
    resumed, whole = run_of(database, 1), run_of(database, 2)
    assert (resumed.status, whole.status) == (RunStatus.FINISHED, RunStatus.FINISHED)
    assert resumed.weights_sha256 == whole.weights_sha256 != ""
    assert names(database) == ["run-1", "run-2"], "what was learned from is no longer kept"
    for fact in ("teacher_weight", "pool_size", "out_of_sample_log_loss", "quick_log_loss", "divergence"):
        assert resumed.metrics[fact] == whole.metrics[fact] is not None
    assert resumed.metrics["temperature"] == whole.metrics["temperature"] != 1.0
    assert resumed.metrics["divergence"] >= 0, "of the student from its teacher"
    assert resumed.metrics["labels"] == len(labelled_ids(database))
    with database.reading() as session:
        assert runs.curve(session, 1, "loss") == runs.curve(session, 2, "loss")
        answers = dict(runs.out_of_fold(session, 1))
        assert answers == dict(runs.out_of_fold(session, 2))
    assert list(answers) == labelled_ids(database)
    assert np.frombuffer(next(iter(answers.values())), dtype="<f4").sum() == pytest.approx(1, abs=1e-5)


def labelled_ids(database: Database) -> list[int]:
    with database.reading() as session:
        return [example.review_id for example in learning.examples(session, audit=False)]


def test_the_pool_holds_no_review_of_the_audit_set_none_with_a_label_and_no_copies(
    database: Database, taught: MakeTrain
) -> None:
    stopped_at(taught(database), 1)
    with np.load(database.models / LESSON) as kept:
        pool = kept["pool_ids"].tolist()
    with database.reading() as session:
        reviews = {review.id: review for review in session.exec(select(Review))}
        undecided_ids = set(session.exec(select(Review.id).where(undecided())))
    audit = {review_id for review_id, review in reviews.items() if review.audit}
    assert audit & undecided_ids, "there was something to leave out"
    assert audit.isdisjoint(pool)
    assert set(pool) <= undecided_ids
    groups = [reviews[review_id].group_id for review_id in pool]
    assert len(set(groups)) == len(groups)
    expected = {reviews[one].group_id for one in undecided_ids - audit if reviews[one].group_id in undecided_ids}
    assert set(groups) == expected, "all others"
    assert len(expected) < len(undecided_ids - audit), "there were copies"
    audit_groups = {reviews[review_id].group_id for review_id in audit}
    assert audit_groups.isdisjoint(groups), "nor copies of the audit set's"


def test_of_a_large_pool_the_first_in_random_order_are_taken(database: Database) -> None:
    with database.reading() as session:
        everything = unlabelled.drawn(session, 10_000)
        some = unlabelled.drawn(session, 30)
        shuffle = {review.id: review.shuffle for review in session.exec(select(Review))}
        assert (
            unlabelled.texts(session, [review_id for review_id, _ in some][::-1]) == [text for _, text in some][::-1]
        )
        with pytest.raises(KeyError):
            unlabelled.texts(session, [99_999])
    assert some == everything[:30]
    places = [shuffle[review_id] for review_id, _ in everything]
    assert places == sorted(places)


@pytest.mark.parametrize("fold", [0, 1])
def test_cancelled_while_teaching_it_leaves_nothing(database: Database, taught: MakeTrain, fold: int) -> None:
    from core.worker import jobs

    told: list[Event] = []

    def reached() -> bool:
        return any(isinstance(event, FoldDone) and event.fold >= fold for event in told)

    last = jobs.run(taught(database), told.append, reached, "")
    assert isinstance(last, Cancelled)
    assert "resumed" not in last.message
    run = run_of(database, 1)
    assert (run.status, run.folder, run.checkpoint) == (RunStatus.CANCELLED, "", "")
    assert names(database) == []


def test_on_a_full_disk_it_learns_all_the_same_and_is_not_resumed_as_another(
    database: Database, taught: MakeTrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(stream: Any, **_: object) -> None:
        stream.write(b"PK")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", full)
        _, last = stopped_at(taught(database, validation_share=0.0), 5)
        assert isinstance(last, Cancelled)
        assert names(database) == ["run-1.checkpoint"]
        with pytest.raises(CheckpointError, match=r"is of other reviews.*Train anew"):
            do(Train(str(database.path), resume=1))
        _, last = do(taught(database))
    assert isinstance(last, Finished)
    assert run_of(database, 2).metrics["pool_size"] > 100
    assert "run-2" in names(database)
    assert "run-2.lesson.npz" not in names(database)


@pytest.mark.parametrize("damage", [lambda kept: kept[: len(kept) // 2], lambda _: b"", lambda _: b"no archive"])
def test_a_damaged_lesson_is_a_sentence(
    database: Database, taught: MakeTrain, damage: Callable[[bytes], bytes]
) -> None:
    stopped_at(taught(database, steps=3, pool_reviews=120), 1)
    file = database.models / LESSON
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(CheckpointError, match=r"What run 1 learned from, .*, is damaged: .*Train anew"):
        do(Train(str(database.path), resume=1))
    assert run_of(database, 1).status is RunStatus.FAILED


def test_what_a_killed_run_left_goes_with_the_next_training(database: Database, training: MakeTrain) -> None:
    do(training(database, steps=1))
    stopped_at(training(database, steps=9), 1)
    with database.reading() as session:
        (resumable,) = runs.resumable(session)
    for number in (1, resumable.id, 7):
        (database.models / f"run-{number}.lesson.npz").write_bytes(b"kept")
    do(training(database, steps=1))
    assert [name for name in names(database) if "lesson" in name] == [f"run-{resumable.id}.lesson.npz"]


def test_asked_not_to_it_learns_from_the_labels_alone(database: Database, taught: MakeTrain) -> None:
    told, last = do(taught(database, pool_reviews=0))
    assert isinstance(last, Finished)
    assert not any(isinstance(event, FoldDone) for event in told)
    assert not any("without a label" in one for one in notices(told))
    assert "teacher_weight" not in run_of(database, 1).metrics


def test_a_base_model_without_a_stack_of_layers_learns_from_the_labels_alone(
    database: Database, taught: MakeTrain, tiny_base: Path, tmp_path: Path
) -> None:
    albert = AlbertModel(
        AlbertConfig(
            vocab_size=120, embedding_size=16, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=64, max_position_embeddings=64,
        )
    )  # fmt: skip
    told, last = do(taught(database, base_model=folder_of(albert, tiny_base, tmp_path / "albert"), steps=2))
    assert isinstance(last, Finished)
    assert any(one.startswith("Learning from the labelled reviews alone. ") for one in notices(told))
    assert run_of(database, 1).status is RunStatus.FINISHED


def test_several_labels_a_review(project: MakeProject, taught: MakeTrain) -> None:
    made = project(["positive", "negative", "long"], multi=True)
    rows = [
        [text, "" if number >= LABELLED else f"{label}|long" if number % 3 else label]
        for number, (text, label) in enumerate(learnable(LABELLED + OPEN))
    ]
    file = write_csv(made.path.parent / "tags.csv", ["text", "tags"], rows)
    import_file(made, Choice(file, label_column="tags"), "ann")
    request = taught(made, pool_reviews=120)
    _, last = do(replace(request, cross_validate=True))
    assert isinstance(last, Finished)
    run = run_of(made, 1)
    assert run.metrics["pool_size"] == 120
    assert "cross_validation" in run.metrics
