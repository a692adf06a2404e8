"""The app on real project files, driven by keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from core.labelling.session import LabellingSession
from core.storage.cards import Card
from core.storage.database import Database
from core.storage.states import states
from core.storage.tables import Decision
from core.worker.scripted import Scripted, scripted
from tests.conftest import MakeProject, learnable
from tui.app import LabelloopApp

SIZES = [(80, 24), (120, 40), (200, 50)]

MakeApp = Callable[..., LabelloopApp]


@pytest.fixture
def reviews() -> list[str]:
    """Thirty texts, all different."""
    return [text for text, _ in learnable(30)]


@pytest.fixture
def app_on(project: MakeProject, reviews: list[str]) -> MakeApp:
    """Makes an app on a fresh project: `app_on(script, labels, multi)`."""

    def make(
        script: list[Scripted] | None = None,
        labels: tuple[str, ...] = ("positive", "negative"),
        multi: bool = False,
        texts: list[str] | None = None,
    ) -> LabelloopApp:
        database = project(labels=labels, multi=multi, reviews=texts or reviews)
        database.close()
        return LabelloopApp(database.path, start_worker=scripted(script or []))

    return make


def session_of(app: LabelloopApp) -> LabellingSession:
    """The open project's session."""
    return app.desk.session


def card_of(app: LabelloopApp) -> Card:
    """The review that is up."""
    card = session_of(app).current
    assert card is not None
    return card


async def walk_to(pilot: Pilot[None], app: LabelloopApp, fits: Callable[[Card], bool]) -> Card:
    """Go on, with the key for the next review, to one that fits; it has to be among the next hundred."""
    for _ in range(100):
        if fits(card := card_of(app)):
            return card
        await pilot.press("right")
    pytest.fail("No such review came up.")


def decided(database: Database) -> dict[str, str]:
    """What is on disk: label names (or “skipped”) by text."""
    from sqlmodel import select

    from core.storage import scheme
    from core.storage.tables import Review

    with database.reading() as session:
        texts = {review.id: review.text for review in session.exec(select(Review))}
        labels = scheme.labels(session, archived=True)
        found = states(session, [review_id for review_id in texts if review_id is not None])
        return {
            texts[review_id]: "|".join(scheme.names(labels, state.label_ids))
            if state.decision is Decision.LABELLED
            else str(state.decision)
            for review_id, state in found.items()
            if state.decision is not None
        }


async def settle(pilot: Pilot[None], app: LabelloopApp) -> None:
    """Wait until what was pressed is on disk and on the screen."""
    await pilot.pause()
    session_of(app).writer.flush()
    await pilot.pause()
    await app.workers.wait_for_complete()
    await pilot.pause()


def screen_text(app: LabelloopApp) -> str:
    """Everything on the screen, as a person reads it."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
