"""What the tests of a labelling session share."""

from __future__ import annotations

import threading
from collections.abc import Callable

from core.labelling.session import LabellingSession
from core.storage import browse, journal
from core.storage.states import states
from core.storage.tables import Decision

TEXTS = [f"review {number}" for number in range(60)]


def step(
    session: LabellingSession, move: Callable[[Callable[[journal.Step | None], None]], None]
) -> journal.Step | None:
    """Undo or redo, and show what it did, as the screen does."""
    told: list[journal.Step | None] = []
    done = threading.Event()

    def hear(taken: journal.Step | None) -> None:
        told.append(taken)
        done.set()

    move(hear)
    assert done.wait(10)
    if told[0] is not None:
        session.show_step(told[0], undone=move.__name__ == "undo")
    return told[0]


def up(session: LabellingSession) -> int | None:
    return session.current.review_id if session.current else None


def settled(session: LabellingSession) -> None:
    """The session's own counts are those of the database."""
    assert session.writer.flush()
    with session.database.reading() as reading:
        counted = browse.counts(reading)
    assert session.counts.by_label | counted.by_label == session.counts.by_label
    assert {key: value for key, value in session.counts.by_label.items() if value} == counted.by_label
    for name in ("reviews", "labelled", "skipped", "flagged", "audit_labelled"):
        assert getattr(session.counts, name) == getattr(counted, name), name


def stored(session: LabellingSession) -> dict[int, tuple[int, ...]]:
    assert session.writer.flush()
    with session.database.reading() as reading:
        known = states(reading, range(1, session.counts.reviews + 100))
    return {review_id: state.label_ids for review_id, state in known.items() if state.decision is Decision.LABELLED}
