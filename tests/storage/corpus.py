"""A project in which everything occurs: labels by hand, accepted and skipped, flags, notes, suggestions, a queue."""

from __future__ import annotations

import random
import struct

from sqlmodel import Session

from core.storage import decisions, queue, runs
from core.storage.database import Database, annotator_id
from core.storage.queue import Planned
from core.storage.states import AnnotationState, accepted, labelled, skipped
from core.storage.tables import QueueReason


def reviews(count: int, seed: int = 3) -> list[str]:
    """Texts of a few words each; some occur more than once."""
    draw = random.Random(seed)
    words = [
        "delivery",
        "delivered",
        "late",
        "Crème",
        "brûlée",
        "great",
        "not",
        "phone",
        "don't",
        "it's",
        "NOT",
        "批評",
    ]
    return [" ".join(draw.choices(words, k=draw.randint(1, 4))) for _ in range(count)]


def suggest(session: Session, run: int, scores: dict[int, tuple[float, float]], multi: bool = False) -> None:
    """Store suggestions of a run by review, two labels with ids 1 and 2, and put the run in use."""
    rows = []
    for review_id, values in scores.items():
        best = values.index(max(values))
        rows.append(
            {
                "run_id": run,
                "review_id": review_id,
                "label_id": None if multi and values[best] < 0.5 else best + 1,
                "probability": values[best],
                "scores": struct.pack("<2f", *values),
            }
        )
    runs.add_suggestions(session, rows)
    runs.publish(session, run, len(rows))


def busy(database: Database, count: int, seed: int = 5) -> None:
    """Do something of every kind to the reviews 1 to `count`."""
    draw = random.Random(seed)
    with database.writing() as session:
        person = annotator_id(session, "ann")
        run = runs.start(session, "tiny", {}, [1, 2])
        scores = {}
        for review_id in range(1, count + 1):
            if draw.random() < 0.8:
                share = round(draw.random(), 3)
                scores[review_id] = (share, 1 - share)
        suggest(session, run, scores)
        wanted: list[AnnotationState] = [
            labelled(person, [1]),
            labelled(person, [2]),
            skipped(person),
            accepted(person, [2], run, 0.75),
        ]
        for review_id in draw.sample(range(1, count + 1), count // 2):
            decisions.decide(session, person, "decide", {review_id: draw.choice(wanted)})
        for review_id in draw.sample(range(1, count + 1), count // 4):
            decisions.amend(session, person, "flag", review_id, flagged=True)
        for review_id in draw.sample(range(1, count + 1), count // 4):
            decisions.amend(session, person, "note", review_id, note="look")
        order = draw.sample(range(1, count + 1), count // 3)
        queue.replace(session, [Planned(review_id, QueueReason.MARGIN, 0.1) for review_id in order])
