"""The training job: examples from the project, a fine-tuned model beside it, suggestions for the rest."""

from __future__ import annotations

import errno
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from core.errors import CheckpointError, LabelloopError, LossNotFinite, OutOfMemory, ProjectError, TrainingError
from core.storage import runs, versions
from core.storage.database import Database
from core.storage.tables import Run, RunStatus
from core.training.arguments import TrainingArguments
from core.training.card import ModelCard
from core.training.device import choose_device
from core.training.loop import fine_tune
from core.training.predict import PredictionStopped, Predictor
from core.training.saved import save
from core.training.tuned import FineTuned, Stopped, library_versions
from core.worker.events import Cancelled, Finished, ModelSaved, Started
from core.worker.jobs import Emit, ShouldStop, teaching
from core.worker.jobs.cross_validation import cross_validate_while_few, keep
from core.worker.jobs.examples import Labelled, labelled
from core.worker.jobs.reporting import Reporter
from core.worker.jobs.suggest import store_suggestions
from core.worker.jobs.teaching import Lesson
from core.worker.requests import Train

GO_ON = "It can be resumed from its checkpoint."


@dataclass(frozen=True)
class _Begun:
    """A run that is entered as running, and what it trains on."""

    run_id: int
    arguments: TrainingArguments
    labelled: Labelled
    resumes: bool
    checkpoint_seconds: float

    @property
    def checkpoint(self) -> str:
        """Name of the folder of its checkpoint."""
        return f"run-{self.run_id}.checkpoint"


def train(database: Database, request: Train, emit: Emit, should_stop: ShouldStop, log: str) -> Finished | Cancelled:
    """Fine-tune, or go on with a run that stopped; save, suggest, and cross-validate while the audit set is small.

    The run's record tells how far it came, whatever happens.
    """
    with database.writing() as session:
        runs.mark_interrupted(session)
        busy = runs.running(session)
        if busy is not None:
            raise TrainingError(f"Run {busy.id} of this project is training already.", "Wait for it, or stop it.")
        begun = _begin(session, request) if request.resume is None else _resume(session, request, request.resume)
        resumable = runs.resumable(session)
        outdated = [one for one in resumable if not _same(one, begun.labelled)]
    for run in outdated:
        _discard_checkpoint(database, run.id or 0, run.checkpoint)
    teaching.forget_all_but(database, [begun.run_id, *(run.id for run in resumable)])
    emit(Started("train", begun.run_id, log))
    try:
        lesson = _work(database, begun, emit, should_stop)
    except Stopped as stopped:
        more = f" {GO_ON}" if stopped.resumable else ""
        return _cancelled(database, begun.run_id, f"Stopped at step {stopped.step}, as asked.{more}")
    except PredictionStopped:
        return _cancelled(database, begun.run_id, "Stopped while suggesting, as asked; its model is saved.")
    except BaseException as error:
        told = _failed(database, begun, error)
        if told is error:
            raise
        raise told from error
    _end(database, begun.run_id, RunStatus.FINISHED, "")
    if lesson is not None:
        keep(database, begun.run_id, begun.labelled, lesson.out_of_fold, lesson.folds)
    elif request.cross_validate:
        cross_validate_while_few(database, begun.run_id, begun.labelled, begun.arguments, emit, should_stop)
    return Finished(begun.run_id, 0.0)


def _begin(session: Session, request: Train) -> _Begun:
    """Enter a new run."""
    arguments = TrainingArguments.from_json(json.dumps(request.arguments))
    found = labelled(session)
    found.split(arguments)  # raises where there is nothing to learn from
    run_id = runs.start(session, arguments.base_model, json.loads(arguments.to_json()), found.label_ids)
    runs.change(session, run_id, annotations_digest=found.digest, versions=library_versions())
    return _Begun(run_id, arguments, found, False, request.checkpoint_seconds)


def _resume(session: Session, request: Train, run_id: int) -> _Begun:
    """Enter a run that stopped as running again. Raises TrainingError when it cannot go on."""
    run = runs.existing(session, run_id)
    if run.folder:
        raise TrainingError(
            f"Run {run_id} is trained; there is nothing to resume.",
            f"“labelloop suggest --run {run_id}” suggests with it.",
        )
    if not any(one.id == run_id for one in runs.resumable(session)):
        raise TrainingError(
            f"Run {run_id} is {run.status.value} and has no checkpoint to go on from.", "Start a new training."
        )
    arguments = TrainingArguments.from_json(json.dumps(run.arguments))
    found = labelled(session)
    if not _same(run, found):
        raise TrainingError(
            f"The labels have changed since run {run_id} began, and a resumed run uses exactly those it began with.",
            "Start a new training, which uses all labels there are now.",
        )
    runs.take_up(session, run_id)
    return _Begun(run_id, arguments, found, True, request.checkpoint_seconds)


def _same(run: Run, found: Labelled) -> bool:
    """Whether a run saw exactly these annotations."""
    return (run.annotations_digest, run.label_ids) == (found.digest, found.label_ids)


