"""The train screen: how to train is chosen, how it goes is seen, what waits and what stopped go on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Input, Static

from core import settings
from core.errors import DiskError
from core.storage import learning, runs, scheme
from core.storage.database import Database, open_project
from core.storage.tables import RunStatus
from core.worker import events, retraining
from core.worker.events import Event
from core.worker.requests import Train
from core.worker.scripted import ScriptedWorker
from core.worker.state import Phase
from tests.tui.conftest import SIZES, MakeApp, decided, screen_text, session_of, settle
from tui.app import LabelloopApp
from tui.messages import WorkerTold
from tui.screens.arguments import ArgumentsScreen
from tui.screens.train import TrainScreen

LOADED = events.Loaded("tiny", "a folder", "CPU, 2 threads", "bf16", 1_000, 20, 4, 0, 64, 100)


class Started:
    """An app whose trainings are scripted step by step, and what they were asked for."""

    def __init__(self, app: LabelloopApp, script: list[Event]) -> None:
        self.app, self.workers = app, list[ScriptedWorker]()

        def start(request: Any) -> ScriptedWorker:
            self.workers.append(ScriptedWorker(request, script, step_by_step=True))
            return self.workers[-1]

        app._jobs.start_worker = start

    @property
    def requests(self) -> list[Train]:
        """The trainings asked for."""
        return [worker.request for worker in self.workers if isinstance(worker.request, Train)]


@pytest.fixture
def started(app_on: MakeApp) -> Started:
    """An app whose training begins, and ends when it is let."""
    return Started(app_on(), [events.Started("train", 1, ""), LOADED, events.Finished(1, 1.0)])


def field(app: LabelloopApp, name: str) -> Input:
    return app.screen.query_one(f"#{name}", Input)


async def test_one_key_trains_with_the_defaults_and_a_preset_is_chosen_with_another(started: Started) -> None:
    async with started.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("t", "p", "up", "enter")
        await settle(pilot, started.app)
        assert "quick" in screen_text(started.app)
        await pilot.press("t")
        await settle(pilot, started.app)
        started.workers[0].advance(3)
        await settle(pilot, started.app)
        await pilot.press("p", "down", "enter", "t")
        await settle(pilot, started.app)
        quick, balanced = (request.arguments for request in started.requests)
        assert (quick["length_factor"], balanced["length_factor"]) == (0.5, 1.0)
        assert balanced["epochs"] is None


async def test_arguments_are_told_checked_in_place_and_kept_for_the_session(started: Started) -> None:
    app = started.app
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.press("t", "a")
        await settle(pilot, app)
        assert isinstance(app.screen, ArgumentsScreen)
        assert "Passes over the training reviews, above 0 to 1,000" in screen_text(app)
        field(app, "epochs").focus()
        await pilot.press(*"2.5", "enter")
        field(app, "freeze_embeddings").focus()
        await pilot.press(*"yes")
        await settle(pilot, app)
        await pilot.press("escape")
        await settle(pilot, app)
        assert "balanced, epochs 2.5, freeze_embeddings yes" in screen_text(app)
        await pilot.press("a")
        await settle(pilot, app)
        assert field(app, "epochs").value == "2.5"
        field(app, "epochs").focus()
        await pilot.press("ctrl+r", "f5")
        await settle(pilot, app)
        assert isinstance(app.screen, TrainScreen)
        assert started.requests[0].arguments["epochs"] is None
        assert started.requests[0].arguments["freeze_embeddings"] is True
        await pilot.press("a", "ctrl+l", "escape")
        await settle(pilot, app)
        assert app.desk.plan.changed == {}


@pytest.mark.parametrize(
    ("name", "typed", "told"),
    [
        ("epochs", "many", "Type a number, or nothing for automatic."),
        ("epochs", "0", "It must be a number above 0, at most 1000"),
        ("seed", "1.5", "Type a whole number."),
        ("warmup_share", "", "Type a number."),
        ("precision", "fp8", "Type auto, fp32 or bf16."),
        ("freeze_embeddings", "perhaps", "Type yes, no or automatic."),
        ("base_model", " ", "It must be a model name, a folder, or auto"),
    ],
)
async def test_a_wrong_argument_is_told_beside_it_and_does_not_count(
    started: Started, name: str, typed: str, told: str
) -> None:
    app = started.app
    async with app.run_test(size=(200, 120), notifications=True) as pilot:
        await pilot.press("t", "a")
        await settle(pilot, app)
        box = field(app, name)
        box.focus()
        box.value = typed
        await settle(pilot, app)
        assert told in screen_text(app)
        await pilot.press("f5")
        await settle(pilot, app)
        assert isinstance(app.screen, ArgumentsScreen)
        assert not started.workers
        await pilot.press("escape")
        await settle(pilot, app)
        assert isinstance(app.screen, TrainScreen)
        assert f"{name} stays as it was" in screen_text(app)
        assert app.desk.plan.changed == {}


async def test_how_a_training_goes_is_all_to_be_seen(app_on: MakeApp) -> None:
    script = [
        events.Started("train", 3, "/nowhere/worker.log"),
        LOADED,
        *(
            events.StepDone(step, 100, step / 10, 1.0 / step, 25.0, 100 - step, 1_234.0, 3 << 29)
            for step in range(1, 50)
        ),
        events.Evaluated(25, 2.5, 0.4, 0.75, True),
        events.CheckpointWritten(3, 40, "2026-01-01T00:00:00+00:00"),
    ]
    app = app_on(script)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("t", "t")
        await settle(pilot, app)
        shown = screen_text(app)
        for fact in (
            "run 3 · training", "epoch 4.9", "step 49 of 100", "49 %", "25 reviews/s", "1,234 tokens/s", "51 s left",
            "CPU, 2 threads", "bf16", "1.5 GB at most", "20 to train", "held-out 75 %", "checkpoint at step 40",
        ):  # fmt: skip
            assert fact in shown, fact
        await pilot.press("l")
        await settle(pilot, app)
        assert "/nowhere/worker.log" in screen_text(app)
        app.post_message(WorkerTold(events.Progressed("cross-validating", 3, 10, 2.0, 4.0)))
        app.post_message(WorkerTold(events.FoldDone(1, 5)))
        await settle(pilot, app)
        assert "part 2 of 5" in screen_text(app)
        await pilot.press("escape")
        await settle(pilot, app)
        assert "run 3 cross-validating, part 2 of 5" in screen_text(app)


@pytest.mark.parametrize(
    ("loaded", "accuracies", "told"),
    [
        (LOADED, [], "The 4 held-out reviews are scored after about every pass over the other 20."),
        (LOADED, [0.75], "75.0 % at first."),
        (replace(LOADED, validation=0), [], "Nothing is held out here: with few labels all are learned from."),
    ],
)
async def test_the_held_out_chart_says_when_it_will_come(
    app_on: MakeApp, loaded: events.Loaded, accuracies: list[float], told: str
) -> None:
    steps = [events.StepDone(step, 100, step / 10, 1 / step, 25.0, 51.0) for step in range(1, 6)]
    scored = [events.Evaluated(10 * at, 1.0, 0.5, one, True) for at, one in enumerate(accuracies, start=1)]
    work = Started(app_on(), [events.Started("train", 1, ""), loaded, *steps, *scored, events.Finished(1, 1.0)])
    app = work.app
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("t", "t")
        await settle(pilot, app)
        work.workers[0].advance(2 + len(steps) + len(scored))
        await settle(pilot, app)
        # The box is narrow and its lines break; the other box and the frames stand between them.
        shown = " ".join(str(app.screen.query_one("#no-curve", Static).render()).split())
        assert told in shown
        assert app.screen.query_one("#no-curve").display
        assert not app.screen.query_one("#accuracy").display


async def test_a_further_training_waits_and_begins_when_the_first_has_ended(started: Started) -> None:
    app = started.app
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("t", "t", "t", "t")
        await settle(pilot, app)
        assert len(started.workers) == 1
        assert "2 wait" in screen_text(app)
        await pilot.press("x")
        await settle(pilot, app)
        assert "1 waits" in screen_text(app)
        await pilot.press("escape")
        await settle(pilot, app)
        assert "1 waits" in screen_text(app).splitlines()[-2]
        started.workers[0].advance(3)
        await settle(pilot, app)
        assert len(started.workers) == 2
        assert "waits" not in screen_text(app)
        assert app.desk.job.busy


async def test_what_waits_can_be_let_go_and_without_any_it_is_said(started: Started) -> None:
    app = started.app
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("t", "x", "s", "c")
        await settle(pilot, app)
        shown = screen_text(app)
        for told in ("No training waits.", "Nothing is running.", "has a checkpoint to go on from"):
            assert told in shown
        await pilot.press("t", "t", "x")
        started.workers[0].advance(3)
        await settle(pilot, app)
        assert len(started.workers) == 1
        assert app.desk.job.phase is Phase.FINISHED


def stop_a_run(database: Database) -> int:
    """Enter a run that stopped with a checkpoint and saw the labels there are."""
    with database.writing() as session:
        label_ids = [label.id for label in scheme.labels(session) if label.id is not None]
        run_id = runs.start(session, "tiny", {}, label_ids)
        digest = learning.digest(learning.examples(session, audit=False))
        runs.change(session, run_id, annotations_digest=digest, checkpoint=f"run-{run_id}.checkpoint")
        runs.end(session, run_id, RunStatus.CANCELLED, "Stopped at step 5, as asked.")
    return run_id


async def test_a_run_that_stopped_is_gone_on_with_as_long_as_the_labels_are_the_same(started: Started) -> None:
    app = started.app
    database = open_project(app._project)  # type: ignore[arg-type]
    run_id = stop_a_run(database)
    database.close()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("t")
        await settle(pilot, app)
        assert "goes on from its last checkpoint" in screen_text(app)
        await pilot.press("c")
        await settle(pilot, app)
        assert [request.resume for request in started.requests] == [run_id]
        started.workers[0].advance(3)
        await settle(pilot, app)
        await pilot.press("escape")
        for _ in range(8):
            await pilot.press("1")
        await settle(pilot, app)
        await pilot.press("t")
        await settle(pilot, app)
        assert "goes on from its last checkpoint" not in screen_text(app)


# ---------------------------------------------------------------------- by itself


async def label_all(app: LabelloopApp, pilot: Any, many: int = 25) -> None:
    for number in range(many):
        await pilot.press("12"[number % 2])
    await settle(pilot, app)


async def test_after_so_many_labels_it_trains_by_itself_and_says_why(started: Started) -> None:
    settings.save({"retrain_labels": 20})
    app = started.app
    app.desk.settings = settings.load()[0]
    async with app.run_test(size=(120, 40)) as pilot:
        await label_all(app, pilot, 10)
        app._jobs.consider()
        await settle(pilot, app)
        assert not started.workers
        await label_all(app, pilot, 15)
        app._jobs.consider()
        await settle(pilot, app)
        assert len(started.requests) == 1
        assert "began by itself: There are" in screen_text(app).splitlines()[-2]
        app._jobs.consider()
        await settle(pilot, app)
        assert len(started.requests) == 1


@pytest.mark.parametrize(
    ("wanted", "battery"), [({"quiet": True}, False), ({"retrain_labels": 0}, False), ({}, True)]
)
async def test_on_battery_when_quiet_and_when_it_is_off_nothing_begins_by_itself(
    started: Started, wanted: dict[str, Any], battery: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retraining, "on_battery", lambda: battery)
    settings.save({"retrain_labels": 20, **wanted})
    app = started.app
    app.desk.settings = settings.load()[0]
    async with app.run_test(size=(120, 40)) as pilot:
        await label_all(app, pilot)
        app._jobs.consider()
        await settle(pilot, app)
        assert not started.workers
        assert session_of(app).counts.labelled == 25


@pytest.mark.parametrize("size", SIZES)
async def test_the_train_screen_and_the_arguments_can_be_read_in_every_size(
    started: Started, size: tuple[int, int]
) -> None:
    app = started.app
    async with app.run_test(size=size) as pilot:
        await pilot.press("t")
        await settle(pilot, app)
        assert "No run yet" in screen_text(app)
        assert "? Help" in screen_text(app)
        await pilot.press("a")
        await settle(pilot, app)
        assert "epochs" in screen_text(app)


async def test_a_training_that_began_by_itself_and_failed_is_not_tried_over_and_over(started: Started) -> None:
    settings.save({"retrain_labels": 20})
    app = started.app
    app.desk.settings = settings.load()[0]
    async with app.run_test(size=(120, 40)) as pilot:
        await label_all(app, pilot)
        app._jobs.consider()
        await settle(pilot, app)
        app.post_message(WorkerTold(events.Failed("TrainingError", "All labels are the same.", "Label more.", "")))
        await settle(pilot, app)
        assert not app.desk.job.busy
        app._jobs.consider()
        await settle(pilot, app)
        assert len(started.workers) == 1


async def test_a_job_that_ends_on_a_full_disk_does_not_take_the_app_with_it(
    app_on: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_on()

    def refuse(_session: object) -> None:
        raise DiskError("There is no room left on the disk.", "Free some space.")

    async with app.run_test(size=(120, 40)) as pilot:
        monkeypatch.setattr("tui.jobs.runs.mark_interrupted", refuse)
        app.post_message(WorkerTold(events.Failed("DiskError", "There is no room left.", "Free some.", "")))
        await settle(pilot, app)
        assert not app.desk.job.busy
        assert any("There is no room left. Free some." in notice.message for notice in app._notifications)
        await pilot.press("1")
        await settle(pilot, app)
        assert len(decided(session_of(app).database)) == 1
