"""Suggesting labels for every review that has none, and putting the run in use if it is no step back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from core import comparison, settings
from core.errors import ModelError
from core.labels import SchemeKind
from core.phrases import percent
from core.report import measure
from core.storage import learning, planning, queue, runs, versions
from core.storage.database import Database, project_of
from core.storage.tables import Run
from core.training.device import choose_device
from core.training.predict import PredictionStopped, Predictor
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
    """Compute and store suggestions; they are shown when all are there and the run is not a step back."""
    with database.reading() as session:
        run = runs.existing(session, run_id)
        total = learning.to_suggest_count(session)
        multi = project_of(session).kind is SchemeKind.MULTI
    pace = Pace("suggesting", emit)
    stored, after = 0, 0
    for chunk in predictor.predict_chunks(_portions(database), should_stop):
        rows = [
            _row(run, review_id, probabilities, multi)
            for review_id, probabilities in zip(chunk.ids, chunk.probabilities, strict=True)
        ]
        with database.writing() as session:
            runs.replace_suggestions(session, run_id, after, rows)
        stored, after = stored + len(rows), chunk.ids[-1]
        pace.report(stored, max(total, stored))
    with database.writing() as session:
        run = runs.existing(session, run_id)
        in_use, message = _decide(session, run, asked_for)
        runs.change(session, run_id, suggested=stored)
        if in_use:
            runs.publish(session, run_id, stored)
            queue.replace(session, planning.plan(session, run, settings.load()[0].drawn_every))
    emit(SuggestionsStored(run_id, stored, in_use, message))
    versions.drop_old_suggestions(database)


def _portions(database: Database) -> Iterator[tuple[list[int], list[str]]]:
    """Portions of ids and texts, each read in a transaction of its own so that the log of writes stays short."""
    after = 0
    while True:
        with database.reading() as session:
            rows = learning.to_suggest(session, after, PORTION)
        if not rows:
            return
        after = rows[-1][0]
        yield [review_id for review_id, _ in rows], [text for _, text in rows]


def _row(run: Run, review_id: int, probabilities: NDArray[np.float32], multi: bool) -> dict[str, object]:
    best = int(probabilities.argmax())
    return {
        "run_id": run.id,
        "review_id": review_id,
        "label_id": None if multi and probabilities[best] < HALF else run.label_ids[best],
        "probability": float(probabilities[best]),
        "scores": probabilities.astype("<f4").tobytes(),
    }


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
