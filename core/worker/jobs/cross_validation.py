"""Cross-validation of a run that is finished, while too few audit reviews are labelled to measure it."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np

from core.errors import LabelloopError
from core.phrases import percent
from core.report import FEWEST_AUDIT, CrossValidated, measure
from core.storage import runs
from core.storage.database import Database
from core.training import progress
from core.training.arguments import TrainingArguments
from core.training.cross_validation import cross_validate, folds_for
from core.training.tuned import Stopped
from core.worker.events import FoldDone, Noticed, Progressed
from core.worker.jobs import Emit, ShouldStop
from core.worker.jobs.examples import Labelled

FOLDS = 5

MOST = 1_000
"""Training reviews up to which it is done: five trainings of 1,000 take some minutes on a CPU, and with more of them
the audit set, one review in five, is large enough."""

WHAT = "cross-validating"


def cross_validate_while_few(
    database: Database,
    run_id: int,
    labelled: Labelled,
    arguments: TrainingArguments,
    emit: Emit,
    should_stop: ShouldStop,
) -> None:
    """Cross-validate where the audit set is small, and keep what comes of it with the run.

    The run is finished and may be in use: stopping this, or its failing, takes nothing away from it.
    """
    with database.reading() as session:
        audit_size = (runs.existing(session, run_id).metrics.get("audit") or {}).get("audit_size", 0)
    if audit_size >= FEWEST_AUDIT or len(labelled.texts) > MOST:
        return
    try:
        folds = folds_for(labelled.targets, FOLDS)
        few = "none" if audit_size == 0 else f"only {audit_size}"
        emit(FoldDone(0, folds))
        emit(
            Noticed(
                f"Cross-validating, because {few} of the audit set are labelled. Run {run_id} can be used already."
            )
        )
        probabilities = cross_validate(
            labelled.texts,
            labelled.targets,
            labelled.label_names,
            arguments,
            folds=FOLDS,
            multi_label=labelled.multi,
            report=Folds(folds, emit, WHAT).report,
            should_stop=should_stop,
        )
    except Stopped:
        emit(Noticed(f"The cross-validation was stopped; run {run_id} is finished."))
    except (LabelloopError, MemoryError) as error:
        logging.exception("The cross-validation failed")
        emit(Noticed(f"Run {run_id} could not be cross-validated. {error}"))
    else:
        found = keep(database, run_id, labelled, probabilities, folds)
        emit(Noticed(_sentence(run_id, found)))


class Folds:
    """Tells of the trainings of all folds as of one long job."""

    def __init__(self, folds: int, emit: Emit, what: str) -> None:
        self._folds = folds
        self._emit = emit
        self._what = what
        self._done = 0
        self._first: tuple[float, int] | None = None
        """When the first step was told of, and how many there were: loading before it says nothing of the steps."""

    def report(self, told: progress.Progress) -> None:
        """Take one fact from the training of a fold, or from the cross-validation."""
        if isinstance(told, progress.FoldDone):
            self._done = told.fold
            self._emit(FoldDone(told.fold, told.folds))
        elif isinstance(told, progress.StepDone):
            total = told.total_steps * self._folds
            done = told.total_steps * self._done + told.step
            now = time.monotonic()
            began, before = self._first = self._first or (now, done)
            left = (now - began) / (done - before) * (total - done) if done > before else 0.0
            self._emit(Progressed(self._what, done, total, told.examples_per_second, left))


def keep(
    database: Database, run_id: int, labelled: Labelled, probabilities: np.ndarray[Any, Any], folds: int | None
) -> CrossValidated | None:
    """Store answers to labelled reviews by models that had not seen them, and what they measure now.

    `folds` is None where each review was left out by itself.
    """
    packed = [row.astype("<f4").tobytes() for row in probabilities]
    with database.writing() as session:
        runs.store_out_of_fold(session, run_id, zip(labelled.review_ids, packed, strict=True))
        run = runs.existing(session, run_id)
        run.metrics = {**run.metrics, "folds": folds}
        measured = measure(session, run)
        found = measured.cross_validation
        run.metrics = {
            **run.metrics,
            "audit": measured.to_json(),
            "cross_validation": found.to_json() if found else None,
        }
        session.add(run)
    return found


def _sentence(run_id: int, found: CrossValidated | None) -> str:
    if found is None:
        return f"Run {run_id} is cross-validated."
    low, high = percent(found.model.accuracy_low, 1), percent(found.model.accuracy_high, 1)
    return (
        f"By {found.folds}-fold cross-validation run {run_id} labels {percent(found.model.accuracy, 1)} right "
        f"({low} to {high}, {found.size:,} reviews)."
    )
