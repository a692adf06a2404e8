"""The look before many suggestions are accepted."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from core.phrases import count


class AcceptLook(ModalScreen[bool]):
    """Shows some of the suggestions, drawn at random, and the promise; true when all shall be accepted."""

    BINDINGS = [("enter", "accept", "Accept"), ("escape", "leave", "Leave")]
    CSS = """
    AcceptLook { align: center middle; background: $background 60%; }
    AcceptLook > Vertical { width: 90%; max-width: 130; height: auto; max-height: 100%; border: round $primary;
        padding: 0 1; background: $surface; }
    AcceptLook .hint { color: $faint; }
    """

    def __init__(self, many: int, promised: str, drawn: Sequence[Content]) -> None:
        super().__init__()
        self._many, self._promised, self._drawn = many, promised, list(drawn)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(f"Accept {count(self._many, 'suggestion')}")
            yield Static(Content(self._promised))
            yield Static(Content("Some of them, drawn at random, the least sure first:"), classes="hint")
            yield Static(Content("\n").join(self._drawn), id="drawn")
            yield Static(
                Content("enter accepts all, as one step that can be undone · esc leaves everything as it is"),
                classes="hint",
            )

    def action_accept(self) -> None:
        self.dismiss(True)

    def action_leave(self) -> None:
        self.dismiss(False)
