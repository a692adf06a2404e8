"""Computing features in the background, the most useful reviews first."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.storage import pool
from core.storage.database import Database
from core.storage.feature_cache import FeatureCache
from core.training.quick.features import FeatureExtractor
from core.worker.events import FeaturesComputed
from core.worker.jobs import Emit
from core.worker.jobs.quick.view import View

PORTION_SECONDS = 0.4
"""Time a portion may take, so that a label given meanwhile is learned from within a second."""

SMALLEST, LARGEST = 16, 4_096
"""Texts of a portion: a busy CPU does some 30 a second, a GPU thousands."""

TOLD_EVERY = 0.5
"""Seconds between two events."""

ENOUGH = 4_000
"""Labelled reviews whose features are computed before anything else: a fit uses no more."""

NONE = -1


class Features:
    """The rows of the reviews seen, and which of them are computed next."""

    def __init__(self, database: Database, extractor: FeatureExtractor, cache: FeatureCache, emit: Emit) -> None:
        """Begin with what the cache has; `follow` says what for."""
        self._database, self._extractor, self._emit = database, extractor, emit
        self.cache = cache
        self.rows: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        """Shape [reviews]: the row of each review's features, -1 without."""
        self._view: View | None = None
        self._cursor = 0
        self._portion = SMALLEST
        self._told_at = self._rate = 0.0
        self._all_told = False
        self._names: tuple[tuple[str, ...], NDArray[np.float16]] = (), np.zeros((0, 0), dtype=np.float16)

    def follow(self, view: View) -> None:
        """Look at these reviews from now on."""
        if self._view is None or view.reviews is not self._view.reviews:
            self.rows = self.cache.places(view.reviews.digests)
            self._cursor = 0
        self._view = view

    @property
    def known(self) -> int:
        """How many of the reviews have features."""
        return int((self.rows >= 0).sum())

    # ------------------------------------------------------------------ what is missing

    def of_labelled(self) -> NDArray[np.int64]:
        """The rows of the labelled reviews, in their order; -1 where one is missing."""
        return self.cache.places(self._seen.digests)

    def compute_labelled(self) -> bool:
        """Compute a portion of what labelled reviews miss, in random order; false when enough have features."""
        view, rows = self._seen, self.of_labelled()
        missing = np.flatnonzero(rows < 0)
        if not len(missing) or len(rows) - len(missing) >= ENOUGH:
            return False
        missing = np.random.default_rng(view.seed).permutation(missing)[: self._portion]
        self._compute([view.digests[at] for at in missing], [view.labelled.texts[at] for at in missing])
        places = [view.reviews.place.get(view.labelled.review_ids[at]) for at in missing]
        self._mark([place for place in places if place is not None])
        return True

    def compute_these(self, places: Iterable[int]) -> bool:
        """Compute a portion of what is missing of certain reviews; false when nothing is missing."""
        missing = [place for place in places if self.rows[place] == NONE]
        missing = self._unknown(missing)[: self._portion]
        if not missing:
            return False
        self._compute_places(missing)
        return True

    def compute_more(self) -> bool:
        """Compute a portion of the rest: labelled audit reviews, then the random order; false when all is done."""
        view = self._seen
        measured = np.flatnonzero((self.rows == NONE) & view.reviews.audit & ~view.undecided)
        if len(measured) and self.compute_these(measured.tolist()):
            return True
        while self._cursor < len(self.rows) and len(self.cache) < self.cache.most:
            ahead = self._cursor + np.flatnonzero(self.rows[self._cursor : self._cursor + LARGEST] == NONE)
            part = ahead[view.wanted[ahead]][: self._portion].tolist()
            whole = len(part) < self._portion
            self._cursor = min(self._cursor + LARGEST, len(self.rows)) if whole else part[-1] + 1
            missing = self._unknown(part)
            if missing:
                self._compute_places(missing)
                return True
        if not self._all_told:
            self._all_told = True
            self._tell(at_once=True)
        return False

    def of_names(self, names: Sequence[str]) -> NDArray[np.float16]:
        """What the base model makes of labels' names, [labels, width]; of the last ones asked for it is kept."""
        if self._names[0] != tuple(names):
            self._names = tuple(names), self._extractor.of_names(names)
        return self._names[1]

    def vectors(self, places: NDArray[np.int64]) -> NDArray[np.float16]:
        """The features of reviews that have some, shape [places, dimensions]."""
        return np.asarray(self.cache.features[self.rows[places]])

    # ------------------------------------------------------------------ computing

    @property
    def _seen(self) -> View:
        assert self._view is not None
        return self._view

    def _unknown(self, places: Sequence[int]) -> list[int]:
        """Those whose text has no features; the others, copies of one that has, are marked."""
        found = self.cache.places([self._seen.reviews.digests[place] for place in places])
        self.rows[list(places)] = found
        return [place for place, row in zip(places, found, strict=True) if row == NONE]

    def _compute_places(self, places: list[int]) -> None:
        with self._database.reading() as session:
            texts = pool.texts(session, self._seen.reviews.ids[places].tolist())
        self._compute([self._seen.reviews.digests[place] for place in places], texts)
        self._mark(places)

    def _mark(self, places: Sequence[int]) -> None:
        if places:
            self.rows[list(places)] = self.cache.places([self._seen.reviews.digests[place] for place in places])

    def _compute(self, digests: Sequence[bytes], texts: Sequence[str]) -> None:
        began = time.monotonic()
        self.cache.add(digests, self._extractor.extract(texts))
        seconds = max(time.monotonic() - began, 1e-6)
        rate = len(texts) / seconds
        self._rate = rate if not self._rate else 0.8 * self._rate + 0.2 * rate
        self._portion = int(np.clip(rate * PORTION_SECONDS, max(SMALLEST, self._portion / 2), 2 * self._portion))
        self._portion = min(self._portion, LARGEST)
        self._all_told = False
        self._tell()

    def _tell(self, at_once: bool = False) -> None:
        now = time.monotonic()
        if at_once or now - self._told_at >= TOLD_EVERY:
            self._told_at = now
            self._emit(FeaturesComputed(self.known, min(len(self.rows), self.cache.most), self._rate))
