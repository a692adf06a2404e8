"""Accepting: one batch, in portions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from core.accepting.candidates import Gathered
from core.accepting.promises import number
from core.errors import ModelError
from core.phrases import count
from core.storage import journal, planning, queue, runs, scheme
from core.storage.database import project_of
from core.storage.states import CHUNK, AnnotationState, accepted, states
from core.storage.tables import Review, Subject


@dataclass(frozen=True)
class Accepted:
    """What was accepted."""

    reviews: int
    """With copies."""
    groups: int
    batch: int | None
    """None where nothing was left to accept."""


def accept(
    session: Session,
    annotator: int,
    gathered: Gathered,
    threshold: float,
    label_id: int | None = None,
    progress: journal.Progress | None = None,
) -> Accepted:
    """Accept all at a confidence or more as one batch, in portions; what was decided meanwhile stays as it is.

    Raises ModelError when another run has been put in use meanwhile.
    """
    if project_of(session).run_in_use != gathered.run_id:
        raise ModelError("Another run has been put in use meanwhile.", "Look at what it suggests, then accept.")
    places = gathered.chosen(threshold, label_id)
    title = _title(session, gathered, threshold, label_id, len(places))
    entries = _Entries(session, annotator, gathered, places)
    wanted = iter(entries)
    head = next(wanted, None)
    if head is None:
        return Accepted(0, 0, None)
    total, written = gathered.reviews(threshold, label_id), 0

    def tell(portion: int) -> None:
        nonlocal written
        written += portion
        if progress is not None:
            progress(title, written, max(total, written))

    def every() -> Iterator[journal.Entry]:
        yield head
        yield from wanted

    batch = journal.record(session, annotator, title, every(), tell)
    return Accepted(entries.reviews, entries.groups, batch)


def plan_rest(session: Session, drawn_every: int) -> list[queue.Planned]:
    """The queue over what remains, the most useful first; to be stored with `queue.replace`."""
    number = project_of(session).run_in_use
    return [] if number is None else planning.plan(session, runs.existing(session, number), drawn_every)


def _title(session: Session, gathered: Gathered, threshold: float, label_id: int | None, many: int) -> str:
    names = scheme.names(scheme.labels(session), [label_id]) if label_id is not None else []
    of = f": {names[0]}" if names else ""
    return f"accept {count(many, 'suggestion')} of run {gathered.run_id} at {number(threshold)} or more{of}"


class _Entries:
    """The changes that accept groups of reviews, made in portions, so that no more than one is in memory."""

    def __init__(self, session: Session, annotator: int, gathered: Gathered, places: NDArray[np.int64]) -> None:
        self._session, self._annotator, self._gathered, self._places = session, annotator, gathered, places
        self.reviews = self.groups = 0

    def __iter__(self) -> Iterator[journal.Entry]:
        for start in range(0, len(self._places), CHUNK):
            yield from self._portion(self._places[start : start + CHUNK])

    def _portion(self, places: NDArray[np.int64]) -> Iterator[journal.Entry]:
        likely, columns = self._gathered.likely, self._gathered.columns
        leaders = [int(one) for one in likely.review_ids[places]]
        members = self._members(leaders, [int(one) for one in likely.group_ids[places]])
        known = states(self._session, [one for group in members for one in group])
        for place, leader, group in zip(places, leaders, members, strict=True):
            if not _is_open(known.get(leader)):
                continue
            label_ids = [columns.ids[column] for column in np.flatnonzero(likely.given[place])]
            # As gathered, not as stored now: the promise is about these.
            sure = float(likely.confidences[place])
            state = accepted(self._annotator, label_ids, self._gathered.run_id, sure)
            form = state.to_json()
            self.groups += 1
            for review_id in group:
                before = known.get(review_id)
                if _is_open(before):
                    self.reviews += 1
                    yield _entry(review_id, before, state, form)

    def _members(self, leaders: Sequence[int], group_ids: Sequence[int]) -> list[list[int]]:
        """The reviews of each group, its leader first."""
        query = select(Review.id, Review.group_id).where(
            col(Review.group_id).in_(group_ids), col(Review.audit).is_(False), queue.current()
        )
        found: dict[int, list[int]] = {
            group_id: [leader] for leader, group_id in zip(leaders, group_ids, strict=True)
        }
        for review_id, group_id in self._session.exec(query):
            if review_id is not None and review_id != found[group_id][0]:
                found[group_id].append(review_id)
        return [found[group_id] for group_id in group_ids]


def _is_open(state: AnnotationState | None) -> bool:
    """Neither decided about nor flagged; a note alone is no decision."""
    return state is None or (state.decision is None and not state.flagged)


def _entry(
    review_id: int, before: AnnotationState | None, state: AnnotationState, form: dict[str, Any]
) -> journal.Entry:
    if before is None:
        return journal.Entry(Subject.ANNOTATION, review_id, None, form)
    after = replace(state, flagged=before.flagged, note=before.note).to_json()
    return journal.Entry(Subject.ANNOTATION, review_id, before.to_json(), after)
