"""The reviews of a project as arrays: what the quick learner looks at and the queue is planned over."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func
from sqlmodel import Session, col, select

from core.storage.queue import current
from core.storage.states import CHUNK
from core.storage.tables import Annotation, Review, Source, Suggestion

PORTION = 20_000
"""Rows read at a time."""

RECENT = 200
"""Decisions looked through for the last audit review, and that near-duplicates are kept apart from."""

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Reviews:
    """Reviews in the project's random order, those that are decided about among them."""

    ids: Ids
    digests: list[bytes]
    """Of their texts."""
    groups: Ids
    audit: NDArray[np.bool_]
    place: dict[int, int]
    """Where each is in the arrays, by its id."""

    def __len__(self) -> int:
        return len(self.ids)


def reviews(session: Session, most: int) -> Reviews:
    """The first `most` reviews in the random order, and all that somebody has decided about."""
    columns = (col(Review.id), col(Review.digest), col(Review.group_id), col(Review.audit))
    in_order = (
        select(*columns)
        .where(current())
        .order_by(col(Review.shuffle), col(Review.id))
        .limit(most)
        .execution_options(yield_per=PORTION)
    )
    rows = list(session.exec(in_order))
    if len(rows) == most:
        known = {row[0] for row in rows}
        decided = select(*columns).join(Annotation, col(Annotation.review_id) == col(Review.id)).where(current())
        rows += [row for row in session.exec(decided) if row[0] not in known]
    ids = [row[0] for row in rows]
    return Reviews(
        ids=np.array(ids, dtype=np.int64),
        digests=[row[1] for row in rows],
        groups=np.array([row[2] for row in rows], dtype=np.int64),
        audit=np.array([row[3] for row in rows], dtype=np.bool_),
        place={review_id: at for at, review_id in enumerate(ids) if review_id is not None},
    )


def files(session: Session) -> tuple[int, int]:
    """Different after an import was done, undone or redone: the sum of what is shown, and the newest file."""
    newest = session.exec(select(func.max(Source.id))).one() or 0
    rows = session.exec(
        select(func.sum(col(Source.id) * 1_000_003 + col(Source.rows))).where(~col(Source.withdrawn))
    ).one()
    return rows or 0, newest


def decided(session: Session) -> tuple[Ids, Ids]:
    """Ids of the reviews that somebody has labelled, skipped or flagged, and of those with a decision, ascending."""
    query = select(Annotation.review_id).order_by(col(Annotation.review_id))
    some = col(Annotation.decision).is_not(None)
    final = np.array(session.exec(query.where(some)).all(), dtype=np.int64)
    flagged = np.array(session.exec(query.where(col(Annotation.flagged), ~some)).all(), dtype=np.int64)
    return np.union1d(final, flagged), final


def latest(session: Session) -> list[tuple[int, bool]]:
    """The last reviews decided about, the latest first, and whether each is of the audit set."""
    query = (
        select(col(Review.id), col(Review.audit))
        .join(Annotation, col(Annotation.review_id) == col(Review.id))
        .where(col(Annotation.decision).is_not(None))
        .order_by(col(Annotation.decided_at).desc())
        .limit(RECENT)
    )
    return [(review_id, audit) for review_id, audit in session.exec(query) if review_id is not None]


def texts(session: Session, ids: Sequence[int]) -> list[str]:
    """The texts of these reviews, in their order; empty for one that is gone."""
    found: dict[int | None, str] = {}
    for start in range(0, len(ids), CHUNK):
        query = select(Review.id, Review.text).where(col(Review.id).in_(ids[start : start + CHUNK]))
        found.update(session.exec(query).all())
    return [found.get(review_id, "") for review_id in ids]


def text_digest(text: str) -> bytes:
    """What the table has as the digest of a text: the first 16 bytes of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def probabilities(
    session: Session, run_id: int, run_labels: Sequence[int], of: Reviews, labels: Sequence[int]
) -> NDArray[np.float32]:
    """What a run says about the reviews, shape [reviews, labels]; NaN where it has said nothing.

    `run_labels` are the labels of the run's scores, in order; labels that it does not know have the probability 0.
    """
    said = np.full((len(of), len(labels)), np.nan, dtype=np.float32)
    query = (
        select(Suggestion.review_id, Suggestion.scores)
        .where(col(Suggestion.run_id) == run_id)
        .execution_options(yield_per=PORTION)
    )
    columns = [(run_labels.index(label), at) for at, label in enumerate(labels) if label in run_labels]
    for portion in session.exec(query).partitions():
        known = [(of.place[review_id], scores) for review_id, scores in portion if review_id in of.place]
        if known:
            rows = [at for at, _ in known]
            scores = np.frombuffer(b"".join(packed for _, packed in known), dtype="<f4")
            scores = scores.reshape(len(known), len(run_labels))
            said[rows] = 0.0
            for source, target in columns:
                said[rows, target] = scores[:, source]
    return said
