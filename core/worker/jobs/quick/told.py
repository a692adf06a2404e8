"""Storing what the quick learner says: the next reviews first, the others when there is time, and its worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import comparison
from core.forecasting import Recorder
from core.report import measure
from core.storage import quick_run, runs
from core.storage.database import Database, project_of
from core.storage.pool import Ids
from core.worker.events import QuickStored
from core.worker.jobs import Emit
from core.worker.jobs.quick.opinion import Fit, Opinion
from core.worker.jobs.quick.view import View

PORTION = 1_000
"""Suggestions written in one transaction: another writer waits at most 0.14 s for it."""

MOVED = 0.01
"""Change of a probability from which a suggestion is written again."""

HALF = 0.5
"""Probability from which a label of a multi-label scheme is suggested."""

MOST_OUT_OF_FOLD = 50_000
"""Labelled reviews of which the out-of-fold answers are kept: label mistakes are looked for among them."""

GROWN = 1.05
"""Times as many labels as when the out-of-fold answers were kept last, from which they are kept again; up to
`PORTION` labels they are after every fit."""


@dataclass(frozen=True)
class Made:
    """What the features are made with, for the run's record."""

    base_model: str
    recipe: str
    device: str
    precision: str


class Told:
    """What of the opinion is stored."""

    def __init__(self, database: Database, emit: Emit, made: Made) -> None:
        """Begin; what is stored from an earlier session is written again where it is looked at."""
        self._database, self._emit, self._made = database, emit, made
        self.run_id: int | None = None
        self._stored: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        """Shape [reviews, labels]: what is stored of each review; NaN where nothing is."""
        self._settled: Fit | None = None
        self._recorder = Recorder()
        self._kept_at = 0
        """Labels of the fit whose out-of-fold answers were kept last."""

    def follow(self, reviews: int) -> None:
        """The reviews are others."""
        self._stored = np.full((reviews, self._stored.shape[1]), np.nan, dtype=np.float32)

    def begin(self, fit: Fit, reviews: int) -> int:
        """Enter a fit into the run's record; returns the run's number."""
        made, arguments = self._made, {"recipe": self._made.recipe}
        run_id = quick_run.prepare(
            self._database, made.base_model, arguments, fit.label_ids, made.device, made.precision
        )
        with self._database.writing() as session:
            loss = float(fit.model.out_of_sample_log_loss)
            quick_run.fitted(session, run_id, fit.labels, fit.digest, loss, fit.seconds)
        if run_id != self.run_id or self._stored.shape != (reviews, len(fit.label_ids)):
            self._stored = np.full((reviews, len(fit.label_ids)), np.nan, dtype=np.float32)
        self.run_id = run_id
        return run_id

    # ------------------------------------------------------------------ storing

    def store(self, view: View, opinion: Opinion, places: Sequence[int]) -> None:
        """Store what is said about these reviews, as far as something is."""
        assert self.run_id is not None
        assert opinion.fit is not None
        at = np.asarray(places, dtype=np.int64)
        at = at[~np.isnan(opinion.probabilities[at]).any(axis=1)] if opinion.probabilities.shape[1] else at[:0]
        if not len(at):
            return
        rows = _rows(self.run_id, view.reviews.ids[at], opinion.probabilities[at], opinion.fit, view.labelled.multi)
        with self._database.writing() as session:
            run = runs.existing(session, self.run_id)
            if run.removed or run.label_ids != opinion.fit.label_ids:
                return
            quick_run.store(session, self.run_id, rows)
            quick_run.publish_if_first(session, self.run_id)
        self._stored[at] = opinion.probabilities[at]

    def unsaid(self, view: View, opinion: Opinion) -> NDArray[np.int64]:
        """Reviews about which something is said and nothing is stored."""
        if opinion.fit is None or opinion.probabilities.shape != self._stored.shape:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(view.wanted & np.isnan(self._stored[:, 0]) & ~np.isnan(opinion.probabilities[:, 0]))

    def moved(self, view: View, opinion: Opinion) -> NDArray[np.int64]:
        """Reviews about which something else is said than is stored."""
        if opinion.fit is None or opinion.probabilities.shape != self._stored.shape:
            return np.zeros(0, dtype=np.int64)
        apart = np.abs(opinion.probabilities - self._stored).max(axis=1)
        with np.errstate(invalid="ignore"):
            return np.flatnonzero(view.wanted & (apart > MOVED))

    # ------------------------------------------------------------------ when all is stored

    def settle(self, opinion: Opinion) -> bool:
        """Measure, and decide who speaks, once a fit; false when that is done."""
        fit = opinion.fit
        if fit is None or fit is self._settled or self.run_id is None:
            return False
        self._settled = fit
        with self._database.reading() as session:
            run = runs.existing(session, self.run_id)
            if run.removed:
                return False
            measured = measure(session, run)
        with self._database.writing() as session:
            run = runs.existing(session, self.run_id)
            folds = getattr(fit.model, "folds", None)
            run.metrics = {
                **run.metrics, "audit": measured.to_json(), "folds": folds, quick_run.SETTLED: fit.digest
            }  # fmt: skip
            self._recorder.record(session, run, fit.labels, measured, opinion.probabilities)
            in_use, message = project_of(session).run_in_use, ""
            if in_use is not None and in_use != self.run_id:
                replaces, message = comparison.replaces(session, run, runs.existing(session, in_use))
                if replaces:
                    runs.publish(session, self.run_id, quick_run.stored(session, self.run_id))
                    run.metrics = {**run.metrics, "decided": message}
                    in_use = self.run_id
                else:
                    message = ""
            session.add(run)
            count = quick_run.stored(session, self.run_id)
        self._keep_out_of_fold(fit, self.run_id)
        self._emit(QuickStored(self.run_id, count, in_use == self.run_id, message))
        return True

    def _keep_out_of_fold(self, fit: Fit, run_id: int) -> None:
        if PORTION < fit.labels < GROWN * self._kept_at:
            return
        self._kept_at = fit.labels
        said = fit.model.out_of_fold[:MOST_OUT_OF_FOLD].astype("<f4")
        rows = list(zip(fit.review_ids, (row.tobytes() for row in said), strict=False))
        with self._database.writing() as session:
            runs.store_out_of_fold(session, run_id, rows[:PORTION])
        for start in range(PORTION, len(rows), PORTION):
            with self._database.writing() as session:
                quick_run.add_out_of_fold(session, run_id, rows[start : start + PORTION])


def _rows(run_id: int, ids: Ids, said: NDArray[np.float32], fit: Fit, multi: bool) -> list[dict[str, object]]:
    best = said.argmax(axis=1)
    highest = said[np.arange(len(said)), best]
    packed = said.astype("<f4")
    return [
        {
            "run_id": run_id,
            "review_id": int(ids[at]),
            "label_id": None if multi and highest[at] < HALF else fit.label_ids[int(best[at])],
            "probability": float(highest[at]),
            "scores": packed[at].tobytes(),
        }
        for at in range(len(ids))
    ]
