"""A small choice over a screen: one of a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option


class Choose(ModalScreen[str | None]):
    """Asks for one of some lines; gives its name, or none on escape."""

    BINDINGS = [("escape", "leave", "Leave")]
    CSS = """
    Choose { align: center middle; background: $background 60%; }
    Choose > Vertical { width: 80%; max-width: 76; height: auto; max-height: 90%; border: round $primary;
        padding: 0 1; background: $surface; }
    Choose .text { padding: 0 1 1 1; }
    Choose OptionList { height: auto; max-height: 20; border: none; background: $surface; padding: 0; }
    Choose OptionList > .option-list--option-highlighted, Choose OptionList:focus > .option-list--option-highlighted {
        background: $primary 30%; color: $foreground; text-style: bold;
    }
    Choose .hint { color: $faint; padding: 0 1; }
    """

    def __init__(self, question: str, choices: Sequence[tuple[str, Content]], text: str = "", at: int = 0) -> None:
        """`choices` are names with what is shown for them; `at` is the one the cursor begins on."""
        super().__init__()
        self._question, self._choices, self._text, self._at = question, choices, text, at

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(self._question)
            if self._text:
                yield Static(Content(self._text), classes="text")
            yield OptionList(*(Option(content, id=name) for name, content in self._choices))
            yield Static(Content("↑ ↓ enter chooses · esc leaves it as it is"), classes="hint")

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = self._at

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def action_leave(self) -> None:
        self.dismiss(None)
