"""Filters as one line of text, so that they can be typed, kept and sent to a colleague.

`state:labelled label:positive suggested:negative p>=0.9 from:2024-01-01 to:2024-06 origin:person source:reviews.csv
audit:yes flipped:3-7 order:sure "a phrase" begin* -word`. What is no condition is looked for in the texts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import exists
from sqlmodel import Session, col, select

from core.errors import FilterError
from core.storage import scheme
from core.storage.filters import Filter, Order, State
from core.storage.tables import Origin, Run, Source, Suggestion

CONDITIONS = ("state", "label", "suggested", "p", "from", "to", "origin", "source", "audit", "flipped", "order")
"""The words before a colon."""

Kind = TypeVar("Kind", bound=StrEnum)

_TOKEN = re.compile(r'(?P<name>[^\W\d]+):(?P<value>"[^"]*"?|\S*)|p(?P<sign><=|>=)(?P<share>\S*)|-?"[^"]*"?|\S+')
_PLAIN = re.compile(r'[^\s"]+')
_RUNS = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d)?)?)?)?)?")


@dataclass(frozen=True)
class Names:
    """What labels and files are called in a project, and which runs have suggestions."""

    labels: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)
    runs: Collection[int] = ()


def names_of(session: Session) -> Names:
    """The names of a project; of several imports of a file the last one counts."""
    sources = session.exec(select(Source).order_by(Source.id)).all()  # type: ignore[arg-type]
    known = {source.file_name: source.id for source in sources if source.id is not None and not source.withdrawn}
    its = exists().where(col(Suggestion.run_id) == col(Run.id))
    runs = session.exec(select(Run.id).where(col(Run.suggested) > 0, its).order_by(col(Run.id))).all()
    return Names(scheme.ids_by_name(session), known, tuple(run for run in runs if run is not None))


def parse(typed: str, names: Names) -> Filter:
    """The filter that a line says. Raises FilterError naming the part that cannot be understood."""
    wanted = Filter()
    words: list[str] = []
    for found in _TOKEN.finditer(typed):
        token, name, value = found[0], found["name"], found["value"]
        if found["sign"]:
            share = _share(found["share"])
            wanted = replace(wanted, at_least=share) if found["sign"] == ">=" else replace(wanted, at_most=share)
        elif token == "flagged":
            wanted = replace(wanted, state=State.FLAGGED)
        elif name is not None:
            wanted = replace(wanted, **_condition(name.casefold(), value.strip('"'), names))
        else:
            words.append(token)
    return replace(wanted, words=" ".join(words))


def to_text(wanted: Filter, names: Names) -> str:
    """The line that says a filter; `parse` gives the same filter back."""
    label = {number: name for name, number in names.labels.items()}
    source = {number: name for name, number in names.sources.items()}
    parts = []
    if wanted.state is not State.ALL:
        parts.append(f"state:{wanted.state}")
    for name, number, known in (
        ("label", wanted.label_id, label),
        ("suggested", wanted.suggested_id, label),
        ("source", wanted.source_id, source),
    ):
        if number is not None:
            parts.append(f"{name}:{_quoted(known.get(number, str(number)))}")
    parts += [f"p>={wanted.at_least!r}"] if wanted.at_least is not None else []
    parts += [f"p<={wanted.at_most!r}"] if wanted.at_most is not None else []
    parts += [f"from:{wanted.since}"] if wanted.since else []
    parts += [f"to:{wanted.until}"] if wanted.until else []
    parts += [f"origin:{wanted.origin}"] if wanted.origin else []
    parts += [f"audit:{'yes' if wanted.audit else 'no'}"] if wanted.audit is not None else []
    parts += [f"flipped:{wanted.flipped[0]}-{wanted.flipped[1]}"] if wanted.flipped is not None else []
    parts += [f"order:{wanted.order}"] if wanted.order is not Order.FILE else []
    parts += [wanted.words] if wanted.words else []
    return " ".join(parts)


def _condition(name: str, value: str, names: Names) -> dict[str, Any]:
    match name:
        case "state":
            return {"state": _member(State, name, value)}
        case "order":
            return {"order": _member(Order, name, value)}
        case "origin":
            return {"origin": _member(Origin, name, value)}
        case "label":
            return {"label_id": _named(names.labels, "label", value)}
        case "suggested":
            return {"suggested_id": _named(names.labels, "label", value)}
        case "source":
            return {"source_id": _named(names.sources, "file", value)}
        case "audit":
            if value not in ("yes", "no"):
                raise FilterError(f"“audit:{value}” is not understood.", "Say audit:yes or audit:no.")
            return {"audit": value == "yes"}
        case "flipped":
            return {"flipped": _runs(value, names.runs)}
        case "from" | "to":
            if not _DATE.fullmatch(value):
                raise FilterError(f"“{name}:{value}” is no date.", f"Say {name}:2024, {name}:2024-01 or 2024-01-31.")
            return {"since" if name == "from" else "until": value}
    raise FilterError(
        f"There is no condition “{name}:”.",
        f"There are: {', '.join(f'{one}:' for one in CONDITIONS if one != 'p')}, p>=, p<= and flagged; "
        'put “"” around what is to be searched for as it stands.',
    )


def _runs(value: str, known: Collection[int]) -> tuple[int, int]:
    found = _RUNS.fullmatch(value)
    if found is None:
        raise FilterError(f"“flipped:{value}” does not name two runs.", "Say flipped:3-7 for the runs 3 and 7.")
    one, other = int(found[1]), int(found[2])
    for run in (one, other):
        if run not in known:
            told = ", ".join(map(str, known)) or "none"
            raise FilterError(f"There is no run {run} with suggestions.", f"There are: {told}.")
    if one == other:
        raise FilterError(f"“flipped:{value}” names one run twice.", "Say flipped:3-7 for the runs 3 and 7.")
    return one, other


def _share(value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise FilterError(f"“{value}” is no probability.", "Say p>=0.9 or p<=0.5: a number from 0 to 1.")
    return share


def _member(kind: type[Kind], name: str, value: str) -> Kind:
    try:
        return kind(value.casefold())
    except ValueError:
        raise FilterError(f"There is no {name} “{value}”.", f"There are: {', '.join(kind)}.") from None


def _named(known: Mapping[str, int], what: str, value: str) -> int:
    if value in known:
        return known[value]
    alike = [number for name, number in known.items() if name.casefold() == value.casefold()]
    if len(alike) == 1:
        return alike[0]
    told = ", ".join(list(known)[:12]) or "none"
    raise FilterError(f"There is no {what} “{value}”.", f"There are: {told}.")


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else f'"{name}"'
