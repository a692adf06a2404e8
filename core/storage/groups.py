"""Groups of reviews that are labelled as one, and taking them apart."""

from __future__ import annotations

from sqlmodel import Session, col, select

from core.storage import journal
from core.storage.tables import Review, Subject

UNFOLD = "unfold"
"""Title of the batch."""


def unfold(session: Session, annotator: int, review_id: int) -> int | None:
    """Make every review of this one's group a group of its own, to be labelled by itself; returns the batch.

    None when the review is in no group with others. What was decided about them stays, and so does their place in
    the audit set or outside it: what nearly says the same must not be trained on and measured on.
    """
    own = session.get(Review, review_id)
    if own is None:
        return None
    query = select(Review.id).where(Review.group_id == own.group_id).order_by(col(Review.id))
    members = [member for member in session.exec(query) if member is not None]
    if len(members) < 2:
        return None
    # The shown review comes first: it is the one to go back to when this is undone or done again.
    members.sort(key=lambda member: member != review_id)
    entries = [
        journal.Entry(Subject.GROUP, member, {"group_id": own.group_id}, {"group_id": member}) for member in members
    ]
    return journal.record(session, annotator, UNFOLD, entries)
