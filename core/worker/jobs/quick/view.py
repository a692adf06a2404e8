"""The project as the quick learner sees it, looked at again whenever somebody has changed it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from core.labels import SchemeKind
from core.storage import pool, runs
from core.storage.database import Database, project_of
from core.storage.pool import Reviews
from core.storage.signature import Signature, signature
from core.storage.tables import RunKind
from core.training.examples import Target
from core.worker.jobs.examples import Labelled, labelled

COST = 4.0
"""Times as long as reading the labels took last, before they are read again: with 30,000 it takes half a second."""

TRAINING_EVERY = 2.0
"""Seconds between two looks at whether a fine-tuning runs."""


@dataclass(frozen=True)
class View:
    """One moment of the project."""

    reviews: Reviews
    labelled: Labelled
    digests: list[bytes]
    """Of the labelled texts."""
    undecided: NDArray[np.bool_]
    """Shape [reviews]: nobody has decided about it or flagged it."""
    wanted: NDArray[np.bool_]
    """Shape [reviews]: a suggestion is wanted, as `core.storage.learning.to_suggest` has it."""
    settled: NDArray[np.bool_]
    """Shape [reviews]: a review of its group is labelled."""
    latest: list[tuple[int, bool]]
    """The last reviews decided about, the latest first, and whether each is of the audit set."""
    seed: int
    run_in_use: int | None

    @property
    def learned_from(self) -> tuple[str, tuple[int, ...], tuple[str, ...]]:
        """Different when a fit would see something else: other labels, classes or names of classes."""
        return self.labelled.digest, tuple(self.labelled.label_ids), tuple(self.labelled.label_names)

    @property
    def since_audit(self) -> int:
        """How many decisions there have been since the last one about an audit review."""
        return next((at for at, (_, audit) in enumerate(self.latest) if audit), len(self.latest))

    @property
    def by_time(self) -> NDArray[np.int64]:
        """Places in `labelled`, those decided about last at the end, as the queue wants them."""
        turn = {review_id: -at for at, (review_id, _) in enumerate(self.latest)}
        earlier = -len(self.latest)
        return np.argsort([turn.get(one, earlier) for one in self.labelled.review_ids], kind="stable")

    @property
    def targets(self) -> list[Target]:
        """What the labelled reviews are, as positions of labels."""
        return self.labelled.targets


class Watch:
    """Looks at the project again when it has changed."""

    def __init__(self, database: Database, most: int) -> None:
        """Look for the first time; of a larger project `most` reviews are seen, besides the labelled ones."""
        self._database, self._most = database, most
        self._watcher = database.watch()
        self._again_at = self._training_at = 0.0
        self._due = self._training = False
        self._known = np.zeros(0, dtype=np.int64)
        with database.reading() as session:
            self._seen: Signature = signature(session)
            self._files = pool.files(session)
            self.view = self._look(session, None)

    def changed(self) -> bool:
        """Whether the view is another than at the last call."""
        if self._watcher.changed():
            self._due = True
        if not self._due or time.monotonic() < self._again_at:
            return False
        self._due = False
        with self._database.reading() as session:
            found = signature(session)
            if found == self._seen:
                return False
            began = time.monotonic()
            files = pool.files(session)
            reviews = self.view.reviews if files == self._files else None
            self._seen, self._files = found, files
            self.view = self._look(session, reviews)
        now = time.monotonic()
        self._again_at = now + COST * (now - began)
        return True

    def training(self) -> bool:
        """Whether a fine-tuning of this project runs, in whatever process."""
        now = time.monotonic()
        if now >= self._training_at:
            self._training_at = now + TRAINING_EVERY
            with self._database.reading() as session:
                found = runs.running(session)
            self._training = found is not None and found.kind is not RunKind.QUICK
        return self._training

    def close(self) -> None:
        """Give the connection back."""
        self._watcher.close()

    def _look(self, session: Session, reviews: Reviews | None) -> View:
        project = project_of(session)
        found = labelled(session)
        decided, final = pool.decided(session)
        if reviews is None or not np.isin(decided, self._known).all():
            reviews = pool.reviews(session, self._most)
            # Those of an import that was undone are decided about and not seen.
            self._known = np.union1d(reviews.ids, decided)
        assert (project.kind is SchemeKind.MULTI) == found.multi
        undecided = ~np.isin(reviews.ids, decided)
        is_final = np.isin(reviews.ids, final)
        return View(
            reviews=reviews,
            labelled=found,
            digests=[pool.text_digest(text) for text in found.texts],
            undecided=undecided,
            wanted=~is_final | reviews.audit,
            settled=np.isin(reviews.groups, reviews.groups[is_final]) & undecided,
            latest=pool.latest(session),
            seed=project.salt,
            run_in_use=project.run_in_use,
        )
