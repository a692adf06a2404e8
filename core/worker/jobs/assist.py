"""The quick learner's process: it learns from every label within a second, for as long as the project is open.

One thread does one small thing after another, the most urgent first, so that a label never waits for more than a
portion of something else.
"""

from __future__ import annotations

import logging
import os
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager

import filelock
import torch

from core.errors import BaseModelNotFound, ProjectBusy
from core.storage import feature_cache
from core.storage.database import Database
from core.storage.feature_cache import FeatureCache
from core.training.base_model import LocatedModel, locate
from core.training.checkpoint import folder_digest
from core.training.device import choose_device
from core.training.quick.features import FeatureExtractor
from core.worker.events import Cancelled, Finished, Noticed, QuickWaits, Started
from core.worker.jobs import Emit, Inbox, ShouldStop
from core.worker.jobs.attribution import Attributions
from core.worker.jobs.quick.features import Features
from core.worker.jobs.quick.learning import Learning
from core.worker.jobs.quick.told import Made
from core.worker.jobs.quick.view import Watch
from core.worker.requests import Assist, Explain

LOCK = "assist.lock"
"""Held by the one quick learner of a project; inside the folder of the features."""

LOCK_EVERY = 1.0
"""Seconds between two looks at whether another window's quick learner is gone."""

IDLE = 0.1
"""Seconds between two looks at whether something has changed while there is nothing to do."""

BUSY = 1.0
"""Seconds to wait while another program, an import for instance, holds the project for long."""


def assist(
    database: Database, request: Assist, emit: Emit, should_stop: ShouldStop, log: str, inbox: Inbox
) -> Finished | Cancelled:
    """Be the quick learner of a project until told to stop.

    Ends at once, with a sentence, when the base model is not on this machine: it is not fetched for this.
    """
    emit(Started("assist", None, log))
    # Read when the hub's client is imported, which the search below does.
    os.environ["HF_HUB_OFFLINE"] = "1"
    with _alone(database, emit, should_stop) as alone:
        if not alone:
            return Cancelled(None, "Stopped, as asked.")
        device = choose_device()
        try:
            located = locate(request.base_model, device.kind != "cpu")
        except BaseModelNotFound as error:
            logging.info("No quick learner: %s", error)
            emit(Noticed("The quick learner waits for a base model: a training fetches one."))
            return Finished(None, 0.0)
        extractor = FeatureExtractor(located, device)
        cache = _cache(database, request, located, extractor)
        if cache.problem:
            emit(Noticed(cache.problem))
        watch = Watch(database, max(request.features_kept, 1))
        try:
            features = Features(database, extractor, cache, emit)
            made = Made(located.name, extractor.recipe, device.name, device.precision)
            learning = Learning(database, request, made, features, emit)
            attribution = Attributions(database, extractor, device, emit)
            _loop(watch, learning, attribution, cache, device.threads, emit, should_stop, inbox)
        finally:
            watch.close()
            cache.close()
    return Cancelled(None, "Stopped, as asked.")


def _loop(
    watch: Watch,
    learning: Learning,
    attribution: Attributions,
    cache: FeatureCache,
    threads: int,
    emit: Emit,
    should_stop: ShouldStop,
    inbox: Inbox,
) -> None:
    learning.follow(watch.view)
    whole, alone = not cache.problem, True
    while not should_stop():
        try:
            if watch.changed():
                learning.follow(watch.view)
            if threads and watch.training() == alone:
                alone = not alone
                torch.set_num_threads(threads if alone else 1)
            done = learning.step()
        except ProjectBusy as error:
            logging.info("Waiting: %s", error)
            time.sleep(BUSY)
            continue
        if whole and cache.problem:
            whole = False
            emit(Noticed(cache.problem))
        try:
            question = inbox.get_nowait() if done else inbox.get(timeout=IDLE)
        except queue.Empty:
            continue
        if isinstance(question, Explain):
            attribution.answer(question, learning.fit)
        elif question is not None:
            learning.answer(question)


def _cache(database: Database, request: Assist, located: LocatedModel, extractor: FeatureExtractor) -> FeatureCache:
    key = feature_cache.key_of(folder_digest(located.folder), extractor.recipe)
    folder = database.models / feature_cache.FOLDER
    return FeatureCache(folder, key, extractor.dimensions, request.features_kept)


@contextmanager
def _alone(database: Database, emit: Emit, should_stop: ShouldStop) -> Iterator[bool]:
    """Be the only quick learner of the project, after waiting for another; false when stopped meanwhile.

    The lock goes with the process that holds it. Where no file can be made it goes without: the project's file cannot
    be written there either.
    """
    folder = database.models / feature_cache.FOLDER
    lock = filelock.FileLock(folder / LOCK, mode=0o600)
    told = False
    while not should_stop():
        try:
            database.models.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            lock.acquire(timeout=0)
        except filelock.Timeout:
            if not told:
                told = True
                emit(QuickWaits(0, "The quick learner of another window works on this project."))
            time.sleep(LOCK_EVERY)
            continue
        except OSError:
            logging.exception("Nothing can be kept in %s", folder)
        try:
            yield True
        finally:
            lock.release()
        return
    yield False
