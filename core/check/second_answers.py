"""The second answers that the journal knows, beside the rows of `Repeat`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, exists
from sqlmodel import Session, col, select

from core.storage.journal import Entry
from core.storage.tables import Batch, BatchState, Change, Repeat, Review, Subject

Answer = dict[str, Any]
"""The columns of `Repeat` but for the review, as the journal keeps them."""


@dataclass
class Answers:
    """What of one review is not as the journal says."""

    said: list[Answer] = field(default_factory=list)
    """What must be there, in its order."""
    unknown: list[Answer] = field(default_factory=list)
    """What is there though the journal never heard of it: its entries are lost, and these stay."""


def differences(session: Session) -> dict[int, Answers]:
    """By review; a person is asked about few of them twice, so all are held at once."""
    said: dict[int, list[Answer]] = {}
    known: set[tuple[int, int]] = set()
    query = (
        select(Change.subject_id, Change.after, Batch.state)
        .join(Batch, col(Batch.id) == col(Change.batch_id))
        .where(col(Change.subject) == Subject.REPEAT, exists().where(col(Review.id) == col(Change.subject_id)))
        .order_by(col(Change.id))
    )
    for review_id, answer, state in session.exec(query):
        if answer is not None:
            known.add((review_id, answer["annotator_id"]))
            if state is BatchState.DONE:
                said.setdefault(review_id, []).append(dict(answer))
    there: dict[int, list[Answer]] = {}
    for row in session.exec(select(Repeat).order_by(col(Repeat.id))):
        there.setdefault(row.review_id, []).append(row.model_dump(exclude={"id", "review_id"}))
    return {
        review_id: Answers(
            said.get(review_id, []),
            [one for one in there.get(review_id, []) if (review_id, one["annotator_id"]) not in known],
        )
        for review_id in sorted(said.keys() | there.keys())
        if said.get(review_id) != there.get(review_id)
    }


def put_right(session: Session, found: Mapping[int, Answers]) -> Iterator[Entry]:
    """Make the table say what the journal says; gives what is still to be entered into the journal, and the table."""
    for review_id, answers in found.items():
        session.execute(delete(Repeat).where(col(Repeat.review_id) == review_id))
        session.add_all(Repeat(review_id=review_id, **one) for one in answers.said)
        session.flush()
        yield from (Entry(Subject.REPEAT, review_id, None, one) for one in answers.unknown)
