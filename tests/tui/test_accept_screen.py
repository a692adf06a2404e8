"""The accept screen: what it says is what is accepted, and one undo takes it back."""

from __future__ import annotations

import random
import struct

import pytest
from sqlmodel import select
from textual.pilot import Pilot

from core.accepting.asking import share_or_probability
from core.storage import decisions, quick_run, runs
from core.storage.database import Database, annotator_id
from core.storage.states import labelled, states
from core.storage.tables import Origin, Review, RunKind, RunStatus
from tests.conftest import MakeProject, learnable
from tests.tui.conftest import SIZES, screen_text, session_of, settle
from tests.tui.suggesting import suggest_everything
from tui.app import LabelloopApp
from tui.screens.accept import AcceptScreen
from tui.screens.label import LabelScreen

COUNT = 300


@pytest.fixture
def database(project: MakeProject) -> Database:
    """A run that is sure of two in three reviews and right there, with most of the audit set labelled."""
    made = project(reviews=[text for text, _ in learnable(COUNT)])
    draw = random.Random(0)
    with made.writing() as session:
        person = annotator_id(session, "ann")
        run_id = runs.start(session, "tiny", {}, [1, 2])
        rows = []
        for review in session.exec(select(Review)).all():
            assert review.id is not None
            share = draw.choice([0.985, 0.015, 0.6])
            rows.append(
                {
                    "run_id": run_id,
                    "review_id": review.id,
                    "label_id": 1 if share > 0.5 else 2,
                    "probability": max(share, 1 - share),
                    "scores": struct.pack("<2f", share, 1 - share),
                }
            )
            if review.audit and draw.random() < 0.9:
                label = (1 if share > 0.5 else 2) if share != 0.6 else draw.choice([1, 2])
                decisions.decide(session, person, "hand", {review.id: labelled(person, [label])})
        runs.add_suggestions(session, rows)
        runs.end(session, run_id, RunStatus.FINISHED)
        runs.publish(session, run_id, len(rows))
    return made


async def open_screen(pilot: Pilot[None], app: LabelloopApp) -> AcceptScreen:
    await settle(pilot, app)
    await pilot.press("A")
    for _ in range(3):
        await settle(pilot, app)
    assert isinstance(app.screen, AcceptScreen)
    return app.screen


def accepted_in(database: Database) -> set[int]:
    with database.reading() as session:
        known = states(session, range(1, COUNT + 1))
    return {review_id for review_id, state in known.items() if state.origin is Origin.ACCEPTED}


@pytest.mark.parametrize("size", SIZES)
async def test_each_share_says_what_it_takes_or_what_is_missing(database: Database, size: tuple[int, int]) -> None:
    app = LabelloopApp(database.path)
    async with app.run_test(size=size) as pilot:
        screen = await open_screen(pilot, app)
        shown = screen_text(app)
        assert "at most wrong" in shown
        assert "0.5 %" in shown
        assert "more audit labels would do" in shown
        assert "95 % confidence" in shown
        found = screen._found
        assert found is not None
        first = next(line for line in found.lines if line.promise is not None)
        assert first.max_wrong is not None
        assert f"▸ {first.max_wrong:.0%}".replace("%", " %") in shown, "the first share that can be promised"
        assert "0.985" in shown


async def test_enter_shows_some_of_them_and_accepts_all_as_one_step(database: Database) -> None:
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await open_screen(pilot, app)
        line = screen._line
        assert line is not None
        assert line.promise is not None
        await pilot.press("enter")
        await settle(pilot, app)
        assert f"Accept {line.promise.accepted} suggestions" in screen_text(app)
        assert "drawn at random" in screen_text(app)
        await pilot.press("escape")
        assert accepted_in(database) == set()
        await pilot.press("enter")
        await settle(pilot, app)
        await pilot.press("enter")
        for _ in range(4):
            await settle(pilot, app)
        assert len(accepted_in(database)) == line.reviews > 100
        assert session_of(app).counts.labelled > line.reviews
        await pilot.press("u")
        for _ in range(3):
            await settle(pilot, app)
        assert accepted_in(database) == set()
        assert isinstance(app.screen, AcceptScreen)
        assert screen._line is not None
        assert screen._line.reviews == line.reviews, "what was taken back can be accepted again"
        await pilot.press("escape", "r")
        for _ in range(3):
            await settle(pilot, app)
        assert len(accepted_in(database)) == line.reviews, "redo in the label screen"


