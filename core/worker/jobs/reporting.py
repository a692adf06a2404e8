"""What a training tells, passed on as events, and what of it belongs into its run's record."""

from __future__ import annotations

from core.storage import runs
from core.storage.database import Database
from core.storage.tables import utc_now
from core.training import progress
from core.worker.events import CheckpointWritten, Evaluated, Event, Loaded, Noticed, StepDone
from core.worker.jobs import Emit


class Reporter:
    """Passes the loop's progress on as events, and the curves to the database."""

    def __init__(self, database: Database, run_id: int, checkpoint: str, resumes: bool, emit: Emit) -> None:
        """`checkpoint` is the name of the folder that checkpoints are written to and resumed from."""
        self._database = database
        self._run_id = run_id
        self._checkpoint = checkpoint
        self._resumes = resumes
        self._emit = emit
        self._points: list[tuple[str, int, float]] = []
        self.last: progress.StepDone | None = None
        """The newest step, which tells rates and memory."""

    def report(self, told: progress.Progress) -> None:
        """Take one fact from the loop."""
        if isinstance(told, progress.Loaded):
            self._loaded(told)
        elif isinstance(told, progress.StepDone):
            self.last = told
            self._points.append(("loss", told.step, told.loss))
        elif isinstance(told, progress.Evaluated):
            self._points.append(("validation_loss", told.step, told.validation_loss))
            self._points.append(("validation_accuracy", told.step, told.validation_accuracy))
            self.flush()
        elif isinstance(told, progress.CheckpointWritten):
            # A run that goes on from here finds all points up to here, and takes those after it once more.
            self.flush(checkpoint=self._checkpoint)
            self._emit(CheckpointWritten(self._run_id, told.step, utc_now()))
        event = _as_event(told)
        if event is not None:
            self._emit(event)

    def flush(self, **facts: object) -> None:
        """Write the points that have come, and facts of the run."""
        with self._database.writing() as session:
            runs.add_points(session, self._run_id, self._points)
            if facts:
                runs.change(session, self._run_id, **facts)
        self._points = []

    def _loaded(self, told: progress.Loaded) -> None:
        with self._database.writing() as session:
            if self._resumes:
                runs.resumed(session, self._run_id, told.resumed_from)
            runs.change(
                session,
                self._run_id,
                base_model=told.base_model,
                device=told.device,
                precision=told.precision,
                train_size=told.train,
                validation_size=told.validation,
            )


def _as_event(told: progress.Progress) -> Event | None:
    if isinstance(told, progress.StepDone):
        return StepDone(
            step=told.step,
            total_steps=told.total_steps,
            epoch=told.epoch,
            loss=told.loss,
            examples_per_second=told.examples_per_second,
            seconds_left=told.seconds_left,
            tokens_per_second=told.tokens_per_second,
            memory=told.memory,
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
            resumed_step=told.resumed_from,
        )
    if isinstance(told, progress.BatchHalved):
        return Noticed(f"Memory ran out: {told.reviews} reviews at a time from now on.")
    if isinstance(told, progress.StoppedEarly):
        return Noticed(f"Ended at step {told.step}: no better since step {told.best_step}, whose weights are kept.")
    if isinstance(told, progress.CheckpointFailed):
        return Noticed(f"No checkpoint could be written at step {told.step}: {told.reason}. The training goes on.")
    return None
