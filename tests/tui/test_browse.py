"""Browse by keys: filters as text, kept filters, a label for all hits, and a walk through just these."""

from __future__ import annotations

from sqlmodel import select
from textual.pilot import Pilot
from textual.widgets import Input, Static

from core import settings
from core.storage import browse, decisions, journal, runs
from core.storage.browse import Filter, Order
from core.storage.database import annotator_id, open_project
from core.storage.states import labelled
from core.storage.tables import Review, Suggestion
from tests.tui.conftest import MakeApp, card_of, decided, screen_text, session_of, settle
from tests.tui.suggesting import suggest_everything
from tui.app import LabelloopApp
from tui.screens.browse import BrowseScreen
from tui.screens.give_all import GiveAll
from tui.screens.label import LabelScreen
from tui.widgets.review_table import ReviewTable

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
        assert all((text[:30] in shown) == text.startswith("apple") for text in hits), "long ones are cut"


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


async def test_a_filter_that_was_kept_is_thrown_away_and_brought_back(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("b", "s", "K", *"open", "enter")
        await settle(pilot, app)
        await pilot.press("o", "K", *"queued", "enter")
        await settle(pilot, app)
        await pilot.press("B", "d")
        await settle(pilot, app)
        assert settings.load()[0].bookmarks == {"queued": "state:open order:queue"}
        await pilot.press("d")
        await settle(pilot, app)
        assert settings.load()[0].bookmarks == {}
        await pilot.press("u", "u")
        await settle(pilot, app)
        assert set(settings.load()[0].bookmarks) == {"open", "queued"}
        await pilot.press("home", "enter")
        await settle(pilot, app)
        assert app.screen.query_one("#words", Input).value == "state:open"


async def test_what_somebody_else_changes_is_seen_and_the_place_is_kept(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("b", "s", *["down"] * 4)
        await settle(pilot, app)
        browse_screen = app.screen
        assert isinstance(browse_screen, BrowseScreen)
        assert "30 reviews" in screen_text(app)
        table = browse_screen.query_one(ReviewTable)
        assert table.chosen == 5
        other = open_project(app._project)  # type: ignore[arg-type]
        with other.writing() as session:
            person = annotator_id(session, "bob")
            decisions.decide_all(session, person, "positive", [1, 2, 5], labelled(person, [1]))
        await look(pilot, app, browse_screen)
        assert "27 reviews" in screen_text(app)
        assert table.chosen == 8, "the fifth row, because its review has left the list"
        with other.writing() as session:
            journal.undo(session)
        other.close()
        await look(pilot, app, browse_screen)
        assert "30 reviews" in screen_text(app)
        assert table.chosen == 8, "the same review, which is the eighth row again"
        assert table.cursor == 7


async def look(pilot: Pilot[None], app: LabelloopApp, browse_screen: BrowseScreen) -> None:
    """What the screen does every two seconds."""
    browse_screen._look()
    await settle(pilot, app)


async def test_two_runs_that_disagree_can_be_looked_at(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    database = open_project(app._project)  # type: ignore[arg-type]
    suggest_everything(database)
    with database.writing() as session:
        before = session.exec(select(Suggestion)).all()
        second = runs.start(session, "tiny", {}, [1, 2])
        rows = [
            {
                "run_id": second,
                "review_id": one.review_id,
                "label_id": 3 - (one.label_id or 1) if one.review_id in (2, 9) else one.label_id,
                "probability": one.probability,
                "scores": one.scores,
            }
            for one in before
        ]
        runs.add_suggestions(session, rows)
        runs.publish(session, second, len(rows))
    database.close()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash", *"flipped:1-2")
        await settle(pilot, app)
        assert "flipped:3-7 (runs 3 and 7 differ)" in screen_text(app), "the help is in sight while one types"
        await pilot.press("enter")
        await settle(pilot, app)
        shown = screen_text(app)
        assert "2 reviews" in shown
        assert "pear0 " in shown
        assert "apple4 " in shown
        await pilot.press("slash", "end", "1", "enter")
        await settle(pilot, app)
        assert "There is no run 21 with suggestions. There are: 1, 2." in " ".join(screen_text(app).split())


async def test_the_end_of_a_long_list_is_read(app_on: MakeApp) -> None:
    app = app_on(texts=[f"{number} " + "abcdefgh "[number % 9 :] * 3 for number in range(450)])
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("b", "o")
        await settle(pilot, app)
        await pilot.press("end")
        await settle(pilot, app)
        table = app.screen.query_one(ReviewTable)
        with session_of(app).database.reading() as session:
            expected = browse.every(session, Filter(order=Order.QUEUE))
        assert len(expected) == 450
        assert table.cursor == 449
        assert table.chosen == expected[449]
        await pilot.press("pageup", "pageup")
        await settle(pilot, app)
        assert table.chosen == expected[table.cursor]


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
