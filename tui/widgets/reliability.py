"""The reliability diagram: how often the model is right where it says so and so many percent."""

from __future__ import annotations

from textual.content import Content

from core.evaluate.calibration import Bin, Calibration, Reliability
from core.phrases import percent

WIDE = 84
"""Cells from which the diagram before the temperature stands beside the one after it."""

Part = tuple[str, str]


def calibration(found: Calibration, width: int) -> Content:
    """The error before and after, and the diagram; the one before too where there is room."""
    before, after = found.before, found.after
    lines = [_error(found)]
    if before is None or width < WIDE:
        return Content("\n").join([*lines, Content(""), diagram(after, width)])
    half = (width - 4) // 2
    left, right = diagram(before, half).split("\n"), diagram(after, half).split("\n")
    lines += [Content(""), _beside(Content.styled("before", "bold"), Content.styled("after", "bold"), half)]
    for number in range(max(len(left), len(right))):
        one = left[number] if number < len(left) else Content("")
        lines.append(_beside(one, right[number] if number < len(right) else Content(""), half))
    return Content("\n").join(lines)


def _error(found: Calibration) -> Content:
    parts: list[str | Part] = ["Expected calibration error "]
    if found.before is not None:
        parts += [(percent(found.before.ece, 1), "bold"), " before the temperature"]
        parts.append(f" {found.temperature:.2f}, " if found.temperature is not None else ", ")
    parts += [(percent(found.after.ece, 1), "bold $success"), " after it" if found.before is not None else ""]
    parts.append((f"; chance alone makes {percent(found.after.ece_of_chance, 1)}.", "$faint"))
    return Content.assemble(*parts)


def diagram(found: Reliability, width: int) -> Content:
    """A line for each bin: its share of right answers with its 95 % interval, and “│” where it says it would be."""
    bar = max(12, min(60, width - 26))
    lines = [Content.styled(f"{'says':>6}  {'is right, of 100 %':<{bar}} {'':>6}{'answers':>9}", "$faint")]
    for one in reversed(found.bins):
        honest = one.low <= one.confidence <= one.high
        lines.append(
            Content.assemble(
                f"{percent(one.confidence):>6}  ",
                *_bar(one, bar, "$success" if honest else "$warning"),
                (f" {percent(one.accuracy):>6}", "bold"),
                (f"{one.count:>8,}", "$faint"),
                (" " if honest else "!", "bold $warning"),
            )
        )
    return Content("\n").join(lines)


def _bar(found: Bin, width: int, colour: str) -> list[Part]:
    """The interval as a line with its share, on a scale from 0 to 100 %, and the mark of what was said."""
    start, at, end, said = (min(width - 1, int(value * width)) for value in
                            (found.low, found.accuracy, found.high, found.confidence))  # fmt: skip
    parts: list[Part] = []
    for place in range(width):
        if place == said:
            parts.append(("┃" if place != at else "╂", "bold $accent"))
        elif place == at:
            parts.append(("●", f"bold {colour}"))
        else:
            parts.append(("━", colour) if start <= place <= end else ("·", "$border"))
    return parts


def _beside(left: Content, right: Content, width: int) -> Content:
    return Content.assemble(left, " " * max(0, width + 4 - left.cell_length), right)
