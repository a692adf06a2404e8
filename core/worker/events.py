"""What the worker tells: past-tense facts with plain data, one line of JSON each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
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
    card: str = ""
    """Where its data card is; empty where there is none."""
    notes: list[str] = field(default_factory=list)
    """What is to be said of it, in sentences."""


@dataclass(frozen=True)
class FeaturesComputed:
    """The quick learner has features of so many of the reviews it looks at. Sent at most twice a second."""

    done: int
    total: int
    per_second: float = 0.0


@dataclass(frozen=True)
class QuickFitted:
    """The quick learner was fitted again."""

    run_id: int
    labels: int
    """Labelled reviews it learned from."""
    log_loss: float
    """Out of sample, in nats."""
    seconds: float


@dataclass(frozen=True)
class QuickWaits:
    """The quick learner cannot say anything yet, and why."""

    labels: int
    message: str
    needed: int = 0
    """Labelled reviews from which it says something, where it only waits for more of them."""


@dataclass(frozen=True)
class HeadSuggested:
    """The reviews that come up next have new suggestions, or the queue is another."""

    run_id: int | None
    count: int


@dataclass(frozen=True)
class QuickStored:
    """All suggestions of the quick learner are as its last fit says."""

    run_id: int
    count: int
    in_use: bool
    message: str
    """Why they are shown or not, in a sentence; empty while that has not changed."""


@dataclass(frozen=True)
class SimilarFound:
    """The undecided reviews most like one, the most similar first."""

    review_id: int
    review_ids: list[int]
    message: str = ""
    """Why there are none."""


@dataclass(frozen=True)
class RehearsalPrepared:
    """The reviews of a rehearsal are read; their features come next."""

    reviews: int
    """To give labels from."""
    test: int
    """To measure on."""
    labels: list[str]
    multi: bool
    base_model: str
    device: str
    methods: list[str]


@dataclass(frozen=True)
class Rehearsed:
    """A session of a rehearsal has measured what a number of labels has bought."""

    method: str
    """A strategy's name, or that of what is compared with."""
    seed: int
    budget: int
    labels: int
    """Less than the budget where the data ended."""
    trained_on: int
    speaks: str
    """`quick`, `tuned` or `nothing`."""
    scores: dict[str, float]
    """Of the one that speaks, by the names of the fields of `core.evaluate.rehearsed.Scores`."""
    seconds: float
    """Of training, from the first label on."""
    quick: dict[str, float] | None = None
    tuned: dict[str, float] | None = None


@dataclass(frozen=True)
class Explained:
    """The words that carried what is suggested for a review, the one that matters most first."""

    review_id: int
    run_id: int | None
    label_id: int | None
    """The label that they speak for."""
    words: list[str]
    """In lower case."""
    effects: list[float]
    """How much lower the log-odds of the label are without each."""
    message: str = ""
    """Why there are none."""


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
    | FeaturesComputed
    | QuickFitted
    | QuickWaits
    | HeadSuggested
    | QuickStored
    | SimilarFound
    | Explained
    | RehearsalPrepared
    | Rehearsed
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
