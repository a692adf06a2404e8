"""What a training tells while it runs: past-tense facts in plain data, free of torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Loaded:
    """The base model and the reviews are ready, and one evaluation batch went through."""

    base_model: str
    source: str
    """Where the weights came from, in words: a folder, the cache, the hub, a package."""
    device: str
    precision: str
    parameters: int
    trainable_parameters: int
    train: int
    """Training reviews."""
    validation: int
    """Validation reviews."""
    truncated: int
    """Reviews, of both, longer than `max_length` tokens."""
    max_length: int
    total_steps: int
    batch_size: int = 0
    """Reviews an optimiser step."""
    at_once: int = 0
    """Of these, computed at a time."""
    resumed_from: int = 0
    """The step after which the training goes on; 0 when it starts."""


@dataclass(frozen=True)
class StepDone:
    """One optimiser step was taken."""

    step: int
    total_steps: int
    epoch: float
    loss: float
    """Mean loss of this step's batch."""
    examples_per_second: float
    """Of the training steps alone, evaluations excluded."""
    seconds_left: float
    """For the remaining steps and evaluations, were there no early stopping."""
    tokens_per_second: float = 0.0
    """Of the training steps alone, padding not counted."""
    memory: int = 0
    """Most bytes used so far: of a GPU by the training, else of the machine by the whole process."""
    precision: str = ""
    """`fp32` or `bf16`."""


@dataclass(frozen=True)
class Evaluated:
    """The validation reviews were predicted."""

    step: int
    epoch: float
    validation_loss: float
    """Mean cross-entropy in nats (multi-label: binary), at the temperature that fits this evaluation."""
    validation_accuracy: float
    """Share of reviews with exactly the right label, or label set."""
    best: bool
    """Whether these are the weights to keep: the lowest loss so far, or the last where few reviews tell it."""


@dataclass(frozen=True)
class BatchHalved:
    """The device ran out of memory: from here on steps are computed in smaller parts."""

    step: int
    reviews: int
    """Reviews computed at a time from now on."""


@dataclass(frozen=True)
class StoppedEarly:
    """The validation loss has not fallen for as many evaluations as the arguments allow."""

    step: int
    best_step: int


@dataclass(frozen=True)
class Calibrated:
    """The temperature was fitted on the validation reviews and folded into the classifier."""

    temperature: float
    validation_loss_before: float
    validation_loss_after: float


@dataclass(frozen=True)
class CheckpointWritten:
    """The training can be taken up again from here."""

    step: int
    seconds: float
    """How long the writing took."""


@dataclass(frozen=True)
class CheckpointFailed:
    """A checkpoint could not be written; the training goes on, and the one before is still there if there was one."""

    step: int
    reason: str
    """In a few words: the disk is full."""


@dataclass(frozen=True)
class FoldDone:
    """One model of a cross-validation was trained and has predicted its share of the reviews."""

    fold: int
    """From 1."""
    folds: int


Progress = (
    Loaded
    | StepDone
    | Evaluated
    | BatchHalved
    | StoppedEarly
    | Calibrated
    | CheckpointWritten
    | CheckpointFailed
    | FoldDone
)
