"""What is told of a run, in words: the same in the list of runs, in its details and on the train screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any

from core.phrases import duration, one_line
from core.storage.tables import Run, RunKind, RunStatus
from core.training.arguments import TrainingArguments
from tui.plan import shown

COLOURS = {
    RunStatus.FINISHED: "$success",
    RunStatus.RUNNING: "$accent",
    RunStatus.FAILED: "$error",
}
"""Of a status; all others are `$warning`."""


def name_of(run: Run, length: int = 40) -> str:
    """`run 7`, or `run 7 “all labels”`."""
    return f"run {run.id} “{one_line(run.name, length)}”" if run.name else f"run {run.id}"


def status(run: Run) -> str:
    """Its status, or that it was deleted; the quick learner's run has no end and no status."""
    if run.removed:
        return "deleted"
    return run.kind.value if run.kind is RunKind.QUICK else run.status.value


def when(moment: str) -> str:
    """A UTC time of the database as local time, to the minute."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def took(run: Run) -> str:
    """How long it trained; empty when that is not known."""
    seconds = run.metrics.get("seconds")
    return duration(seconds) if seconds else ""


def changed_arguments(arguments: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Arguments that differ from the defaults: name, value and default."""
    found = []
    for field in fields(TrainingArguments):
        default = None if field.default is MISSING else field.default
        value = arguments.get(field.name, default)
        if value != default:
            found.append((field.name, shown(value), shown(default)))
    return found
