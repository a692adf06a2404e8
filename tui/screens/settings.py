"""The settings screen: everything in the settings file, and another key for any action."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.keys import key_to_character
from textual.screen import ModalScreen, Screen
from textual.widgets import Checkbox, Footer, Input, OptionList, Select, Static
from textual.widgets.option_list import Option

from core import locations, settings
from core.labels import codes
from core.settings import Settings
from tui import fields
from tui.bindings import ACTIONS, GROUPS, Action, bindings, shown
from tui.desk import Desk
from tui.docstrings import field_docs
from tui.plan import shown as in_words

ELSEWHERE = ("keys", "bookmarks")
"""Settings that are no fields here: the keys are listed below them, bookmarks are kept in browse."""

STRATEGIES = {
    "auto": "auto: cover, then doubt",
    "random": "random",
    "confidence": "least confidence",
    "margin": "margin",
    "entropy": "entropy",
    "hybrid": "doubt and diversity",
    "cover": "typical ones first",
    "distance": "unlike the labelled",
    "density": "doubtful and dense",
    "disagreement": "where learners differ",
}
"""What the values of the setting `strategy` are called."""

WHERE_LABELS_ACT = ("label", "app")
"""Groups whose keys are pressed where labels are given."""

TOLD = {"annotator": "Saved. A new name counts from the next start.", "alike": "Saved. It counts at the next import."}
"""What is said after saving instead of “Saved.”"""


class SettingsScreen(Screen[None]):
    """Each change is saved at once into the settings file, which can be edited by hand too."""

    BINDINGS = [
        *bindings("close"),
        ("up", "app.focus_previous", "Up"),
        ("down", "app.focus_next", "Down"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal")]
    CSS = """
    SettingsScreen > VerticalScroll { padding: 1 2; height: 1fr; scrollbar-size-vertical: 1; }
    SettingsScreen .row { height: auto; padding: 0 0 1 0; }
    SettingsScreen .row > .name { width: 18; text-style: bold; }
    SettingsScreen Input { width: 30; }
    SettingsScreen Select, SettingsScreen Checkbox { width: 30; }
    SettingsScreen Checkbox { border: none; padding: 0; background: $background; }
    SettingsScreen Checkbox:focus { border: none; background: $primary 25%; }
    SettingsScreen .does { width: 1fr; padding: 0 1 0 2; color: $faint; }
    SettingsScreen.-narrow .row > .name { width: 15; }
    SettingsScreen.-narrow Input, SettingsScreen.-narrow Select, SettingsScreen.-narrow Checkbox { width: 24; }
    SettingsScreen OptionList { height: auto; background: $surface; border: round $border; }
    SettingsScreen .hint { color: $faint; padding: 0 0 1 0; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._kinds, self._docs = fields.kinds(Settings), field_docs(Settings)
        self._wrong: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=False):
            yield Static("Settings", classes="title")
            yield Static(Content(f"Saved at once in {locations.settings_file()}"), classes="hint")
            for name in Settings.model_fields:
                if name not in ELSEWHERE:
                    with Horizontal(classes="row"):
                        yield Static(name.replace("_", " "), classes="name")
                        yield self._field(name)
                        yield Static(self._told(name), id=f"does-{name}", classes="does")
            yield Static("Keys: choose an action with enter, then press its new key.", classes="hint")
            yield OptionList(*self._options())
        yield Footer(compact=True, show_command_palette=False)

    def _field(self, name: str) -> Select[str] | Checkbox | Input:
        value = getattr(self._desk.settings, name)
        if name == "theme":
            names = sorted(self.app.available_themes, key=lambda one: (not one.startswith("labelloop"), one))
            return Select(
                [(one, one) for one in names], value=self.app.theme, allow_blank=False, id=name, compact=True
            )
        if name == "strategy":
            offered = [(told, one) for one, told in STRATEGIES.items()]
            return Select(offered, value=value, allow_blank=False, id=name, compact=True)
        if isinstance(value, bool):
            return Checkbox(in_words(value), value, id=name)
        return Input(in_words(value), id=name, max_length=1_000)

    def _told(self, name: str) -> Content:
        """What the setting does; what is wrong with what was typed before that."""
        says = self._docs.get(name, "").replace("`", "")
        if name in self._wrong:
            return Content.assemble((f"✗ {self._wrong[name]}\n", "bold $error"), says)
        return Content(says)

    def _options(self) -> list[Option]:
        options = []
        for action in ACTIONS:
            keys = self._desk.settings.keys.get(action.id, action.keys)
            text = Content.assemble(
                (f"{shown(keys):<24}", "bold $accent"), (f"{action.name:<14}", ""), (GROUPS[action.group], "$faint")
            )
            options.append(Option(text, id=action.id))
        return options

    # ------------------------------------------------------------------ fields

    @on(Select.Changed, "#theme")
    def _theme(self, event: Select.Changed) -> None:
        if isinstance(event.value, str) and event.value != self.app.theme:
            self._desk.change_settings({"theme": event.value})

    @on(Select.Changed, "#strategy")
    def _strategy(self, event: Select.Changed) -> None:
        if event.value != self._desk.settings.strategy:
            self._save("strategy", event.value)

    @on(Checkbox.Changed)
    def _switched(self, event: Checkbox.Changed) -> None:
        event.checkbox.label = in_words(event.value)
        self._save(event.checkbox.id or "", event.value)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        """Say in place what is wrong; nothing is saved before the field is left or enter is pressed."""
        self._value(event.input)

    @on(Input.Submitted)
    @on(Input.Blurred)
    def _left(self, event: Input.Submitted | Input.Blurred) -> None:
        if (found := self._value(event.input)) is not None:
            self._save(event.input.id or "", found)

    def _value(self, box: Input) -> object | None:
        """What stands in a field, checked; none when it is wrong, which is told beside it."""
        name, value = box.id or "", None
        self._wrong.pop(name, None)
        try:
            value = fields.parse(box.value, self._kinds[name])
        except ValueError as error:
            self._wrong[name] = str(error)
        else:
            if problem := settings.check(name, value):
                self._wrong[name] = problem
        self.query_one(f"#does-{name}", Static).update(self._told(name))
        return None if name in self._wrong else value

    def _save(self, name: str, value: object) -> None:
        if value != getattr(self._desk.settings, name) and self._desk.change_settings({name: value}):
            self.notify(TOLD.get(name, "Saved."), timeout=3, markup=False)

    # ------------------------------------------------------------------ keys

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        action = next(one for one in ACTIONS if one.id == event.option.id)

        def bind(key: str | None) -> None:
            if key is None:
                return
            taken = self._taken(action, key)
            if taken:
                self.notify(taken, severity="warning", timeout=8, markup=False)
                return
            self._desk.change_settings({"keys": {**self._desk.settings.keys, action.id: key}})
            options = self.query_one(OptionList)
            place = options.highlighted
            options.clear_options()
            options.add_options(self._options())
            options.highlighted = place

        self.app.push_screen(PressKey(action), bind)

    def _taken(self, action: Action, key: str) -> str:
        """Why an action cannot have a key, in a sentence; empty when it can."""
        rival = self._rival(action, key)
        if rival is not None:
            return f"{shown(key)} already means “{rival.name}”. Give that another key first."
        if action.group not in WHERE_LABELS_ACT or not self._desk.has_project:
            return ""
        typed = key_to_character(key) or key
        labels = [label for label in self._desk.session.scheme if label.id is not None]
        given = codes([(label.id, label.key) for label in labels if label.id is not None])
        name = next((label.name for label in labels if given.get(label.id or 0) == typed), None)
        if name is None:
            return ""
        return (
            f"{shown(key)} gives the label “{name}” in this project. Take another key, or give the label another one."
        )

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
