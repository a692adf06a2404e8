"""Reviews as the screens show them: text, annotation, suggestion and group in one detached value."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.files.values import as_text
from core.storage import scheme
from core.storage.database import project_of
from core.storage.queue import current
from core.storage.states import CHUNK, AnnotationState, states
from core.storage.tables import QueueEntry, QueueReason, Review, Run, RunKind, Source, Suggestion


@dataclass(frozen=True)
class Suggested:
    """What the run in use says about a review."""

    run_id: int
    label_ids: tuple[int, ...]
    """The suggested label; in a multi-label scheme all labels at one half or more, possibly none."""
    probability: float
    """Calibrated probability of the most probable label, 0 to 1."""
    scores: dict[int, float]
    """Probability by label id."""
    quick: bool = False
    """Whether it is the quick learner that says it."""


@dataclass(frozen=True)
class Card:
    """A review with all that is said about it."""

    review_id: int
    external_id: str | None
    source: str
    """Name of the file it came from."""
    row: int
    text: str
    audit: bool
    alike: int
    """How many other reviews have the same text."""
    columns: tuple[tuple[str, str], ...]
    """The other columns it came with, in the file's order."""
    state: AnnotationState | None
    suggested: Suggested | None
    reason: QueueReason
    number: float | None
    """The number behind the reason, see `QueueEntry.number`."""
    reason_label: int | None
    """The label that the reason is about, if it is about one."""
    withheld: bool = False
    """Its suggestion is held back, to see whether suggestions sway the person."""

    @property
    def held_back(self) -> bool:
        """Whether its suggestion is not to be seen, for whatever reason."""
        return self.audit or self.withheld

    @property
    def name(self) -> str:
        """How people call it: the file's own id, or the row."""
        return self.external_id if self.external_id is not None else f"row {self.row}"


def cards(session: Session, review_ids: Sequence[int], multi: bool) -> list[Card]:
    """The cards of these reviews, in the order asked for; left out are those whose import was undone."""
    by_id: dict[int, Review] = {}
    for start in range(0, len(review_ids), CHUNK):
        part = review_ids[start : start + CHUNK]
        for review in session.exec(select(Review).where(col(Review.id).in_(part), current())):
            assert review.id is not None
            by_id[review.id] = review
    sources = {source.id: source for source in session.exec(select(Source))}
    known = states(session, by_id)
    suggested = suggestions(session, list(by_id), multi)
    alike = _group_sizes(session, {review.group_id for review in by_id.values()})
    queued = _queued(session, list(by_id))
    found = []
    for review_id in review_ids:
        if review_id not in by_id:
            continue
        review = by_id[review_id]
        source = sources[review.source_id]
        others = [name for name in source.columns if name != source.text_column]
        entry = queued.get(review_id)
        found.append(
            Card(
                review_id=review_id,
                external_id=review.external_id,
                source=source.file_name,
                row=review.row,
                text=review.text,
                audit=review.audit,
                alike=alike.get(review.group_id, 1) - 1,
                columns=tuple(zip(others, map(as_text, review.fields), strict=True)),
                state=known.get(review_id),
                suggested=suggested.get(review_id),
                reason=entry.reason if entry else (QueueReason.AUDIT if review.audit else QueueReason.RANDOM),
                number=entry.number if entry else None,
                reason_label=entry.label_id if entry else None,
            )
        )
    return found


def suggestions(session: Session, review_ids: Sequence[int], multi: bool) -> dict[int, Suggested]:
    """Suggestions of the run in use by review id; those for a label that was undone away or archived are left out.

    What the run says of a label that was merged away since counts for the one it was merged into.
    """
    run_id = project_of(session).run_in_use
    if run_id is None:
        return {}
    run = session.get(Run, run_id)
    assert run is not None
    quick = run.kind is RunKind.QUICK
    offered = {label.id for label in scheme.labels(session)}
    stands = scheme.standing(session)
    as_it_was = all(label_id in offered for label_id in run.label_ids)
    found: dict[int, Suggested] = {}
    for start in range(0, len(review_ids), CHUNK):
        part = review_ids[start : start + CHUNK]
        query = select(Suggestion).where(col(Suggestion.run_id) == run_id, col(Suggestion.review_id).in_(part))
        for row in session.exec(query):
            scores = dict(zip(run.label_ids, unpack_scores(row.scores), strict=True))
            best, probability = row.label_id, row.probability
            if not as_it_was:
                scores = _merged(scores, stands, multi)
                best = max(scores, key=lambda label_id: scores[label_id])
                probability = scores[best]
            if multi:
                said = [label_id for label_id, score in scores.items() if score >= 0.5]
            else:
                said = [] if best is None else [best]
            label_ids = tuple(label_id for label_id in said if label_id in offered)
            if said and not label_ids:
                continue
            scores = {label_id: score for label_id, score in scores.items() if label_id in offered}
            found[row.review_id] = Suggested(run_id, label_ids, probability, scores, quick)
    return found


def _merged(scores: dict[int, float], stands: dict[int, int], multi: bool) -> dict[int, float]:
    """Scores by the labels that count now, as `core.evaluate.merging` has them."""
    found: dict[int, float] = {}
    for label_id, score in scores.items():
        now = stands.get(label_id, label_id)
        before = found.get(now, 0.0)
        found[now] = max(before, score) if multi else before + score
    return found


def unpack_scores(scores: bytes) -> tuple[float, ...]:
    """Probabilities from their stored form, 32-bit floats, little-endian."""
    return struct.unpack(f"<{len(scores) // 4}f", scores)


def _group_sizes(session: Session, group_ids: set[int]) -> dict[int, int]:
    query = (
        select(Review.group_id, func.count())
        .where(col(Review.group_id).in_(group_ids), current())
        .group_by(col(Review.group_id))
    )
    return dict(session.exec(query).all())


def _queued(session: Session, review_ids: Sequence[int]) -> dict[int, QueueEntry]:
    query = select(QueueEntry).where(col(QueueEntry.review_id).in_(review_ids))
    return {entry.review_id: entry for entry in session.exec(query)}
