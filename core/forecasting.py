"""Time to target in a project: the quick learner's scores by number of labels as stored, and what they forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert
from sqlmodel import Session, col, select

from core.evaluate.forecast import Forecast, forecast
from core.evaluate.forecast_limits import Record
from core.evaluate.forecast_stopping import FEWEST_COMPARED, kappa
from core.evaluate.learning_curve import FEWEST_POINTS, LEAST_SPAN, Curve, Point, fit
from core.labelling.pace import REMEMBERED, Pace
from core.report import Measured
from core.storage import browse, learning, quick_run, runs, scheme
from core.storage.tables import Annotation, CurvePoint, Run

AUDIT, UNSEEN = "audit", "unseen"
"""Prefixes of the curves: measured on the audit set; by cross-validation on reviews that the queue chose."""

RIGHT, SIZE = "right", "size"
"""The two curves of each: so many reviews were right, of so many."""

KAPPA = "kappa"
"""Curve of how far predictions agree with those at the point before."""

STEP = 1.15
"""Labels of a point by those of the one before: nearer ones are measured on nearly the same and say nothing more."""


@dataclass(frozen=True)
class Outlook:
    """What is known of a session's learning curve."""

    points: tuple[Point, ...]
    """By number of labels."""
    by_audit: bool
    """Whether they are measured on the audit set; else on reviews that the queue chose, by cross-validation."""
    told: Forecast

    @property
    def sentence(self) -> str:
        """The forecast in words; empty while nothing at all is measured."""
        return self.told.sentence if self.points else ""

    def to_json(self) -> dict[str, Any] | None:
        """As plain data; none while nothing is measured."""
        if not self.points:
            return None
        told, gain = self.told, self.told.gain
        return {
            "sentence": self.sentence,
            "outlook": told.outlook.value,
            "by_audit": self.by_audit,
            "labels": told.now,
            "more": told.more,
            "gain": None if gain is None else {"middle": gain.middle, "low": gain.low, "high": gain.high},
            "minutes": told.minutes,
            "stop": told.stop,
            "limits": [limit.sentence for limit in told.limits],
            "points": [asdict(point) for point in self.points],
        }

    def curve(self) -> Curve | None:
        """The power laws that agree with the points; none while there are too few."""
        return fit(self.points)


class Recorder:
    """Stores a point of the learning curve now and then, as the quick learner is measured."""

    def __init__(self) -> None:
        """Begin; the first predictions have none before them to agree with."""
        self._before: NDArray[np.float32] | None = None
        self._at = 0.0

    def record(
        self, session: Session, run: Run, labels: int, measured: Measured, probabilities: NDArray[np.float32]
    ) -> None:
        """Store what was measured with so many labels; `probabilities` [reviews, labels], NaN where nothing is said.

        Points of more labels, which have been taken back since, and of another scheme go.
        """
        assert run.id is not None
        mine = col(CurvePoint.run_id) == run.id, col(CurvePoint.name).in_(NAMES)
        gone = col(CurvePoint.step) >= labels
        if run.metrics.get("curve_labels") != run.label_ids:
            session.execute(delete(CurvePoint).where(*mine))
            run.metrics = {**run.metrics, "curve_labels": run.label_ids}
            self._before = None
        session.execute(delete(CurvePoint).where(*mine, gone))
        found: list[tuple[str, float]] = []
        audit, unseen = measured.model, measured.cross_validation
        for name, size, accuracy in (
            (AUDIT, measured.audit_size, audit.accuracy if audit is not None else None),
            (UNSEEN, unseen.size if unseen else 0, unseen.model.accuracy if unseen else None),
        ):
            if size and accuracy is not None:
                found += [(f"{name}_{RIGHT}", round(accuracy * size)), (f"{name}_{SIZE}", size)]
        if labels >= STEP * self._at or labels < self._at:
            agreed = _kappa(self._before, probabilities)
            if agreed is not None:
                found.append((KAPPA, agreed))
            self._before, self._at = probabilities.copy(), labels
        if found:
            rows = [{"run_id": run.id, "name": name, "step": labels, "value": value} for name, value in found]
            session.execute(insert(CurvePoint), rows)


