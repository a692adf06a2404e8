"""Suspected labels on the screen: both labels, what is near, one key to keep or to correct, and undo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlmodel import select
from textual.pilot import Pilot

from core.mistakes import find
from core.storage import feature_cache
from core.storage.database import Database, open_project
from core.storage.feature_cache import FeatureCache
from core.storage.pool import text_digest
from core.storage.states import states
from core.storage.tables import Review
from tests.conftest import MakeProject
from tests.test_mistakes import database as _labelled_with_mistakes
from tests.tui.conftest import SIZES, screen_text, session_of, settle
from tui.app import LabelloopApp
from tui.screens.mistakes import MistakesScreen

database = _labelled_with_mistakes


@pytest.fixture
def path(database: Database) -> Path:
    """The project, with features by which reviews of one label lie near each other."""
    with database.reading() as session:
        everything = list(session.exec(select(Review)))
    draw = np.random.default_rng(0)
    features = draw.normal(size=(len(everything), 9)).astype(np.float16)
    features[:, 0] += np.array([8 if (one.id or 0) % 2 else -8 for one in everything], dtype=np.float16)
    cache = FeatureCache(database.models / feature_cache.FOLDER, "k", 9, 1_000)
    cache.add([text_digest(one.text) for one in everything], features)
    cache.close()
    database.close()
    return database.path


async def opened(pilot: Pilot[None], app: LabelloopApp) -> None:
    await settle(pilot, app)
    await pilot.press("M")
    await settle(pilot, app)
    await app.workers.wait_for_complete()
    await settle(pilot, app)


def suspects(path: Path) -> list[int]:
    made = open_project(path)
    with made.reading() as session:
        found = [one.review_id for one in find(session).suspects]
    made.close()
    return found


def given(path: Path, review_id: int) -> tuple[int, ...]:
    made = open_project(path)
    with made.reading() as session:
        found = states(session, [review_id])[review_id].label_ids
    made.close()
    return found


@pytest.mark.parametrize("size", SIZES)
async def test_a_suspect_is_shown_with_both_labels_and_what_is_near(path: Path, size: tuple[int, int]) -> None:
    app = LabelloopApp(path)
    count = len(suspects(path))
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app)
        shown = screen_text(app)
        assert f"Suspect 1 of {count}" in shown
        assert "are wrong" in shown
        assert "given" in shown
        assert "given by hand" in shown
        assert "model" in shown
        assert "nearest labelled reviews" in shown


async def test_keep_correct_and_undo(path: Path) -> None:
    first, second, third = suspects(path)[:3]
    before = {one: given(path, one) for one in (first, second, third)}
    app = LabelloopApp(path)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        await pilot.press("space")
        await settle(pilot, app)
        await pilot.press("enter")
        await settle(pilot, app)
        session_of(app).writer.flush()
        assert given(path, first) == before[first]
        assert given(path, second) == (3 - before[second][0],)
        assert not {first, second} & set(suspects(path))
        await pilot.press(str(3 - before[third][0]))
        await settle(pilot, app)
        session_of(app).writer.flush()
        assert given(path, third) != before[third]
        for _ in range(3):
            await pilot.press("u")
            await settle(pilot, app)
            await app.workers.wait_for_complete()
        session_of(app).writer.flush()
        assert {one: given(path, one) for one in before} == before
        assert suspects(path)[:3] == [first, second, third]


async def test_what_was_judged_is_counted_and_nothing_is_judged_unseen(path: Path) -> None:
    everything = suspects(path)
    app = LabelloopApp(path)
    async with app.run_test(size=(200, 50)) as pilot:
        await opened(pilot, app)
        assert "From here on about" in screen_text(app)
        await pilot.press("space")
        await settle(pilot, app)
        await pilot.press("enter")
        await settle(pilot, app)
        assert "2 suspects judged so far, 1 corrected" in screen_text(app)
        # Two verdicts before the next suspect is in sight: the second one is about nothing.
        screen = app.screen
        assert isinstance(screen, MistakesScreen)
        third = screen.suspect
        assert third is not None
        screen.action_keep()
        assert screen.suspect is None
        screen.action_correct()
        await settle(pilot, app)
        assert "3 suspects judged so far, 1 corrected" in screen_text(app)
        assert screen.suspect is not None
        assert screen.suspect.review_id == everything[3]


async def test_after_the_last_suspect_it_says_so(path: Path) -> None:
    app = LabelloopApp(path)
    many = len(suspects(path))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        for _ in range(many):
            await pilot.press("space")
            await settle(pilot, app)
        assert "last suspect" in screen_text(app)
    assert suspects(path) == []


async def test_without_a_model_it_says_what_to_do(project: MakeProject) -> None:
    made = project(reviews=["one review", "and another"])
    made.close()
    app = LabelloopApp(made.path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        assert "Label some more" in screen_text(app)
