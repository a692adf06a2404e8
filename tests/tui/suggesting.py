"""Suggestions for every review of a project, as the worker would store them."""

from __future__ import annotations

import numpy as np
from sqlmodel import select

from core.storage import runs, scheme
from core.storage.database import Database
from core.storage.tables import Review, RunStatus


def suggest_everything(database: Database, probability: float = 0.9, first: int = 0) -> int:
    """Make a finished run that suggests the label at position `first` for every review; returns its number."""
    with database.writing() as session:
        ids = [label.id for label in scheme.labels(session) if label.id is not None]
        run_id = runs.start(session, "none", {}, ids)
        scores = np.full(len(ids), (1 - probability) / max(1, len(ids) - 1), dtype="<f4")
        scores[first] = probability
        rows = [
            {
                "run_id": run_id,
                "review_id": review_id,
                "label_id": ids[first],
                "probability": probability,
                "scores": scores.tobytes(),
            }
            for review_id in session.exec(select(Review.id))
        ]
        runs.add_suggestions(session, rows)
        runs.end(session, run_id, RunStatus.FINISHED)
        runs.publish(session, run_id, len(rows))
    return run_id