NAMES = (*(f"{name}_{kind}" for name in (AUDIT, UNSEEN) for kind in (RIGHT, SIZE)), KAPPA)


def _kappa(before: NDArray[np.float32] | None, now: NDArray[np.float32]) -> float | None:
    """Agreement on the reviews that both say something about; none where those are too few or not the same."""
    if before is None or before.shape != now.shape or not now.shape[1]:
        return None
    both = ~(np.isnan(before).any(axis=1) | np.isnan(now).any(axis=1))
    if both.sum() < FEWEST_COMPARED:
        return None
    return kappa(before[both].argmax(axis=1), now[both].argmax(axis=1))


def outlook(session: Session, per_minute: float | None = None) -> Outlook:
    """The forecast from what is stored; `per_minute` is the pace, else that of the last decisions is taken."""
    run = quick_run.find(session)
    points, by_audit = _points(session, run) if run is not None else ((), True)
    counts = browse.counts(session)
    remaining = counts.reviews - counts.labelled - counts.skipped
    told = forecast(
        points,
        per_minute if per_minute is not None else _pace(session),
        remaining,
        _kappas(session, run),
        _record(session, run),
    )
    return Outlook(points, by_audit, told)


def _points(session: Session, run: Run) -> tuple[tuple[Point, ...], bool]:
    """On the audit set where that suffices for a curve, else by cross-validation, else what there is of the first."""
    audit, unseen = (_thinned(_counted(session, run, name)) for name in (AUDIT, UNSEEN))
    return (audit, True) if _suffices(audit) or not _suffices(unseen) else (unseen, False)


def _suffices(points: Sequence[Point]) -> bool:
    return len(points) >= FEWEST_POINTS and points[-1].labels >= LEAST_SPAN * points[0].labels


def _counted(session: Session, run: Run, name: str) -> list[Point]:
    assert run.id is not None
    right = dict(runs.curve(session, run.id, f"{name}_{RIGHT}"))
    sizes = runs.curve(session, run.id, f"{name}_{SIZE}")
    return [
        Point.counted(labels, min(round(right[labels]), round(size)), round(size))
        for labels, size in sizes
        if labels in right and size >= 1 and 1 <= labels <= run.train_size
    ]


def _thinned(points: Sequence[Point]) -> tuple[Point, ...]:
    """Points so far apart that each says something of its own; the last always."""
    kept: list[Point] = []
    for point in points:
        if not kept or point.labels >= STEP * kept[-1].labels:
            kept.append(point)
    if kept and kept[-1] != points[-1]:
        kept[-1 if len(kept) > 1 else len(kept) :] = [points[-1]]
    return tuple(kept)


def _kappas(session: Session, run: Run | None) -> list[float]:
    if run is None or run.id is None:
        return []
    return [value for labels, value in runs.curve(session, run.id, KAPPA) if labels <= run.train_size]


def _record(session: Session, run: Run | None) -> Record:
    labels = scheme.labels(session)
    _, counts = learning.label_counts(session, audit=False)
    names, examples = [label.name for label in labels], [counts.get(label.id or 0, 0) for label in labels]
    stored = run.metrics.get("audit") if run is not None else None
    model = Measured.from_json(stored).model if stored else None
    confusion = None
    if model is not None and [one.label for one in model.labels] == names and model.confusion:
        confusion = np.array(model.confusion, dtype=np.int64)
        confusion = confusion if confusion.shape == (len(names), len(names)) else None
    return Record(names, examples, confusion)


def _pace(session: Session) -> float | None:
    """Labels a minute, from when the last decisions were made."""
    latest = session.exec(
        select(Annotation.decided_at)
        .where(col(Annotation.decision).is_not(None))
        .order_by(col(Annotation.decided_at).desc())
        .limit(REMEMBERED + 1)
    )
    pace = Pace()
    for moment in reversed(list(latest)):
        pace.decide(datetime.fromisoformat(moment).timestamp())
    return pace.per_minute if pace.per_minute is not None and pace.per_minute < FASTEST else None


FASTEST = 120.0
"""Decisions a minute above which nobody has labelled: they came with a file, or many at once."""
