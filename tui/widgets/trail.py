"""The last decisions, newest on top."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from textual.content import Content
from textual.widgets import Static

from core.labelling.session import Decided
from core.phrases import one_line
from core.storage.tables import Label

SIGNS = {"skip": "↷", "no label": "○"}


class Trail(Static):
    """Lists what was decided last; undo takes them back from the top."""

    DEFAULT_CSS = """
    Trail {
        width: 38; height: 1fr; border: round $border; padding: 0 1; border-title-color: $faint;
        background: $surface;
    }
    """
    BORDER_TITLE = " Last decisions "

    def show(self, decided: Sequence[Decided], labels: Sequence[Label]) -> None:
        """Draw the list anew."""
        colours = {label.name: f"$label-{label.colour}" for label in labels}
        room = max(self.size.height, 3)
        width = max(self.size.width - 2, 10)
        lines = []
        for entry in islice(reversed(decided), room // 2):
            sign = SIGNS.get(entry.title, "✓")
            lines.append(
                Content.styled(
                    f"{sign} {one_line(entry.title, width - 2)}", f"bold {colours.get(entry.title, '$faint')}"
                )
            )
            lines.append(Content.styled(f"  {one_line(entry.text, width - 2)}", "$faint"))
        if not lines:
            lines.append(Content.styled("Nothing yet. A label’s key\nlabels and moves on.", "$faint"))
        self.update(Content("\n").join(lines))
