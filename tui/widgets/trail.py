"""The last decisions, newest on top."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from core.labelling.session import Decided
from core.phrases import one_line
from core.storage.tables import Label

SIGNS = {"skip": "↷", "no label": "○"}

MOST = 12
"""Decisions shown: as many as one looks back at. Each costs a line to paint for every key."""

HEADING = (Content.styled("Last decisions", "$faint"), Content(""))
NOTHING = Content.styled("A label’s key labels and moves on.", "$faint")


class Trail(Widget):
    """Lists what was decided last, one line each; undo takes them back from the top.

    Lines are drawn once and then only move down.
    """

    DEFAULT_CSS = """
    Trail { width: 42; height: 14; padding: 0 1; background: $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Strip] = []
        self._drawn: dict[tuple[Decided, int], Strip] = {}

    def show(self, decided: Sequence[Decided], labels: Sequence[Label]) -> None:
        """Draw the list anew."""
        width = self.content_size.width
        if not width:
            return
        before, old_width = len(self._lines), self._lines[0].cell_length if self._lines else 0
        lines = [self._line(one, width) for one in HEADING]
        for entry in islice(reversed(decided), MOST):
            key = (entry, width)
            if key not in self._drawn:
                self._drawn[key] = self._line(_entry(entry, labels, width), width)
            lines.append(self._drawn[key])
        if len(lines) == len(HEADING):
            lines.append(self._line(NOTHING, width))
        while len(self._drawn) > 4 * MOST:
            del self._drawn[next(iter(self._drawn))]
        self._lines = lines
        if old_width != width:
            self.refresh()
            return
        first = len(HEADING)
        self.refresh(Region(0, first, self.size.width, max(before, len(lines)) - first))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()
        self._lines = []

    def render_line(self, y: int) -> Strip:
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.content_size.width, self.rich_style)

    def _line(self, content: Content, width: int) -> Strip:
        strips = Visual.to_strips(self, content, width, 1, self.visual_style, apply_selection=False)
        return strips[0].adjust_cell_length(width, self.rich_style)


def _entry(entry: Decided, labels: Sequence[Label], width: int) -> Content:
    colour = next((f"$label-{label.colour}" for label in labels if label.name == entry.title), "$faint")
    room = min(14, max((len(label.name) for label in labels), default=8))
    name = f"{SIGNS.get(entry.title, '✓')} {one_line(entry.title, room):<{room}} "
    text = one_line(entry.text, max(1, width - len(name)))
    return Content.assemble((name, f"bold {colour}"), (text, "$faint"))
