"""The scheme: the labels of a project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.errors import SchemeError
from core.labels import KEYS, NewLabel, new_labels
from core.storage.database import project_of
from core.storage.journal import Entry
from core.storage.tables import AnnotationLabel, Label, Subject, Suggestion


@dataclass(frozen=True)
class Usage:
    """How much hangs on a label."""

    annotations: int = 0
    """Reviews that have it."""
    suggested: int = 0
    """Reviews that the run in use finds it most probable for, labelled or not."""


def labels(session: Session, archived: bool = False) -> list[Label]:
    """The labels in the scheme's order; archived ones only when asked for."""
    query = select(Label).where(col(Label.removed).is_(False)).order_by(col(Label.position), col(Label.id))
    if not archived:
        query = query.where(col(Label.archived).is_(False))
    return list(session.exec(query))


def ids_by_name(session: Session) -> dict[str, int]:
    """Label ids by name, archived ones included; the name of a merged label stands for what it was merged into."""
    return {label.name: label.merged_into or _id(label) for label in labels(session, archived=True)}


def standing(session: Session) -> dict[int, int]:
    """For every label the one that counts for it now: itself, or the one it was merged into.

    Labels that undo took out are missing.
    """
    return {_id(label): label.merged_into or _id(label) for label in labels(session, archived=True)}


def find(session: Session, name: str) -> Label:
    """The label with this name. Raises SchemeError naming those that exist."""
    known = labels(session, archived=True)
    for label in known:
        if label.name == name:
            return label
    raise SchemeError(f"There is no label “{name}”.", f"The labels are: {', '.join(label.name for label in known)}.")


def usage(session: Session) -> dict[int, Usage]:
    """How much hangs on each label; labels that nothing hangs on are missing."""
    given = dict(
        session.exec(select(AnnotationLabel.label_id, func.count()).group_by(col(AnnotationLabel.label_id))).all()
    )
    said = (
        select(Suggestion.label_id, func.count())
        .where(col(Suggestion.run_id) == project_of(session).run_in_use, col(Suggestion.label_id).is_not(None))
        .group_by(col(Suggestion.label_id))
    )
    stands = standing(session)
    suggested: dict[int, int] = {}
    for label_id, many in session.exec(said):
        assert label_id is not None
        now = stands.get(label_id, label_id)
        suggested[now] = suggested.get(now, 0) + many
    return {one: Usage(given.get(one, 0), suggested.get(one, 0)) for one in given.keys() | suggested.keys()}


def adding(session: Session, names: Iterable[str]) -> tuple[dict[str, int], list[Entry]]:
    """Prepare labels that are new to the scheme: ids by name, and the journal entries that bring them in.

    Names already in the scheme are left out. The rows are made hidden, and come to light when the entries
    are recorded. Each gets the first digit that is free.
    """
    known = labels(session, archived=True)
    taken = {label.name for label in known}
    fresh = [name for name in dict.fromkeys(names) if name not in taken]
    position = 1 + max((label.position for label in known), default=-1)
    free = [key for key in KEYS if key not in {label.key for label in known if not label.archived}]
    ids: dict[str, int] = {}
    entries: list[Entry] = []
    for offset, label in enumerate(new_labels(fresh, taken=len(known))):
        row = Label(name=label.name, colour=label.colour, position=position + offset, removed=True)
        session.add(row)
        session.flush()
        ids[label.name] = _id(row)
        key = free.pop(0) if free else ""
        entries.append(Entry(Subject.LABEL, ids[label.name], None, _new_state(label, key, position + offset)))
    return ids, entries


def names(scheme: Sequence[Label], label_ids: Iterable[int]) -> list[str]:
    """The names of these labels, in the scheme's order."""
    wanted = set(label_ids)
    return [label.name for label in scheme if label.id in wanted]


def state_of(label: Label) -> dict[str, Any]:
    """All of a label, as the journal keeps it."""
    return {
        "name": label.name,
        "key": label.key,
        "colour": label.colour,
        "description": label.description,
        "keywords": list(label.keywords),
        "position": label.position,
        "archived": label.archived,
        "merged_into": label.merged_into,
    }


def _new_state(label: NewLabel, key: str, position: int) -> dict[str, Any]:
    keywords = list(label.keywords)
    return state_of(Label(name=label.name, key=key, colour=label.colour, keywords=keywords, position=position))


def _id(label: Label) -> int:
    assert label.id is not None
    return label.id
