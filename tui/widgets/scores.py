"""Scores as lines: intervals on a scale, and precision, recall and F1 label by label."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from textual.content import Content

from core.evaluate.metrics import Scores
from core.phrases import one_line, percent

NAMES = 20


def interval(low: float, high: float) -> str:
    """`93.2 – 97.5 %`."""
    return f"{low * 100:.1f} – {high * 100:.1f} %"


def difference(change: float) -> str:
    """A difference of two shares in points: `+1.4`, `−0.3`."""
    return f"{change * 100:+.1f}".replace("-", "−")


def side_by_side(scores: list[Scores], width: int, main: int | None = 0) -> Content:
    """One line each: accuracy with its interval, drawn on a scale from 0 to 100 %, and macro-F1.

    `main` is the place of the line that stands out; None where that would say more than is known.
    """
    names = max((min(NAMES, cell_len(one.name)) for one in scores), default=0)
    scale = max(10, min(50, width - names - 42))
    lines = [
        Content.styled(
            f"{'':<{names}}  {'accuracy':>8}  {'95 % interval':<15}  {'0':<{scale - 3}}100  macro-F1", "$faint"
        )
    ]
    for number, one in enumerate(scores):
        lines.append(
            Content.assemble(
                (_fit(one.name, names), "bold" if number == main else ""),
                (f"  {percent(one.accuracy, 1):>8}", "bold $success" if number == main else ""),
                (f"  {interval(one.accuracy_low, one.accuracy_high):<15}  ", "$faint"),
                (_drawn(one.accuracy_low, one.accuracy, one.accuracy_high, scale), "$primary"),
                f"  {percent(one.macro_f1, 1):>8}",
            )
        )
    return Content("\n").join(lines)


def by_label(scores: Scores, colours: Mapping[str, str], width: int) -> Content:
    """Precision, recall, F1 and support of every label; with room, a bar for F1. `colours` by label name."""
    names = max((min(NAMES, cell_len(one.label)) for one in scores.labels), default=5)
    bar = max(0, min(30, width - names - 46))
    lines = [Content.styled(f"{'':<{names}}  {'precision':>9}  {'recall':>8}  {'F1':>8}  {'support':>8}", "$faint")]
    for one in scores.labels:
        full = round(one.f1 * bar)
        lines.append(
            Content.assemble(
                (
                    _fit(one.label, names),
                    f"bold ${'label-' + colours[one.label] if one.label in colours else 'faint'}",
                ),
                f"  {percent(one.precision, 1):>9}  {percent(one.recall, 1):>8}  ",
                (f"{percent(one.f1, 1):>8}", "bold"),
                f"  {one.support:>8,}  ",
                ("━" * full, "$success"),
                ("─" * (bar - full), "$border"),
            )
        )
    return Content("\n").join(lines)


def _drawn(low: float, middle: float, high: float, scale: int) -> str:
    start, at, end = (min(scale - 1, int(value * scale)) for value in (low, middle, high))
    return "".join("●" if i == at else "━" if start <= i <= end else "·" for i in range(scale))


def _fit(name: str, room: int) -> str:
    shown = one_line(name, room)
    return shown + " " * (room - cell_len(shown))
