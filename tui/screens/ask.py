"""Small questions over a screen: a line of text, a label to find."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.storage.tables import Label
from tui.widgets.one_line import OneLine

LONGEST_ANSWER = 4_000
"""Characters of an answer; what is pasted beyond is cut, and said."""


class Ask(ModalScreen[str | None]):
    """Asks for one line; gives it, or none on escape."""

    BINDINGS = [("escape", "leave", "Leave")]
    CSS = """
    Ask { align: center middle; background: $background 60%; }
    Ask > Vertical { width: 80%; max-width: 90; height: auto; border: round $primary; padding: 0 1;
        background: $surface; }
    Ask .hint { color: $faint; }
    """

    def __init__(self, question: str, answer: str = "", hint: str = "") -> None:
        super().__init__()
        self._question, self._answer, self._hint = question, answer, hint

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(self._question)
            yield OneLine(self._answer, max_length=LONGEST_ANSWER)
            yield Static(Content(self._hint), classes="hint")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_leave(self) -> None:
        self.dismiss(None)


class FindLabel(ModalScreen[int | None]):
    """Finds a label by a part of its name; gives its id, or none on escape."""

    BINDINGS = [("escape", "leave", "Leave"), ("down", "down", "Down"), ("up", "up", "Up")]
    CSS = """
    FindLabel { align: center middle; background: $background 60%; }
    FindLabel > Vertical { width: 60; height: auto; max-height: 80%; border: round $primary; padding: 0 1;
        background: $surface; }
    FindLabel OptionList { height: auto; max-height: 20; border: none; background: $surface; }
    """

    def __init__(self, labels: Sequence[Label]) -> None:
        super().__init__()
        self._labels = list(labels)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Label · type a part of its name"
            yield Input(max_length=60)
            yield OptionList()

    def on_mount(self) -> None:
        self._narrow("")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._narrow(event.value)

    def _narrow(self, part: str) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        wanted = part.casefold().split()
        found = [label for label in self._labels if all(word in label.name.casefold() for word in wanted)]
        found.sort(key=lambda label: not label.name.casefold().startswith(part.casefold()))
        options.add_options(Option(Content(label.name), id=str(label.id)) for label in found)
        if found:
            options.highlighted = 0

    @on(Input.Submitted)
    def _submitted(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self._take(options.get_option_at_index(options.highlighted))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self._take(event.option)

    def _take(self, option: Option) -> None:
        self.dismiss(int(option.id) if option.id else None)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()