async def test_each_label_says_what_it_comes_to_alone(database: Database) -> None:
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await open_screen(pilot, app)
        await pilot.press(*["down"] * 6)
        for _ in range(3):
            await settle(pilot, app)
        alone = [part.alone for part in screen._chosen.parts]
        assert len(alone) == 2
        assert "alone at 20 %" in screen_text(app)
        promised = [one.promise for one in alone if one is not None and one.promise is not None]
        assert promised
        assert f"{promised[0].accepted} at 0." in screen_text(app)


async def test_among_many_labels_one_is_found_by_name(project: MakeProject) -> None:
    names = [f"topic {letter}" for letter in "abcdefghijkl"]
    made = project(names, reviews=[text for text, _ in learnable(40)])
    suggest_everything(made)
    app = LabelloopApp(made.path)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await open_screen(pilot, app)
        everything = screen._found
        await pilot.press("l", *"topic a", "enter")
        for _ in range(3):
            await settle(pilot, app)
        assert "of topic a" in screen_text(app)
        await pilot.press("l")
        for _ in range(3):
            await settle(pilot, app)
        assert "of topic a" not in screen_text(app)
        assert everything is not None
        assert screen._found == everything


async def test_suggestions_of_different_moments_are_said_to_be_so(database: Database) -> None:
    with database.writing() as session:
        runs.change(session, 1, kind=RunKind.QUICK, annotations_digest="new", metrics={quick_run.SETTLED: "old"})
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_screen(pilot, app)
        assert "bringing its suggestions up to date" in screen_text(app)
    with database.writing() as session:
        runs.change(session, 1, metrics={quick_run.SETTLED: "new"})
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_screen(pilot, app)
        assert "bringing its suggestions up to date" not in screen_text(app)


async def test_a_line_of_ones_own_and_one_label(database: Database) -> None:
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await open_screen(pilot, app)
        await pilot.press("p", *"0.55", "enter")
        for _ in range(3):
            await settle(pilot, app)
        line = screen._line
        assert line is not None
        assert line.promise is not None
        assert line.promise.threshold == 0.55
        assert "own line" in screen_text(app)
        everything = line.promise.accepted
        await pilot.press("l")
        for _ in range(3):
            await settle(pilot, app)
        assert "of positive" in screen_text(app)
        found = screen._found
        assert found is not None
        assert found.pool < everything
        await pilot.press("down", "down", "up", "r", "pagedown", "pageup")
        await settle(pilot, app)


async def test_a_share_that_cannot_be_promised_is_not_accepted(database: Database) -> None:
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_screen(pilot, app)
        await pilot.press(*["up"] * 8)
        await settle(pilot, app)
        assert "Cannot promise 0.5 %" in screen_text(app)
        await pilot.press("enter")
        await settle(pilot, app)
        assert isinstance(app.screen, AcceptScreen)
        assert accepted_in(database) == set()


async def test_the_rest_of_the_audit_set_is_walked_through(database: Database) -> None:
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_screen(pilot, app)
        await pilot.press("g")
        await settle(pilot, app)
        assert isinstance(app.screen, LabelScreen)
        current = session_of(app).current
        assert current is not None
        assert current.audit
        assert "audit set" in screen_text(app)


async def test_without_suggestions_it_says_so(project: MakeProject) -> None:
    made = project(reviews=["one", "two"])
    app = LabelloopApp(made.path)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_screen(pilot, app)
        assert "No run is in use" in screen_text(app)
        await pilot.press("enter", "l", "r", "g", "up")
        await settle(pilot, app)
        assert isinstance(app.screen, AcceptScreen)


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("0.95", (None, 0.95)),
        ("2 %", (0.02, None)),
        ("0,02", (0.02, None)),
        ("1", (None, 1.0)),
        ("0", None),
        ("many", None),
        ("7", None),
        ("200%", None),
    ],
)
def test_what_is_typed_is_a_share_or_a_probability(typed: str, means: object) -> None:
    assert share_or_probability(typed) == means
