"""Suggesting labels for every review that has none, and putting the run in use if it is no step back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from core import comparison, settings
from core.errors import ModelError
from core.files.grouping import text_digest
from core.labels import SchemeKind
from core.phrases import count, percent
from core.report import measure
from core.storage import learning, planning, queue, runs, suggesting, versions
from core.storage.database import Database, project_of
from core.storage.suggesting import Said
from core.storage.tables import Run
from core.training.device import choose_device
from core.training.predict import CHUNK, PredictionStopped, Predictor
from core.training.saved import load, read_facts
from core.worker.events import Cancelled, Finished, Started, SuggestionsStored
from core.worker.jobs import Emit, ShouldStop
from core.worker.jobs.pace import Pace
from core.worker.requests import Suggest

PORTION = 1_000
"""Suggestions written in one transaction: another writer waits at most 0.14 s for it."""

HALF = 0.5
"""Probability from which a label of a multi-label scheme is suggested."""


def suggest(
    database: Database, request: Suggest, emit: Emit, should_stop: ShouldStop, log: str
) -> Finished | Cancelled:
    """Load a run's model, suggest with it, and put it in use because a person asked for it."""
    with database.reading() as session:
        run = runs.with_model(session, request.run_id)
    assert run.id is not None
    emit(Started("suggest", run.id, log))
    predictor = _load(database, run)
    try:
        store_suggestions(database, run.id, predictor, emit, should_stop, asked_for=True)
    except PredictionStopped:
        return Cancelled(run.id, "Stopped while suggesting, as asked.")
    return Finished(run.id, 0.0)


def _load(database: Database, run: Run) -> Predictor:
    """The model of a run. Raises ModelError when it is not the one that the run's record tells of."""
    folder = database.models / run.folder
    if read_facts(folder).sha256 != run.weights_sha256:
        raise ModelError(
            f"The model in {folder} is not the one that run {run.id} trained (its record has another SHA-256).",
            "Train again, or put the folder back from a copy.",
        )
    predictor = load(folder, choose_device())
    if len(predictor.label_names) != len(run.label_ids):
        raise ModelError(f"The model of run {run.id} has other labels than its record.", "Train again.")
    return predictor


def store_suggestions(
    database: Database,
    run_id: int,
    predictor: Predictor,
    emit: Emit,
    should_stop: ShouldStop,
    asked_for: bool = False,
) -> None:
    """Compute and store what the run has not said yet; all is shown when all is there and the run is no step back.

    Neither a model nor a text changes, so what is stored stays right: suggesting that was stopped goes on where it
    was, and what is complete takes only reviews that were imported or opened again since.
    """
    with database.reading() as session:
        run = runs.existing(session, run_id)
        total = learning.to_suggest_count(session, run_id)
        multi = project_of(session).kind is SchemeKind.MULTI
        before = suggesting.stored(session, run_id)
    pace, reader, new = Pace("suggesting", emit), _Reader(database, run_id), 0
    for window in predictor.predict_chunks(reader.windows(), should_stop):
        said = [_said(run, probabilities, multi) for probabilities in window.probabilities]
        rows = list(zip([review_id for review_id, _ in window.ids], said, strict=True))
        _store(database, run_id, rows)
        reader.stored([digest for _, digest in window.ids])
        new += len(rows)
        pace.report(new + reader.copied, max(total, new + reader.copied))
    reader.copy_rest()
    new += reader.copied
    with database.writing() as session:
        run = runs.existing(session, run_id)
        in_use, message = _decide(session, run, asked_for)
        stored = suggesting.stored(session, run_id)
        runs.change(session, run_id, suggested=stored)
        if in_use:
            runs.publish(session, run_id, stored)
            queue.replace(session, planning.plan(session, run, settings.load()[0].drawn_every))
    if before:
        message += f" {count(new, 'suggestion')} of {stored:,} {'is' if new == 1 else 'are'} new."
    emit(SuggestionsStored(run_id, stored, in_use, message))
    versions.drop_old_suggestions(database)


def _store(database: Database, run_id: int, rows: Sequence[tuple[int, Said]]) -> None:
    """Store rows in transactions that are short for other writers."""
    for start in range(0, len(rows), PORTION):
        with database.writing() as session:
            suggesting.store(session, run_id, rows[start : start + PORTION])


class _Reader:
    """Reads the reviews that the run has said nothing about, each text once: what is said of it goes to its copies.

    `windows` runs in the thread that reads ahead; the other methods are called by who stores.
    """

    def __init__(self, database: Database, run_id: int) -> None:
        self._database, self._run_id = database, run_id
        self._computed: set[bytes] = set()
        """Texts that are being computed: of two or three windows."""
        self._later: list[tuple[int, bytes]] = []
        """Copies of those."""
        self.copied = 0
        """Reviews that got what was said of the same text before."""

    def windows(self) -> Iterator[tuple[list[tuple[int, bytes]], list[str]]]:
        """Windows of reviews (id, digest) and texts, each read in a transaction of its own: the log stays short."""
        after = 0
        while True:
            with self._database.reading() as session:
                found = learning.to_suggest(session, after, CHUNK, self._run_id)
            if not found:
                return
            after = found[-1][0]
            texts: dict[int, str] = dict(found)
            wanted = self._without_copies([*self._later, *((one, text_digest(text)) for one, text in found)])
            if wanted:
                yield wanted, [texts[review_id] for review_id, _ in wanted]

    def stored(self, digests: Sequence[bytes]) -> None:
        """What was said of these texts is stored."""
        self._computed.difference_update(digests)

    def copy_rest(self) -> None:
        """Store the copies that are left, when everything else is stored."""
        self._computed.clear()
        left = self._without_copies(self._later)
        assert not left, "every text was computed"

    def _without_copies(self, rows: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Those to compute; copies are stored if what is said of their text is, else kept for later."""
        busy = set(self._computed)
        with self._database.reading() as session:
            known = suggesting.said_of(session, self._run_id, [digest for _, digest in rows if digest not in busy])
        wanted: list[tuple[int, bytes]] = []
        later: list[tuple[int, bytes]] = []
        copies: list[tuple[int, Said]] = []
        for review_id, digest in rows:
            if digest in known:
                copies.append((review_id, known[digest]))
            elif digest in busy:
                later.append((review_id, digest))
            else:
                busy.add(digest)
                wanted.append((review_id, digest))
        self._later = later
        self._computed.update(digest for _, digest in wanted)
        _store(self._database, self._run_id, copies)
        self.copied += len(copies)
        return wanted


def _said(run: Run, probabilities: NDArray[np.float32], multi: bool) -> Said:
    best = int(probabilities.argmax())
    label_id = None if multi and probabilities[best] < HALF else run.label_ids[best]
    return Said(label_id, float(probabilities[best]), probabilities.astype("<f4").tobytes())


def _decide(session: Session, run: Run, asked_for: bool) -> tuple[bool, str]:
    """Whether the run's suggestions are shown from now on, and why. Measures it on the audit set."""
    measured = measure(session, run)
    before = project_of(session).run_in_use
    if asked_for or before is None or before == run.id:
        score = measured.model
        told = "" if score is None else f" It scores {percent(score.accuracy, 1)} on {score.size} audit reviews."
        in_use, decided = True, f"Suggestions come from run {run.id} now.{told}"
    else:
        in_use, decided = comparison.replaces(session, run, runs.existing(session, before))
    run.metrics = {**run.metrics, "audit": measured.to_json(), "decided": decided}
    session.add(run)
    return in_use, decided
