"""The question before the app is left while a job runs."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class Leave(ModalScreen[bool]):
    """Asks whether to leave though a job runs; q a second time does."""

    BINDINGS = [("q,ctrl+q,enter,y", "leave", "Leave"), ("escape,n", "stay", "Stay")]
    CSS = """
    Leave { align: center middle; background: $background 60%; }
    Leave > Vertical { width: 80%; max-width: 72; height: auto; border: round $warning; padding: 0 1;
        background: $surface; }
    Leave .hint { color: $faint; padding: 1 0 0 0; }
    """

    def __init__(self, lost: str) -> None:
        """`lost` is the sentence that says what leaving stops."""
        super().__init__()
        self._lost = lost

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "A job is running"
            yield Static(Content(f"{self._lost} Everything that was labelled is saved."))
            yield Static(Content("q leaves · esc stays"), classes="hint")

    def action_leave(self) -> None:
        self.dismiss(True)

    def action_stay(self) -> None:
        self.dismiss(False)
