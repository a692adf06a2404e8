"""What the quick learner does next: one small step at a time, the most urgent first."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from core.errors import TooFewLabels
from core.storage import queue
from core.storage.database import Database
from core.storage.queue import Place
from core.worker.events import HeadSuggested, QuickFitted, QuickWaits, SimilarFound
from core.worker.jobs import Emit
from core.worker.jobs.quick.features import Features
from core.worker.jobs.quick.opinion import FEWEST, PREDICTED, Fit, Ground, Opinion, fit_to
from core.worker.jobs.quick.queueing import Queueing
from core.worker.jobs.quick.told import PORTION, Made, Told
from core.worker.jobs.quick.view import View
from core.worker.requests import Assist, FindSimilar

HEAD = 60
"""Reviews that come up next and get their suggestions before all others: the screen fetches 40 ahead."""

PARTLY = 250
"""Labelled reviews with features from which a fit does not wait for the others: labels may have been imported."""

PAUSE = 1.5
"""Seconds without a new label after which what is stored already is brought up to date."""

SHARE = 2.0
"""Times as long as the last fit took, before the next one begins: at ten labels a second it fits all the time."""

GATHERED = 500
"""New things to say that are worth a transaction of their own while more features are computed."""

GATHERED_FOR = 3.0
"""Seconds after which fewer are worth one."""

PLAN_EVERY = 1.0
"""Seconds between two plans of the queue."""


class Learning:
    """The quick learner's state, and its steps."""

    def __init__(self, database: Database, request: Assist, made: Made, features: Features, emit: Emit) -> None:
        """Begin; `follow` says what to look at."""
        self._database, self._features, self._emit = database, features, emit
        self._opinion, self._ground = Opinion(), Ground()
        self._told = Told(database, emit, made)
        self._queueing = Queueing(database, request)
        self._view: View | None = None
        self._partly = 0
        """Labelled reviews with features that were fitted to before all had some."""
        self._learned: object = None
        """What was fitted to last, or refused."""
        self._fit_after = self._plan_after = self._stored_at = self._labelled_at = 0.0
        self._at_rest = False
        """There is nothing to do until somebody changes something."""
        self._head: list[int] = []
        """Places of the reviews that come up next and wait for their suggestions."""
        self._head_due = self._plan_due = False
        self._steps: tuple[Callable[[], bool], ...] = (
            self._learn,
            self._suggest_head,
            self._predict,
            self._plan,
            self._store_new,
            self._store_moved,
            self._settle,
            self._compute,
        )

    def follow(self, view: View) -> None:
        """Look at the project as it is now."""
        before, self._view = self._view, view
        self._features.follow(view)
        self._at_rest = False
        if before is None or before.reviews is not view.reviews:
            self._opinion.follow(len(view.reviews))
            self._told.follow(len(view.reviews))
            self._plan_due = True
        if before is None or before.learned_from != view.learned_from:
            self._labelled_at = time.monotonic()
        elif before.run_in_use != view.run_in_use:
            self._plan_due = True

    def step(self) -> bool:
        """Do the most urgent thing; false when there is nothing to do."""
        if self._at_rest:
            return False
        done = any(step() for step in self._steps)
        self._at_rest = (
            not done and self._is_quiet() and not self._plan_due and self._learned == self._seen.learned_from
        )
        return done

    # ------------------------------------------------------------------ steps

    @property
    def _seen(self) -> View:
        assert self._view is not None
        return self._view

    def _learn(self) -> bool:
        """Fit when the labels are others than those fitted to."""
        view = self._seen
        if self._learned == view.learned_from or time.monotonic() < self._fit_after:
            return False
        if self._features.compute_labelled():
            known = int((self._features.of_labelled() >= 0).sum())
            if known < max(PARTLY, 2 * self._partly):
                return True
            self._partly = known
        else:
            self._learned = view.learned_from
        try:
            fit = fit_to(view, self._features, self._ground)
        except TooFewLabels as error:
            self._learned = view.learned_from
            self._opinion.forget()
            self._plan_due = True
            labels = len(view.labelled.texts)
            self._emit(QuickWaits(labels, error.message, FEWEST if labels < FEWEST else 0))
            return True
        self._fit_after = time.monotonic() + SHARE * fit.seconds
        self._opinion.take(fit)
        run_id = self._told.begin(fit, len(view.reviews))
        self._emit(QuickFitted(run_id, fit.labels, float(fit.model.out_of_sample_log_loss), fit.seconds))
        self._look_ahead()
        self._plan_due = True
        return True

    def _look_ahead(self) -> None:
        """The reviews of the queue as it is now are the first to get suggestions."""
        with self._database.reading() as session:
            ids = queue.upcoming(session, (), HEAD)
            if len(ids) < HEAD:
                ids += queue.at_random(session, Place(), ids, HEAD - len(ids))[0]
        place = self._seen.reviews.place
        self._head = [place[review_id] for review_id in ids if review_id in place]
        self._head_due = True

    def _suggest_head(self) -> bool:
        if not self._head_due:
            return False
        if self._opinion.fit is not None:
            if self._features.compute_these(self._head):
                return True
            places = [place for place in self._head if self._features.rows[place] >= 0]
            self._opinion.predict(self._features, places)
            self._told.store(self._seen, self._opinion, places)
        self._head_due = False
        self._emit(HeadSuggested(self._told.run_id, len(self._head)))
        return True

    def _predict(self) -> bool:
        stale = self._opinion.stale(self._features, self._seen.wanted)[:PREDICTED]
        self._opinion.predict(self._features, stale.tolist())
        return bool(len(stale))

    def _plan(self) -> bool:
        if self._queueing.outgrown(self._features.known, len(self._seen.reviews)):
            self._plan_due = True
        if not self._plan_due or not len(self._features.cache) or time.monotonic() < self._plan_after:
            return False
        self._plan_due = False
        self._ground.follow(self._features.cache.features, self._seen.seed)
        places = self._queueing.plan(self._seen, self._features, self._opinion)
        self._plan_after = time.monotonic() + PLAN_EVERY
        self._head, self._head_due = places[:HEAD], True
        return True

    def _store_new(self) -> bool:
        """Store what is said for the first time, but not each handful by itself while features are computed."""
        unsaid = self._told.unsaid(self._seen, self._opinion)
        long_ago = time.monotonic() - self._stored_at > GATHERED_FOR
        gathered = len(unsaid) >= GATHERED or long_ago or self._features.known >= len(self._seen.reviews)
        if not len(unsaid) or not gathered:
            return False
        self._stored_at = time.monotonic()
        self._told.store(self._seen, self._opinion, unsaid[:PORTION].tolist())
        return True

    def _store_moved(self) -> bool:
        """In a pause, bring up to date what the last fit says otherwise."""
        if not self._is_quiet():
            return False
        moved = self._told.moved(self._seen, self._opinion)[:PORTION]
        if not len(moved):
            return False
        self._told.store(self._seen, self._opinion, moved.tolist())
        return True

    def _settle(self) -> bool:
        return self._is_quiet() and self._told.settle(self._opinion)

    def _compute(self) -> bool:
        return self._features.compute_more()

    def _is_quiet(self) -> bool:
        """Whether nobody has labelled for a moment."""
        return time.monotonic() - self._labelled_at > PAUSE

    # ------------------------------------------------------------------ questions

    @property
    def fit(self) -> Fit | None:
        """The present fit; none before the first."""
        return self._opinion.fit

    def answer(self, question: FindSimilar) -> None:
        """Say which reviews are like one."""
        self._at_rest = False
        view, none = self._seen, "There is nothing to compare this review with yet."
        place = view.reviews.place.get(question.review_id)
        found: list[int] = []
        if place is not None:
            self._features.compute_these([place])
            if self._features.rows[place] >= 0 and np.count_nonzero(self._features.rows >= 0) > 1:
                found = self._queueing.similar(view, self._features, place, question.count)
        self._emit(SimilarFound(question.review_id, found, "" if found else none))
