"""The scheme: the labels of a project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlmodel import Session, col, select

from core.errors import SchemeError
from core.labels import NewLabel, new_labels
from core.storage.journal import Entry
from core.storage.tables import Label, Subject


def labels(session: Session, archived: bool = False) -> list[Label]:
    """The labels in the scheme's order; archived ones only when asked for."""
    query = select(Label).where(col(Label.removed).is_(False)).order_by(col(Label.position))
    if not archived:
        query = query.where(col(Label.archived).is_(False))
    return list(session.exec(query))


def ids_by_name(session: Session) -> dict[str, int]:
    """Label ids by name, archived ones included."""
    return {label.name: _id(label) for label in labels(session, archived=True)}


def find(session: Session, name: str) -> Label:
    """The label with this name. Raises SchemeError naming those that exist."""
    known = labels(session, archived=True)
    for label in known:
        if label.name == name:
            return label
    raise SchemeError(f"There is no label “{name}”.", f"The labels are: {', '.join(label.name for label in known)}.")


def adding(session: Session, names: Iterable[str]) -> tuple[dict[str, int], list[Entry]]:
    """Prepare labels that are new to the scheme: ids by name, and the journal entries that bring them in.

    Names already in the scheme are left out. The rows are made hidden, and come to light when the entries
    are recorded.
    """
    known = labels(session, archived=True)
    taken = {label.name for label in known}
    fresh = [name for name in dict.fromkeys(names) if name not in taken]
    position = 1 + max((label.position for label in known), default=-1)
    ids: dict[str, int] = {}
    entries: list[Entry] = []
    for offset, label in enumerate(new_labels(fresh, taken=len(known))):
        row = Label(name=label.name, colour=label.colour, position=position + offset, removed=True)
        session.add(row)
        session.flush()
        ids[label.name] = _id(row)
        entries.append(Entry(Subject.LABEL, ids[label.name], None, _state(label, position + offset)))
    return ids, entries


def names(scheme: Sequence[Label], label_ids: Iterable[int]) -> list[str]:
    """The names of these labels, in the scheme's order."""
    wanted = set(label_ids)
    return [label.name for label in scheme if label.id in wanted]


def _state(label: NewLabel, position: int) -> dict[str, Any]:
    return {
        "name": label.name,
        "key": label.key,
        "colour": label.colour,
        "description": "",
        "keywords": list(label.keywords),
        "position": position,
        "archived": False,
    }


def _id(label: Label) -> int:
    assert label.id is not None
    return label.id
