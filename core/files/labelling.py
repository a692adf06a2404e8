"""The labels that a file brings: their names as the scheme knows them, and which it does not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.errors import FileError, SchemeError
from core.files.problems import Action, Problem, Tally
from core.files.values import Stored, as_text
from core.labels import SchemeKind, check_names

MOST_LABELS = 200
"""Distinct values of a label column; with more it is likely the wrong column."""


def label_names(cell: Stored, kind: SchemeKind) -> list[str]:
    """The label names in a cell: itself, or in a multi-label scheme its parts between “|”. Empty: none.

    A list, which formats with types may have, is the names one by one.
    """
    if isinstance(cell, list):
        parts = [as_text(one) for one in cell]
    else:
        parts = as_text(cell).split("|") if kind is SchemeKind.MULTI else [as_text(cell)]
    return list(dict.fromkeys(name for part in parts if (name := part.strip())))


class Labels:
    """Takes label cells and says which labels they give."""

    def __init__(
        self, kind: SchemeKind, known: Iterable[str], classes: list[str] | None, tallies: Mapping[Problem, Tally]
    ) -> None:
        """`classes` are the names of the numbers in the column, if it has numbers."""
        self._kind = kind
        self._known = frozenset(known)
        self._classes = classes
        self._tallies = tallies
        self._folded = {name.casefold(): name for name in sorted(self._known, reverse=True)}
        self._seen: dict[str, tuple[tuple[str, ...], list[tuple[Problem, str]]]] = {}
        self._names: set[str] = set()
        self.new: dict[str, None] = {}
        """Labels that enter the scheme, in the order of the file."""
        self.variants: dict[str, str] = {}
        """Names that differ from another label in case only, with that label."""

    def of(self, cell: Stored, line: int) -> tuple[str, ...]:
        """The labels a cell gives. Problems are counted once a row."""
        key = cell if type(cell) is str else repr(cell)
        found = self._seen.get(key)
        if found is None:
            found = self._read(cell)
            if len(self._seen) < 100_000:
                self._seen[key] = found
        for problem, what in found[1]:
            self._tallies[problem].note(line, what)
        return found[0]

    def refuse_many(self, column: str, name: str) -> None:
        """Raise FileError when the column has more different values than a scheme has labels."""
        if len(self._names) > MOST_LABELS:
            raise FileError(
                f"The column “{column}” of {name} has more than {MOST_LABELS} different values.",
                "Choose the column that holds the labels with --label.",
            )

    def _read(self, cell: Stored) -> tuple[tuple[str, ...], list[tuple[Problem, str]]]:
        if self._classes is not None and isinstance(cell, int):
            cell = self._classes[cell] if 0 <= cell < len(self._classes) else None
        names = label_names(cell, self._kind)
        self._names.update(names)
        problems: list[tuple[Problem, str]] = []
        if self._kind is SchemeKind.SINGLE and len(names) > 1:
            return (), [(Problem.BAD_LABEL, f"{len(names)} labels where a review has one")]
        given = [known for name in names if (known := self._resolved(name, problems)) is not None]
        return tuple(dict.fromkeys(given)), problems

    def _resolved(self, name: str, problems: list[tuple[Problem, str]]) -> str | None:
        """The label that a name stands for; none if it gives none."""
        if name in self._known or name in self.new:
            return name
        other = self._folded.get(name.casefold())
        if other is not None:
            self.variants[name] = other
            problems.append((Problem.LABEL_CASE, f"“{name[:60]}”, where “{other}” is another label"))
            return other if self._tallies[Problem.LABEL_CASE].action is Action.MEND else None
        try:
            check_names([name])
        except SchemeError as error:
            problems.append((Problem.BAD_LABEL, error.message))
            return None
        problems.append((Problem.UNKNOWN_LABEL, f"“{name}”"))
        if self._tallies[Problem.UNKNOWN_LABEL].action is Action.LEAVE_OUT:
            return None
        self._folded[name.casefold()] = name
        self.new[name] = None
        return name
