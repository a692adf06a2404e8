"""Suggesting labels for every review that has none, and making the queue from them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from core.errors import ModelError
from core.evaluate.merging import merged
from core.labels import SchemeKind
from core.phrases import percent
from core.queue.strategies import Margin, MultiLabelMargin, Strategy, interleaved, margins, multi_label_margins
from core.report import measure
from core.storage import learning, queue, runs, scheme
from core.storage.database import Database, project_of
from core.storage.queue import Planned
from core.storage.tables import QueueReason, Review, Run, Suggestion
from core.training.device import choose_device
from core.training.predict import PredictionStopped, Predictor
from core.training.saved import load
from core.worker.events import Cancelled, Finished, Started, SuggestionsStored
from core.worker.jobs import Emit, ShouldStop
from core.worker.jobs.pace import Pace
from core.worker.requests import Suggest

PORTION = 1_000
"""Suggestions written in one transaction: another writer waits at most 0.14 s for it."""

QUEUE_LENGTH = 2_000
"""Reviews that are put in order after a training; a person labels fewer until the next one."""

DRAWN_EVERY = 5
"""Every fifth review of the queue is drawn at random from the audit set's share."""

HALF = 0.5
"""Probability from which a label of a multi-label scheme is suggested."""

FEWEST_TO_COMPARE = 20
"""Audit reviews below which one run is not called worse than another: 95 % intervals are over ±20 points."""


def suggest(
    database: Database, request: Suggest, emit: Emit, should_stop: ShouldStop, log: str
) -> Finished | Cancelled:
    """Load a run's model, suggest with it, and put it in use because a person asked for it."""
    with database.reading() as session:
        run = runs.with_model(session, request.run_id)
    assert run.id is not None
    emit(Started("suggest", run.id, log))
    predictor = load(database.models / run.folder, choose_device())
    if len(predictor.label_names) != len(run.label_ids):
        raise ModelError(f"The model of run {run.id} has other labels than its record.", "Train again.")
    try:
        store_suggestions(database, run.id, predictor, emit, should_stop, asked_for=True)
    except PredictionStopped:
        return Cancelled(run.id, "Stopped while suggesting, as asked.")
    return Finished(run.id, 0.0)


def store_suggestions(
    database: Database,
    run_id: int,
    predictor: Predictor,
    emit: Emit,
    should_stop: ShouldStop,
    asked_for: bool = False,
) -> None:
    """Compute and store suggestions; they are shown when all are there and the run is not a step back."""
    with database.writing() as session:
        runs.drop_suggestions(session, run_id)
        run = session.get(Run, run_id)
        assert run is not None
        total = learning.to_suggest_count(session)
        multi = project_of(session).kind is SchemeKind.MULTI
    pace = Pace("suggesting", emit)
    stored = 0
    for chunk in predictor.predict_chunks(_portions(database), should_stop):
        rows = [
            _row(run, review_id, probabilities, multi)
            for review_id, probabilities in zip(chunk.ids, chunk.probabilities, strict=True)
        ]
        with database.writing() as session:
            runs.add_suggestions(session, rows)
        stored += len(rows)
        pace.report(stored, max(total, stored))
    with database.writing() as session:
        in_use, message = _decide(session, run, asked_for)
        runs.change(session, run_id, suggested=stored)
        if in_use:
            runs.publish(session, run_id, stored)
            queue.replace(session, plan(session, run))
    emit(SuggestionsStored(run_id, stored, in_use, message))


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
    run.metrics = {**run.metrics, "audit": measured.to_json()}
    session.add(run)
    before = project_of(session).run_in_use
    score = measured.model
    told = "" if score is None else f" It scores {percent(score.accuracy, 1)} on {score.size} audit reviews."
    if asked_for or before is None or before == run.id or score is None:
        return True, f"Suggestions come from run {run.id} now.{told}"
    older = session.get(Run, before)
    assert older is not None
    other = measure(session, older).model
    if other is None or score.size < FEWEST_TO_COMPARE or score.accuracy >= other.accuracy:
        return True, f"Suggestions come from run {run.id} now.{told}"
    mine, others = percent(score.accuracy, 1), percent(other.accuracy, 1)
    return False, (
        f"Run {run.id} scores {mine} on the audit set, run {before} {others}: "
        f"suggestions still come from run {before}."
    )


def plan(session: Session, run: Run) -> list[Planned]:
    """The queue after a training: reviews the model hesitates about, every fifth drawn from the audit share.

    Of reviews in the audit set's share the model chooses none: the audit set stays a random sample.
    """
    multi = project_of(session).kind is SchemeKind.MULTI
    open_ids = select(Review.id).where(queue.undecided(), queue.current(), col(Review.group_id) == col(Review.id))
    rows = session.exec(
        select(Review.id, Review.audit, Review.shuffle, Suggestion.scores)
        .join(Suggestion, col(Suggestion.review_id) == col(Review.id))
        .where(col(Suggestion.run_id) == run.id, col(Review.id).in_(open_ids))
        .order_by(col(Review.shuffle))
    ).all()
    stands = scheme.standing(session)
    meant = [stands.get(label_id, label_id) for label_id in run.label_ids]
    columns = [list(dict.fromkeys(meant)).index(label_id) for label_id in meant]
    chosen = [(review_id, packed) for review_id, audit, _, packed in rows if not audit]
    drawn = [review_id for review_id, audit, _, _ in rows if audit]
    probabilities = np.array([np.frombuffer(packed, dtype="<f4") for _, packed in chosen], dtype=np.float32).reshape(
        len(chosen), len(run.label_ids)
    )
    probabilities = merged(probabilities, columns, multi)
    strategy: Strategy = MultiLabelMargin() if multi else Margin()
    gaps = (multi_label_margins if multi else margins)(probabilities)
    ids = np.array([review_id for review_id, _ in chosen] + drawn, dtype=np.int64)
    order = interleaved(strategy.rank(probabilities), len(chosen) + np.arange(len(drawn)), DRAWN_EVERY)
    return [
        Planned(int(ids[position]), QueueReason.AUDIT)
        if from_drawn
        else Planned(int(ids[position]), QueueReason.MARGIN, float(gaps[position]))
        for position, from_drawn in order[:QUEUE_LENGTH]
    ]
