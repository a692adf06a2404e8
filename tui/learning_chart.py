"""A chart of scores by number of labels, in characters: the same for the commands and the screens.

The numbers of labels stand on a logarithmic axis: what the next label is worth depends on how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2

MARKS = "●○■□▲△◆◇"
"""One a line, so that no two differ by colour alone."""

BETWEEN, SPREAD = "·", "│"

AXIS = 6
"""Cells of the scale on the left."""

LEAST_SPAN = 0.05
"""Of the scale: five points, so that differences of tenths do not look large."""


@dataclass(frozen=True)
class At:
    """A score, and how far it may be off."""

    labels: float
    score: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """The scores of one method."""

    name: str
    points: Sequence[At]
    mark: str = ""
    """Drawn at each point; empty where the line is drawn alone."""
    joined: bool = True
    """Whether a line goes through the points."""
    quiet: bool = False
    """Whether it stays in the background, as the ends of an interval do."""


Cell = tuple[str, int | None]
"""A character, and the place of the line it belongs to; None for the axes."""


def chart(lines: Sequence[Line], width: int, height: int) -> list[list[Cell]]:
    """Rows of cells, from the top; empty where no line has a point. At least 20 cells wide and 5 high."""
    points = [point for line in lines for point in line.points]
    if not points:
        return []
    width, height = max(width, 20) - AXIS - 1, max(height, 5) - 2
    scale = _Scale.of(points, width, height)
    drawn: list[list[Cell]] = [[(" ", None)] * width for _ in range(height)]
    for place, line in enumerate(lines):
        _draw(drawn, line, place, scale)
    for place, line in reversed(list(enumerate(lines))):  # marks last, and of two in one cell the first line's
        for point in line.points if line.mark else ():
            drawn[scale.row(point.score)][scale.column(point.labels)] = (line.mark, place)
    rows = []
    for row, cells in enumerate(drawn):
        told = f"{100 * scale.score(row):.0f} %" if row in (0, height // 2, height - 1) else ""
        rows.append([*((character, None) for character in f"{told:>{AXIS}}│"), *cells])
    rows.append([(character, None) for character in " " * AXIS + "└" + "─" * width])
    marked = [point for line in lines if line.mark for point in line.points]
    rows.append([(character, None) for character in " " * (AXIS + 1) + _ticks(marked or points, scale, width)])
    return rows


@dataclass(frozen=True)
class _Scale:
    first: float
    last: float
    low: float
    high: float
    width: int
    height: int

    @classmethod
    def of(cls, points: Sequence[At], width: int, height: int) -> _Scale:
        low, high = min(point.low for point in points), max(point.high for point in points)
        middle = (low + high) / 2
        low, high = min(low, middle - LEAST_SPAN / 2), max(high, middle + LEAST_SPAN / 2)
        labels = [log2(max(point.labels, 1)) for point in points]
        return cls(min(labels), max(labels), low, high, width, height)

    def column(self, labels: float) -> int:
        if self.last == self.first:
            return self.width // 2
        share = (log2(max(labels, 1)) - self.first) / (self.last - self.first)
        return 1 + round(min(max(share, 0.0), 1.0) * (self.width - 3))

    def row(self, score: float) -> int:
        share = (self.high - score) / (self.high - self.low)
        return round(min(max(share, 0.0), 1.0) * (self.height - 1))

    def score(self, row: int) -> float:
        return self.high - row / max(self.height - 1, 1) * (self.high - self.low)


def _draw(drawn: list[list[Cell]], line: Line, place: int, scale: _Scale) -> None:
    for first, second in pairwise(line.points) if line.joined else ():
        start, end = scale.column(first.labels), scale.column(second.labels)
        for column in range(start, end + 1):
            share = (column - start) / max(end - start, 1)
            row = scale.row(first.score + share * (second.score - first.score))
            drawn[row][column] = (BETWEEN, place)
    for point in line.points if line.mark else ():
        for row in range(scale.row(point.high), scale.row(point.low) + 1):
            drawn[row][scale.column(point.labels)] = (SPREAD, place)


def _ticks(points: Sequence[At], scale: _Scale, width: int) -> str:
    """The numbers of labels under the axis, as many as there is room for."""
    told = [" "] * width
    free = 0
    for labels in sorted({point.labels for point in points}):
        words = f"{labels:,.0f}"
        start = min(max(scale.column(labels) - len(words) // 2, 0), width - len(words))
        if start >= free:
            told[start : start + len(words)] = words
            free = start + len(words) + 2
    return "".join(told).rstrip()
