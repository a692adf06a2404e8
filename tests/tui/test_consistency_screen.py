"""The consistency screen: agreement with oneself, suggestions shown and held back, and plain warnings."""

from __future__ import annotations

import pytest

from core.storage import repeats
from core.storage.database import Database, annotator_id
from core.storage.states import labelled, states
from tests.labelling.test_controls import LABELLED, accept_all
from tests.labelling.test_controls import database as _labelled_yesterday
from tests.tui.conftest import SIZES, screen_text, settle
from tui.app import LabelloopApp

database = _labelled_yesterday


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_known_is_shown_and_warned_of(database: Database, size: tuple[int, int]) -> None:
    with database.writing() as session:
        who = annotator_id(session, "ann")
        for one in range(1, LABELLED + 1):
            said = states(session, [one])[one]
            repeats.answer(session, who, "again", one, labelled(who, [2 if one % 4 == 0 else 1]), said)
    accept_all(database, 0.2, 1.0, 0.9)
    database.close()
    app = LabelloopApp(database.path)
    async with app.run_test(size=size) as pilot:
        await settle(pilot, app)
        await pilot.press("C")
        await app.workers.wait_for_complete()
        await settle(pilot, app)
        assert "asked twice, 45" not in screen_text(app)
        await pilot.press("p")
        await app.workers.wait_for_complete()
        await settle(pilot, app)
        shown = screen_text(app)
        assert "accepted unread" in shown
        assert f"Of {LABELLED} reviews asked twice, 45 got the same answer" in shown
        assert "kappa" in shown


async def test_before_anything_is_known_it_says_how_it_will_be(database: Database) -> None:
    database.close()
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        await pilot.press("C")
        await app.workers.wait_for_complete()
        await settle(pilot, app)
        shown = screen_text(app)
        assert "Nothing was asked twice yet." in shown
        assert "held back for 5 %" in shown
