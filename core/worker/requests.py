"""What the worker can be asked to do, as one line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from core.errors import WorkerError


@dataclass(frozen=True)
class Train:
    """Fine-tune on the labelled reviews, then suggest labels for the rest."""

    project: str
    """Path of the project file."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Fields of `TrainingArguments`; those left out take their defaults."""
    resume: int | None = None
    """Go on with this run, which stopped, with the arguments it has; those above are not looked at."""
    checkpoint_seconds: float = 30.0
    """Time between two checkpoints."""
    cross_validate: bool = True
    """Whether to cross-validate afterwards while the audit set is small."""


@dataclass(frozen=True)
class Suggest:
    """Suggest labels with the model of a run, and put it in use."""

    project: str
    run_id: int | None = None
    """None: the run in use, else the newest one with a model."""


@dataclass(frozen=True)
class Export:
    """Write the reviews to a file or a folder."""

    project: str
    target: str
    what: str = "labelled"
    """A value of `core.files.exporting.What`."""
    where: str = ""
    """A filter as it is typed in browse."""
    format: str = ""
    """Empty: what the target's suffix says."""
    guard: bool = True
    """Whether cells that a spreadsheet would run are kept from it."""
    card: bool = True
    """Whether a data card is written beside it."""


@dataclass(frozen=True)
class Assist:
    """Be the quick learner of a project: suggest and plan the queue after every label, until told to stop."""

    project: str
    base_model: str = "auto"
    """What gives the features; it is not fetched for this."""
    strategy: str = "auto"
    """A value of `core.queue.choice.StrategyName`."""
    drawn_every: int = 10
    """One review of so many is drawn for the audit set."""
    features_kept: int = 100_000
    """Reviews whose features are kept in the file beside the project."""


FEATURES = "computing features"
"""What a rehearsal begins with; after that it is “rehearsing”."""

TRAINER = "trainer"
"""The name of the plain Hugging Face `Trainer` among the methods of a rehearsal."""


@dataclass(frozen=True)
class Rehearse:
    """Simulate sessions on reviews that are labelled already."""

    project: str = ""
    """The project whose own labelled reviews are taken; empty where a file is named."""
    file: str = ""
    test: str = ""
    """A second file to measure on; empty: a share of the first is held out."""
    text: str | None = None
    """Column; None: guessed."""
    label: str | None = None
    encoding: str | None = None
    multi: bool | None = None
    """Whether reviews have several labels; None: where a cell holds “|” or a list."""
    budgets: list[int] = field(default_factory=lambda: [64, 256, 1_024])
    """Numbers of labels, ascending."""
    strategy: str = "auto"
    against: list[str] = field(default_factory=list)
    """Other strategies, and `TRAINER`, to compare it with."""
    seeds: int = 3
    base_model: str = "auto"
    audit_every: int = 10
    train: bool = True
    """Whether a model is fine-tuned at each budget."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Fields of `TrainingArguments`."""

    @property
    def methods(self) -> list[str]:
        """The strategy, then what it is compared with, each once."""
        return list(dict.fromkeys([self.strategy, *self.against]))


Request = Train | Suggest | Export | Assist | Rehearse

_KINDS: dict[str, type[Train | Suggest | Export | Assist | Rehearse]] = {
    "train": Train,
    "suggest": Suggest,
    "export": Export,
    "assist": Assist,
    "rehearse": Rehearse,
}


@dataclass(frozen=True)
class FindSimilar:
    """Asked of a running `Assist`: which undecided reviews are most like this one?"""

    review_id: int
    count: int = 50


@dataclass(frozen=True)
class Explain:
    """Asked of a running `Assist`: which words of this review carried what is suggested for it?"""

    review_id: int


Question = FindSimilar | Explain

_QUESTIONS: dict[str, type[FindSimilar | Explain]] = {"similar": FindSimilar, "explain": Explain}


def to_line(request: Request) -> str:
    """The request as one line of JSON, without the newline."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(request, cls))
    return json.dumps({"job": kind, **asdict(request)})


def question_to_line(question: Question) -> str:
    """A question to a running job as one line of JSON, without the newline."""
    kind = next(name for name, cls in _QUESTIONS.items() if isinstance(question, cls))
    return json.dumps({"ask": kind, **asdict(question)})


def question_from_line(line: str) -> Question:
    """Read a line that `question_to_line` wrote. Raises WorkerError when it is none."""
    try:
        data = json.loads(line)
        return _QUESTIONS[data.pop("ask")](**data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkerError(f"The worker was asked something that is no question: {line[:80]!r}.") from error


def from_line(line: str) -> Request:
    """Read a line that `to_line` wrote. Raises WorkerError when it is none."""
    try:
        data = json.loads(line)
        return _KINDS[data.pop("job")](**data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkerError(f"The worker was sent something that is no job: {line[:80]!r}.") from error
