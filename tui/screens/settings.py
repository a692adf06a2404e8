"""The settings screen: theme, base model, name, and another key for any action."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Footer, Input, OptionList, Select, Static
from textual.widgets.option_list import Option

from core import locations
from tui.bindings import ACTIONS, GROUPS, Action, bindings, shown
from tui.desk import Desk


class SettingsScreen(Screen[None]):
    """Each change is saved at once into the settings file, which can be edited by hand too."""

    BINDINGS = bindings("close")
    CSS = """
    SettingsScreen > VerticalScroll { padding: 1 3; height: 1fr; }
    SettingsScreen .row { height: auto; }
    SettingsScreen .row > Static { width: 14; padding: 1 0 0 0; color: $faint; }
    SettingsScreen .row > Input, SettingsScreen .row > Select { width: 1fr; max-width: 80; }
    SettingsScreen OptionList { height: auto; background: $surface; border: round $border; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def compose(self) -> ComposeResult:
        wanted = self._desk.settings
        with VerticalScroll(can_focus=False):
            yield Static("Settings", classes="title")
            yield Static(Content(f"Saved at once in {locations.settings_file()}"), classes="faint")
            with Horizontal(classes="row"):
                yield Static("theme")
                names = sorted(self.app.available_themes, key=lambda name: (not name.startswith("labelloop"), name))
                yield Select([(name, name) for name in names], value=self.app.theme, allow_blank=False, id="theme")
            with Horizontal(classes="row"):
                yield Static("base model")
                yield Input(wanted.base_model, id="base_model", max_length=1_000,
                            placeholder="auto, a name on the Hugging Face hub, or a folder")  # fmt: skip
            with Horizontal(classes="row"):
                yield Static("your name")
                yield Input(wanted.annotator, id="annotator", max_length=60)
            yield Static("\nKeys: choose an action with enter, then press its new key.", classes="faint")
            yield OptionList(*self._options())
        yield Footer(compact=True, show_command_palette=False)

    def _options(self) -> list[Option]:
        options = []
        for action in ACTIONS:
            keys = self._desk.settings.keys.get(action.id, action.keys)
            text = Content.assemble(
                (f"{shown(keys):<24}", "bold $accent"), (f"{action.name:<14}", ""), (GROUPS[action.group], "$faint")
            )
            options.append(Option(text, id=action.id))
        return options

    @on(Select.Changed, "#theme")
    def _theme(self, event: Select.Changed) -> None:
        if isinstance(event.value, str) and event.value != self.app.theme:
            self._desk.change_settings({"theme": event.value})

    @on(Input.Submitted)
    @on(Input.Blurred)
    def _text(self, event: Input.Submitted | Input.Blurred) -> None:
        name, value = event.input.id or "", event.value.strip()
        if value and value != getattr(self._desk.settings, name):
            self._desk.change_settings({name: value})
            self.notify("Saved. A new name counts from the next start." if name == "annotator" else "Saved.",
                        timeout=3, markup=False)  # fmt: skip

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        action = next(one for one in ACTIONS if one.id == event.option.id)

        def bind(key: str | None) -> None:
            if key is None:
                return
            rival = self._rival(action, key)
            if rival is not None:
                self.notify(f"{shown(key)} already means “{rival.name}”. Give that another key first.",
                            severity="warning", markup=False)  # fmt: skip
                return
            self._desk.change_settings({"keys": {**self._desk.settings.keys, action.id: key}})
            options = self.query_one(OptionList)
            place = options.highlighted
            options.clear_options()
            options.add_options(self._options())
            options.highlighted = place

        self.app.push_screen(PressKey(action), bind)

    def _rival(self, action: Action, key: str) -> Action | None:
        """Another action that the key means already on the same screen."""
        for other in ACTIONS:
            same_place = other.group == action.group or "app" in (other.group, action.group)
            keys = self._desk.settings.keys.get(other.id, other.keys).split(",")
            if other.id != action.id and same_place and key in keys:
                return other
        return None

    def action_close(self) -> None:
        self.dismiss()


class PressKey(ModalScreen[str | None]):
    """Waits for one key; escape leaves the old one. Digits belong to the labels."""

    CSS = """
    PressKey { align: center middle; background: $background 60%; }
    PressKey > Static { width: 60; height: auto; border: round $primary; padding: 1 2; background: $surface; }
    """

    def __init__(self, action: Action) -> None:
        super().__init__()
        self._action = action

    def compose(self) -> ComposeResult:
        yield Static(Content(f"Press the new key for “{self._action.name}”.\nesc keeps the old one."))

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.dismiss(None)
        elif event.character is not None and event.character.isdigit():
            self.query_one(Static).update("Digits give labels. Press another key, or esc.")
        else:
            self.dismiss(event.key)
