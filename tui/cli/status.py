"""`status`: how far a project is, told from its database."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from core.phrases import count, one_line, percent
from tui.cli.failures import guarded
from tui.cli.opening import opened
from tui.cli.options import Json, Project
from tui.cli.output import facts, grid, print_json, say, show

if TYPE_CHECKING:
    from rich.table import Table
    from sqlmodel import Session

    from core.forecasting import Outlook
    from core.report import Measured
    from core.storage.browse import Counts
    from core.storage.tables import Label, Run
    from core.storage.tables import Project as ProjectRow

BAR = 20
"""Characters of the bar of a label's share."""


@dataclass(frozen=True)
class Status:
    """What there is to tell about a project."""

    path: str
    project: ProjectRow
    counts: Counts
    labels: list[Label]
    runs: list[tuple[Run, str]]
    """Runs, the newest first, each with its status; one whose process is gone is “interrupted”."""
    measured: Measured
    outlook: Outlook
    next_undo: str
    next_redo: str


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("status")(status)


@guarded
def status(project: Project, as_json: Json = False) -> None:
    """Show counts, labels, runs and scores."""
    with opened(project) as database, database.reading() as session:
        found = _read(session, str(database.path))
    if as_json:
        print_json(_document(found))
        return
    show(facts(_overview(found)), _scheme(found))
    if found.runs:
        show(_runs(found))
    if found.measured.basis and found.runs:
        from tui.cli.tables import comparison

        show(comparison(found.measured))
    if found.outlook.sentence:
        show(f"Time to target: {found.outlook.sentence}")
    say(f"Next: {_next(found, shlex.quote(str(project)))}")


def _read(session: Session, path: str) -> Status:
    from core import forecasting
    from core.report import measure
    from core.storage import browse, journal, runs, scheme
    from core.storage.database import project_of
    from core.storage.tables import Run

    project = project_of(session)
    run = session.get(Run, project.run_in_use) if project.run_in_use is not None else None
    listed = [(row, _state(row)) for row in runs.all_runs(session)]
    return Status(
        path=path,
        project=project,
        counts=browse.counts(session),
        labels=scheme.labels(session, archived=True),
        runs=listed,
        measured=measure(session, run),
        outlook=forecasting.outlook(session),
        next_undo=journal.next_undo(session),
        next_redo=journal.next_redo(session),
    )


def _state(run: Run) -> str:
    """Its status, as far as its process still lives; the quick learner's run has none."""
    from core.storage import runs
    from core.storage.tables import RunKind, RunStatus

    if run.kind is RunKind.QUICK:
        return run.kind.value
    gone = run.status is RunStatus.RUNNING and not runs.is_alive(run)
    return (RunStatus.INTERRUPTED if gone else run.status).value


def _overview(found: Status) -> list[tuple[str, str]]:
    counts = found.counts
    done = f"{counts.labelled:,} ({percent(counts.share)})" if counts.reviews else "none"
    left = counts.reviews - counts.labelled - counts.skipped
    rows = [
        ("project", f"{one_line(found.project.name)}, {found.project.kind.value}-label"),
        ("reviews", f"{counts.reviews:,}"),
        ("labelled", f"{done}, {counts.audit_labelled:,} of them in the audit set"),
        ("open", f"{left:,}"),
    ]
    if counts.skipped:
        rows.append(("skipped", f"{counts.skipped:,}"))
    if counts.flagged:
        rows.append(("flagged", f"{counts.flagged:,}"))
    if found.project.run_in_use is not None:
        by_quick = any(run.id == found.project.run_in_use and run.kind == "quick" for run, _ in found.runs)
        whose = ", the quick learner" if by_quick else ""
        rows.append(("suggestions", f"from run {found.project.run_in_use}{whose}"))
    rows.append(("undo", f"takes back “{one_line(found.next_undo)}”" if found.next_undo else "nothing to undo"))
    if found.next_redo:
        rows.append(("redo", f"does “{one_line(found.next_redo)}” again"))
    return rows


def _scheme(found: Status) -> Table:
    rows = []
    for label in found.labels:
        number = found.counts.by_label.get(label.id or 0, 0)
        part = number / found.counts.labelled if found.counts.labelled else 0.0
        name = label.name + (" (archived)" if label.archived else "")
        rows.append((label.key, name, f"{number:,}", percent(part), "█" * round(part * BAR)))
    return grid("Labels", ("key", "label", "reviews", "share", ""), rows, (2, 3))


def _runs(found: Status) -> Table:
    from tui.cli.tables import accuracy

    rows = []
    for run, state in found.runs:
        validation = run.metrics.get("validation_accuracy")
        rows.append(
            (
                f"{run.id}{' (in use)' if run.id == found.project.run_in_use else ''}",
                "deleted" if run.removed else state,
                one_line(run.base_model, 40),
                f"{run.train_size:,}",
                "" if validation is None else percent(validation, 1),
                accuracy(run, with_interval=False),
                f"{run.suggested:,}",
            )
        )
    headings = ("run", "status", "base model", "trained on", "validation", "accuracy", "suggestions")
    return grid("Runs", headings, rows, (3, 4, 6))


def _audit(run: Run) -> dict[str, Any] | None:
    """What the run scored on the audit set when it was trained."""
    model: dict[str, Any] | None = (run.metrics.get("audit") or {}).get("model")
    return model


def _next(found: Status, project: str) -> str:
    if found.counts.reviews == 0:
        return f"labelloop import {project} FILE"
    if found.counts.labelled == 0:
        return f"labelloop open {project}, and label some"
    if found.project.run_in_use is None:
        return f"labelloop train {project}"
    if found.measured.model is None and not found.measured.by_cross_validation:
        return f"labelloop open {project}, and label some more: {count(found.counts.audit_labelled, 'audit review')}"
    return f"labelloop evaluate {project}, or labelloop export {project} OUT.csv --what all"


def _document(found: Status) -> dict[str, Any]:
    counts = found.counts
    return {
        "project": found.path,
        "kind": found.project.kind.value,
        "reviews": counts.reviews,
        "labelled": counts.labelled,
        "skipped": counts.skipped,
        "flagged": counts.flagged,
        "audit_labelled": counts.audit_labelled,
        "labels": [
            {
                "name": label.name,
                "key": label.key,
                "archived": label.archived,
                "reviews": counts.by_label.get(label.id or 0, 0),
            }
            for label in found.labels
        ],
        "run_in_use": found.project.run_in_use,
        "runs": [
            {
                "run": run.id,
                "name": run.name,
                "kind": run.kind.value,
                "status": state,
                "deleted": run.removed,
                "message": run.message,
                "base_model": run.base_model,
                "train_size": run.train_size,
                "validation_size": run.validation_size,
                "validation_accuracy": run.metrics.get("validation_accuracy"),
                "audit": _audit(run),
                "suggested": run.suggested,
                "started_at": run.started_at,
                "finished_at": run.finished_at,
            }
            for run, state in found.runs
        ],
        "audit": found.measured.to_json(),
        "forecast": found.outlook.to_json(),
        "next_undo": found.next_undo,
        "next_redo": found.next_redo,
    }
