"""The training job: examples from the project, a fine-tuned model beside it, suggestions for the rest."""

from __future__ import annotations

import errno
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session

from core.errors import CheckpointError, LabelloopError, LossNotFinite, OutOfMemory, ProjectError, TrainingError
from core.storage import runs, versions
from core.storage.database import Database
from core.storage.tables import Run, RunStatus
from core.training.arguments import TrainingArguments
from core.training.card import ModelCard
from core.training.device import choose_device
from core.training.examples import TrainingSet
from core.training.loop import fine_tune
from core.training.predict import PredictionStopped, Predictor
from core.training.saved import save
from core.training.tuned import FineTuned, Stopped, library_versions
from core.worker.events import Cancelled, Finished, ModelSaved, Started
from core.worker.jobs import Emit, ShouldStop
from core.worker.jobs.cross_validation import cross_validate_while_few
from core.worker.jobs.examples import Labelled, labelled
from core.worker.jobs.reporting import Reporter
from core.worker.jobs.suggest import store_suggestions
from core.worker.requests import Train

GO_ON = "It can be resumed from its checkpoint."


@dataclass(frozen=True)
class _Begun:
    """A run that is entered as running, and what it trains on."""

    run_id: int
    arguments: TrainingArguments
    labelled: Labelled
    data: TrainingSet
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
        outdated = [one for one in runs.resumable(session) if not _same(one, begun.labelled)]
    for run in outdated:
        _discard_checkpoint(database, run.id or 0, run.checkpoint)
    emit(Started("train", begun.run_id, log))
    try:
        _work(database, begun, emit, should_stop)
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
    if request.cross_validate:
        cross_validate_while_few(database, begun.run_id, begun.labelled, begun.arguments, emit, should_stop)
    return Finished(begun.run_id, 0.0)


def _begin(session: Session, request: Train) -> _Begun:
    """Enter a new run."""
    arguments = TrainingArguments.from_json(json.dumps(request.arguments))
    found = labelled(session)
    data = found.split(arguments)
    run_id = runs.start(session, arguments.base_model, json.loads(arguments.to_json()), found.label_ids)
    runs.change(session, run_id, annotations_digest=found.digest, versions=library_versions())
    return _Begun(run_id, arguments, found, data, False, request.checkpoint_seconds)


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
    return _Begun(run_id, arguments, found, found.split(arguments), True, request.checkpoint_seconds)


def _same(run: Run, found: Labelled) -> bool:
    """Whether a run saw exactly these annotations."""
    return (run.annotations_digest, run.label_ids) == (found.digest, found.label_ids)


def _work(database: Database, begun: _Begun, emit: Emit, should_stop: ShouldStop) -> None:
    """Train, save and suggest."""
    reporter = Reporter(database, begun.run_id, begun.checkpoint, begun.resumes, emit)
    database.models.mkdir(mode=0o700, exist_ok=True)
    try:
        tuned = fine_tune(
            begun.data,
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
    _save(database, begun.run_id, tuned, reporter, emit)
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


def _save(database: Database, run_id: int, tuned: FineTuned, reporter: Reporter, emit: Emit) -> None:
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
            },
        )
    emit(ModelSaved(run_id, str(folder), digest))


def _discard_checkpoint(database: Database, run_id: int, name: str) -> None:
    """Delete a checkpoint that nobody can go on from any more; one that cannot be deleted is in nobody's way."""
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
