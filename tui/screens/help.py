"""The help: how it works in some lines, then every key and every setting."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from core import locations
from core.settings import Settings
from tui.bindings import ACTIONS, GROUPS, bindings, shown
from tui.docstrings import field_docs

HOW = (
    "Press the key of a label: the review has it, and the next one is up. Everything is on disk at once; there is "
    "nothing to save. Undo goes back as far as you like, also after a restart.",
    "After some dozens of labels press t and train: a BERT learns from them in the background while you go on "
    "labelling. Then each review shows what the model suggests; a takes it, another key overrules it.",
    "One review in five belongs to the audit set. Those come at random, their suggestion is held back, and nothing "
    "is trained on them: accuracy is measured there, so that it can be believed.",
    "Every training is a run. R lists them all: how good each is with its interval, which labels it takes for which, "
    "how it compares with another one; any of them can be put in use. One that measures worse than the one in use "
    "never takes its place by itself.",
    "Copies of the same text come up once; the label goes to all of them, and one undo takes it back from all.",
)


class HelpScreen(Screen[None]):
    """All keys, as they are set."""

    BINDINGS = bindings("close")
    CSS = """
    HelpScreen > VerticalScroll { padding: 1 3; height: 1fr; }
    HelpScreen #how { max-width: 100; }
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        super().__init__()
        self._keys = keys

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static("How labelloop works", classes="title")
            yield Static(Content("\n\n".join(HOW) + "\n"), id="how")
            yield Static(self._table())
            yield Static(_settings())
            yield Static(Content(f"\nOther keys: press comma, or edit {locations.settings_file()}."), classes="faint")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def _table(self) -> Content:
        lines: list[Content] = []
        for group, title in GROUPS.items():
            lines.append(Content.styled(title, "bold $primary"))
            if group == "label":
                lines.append(_line("1 – 9", "Label", "Give the label with that number and move on"))
            for action in ACTIONS:
                if action.group == group:
                    lines.append(_line(shown(self._keys.get(action.id, action.keys)), action.name, action.does))
            lines.append(Content(""))
        return Content("\n").join(lines)

    def action_close(self) -> None:
        self.dismiss()


def _settings() -> Content:
    """Every setting of the settings file with what it is."""
    lines = [Content.styled(f"Settings, in {locations.settings_file()}", "bold $primary")]
    docs = field_docs(Settings)
    for name in Settings.model_fields:
        lines.append(Content.assemble((f"  {name:<22}", "bold $accent"), docs[name].replace("`", "")))
    return Content("\n").join(lines)


def _line(keys: str, name: str, does: str) -> Content:
    return Content.assemble((f"  {keys:<22}", "bold $accent"), (f"{name:<14}", "bold"), (does, ""))
