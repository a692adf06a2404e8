"""Runs: their records, curves and suggestions. Which of them is in use is decided in `versions`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, insert, update
from sqlmodel import Session, col, select

from core.errors import ModelError
from core.storage.database import project_of
from core.storage.tables import CurvePoint, OutOfFold, Project, Run, RunKind, RunStatus, Suggestion, utc_now

LONGEST_NAME = 60
LONGEST_NOTE = 2_000


def start(session: Session, base_model: str, arguments: dict[str, Any], label_ids: list[int]) -> int:
    """Enter a run of this process; returns its number."""
    run = Run(
        status=RunStatus.RUNNING,
        base_model=base_model,
        arguments=arguments,
        label_ids=label_ids,
        started_at=utc_now(),
        **_this_process(),
    )
    session.add(run)
    session.flush()
    assert run.id is not None
    return run.id


def take_up(session: Session, run_id: int) -> None:
    """Enter a run that had stopped as running again, in this process."""
    change(session, run_id, status=RunStatus.RUNNING, message="", finished_at=None, **_this_process())


def resumed(session: Session, run_id: int, step: int) -> None:
    """Note that a run goes on from this step; what its curves have of later steps comes again."""
    run = existing(session, run_id)
    change(session, run_id, resumed_at=[*run.resumed_at, step])
    session.execute(delete(CurvePoint).where(col(CurvePoint.run_id) == run_id, col(CurvePoint.step) > step))


def _this_process() -> dict[str, Any]:
    import psutil

    return {"process_id": os.getpid(), "process_started": psutil.Process().create_time()}


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
        more = " It can be resumed from its checkpoint." if run.checkpoint else ""
        end(session, run.id, RunStatus.INTERRUPTED, f"Its process ended without a word.{more}")
    return [run.id for run in gone if run.id is not None]


def is_alive(run: Run) -> bool:
    """Whether the process that started the run still lives, by its number and its start time."""
    import psutil

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


def resumable(session: Session) -> list[Run]:
    """Runs that stopped and have a checkpoint to go on from, the newest first."""
    stopped = (RunStatus.CANCELLED, RunStatus.INTERRUPTED, RunStatus.FAILED)
    query = (
        select(Run)
        .where(col(Run.status).in_(stopped), col(Run.checkpoint) != "", col(Run.removed).is_(False))
        .order_by(col(Run.id).desc())
    )
    return list(session.exec(query))


def existing(session: Session, run_id: int) -> Run:
    """The run with this number. Raises ModelError when there is none."""
    run = session.get(Run, run_id)
    if run is None:
        raise ModelError(f"There is no run {run_id}.", "“labelloop status” lists the runs.")
    return run


def with_model(session: Session, run_id: int | None) -> Run:
    """A run that has a model: the one asked for, else the one in use, else the newest.

    The quick learner's run has none: while it is in use, the newest run that has one is meant. Raises ModelError when
    there is none.
    """
    wanted = run_id if run_id is not None else project_of(session).run_in_use
    by = ""
    if wanted is not None and existing(session, wanted).kind is RunKind.QUICK:
        if run_id is not None:
            raise ModelError(
                f"Run {wanted} is the quick learner’s: it suggests by itself while the app is open, and has no model "
                "folder.",
                "Train a model with “labelloop train”.",
            )
        wanted, by = None, " Its suggestions are the quick learner’s, made while the app is open."
    if wanted is None:
        query = select(Run).where(col(Run.folder) != "").order_by(col(Run.id).desc())
        run = session.exec(query).first()
        if run is None:
            raise ModelError(f"This project has no trained model yet.{by}", "Train one with “labelloop train”.")
        return run
    run = existing(session, wanted)
    if not run.folder:
        state = "was deleted" if run.removed else f"is {run.status.value}"
        raise ModelError(f"Run {wanted} {state} and has no model.", "Choose another run.")
    return run


def rename(session: Session, run_id: int, name: str) -> None:
    """Give a run a name, or with an empty one none. Raises ModelError for one that is too long."""
    name = " ".join(name.split())
    if len(name) > LONGEST_NAME:
        raise ModelError(
            f"The name has {len(name)} characters.", f"Use at most {LONGEST_NAME}; a note may be longer."
        )
    existing(session, run_id)
    change(session, run_id, name=name)


def write_note(session: Session, run_id: int, note: str) -> None:
    """Write a note about a run in the place of the one before. Raises ModelError for one that is too long."""
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise ModelError(f"The note has {len(note):,} characters.", f"Use at most {LONGEST_NOTE:,}.")
    existing(session, run_id)
    change(session, run_id, note=note)


def add_suggestions(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store suggestions; they stay unseen until their run is published."""
    if rows:
        session.execute(insert(Suggestion), list(rows))


def publish(session: Session, run_id: int, suggested: int) -> None:
    """Make a run's suggestions the ones that are shown."""
    change(session, run_id, suggested=suggested, in_use_since=utc_now())
    session.execute(update(Project).values(run_in_use=run_id))


def store_out_of_fold(session: Session, run_id: int, rows: Iterable[tuple[int, bytes]]) -> None:
    """Keep what cross-validation says about training reviews: review and packed probabilities."""
    session.execute(delete(OutOfFold).where(col(OutOfFold.run_id) == run_id))
    values = [{"run_id": run_id, "review_id": review_id, "scores": scores} for review_id, scores in rows]
    if values:
        session.execute(insert(OutOfFold), values)


def out_of_fold(session: Session, run_id: int) -> list[tuple[int, bytes]]:
    """What cross-validation said about training reviews: review and packed probabilities, as in suggestions."""
    query = (
        select(OutOfFold.review_id, OutOfFold.scores)
        .where(col(OutOfFold.run_id) == run_id)
        .order_by(col(OutOfFold.review_id))
    )
    return [(review_id, scores) for review_id, scores in session.exec(query)]
