"""What the quick learner says about the reviews: fitted to the labels, predicted for all, as arrays in memory."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import TooFewLabels
from core.training.quick.learner import HINTED, QuickModel, fit
from core.training.quick.names import hints
from core.training.quick.space import Space
from core.training.targets import target_array
from core.worker.jobs.examples import Labelled
from core.worker.jobs.quick.features import Features
from core.worker.jobs.quick.view import View

FEWEST = 8
"""Labelled reviews below which nothing is suggested: with fewer, a probability cannot be calibrated."""

SAMPLE = 5_000
"""Rows of features that the mean and the covariance of the pool are taken from."""

GROWN = 1.3
"""Times as many features as the space was made of, from which it is made anew: half a second with the sample."""

PREDICTED = 8_192
"""Reviews predicted at a time: some 0.1 s."""


@dataclass(frozen=True)
class Fit:
    """A fitted quick learner, and to what."""

    model: QuickModel
    label_ids: list[int]
    review_ids: list[int]
    """The reviews it learned from, in the order of `model.out_of_fold`."""
    digest: str
    seconds: float

    @property
    def labels(self) -> int:
        """How many reviews it learned from."""
        return len(self.review_ids)


class Ground:
    """The space that fits are made in: made before the first label, so that no label waits for it."""

    def __init__(self) -> None:
        """Begin with none."""
        self._space: Space | None = None
        self._rows = 0
        self._sample: NDArray[np.float16] | None = None
        """What the space was made of."""
        self._hinted: tuple[Space, tuple[str, ...], bool] | None = None
        """What the hints are of."""
        self._hints: list[NDArray[np.float32]] = []

    def space(self, stored: NDArray[np.float16], seed: int) -> Space:
        """The space of a sample of these features, or of those there were when it was made."""
        return self._space or self.follow(stored, seed)

    def follow(self, stored: NDArray[np.float16], seed: int) -> Space:
        """Make the space anew, if there are many more features than it was made of."""
        if self._space is None or (self._rows < SAMPLE and len(stored) >= GROWN * self._rows):
            self._sample, self._rows = _sample(stored, seed), len(stored)
            self._space = Space.of(self._sample)
        return self._space

    def hints(self, found: Labelled, features: Features) -> list[NDArray[np.float32]]:
        """What the labels' names say in the present space."""
        space, sample = self._space, self._sample
        if space is None or sample is None:
            return []
        its = space, tuple(found.label_names), found.multi
        if self._hinted is None or self._hinted[0] is not space or self._hinted[1:] != its[1:]:
            vectors = features.of_names(found.label_names)
            self._hinted, self._hints = its, hints(space, sample, found.label_names, vectors, found.multi)
        return self._hints


def fit_to(view: View, features: Features, ground: Ground) -> Fit:
    """Fit to the labelled reviews that have features. Raises TooFewLabels."""
    found = view.labelled
    if len(found.texts) < FEWEST:
        raise TooFewLabels(
            f"{len(found.texts)} reviews are labelled; the quick learner suggests from {FEWEST} on.",
            "Label some more.",
        )
    began = time.monotonic()
    rows, stored = features.of_labelled(), features.cache.features
    used = np.flatnonzero(rows >= 0)
    space = ground.space(stored, view.seed)
    model = fit(
        np.asarray(stored[rows[used]]),
        target_array(found.targets, len(found.label_ids), found.multi)[used],
        len(found.label_ids),
        found.multi,
        space,
        ground.hints(found, features) if len(used) <= HINTED else (),
    )
    seconds = time.monotonic() - began
    logging.info("Fitted to %d labels in %.2f s: log-loss %.3f", len(used), seconds, model.out_of_sample_log_loss)
    return Fit(model, list(found.label_ids), [found.review_ids[at] for at in used], found.digest, seconds)


def _sample(stored: NDArray[np.float16], seed: int) -> NDArray[np.float16]:
    if len(stored) <= SAMPLE:
        return np.asarray(stored)
    chosen = np.random.default_rng(seed).choice(len(stored), SAMPLE, replace=False)
    return np.asarray(stored[np.sort(chosen)])


class Opinion:
    """Probabilities of all reviews with features, each by the fit that looked at it last."""

    def __init__(self) -> None:
        """Say nothing yet."""
        self.fit: Fit | None = None
        self.probabilities: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        """Shape [reviews, labels]; NaN where nothing is said."""
        self._fits = 0
        self._by: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        """Shape [reviews]: the number of the fit that said it."""

    def follow(self, reviews: int) -> None:
        """The reviews are others: say nothing about them yet."""
        labels = len(self.fit.label_ids) if self.fit else 0
        self.probabilities = np.full((reviews, labels), np.nan, dtype=np.float32)
        self._by = np.zeros(reviews, dtype=np.int64)

    def take(self, fit: Fit) -> None:
        """Speak by this fit from now on; what was said before stays until it is said anew."""
        same = self.fit is not None and self.fit.label_ids == fit.label_ids
        self.fit = fit
        self._fits += 1
        if not same:
            self.follow(len(self._by))

    def forget(self) -> None:
        """There is no fit any more."""
        self.fit = None
        self.follow(len(self._by))

    def predict(self, features: Features, places: Sequence[int]) -> None:
        """Say something about reviews that have features."""
        if self.fit is not None and len(places):
            at = np.asarray(places, dtype=np.int64)
            self.probabilities[at] = self.fit.model.predict(features.vectors(at))
            self._by[at] = self._fits

    def stale(self, features: Features, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Reviews that the present fit could say something about and has not, in the random order."""
        if self.fit is None:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero((features.rows >= 0) & wanted & (self._by < self._fits))
