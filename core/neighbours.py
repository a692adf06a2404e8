"""The labelled reviews nearest to one, by the features that the quick learner keeps beside the project."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.queue.space import Space
from core.storage import learning
from core.storage.database import Database
from core.storage.feature_cache import FOLDER, StoredFeatures, read_stored
from core.storage.pool import text_digest

MOST = 20_000
"""Labelled reviews that are compared; of more so many are drawn."""

LOOKED_AT = 200
"""Of these, the ones nearest in a projection, which are compared in all dimensions."""

SAMPLE = 2_000


class LabelledNeighbours:
    """Finds the nearest labelled reviews. Reads alone: another process may be adding features meanwhile."""

    def __init__(self, database: Database) -> None:
        """Read which labelled reviews have features, 0.1 s for ten thousand; none without any."""
        stored = read_stored(database.models / FOLDER)
        self._ids: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._whole: Space | None = None
        if stored is None:
            return
        with database.reading() as session:
            examples = [*learning.examples(session, audit=False), *learning.examples(session, audit=True)]
        ids = np.array([one.review_id for one in examples], dtype=np.int64)
        rows = stored.places([text_digest(one.text) for one in examples])
        self._prepare(stored, ids[rows >= 0], rows[rows >= 0])

    def _prepare(self, stored: StoredFeatures, ids: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        draw = np.random.default_rng(0)
        if len(ids) > MOST:
            kept = draw.choice(len(ids), MOST, replace=False)
            ids, rows = ids[kept], rows[kept]
        if not len(ids):
            return
        sample = rows if len(rows) <= SAMPLE else draw.choice(rows, SAMPLE, replace=False)
        # The last column is the word list's opinion, no part of where a text lies.
        features = stored.features[:, :-1]
        self._ids, self._rows = ids, rows
        self._whole = Space(features, sample, 0, None)
        self._rough = Space(features, sample, 0).vectors(rows)

    def nearest(self, review_id: int, count: int, apart_from: Sequence[int] = ()) -> list[tuple[int, float]]:
        """Ids and cosine similarities of the nearest labelled reviews, the nearest first; empty without features."""
        at = np.flatnonzero(self._ids == review_id)
        if self._whole is None or not len(at):
            return []
        near = self._rough @ self._rough[at[0]]
        near[np.isin(self._ids, [review_id, *apart_from])] = -2
        looked_at = np.argsort(-near, kind="stable")[:LOOKED_AT]
        looked_at = looked_at[near[looked_at] > -2]
        exact = self._whole.vectors(self._rows[looked_at]) @ self._whole.vectors(self._rows[at])[0]
        best = np.argsort(-exact, kind="stable")[:count]
        return [(int(self._ids[looked_at[one]]), float(exact[one])) for one in best]
