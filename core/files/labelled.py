"""Reading labelled reviews from a file of any format, without a project: texts, label names, what was left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import FileError
from core.files import columns
from core.files.labelling import MOST_LABELS, label_names
from core.files.reading import BadRow, open_table
from core.files.table import Table
from core.files.values import as_text
from core.labels import SchemeKind
from core.phrases import count

SEPARATOR = "|"
"""Between the labels of one cell."""


@dataclass(frozen=True)
class LabelledTexts:
    """Reviews with their labels, each distinct text once."""

    name: str
    """Of the file."""
    texts: list[str]
    labels: list[tuple[str, ...]]
    notes: list[str] = field(default_factory=list)
    """What was left out, in sentences."""

    @property
    def names(self) -> list[str]:
        """All labels, sorted."""
        return sorted({name for several in self.labels for name in several})

    def part(self, places: Iterable[int]) -> LabelledTexts:
        """Some of the reviews."""
        chosen = list(places)
        return LabelledTexts(self.name, [self.texts[at] for at in chosen], [self.labels[at] for at in chosen])


def read(
    file: Path | str, text: str | None, label: str | None, encoding: str | None = None, multi: bool | None = None
) -> tuple[LabelledTexts, bool]:
    """The labelled reviews of a file, and whether they have several labels each.

    Columns that are not named are guessed as an import does; `multi` None: so they have where a cell holds “|” or
    a list.
    Raises FileError for a file that cannot be read, a column that is not there, and a file without a label.
    """
    table = open_table(file, encoding).settled()
    try:
        text_column = columns.require(table, text) if text else columns.text_column(table)
        label_column = columns.require(table, label) if label else columns.label_column(table)
        if label_column is None:
            raise FileError(
                f"{table.name} has no column that seems to hold labels.",
                f"Name it with --label. Its columns are: {', '.join(table.columns)}.",
            )
        return _read(table, text_column, label_column, multi)
    finally:
        table.close()


def _read(table: Table, text_column: str, label_column: str, multi: bool | None) -> tuple[LabelledTexts, bool]:
    at, label_at = table.columns.index(text_column), table.columns.index(label_column)
    classes = table.classes.get(label_column)
    cells: dict[str, object] = {}
    bad = empty = unlabelled = repeated = 0
    for entry in table.entries():
        if isinstance(entry, BadRow):
            bad += 1
            continue
        body, cell = as_text(entry.cells[at]).strip(), entry.cells[label_at]
        if classes is not None and isinstance(cell, int):
            cell = classes[cell] if 0 <= cell < len(classes) else None
        if not body:
            empty += 1
        elif not label_names(cell, SchemeKind.MULTI):
            unlabelled += 1
        elif body in cells:
            repeated += 1
        else:
            cells[body] = cell
    if multi is None:
        multi = any(isinstance(cell, list) or SEPARATOR in as_text(cell) for cell in cells.values())
    kind = SchemeKind.MULTI if multi else SchemeKind.SINGLE
    labels = [tuple(label_names(cell, kind)) for cell in cells.values()]
    found = LabelledTexts(table.name, list(cells), labels, _notes(bad, empty, unlabelled, repeated))
    _check(found, label_column)
    return found, multi


def _check(found: LabelledTexts, column: str) -> None:
    if not found.texts:
        raise FileError(
            f"No row of {found.name} has both a text and a label.", "Name the columns with --text and --label."
        )
    if len(found.names) > MOST_LABELS:
        raise FileError(
            f"The column “{column}” of {found.name} has more than {MOST_LABELS} different values.",
            "Choose the column that holds the labels with --label.",
        )


def _notes(bad: int, empty: int, unlabelled: int, repeated: int) -> list[str]:
    said = (
        (bad, "that cannot be read"),
        (empty, "without a text"),
        (unlabelled, "without a label"),
        (repeated, "whose text stands in an earlier one"),
    )
    return [f"Left out {count(number, 'row')} {which}." for number, which in said if number]
