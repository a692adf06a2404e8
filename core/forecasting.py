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

from core.evaluate.forecast import Forecast, forecast, rounded
from core.evaluate.forecast_limits import Record
from core.evaluate.forecast_stopping import FEWEST_COMPARED, kappa
from core.evaluate.learning_curve import LEAST_SPAN, Curve, Point, fit
from core.labelling.pace import REMEMBERED, Pace
from core.report import Measured
from core.storage import browse, learning, quick_run, runs, scheme
from core.storage.tables import Annotation, CurvePoint, Run

AUDIT = "audit"
"""Prefix of the curves that are measured on the audit set. Answers to reviews that the queue chose tell nothing of
what labels bring: it asks for ever harder ones. On one set they fell from 86 to 66 % right from 30 to 116 labels,
while those to all reviews rose to 85 %."""

RIGHT, SIZE = "right", "size"
"""Its two curves: so many reviews were right, of so many."""

KAPPA = "kappa"
"""Curve of how far predictions agree with those at the point before."""

FEWEST_MEASURED = 10
"""Labelled audit reviews from which a point counts. In 60 simulated sessions of 480 labels, one in ten of them in the
audit set, the 80 % interval of the gain held 24 times with all points and 46 times with those of 10 and more: a few
reviews that were all right at the beginning make every curve flat."""

STEP = 1.15
"""Labels of a point by those of the one before: nearer ones are measured on nearly the same and say nothing more."""


@dataclass(frozen=True)
class Outlook:
    """What is known of a session's learning curve."""

    points: tuple[Point, ...]
    """By number of labels."""
    told: Forecast
    audit_labelled: int | None = None
    """Labelled reviews of the audit set when it was measured on last; none before that."""

    @property
    def sentence(self) -> str:
        """The forecast in words; empty while nothing at all is measured."""
        if self.audit_labelled is None:
            return ""
        if not self.points:
            are = "is" if self.audit_labelled == 1 else "are"
            return (
                f"What more labels bring is measured once {FEWEST_MEASURED} reviews of the audit set are labelled: "
                f"{self.audit_labelled:,} {are} so far."
            )
        if self.told.gain is None and self.told.now < LEAST_SPAN * self.points[0].labels:
            return (
                f"What more labels bring can be told from about {rounded(LEAST_SPAN * self.points[0].labels):,} "
                f"labels on: it is measured since there were {self.points[0].labels:,}, and they have to double."
            )
        return self.told.sentence

    def to_json(self) -> dict[str, Any] | None:
        """As plain data; none while nothing is measured."""
        if self.audit_labelled is None:
            return None
        told, gain = self.told, self.told.gain
        return {
            "sentence": self.sentence,
            "outlook": told.outlook.value,
            "audit_labelled": self.audit_labelled,
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
        audit, size = measured.model, measured.audit_size
        if size and audit is not None:
            found += [(f"{AUDIT}_{RIGHT}", round(audit.accuracy * size)), (f"{AUDIT}_{SIZE}", size)]
        if labels >= STEP * self._at or labels < self._at:
            agreed = _kappa(self._before, probabilities)
            if agreed is not None:
                found.append((KAPPA, agreed))
            self._before, self._at = probabilities.copy(), labels
        if found:
            rows = [{"run_id": run.id, "name": name, "step": labels, "value": value} for name, value in found]
            session.execute(insert(CurvePoint), rows)


NAMES = (*(f"{AUDIT}_{kind}" for kind in (RIGHT, SIZE)), KAPPA)


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
    measured = _counted(session, run) if run is not None else []
    points = _thinned([point for size, point in measured if size >= FEWEST_MEASURED])
    counts = browse.counts(session)
    remaining = counts.reviews - counts.labelled - counts.skipped
    told = forecast(
        points,
        per_minute if per_minute is not None else _pace(session),
        remaining,
        _kappas(session, run),
        _record(session, run),
    )
    return Outlook(points, told, measured[-1][0] if measured else None)


def _counted(session: Session, run: Run) -> list[tuple[int, Point]]:
    """What was measured, by number of labels, each with how many reviews it is measured on."""
    assert run.id is not None
    right = dict(runs.curve(session, run.id, f"{AUDIT}_{RIGHT}"))
    sizes = runs.curve(session, run.id, f"{AUDIT}_{SIZE}")
    return [
        (round(size), Point.counted(labels, min(round(right[labels]), round(size)), round(size)))
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
