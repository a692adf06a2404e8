"""What is known of a job so far, folded from its events: the same for the screens and for the commands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from core.phrases import count
from core.worker import events
from core.worker.events import Event


class Phase(StrEnum):
    """Where a job stands."""

    IDLE = "idle"
    """There is none."""
    STARTING = "starting"
    """The process is there; libraries and base model are being loaded."""
    TRAINING = "training"
    TEACHING = "teaching"
    """Models are trained that a training of few labels learns from: its first and longer part."""
    WORKING = "working"
    """Suggesting or exporting."""
    CROSS_VALIDATING = "cross-validating"
    """The run is finished and can be used; models trained on parts of its reviews tell how good it is."""
    STOPPING = "stopping"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


BUSY = (Phase.STARTING, Phase.TEACHING, Phase.TRAINING, Phase.WORKING, Phase.CROSS_VALIDATING, Phase.STOPPING)
"""Phases in which a worker is at it."""


IN_PARTS = (Phase.TEACHING, Phase.CROSS_VALIDATING)
"""Phases in which several models are trained one after the other."""


@dataclass(frozen=True)
class JobState:
    """A job as the screens show it."""

    phase: Phase = Phase.IDLE
    job: str = ""
    """“train”, “suggest”, “export” or “rehearse”."""
    what: str = ""
    """The part of the job that progress was told of last."""
    run_id: int | None = None
    loaded: events.Loaded | None = None
    step: int = 0
    total: int = 0
    epoch: float = 0.0
    loss: float | None = None
    losses: tuple[tuple[int, float], ...] = ()
    """Training loss by step."""
    evaluations: tuple[events.Evaluated, ...] = ()
    resumed_step: int = 0
    """The step it goes on from; 0 for a training from its beginning."""
    checkpoint_step: int = 0
    """The step it could be resumed from; 0 while there is no checkpoint."""
    checkpoint_at: str = ""
    """When that was written, UTC."""
    per_second: float = 0.0
    tokens_per_second: float = 0.0
    memory: int = 0
    """Highest memory so far in bytes; 0 while unknown."""
    fold: int = 0
    """Parts of the cross-validation that are done."""
    folds: int = 0
    """Parts it has; 0 where there is none."""
    seconds_left: float | None = None
    message: str = ""
    """The latest thing worth telling, in a sentence."""
    log: str = ""
    exported: events.Exported | None = None
    prepared: events.RehearsalPrepared | None = None
    rehearsed: tuple[events.Rehearsed, ...] = ()
    """What a rehearsal has measured so far."""

    @property
    def busy(self) -> bool:
        """Whether a worker is at it."""
        return self.phase in BUSY

    @property
    def share(self) -> float:
        """How much of the present phase is done, 0 to 1."""
        return self.step / self.total if self.total else 0.0


def begin(job: str) -> JobState:
    """The state of a job that has just been asked for."""
    return JobState(phase=Phase.STARTING, job=job)


def stopping(state: JobState) -> JobState:
    """The state of a job that has been asked to stop."""
    return replace(state, phase=Phase.STOPPING) if state.busy else state


def fold(state: JobState, event: Event) -> JobState:
    """The state after an event."""
    if isinstance(event, events.Started):
        return replace(state, run_id=event.run_id, log=event.log, job=event.job)
    if isinstance(event, events.Loaded):
        return _loaded(state, event)
    if isinstance(event, events.StepDone):
        return _stepped(state, event)
    if isinstance(event, events.Evaluated):
        return replace(state, evaluations=(*state.evaluations, event))
    if isinstance(event, events.CheckpointWritten):
        return replace(state, checkpoint_step=event.step, checkpoint_at=event.at)
    if isinstance(event, events.FoldDone):
        return replace(state, fold=event.fold, folds=event.folds)
    if isinstance(event, events.StopHeard):
        return stopping(state)
    if isinstance(event, events.Noticed):
        return replace(state, message=event.message)
    if isinstance(event, events.Progressed):
        return _progressed(state, event)
    if isinstance(event, events.ModelSaved):
        return _at_work(replace(state, step=0, total=0, per_second=0.0, seconds_left=None), Phase.WORKING)
    if isinstance(event, events.SuggestionsStored):
        return replace(state, message=event.message)
    if isinstance(event, events.Exported):
        return replace(state, exported=event)
    if isinstance(event, events.RehearsalPrepared):
        return replace(state, prepared=event)
    if isinstance(event, events.Rehearsed):
        return replace(state, rehearsed=(*state.rehearsed, event))
    return _ended(state, event) if isinstance(event, events.LAST) else state


def _loaded(state: JobState, event: events.Loaded) -> JobState:
    are = "is" if event.truncated == 1 else "are"
    longer = count(event.truncated, "longer one")
    cut = f" {longer} {are} cut at {event.max_length} tokens." if event.truncated else ""
    on = f" It goes on from step {event.resumed_step:,}." if event.resumed_step else ""
    loaded = replace(
        state,
        loaded=event,
        total=event.total_steps,
        step=event.resumed_step,
        resumed_step=event.resumed_step,
        checkpoint_step=event.resumed_step,
        message=f"{event.base_model} from {event.source}, on {event.device} in {event.precision}.{cut}{on}",
    )
    return _at_work(loaded, Phase.TRAINING)


def _stepped(state: JobState, event: events.StepDone) -> JobState:
    moved = replace(
        state,
        step=event.step,
        total=event.total_steps,
        epoch=event.epoch,
        loss=event.loss,
        losses=(*state.losses, (event.step, event.loss)),
        per_second=event.examples_per_second,
        tokens_per_second=event.tokens_per_second,
        memory=max(state.memory, event.memory),
        seconds_left=event.seconds_left,
    )
    return _at_work(moved, Phase.TRAINING)


def _progressed(state: JobState, event: events.Progressed) -> JobState:
    phase = Phase(event.what) if event.what in (Phase.CROSS_VALIDATING, Phase.TEACHING) else Phase.WORKING
    moved = replace(
        state,
        what=event.what,
        step=event.done,
        total=event.total,
        per_second=event.per_second,
        seconds_left=event.seconds_left,
    )
    return _at_work(moved, phase)


def _at_work(state: JobState, phase: Phase) -> JobState:
    """In this phase, unless it has been asked to stop."""
    return state if state.phase is Phase.STOPPING else replace(state, phase=phase)


def _ended(state: JobState, event: events.Finished | events.Cancelled | events.Failed) -> JobState:
    if isinstance(event, events.Finished):
        return replace(state, phase=Phase.FINISHED, seconds_left=None)
    if isinstance(event, events.Cancelled):
        return replace(state, phase=Phase.CANCELLED, message=event.message, seconds_left=None)
    return replace(state, phase=Phase.FAILED, message=event.sentence, log=event.log or state.log, seconds_left=None)
