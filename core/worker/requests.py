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
    """Write the reviews to a file."""

    project: str
    target: str
    what: str = "labelled"
    """A value of `core.files.exporting.What`."""


Request = Train | Suggest | Export

_KINDS: dict[str, type[Train | Suggest | Export]] = {"train": Train, "suggest": Suggest, "export": Export}


def to_line(request: Request) -> str:
    """The request as one line of JSON, without the newline."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(request, cls))
    return json.dumps({"job": kind, **asdict(request)})


def from_line(line: str) -> Request:
    """Read a line that `to_line` wrote. Raises WorkerError when it is none."""
    try:
        data = json.loads(line)
        return _KINDS[data.pop("job")](**data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkerError(f"The worker was sent something that is no job: {line[:80]!r}.") from error
