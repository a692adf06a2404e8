"""The history screen: every batch is there, and any point of it can be gone to and come back from."""

from __future__ import annotations

import threading

import pytest

from core.labelling import travel
from core.storage import history
from core.storage.database import open_project
from tests.tui.conftest import SIZES, MakeApp, decided, screen_text, session_of, settle
from tui.app import LabelloopApp
from tui.screens.history import HistoryScreen
from tui.widgets.review_table import ReviewTable

APART = [" ".join(f"word{number}{letter}" for letter in "abcdefgh") for number in range(30)]
"""Texts that are not alike, so that a decision is one change."""


def labelled(app: LabelloopApp) -> int:
    return len(decided(session_of(app).database))


async def test_every_batch_is_listed_with_what_it_changed(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1", "2", "space", "f")
        await settle(pilot, app)
        await pilot.press("h")
        await settle(pilot, app)
        shown = screen_text(app)
        assert isinstance(app.screen, HistoryScreen)
        for title in ("positive", "negative", "skip", "flag", "import reviews.db.first.csv", "the beginning"):
            assert title in shown
        assert "nothing → flagged" in shown
        assert "This is the present." in shown
        await pilot.press("down", "down")
        await settle(pilot, app)
        assert "2 steps, 2 changes will be taken back" in screen_text(app)
        assert "nothing → negative" in screen_text(app)


async def test_enter_goes_back_and_forward_and_labelling_goes_on_from_there(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1", "2", "1", "1", "2")
        await settle(pilot, app)
        full = decided(session_of(app).database)
        await pilot.press("h")
        await settle(pilot, app)
        await pilot.press("down", "down", "down")
        await settle(pilot, app)
        await pilot.press("enter")
        await settle(pilot, app)
        assert labelled(app) == 2
        assert session_of(app).counts.labelled == 2
        await pilot.press("home")
        await settle(pilot, app)
        assert "3 steps, 3 changes will be done again" in screen_text(app)
        await pilot.press("enter")
        await settle(pilot, app)
        assert decided(session_of(app).database) == full
        await pilot.press("u", "u")
        await settle(pilot, app)
        assert labelled(app) == 3
        await pilot.press("ctrl+y")
        await settle(pilot, app)
        assert labelled(app) == 4
        await pilot.press("end")
        await settle(pilot, app)
        assert "the beginning" in screen_text(app)
        await pilot.press("up", "enter")
        await settle(pilot, app)
        assert labelled(app) == 0
        await pilot.press("escape", "1")
        await settle(pilot, app)
        assert labelled(app) == 1


async def test_what_was_dropped_is_shown_and_cannot_be_gone_to(app_on: MakeApp) -> None:
    app = app_on(texts=APART)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("1", "u", "2")
        await settle(pilot, app)
        await pilot.press("h")
        await settle(pilot, app)
        await pilot.press("down")
        await settle(pilot, app)
        assert "dropped" in screen_text(app)
        assert "the way to it no longer exists" in screen_text(app)
        await pilot.press("enter")
        await settle(pilot, app)
        assert labelled(app) == 1


async def test_a_long_way_is_stopped_between_two_steps(app_on: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "BREATH", 0.0)
    app = app_on(texts=APART)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*"1212121212")
        await settle(pilot, app)
        told: list[travel.Progress] = []
        session = session_of(app)
        with session.database.reading() as reading:
            way = history.way_to(reading, history.BEGINNING)
        assert way is not None
        assert (way.steps, way.changes) == (11, 11)
        journeys: list[travel.Travel] = []

        def tell(progress: travel.Progress) -> None:
            told.append(progress)
            if progress.steps == 4:
                journeys[0].stop()

        journeys.append(travel.Travel(session.writer, way, tell))
        while not told or not told[-1].ended:
            session.writer.flush()
        assert told[-1].stopped
        assert told[-1].steps == told[-1].changes
        assert 4 <= told[-1].steps < 11
        assert labelled(app) == 10 - told[-1].steps


async def test_something_done_on_the_way_ends_the_journey(app_on: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "BREATH", 0.0)
    app = app_on(texts=APART)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*"12121")
        await settle(pilot, app)
        session, told = session_of(app), list[travel.Progress]()
        with session.database.reading() as reading:
            way = history.way_to(reading, history.BEGINNING)
        assert way is not None

        on_the_way, decided = threading.Event(), threading.Event()

        def tell(progress: travel.Progress) -> None:
            told.append(progress)
            if progress.steps == 2 and not progress.ended:
                on_the_way.set()
                assert decided.wait(30)

        travel.Travel(session.writer, way, tell)
        assert on_the_way.wait(30)
        session.give([1])
        decided.set()
        while not told[-1].ended:
            session.writer.flush()
        assert told[-1].stopped
        assert labelled(app) >= 1, "what was done meanwhile is not taken back"


async def test_a_history_of_thousands_is_read_as_it_is_scrolled(app_on: MakeApp) -> None:
    from core.storage import decisions

    app = app_on(texts=APART)
    database = open_project(app._project)  # type: ignore[arg-type]
    with database.writing() as session:
        for number in range(1_000):
            decisions.amend(session, 1, f"note {number}", 1 + number % 30, note=f"n{number}")
    database.close()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("h")
        await settle(pilot, app)
        assert "note 999" in screen_text(app)
        assert "1,001 steps" in screen_text(app)
        await pilot.press("end")
        await settle(pilot, app)
        assert "import" in screen_text(app)
        table = app.screen.query_one(ReviewTable)
        table.cursor = 500
        await settle(pilot, app)
        assert "note 499" in screen_text(app)
        await pilot.press("enter")
        while app.screen._travel is not None:  # type: ignore[attr-defined]
            await settle(pilot, app)
        with session_of(app).database.reading() as reading:
            assert history.present(reading) == history.batches(reading, 500, 1)[0].batch_id


@pytest.mark.parametrize("size", SIZES)
async def test_the_history_can_be_read_in_every_size(app_on: MakeApp, size: tuple[int, int]) -> None:
    app = app_on(texts=APART)
    async with app.run_test(size=size) as pilot:
        await pilot.press("1", "2", "h")
        await settle(pilot, app)
        assert "import" in screen_text(app)
        assert "This is the present." in screen_text(app)
