"""Every key of every action reaches it, on the screen where it stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from core.storage.database import Database
from tests.conftest import MakeProject, learnable
from tests.tui.conftest import session_of, settle
from tests.tui.suggesting import suggest_everything
from tui.app import LabelloopApp
from tui.bindings import ACTIONS
from tui.screens.label import LabelScreen

Way = Callable[["Pilot[None]", LabelloopApp], Awaitable[None]]


@pytest.fixture
def database(project: MakeProject) -> Database:
    """A project with two runs that say something about every review."""
    made = project(reviews=[text for text, _ in learnable(20)])
    suggest_everything(made)
    suggest_everything(made)
    made.close()
    return made


def press(*keys: str) -> Way:
    """The way to a screen, by keys from the label screen."""

    async def go(pilot: Pilot[None], app: LabelloopApp) -> None:
        for key in keys:
            await pilot.press(key)
            await settle(pilot, app)

    return go


async def walking(_pilot: Pilot[None], app: LabelloopApp) -> None:
    """The label screen in a walk, which can be left."""
    assert isinstance(app.screen, LabelScreen)
    app.screen.walk_through([1, 2, 3], "three of them")


WAYS: dict[str, Way] = {
    "label": walking,
    "app": press(),
    "browse": press("b"),
    "scheme": press("k"),
    "accept": press("A"),
    "history": press("h"),
    "train": press("t"),
    "arguments": press("t", "a"),
    "runs": press("R"),
    "run": press("R", "enter"),
    "compare": press("R", "space", "down", "space", "c"),
    "mistakes": press("M"),
    "consistency": press("C"),
    "rehearsal": press("E"),
    "close": press("b"),
}


def test_there_is_a_way_to_every_group_of_keys() -> None:
    assert set(WAYS) == {action.group for action in ACTIONS}


@pytest.mark.parametrize("group", WAYS)
async def test_every_key_reaches_its_action(group: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        await WAYS[group](pilot, app)
        owner = type(app) if group == "app" else type(app.screen)
        wanted = [(action, key) for action in ACTIONS if action.group == group for key in action.keys.split(",")]
        reached: list[str] = []
        for action, _ in wanted:
            assert hasattr(owner, f"action_{action.method}"), f"{owner.__name__} cannot {action.method}"
            monkeypatch.setattr(owner, f"action_{action.method}", lambda _self, its=action.id: reached.append(its))
        for action, key in wanted:
            reached.clear()
            await pilot.press(key)
            assert reached == [action.id], f"{key} on {owner.__name__}"
        session_of(app).writer.flush()
