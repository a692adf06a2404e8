"""The teacher of a training of few labels: made from the project, kept beside the run until it is trained."""

from __future__ import annotations

import contextlib
import logging
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import BaseModelNotFound, CheckpointError, ModelError
from core.storage import unlabelled
from core.storage.database import Database
from core.storage.quick_run import DIVERGENCE, LOG_LOSS, ON_A_RUNS_REVIEWS
from core.training.arguments import TrainingArguments
from core.training.checkpoint_folder import ANEW
from core.training.examples import TrainingSet
from core.training.few_labels import chosen_from_pool, taught_examples, worth_teaching
from core.training.teaching import FOLDS, Probabilities, counted
from core.training.tuned import FineTuned
from core.worker.events import FoldDone, Noticed
from core.worker.jobs import Emit, ShouldStop
from core.worker.jobs.cross_validation import Folds
from core.worker.jobs.examples import Labelled

WHAT = "teaching"


@dataclass(frozen=True)
class Lesson:
    """What a run learns from, and what its teacher is worth."""

    data: TrainingSet
    out_of_fold: Probabilities
    """[labelled reviews, classes], of the teacher."""
    facts: dict[str, Any]
    """For the run's metrics."""

    def measured(self, tuned: FineTuned) -> dict[str, Any]:
        """The facts of a model that has learned from it: worth less than the teacher by what it did not learn."""
        teachers = float(self.facts[LOG_LOSS])
        missed = counted(tuned.divergence, teachers)
        return {**self.facts, LOG_LOSS: teachers + missed, DIVERGENCE: missed}

    @property
    def folds(self) -> int | None:
        """Of the cross-validation behind `out_of_fold`; None where the quick learner taught alone."""
        return FOLDS if self.facts.get("tuned_log_loss") is not None else None


def lesson(
    database: Database,
    run_id: int,
    labelled: Labelled,
    arguments: TrainingArguments,
    resumes: bool,
    emit: Emit,
    should_stop: ShouldStop,
) -> Lesson | None:
    """The lesson of a run, made anew or as it was when the run was stopped; None where labels alone are learned from.

    A base model that the quick learner cannot use is trained on labels alone. Raises `Stopped`, `CheckpointError`
    for a kept lesson that cannot be read, and what a training raises.
    """
    if resumes:
        return _read(database, run_id, labelled)
    with database.reading() as session:
        pool = unlabelled.drawn(session, arguments.pool_reviews)
    pool = [pool[place] for place in chosen_from_pool([text for _, text in pool], arguments)]
    if not worth_teaching(len(labelled.texts), len(pool), arguments):
        return None
    emit(Noticed(f"Learning from {len(pool):,} reviews without a label too: first a teacher is made for them."))
    emit(FoldDone(0, FOLDS + 1))
    try:
        data, taught = taught_examples(
            labelled.texts,
            labelled.targets,
            labelled.label_names,
            [text for _, text in pool],
            arguments,
            multi_label=labelled.multi,
            report=Folds(FOLDS + 1, emit, WHAT).report,
            should_stop=should_stop,
        )
    except BaseModelNotFound:
        raise
    except ModelError as error:  # a model that cannot be trained either says so once more
        emit(Noticed(f"Learning from the labelled reviews alone. {error.message}"))
        return None
    facts = {
        LOG_LOSS: taught.log_loss,
        ON_A_RUNS_REVIEWS: taught.quick_log_loss,
        "tuned_log_loss": taught.tuned_log_loss,
        "teacher_weight": taught.weight,
        "pool_size": len(pool),
    }
    made = Lesson(data, taught.out_of_fold, facts)
    _write(database, run_id, made, [review_id for review_id, _ in pool])
    return made


def forget(database: Database, run_id: int) -> None:
    """Delete what is kept of a lesson; what cannot be deleted is in nobody's way."""
    try:
        (database.models / _name(run_id)).unlink(missing_ok=True)
    except OSError:
        logging.exception("A lesson is left over")


def forget_all_but(database: Database, run_ids: Iterable[int | None]) -> None:
    """Delete the lessons of runs that ended without a checkpoint, or whose process was killed."""
    kept = {_name(run_id) for run_id in run_ids if run_id is not None}
    for file in database.models.glob(_name("*")):
        if file.name not in kept:
            with contextlib.suppress(OSError):
                file.unlink()


def _name(run_id: int | str) -> str:
    return f"run-{run_id}.lesson.npz"


def _write(database: Database, run_id: int, made: Lesson, pool_ids: list[int]) -> None:
    """Keep a lesson so that a stopped run goes on with it. A full disk is no reason to stop."""
    file = database.models / _name(run_id)
    try:
        database.models.mkdir(mode=0o700, exist_ok=True)
        with file.open("wb") as stream:
            file.chmod(0o600)
            names = np.array(list(made.facts))
            values = np.array([np.nan if value is None else float(value) for value in made.facts.values()])
            pool_targets = np.zeros((0, 0), np.float32) if made.data.pool_targets is None else made.data.pool_targets
            np.savez(
                stream,
                pool_ids=np.array(pool_ids, dtype=np.int64),
                pool_targets=pool_targets,
                out_of_fold=made.out_of_fold,
                names=names,
                values=values,
            )
    except OSError:
        logging.exception("The lesson could not be kept: the run cannot be resumed as it began")
        file.unlink(missing_ok=True)


def _read(database: Database, run_id: int, labelled: Labelled) -> Lesson | None:
    """The kept lesson; None where the run had none. Raises `CheckpointError` for one that is damaged."""
    file = database.models / _name(run_id)
    if not file.exists():
        return None
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            facts = {
                str(name): None if np.isnan(value) else float(value)
                for name, value in zip(kept["names"], kept["values"], strict=True)
            }
            pool_ids, targets, unseen = kept["pool_ids"].tolist(), kept["pool_targets"], kept["out_of_fold"]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"What run {run_id} learned from, {file}, is damaged: {error}.", ANEW) from error
    try:
        with database.reading() as session:
            texts = unlabelled.texts(session, pool_ids)
    except KeyError as error:
        raise CheckpointError(f"Review {error} that run {run_id} learned from is gone.", ANEW) from error
    data = TrainingSet(labelled.texts, labelled.targets, [], [], labelled.label_names, labelled.multi, texts, targets)
    return Lesson(data, unseen, facts)
