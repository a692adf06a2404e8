"""The training job: examples from the project, a fine-tuned model beside it, suggestions for the rest."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from core.errors import LabelloopError, TrainingError
from core.labels import SchemeKind
from core.storage import learning, runs, scheme
from core.storage.database import Database, project_of
from core.storage.learning import Example
from core.storage.tables import RunStatus
from core.training import progress
from core.training.arguments import TrainingArguments
from core.training.card import ModelCard
from core.training.device import choose_device
from core.training.examples import Target, TrainingSet, split
from core.training.loop import fine_tune
from core.training.predict import PredictionStopped, Predictor
from core.training.saved import save
from core.training.tuned import FineTuned, Stopped
from core.worker.events import (
    Cancelled,
    CheckpointSaved,
    Evaluated,
    Event,
    Finished,
    Loaded,
    Noticed,
    Started,
    StepDone,
)
from core.worker.jobs import Emit, ShouldStop
from core.worker.jobs.suggest import store_suggestions
from core.worker.requests import Train


def train(database: Database, request: Train, emit: Emit, should_stop: ShouldStop, log: str) -> Finished | Cancelled:
    """Fine-tune, save, suggest. The run's record tells how far it came, whatever happens."""
    arguments = TrainingArguments.from_json(json.dumps(request.arguments))
    with database.writing() as session:
        runs.mark_interrupted(session)
        busy = runs.running(session)
        if busy is not None:
            raise TrainingError(f"Run {busy.id} of this project is training already.", "Wait for it, or stop it.")
        examples = learning.examples(session, audit=False)
        labels = [label for label in scheme.labels(session) if label.id is not None]
        label_ids = [label.id for label in labels if label.id is not None]
        multi = project_of(session).kind is SchemeKind.MULTI
        data = _training_set(examples, label_ids, [label.name for label in labels], multi, arguments)
        run_id = runs.start(session, arguments.base_model, json.loads(arguments.to_json()), label_ids)
        runs.change(session, run_id, annotations_digest=learning.digest(examples))
    emit(Started("train", run_id, log))
    try:
        tuned = fine_tune(data, arguments, _Reporter(database, run_id, emit).report, should_stop)
        _save(database, run_id, tuned, emit)
        predictor = Predictor(
            tuned.model,
            tuned.tokenizer,
            tuned.label_names,
            multi_label=multi,
            max_length=tuned.max_length,
            device=choose_device(),
        )
        store_suggestions(database, run_id, predictor, emit, should_stop)
    except Stopped as stopped:
        return _cancelled(database, run_id, f"Stopped at step {stopped.step}, as asked.")
    except PredictionStopped:
        return _cancelled(database, run_id, "Stopped while suggesting, as asked; its model is saved.")
    except BrokenPipeError:
        _end(database, run_id, RunStatus.INTERRUPTED, "labelloop was closed while it ran.")
        raise
    except LabelloopError as error:
        _end(database, run_id, RunStatus.FAILED, str(error))
        raise
    except BaseException as error:
        _end(database, run_id, RunStatus.FAILED, f"{type(error).__name__}: {error}")
        raise
    _end(database, run_id, RunStatus.FINISHED, "")
    return Finished(run_id, 0.0)


def _training_set(
    examples: list[Example], label_ids: list[int], names: list[str], multi: bool, arguments: TrainingArguments
) -> TrainingSet:
    """The examples as lists; labels that are archived are left out with their reviews."""
    position = {label_id: index for index, label_id in enumerate(label_ids)}
    texts: list[str] = []
    targets: list[Target] = []
    for example in examples:
        known = tuple(position[label_id] for label_id in example.label_ids if label_id in position)
        if multi:
            texts.append(example.text)
            targets.append(known)
        elif known:
            texts.append(example.text)
            targets.append(known[0])
    return split(
        texts, targets, names, validation_share=arguments.validation_share, seed=arguments.seed, multi_label=multi
    )


class _Reporter:
    """Passes the loop's progress on as events, and the curves to the database."""

    def __init__(self, database: Database, run_id: int, emit: Emit) -> None:
        self._database = database
        self._run_id = run_id
        self._emit = emit
        self._losses: list[tuple[str, int, float]] = []

    def report(self, told: progress.Progress) -> None:
        """Take one fact from the loop."""
        if isinstance(told, progress.StepDone):
            self._losses.append(("loss", told.step, told.loss))
        event = _as_event(told)
        if event is not None:
            self._emit(event)
        with_record = isinstance(told, progress.Loaded | progress.Evaluated)
        if not with_record:
            return
        with self._database.writing() as session:
            if isinstance(told, progress.Loaded):
                runs.change(
                    session,
                    self._run_id,
                    base_model=told.base_model,
                    device=told.device,
                    precision=told.precision,
                    train_size=told.train,
                    validation_size=told.validation,
                )
            elif isinstance(told, progress.Evaluated):
                points = [
                    *self._losses,
                    ("validation_loss", told.step, told.validation_loss),
                    ("validation_accuracy", told.step, told.validation_accuracy),
                ]
                runs.add_points(session, self._run_id, points)
                self._losses = []


def _as_event(told: progress.Progress) -> Event | None:
    if isinstance(told, progress.StepDone):
        return StepDone(
            told.step, told.total_steps, told.epoch, told.loss, told.examples_per_second, told.seconds_left
        )
    if isinstance(told, progress.Evaluated):
        return Evaluated(told.step, told.epoch, told.validation_loss, told.validation_accuracy, told.best)
    if isinstance(told, progress.Loaded):
        return Loaded(
            base_model=told.base_model,
            source=told.source,
            device=told.device,
            precision=told.precision,
            parameters=told.parameters,
            train=told.train,
            validation=told.validation,
            truncated=told.truncated,
            max_length=told.max_length,
            total_steps=told.total_steps,
        )
    if isinstance(told, progress.BatchHalved):
        return Noticed(f"Memory ran out: {told.reviews} reviews at a time from now on.")
    if isinstance(told, progress.StoppedEarly):
        return Noticed(f"Ended at step {told.step}: no better since step {told.best_step}, whose weights are kept.")
    return None


def _save(database: Database, run_id: int, tuned: FineTuned, emit: Emit) -> None:
    folder = database.models / f"run-{run_id}"
    database.models.mkdir(mode=0o700, exist_ok=True)
    best = min(tuned.history, key=lambda point: point.validation_loss, default=None)
    metrics = {} if best is None else {"validation accuracy": best.validation_accuracy}
    digest = save(folder, tuned, ModelCard(date=datetime.now(UTC).date(), metrics=metrics))
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
            },
        )
    emit(CheckpointSaved(run_id, str(folder), digest))


def _cancelled(database: Database, run_id: int, message: str) -> Cancelled:
    _end(database, run_id, RunStatus.CANCELLED, message)
    return Cancelled(run_id, message)


def _end(database: Database, run_id: int, status: RunStatus, message: str) -> None:
    with database.writing() as session:
        runs.end(session, run_id, status, message)
