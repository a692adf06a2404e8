"""Changing the scheme while it is in use: every change is one batch of the journal, annotations carried along.

Each function takes the annotator who asks for it and returns the batch, or none when nothing is different, and
raises SchemeError when the labels would contradict each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

from sqlmodel import Session, col, select

from core.errors import SchemeError
from core.labels import COLOURS, LONGEST_DESCRIPTION, SchemeKind, check_keywords, check_names
from core.storage import journal, scheme
from core.storage.database import project_of
from core.storage.journal import Entry
from core.storage.states import CHUNK, states
from core.storage.tables import AnnotationLabel, Change, Label, Subject

PORTION = 5_000
"""Annotations looked at with one query while labels are exchanged."""


def add(session: Session, annotator: int, name: str) -> int:
    """Add a label at the end of the scheme, with the first digit that is free."""
    name = _free_name(session, name)
    _, entries = scheme.adding(session, [name])
    return journal.record(session, annotator, f"add {name}", entries)


def rename(session: Session, annotator: int, label_id: int, name: str) -> int | None:
    """Give a label another name; its reviews have it under that name."""
    label = _label(session, label_id)
    name = _free_name(session, name, label_id)
    return _amend(session, annotator, f"rename {label.name} to {name}", label, name=name)


def recolour(session: Session, annotator: int, label_id: int, colour: str) -> int | None:
    """Give a label another of the theme's colours."""
    if colour not in COLOURS:
        raise SchemeError(f"There is no colour “{colour}”.", f"Choose one of {', '.join(COLOURS)}.")
    label = _label(session, label_id)
    return _amend(session, annotator, f"colour {label.name} {colour}", label, colour=colour)


def set_key(session: Session, annotator: int, label_id: int, key: str, reserved: Collection[str] = ()) -> int | None:
    """Give a label another key, one printable character, or none; `reserved` are characters that mean something
    else on the label screen.
    """
    label = _label(session, label_id)
    key = key.strip()
    if len(key) > 1 or not key.isprintable():
        raise SchemeError(f"{key!r} is not one key.", "Use a digit, a letter or a sign, or nothing.")
    if key in reserved:
        raise SchemeError(
            f"The key “{key}” means something else while labelling.", "Choose another; the help lists those taken."
        )
    for other in scheme.labels(session):
        if key and other.key == key and other.id != label_id:
            raise SchemeError(f"The key “{key}” gives “{other.name}”.", "Give that label another key first.")
    return _amend(session, annotator, f"key of {label.name}", label, key=key)


def describe(session: Session, annotator: int, label_id: int, description: str) -> int | None:
    """Say what a label means, in one line; empty takes the description away."""
    label = _label(session, label_id)
    description = " ".join(description.split())
    if len(description) > LONGEST_DESCRIPTION:
        raise SchemeError(
            f"The description is {len(description)} characters long.", f"Use at most {LONGEST_DESCRIPTION}."
        )
    return _amend(session, annotator, f"describe {label.name}", label, description=description)


def set_keywords(session: Session, annotator: int, label_id: int, words: Iterable[str]) -> int | None:
    """Set the words that speak for a label in the keyword rule; none: the words of its name do."""
    label = _label(session, label_id)
    return _amend(session, annotator, f"words of {label.name}", label, keywords=check_keywords(words))


def move(session: Session, annotator: int, label_id: int, by: int) -> int | None:
    """Move a label up (`by` -1) or down (1) among those offered; stays at either end."""
    label = _label(session, label_id)
    offered = scheme.labels(session)
    places = [one.id for one in offered]
    if label_id not in places:
        raise SchemeError(f"“{label.name}” is archived and has no place.", "Bring it back first.")
    to = places.index(label_id) + by
    if not 0 <= to < len(offered) or by == 0:
        return None
    order = [one for one in offered if one.id != label_id]
    order.insert(to, label)
    taken = sorted(one.position for one in offered)
    entries = [
        _entry(one, position=position) for one, position in zip(order, taken, strict=True) if one.position != position
    ]
    return journal.record(session, annotator, f"move {label.name} {'up' if by < 0 else 'down'}", entries)


def archive(session: Session, annotator: int, label_id: int) -> int | None:
    """Offer a label no longer. Its reviews keep it; nothing is trained on them until it is brought back."""
    label = _label(session, label_id)
    _refuse_too_few(session, label)
    return _amend(session, annotator, f"archive {label.name}", label, archived=True)


def bring_back(session: Session, annotator: int, label_id: int, reserved: Collection[str] = ()) -> int | None:
    """Offer an archived label again, one that was merged away included, without the reviews it had before.

    Its key is left out if another label has it by now.
    """
    label = _label(session, label_id)
    if not label.archived:
        return None
    taken = {other.key for other in scheme.labels(session)} | set(reserved)
    key = "" if label.key in taken else label.key
    return _amend(session, annotator, f"bring {label.name} back", label, archived=False, merged_into=None, key=key)


