"""The arguments form: every argument of a training, with what it does and what it may be."""

from __future__ import annotations

import re
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import Footer, Input, Static

from core.errors import TrainingError
from core.training.arguments import TrainingArguments
from tui import fields
from tui.bindings import bindings
from tui.desk import Desk
from tui.docstrings import field_docs, first_sentence
from tui.plan import shown

_NONE = re.compile(r"\bNone\b")
"""What an empty field is called in the code."""

LONGEST = 1_000
"""Characters of a field: a folder's path."""


class ArgumentsScreen(Screen[None]):
    """A field counts as soon as what stands in it is right; what is wrong is told beside it and does not count."""

    BINDINGS = [
        *bindings("arguments"),
        *bindings("close"),
        ("up", "app.focus_previous", "Up"),
        ("down", "app.focus_next", "Down"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal")]
    CSS = """
    ArgumentsScreen > VerticalScroll { padding: 1 2; height: 1fr; scrollbar-size-vertical: 1; }
    ArgumentsScreen #how { padding: 0 0 1 0; color: $faint; }
    ArgumentsScreen .field { height: auto; padding: 0 0 1 0; }
    ArgumentsScreen .name { width: 24; }
    ArgumentsScreen Input { width: 24; }
    ArgumentsScreen .does { width: 1fr; padding: 0 1 0 2; color: $faint; }
    ArgumentsScreen.-narrow .name, ArgumentsScreen.-narrow Input { width: 20; }
    ArgumentsScreen.-narrow .field { padding: 0; }
    ArgumentsScreen #problem { height: auto; padding: 0 2; background: $panel; color: $warning; display: none; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._defaults = desk.plan.defaults(desk.settings.base_model)
        self._kinds = fields.kinds(TrainingArguments)
        self._docs = field_docs(TrainingArguments)
        self._wrong: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        values = {**self._defaults, **self._desk.plan.changed}
        with VerticalScroll(can_focus=False):
            yield Static(Content(f"Arguments · preset {self._desk.plan.preset}"), classes="title")
            yield Static(
                "What is right counts at once, until labelloop is left; esc goes back. An empty field is automatic.",
                id="how",
            )
            for name, value in values.items():
                known = fields.choices(self._kinds[name])
                with Horizontal(classes="field"):
                    yield Static(self._titled(name, value), id=f"name-{name}", classes="name")
                    yield Input(
                        written(value),
                        id=name,
                        placeholder="automatic",
                        max_length=LONGEST,
                        suggester=SuggestFromList(known, case_sensitive=False) if known else None,
                    )
                    yield Static(self._told(name), id=f"does-{name}", classes="does")
        yield Static(id="problem")
        yield Footer(compact=True, show_command_palette=False)

    def _titled(self, name: str, value: object) -> Content:
        other = value != self._defaults[name]
        return Content.assemble((f"{'●' if other else ' '} ", "$accent"), (name, "bold" if other else ""))

    def _told(self, name: str) -> Content:
        does = first_sentence(self._docs.get(name, "")).replace("`", "")
        says = f"{_NONE.sub('automatic', does)} Preset: {shown(self._defaults[name])}."
        if name in self._wrong:
            return Content.assemble((f"✗ {self._wrong[name]}\n", "bold $error"), says)
        return Content(says)

    # ------------------------------------------------------------------ typing

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        name = event.input.id or ""
        self._wrong.pop(name, None)
        try:
            value = fields.parse(event.value, self._kinds[name])
            TrainingArguments(**{name: value})
        except TrainingError as error:
            self._wrong[name] = error.remedy
        except ValueError as error:
            self._wrong[name] = str(error)
        else:
            self._take(name, value)
            self.query_one(f"#name-{name}", Static).update(self._titled(name, value))
        self.query_one(f"#does-{name}", Static).update(self._told(name))
        self._check()

    def _take(self, name: str, value: Any) -> None:
        self._desk.plan.changed.pop(name, None)
        if value != self._defaults[name]:
            self._desk.plan.changed[name] = value

    def _check(self) -> bool:
        """Say below when arguments that are right by themselves do not go together."""
        problem = ""
        try:
            self._desk.plan.arguments(self._desk.settings.base_model)
        except TrainingError as error:
            problem = str(error)
        box = self.query_one("#problem", Static)
        box.display = bool(problem)
        box.update(Content(problem))
        return not problem

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    # ------------------------------------------------------------------ actions

    def action_default(self) -> None:
        if isinstance(self.focused, Input) and self.focused.id:
            self.focused.value = written(self._defaults[self.focused.id])

    def action_defaults(self) -> None:
        for box in self.query(Input):
            box.value = written(self._defaults[box.id or ""])

    def action_start(self) -> None:
        """Start, unless something is wrong: then go there."""
        if self._wrong:
            first = next(name for name in self._defaults if name in self._wrong)
            self.query_one(f"#{first}", Input).focus()
            self.notify(f"{first}: {self._wrong[first]}", severity="warning", timeout=5, markup=False)
        elif self._check():
            self.dismiss()
            self._desk.train()

    def action_close(self) -> None:
        """Go back; what is wrong is left out, and that is said."""
        for name, why in self._wrong.items():
            self.notify(f"{name} stays as it was. {why}", severity="warning", timeout=5, markup=False)
        self.dismiss()


def written(value: object) -> str:
    """A value as it stands in its field; automatic is an empty one."""
    return "" if value is None else shown(value)
