"""The last decisions, newest on top."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from textual.strip import Strip

from core.labelling.session import Decided
from core.phrases import one_line
from core.storage.tables import Label
from tui.widgets.lines import Lines

SIGNS = {"skip": "↷", "no label": "○"}

MOST = 12
"""Decisions shown: as many as one looks back at. Each costs a line to paint for every key."""

HEADING = "Last decisions"
NOTHING = "A label’s key labels and moves on."


class Trail(Lines):
    """Lists what was decided last, one line each; undo takes them back from the top.

    Lines are drawn once and then only move down.
    """

    DEFAULT_CSS = """
    Trail { width: 42; height: 14; padding: 0 1; background: $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._decided: Sequence[Decided] = ()
        self._labels: Sequence[Label] = ()
        self._kept: dict[tuple[Decided | str, int], Strip] = {}

    def show(self, decided: Sequence[Decided], labels: Sequence[Label]) -> None:
        """Draw the list anew."""
        self._decided, self._labels = decided, labels
        self.redraw()

    def drawn(self, width: int) -> list[Strip]:
        shown: list[Decided | str] = [HEADING, "", *islice(reversed(self._decided), MOST)]
        if not self._decided:
            shown.append(NOTHING)
        before, self._kept = self._kept, {}
        for one in shown:
            key = (one, width)
            self._kept[key] = before.get(key) or self._entry(one, width)
        return [self._kept[one, width] for one in shown]

    def notify_style_update(self) -> None:
        self._kept = {}
        super().notify_style_update()

    def _entry(self, entry: Decided | str, width: int) -> Strip:
        if isinstance(entry, str):
            return self.line([(entry, "$faint")], width)
        colour = next((f"$label-{label.colour}" for label in self._labels if label.name == entry.title), "$faint")
        room = min(14, max((len(label.name) for label in self._labels), default=8))
        name = f"{SIGNS.get(entry.title, '✓')} {one_line(entry.title, room):<{room}} "
        text = one_line(entry.text, max(1, width - len(name)))
        return self.line([(name, f"bold {colour}"), (text, "$faint")], width)
