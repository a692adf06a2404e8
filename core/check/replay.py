"""The journal replayed: what annotations, labels, groups, imports and second answers must be, beside what they are.

What a thing must be is what the last change of it says whose batch is done; where all its changes are undone, what
was before the first. Both sides are read in the order of their ids, in portions: a million changes need no memory.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Text, delete, exists, func, type_coerce, update
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from core.check import second_answers
from core.check.second_answers import Answers
from core.storage import journal, scheme
from core.storage.states import CHUNK, AnnotationState, states, write_states
from core.storage.tables import Annotation, AnnotationLabel, Batch, BatchState, Change, Label, Review, Source, Subject

Form = dict[str, Any] | None
"""A state as the journal keeps it; none: the thing does not exist."""

PORTION = 2_000


@dataclass
class Differences:
    """Things that are not what the journal says, by id."""

    annotations: dict[int, tuple[AnnotationState | None, AnnotationState | None]] = field(default_factory=dict)
    """What each must be, and what it is."""
    doubled: list[int] = field(default_factory=list)
    """Reviews with more than one annotation."""
    stray: list[int] = field(default_factory=list)
    """Reviews that have labels and no annotation."""
    labels: dict[int, Form] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)
    sources: dict[int, bool] = field(default_factory=dict)
    """Imports by whether they must be withdrawn."""
    repeats: dict[int, Answers] = field(default_factory=dict)
    """Second answers, by review."""
    order: str = ""
    """What is wrong with the line of batches; empty when nothing is."""
    compared: int = 0
    """Annotations that were compared."""

    @property
    def number(self) -> int:
        """How many there are."""
        annotations = len(self.annotations) + len(self.doubled) + len(self.stray)
        others = len(self.labels) + len(self.groups) + len(self.sources) + len(self.repeats)
        return annotations + others + bool(self.order)

    def sentences(self) -> Iterator[str]:
        """Each in a few words; texts of reviews are never quoted."""
        if self.order:
            yield self.order
        for review_id, (must, now) in self.annotations.items():
            yield f"review {review_id}: {_words(now)}, the journal says {_words(must)}"
        yield from (f"review {review_id} has more than one annotation" for review_id in self.doubled)
        yield from (f"review {review_id} has a label and no annotation" for review_id in self.stray)
        yield from (f"label {label_id} is not as the journal says" for label_id in self.labels)
        yield from (f"review {review_id} is not in the group the journal says" for review_id in self.groups)
        for source_id, gone in self.sources.items():
            yield f"import {source_id} must be {'undone' if gone else 'there'} according to the journal"
        yield from (f"the second answers on review {one} are not those of the journal" for one in self.repeats)


def differences(session: Session) -> Differences:
    """Compare everything that the journal is about with what it says."""
    found = Differences(order=_order(session))
    for review_ids, said in _expected_annotations(session):
        present = states(session, review_ids)
        found.compared += len(present)
        for review_id in review_ids:
            must, now = said[review_id], present.get(review_id)
            if _sorted(must) != _sorted(now):
                found.annotations[review_id] = (must, now)
    unknown = ~exists().where(
        col(Change.subject) == Subject.ANNOTATION, col(Change.subject_id) == col(Annotation.review_id)
    )
    for review_id, now in states(session, session.exec(select(Annotation.review_id).where(unknown)).all()).items():
        found.annotations[review_id] = (None, now)
    doubled = select(Annotation.review_id).group_by(col(Annotation.review_id)).having(func.count() > 1)
    found.doubled = list(session.exec(doubled))
    found.stray = sorted(set(session.exec(select(AnnotationLabel.review_id).where(_without_annotation()))))
    _compare_others(session, found)
    found.repeats = second_answers.differences(session)
    return found


def put_right(session: Session, found: Differences, annotator: int) -> tuple[int, int]:
    """Make the tables say what the journal says; returns how many things were changed, and how many entered.

    A decision that is later than all that the journal says of its review was made after it: it is kept, and entered
    into the journal. So is a second answer of which the journal never heard.
    """
    session.execute(delete(AnnotationLabel).where(_without_annotation()))
    pairs = [
        (review_id, one)
        for review_id in (*found.annotations, *found.doubled)
        for one in session.exec(select(Annotation.annotator_id).where(col(Annotation.review_id) == review_id))
    ]
    newer = {review_id: now for review_id, (must, now) in found.annotations.items() if _is_newer(now, must)}
    wanted = {
        review_id: None if must is None else must.to_json()
        for review_id, (must, _) in found.annotations.items()
        if review_id not in newer
    }
    write_states(session, wanted, pairs)
    for label_id, form in found.labels.items():
        values = {"removed": True} if form is None else {**form, "removed": False}
        session.execute(update(Label).where(col(Label.id) == label_id).values(**values))
    for review_id, group_id in found.groups.items():
        session.execute(update(Review).where(col(Review.id) == review_id).values(group_id=group_id))
    for source_id, gone in found.sources.items():
        session.execute(update(Source).where(col(Source.id) == source_id).values(withdrawn=gone))
    answers = list(second_answers.put_right(session, found.repeats))
    entries = [
        journal.Entry(Subject.ANNOTATION, review_id, _form(found.annotations[review_id][0]), _form(now))
        for review_id, now in newer.items()
    ]
    if entries or answers:
        journal.record(session, annotator, "repair", [*entries, *answers])
    changed = len(wanted) + len(found.labels) + len(found.groups) + len(found.sources) + len(found.repeats)
    return changed, len(entries) + len(answers)


def _without_annotation() -> ColumnElement[bool]:
    """True for labels given to reviews by an annotation that is not there."""
    its = exists().where(
        col(Annotation.review_id) == col(AnnotationLabel.review_id),
        col(Annotation.annotator_id) == col(AnnotationLabel.annotator_id),
    )
    return ~its


def _expected_annotations(session: Session) -> Iterator[tuple[list[int], dict[int, AnnotationState | None]]]:
    """What the annotations of all reviews that the journal knows must be, in portions."""
    said = ((review_id, _read(form)) for review_id, form in _expected(session, Subject.ANNOTATION))
    while portion := dict(itertools.islice(said, CHUNK)):
        yield list(portion), portion


def _expected(session: Session, subject: Subject) -> Iterator[tuple[int, Form]]:
    """What everything of a kind must be, by id, in order."""
    query = (
        sql_select(
            col(Change.subject_id),
            col(Batch.state),
            type_coerce(Change.before, Text),
            type_coerce(Change.after, Text),
        )
        .join(Batch, col(Batch.id) == col(Change.batch_id))
        .where(col(Change.subject) == subject)
        .order_by(col(Change.subject_id), col(Change.id))
        .execution_options(yield_per=PORTION)
    )
    if subject in (Subject.ANNOTATION, Subject.GROUP):
        # Reviews that damage took away are told of where reviews are looked at.
        query = query.where(exists().where(col(Review.id) == col(Change.subject_id)))
    for subject_id, rows in itertools.groupby(session.connection().execute(query), key=lambda row: int(row[0])):
        first: str | None = None
        last: tuple[str | None] | None = None
        for number, (_, state, before, after) in enumerate(rows):
            first = before if number == 0 else first
            last = (after,) if state == BatchState.DONE else last
        form = last[0] if last is not None else first
        yield subject_id, json.loads(form) if form else None


def _compare_others(session: Session, found: Differences) -> None:
    labels = {label.id: label for label in session.exec(select(Label))}
    for label_id, form in _expected(session, Subject.LABEL):
        label = labels.get(label_id)
        now = None if label is None or label.removed else scheme.state_of(label)
        differs = (form is None) != (now is None)
        if form is not None and now is not None:
            differs = any(now.get(name) != value for name, value in form.items())
        if differs:
            found.labels[label_id] = form
    for review_id, form in _expected(session, Subject.GROUP):
        group_id = session.exec(select(Review.group_id).where(col(Review.id) == review_id)).first()
        if form is not None and group_id is not None and group_id != form["group_id"]:
            found.groups[review_id] = form["group_id"]
    withdrawn = dict(session.exec(select(Source.id, Source.withdrawn)).all())
    for source_id, form in _expected(session, Subject.SOURCE):
        if source_id in withdrawn and withdrawn[source_id] != (form is None):
            found.sources[source_id] = form is None


def _order(session: Session) -> str:
    """What is wrong with the line of batches: what is undone must be later than all that is done."""
    last_done = session.exec(select(func.max(col(Batch.id))).where(col(Batch.state) == BatchState.DONE)).one()
    first_undone = session.exec(select(func.min(col(Batch.id))).where(col(Batch.state) == BatchState.UNDONE)).one()
    if last_done is not None and first_undone is not None and first_undone < last_done:
        return f"batch {first_undone} is undone, and batch {last_done} after it is not"
    return ""


def _read(form: Form) -> AnnotationState | None:
    return None if form is None else AnnotationState.from_json(form)


def _form(state: AnnotationState | None) -> Form:
    return None if state is None else state.to_json()


def _sorted(state: AnnotationState | None) -> AnnotationState | None:
    return None if state is None else replace(state, label_ids=tuple(sorted(state.label_ids)))


def _is_newer(now: AnnotationState | None, must: AnnotationState | None) -> bool:
    return now is not None and (must is None or now.decided_at > must.decided_at)


def _words(state: AnnotationState | None) -> str:
    if state is None or state.is_empty:
        return "nothing decided"
    labels = f" {', '.join(map(str, state.label_ids))}" if state.label_ids else ""
    return f"{state.decision.value if state.decision else 'no decision'}{labels} at {state.decided_at[:19]}"
