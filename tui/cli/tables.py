"""Scores as tables: what was measured, label by label, and which labels are taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from core.phrases import one_line, percent
from tui.cli.output import grid

if TYPE_CHECKING:
    from core.evaluate.metrics import Scores
    from core.report import Measured
    from core.storage.tables import Run

SCALE = 30
"""Characters of the picture of an interval, 0 to 100 %."""

WIDEST_MATRIX = 9
"""Labels up to which the confusion matrix is drawn; with more, its largest mistakes are listed."""

LONGEST_LABEL = 24


def interval(low: float, high: float) -> str:
    """An interval of scores."""
    return f"{low:.1%} to {high:.1%}".replace("%", "").replace(" to ", "–") + " %"


def to_go_by(measured: Measured) -> tuple[Scores | None, Scores | None, Scores | None]:
    """Model, keyword rule and majority class: by cross-validation while the audit set is small."""
    found = measured.cross_validation
    if found is not None:
        return found.model, found.keyword_rule, found.majority_class
    return measured.model, measured.keyword_rule, measured.majority_class


def comparison(measured: Measured, title: str = "") -> Table:
    """The model beside the keyword rule and the majority class, all on the same reviews."""
    rows = [
        (
            found.name,
            percent(found.accuracy, 1),
            interval(found.accuracy_low, found.accuracy_high),
            picture(found.accuracy_low, found.accuracy, found.accuracy_high),
            percent(found.macro_f1, 1),
        )
        for found in to_go_by(measured)
        if found is not None
    ]
    headings = ("", "accuracy", "95 % interval", f"0 %{'100 %':>{SCALE - 3}}", "macro-F1")
    return grid(title or measured.basis, headings, rows, (1, 2, 4))


def caution(measured: Measured) -> str:
    """A sentence where the model is not worth its suggestions yet; empty where it is, or is not measured."""
    model, rule, majority = to_go_by(measured)
    if model is None or rule is None or majority is None:
        return ""
    better = max((rule, majority), key=lambda scores: scores.accuracy)
    if model.accuracy > better.accuracy or model.accuracy == 1.0:
        return ""
    return f"On these reviews the model does no better than the {better.name}: label more, then train again."


def accuracy(run: Run, with_interval: bool = True) -> str:
    """What a run scored when it was measured last, in a few words."""
    from core.report import Measured

    stored = run.metrics.get("audit")
    measured = Measured.from_json(stored) if stored else None
    model = to_go_by(measured)[0] if measured is not None else None
    if measured is None or model is None:
        return "not measured"
    by = " by cross-validation" if measured.by_cross_validation else ""
    bounds = f" ({interval(model.accuracy_low, model.accuracy_high)})" if with_interval else ""
    return f"{percent(model.accuracy, 1)}{bounds} on {model.size:,}{by}"


def picture(low: float, middle: float, high: float) -> Text:
    """An interval on a line from 0 to 100 %."""
    start, at, end = (min(SCALE - 1, int(value * SCALE)) for value in (low, middle, high))
    drawn = "".join("●" if i == at else "━" if start <= i <= end else "·" for i in range(SCALE))
    return Text(drawn)


def by_label(scores: Scores) -> Table:
    """Precision, recall and F1 of every label."""
    rows = [
        (
            one_line(row.label, LONGEST_LABEL),
            percent(row.precision, 1),
            percent(row.recall, 1),
            percent(row.f1, 1),
            f"{row.support:,}",
        )
        for row in scores.labels
    ]
    return grid("By label", ("label", "precision", "recall", "F1", "reviews"), rows, (1, 2, 3, 4))


def confusion(scores: Scores) -> Table:
    """Who is taken for whom: the matrix, or its largest mistakes where it would be too wide."""
    names = [one_line(row.label, LONGEST_LABEL) for row in scores.labels]
    if len(names) <= WIDEST_MATRIX:
        rows: list[tuple[str | Text, ...]] = [
            (name, *(Text(f"{cell:,}", style="bold" if column == row else "") for column, cell in enumerate(cells)))
            for row, (name, cells) in enumerate(zip(names, scores.confusion, strict=True))
        ]
        headings = ("person ↓  model →", *names)
        return grid("Confusion matrix", headings, rows, range(1, len(names) + 1))
    mistakes = sorted(
        (
            (cell, names[row], names[column])
            for row, cells in enumerate(scores.confusion)
            for column, cell in enumerate(cells)
            if cell and row != column
        ),
        reverse=True,
    )
    listed = [(person, model, f"{cell:,}") for cell, person, model in mistakes[:10]]
    return grid("Most frequent mistakes", ("person says", "model says", "reviews"), listed, (2,))