def _work(database: Database, begun: _Begun, emit: Emit, should_stop: ShouldStop) -> Lesson | None:
    """Train, save and suggest; returns what was learned from beside the labels."""
    taught = teaching.lesson(
        database, begun.run_id, begun.labelled, begun.arguments, begun.resumes, emit, should_stop
    )
    data = begun.labelled.split(begun.arguments) if taught is None else taught.data
    reporter = Reporter(database, begun.run_id, begun.checkpoint, begun.resumes, emit)
    database.models.mkdir(mode=0o700, exist_ok=True)
    try:
        tuned = fine_tune(
            data,
            begun.arguments,
            reporter.report,
            should_stop,
            checkpoints=database.models / begun.checkpoint,
            resume=begun.resumes,
            checkpoint_seconds=begun.checkpoint_seconds,
        )
    except Stopped:
        reporter.flush()
        raise
    reporter.flush()
    _save(database, begun.run_id, tuned, reporter, emit, taught.measured(tuned) if taught else {})
    _discard_checkpoint(database, begun.run_id, begun.checkpoint)
    predictor = Predictor(
        tuned.model,
        tuned.tokenizer,
        tuned.label_names,
        multi_label=begun.labelled.multi,
        max_length=tuned.max_length,
        device=choose_device(),
    )
    store_suggestions(database, begun.run_id, predictor, emit, should_stop)
    return taught


def _save(
    database: Database, run_id: int, tuned: FineTuned, reporter: Reporter, emit: Emit, facts: dict[str, Any]
) -> None:
    folder = database.models / f"run-{run_id}"
    best = min(tuned.history, key=lambda point: point.validation_loss, default=None)
    metrics = {} if best is None else {"validation accuracy": best.validation_accuracy}
    digest = save(folder, tuned, ModelCard(date=datetime.now(UTC).date(), metrics=metrics))
    last = reporter.last
    with database.writing() as session:
        runs.change(
            session,
            run_id,
            folder=folder.name,
            weights_sha256=digest,
            versions=tuned.versions,
            metrics={
                "best_step": tuned.best_step,
                "total_steps": tuned.total_steps,
                "temperature": tuned.temperature,
                "seconds": tuned.seconds,
                "truncated": tuned.train_truncated + tuned.validation_truncated,
                "max_length": tuned.max_length,
                "validation_accuracy": best.validation_accuracy if best else None,
                "validation_loss": best.validation_loss if best else None,
                "examples_per_second": last.examples_per_second if last else None,
                "tokens_per_second": last.tokens_per_second if last else None,
                "memory": last.memory if last else None,
                "labels": tuned.train + tuned.validation,
                "out_of_sample_log_loss": best.validation_loss if best else None,
                **facts,
            },
        )
    emit(ModelSaved(run_id, str(folder), digest))


def _discard_checkpoint(database: Database, run_id: int, name: str) -> None:
    """Delete a checkpoint that nobody can go on from any more; one that cannot be deleted is in nobody's way."""
    teaching.forget(database, run_id)
    with database.writing() as session:
        runs.change(session, run_id, checkpoint="")
    try:
        versions.discard_folder(database, name)
    except LabelloopError:
        logging.exception("A checkpoint is left over")


def _cancelled(database: Database, run_id: int, message: str) -> Cancelled:
    _end(database, run_id, RunStatus.CANCELLED, message)
    return Cancelled(run_id, message)


def _failed(database: Database, begun: _Begun, error: BaseException) -> BaseException:
    """Note why a run failed; returns the error to raise, in words where it is one that people can do something about.

    After a disk that was full or memory that ran out the run can go on; the same numbers would give NaN again.
    """
    told = _in_words(error)
    try:
        if isinstance(error, LossNotFinite):
            _discard_checkpoint(database, begun.run_id, begun.checkpoint)
        with database.writing() as session:
            kept = runs.existing(session, begun.run_id).checkpoint
            message = str(told) if isinstance(told, LabelloopError) else f"{type(told).__name__}: {told}"
            runs.end(session, begun.run_id, RunStatus.FAILED, message)
    except ProjectError:
        logging.exception("Why run %d failed could not be noted", begun.run_id)  # it will count as interrupted
        return told
    if kept and isinstance(told, LabelloopError) and not isinstance(told, LossNotFinite | CheckpointError):
        return type(told)(told.message, f"{told.remedy} Then resume run {begun.run_id}.".lstrip())
    return told


def _in_words(error: BaseException) -> BaseException:
    if isinstance(error, MemoryError):
        return OutOfMemory("The machine ran out of memory.", "Close other programs, or train with shorter reviews.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" of {error.filename}" if error.filename else ""
        return TrainingError(f"There is no room left on the disk{where}.", "Free some space.")
    return error


def _end(database: Database, run_id: int, status: RunStatus, message: str) -> None:
    with database.writing() as session:
        runs.end(session, run_id, status, message)