def merge(session: Session, annotator: int, label_id: int, into: int) -> int:
    """Give every review that has one label the other in its place, and archive the one.

    Keywords go along, and from then on what older runs and files say of the one means the other. Annotations
    keep their annotator, origin and time.
    """
    label, target = _label(session, label_id), _label(session, into)
    if label_id == into:
        raise SchemeError(f"“{label.name}” cannot be merged into itself.", "Choose another label.")
    if label.merged_into is not None:
        raise SchemeError(f"“{label.name}” was merged away already.", "Bring it back first.")
    if target.archived:
        raise SchemeError(f"“{target.name}” is archived.", "Bring it back first.")
    _refuse_too_few(session, label)
    earlier = [one for one in scheme.labels(session, archived=True) if one.merged_into == label_id]
    entries = [
        _entry(label, archived=True, merged_into=into),
        *(_entry(one, merged_into=into) for one in earlier),
        _entry(target, keywords=_both(label, target)),
    ]
    carried = _carry(session, label_id, into)
    changed = (entry for entry in entries if entry.before != entry.after)
    return journal.record(session, annotator, f"merge {label.name} into {target.name}", chain(changed, carried))


def split_off(session: Session, annotator: int, label_id: int, name: str, review_ids: Collection[int]) -> int:
    """Make a new label, and give it to those of these reviews that have the old one, in its place."""
    label = _label(session, label_id)
    if label.archived:
        raise SchemeError(f"“{label.name}” is archived.", "Bring it back first.")
    name = _free_name(session, name)
    having = _having(session, label_id, review_ids)
    if not having:
        raise SchemeError(f"None of these reviews has the label “{label.name}”.", "Choose others.")
    ids, entries = scheme.adding(session, [name])
    carried = _exchanged(session, label_id, ids[name], having)
    return journal.record(session, annotator, f"split {name} off {label.name}", chain(entries, carried))


def is_about_scheme(session: Session, batch_id: int) -> bool:
    """Whether a batch changed labels, whatever else it changed."""
    query = select(Change.id).where(col(Change.batch_id) == batch_id, col(Change.subject) == Subject.LABEL).limit(1)
    return session.exec(query).first() is not None


def _carry(session: Session, label_id: int, into: int) -> Iterator[Entry]:
    """Entries that exchange one label for another on every review that has it, read portion by portion."""
    last = 0
    while True:
        query = (
            select(AnnotationLabel.review_id)
            .where(col(AnnotationLabel.label_id) == label_id, col(AnnotationLabel.review_id) > last)
            .order_by(col(AnnotationLabel.review_id))
            .limit(PORTION)
        )
        ids = list(session.exec(query))
        if not ids:
            return
        last = ids[-1]
        yield from _exchanged(session, label_id, into, ids)


def _exchanged(session: Session, label_id: int, into: int, review_ids: list[int]) -> Iterator[Entry]:
    for start in range(0, len(review_ids), PORTION):
        for review_id, state in states(session, review_ids[start : start + PORTION]).items():
            label_ids = sorted({into if one == label_id else one for one in state.label_ids})
            before = state.to_json()
            yield Entry(Subject.ANNOTATION, review_id, before, {**before, "label_ids": label_ids})


def _having(session: Session, label_id: int, review_ids: Collection[int]) -> list[int]:
    """Those of the reviews that have the label, in order."""
    wanted = sorted(set(review_ids))
    found: list[int] = []
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        found += session.exec(
            select(AnnotationLabel.review_id)
            .where(col(AnnotationLabel.label_id) == label_id, col(AnnotationLabel.review_id).in_(part))
            .order_by(col(AnnotationLabel.review_id))
        )
    return found


def _both(label: Label, target: Label) -> list[str]:
    """The keywords of a merged label. One without any speaks by the words of its name, and goes on doing so."""
    if not label.keywords:
        return list(target.keywords)
    own = target.keywords or target.name.casefold().split()
    return list(dict.fromkeys([*own, *label.keywords]))


def _amend(session: Session, annotator: int, title: str, label: Label, **values: Any) -> int | None:
    entry = _entry(label, **values)
    return None if entry.before == entry.after else journal.record(session, annotator, title, [entry])


def _entry(label: Label, **values: Any) -> Entry:
    assert label.id is not None
    before = scheme.state_of(label)
    return Entry(Subject.LABEL, label.id, before, {**before, **values})


def _label(session: Session, label_id: int) -> Label:
    label = session.get(Label, label_id, populate_existing=True)
    if label is None or label.removed:
        raise SchemeError("This label is not in the scheme any more.", "Look at the labels again.")
    return label


def _free_name(session: Session, name: str, own: int | None = None) -> str:
    """The name without spaces around it, if no other label has it, archived ones included."""
    name = check_names([name.strip()])[0]
    for other in scheme.labels(session, archived=True):
        if other.id != own and other.name.casefold() == name.casefold():
            if other.archived:
                raise SchemeError(f"“{other.name}” is an archived label.", "Bring it back, or choose another name.")
            raise SchemeError(f"There is a label “{other.name}” already.", "Choose another name, or merge the two.")
    return name


def _refuse_too_few(session: Session, leaving: Label) -> None:
    """Raise SchemeError when too few labels would be left without this one."""
    single = project_of(session).kind is SchemeKind.SINGLE
    left = [label for label in scheme.labels(session) if label.id != leaving.id]
    if not leaving.archived and len(left) < (2 if single else 1):
        needs = "A scheme with one label a review needs two labels" if single else "A scheme needs a label"
        raise SchemeError(f"{needs}: “{leaving.name}” cannot go.", "Add another label first.")
