"""The labels screen: every change by keys, written in order with the labelling, and seen while labelling at once."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from core.storage import scheme
from tests.tui.conftest import SIZES, MakeApp, card_of, decided, screen_text, session_of, settle, walk_to
from tests.tui.suggesting import suggest_everything
from tui.app import LabelloopApp
from tui.bindings import ACTIONS, characters
from tui.screens.ask import Ask
from tui.screens.choose import Choose
from tui.screens.label import LabelScreen
from tui.screens.scheme import SchemeScreen
from tui.widgets.label_table import LabelTable

THREE = ("positive", "negative", "delivery")

TEXTS = [" ".join(chr(97 + number) * length for length in (3, 5, 7)) for number in range(15)]
"""So different that none is taken for a copy of another."""


def names(app: LabelloopApp) -> list[str]:
    """The labels that the label screen offers."""
    return [label.name for label in session_of(app).scheme]


async def write(pilot: Pilot[None], app: LabelloopApp, text: str) -> None:
    """Replace what stands in the question by this, and take it."""
    assert isinstance(app.screen, Ask)
    await pilot.press("ctrl+u", "ctrl+k", *text, "enter")
    await settle(pilot, app)
    await pilot.pause()


async def test_k_opens_the_table_of_labels_and_escape_goes_back(app_on: MakeApp) -> None:
    app = app_on(labels=THREE, texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1", "1", "2", "k")
        await settle(pilot, app)
        assert isinstance(app.screen, SchemeScreen)
        rows = [line.split() for line in screen_text(app).splitlines()]
        assert ["1", "●", "positive", "2", "·", "40"] in rows
        assert ["3", "●", "delivery", "·", "·", "·"] in rows
        await pilot.press("escape")
        assert isinstance(app.screen, LabelScreen)


async def test_a_label_is_added_and_its_key_works_at_once(app_on: MakeApp) -> None:
    app = app_on(labels=THREE, texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("k", "a")
        await write(pilot, app, "refunds")
        assert names(app) == [*THREE, "refunds"]
        assert app.screen.query_one(LabelTable).chosen == 4, "the new label is under the cursor"
        await pilot.press("escape")
        await pilot.pause()
        assert "refunds" in screen_text(app)
        text = card_of(app).text
        await pilot.press("4")
        await settle(pilot, app)
        assert decided(session_of(app).database) == {text: "refunds"}


async def test_a_label_is_renamed_recoloured_described_and_gets_words_and_a_key(app_on: MakeApp) -> None:
    app = app_on(labels=THREE, texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("k", "down", "down", "r")
        await write(pilot, app, "shipping")
        await pilot.press("d")
        await write(pilot, app, "Late, lost or broken parcels.")
        await pilot.press("w")
        await write(pilot, app, "late, parcel  courier")
        await pilot.press("y")
        await write(pilot, app, "p")
        await pilot.press("c")
        assert isinstance(app.screen, Choose)
        await pilot.press("down", "enter")
        await settle(pilot, app)
        await pilot.pause()
        shown = screen_text(app)
        assert "shipping" in shown
        assert "Late, lost or broken parcels." in shown
        assert "late, parcel, courier" in shown
        label = session_of(app).scheme[2]
        assert (label.name, label.key, label.colour, len(label.keywords)) == ("shipping", "p", "orange", 3)
        await pilot.press("escape")
        text = card_of(app).text
        await pilot.press("p")
        await settle(pilot, app)
        assert decided(session_of(app).database) == {text: "shipping"}


async def test_enter_renames_and_escape_leaves_the_name(app_on: MakeApp) -> None:
    app = app_on(labels=THREE, texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("k", "enter")
        assert isinstance(app.screen, Ask)
        await pilot.press("x", "y", "escape")
        await settle(pilot, app)
        assert isinstance(app.screen, SchemeScreen)
        assert names(app) == list(THREE)


@pytest.mark.parametrize(("keys", "told"), [("y", "means something else"), ("r", "There is a label “negative”")])
async def test_what_cannot_be_is_refused_with_a_sentence(app_on: MakeApp, keys: str, told: str) -> None:
    app = app_on(labels=THREE, texts=TEXTS)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("k", keys)
        await write(pilot, app, {"y": "k", "r": "Negative"}[keys])
        await pilot.pause()
        assert told in screen_text(app)
        assert names(app) == list(THREE)


async def test_the_last_two_labels_stay(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("k", "x")
        await settle(pilot, app)
        await pilot.pause()
        assert "needs two labels" in screen_text(app)
        assert names(app) == ["positive", "negative"]


async def test_labels_are_merged_after_a_question_and_undo_brings_them_back(app_on: MakeApp) -> None:
    app = app_on(labels=THREE, texts=TEXTS)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        texts = []
        for key in ("3", "3", "1"):
            texts.append(card_of(app).text)
            await pilot.press(key)
        await pilot.press("k", "down", "down", "m")
        assert isinstance(app.screen, Choose)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert "2 reviews labelled “delivery” will be labelled “negative”" in " ".join(
            screen_text(app).replace("│", " ").split()
        )
        await pilot.press("enter")
        await settle(pilot, app)
        await pilot.pause()
        assert "merged into negative" in screen_text(app)
        assert names(app) == ["positive", "negative"]
        database = session_of(app).database
        merged = dict(zip(texts, ["negative", "negative", "positive"], strict=True))
        assert decided(database) == merged
        assert session_of(app).counts.by_label == {1: 1, 2: 2}

        await pilot.press("u")
        await settle(pilot, app)
        await pilot.pause()
        assert "Undone: merge delivery into negative." in screen_text(app)
        assert names(app) == list(THREE)
        assert decided(database) == dict(zip(texts, ["delivery", "delivery", "positive"], strict=True))
        await pilot.press("ctrl+y")
        await settle(pilot, app)
        assert decided(database) == merged


async def test_a_merge_can_be_left(app_on: MakeApp) -> None:
    app = app_on(labels=THREE, texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("k", "m", "enter", "down", "enter")
        await settle(pilot, app)
        assert isinstance(app.screen, SchemeScreen)
        assert names(app) == list(THREE)


async def test_a_label_is_split_by_the_words_of_its_reviews(app_on: MakeApp) -> None:
    app = app_on(texts=["battery dead", "screen dead", "battery swollen", "battery fine"])
    async with app.run_test(size=(120, 40)) as pilot:
        for _ in range(4):
            await pilot.press("1" if "fine" in card_of(app).text else "2")
        await pilot.press("k", "down", "s")
        await write(pilot, app, "battery")
        assert isinstance(app.screen, Ask)
        assert "2 of 3 reviews found" in screen_text(app)
        await write(pilot, app, "power")
        assert decided(session_of(app).database) == {
            "battery dead": "power",
            "screen dead": "negative",
            "battery swollen": "power",
            "battery fine": "positive",
        }
        assert names(app) == ["positive", "negative", "power"]


async def test_a_label_is_archived_and_brought_back(app_on: MakeApp) -> None:
    app = app_on(labels=THREE, texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("k", "down", "x")
        await settle(pilot, app)
        await pilot.pause()
        assert names(app) == ["positive", "delivery"]
        assert "1 archived" in screen_text(app)
        assert app.screen.query_one(LabelTable).chosen == 2, "the cursor stays on it"
        await pilot.press("x")
        await settle(pilot, app)
        assert names(app) == list(THREE)


async def test_labels_are_put_in_another_order(app_on: MakeApp) -> None:
    app = app_on(labels=THREE, texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("k", "down", "down", "shift+up")
        await settle(pilot, app)
        await pilot.pause()
        assert names(app) == ["positive", "delivery", "negative"]
        await pilot.press("minus", "plus", "plus")
        await settle(pilot, app)
        await pilot.pause()
        assert names(app) == ["delivery", "positive", "negative"]


async def test_undo_takes_a_decision_back_too_and_says_so(app_on: MakeApp) -> None:
    """History is one line: what was done last goes first, wherever it was done."""
    app = app_on(labels=THREE, texts=TEXTS)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        text = card_of(app).text
        await pilot.press("1", "k", "u")
        await settle(pilot, app)
        await pilot.pause()
        assert "Undone: positive." in screen_text(app)
        assert decided(session_of(app).database) == {}
        await pilot.press("u")
        await settle(pilot, app)
        await pilot.press("u", "escape")
        await settle(pilot, app)
        if session_of(app).current is not None:
            assert card_of(app).text == text


async def test_suggestions_of_a_merged_label_are_shown_as_the_other(app_on: MakeApp) -> None:
    app = app_on(labels=THREE, texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        suggest_everything(session_of(app).database, 0.8, first=2)
        await pilot.press("k", "down", "down", "m", "enter", "enter")
        await settle(pilot, app)
        await pilot.press("escape")
        await walk_to(pilot, app, lambda card: not card.audit)
        text = card_of(app).text
        assert "90 %" in screen_text(app)
        await pilot.press("a")
        await settle(pilot, app)
        assert decided(session_of(app).database) == {text: "positive"}


async def test_labels_toggled_before_a_change_are_only_those_still_offered(app_on: MakeApp) -> None:
    app = app_on(labels=THREE, multi=True, texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        text = card_of(app).text
        await pilot.press("1", "2", "k", "x", "escape")
        await settle(pilot, app)
        await pilot.press("enter")
        await settle(pilot, app)
        assert decided(session_of(app).database) == {text: "negative"}


@pytest.mark.parametrize("size", SIZES)
async def test_every_label_has_one_line_at_every_size(app_on: MakeApp, size: tuple[int, int]) -> None:
    app = app_on(labels=(*THREE, "a very long name that says rather more than a name should", "配送と梱包"))
    async with app.run_test(size=size) as pilot:
        with session_of(app).database.writing() as session:
            for label in scheme.labels(session):
                label.description = "what it means, at length and in detail, with examples of all kinds " * 3
                session.add(label)
        await pilot.press("k")
        await pilot.pause()
        await pilot.pause()
        table = app.screen.query_one(LabelTable)
        assert table.virtual_size.height == len(table.options) == 5
        assert "配送と梱包" in screen_text(app).replace("\0", "")
        assert "esc" in screen_text(app)


def test_the_keys_of_the_label_screen_are_reserved_as_they_are_set() -> None:
    taken = characters(("label", "app"), {"label.skip": "z,ctrl+s"})
    assert {"a", "x", "k", "?", ",", "/", "z", "u"} <= taken
    assert " " not in taken, "skip has another key now"
    assert not {"1", "9", "p"} & taken
    assert {one.group for one in ACTIONS} >= {"label", "app", "scheme"}
