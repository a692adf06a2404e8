"""The settings screen: a field for everything, saved in place, and what is wrong told beside it."""

from __future__ import annotations

from typing import get_args

import pytest
from textual.widgets import Checkbox, Input, OptionList, Select

from core import settings
from core.settings import Settings, Strategy
from core.storage import scheme_changes
from core.storage.database import open_project
from tests.tui.conftest import SIZES, MakeApp, screen_text, settle
from tui.app import LabelloopApp
from tui.bindings import ACTIONS
from tui.docstrings import field_docs
from tui.screens.settings import ELSEWHERE, STRATEGIES, SettingsScreen


def field(app: LabelloopApp, name: str) -> Input:
    return app.screen.query_one(f"#{name}", Input)


async def test_every_setting_has_a_field_and_a_line_that_says_what_it_is(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(200, 160)) as pilot:
        await pilot.press("comma")
        await settle(pilot, app)
        shown = screen_text(app)
        for name in Settings.model_fields:
            if name not in ELSEWHERE:
                assert app.screen.query_one(f"#{name}")
                assert field_docs(Settings)[name].replace("`", "")[:40] in shown


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("retrain_labels", "50", 50),
        ("retrain_minutes", "1,440", 1_440),
        ("rest_minutes", "0", 0),
        ("alike", "0.75", 0.75),
        ("alike", "1", 1),
        ("base_model", "bert", "bert"),
        ("annotator", "Zoë", "Zoë"),
    ],
)
async def test_what_is_typed_is_saved_when_enter_is_pressed(
    app_on: MakeApp, name: str, typed: str, value: object
) -> None:
    app = app_on()
    async with app.run_test(size=(120, 60), notifications=True) as pilot:
        await pilot.press("comma")
        field(app, name).focus()
        field(app, name).value = typed
        await settle(pilot, app)
        assert getattr(settings.load()[0], name) != value
        await pilot.press("enter")
        await settle(pilot, app)
        assert getattr(settings.load()[0], name) == value
        assert getattr(app.desk.settings, name) == value
        assert "Saved." in screen_text(app)


@pytest.mark.parametrize(
    ("name", "typed", "told"),
    [
        ("retrain_labels", "-1", "It should be greater than or equal to 0."),
        ("retrain_minutes", "soon", "Type a whole number."),
        ("rest_minutes", "601", "It should be less than or equal to 600."),
        ("alike", "0.2", "It should be greater than or equal to 0.5."),
        ("annotator", "", "at least 1 character"),
    ],
)
async def test_what_is_wrong_is_told_beside_it_and_not_saved(
    app_on: MakeApp, name: str, typed: str, told: str
) -> None:
    app = app_on()
    async with app.run_test(size=(120, 60)) as pilot:
        before = app.desk.settings
        await pilot.press("comma")
        field(app, name).focus()
        field(app, name).value = typed
        await settle(pilot, app)
        assert told in screen_text(app)
        await pilot.press("enter", "tab")
        await settle(pilot, app)
        assert app.desk.settings == before
        field(app, name).value = str(getattr(before, name))
        await settle(pilot, app)
        assert told not in screen_text(app)


async def test_a_switch_is_saved_at_once(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.press("comma")
        app.screen.query_one("#quiet", Checkbox).focus()
        await pilot.press("space")
        await settle(pilot, app)
        assert settings.load()[0].quiet is True
        await pilot.press("enter")
        await settle(pilot, app)
        assert settings.load()[0].quiet is False


async def test_every_strategy_can_be_chosen_from_a_list(app_on: MakeApp) -> None:
    assert set(STRATEGIES) == set(get_args(Strategy))
    app = app_on()
    async with app.run_test(size=(120, 60), notifications=True) as pilot:
        await pilot.press("comma")
        app.screen.query_one("#strategy", Select).focus()
        await pilot.press("enter", "down", "enter")
        await settle(pilot, app)
        assert settings.load()[0].strategy == app.desk.settings.strategy == "random"
        assert "Saved." in screen_text(app)


async def choose(app: LabelloopApp, action_id: str) -> None:
    options = app.screen.query_one(OptionList)
    options.focus()
    options.highlighted = next(index for index, action in enumerate(ACTIONS) if action.id == action_id)


async def test_the_key_of_a_label_is_refused_for_an_action_and_the_label_is_named(app_on: MakeApp) -> None:
    app = app_on()
    database = open_project(app._project)  # type: ignore[arg-type]
    with database.writing() as session:
        scheme_changes.set_key(session, 1, 1, "p")
    database.close()
    async with app.run_test(size=(120, 60), notifications=True) as pilot:
        await pilot.press("comma")
        await choose(app, "label.skip")
        await pilot.press("enter", "p")
        await settle(pilot, app)
        assert "p gives the label “positive” in this project." in screen_text(app)
        assert settings.load()[0].keys == {}
        await choose(app, "browse.give")
        await pilot.press("enter", "p")
        await settle(pilot, app)
        assert settings.load()[0].keys == {"browse.give": "p"}, "no label is given in browse"


@pytest.mark.parametrize("size", SIZES)
async def test_every_field_is_reached_by_keys_alone(app_on: MakeApp, size: tuple[int, int]) -> None:
    app = app_on()
    async with app.run_test(size=size) as pilot:
        await pilot.press("comma")
        await settle(pilot, app)
        assert isinstance(app.screen, SettingsScreen)
        reached = set()
        for _ in range(len(Settings.model_fields) + 2):
            if app.screen.focused is not None:
                reached.add(app.screen.focused.id)
            await pilot.press("tab")
        assert {name for name in Settings.model_fields if name not in ELSEWHERE} <= reached
