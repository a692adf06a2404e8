"""Leaving while a job runs asks first, and says what is lost."""

from __future__ import annotations

from typing import Any

import pytest

from core.worker import events
from core.worker.scripted import ScriptedWorker
from tests.tui.conftest import MakeApp, screen_text
from tui.app import LabelloopApp
from tui.screens.label import LabelScreen
from tui.screens.leave import Leave

STARTED = events.Started("train", 1, "")
TEACHING = (STARTED, events.FoldDone(0, 4), events.Progressed("teaching", 12, 480, 14.0, 900.0))
LOADED = events.Loaded("tiny", "a folder", "CPU, 2 threads", "bf16", 1_000, 20, 4, 0, 64, 100)
TRAINING = (STARTED, LOADED, events.StepDone(1, 100, 0.1, 0.7, 20.0, 5.0))


def training(app: LabelloopApp, script: tuple[events.Event, ...]) -> None:
    """Let the app's next job play these events, and go on."""

    def start(request: Any) -> ScriptedWorker:
        worker = ScriptedWorker(request, [*script, events.Finished(1, 0.0)], step_by_step=True)
        worker.advance(len(script))
        return worker

    app._jobs.start_worker = start


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (TEACHING, "has nothing to go on from yet"),
        (TRAINING, "goes on from there"),
        ((STARTED, events.Progressed("suggesting", 1, 9, 1.0, 1.0)), "can be asked for again"),
        ((STARTED, events.Progressed("cross-validating", 1, 9, 1.0, 1.0)), "The run is finished and stays"),
    ],
)
async def test_what_is_lost_is_said_and_one_can_stay(
    app_on: MakeApp, script: tuple[events.Event, ...], told: str
) -> None:
    app = app_on()
    training(app, script)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("1", "2", "t", "t", "escape")
        await pilot.pause()
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, Leave)
        assert told in " ".join(screen_text(app).split())
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, LabelScreen)
        assert app.is_running
        await pilot.press("q", "q")
    assert app.return_code == 0


async def test_without_a_job_there_is_no_question(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("q")
    assert app.return_code == 0


async def test_a_teacher_in_the_making_is_called_so(app_on: MakeApp) -> None:
    app = app_on()
    training(app, TEACHING)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1", "2", "t", "t")
        await pilot.pause()
        shown = screen_text(app)
        assert "making a teacher for the unlabelled reviews" in shown
        assert "part 1 of 4" in shown
        await pilot.press("escape")
        await pilot.pause()
        assert "making a teacher, part 1 of 4" in screen_text(app)
