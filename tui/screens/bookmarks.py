"""The filters that were kept: choose one, or throw some away."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option


class Bookmarks(ModalScreen[str | None]):
    """Chooses one of the filters that were kept; gives its line, or none on escape."""

    BINDINGS = [
        ("escape", "leave", "Leave"),
        ("d,delete", "throw_away", "Throw away"),
        ("u,backspace,ctrl+z", "undo", "Undo"),
    ]
    CSS = """
    Bookmarks { align: center middle; background: $background 60%; }
    Bookmarks > Vertical { width: 80%; max-width: 100; height: auto; max-height: 80%; padding: 0 1;
        border: round $primary; background: $surface; }
    Bookmarks OptionList { height: auto; max-height: 20; border: none; background: $surface; }
    Bookmarks .hint { color: $faint; }
    """

    def __init__(self, kept: Mapping[str, str], keep: Callable[[dict[str, str]], None]) -> None:
        """Show filters by the name they were kept under; `keep` saves what is left after some are thrown away."""
        super().__init__()
        self._kept, self._keep = dict(kept), keep
        self._before: list[dict[str, str]] = []
        """What there was before each one was thrown away."""

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Filters that were kept"
            yield OptionList()
            yield Static("enter puts it into effect · d throws it away · u brings it back", classes="hint")

    def on_mount(self) -> None:
        self._show(0)

    def _show(self, at: int) -> None:
        options = self.query_one(OptionList)
        options.clear_options()
        lines = (Content.assemble((name, "bold"), "  ", line or "all reviews") for name, line in self._kept.items())
        options.add_options(Option(line) for line in lines)
        options.highlighted = min(at, len(self._kept) - 1) if self._kept else None
        options.focus()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(list(self._kept.values())[event.option_index])

    def action_throw_away(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None:
            name = list(self._kept)[at]
            self._before.append(self._kept)
            self._change({other: line for other, line in self._kept.items() if other != name}, at)

    def action_undo(self) -> None:
        if self._before:
            self._change(self._before.pop(), self.query_one(OptionList).highlighted or 0)

    def _change(self, kept: dict[str, str], at: int) -> None:
        self._kept = kept
        self._keep(kept)
        self._show(at)

    def action_leave(self) -> None:
        self.dismiss(None)
