"""The look before many suggestions are accepted."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from core.phrases import count
from tui.widgets import accept_lines
from tui.widgets.accept_lines import Example

WIDEST = 130
"""Columns of the box; it takes nine tenths of the screen up to that."""

OTHERS = 7
"""Lines of the box besides the reviews."""

MOST_LINES = 3
"""Of one review where there is room."""


class AcceptLook(ModalScreen[bool]):
    """Shows some of the suggestions, drawn at random, and the promise; true when all shall be accepted."""

    BINDINGS = [("enter", "accept", "Accept"), ("escape", "leave", "Leave")]
    CSS = """
    AcceptLook { align: center middle; background: $background 60%; }
    AcceptLook > Vertical { width: 90%; max-width: 130; height: auto; max-height: 100%; border: round $primary;
        padding: 0 1; background: $surface; }
    AcceptLook .hint { color: $faint; }
    AcceptLook VerticalScroll { height: auto; max-height: 100%; }
    """

    def __init__(self, many: int, promised: str, drawn: Sequence[Example]) -> None:
        super().__init__()
        self._many, self._promised, self._drawn = many, promised, list(drawn)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(f"Accept {count(self._many, 'suggestion')}")
            yield Static(Content(self._promised))
            yield Static(Content("Some of them, drawn at random, the least sure first:"), classes="hint")
            with VerticalScroll(can_focus=False):
                yield Static(id="drawn")
            yield Static(Content("enter accepts all as one step; u undoes it · esc leaves them"), classes="hint")

    def on_mount(self) -> None:
        self.on_resize()

    def on_resize(self) -> None:
        """As many lines of each review as there is room for."""
        screen = self.app.size
        lines = (screen.height - OTHERS) // max(1, len(self._drawn))
        width = min(WIDEST, screen.width * 9 // 10) - 4
        drawn = accept_lines.examples(self._drawn, width, max(1, min(MOST_LINES, lines)))
        self.query_one("#drawn", Static).update(drawn)

    def action_accept(self) -> None:
        self.dismiss(True)

    def action_leave(self) -> None:
        self.dismiss(False)
