"""The queue by the strategies, over the features and probabilities there are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.queue.choice import strategy
from core.queue.order import Queue
from core.queue.plan import plan
from core.queue.pool import Pool
from core.queue.similar import similar
from core.storage import planning, pool, queue
from core.storage.database import Database
from core.storage.tables import Run, RunKind
from core.worker.jobs.quick.features import Features
from core.worker.jobs.quick.opinion import Opinion
from core.worker.jobs.quick.view import View
from core.worker.requests import Assist

COLD = 300
"""Reviews with features from which the first ones are chosen for being unlike each other."""


class Queueing:
    """Plans the queue and answers what is like what."""

    def __init__(self, database: Database, request: Assist) -> None:
        """Begin with nothing planned."""
        self._database, self._request = database, request
        self._strategy = strategy(request.strategy)
        self._spoken: tuple[object, NDArray[np.float32]] | None = None
        self._planned_with = 0
        """Reviews that had features when it was planned last."""

    def outgrown(self, known: int, total: int) -> bool:
        """Whether so many more reviews have features that another queue may be a better one."""
        first = min(COLD, total)
        return known >= max(first, 1) and (known >= 1.5 * self._planned_with or known == total != self._planned_with)

    def plan(self, view: View, features: Features, opinion: Opinion) -> list[int]:
        """Plan the queue anew and store it; returns the places of its reviews, the first first."""
        self._planned_with = features.known
        undecided = np.flatnonzero(view.undecided)
        found = self._pool(view, features, opinion, undecided)
        planned = plan(found, self._strategy, planning.QUEUE_LENGTH, self._request.drawn_every, view.since_audit)
        entries = planning.entries(planned, view.reviews.ids[undecided], view.labelled.label_ids)
        with self._database.writing() as session:
            queue.replace(session, entries)
        return [int(place) for place in undecided[planned.positions]]

    def similar(self, view: View, features: Features, place: int, count: int) -> list[int]:
        """Ids of the undecided reviews most like the one at this place, the most similar first."""
        undecided = np.flatnonzero(view.undecided)
        found: Queue = similar(self._pool(view, features, Opinion(), undecided), features.rows[[place]], count)
        own = view.reviews.ids[place]
        return [int(one) for one in view.reviews.ids[undecided[found.positions]] if one != own]

    def _pool(self, view: View, features: Features, opinion: Opinion, undecided: NDArray[np.int64]) -> Pool:
        labels = len(view.labelled.label_ids)
        given = np.zeros((len(view.labelled.texts), labels), dtype=np.bool_)
        for at, target in enumerate(view.targets):
            given[at, list(target) if isinstance(target, tuple) else target] = True
        by_time = view.by_time
        own = opinion.probabilities if opinion.fit and opinion.fit.label_ids == view.labelled.label_ids else None
        spoken = self._of_run_in_use(view)
        first, second = (own, None) if spoken is None else (spoken, own)
        return Pool(
            size=len(undecided),
            features=features.cache.features if len(features.cache) else None,
            rows=features.rows[undecided] if len(features.cache) else None,
            probabilities=None if first is None else first[undecided],
            second=None if second is None else second[undecided],
            labelled=given[by_time],
            labelled_rows=features.of_labelled()[by_time] if len(features.cache) else None,
            groups=view.reviews.groups[undecided],
            settled=view.settled[undecided],
            audit=view.reviews.audit[undecided],
            multi=view.labelled.multi,
            seed=view.seed % 2**31,
        )

    def _of_run_in_use(self, view: View) -> NDArray[np.float32] | None:
        """What the run in use says, where that is not the quick learner: read once, and when it is another."""
        if view.run_in_use is None:
            return None
        with self._database.reading() as session:
            run = session.get(Run, view.run_in_use)
            assert run is not None
            if run.kind is RunKind.QUICK:
                return None
            key = (run.id, run.suggested, run.finished_at, id(view.reviews), tuple(view.labelled.label_ids))
            if self._spoken is None or self._spoken[0] != key:
                labels = view.labelled.label_ids
                said = pool.probabilities(session, view.run_in_use, run.label_ids, view.reviews, labels)
                self._spoken = key, said
        return self._spoken[1]
