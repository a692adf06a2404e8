"""A training that was killed or stopped goes on as if nothing had happened, or says why it cannot."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from core.errors import CheckpointError, LabelloopError, LossNotFinite, ModelError, OutOfMemory, TrainingError
from core.files.importing import Choice, import_file
from core.storage import decisions, learning, runs, versions
from core.storage.database import Database, annotator_id
from core.storage.states import labelled
from core.storage.tables import Run, RunStatus
from core.worker.client import Worker
from core.worker.events import (
    Cancelled,
    CheckpointWritten,
    Event,
    Failed,
    Finished,
    Loaded,
    Noticed,
    StepDone,
    StopHeard,
)
from core.worker.requests import Request, Suggest, Train
from tests.conftest import MakeProject, learnable, write_csv

MakeTrain = Callable[..., Train]

STEPS = 200


def never() -> bool:
    return False


def do(request: Request, should_stop: Callable[[], bool] = never) -> tuple[list[Event], Finished | Cancelled]:
    from core.worker import jobs

    told: list[Event] = []
    return told, jobs.run(request, told.append, should_stop, "")


def stopped_at(request: Request, step: int) -> tuple[list[Event], Finished | Cancelled]:
    """Do a job that is asked to stop when it has taken this many steps."""
    from core.worker import jobs

    told: list[Event] = []

    def reached() -> bool:
        return any(isinstance(one, StepDone) and one.step >= step for one in told)

    return told, jobs.run(request, told.append, reached, "")


def run_of(database: Database, run_id: int) -> Run:
    with database.reading() as session:
        return runs.existing(session, run_id)


@pytest.fixture
def database(project: MakeProject, tmp_path: object) -> Database:
    """Forty labelled reviews, and ten to suggest for."""
    made = project()
    rows = [[text, label if number < 40 else ""] for number, (text, label) in enumerate(learnable(50))]
    file = write_csv(made.path.parent / "some.csv", ["text", "mark"], rows)
    import_file(made, Choice(file, label_column="mark"), "ann")
    return made


async def test_killed_and_resumed_it_ends_with_the_very_same_weights(database: Database, training: MakeTrain) -> None:
    request = training(database, epochs=None, steps=STEPS, patience=None)
    worker = Worker(replace(request, checkpoint_seconds=0.05))
    written: list[CheckpointWritten] = []
    async for event in worker.events():
        if isinstance(event, CheckpointWritten):
            written.append(event)
        if written and isinstance(event, StepDone) and event.step > written[-1].step:
            assert worker.process_id is not None
            os.kill(worker.process_id, signal.SIGKILL)
    with database.writing() as session:
        assert runs.mark_interrupted(session) == [1]
        assert [run.id for run in runs.resumable(session)] == [1]
    told, last = do(Train(str(database.path), resume=1, cross_validate=False))
    assert isinstance(last, Finished)
    (loaded,) = [event for event in told if isinstance(event, Loaded)]
    assert loaded.resumed_step >= written[-1].step > 0
    assert next(event.step for event in told if isinstance(event, StepDone)) == loaded.resumed_step + 1
    do(request)
    resumed, whole = run_of(database, 1), run_of(database, 2)
    assert resumed.status is whole.status is RunStatus.FINISHED
    assert resumed.weights_sha256 == whole.weights_sha256 != ""
    assert resumed.annotations_digest == whole.annotations_digest
    assert (resumed.resumed_at, resumed.checkpoint, whole.resumed_at) == ([loaded.resumed_step], "", [])
    with database.reading() as session:
        for name in ("loss", "validation_loss", "validation_accuracy"):
            assert runs.curve(session, 1, name) == runs.curve(session, 2, name)
        assert [step for step, _ in runs.curve(session, 1, "loss")] == list(range(1, STEPS + 1))
    assert sorted(folder.name for folder in database.models.iterdir()) == ["run-1", "run-2"]
    for fact in ("examples_per_second", "memory", "seconds", "temperature"):
        assert resumed.metrics[fact] > 0
    assert {"torch", "transformers", "python"} <= set(resumed.versions)


async def test_a_worker_that_is_asked_to_stop_says_so_and_leaves_a_checkpoint(
    database: Database, training: MakeTrain
) -> None:
    worker = Worker(training(database, endless=True))
    heard: list[type[Event]] = []
    async for event in worker.events():
        heard.append(type(event))
        if heard.count(StepDone) == 1 and isinstance(event, StepDone):
            stopping = worker.stop()
            await stopping
    assert [kind for kind in heard if kind in (StopHeard, CheckpointWritten, Cancelled)] == [
        StopHeard,
        CheckpointWritten,
        Cancelled,
    ]
    run = run_of(database, 1)
    assert run.status is RunStatus.CANCELLED
    assert run.message.endswith("It can be resumed from its checkpoint.")
    assert (database.models / run.checkpoint).is_dir()


# ---------------------------------------------------------------------- what cannot be resumed


def test_with_other_labels_a_run_is_not_resumed_and_its_checkpoint_goes_with_the_next_training(
    database: Database, training: MakeTrain
) -> None:
    stopped_at(training(database), 3)
    with database.writing() as session:
        person = annotator_id(session, "ann")
        trained = learning.examples(session, audit=False)[0]
        other = {1: 2, 2: 1}[trained.label_ids[0]]
        decisions.decide(session, person, "other", {trained.review_id: labelled(person, [other])})
    with pytest.raises(TrainingError, match=r"labels have changed since run 1 began.*Start a new training"):
        do(Train(str(database.path), resume=1))
    assert run_of(database, 1).status is RunStatus.CANCELLED, "as it was"
    do(training(database))
    assert run_of(database, 1).checkpoint == ""
    assert sorted(folder.name for folder in database.models.iterdir()) == ["run-2"]


def test_what_there_is_nothing_to_resume_of_says_so(database: Database, training: MakeTrain) -> None:
    with pytest.raises(ModelError, match="There is no run 3"):
        do(Train(str(database.path), resume=3))
    do(training(database))
    with pytest.raises(TrainingError, match=r"Run 1 is trained.*labelloop suggest --run 1"):
        do(Train(str(database.path), resume=1))
    with database.writing() as session:
        run = runs.start(session, "tiny", {}, [1, 2])
        runs.end(session, run, RunStatus.FAILED)
    with pytest.raises(TrainingError, match="Run 2 is failed and has no checkpoint"):
        do(Train(str(database.path), resume=2))


def test_a_damaged_checkpoint_is_a_sentence(database: Database, training: MakeTrain) -> None:
    stopped_at(training(database), 3)
    for file in (database.models / run_of(database, 1).checkpoint).rglob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(CheckpointError) as raised:
        do(Train(str(database.path), resume=1))
    assert raised.value.remedy
    assert "resume run 1" not in raised.value.remedy, "that would fail again"
    assert run_of(database, 1).status is RunStatus.FAILED


# ---------------------------------------------------------------------- failures


class Breaks:
    """Fails in the middle of a training, as machines do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: BaseException, after: int) -> None:
        from core.training.gradient import BatchGradient

        self.calls = 0
        compute = BatchGradient.compute

        def breaking(gradient: BatchGradient, *given: object, **named: object) -> object:
            self.calls += 1
            if self.calls > after:
                raise error
            return compute(gradient, *given, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(BatchGradient, "compute", breaking)


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (MemoryError(), OutOfMemory, "memory"),
        (OSError(28, "No space left on device", "/models/x"), TrainingError, "There is no room left on the disk"),
        (OutOfMemory("The GPU has no room.", "Choose a smaller model."), OutOfMemory, "The GPU has no room"),
    ],
)
def test_after_a_failure_of_the_machine_the_run_can_go_on(
    error: BaseException,
    kind: type[LabelloopError],
    sentence: str,
    database: Database,
    training: MakeTrain,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = training(database, epochs=None, steps=12)
    with monkeypatch.context() as patched:
        Breaks(patched, error, after=6)
        with pytest.raises(kind, match=sentence) as raised:
            do(replace(request, checkpoint_seconds=0.0))
    run = run_of(database, 1)
    assert (run.status, bool(run.checkpoint)) == (RunStatus.FAILED, True)
    assert sentence in run.message
    assert raised.value.remedy.endswith("Then resume run 1.")
    _, last = do(Train(str(database.path), resume=1, cross_validate=False))
    assert isinstance(last, Finished)
    do(request)
    assert run_of(database, 1).weights_sha256 == run_of(database, 2).weights_sha256


def test_a_loss_that_is_no_number_is_not_resumed(
    database: Database, training: MakeTrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        Breaks(patched, LossNotFinite("The loss became NaN.", "Lower learning_rate."), after=6)
        with pytest.raises(LossNotFinite) as raised:
            do(replace(training(database, epochs=None, steps=12), checkpoint_seconds=0.0))
    assert raised.value.remedy == "Lower learning_rate."
    run = run_of(database, 1)
    assert (run.status, run.checkpoint) == (RunStatus.FAILED, "")
    assert list(database.models.iterdir()) == []


async def test_a_model_folder_that_was_changed_is_refused(database: Database, training: MakeTrain) -> None:
    do(training(database))
    folder = database.models / run_of(database, 1).folder
    weights = folder / "model.safetensors"
    kept = weights.read_bytes()
    weights.write_bytes(kept[:-4] + b"\0\0\0\1")
    with pytest.raises(ModelError, match="SHA-256 differs"):
        do(Suggest(str(database.path), 1))
    # Whoever changes the weights can change the digest beside them, but not the project's record.
    import hashlib
    import json

    facts = json.loads((folder / "labelloop.json").read_text())
    facts["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    (folder / "labelloop.json").write_text(json.dumps(facts))
    heard = [event async for event in Worker(Suggest(str(database.path), 1)).events()]
    assert isinstance(heard[-1], Failed)
    assert (heard[-1].kind, heard[-1].remedy != "") == ("ModelError", True)
    assert "is not the one that run 1 trained" in heard[-1].message


def test_a_project_that_cannot_be_written_does_not_hide_why_the_run_failed(
    database: Database, training: MakeTrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.errors import ProjectError

    def full(*_: object, **__: object) -> None:
        raise ProjectError("There is no room left on the disk of the project.", "Free some space.")

    with monkeypatch.context() as patched:
        Breaks(patched, OSError(28, "No space left on device"), after=2)
        patched.setattr(runs, "end", full)
        with pytest.raises(TrainingError, match="no room left on the disk"):
            do(training(database))
    assert run_of(database, 1).status is RunStatus.RUNNING, "counts as interrupted once its process is gone"


# ---------------------------------------------------------------------- cross-validation


def test_while_the_audit_set_is_small_a_run_is_cross_validated_after_it_can_be_used(
    database: Database, training: MakeTrain
) -> None:
    from core.worker import jobs

    told: list[Event] = []
    seen: list[tuple[RunStatus, int]] = []

    def emit(event: Event) -> None:
        told.append(event)
        if type(event).__name__ == "FoldDone":
            run = run_of(database, 1)
            seen.append((run.status, run.suggested))

    last = jobs.run(training(database, cross_validate=True, epochs=2), emit, never, "")
    assert isinstance(last, Finished)
    assert seen
    assert set(seen) == {(RunStatus.FINISHED, run_of(database, 1).suggested)}
    run = run_of(database, 1)
    with database.reading() as session:
        answers = dict(runs.out_of_fold(session, 1))
        examples = learning.examples(session, audit=False)
    assert list(answers) == [example.review_id for example in examples]
    assert {len(scores) for scores in answers.values()} == {8}
    found = run.metrics["cross_validation"]
    assert (found["size"], found["folds"]) == (len(examples), 5)
    assert run.metrics["audit"]["cross_validation"] == found
    right = [
        int(np.frombuffer(answers[example.review_id], dtype="<f4").argmax()) == example.label_ids[0] - 1
        for example in examples
    ]
    assert found["model"]["accuracy"] == pytest.approx(np.mean(right))
    notice = [event.message for event in told if isinstance(event, Noticed)][-1]
    assert notice.startswith("By 5-fold cross-validation run 1 labels ")


def test_stopping_the_cross_validation_leaves_the_run_finished(database: Database, training: MakeTrain) -> None:
    from core.worker import jobs

    told: list[Event] = []
    last = jobs.run(
        training(database, cross_validate=True),
        told.append,
        lambda: any(type(event).__name__ == "FoldDone" for event in told),
        "",
    )
    assert isinstance(last, Finished)
    run = run_of(database, 1)
    assert (run.status, "cross_validation" in run.metrics) == (RunStatus.FINISHED, False)
    assert "The cross-validation was stopped; run 1 is finished." in [
        event.message for event in told if isinstance(event, Noticed)
    ]


def test_suggestions_of_the_newest_runs_alone_are_kept(database: Database, training: MakeTrain) -> None:
    for _ in range(versions.KEPT + 1):
        do(training(database, epochs=0.5))
    stored = [run_of(database, number).suggested > 0 for number in range(1, versions.KEPT + 2)]
    assert stored == [False, True, True, True]
