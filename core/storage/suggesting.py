"""Storing what a run says about reviews, in bulk, and finding what it has said about the same text already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import column, func, table
from sqlmodel import Session, col, select

from core.storage import sqlite
from core.storage.states import CHUNK
from core.storage.tables import Review, Suggestion

_ROWS = table("suggestion", *(column(name) for name in ("run_id", "review_id", "label_id", "probability", "scores")))
"""The table without types: the rows are plain values."""


class Said(NamedTuple):
    """What a run says about a text."""

    label_id: int | None
    probability: float
    scores: bytes
    """As in `Suggestion`."""


def store(session: Session, run_id: int, rows: Iterable[tuple[int, Said]]) -> None:
    """Store what a run says about reviews that it has said nothing about yet."""
    sqlite.insert_rows(session.connection(), _ROWS, [(run_id, review_id, *said) for review_id, said in rows])


def said_of(session: Session, run_id: int, digests: Sequence[bytes]) -> dict[bytes, Said]:
    """What a run has said about texts, by their digest; those it has said nothing about are missing."""
    found: dict[bytes, Said] = {}
    for start in range(0, len(digests), CHUNK):
        query = (
            select(Review.digest, Suggestion.label_id, Suggestion.probability, Suggestion.scores)
            .join(Suggestion, col(Suggestion.review_id) == col(Review.id))
            .where(col(Suggestion.run_id) == run_id, col(Review.digest).in_(digests[start : start + CHUNK]))
        )
        for digest, label_id, probability, scores in session.exec(query):
            found[digest] = Said(label_id, probability, scores)
    return found


def stored(session: Session, run_id: int) -> int:
    """About how many reviews a run has said something."""
    query = select(func.count()).select_from(Suggestion).where(col(Suggestion.run_id) == run_id)
    return session.exec(query).one()
