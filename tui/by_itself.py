"""Whether a training shall start by itself, by what the project's records say. Asked in a thread."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sqlmodel import Session, col, func, select

from core.settings import Settings
from core.storage import learning, runs
from core.storage.tables import Annotation, Decision, Run, RunKind, RunStatus
from core.worker import retraining
from core.worker.retraining import Situation, Wanted


def wanted(settings: Settings) -> Wanted:
    """What the settings ask for; nothing when they ask for quiet."""
    if settings.quiet:
        return Wanted()
    return Wanted(settings.retrain_labels, settings.retrain_minutes)


def due(session: Session, settings: Settings, minutes_open: float) -> tuple[bool, str]:
    """Whether a training shall start now, and why, in a sentence. `minutes_open`: since the project was opened."""
    asked, now = wanted(settings), situation(session, minutes_open)
    is_due, why = retraining.due(asked, now)
    if not is_due:
        return is_due, why
    # Last, because it reads every label.
    newest = _newest(session, RunStatus.FINISHED)
    seen = newest is not None and learning.unchanged_since(session, newest)
    return retraining.due(asked, replace(now, unchanged=seen))


def situation(session: Session, minutes_open: float) -> Situation:
    """New labels, time and power; two counts over an index."""
    finished, newest = _newest(session, RunStatus.FINISHED), _newest(session)
    since = finished.started_at if finished else ""
    minutes = minutes_open
    if newest is not None and newest.finished_at is not None:
        ended = datetime.fromisoformat(newest.finished_at)
        passed = datetime.now(UTC) - (ended if ended.tzinfo else ended.replace(tzinfo=UTC))
        minutes = min(minutes_open, passed.total_seconds() / 60)
    stopped = newest is not None and newest.status is not RunStatus.FINISHED
    return Situation(
        new_labels=_labels(session, since),
        minutes_since=minutes,
        on_battery=retraining.on_battery(),
        busy=runs.running(session) is not None,
        # Who stopped a training does not want it to start again at once either.
        new_when_failed=_labels(session, since, newest.started_at) if stopped and newest is not None else None,
    )


def _newest(session: Session, status: RunStatus | None = None) -> Run | None:
    query = select(Run).where(col(Run.kind) == RunKind.FINE_TUNED).order_by(col(Run.id).desc()).limit(1)
    return session.exec(query.where(col(Run.status) == status) if status else query).first()


def _labels(session: Session, since: str, until: str | None = None) -> int:
    query = (
        select(func.count())
        .select_from(Annotation)
        .where(col(Annotation.decided_at) > since, col(Annotation.decision) == Decision.LABELLED)
    )
    return session.exec(query if until is None else query.where(col(Annotation.decided_at) <= until)).one()
