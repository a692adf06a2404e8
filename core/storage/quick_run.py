"""The run of the quick learner: one row that lives on, whose suggestions are replaced in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, insert
from sqlmodel import Session, col, select

from core.storage import runs, versions
from core.storage.database import Database, project_of
from core.storage.states import CHUNK
from core.storage.tables import CurvePoint, OutOfFold, Run, RunKind, RunStatus, Suggestion, utc_now

NAME = "quick learner"
LOG_LOSS = "out_of_sample_log_loss"
"""Name of the metric, and of the curve of it by the number of labels."""
ON_A_RUNS_REVIEWS = "quick_log_loss"
"""Name of a fine-tuned run's metric: what the quick learner's was then, on the reviews that measured the run."""
DIVERGENCE = "divergence"
"""Name of a fine-tuned run's metric: how far it is from its teacher, whose answers its log-loss is measured by, as
far as that counts."""
SETTLED = "settled"
"""Name of the metric that says which labels the suggestions stored are of, once all are: the digest of a fit."""


def find(session: Session) -> Run | None:
    """The quick learner's run; none before its first fit, or after it was deleted."""
    query = (
        select(Run).where(col(Run.kind) == RunKind.QUICK, col(Run.removed).is_(False)).order_by(col(Run.id).desc())
    )
    return session.exec(query).first()


def prepare(
    database: Database, base_model: str, arguments: dict[str, Any], label_ids: list[int], device: str, precision: str
) -> int:
    """The number of the quick learner's run, entered if there is none yet, over these labels.

    When the labels are others than before, what it said over those is deleted first: a row's scores are as many as
    the run has labels. The last of that and the new labels are one transaction, the rest comes in portions before it.
    """
    with database.reading() as session:
        run = find(session)
    if run is not None and run.label_ids != label_ids:
        assert run.id is not None
        while _delete_some(database, run.id, versions.AT_ONCE) == versions.AT_ONCE:
            pass
    with database.writing() as session:
        run = find(session)
        if run is None:
            run_id = runs.start(session, base_model, arguments, label_ids)
            runs.change(session, run_id, kind=RunKind.QUICK, name=NAME, status=RunStatus.FINISHED)
            runs.change(session, run_id, device=device, precision=precision)
            return run_id
        assert run.id is not None
        if run.label_ids != label_ids:
            session.execute(delete(Suggestion).where(col(Suggestion.run_id) == run.id))
            runs.store_out_of_fold(session, run.id, ())
            runs.change(session, run.id, label_ids=label_ids, suggested=0)
        its = {"base_model": base_model, "arguments": arguments, "device": device, "precision": precision}
        runs.change(session, run.id, **its)
        return run.id


def _delete_some(database: Database, run_id: int, many: int) -> int:
    mine = col(Suggestion.run_id) == run_id
    with database.writing() as session:
        query = select(Suggestion.review_id).where(mine).order_by(col(Suggestion.review_id)).limit(many)
        portion = list(session.exec(query))
        if portion:
            session.execute(delete(Suggestion).where(mine, col(Suggestion.review_id) <= portion[-1]))
    return len(portion)


def fitted(session: Session, run_id: int, labels: int, digest: str, log_loss: float, seconds: float) -> None:
    """Record a fit: how many labels, exactly which, and how good it is out of sample."""
    run = runs.existing(session, run_id)
    metrics = {**run.metrics, LOG_LOSS: log_loss, "labels": labels, "seconds": seconds}
    runs.change(session, run_id, metrics=metrics, train_size=labels, annotations_digest=digest, finished_at=utc_now())
    point = {"run_id": run_id, "name": LOG_LOSS, "step": labels, "value": log_loss}
    its = (col(CurvePoint.run_id) == run_id, col(CurvePoint.name) == LOG_LOSS, col(CurvePoint.step) == labels)
    session.execute(delete(CurvePoint).where(*its))
    session.execute(insert(CurvePoint), [point])


def store(session: Session, run_id: int, rows: Sequence[dict[str, Any]]) -> None:
    """Put suggestions for some reviews in the place of those for them before."""
    ids = [row["review_id"] for row in rows]
    for start in range(0, len(ids), CHUNK):
        its = (col(Suggestion.run_id) == run_id, col(Suggestion.review_id).in_(ids[start : start + CHUNK]))
        session.execute(delete(Suggestion).where(*its))
    runs.add_suggestions(session, rows)


def stored(session: Session, run_id: int) -> int:
    """How many suggestions it has."""
    query = select(func.count()).select_from(Suggestion).where(col(Suggestion.run_id) == run_id)
    return session.exec(query).one()


def publish_if_first(session: Session, run_id: int) -> bool:
    """Put it in use while no run is; whether it is in use now."""
    count = stored(session, run_id)
    in_use = project_of(session).run_in_use
    if in_use is None:
        runs.publish(session, run_id, count)
        return True
    runs.change(session, run_id, suggested=count)
    return in_use == run_id


def add_out_of_fold(session: Session, run_id: int, rows: Sequence[tuple[int, bytes]]) -> None:
    """Add to what `runs.store_out_of_fold` has kept, so that many can be stored in portions."""
    session.execute(
        insert(OutOfFold),
        [{"run_id": run_id, "review_id": review_id, "scores": scores} for review_id, scores in rows],
    )
