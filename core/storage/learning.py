"""What is learned from and measured on: examples drawn from the annotations."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func
from sqlmodel import Session, col, select

from core.storage import scheme
from core.storage.queue import current
from core.storage.tables import Annotation, AnnotationLabel, Decision, Review, Run, Suggestion

PORTION = 10_000
"""Rows read at a time."""


@dataclass(frozen=True)
class Example:
    """A labelled review."""

    review_id: int
    text: str
    label_ids: tuple[int, ...]


def examples(session: Session, audit: bool) -> list[Example]:
    """Labelled reviews of the audit set, or all others; ordered by review, each distinct text once.

    Where copies of one text have different labels, the earliest review's labels count.
    """
    query = (
        select(Review.id, Review.text, Review.digest)
        .join(Annotation, col(Annotation.review_id) == col(Review.id))
        .where(col(Annotation.decision) == Decision.LABELLED, col(Review.audit).is_(audit), current())
        .order_by(col(Review.id))
    )
    chosen = label_ids(session, audit)
    seen: set[bytes] = set()
    found = []
    for review_id, text, digest in session.exec(query):
        assert review_id is not None
        if digest in seen or not text.strip():
            continue
        seen.add(digest)
        found.append(Example(review_id, text, chosen.get(review_id, ())))
    return found


def label_ids(session: Session, audit: bool) -> dict[int, tuple[int, ...]]:
    """Label ids by review, of all annotations that give labels, in the audit set or outside it.

    A label that was merged away counts as the one it was merged into: another process may have given it with the
    scheme of before.
    """
    stands = scheme.standing(session)
    query = (
        select(AnnotationLabel.review_id, AnnotationLabel.label_id)
        .join(Review, col(Review.id) == col(AnnotationLabel.review_id))
        .where(col(Review.audit).is_(audit))
        .execution_options(yield_per=PORTION)
    )
    gathered: dict[int, tuple[int, ...]] = {}
    alone: dict[int, tuple[int, ...]] = {}
    for review_id, label_id in session.exec(query):
        known, stand = gathered.get(review_id, ()), stands.get(label_id, label_id)
        if stand not in known:
            # Nearly all reviews have one label: they share the tuples.
            gathered[review_id] = alone.setdefault(stand, (stand,)) if not known else tuple(sorted((*known, stand)))
    return gathered


def label_counts(session: Session, audit: bool) -> tuple[int, dict[int, int]]:
    """How many reviews are labelled, in the audit set or outside it, and how many have each label."""
    reviews = (
        select(func.count())
        .select_from(Annotation)
        .join(Review, col(Review.id) == col(Annotation.review_id))
        .where(col(Annotation.decision) == Decision.LABELLED, col(Review.audit).is_(audit), current())
    )
    given = (
        select(AnnotationLabel.label_id, func.count())
        .join(Review, col(Review.id) == col(AnnotationLabel.review_id))
        .where(col(Review.audit).is_(audit), current())
        .group_by(col(AnnotationLabel.label_id))
    )
    stands = scheme.standing(session)
    counts: dict[int, int] = {}
    for label_id, many in session.exec(given):
        stand = stands.get(label_id, label_id)
        counts[stand] = counts.get(stand, 0) + many
    return session.exec(reviews).one(), counts


def digest(used: list[Example]) -> str:
    """SHA-256 over exactly these examples: review, text and labels, in order."""
    state = hashlib.sha256()
    for example in used:
        state.update(json.dumps([example.review_id, example.text, example.label_ids]).encode())
    return state.hexdigest()


def unchanged_since(session: Session, run: Run) -> bool:
    """Whether a training begun now would see exactly the annotations and labels that this run saw."""
    label_ids = [label.id for label in scheme.labels(session)]
    return label_ids == run.label_ids and digest(examples(session, audit=False)) == run.annotations_digest


def to_suggest(session: Session, after: int, limit: int, run_id: int | None = None) -> list[tuple[int, str]]:
    """The next reviews that suggestions are wanted for, with their texts; those with ids up to `after` are done.

    Wanted are all reviews without a decision, and the audit set whether labelled or not, on which the
    suggestions are measured. Those that the run `run_id` has a suggestion for are left out.
    """
    query = (
        select(Review.id, Review.text)
        .where(col(Review.id) > after, *_wanted(run_id))
        .order_by(col(Review.id))
        .limit(limit)
    )
    return [(review_id, text) for review_id, text in session.exec(query) if review_id is not None]


def to_suggest_count(session: Session, run_id: int | None = None) -> int:
    """How many reviews `to_suggest` gives in all."""
    return session.exec(select(func.count()).select_from(Review).where(*_wanted(run_id))).one()


def _wanted(run_id: int | None) -> tuple[ColumnElement[bool], ...]:
    decided = exists().where(col(Annotation.review_id) == col(Review.id), col(Annotation.decision).is_not(None))
    wanted = (current(), col(Review.audit) | ~decided.correlate(Review))
    if run_id is None:
        return wanted
    said = exists().where(col(Suggestion.run_id) == run_id, col(Suggestion.review_id) == col(Review.id))
    return (*wanted, ~said.correlate(Review))
