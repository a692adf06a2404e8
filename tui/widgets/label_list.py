"""All labels with their numbers, where there are too many for the board."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from core.labels import KEYS, codes
from core.phrases import one_line
from core.storage.tables import Label

NARROWEST = 19
"""Columns of one label: its number and enough of its name to tell it from the others."""


class LabelList(Static):
    """Lists all labels in columns; empty where they all stand on the board."""

    DEFAULT_CSS = """
    LabelList { width: 100%; height: 1fr; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._drawn: object = None

    def show(self, labels: Sequence[Label], typed: str) -> None:
        """Draw the list; numbers that begin as typed stand out."""
        size = self.content_size
        drawn = ([(label.name, label.key, label.colour) for label in labels], typed, size)
        if drawn == self._drawn or not size:
            return
        self._drawn = drawn
        if len(labels) <= len(KEYS):
            self.update("", layout=False)
            return
        code = codes([(label.id, label.key) for label in labels if label.id is not None])
        across = max(1, min(size.width // NARROWEST, -(-len(labels) // max(1, size.height))))
        down = -(-len(labels) // across)
        cell = size.width // across
        lines = []
        for row in range(min(down, size.height)):
            cells: list[str | tuple[str, str]] = []
            for label in labels[row::down]:
                number = code[label.id or 0]
                stands_out = bool(typed) and number.startswith(typed)
                name = one_line(label.name, max(1, cell - len(number) - 2))
                cells.append((f"{number} ", "bold $accent" if stands_out else "$accent"))
                style = "bold" if stands_out else "$faint" if typed else f"$label-{label.colour}"
                cells.append((f"{name:<{cell - len(number) - 1}}", style))
            lines.append(Content.assemble(*cells))
        self.update(Content("\n").join(lines), layout=False)
