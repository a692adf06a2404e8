"""What flipped: offered after a new run, by label and direction, and walked through."""

from __future__ import annotations

import struct

import pytest
from sqlmodel import col, update

from core.flips import before, newest_pair
from core.storage import runs
from core.storage.database import Database
from core.storage.tables import RunKind, Suggestion
from core.worker import events
from core.worker.requests import Train
from core.worker.scripted import scripted
from tests.conftest import MakeProject, learnable
from tests.tui.conftest import screen_text, session_of, settle
from tests.tui.suggesting import suggest_everything
from tui.app import LabelloopApp
from tui.screens.compare import CompareScreen
from tui.screens.label import LabelScreen

FLIPPED = [3, 4, 9, 15]


@pytest.fixture
def database(project: MakeProject) -> Database:
    """Run 1 says “positive” of all twenty reviews, run 2 “negative” of four of them."""
    made = project(reviews=[text for text, _ in learnable(20)])
    suggest_everything(made)
    second = suggest_everything(made)
    with made.writing() as session:
        its = (col(Suggestion.run_id) == second, col(Suggestion.review_id).in_(FLIPPED))
        session.execute(update(Suggestion).where(*its).values(label_id=2, scores=struct.pack("<2f", 0.1, 0.9)))
    return made


async def test_the_newest_run_is_held_against_the_one_before_and_its_flips_are_walked_through(
    database: Database,
) -> None:
    database.close()
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        await pilot.press("F")
        await app.workers.wait_for_complete()
        await settle(pilot, app)
        assert isinstance(app.screen, CompareScreen)
        shown = screen_text(app)
        assert "Of 20 reviews with suggestions of both, 4 have another label now" in shown
        assert "positive → negative" in shown
        await pilot.press("w")
        await app.workers.wait_for_complete()
        await settle(pilot, app)
        assert isinstance(app.screen, LabelScreen)
        walk = session_of(app).walk
        assert walk is not None
        assert list(walk.review_ids) == FLIPPED
        assert walk.what == "positive → negative"


async def test_a_new_run_offers_its_flips(database: Database) -> None:
    database.close()
    app = LabelloopApp(
        database.path, start_worker=scripted([events.SuggestionsStored(2, 20, True, "Run 2 is in use.")])
    )
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settle(pilot, app)
        app.desk.start_job(Train(str(database.path)))
        for _ in range(3):
            await pilot.pause()
        await app.workers.wait_for_complete()
        await settle(pilot, app)
        told = " ".join(screen_text(app).replace("▌", " ").split())
        assert "4 suggestions flipped since run 1" in told


async def test_with_one_run_there_is_nothing_to_compare(project: MakeProject) -> None:
    made = project(reviews=[text for text, _ in learnable(8)])
    suggest_everything(made)
    made.close()
    app = LabelloopApp(made.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        await pilot.press("F")
        await settle(pilot, app)
        assert isinstance(app.screen, LabelScreen)


def test_the_run_before_is_the_one_that_was_shown_before(database: Database) -> None:
    with database.reading() as session:
        pair = newest_pair(session)
        assert pair is not None
        assert [run.id for run in pair] == [2, 1]
        assert before(session, runs.existing(session, 1)) is not None


def test_the_quick_learner_is_what_to_hold_against_until_it_is_in_use(database: Database) -> None:
    """Its run is entered once and changes with every label, whatever its number."""
    with database.writing() as session:
        runs.change(session, 2, kind=RunKind.QUICK)
        runs.publish(session, 1, 20)
    with database.reading() as session:
        pair = newest_pair(session)
        assert pair is not None
        assert [run.id for run in pair] == [1, 2]
    with database.writing() as session:
        runs.publish(session, 2, 20)
    with database.reading() as session:
        pair = newest_pair(session)
        assert pair is not None
        assert [run.id for run in pair] == [2, 1]
