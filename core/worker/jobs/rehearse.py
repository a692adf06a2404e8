"""The job “rehearse”: simulated sessions on labelled reviews, by several methods and seeds."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.storage.database import open_project
from core.training.arguments import TrainingArguments
from core.training.base_model import LocatedModel, locate
from core.training.device import Device, choose_device
from core.training.quick.features import FeatureExtractor
from core.training.rehearsal import Measured, Plan, Reviews, Session, looked_at
from core.training.tuned import Stopped
from core.worker.events import Cancelled, Finished, Noticed, Progressed, RehearsalPrepared, Rehearsed, Started
from core.worker.jobs import Emit, ShouldStop
from core.worker.jobs.pace import Pace
from core.worker.jobs.rehearsal_reviews import Material, of_files, of_project
from core.worker.requests import FEATURES, TRAINER, Rehearse

PORTION = 256
"""Reviews whose features are computed between two reports."""

STOPPED = "The rehearsal was stopped, as asked."


def rehearse(request: Rehearse, emit: Emit, should_stop: ShouldStop, log: str) -> Finished | Cancelled:
    """Simulate the sessions, and tell what each has measured as soon as it has.

    Raises FileError, TooFewLabels, SettingsError for an unknown strategy, BaseModelNotFound and what training raises.
    """
    emit(Started("rehearse", None, log))
    material = _material(request)
    for note in material.notes:
        emit(Noticed(note))
    device = choose_device()
    located = locate(request.base_model, device.kind != "cpu")
    sizes = len(material.train.texts), len(material.test.texts)
    emit(RehearsalPrepared(*sizes, material.names, material.multi, located.name, device.name, request.methods))
    arguments = TrainingArguments(**{**request.arguments, "base_model": str(located.folder)})
    extractor = FeatureExtractor(located, device)
    try:
        found, test = _with_features(request, material, extractor, emit, should_stop)
        name_vectors = extractor.of_names(material.names)
        del extractor  # a base model's memory, which the sessions' trainings have a use for
        sessions = _Sessions(request, material, found, test, located, device, arguments, name_vectors)
        told = _Told(request, emit, len(found.texts))
        for seed in range(request.seeds):
            for method in request.methods:
                for measured in sessions.run(method, seed, told, should_stop):
                    told.measured(method, seed, measured)
                if should_stop():
                    return Cancelled(None, STOPPED)
                told.session_done()
    except Stopped:
        return Cancelled(None, STOPPED)
    return Finished(None, 0.0)


def _material(request: Rehearse) -> Material:
    if request.file:
        return of_files(request)
    database = open_project(Path(request.project))
    try:
        return of_project(database)
    finally:
        database.close()


def _with_features(
    request: Rehearse, material: Material, extractor: FeatureExtractor, emit: Emit, should_stop: ShouldStop
) -> tuple[Reviews, Reviews]:
    """Features of every text that any session looks at, computed once."""
    texts = material.train.texts
    wanted = np.unique(np.concatenate([looked_at(len(texts), seed) for seed in range(request.seeds)]))
    pace = Pace(FEATURES, emit)
    total = len(wanted) + len(material.test.texts)

    def computed(some: list[str], before: int) -> NDArray[np.float16]:
        parts = [np.zeros((0, extractor.dimensions), dtype=np.float16)]
        for start in range(0, len(some), PORTION):
            parts.append(extractor.extract(some[start : start + PORTION], should_stop))
            pace.report(before + min(start + PORTION, len(some)), total)
        return np.concatenate(parts)

    emit(Noticed(f"Computing the features of {total:,} reviews."))
    began = time.monotonic()
    features = np.zeros((len(texts), extractor.dimensions), dtype=np.float16)
    features[wanted] = computed([texts[place] for place in wanted], 0)
    of_test = computed(material.test.texts, len(wanted))
    logging.info("Features of %d reviews took %.1f s", total, time.monotonic() - began)
    return (
        Reviews(texts, material.targets(material.train), features),
        Reviews(material.test.texts, material.targets(material.test), of_test),
    )


@dataclass(frozen=True)
class _Sessions:
    """Makes the sessions of each method."""

    request: Rehearse
    material: Material
    found: Reviews
    test: Reviews
    located: LocatedModel
    device: Device
    arguments: TrainingArguments
    name_vectors: NDArray[np.float16]

    def run(self, method: str, seed: int, told: _Told, should_stop: ShouldStop) -> Iterator[Measured]:
        """What one session measures."""
        request, material = self.request, self.material
        if method == TRAINER:
            from core.training.plain_trainer import TrainerSession

            plain = TrainerSession(
                self.found,
                self.test,
                material.names,
                material.multi,
                request.budgets,
                seed,
                self.located,
                self.device,
                told.moved,
            )
            return plain.run(should_stop)
        plan = Plan(
            material.names,
            material.multi,
            request.budgets,
            method,
            seed,
            request.audit_every,
            replace(self.arguments, seed=seed),
            request.train,
            name_vectors=self.name_vectors,
        )
        return Session(self.found, self.test, plan, self.device, told.moved).run(should_stop)


BEFORE, A_LABEL = 400, 0.3
"""What a training costs in labels trained on, however few, and what it costs to give one: of three sessions of sst2
and airline_tweets the first 64 labels took 136 s, 256 another 135 to 160, and 1,024 another 376."""


class _Told:
    """Turns what sessions do into events, with the time left.

    A training costs as much as `BEFORE` labels and its own.
    """

    def __init__(self, request: Rehearse, emit: Emit, reviews: int) -> None:
        self._emit, self._began = emit, time.monotonic()
        budgets = sorted({min(budget, reviews) for budget in request.budgets})
        self._last, trains = budgets[-1], request.train or TRAINER in request.methods
        self._trainings = {budget: BEFORE + budget for budget in budgets} if trains else {}
        self._sessions = request.seeds * len(request.methods)
        self._done = 0

    def moved(self, labels: int, share: float) -> None:
        """So many labels are given, and the training at that number is done by this share."""
        trained = sum(size for budget, size in self._trainings.items() if budget < labels)
        trained += round(share * self._trainings.get(labels, 0))
        whole = A_LABEL * self._last + sum(self._trainings.values())
        part = min((self._done + (A_LABEL * labels + trained) / whole) / self._sessions, 1.0)
        elapsed = time.monotonic() - self._began
        given, total = self._done * self._last + min(labels, self._last), self._sessions * self._last
        left = elapsed * (1 - part) / max(part, 1e-6)
        self._emit(Progressed("rehearsing", min(given, total), total, given / max(elapsed, 1e-6), left))

    def measured(self, method: str, seed: int, found: Measured) -> None:
        """A session has measured."""
        quick, tuned = (asdict(one) if one is not None else None for one in (found.quick, found.tuned))
        self._emit(
            Rehearsed(
                method,
                seed,
                found.budget,
                found.labels,
                found.trained_on,
                found.speaks,
                asdict(found.scores),
                found.seconds,
                quick,
                tuned,
            )
        )

    def session_done(self) -> None:
        """A session is over."""
        self._done += 1
