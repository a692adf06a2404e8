"""Runs: their records, curves and suggestions, and which of them is in use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import psutil
from sqlalchemy import delete, insert, update
from sqlmodel import Session, col, select

from core.errors import ModelError
from core.storage.database import project_of
from core.storage.tables import CurvePoint, Project, Run, RunStatus, Suggestion, utc_now


def start(session: Session, base_model: str, arguments: dict[str, Any], label_ids: list[int]) -> int:
    """Enter a run of this process; returns its number."""
    run = Run(
        status=RunStatus.RUNNING,
        base_model=base_model,
        arguments=arguments,
        label_ids=label_ids,
        started_at=utc_now(),
        process_id=os.getpid(),
        process_started=psutil.Process().create_time(),
    )
    session.add(run)
    session.flush()
    assert run.id is not None
    return run.id


def change(session: Session, run_id: int, **values: Any) -> None:
    """Set facts of a run by their column names."""
    session.execute(update(Run).where(col(Run.id) == run_id).values(**values))


def end(session: Session, run_id: int, status: RunStatus, message: str = "") -> None:
    """Mark a run as no longer running."""
    change(session, run_id, status=status, message=message, finished_at=utc_now())


def add_points(session: Session, run_id: int, points: Iterable[tuple[str, int, float]]) -> None:
    """Add points (curve, step, value) to a run's curves."""
    rows = [{"run_id": run_id, "name": name, "step": step, "value": value} for name, step, value in points]
    if rows:
        session.execute(insert(CurvePoint), rows)


def curve(session: Session, run_id: int, name: str) -> list[tuple[int, float]]:
    """One of a run's curves as (step, value)."""
    query = (
        select(CurvePoint.step, CurvePoint.value)
        .where(CurvePoint.run_id == run_id, CurvePoint.name == name)
        .order_by(col(CurvePoint.step))
    )
    return [(step, value) for step, value in session.exec(query)]


def mark_interrupted(session: Session) -> list[int]:
    """Mark runs whose process is gone as interrupted; returns their numbers."""
    gone = [run for run in session.exec(select(Run).where(col(Run.status) == RunStatus.RUNNING)) if not is_alive(run)]
    for run in gone:
        assert run.id is not None
        end(session, run.id, RunStatus.INTERRUPTED, "Its process ended without a word.")
    return [run.id for run in gone if run.id is not None]


def is_alive(run: Run) -> bool:
    """Whether the process that started the run still lives, by its number and its start time."""
    try:
        process = psutil.Process(run.process_id)
        return abs(process.create_time() - run.process_started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def running(session: Session) -> Run | None:
    """The run that is under way, if any."""
    for run in session.exec(select(Run).where(col(Run.status) == RunStatus.RUNNING)):
        if is_alive(run):
            return run
    return None


def all_runs(session: Session) -> list[Run]:
    """All runs, the newest first."""
    return list(session.exec(select(Run).order_by(col(Run.id).desc())))


def with_model(session: Session, run_id: int | None) -> Run:
    """A run that has a model: the one asked for, else the one in use, else the newest.

    Raises ModelError when there is none.
    """
    wanted = run_id if run_id is not None else project_of(session).run_in_use
    if wanted is None:
        query = select(Run).where(col(Run.folder) != "").order_by(col(Run.id).desc())
        run = session.exec(query).first()
        if run is None:
            raise ModelError("This project has no trained model yet.", "Train one with “labelloop train”.")
        return run
    run = session.get(Run, wanted)
    if run is None:
        raise ModelError(f"There is no run {wanted}.", "“labelloop status” lists the runs.")
    if not run.folder:
        raise ModelError(f"Run {wanted} is {run.status.value} and has no model.", "Choose another run.")
    return run


def add_suggestions(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store suggestions; they stay unseen until their run is published."""
    if rows:
        session.execute(insert(Suggestion), list(rows))


def drop_suggestions(session: Session, run_id: int) -> None:
    """Take out all suggestions of a run."""
    session.execute(delete(Suggestion).where(col(Suggestion.run_id) == run_id))


def publish(session: Session, run_id: int, suggested: int) -> None:
    """Make a run's suggestions the ones that are shown."""
    change(session, run_id, suggested=suggested)
    session.execute(update(Project).values(run_in_use=run_id))
