"""What the worker tells: past-tense facts with plain data, one line of JSON each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import WorkerError


@dataclass(frozen=True)
class Started:
    """The worker has taken up the job."""

    job: str
    run_id: int | None
    """The run it trains or suggests with; none for other jobs."""
    log: str
    """Path of the log of this worker."""


@dataclass(frozen=True)
class Loaded:
    """The base model and the reviews are in memory, and one batch went through."""

    base_model: str
    source: str
    device: str
    precision: str
    parameters: int
    train: int
    validation: int
    truncated: int
    """Reviews longer than `max_length` tokens, which are cut there."""
    max_length: int
    total_steps: int
    resumed_step: int = 0
    """The step of the checkpoint it goes on from; 0 for a training from its beginning."""


@dataclass(frozen=True)
class StepDone:
    """An optimiser step was taken. Sent at most ten times a second."""

    step: int
    total_steps: int
    epoch: float
    loss: float
    examples_per_second: float
    seconds_left: float
    tokens_per_second: float = 0.0
    memory: int = 0
    """Highest memory so far in bytes: of the GPU, else of the process."""


@dataclass(frozen=True)
class Evaluated:
    """The validation reviews were scored."""

    step: int
    epoch: float
    loss: float
    accuracy: float
    best: bool


@dataclass(frozen=True)
class Noticed:
    """Something happened that a person may want to know: a halved batch, an early end."""

    message: str


@dataclass(frozen=True)
class StopHeard:
    """The job has noticed that it shall stop. It may still write a checkpoint, which takes as long as it takes."""


@dataclass(frozen=True)
class ModelSaved:
    """The model is on disk."""

    run_id: int
    folder: str
    sha256: str


@dataclass(frozen=True)
class CheckpointWritten:
    """The state of the training is on disk: should it stop, it can be resumed from there."""

    run_id: int
    step: int
    at: str
    """UTC, ISO 8601."""


@dataclass(frozen=True)
class FoldDone:
    """One model of the cross-validation is trained and has answered for the reviews it had not seen."""

    fold: int
    """How many are done."""
    folds: int


@dataclass(frozen=True)
class Progressed:
    """A part of a long job is done. Sent at most ten times a second."""

    what: str
    """“suggesting”, “exporting” or “cross-validating”."""
    done: int
    total: int
    per_second: float
    seconds_left: float


@dataclass(frozen=True)
class SuggestionsStored:
    """All suggestions of a run are stored."""

    run_id: int
    count: int
    in_use: bool
    """Whether they are shown from now on; not when the run measured worse than the one in use."""
    message: str
    """Why, in a sentence."""


@dataclass(frozen=True)
class Exported:
    """A file was written and verified."""

    path: str
    rows: int


@dataclass(frozen=True)
class Finished:
    """The job is done."""

    run_id: int | None
    seconds: float


@dataclass(frozen=True)
class Cancelled:
    """The job was stopped as asked."""

    run_id: int | None
    message: str


@dataclass(frozen=True)
class Failed:
    """The job could not be done."""

    kind: str
    """The error's class: “TooFewLabels”, “OutOfMemory”; “killed” when the process died without a word."""
    message: str
    remedy: str
    log: str

    @property
    def sentence(self) -> str:
        """What happened and what to do."""
        return f"{self.message} {self.remedy}".rstrip()


Event = (
    Started
    | Loaded
    | StepDone
    | Evaluated
    | Noticed
    | StopHeard
    | ModelSaved
    | CheckpointWritten
    | FoldDone
    | Progressed
    | SuggestionsStored
    | Exported
    | Finished
    | Cancelled
    | Failed
)

LAST = (Finished, Cancelled, Failed)
"""Events after which nothing comes."""

_KINDS: dict[str, Any] = {cls.__name__: cls for cls in Event.__args__}


def to_line(event: Event) -> str:
    """The event as one line of JSON, without the newline."""
    return json.dumps({"event": type(event).__name__, **asdict(event)})


def from_line(line: str) -> Event:
    """Read a line that `to_line` wrote. Raises WorkerError when it is none."""
    try:
        data = json.loads(line)
        event: Event = _KINDS[data.pop("event")](**data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkerError(f"The worker sent something that is no event: {line[:80]!r}.") from error
    return event
