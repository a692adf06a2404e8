"""Which run is in use: putting one in use, rolling back, and deleting what is no longer wanted."""

from __future__ import annotations

import shutil
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from core.errors import ModelError
from core.settings import DRAWN_EVERY
from core.storage import planning, queue, runs
from core.storage.database import Database, project_of
from core.storage.tables import OutOfFold, Project, Run, RunKind, RunStatus, Suggestion

KEPT = 3
"""Runs whose suggestions stay stored: the one in use, the one before it, and the newest others. The quick learner's
stay besides: they are replaced in place."""

CHOSEN = "chosen"
"""In the metrics of a run that a person has put in use."""

AT_ONCE = 2_000
"""Suggestions deleted in one transaction: another writer waits a tenth of a second for it."""


def promote(session: Session, run_id: int, drawn_every: int = DRAWN_EVERY) -> None:
    """Put a run's stored suggestions in use because a person wants it, and plan the queue by them.

    No other run takes its place by itself from then on but a training that measures better. Raises ModelError when
    not all of its suggestions are stored.
    """
    run = runs.existing(session, run_id)
    _check_stored(run)
    runs.publish(session, run_id, run.suggested)
    _chosen(session, run)
    queue.replace(session, planning.plan(session, run, drawn_every))


def before(session: Session) -> Run | None:
    """The run that was in use before the present one: what rolling back goes to."""
    query = (
        select(Run)
        .where(col(Run.in_use_since).is_not(None), col(Run.id) != project_of(session).run_in_use)
        .order_by(col(Run.in_use_since).desc(), col(Run.id).desc())
    )
    return session.exec(query).first()


def roll_back(session: Session, drawn_every: int = DRAWN_EVERY) -> int:
    """Put the run in use again that was in use before the present one; returns its number.

    Rolling back again goes further back. Raises ModelError when there is none, or its suggestions are not stored.
    """
    present, earlier = project_of(session).run_in_use, before(session)
    if present is None:
        raise ModelError("No run is in use.", "Train one with “labelloop train”.")
    if earlier is None or earlier.id is None:
        raise ModelError(f"No run was in use before run {present}.", "Choose one from the list of runs.")
    _check_stored(earlier)
    runs.change(session, present, in_use_since=None)
    session.execute(update(Project).values(run_in_use=earlier.id))
    _chosen(session, earlier)
    queue.replace(session, planning.plan(session, earlier, drawn_every))
    return earlier.id


def _chosen(session: Session, run: Run) -> None:
    """Note that a person put this run in use: the quick learner does not take its place by itself."""
    run.metrics = {**run.metrics, CHOSEN: True}
    session.add(run)


def remove(database: Database, run_id: int) -> None:
    """Delete a run's model, checkpoint and suggestions; its record, curves and metrics stay.

    Raises ModelError for the run in use, for one that is running, and when its folder cannot be deleted.
    """
    with database.writing() as session:
        runs.mark_interrupted(session)
        run = runs.existing(session, run_id)
        if project_of(session).run_in_use == run_id:
            raise ModelError(f"Run {run_id} is in use.", "Put another run in use, or roll back, then delete it.")
        if run.status is RunStatus.RUNNING:
            raise ModelError(f"Run {run_id} is running.", "Stop it, then delete it.")
        folders = [name for name in (run.folder, run.checkpoint) if name]
        runs.change(session, run_id, removed=True, folder="", checkpoint="", suggested=0, in_use_since=None)
        session.execute(delete(OutOfFold).where(col(OutOfFold.run_id) == run_id))
    for name in folders:
        discard_folder(database, name)
    drop_suggestions(database, run_id)


def discard_folder(database: Database, name: str) -> None:
    """Delete a folder of the models folder; one that is gone already is no error. Raises ModelError."""
    folder = database.models / name
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ModelError(f"{folder} cannot be deleted: {error.strerror or error}.", "Delete it by hand.") from error


def drop_old_suggestions(database: Database) -> list[int]:
    """Delete the stored suggestions of all but the `KEPT` runs; returns the runs that have none any more."""
    with database.reading() as session:
        earlier = before(session)
        stored = [
            run.id
            for run in runs.all_runs(session)
            if run.suggested and run.id is not None and run.kind is not RunKind.QUICK
        ]
        first = [project_of(session).run_in_use, earlier.id if earlier else None]
    kept = [run_id for run_id in dict.fromkeys([*first, *stored]) if run_id in stored][:KEPT]
    dropped = [run_id for run_id in stored if run_id not in kept]
    for run_id in dropped:
        drop_suggestions(database, run_id)
    return dropped


def drop_suggestions(database: Database, run_id: int) -> None:
    """Delete all suggestions of a run that is not in use, in portions; from the first on it counts as having none.

    A run that has been put in use meanwhile keeps what is left.
    """
    mine = col(Suggestion.run_id) == run_id
    last: Any = select(Suggestion.review_id).where(mine).order_by(col(Suggestion.review_id)).limit(AT_ONCE)
    while True:
        with database.writing() as session:
            if project_of(session).run_in_use == run_id:
                return
            runs.change(session, run_id, suggested=0)
            portion = session.exec(last).all()
            if not portion:
                return
            session.execute(delete(Suggestion).where(mine, col(Suggestion.review_id) <= portion[-1]))


def _check_stored(run: Run) -> None:
    if run.removed:
        raise ModelError(f"Run {run.id} was deleted: its model and suggestions are gone.", "Choose another run.")
    if not run.suggested:
        if run.kind is RunKind.QUICK:
            raise ModelError("The quick learner has not suggested anything yet.", "Label some reviews first.")
        if not run.folder:
            raise ModelError(f"Run {run.id} is {run.status.value} and has no model.", "Choose another run.")
        raise ModelError(
            f"The suggestions of run {run.id} are not stored.",
            f"Suggest with it, which puts it in use: “labelloop suggest --run {run.id}”.",
        )
