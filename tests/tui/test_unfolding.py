"""Taking near-duplicates apart, by keyboard."""

from __future__ import annotations

from tests.files.test_alike import LONG, NEARLY
from tests.tui.conftest import MakeApp, card_of, decided, screen_text, session_of, settle


async def test_a_group_is_taken_apart_with_one_key_and_put_together_with_another(app_on: MakeApp) -> None:
    app = app_on(texts=[LONG, NEARLY])
    async with app.run_test(size=(120, 40)) as pilot:
        assert "+1 alike" in screen_text(app)
        await pilot.press("o")
        await settle(pilot, app)
        assert "alike" not in screen_text(app).replace("up by themselves", "")
        assert card_of(app).text == LONG
        await pilot.press("u")
        await settle(pilot, app)
        assert "+1 alike" in screen_text(app)
        await pilot.press("o", "1")
        await settle(pilot, app)
        assert card_of(app).text == NEARLY
        await pilot.press("2")
        await settle(pilot, app)
        assert decided(session_of(app).database) == {LONG: "positive", NEARLY: "negative"}


async def test_a_review_without_its_like_says_so(app_on: MakeApp) -> None:
    app = app_on(texts=[LONG, "other"])
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        session_of(app).go_to(1)
        await pilot.press("o")
        await settle(pilot, app)
        assert "No review is alike" in screen_text(app)
        assert session_of(app).counts.labelled == 0
