"""The consistency screen: agreement with oneself, suggestions shown and held back, and plain warnings."""

from __future__ import annotations

import pytest
from sqlmodel import col, select, update

from core.labelling.controls import is_drawn
from core.storage import decisions, repeats
from core.storage.database import Database, annotator_id, project_of
from core.storage.states import accepted, labelled, states
from core.storage.tables import Annotation, Review
from tests.labelling.test_controls import LABELLED, accept_all
from tests.labelling.test_controls import database as _labelled_yesterday
from tests.tui.conftest import SIZES, screen_text, settle
from tests.tui.suggesting import suggest_everything
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


async def test_with_few_held_back_no_difference_is_claimed(database: Database) -> None:
    """Of two held back one was followed, of many shown all: far apart, and too few to say so."""
    run_id = suggest_everything(database)
    with database.writing() as session:
        who, salt = annotator_id(session, "ann"), project_of(session).salt
        rest = [one.id or 0 for one in session.exec(select(Review)) if (one.id or 0) > LABELLED and not one.audit]
        hidden = [one for one in rest if is_drawn(salt, one, 0.5)][:2]
        for one in [*hidden, *(one for one in rest if not is_drawn(salt, one, 0.5))]:
            decisions.decide(session, who, "one", {one: accepted(who, [1], run_id, 0.9)})
            values = {"suggestion_shown": one not in hidden, "suggestion_followed": one != hidden[0]}
            session.execute(update(Annotation).where(col(Annotation.review_id) == one).values(**values))
    database.close()
    app = LabelloopApp(database.path)
    app.desk.settings = app.desk.settings.model_copy(update={"annotator": "ann", "hidden_share": 0.5})
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        await pilot.press("C")
        await app.workers.wait_for_complete()
        await settle(pilot, app)
        assert "Too few to tell before 20 of each" in screen_text(app)
