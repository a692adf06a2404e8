"""`evaluate`: how good a run is on the audit set."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import typer

from core.errors import ProjectError
from tui.cli.failures import guarded
from tui.cli.opening import opened
from tui.cli.options import Json, Project, RunNumber
from tui.cli.output import print_json, say, show

if TYPE_CHECKING:
    from sqlmodel import Session

    from core.report import Measured
    from core.storage.tables import Run


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("evaluate")(evaluate)


@guarded
def evaluate(project: Project, run: RunNumber = None, as_json: Json = False) -> None:
    """Score a run on the audit set, which no model has seen."""
    from core.report import measure

    with opened(project) as database, database.reading() as session:
        chosen = _chosen(session, run)
        measured = measure(session, chosen)
        if measured.audit_size == 0:
            raise _nothing_to_measure(session, chosen, shlex.quote(str(project)))
    if as_json:
        print_json(_document(measured, chosen))
        return
    from tui.cli.tables import by_label, caution, comparison, confusion

    show(comparison(measured))
    if measured.model is None:
        say(f"There is no model yet; “labelloop train {shlex.quote(str(project))}” makes one.")
        return
    show(by_label(measured.model))
    if measured.model.confusion:
        show(confusion(measured.model))
    if warning := caution(measured):
        say(warning)


def _chosen(session: Session, number: int | None) -> Run | None:
    """The run asked for, else the one in use, else none. Raises ModelError for one that does not exist."""
    from core.storage import runs
    from core.storage.database import project_of

    if number is None and project_of(session).run_in_use is None:
        return None
    return runs.with_model(session, number)


def _nothing_to_measure(session: Session, run: Run | None, project: str) -> ProjectError:
    from core.phrases import count
    from core.storage import browse

    labelled = browse.counts(session).audit_labelled
    if labelled and run is not None:
        return ProjectError(
            f"Run {run.id} has suggested nothing for the {count(labelled, 'labelled review')} of the audit set.",
            f"Run “labelloop suggest {project} --run {run.id}”, then evaluate again.",
        )
    return ProjectError(
        "There is nothing to measure on: no review of the audit set has a label.",
        "One review in five belongs to it, so label some more, with “labelloop open” or “labelloop import --label”.",
    )


def _document(measured: Measured, run: Run | None) -> dict[str, Any]:
    """The scores, and which training they belong to."""
    if run is None:
        return {**measured.to_json(), "training": None}
    training = {
        "base_model": run.base_model,
        "train_size": run.train_size,
        "status": run.status.value,
        "started_at": run.started_at,
    }
    return {**measured.to_json(), "training": training}
