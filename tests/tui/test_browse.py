"""Browse by keys: filters as text, kept filters, a label for all hits, and a walk through just these."""

from __future__ import annotations

from sqlmodel import select
from textual.widgets import Input, Static

from core import settings
from core.storage.database import open_project
from core.storage.tables import Review
from tests.tui.conftest import MakeApp, card_of, decided, screen_text, session_of, settle
from tests.tui.suggesting import suggest_everything
from tui.screens.browse import BrowseScreen
from tui.screens.give_all import GiveAll
from tui.screens.label import LabelScreen

APART = [
    f"{kind}{number} " + " ".join(f"word{number}{letter}" for letter in "abcdefgh")
    for number in range(15)
    for kind in ("apple", "pear")
]
"""Texts that are not alike."""


async def test_the_filter_is_a_line_of_text_that_the_keys_edit(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1", "2", "1", "b")
        await settle(pilot, app)
        assert "30 reviews" in screen_text(app)
        await pilot.press("s", "s", "l", "o", "o")
        await settle(pilot, app)
        line = app.screen.query_one("#words", Input)
        assert line.value == "state:labelled label:positive order:recent"
        assert "2 reviews" in screen_text(app)
        await pilot.press("c")
        await settle(pilot, app)
        assert line.value == ""
        await pilot.press("slash", *"apple* label:positive")
        await settle(pilot, app)
        hits = [text for text, label in decided(session_of(app).database).items() if label == "positive"]
        shown = screen_text(app)
        assert all((text in shown) == text.startswith("apple") for text in hits)


async def test_what_is_not_understood_is_said_and_the_list_stays(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.press("slash")
        await settle(pilot, app)
        app.screen.query_one("#words", Input).value = "colour:red"
        await settle(pilot, app)
        assert "There is no condition “colour:”" in screen_text(app)
        assert "apple0" in screen_text(app)


async def test_a_filter_is_kept_and_chosen_again(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("b", "s", "o")
        await settle(pilot, app)
        await pilot.press("K", *"to do", "enter")
        await settle(pilot, app)
        assert settings.load()[0].bookmarks == {"to do": "state:open order:queue"}
        await pilot.press("c")
        await settle(pilot, app)
        await pilot.press("B")
        await settle(pilot, app)
        assert "state:open order:queue" in screen_text(app)
        await pilot.press("enter")
        await settle(pilot, app)
        assert app.screen.query_one("#words", Input).value == "state:open order:queue"


async def test_all_hits_get_a_label_as_one_step_after_a_look(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash", *"pear*", "enter")
        await settle(pilot, app)
        await pilot.press("g")
        await settle(pilot, app)
        await pilot.press(*"nega", "enter")
        await settle(pilot, app)
        assert isinstance(app.screen, GiveAll)
        shown = screen_text(app)
        assert "Give 15 reviews the label “negative”" in shown
        drawn = str(app.screen.query_one("#drawn", Static).render())
        assert sum(f"pear{number} " in drawn for number in range(15)) == 10
        assert "apple" not in drawn
        await pilot.press("escape")
        await settle(pilot, app)
        assert not decided(session_of(app).database)
        await pilot.press("g", *"nega", "enter")
        await settle(pilot, app)
        await pilot.press("enter")
        await settle(pilot, app)
        await settle(pilot, app)
        assert isinstance(app.screen, BrowseScreen)
        given = decided(session_of(app).database)
        assert given == {text: "negative" for text in APART if text.startswith("pear")}
        assert session_of(app).counts.labelled == 15
        await pilot.press("escape", "u")
        await settle(pilot, app)
        assert not decided(session_of(app).database)


async def test_what_a_model_chose_is_not_given_to_the_audit_set(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    database = open_project(app._project)  # type: ignore[arg-type]
    suggest_everything(database)
    with database.reading() as session:
        audit = {review.text for review in session.exec(select(Review)) if review.audit}
    database.close()
    assert audit
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash", *"suggested:positive", "enter")
        await settle(pilot, app)
        await pilot.press("g", *"posi", "enter")
        await settle(pilot, app)
        assert "Left out are reviews of the audit set" in screen_text(app)
        await pilot.press("enter")
        await settle(pilot, app)
        await settle(pilot, app)
        assert set(decided(session_of(app).database)) == set(APART) - audit


async def test_a_walk_goes_through_just_the_hits_and_escape_leaves_it(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1", "1", "slash", *"pear*", "enter")
        await settle(pilot, app)
        await pilot.press("w")
        await settle(pilot, app)
        assert isinstance(app.screen, LabelScreen)
        assert "1/15 pear*" in screen_text(app)
        seen = [card_of(app).text]
        for _ in range(14):
            await pilot.press("2")
            await settle(pilot, app)
            seen.append(card_of(app).text)
        assert seen == [text for text in APART if text.startswith("pear")], "in the filter's order, decided or not"
        await pilot.press("left")
        await settle(pilot, app)
        assert card_of(app).text == seen[-2]
        await pilot.press("escape")
        await settle(pilot, app)
        assert session_of(app).walk is None
        assert "pear*" not in screen_text(app)


async def test_at_the_end_of_a_walk_the_queue_goes_on(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash", *"pear3", "enter")
        await settle(pilot, app)
        await pilot.press("w")
        await settle(pilot, app)
        assert card_of(app).text.startswith("pear3 ")
        await pilot.press("2")
        await settle(pilot, app)
        assert session_of(app).walk is None
        assert card_of(app).state is None
