"""Scores with their intervals, and the reliability diagram, as the commands print them: 80 columns suffice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from core.phrases import count, percent
from tui.cli.output import grid
from tui.cli.tables import interval

if TYPE_CHECKING:
    from core.evaluate.calibration import Bin, Calibration
    from core.evaluate.metrics import Scores

SCALE = 40
"""Characters of a line of the diagram, 0 to 100 %."""

Column = tuple[str, float, float | None, float | None]


def side_by_side(title: str, candidates: Sequence[Scores | None]) -> Table:
    """Accuracy and F1 of each, with 95 % intervals; micro-F1 where reviews have several labels."""
    found = [one for one in candidates if one is not None]
    headings = [heading for name, *_ in _columns(found[0]) for heading in (name, "95 %")] if found else []
    rows = []
    for one in found:
        cells = [one.name]
        for _, value, low, high in _columns(one):
            cells += [
                percent(value, 1),
                "" if low is None or high is None else interval(low, high).removesuffix(" %"),
            ]
        rows.append(cells)
    return grid(title, ("", *headings), rows, range(1, len(headings) + 1))


def _columns(scores: Scores) -> list[Column]:
    columns: list[Column] = [
        ("accuracy", scores.accuracy, scores.accuracy_low, scores.accuracy_high),
        ("macro-F1", scores.macro_f1, scores.macro_f1_low, scores.macro_f1_high),
    ]
    if scores.micro_f1 is not None:
        columns.append(("micro-F1", scores.micro_f1, scores.micro_f1_low, scores.micro_f1_high))
    return columns


def reliability(found: Calibration) -> Table:
    """A line for each bin: how often it is right with its interval, and a bar where it says it would be."""
    rows: list[tuple[str | Text, ...]] = [
        (percent(one.confidence), _line(one), percent(one.accuracy), f"{one.count:,}")
        for one in reversed(found.after.bins)
    ]
    headings = ("says", f"is right: 0 %{'100 %':>{SCALE - 12}}", "", "answers")
    return grid("Calibration: ● is right, with its 95 % interval; ┃ says", headings, rows, (0, 2, 3))


def calibration_error(found: Calibration) -> tuple[str, str, str]:
    """Sentences: the calibration error before and after the temperature, what chance makes of it, other scores."""
    after, before = found.after, found.before
    error = f"Expected calibration error: {percent(after.ece, 1)}"
    if before is not None and found.temperature is not None:
        error = (
            f"Expected calibration error: {percent(before.ece, 1)} before, {percent(after.ece, 1)} after dividing "
            f"by the temperature {found.temperature:.2f}"
        )
    chance = f"Perfect probabilities would show about {percent(after.ece_of_chance, 1)} on "
    return (
        f"{error}.",
        f"{chance}{count(after.size, 'answer')}.",
        f"Log-loss {_pair(before.log_loss if before else None, after.log_loss)}; "
        f"Brier score {_pair(before.brier if before else None, after.brier)}.",
    )


def _pair(before: float | None, after: float) -> str:
    return f"{after:.3f}" if before is None else f"{before:.3f} before, {after:.3f} after"


def _line(found: Bin) -> Text:
    low, at, high, said = (
        min(SCALE - 1, int(value * SCALE)) for value in (found.low, found.accuracy, found.high, found.confidence)
    )
    drawn = ["━" if low <= place <= high else "·" for place in range(SCALE)]
    drawn[said] = "┃"
    drawn[at] = "╋" if at == said else "●"
    return Text("".join(drawn))
