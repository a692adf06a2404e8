"""Going through the reviews most likely to have a label: how the rare ones are found."""

from __future__ import annotations

import struct

import pytest
from sqlmodel import col, select
from textual.widgets import Input

from core.storage import runs
from core.storage.database import Database
from core.storage.tables import Review
from tests.conftest import MakeProject, learnable
from tests.tui.conftest import card_of, screen_text, session_of, settle
from tui.app import LabelloopApp

LABELS = ("common", "rare", "rarer")


@pytest.fixture
def database(project: MakeProject) -> Database:
    return project(labels=LABELS, reviews=[text for text, _ in learnable(40)])


def say(database: Database) -> list[int]:
    """A run in use that never suggests “rare”, but finds it likelier from review to review; returns their order."""
    with database.writing() as session:
        run_id = runs.start(session, "tiny", {}, [1, 2, 3])
        rows = session.exec(select(Review.id, Review.audit).order_by(col(Review.id))).all()
        said = {one: (0.9 - one / 200, one / 200, 0.1) for one, _ in rows if one is not None}
        stored = [
            {
                "run_id": run_id,
                "review_id": one,
                "label_id": 1,
                "probability": scores[0],
                "scores": struct.pack("<3f", *scores),
            }
            for one, scores in said.items()
        ]
        runs.add_suggestions(session, stored)
        runs.publish(session, run_id, len(stored))
    return [one for one, audit in reversed(rows) if one is not None and not audit]


async def test_the_likeliest_come_first_and_none_of_the_audit_set(database: Database) -> None:
    wanted = say(database)
    database.close()
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        await pilot.press("G", *"rare", "enter")
        await settle(pilot, app)
        assert "likely rare" in screen_text(app)
        assert "Among the reviews most likely to be “rare”." in screen_text(app)
        seen = []
        for _ in range(5):
            seen.append(card_of(app).review_id)
            await pilot.press("2")
            await settle(pilot, app)
        assert seen == wanted[:5]
        await pilot.press("escape", "G", *"rare", "enter")
        await settle(pilot, app)
        assert card_of(app).review_id == wanted[5], "what is decided does not come again"
        session_of(app).writer.flush()


async def test_without_suggestions_it_is_said_that_there_are_none(database: Database) -> None:
    database.close()
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settle(pilot, app)
        before = card_of(app).review_id
        await pilot.press("G")
        await settle(pilot, app)
        assert app.screen.query_one(Input).has_focus
        await pilot.press(*"rarer", "enter")
        await settle(pilot, app)
        assert "Nothing is suggested yet" in screen_text(app)
        assert card_of(app).review_id == before
