"""A line of text that is asked for: nothing that is pasted or typed gets lost, or goes where it was not meant to."""

from __future__ import annotations

import pytest
from textual import events
from textual.widgets import Input

from tests.tui.conftest import MakeApp, card_of, decided, screen_text, session_of, settle
from tui.screens.ask import LONGEST_ANSWER


async def test_keys_typed_right_after_enter_are_for_the_screen_behind(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        first = card_of(app)
        await pilot.press("n")
        # All at once, as they come when the app was busy while they were typed.
        for key, character in (("o", "o"), ("k", "k"), ("enter", "\r"), ("2", "2"), ("1", "1")):
            app.post_message(events.Key(key, character))
        await settle(pilot, app)
        found = decided(session_of(app).database)
        assert found[first.text] == "negative"
        assert sorted(found.values()) == ["negative", "positive"]
        await pilot.press("left", "left")
        state = card_of(app).state
        assert state is not None
        assert state.note == "ok"


async def test_of_a_paste_that_is_too_long_what_fits_is_taken_and_the_rest_is_told(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("n", "a")
        app.post_message(events.Paste("x" * 1_000_000))
        await settle(pilot, app)
        assert app.screen.query_one(Input).value == "a" + "x" * (LONGEST_ANSWER - 1)
        told = [notice.message for notice in app._notifications]
        assert any("Of 1,000,000 pasted characters the first 3,999 were taken" in one for one in told)
        await pilot.press("enter")
        await settle(pilot, app)
        state = card_of(app).state
        assert state is not None
        assert len(state.note) == LONGEST_ANSWER


async def test_pasted_lines_become_one_and_replace_what_is_selected(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await pilot.press("n", *"old", "shift+home")
        app.post_message(events.Paste("first line\nsecond line\r\nthird"))
        await settle(pilot, app)
        assert app.screen.query_one(Input).value == "first line second line third"


HOSTILE = "\x1b]0;owned\x07\x1b[31mred \u202egpj.exe\x00"


@pytest.mark.parametrize("key", ["n", "slash"])
async def test_escapes_that_are_pasted_never_reach_the_terminal(app_on: MakeApp, key: str) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await pilot.press(key)
        await settle(pilot, app)
        app.post_message(events.Paste(HOSTILE))
        await settle(pilot, app)
        assert "␛[31mred ⟨202E⟩gpj.exe␀" in screen_text(app)
        assert not set("\x1b\x07\x00\u202e") & set(app.export_screenshot())


async def test_escapes_in_a_note_that_somebody_left_never_reach_the_terminal(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        session_of(app).note(HOSTILE)
        await pilot.press("n")
        await settle(pilot, app)
        assert "␛[31mred ⟨202E⟩gpj.exe␀" in screen_text(app)
        assert not set("\x1b\x07\x00\u202e") & set(app.export_screenshot())
