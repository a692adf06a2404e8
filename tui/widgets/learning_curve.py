"""Scores by number of labels, drawn in characters: of a rehearsal's methods, or of a session with its forecast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from textual.content import Content
from textual.widgets import Static

from core.evaluate.forecast import CONFIDENCE
from core.forecasting import Outlook
from tui.learning_chart import At, Line, chart

COLOURS = ("$primary", "$accent", "$success", "$warning", "$secondary", "$error", "$foreground", "$faint")

AHEAD = 2.0
"""How far beyond the last point the forecast is drawn, as a multiple of its labels."""

CURVE_POINTS = 12


class LearningCurve(Static):
    """A chart that fills its width."""

    DEFAULT_CSS = """
    LearningCurve { height: 14; width: 1fr; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[Line] = ()

    def draw(self, lines: Sequence[Line]) -> None:
        """Draw these lines."""
        self._lines = lines
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        self.update(drawn(self._lines, self.content_size.width, self.content_size.height))


def drawn(lines: Sequence[Line], width: int, height: int) -> Content:
    """The chart with its legend below; empty while there is nothing to draw or no room."""
    if width < 20 or height < 6:
        return Content("")
    rows = [
        Content.assemble(*((character, _colour(lines, place)) for character, place in row))
        for row in chart(lines, width, height - 1)
    ]
    legend = [
        part
        for place, line in enumerate(lines)
        if line.name
        for part in ((f"{line.mark or '·'} ", f"bold {_colour(lines, place)}"), f"{line.name}   ")
    ]
    return Content("\n").join([*rows, Content.assemble(*legend)]) if rows else Content("")


def forecast_lines(found: Outlook) -> list[Line]:
    """The points of a session with their 95 % intervals, and the fitted curve with its interval."""
    points = [At(one.labels, one.score, one.low, one.high) for one in found.points]
    lines = [Line("measured, audit set", points, "●", joined=False)]
    curve = found.curve()
    if curve is None or not points:
        return lines
    at = np.geomspace(points[0].labels, AHEAD * points[-1].labels, CURVE_POINTS)
    bands = [(labels, curve.score(labels, CONFIDENCE)) for labels in at]
    middle = [At(labels, band.middle, band.middle, band.middle) for labels, band in bands]
    ends = [
        [At(labels, end, end, end) for labels, end in ((labels, getattr(band, side)) for labels, band in bands)]
        for side in ("low", "high")
    ]
    return [
        Line(f"{100 * CONFIDENCE:.0f} % interval", [_within(one) for one in ends[0]], quiet=True),
        Line("", [_within(one) for one in ends[1]], quiet=True),
        Line("forecast", middle),
        *lines,
    ]


def _within(one: At) -> At:
    score = min(max(one.score, 0.0), 1.0)
    return At(one.labels, score, score, score)


def _colour(lines: Sequence[Line], place: int | None) -> str:
    if place is None or lines[place].quiet:
        return "$faint"
    return COLOURS[sum(not line.quiet for line in lines[:place]) % len(COLOURS)]
