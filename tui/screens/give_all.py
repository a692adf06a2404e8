"""The look before a label is given to many reviews at once."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from core.phrases import count, one_line


class GiveAll(ModalScreen[bool]):
    """Shows some of the reviews that would get a label, drawn at random; true when it shall be given."""

    BINDINGS = [("enter", "give", "Give"), ("escape", "leave", "Leave")]
    CSS = """
    GiveAll { align: center middle; background: $background 60%; }
    GiveAll > Vertical { width: 90%; max-width: 130; height: auto; border: round $primary; padding: 0 1;
        background: $surface; }
    GiveAll .hint { color: $faint; }
    """

    def __init__(self, label: str, hits: int, texts: Sequence[str], without_audit: bool) -> None:
        super().__init__()
        self._label, self._hits, self._texts, self._without_audit = label, hits, list(texts), without_audit

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(f"Give {count(self._hits, 'review')} the label “{one_line(self._label, 40)}”")
            drawn = (
                "all of them" if len(self._texts) == self._hits else f"{len(self._texts)} of them, drawn at random"
            )
            yield Static(Content(f"{drawn[0].upper()}{drawn[1:]}:"), classes="hint")
            lines = 1 if self.app.size.height < 40 else 2
            room = lines * (min(130, self.app.size.width * 9 // 10) - 8)
            yield Static(Content("\n".join(f"· {one_line(text, room)}" for text in self._texts)), id="drawn")
            if self._without_audit:
                why = (
                    "Left out are reviews of the audit set: they measure the model, so no filter on it chooses them."
                )
                yield Static(Content(why), classes="hint")
            yield Static(
                Content("enter gives it to all, as one step that can be undone · esc leaves"), classes="hint"
            )

    def action_give(self) -> None:
        self.dismiss(True)

    def action_leave(self) -> None:
        self.dismiss(False)
