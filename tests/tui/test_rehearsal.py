"""The rehearsal screen, and the chart of scores by number of labels."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core import kept_rehearsal, locations
from core.settings import load
from core.worker import events
from core.worker.client import StartWorker, Worker, WorkerLike
from core.worker.requests import Rehearse, Request
from core.worker.scripted import Scripted, ScriptedWorker
from core.worker.state import Phase, begin
from tests.conftest import learnable, write_csv
from tests.tui.conftest import SIZES, MakeApp, screen_text, settle
from tui.app import LabelloopApp
from tui.learning_chart import At, Line, chart
from tui.screens.rehearsal import RehearsalScreen

PREPARED = events.RehearsalPrepared(120, 30, ["negative", "positive"], False, "tiny", "CPU", ["auto", "random"])


def rehearsed(method: str, labels: int, accuracy: float, seed: int = 0) -> events.Rehearsed:
    scores = {"accuracy": accuracy, "macro_f1": accuracy, "micro_f1": accuracy, "calibration_error": 0.04}
    return events.Rehearsed(method, seed, labels, labels, labels, "tuned", {**scores, "log_loss": 0.4}, 12.0)


SCRIPT: list[Scripted] = [
    events.Started("rehearse", None, "log"),
    PREPARED,
    events.Progressed("rehearsing", 64, 640, 4.0, 144.0),
    *(rehearsed("auto", labels, accuracy) for labels, accuracy in ((64, 0.71), (256, 0.85))),
    *(rehearsed("random", labels, accuracy) for labels, accuracy in ((64, 0.66), (256, 0.79))),
    events.Finished(None, 20.0),
]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return write_csv(
        tmp_path / "labelled.csv", ["text", "kind", "label"], [(t, "x", one) for t, one in learnable(60)]
    )


@pytest.mark.parametrize("size", SIZES)
async def test_the_curve_and_the_table_at_the_end(app_on: MakeApp, labelled: Path, size: tuple[int, int]) -> None:
    app = app_on(SCRIPT)
    async with app.run_test(size=size) as pilot:
        await settle(pilot, app)
        await pilot.press("E")
        await settle(pilot, app)
        assert isinstance(app.screen, RehearsalScreen)
        app.screen.query_one("#file", Input).value = str(labelled)
        await pilot.press("enter")
        await settle(pilot, app)
        assert app.screen.query_one("#label", Input).value == "label"
        await pilot.press("f5")
        await settle(pilot, app)
        shown = screen_text(app)
        assert "The rehearsal is finished." in shown
        for _ in range(3):
            await pilot.press("pagedown")
        await settle(pilot, app)
        shown += screen_text(app)
        for wanted in ("● auto", "71.0", "85.0", "66.0", "79.0", "Best with 256 labels: auto."):
            assert wanted in shown


async def test_what_it_asks_of_the_worker(app_on: MakeApp, labelled: Path) -> None:
    asked: list[Request] = []

    def start(request: Request) -> WorkerLike:
        asked.append(request)
        return ScriptedWorker(request, SCRIPT)

    app = app_on()
    app._jobs.start_worker = start
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        await pilot.press("E")
        await settle(pilot, app)
        for name, value in (("file", str(labelled)), ("budgets", "8,32"), ("seeds", "2"), ("against", "margin")):
            app.screen.query_one(f"#{name}", Input).value = value
        await pilot.press("f5")
        await settle(pilot, app)
        (request,) = asked
        assert isinstance(request, Rehearse)
        assert (request.file, request.budgets, request.seeds) == (str(labelled), [8, 32], 2)
        assert request.methods == ["auto", "margin"]
        app.screen.query_one("#file", Input).value = ""
        await pilot.press("f5")
        await settle(pilot, app)
        assert isinstance(asked[1], Rehearse)
        assert (asked[1].file, asked[1].project) == ("", str(app.desk.session.database.path))


async def test_wrong_fields_are_told_and_nothing_starts(app_on: MakeApp) -> None:
    app = app_on(SCRIPT)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        await pilot.press("E")
        await settle(pilot, app)
        for name, value, sentence in (
            ("budgets", "many", "“many” are no numbers of labels"),
            ("seeds", "none", "“none” is no number of seeds"),
            ("against", "guessing", "Nothing called “guessing”"),
        ):
            box = app.screen.query_one(f"#{name}", Input)
            before, box.value = box.value, value
            await pilot.press("f5")
            await settle(pilot, app)
            assert sentence in screen_text(app)
            assert not app.desk.job.job
            box.value = before


async def test_the_best_strategy_can_be_put_into_the_settings(app_on: MakeApp) -> None:
    better = [*SCRIPT[:-1], rehearsed("random", 512, 0.93), rehearsed("auto", 512, 0.90), SCRIPT[-1]]
    app = app_on(better)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        await pilot.press("E")
        await settle(pilot, app)
        await pilot.press("f7")
        assert load()[0].strategy == "auto"
        await pilot.press("f5")
        await settle(pilot, app)
        await pilot.press("f7")
        await settle(pilot, app)
    assert load()[0].strategy == "random"


async def test_the_last_rehearsal_is_there_when_the_screen_or_the_app_is_opened_again(
    app_on: MakeApp, labelled: Path
) -> None:
    app = app_on(SCRIPT)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        await pilot.press("E")
        await settle(pilot, app)
        for name, value in (("file", str(labelled)), ("budgets", "64,256"), ("base_model", "tiny/model")):
            app.screen.query_one(f"#{name}", Input).value = value
        await pilot.press("f5", "escape")
        await settle(pilot, app)
        assert not isinstance(app.screen, RehearsalScreen)
        # A training takes the place of the rehearsal as what the app is at.
        app._jobs._set(begin("train"))
        await shows_it_again(pilot, app)
        project = app.desk.session.database.path
    again = LabelloopApp(project)
    async with again.run_test(size=(120, 40)) as pilot:
        await settle(pilot, again)
        await shows_it_again(pilot, again)
        again.screen.query_one("#base_model", Input).value = "another/model"
        await pilot.press("f7")
        await settle(pilot, again)
    assert load()[0].base_model == "tiny/model", "what was measured, not what the field says now"


async def shows_it_again(pilot: Pilot[None], app: LabelloopApp) -> None:
    await pilot.press("E")
    await settle(pilot, app)
    shown = screen_text(app)
    for wanted in ("The rehearsal is finished. labelled.csv, ", "● auto", "71.0", "79.0"):
        assert wanted in shown
    fields = {name: app.screen.query_one(f"#{name}", Input).value for name in ("budgets", "base_model")}
    assert fields == {"budgets": "64,256", "base_model": "tiny/model"}


async def test_a_rehearsal_cut_short_by_the_end_of_the_app_is_told_as_such(app_on: MakeApp) -> None:
    request = Rehearse(file="/data/shop.csv", base_model="tiny/model")
    job = replace(begin("rehearse"), phase=Phase.WORKING, rehearsed=(rehearsed("auto", 64, 0.71),))
    kept_rehearsal.keep(kept_rehearsal.now(request, job))
    app = app_on()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot, app)
        await pilot.press("E")
        await settle(pilot, app)
        shown = screen_text(app)
        assert "The app was closed before its end." in shown
        assert "shop.csv" in shown
        assert "71.0" in shown
    locations.last_rehearsal_file().write_text("{", encoding="utf-8")
    assert kept_rehearsal.last() is None


async def test_a_rehearsal_in_the_worker_without_a_project(
    tiny_base: Path, labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start: StartWorker = Worker
    app = LabelloopApp(start_worker=start)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await app.run_action("app.rehearse")
        await pilot.pause()
        for name, value in (("budgets", "8"), ("seeds", "1"), ("against", ""), ("base_model", str(tiny_base))):
            app.screen.query_one(f"#{name}", Input).value = value
        await pilot.press("f5")
        await pilot.pause()
        assert "No file is named." in screen_text(app)
        app.screen.query_one("#file", Input).value = str(labelled)
        app.screen.query_one("#learners").value = "quick learner alone"  # type: ignore[attr-defined]
        await pilot.press("f5")
        await pilot.pause()
        following = app._jobs.following
        assert following is not None
        await asyncio.wait_for(following, 120)
        await pilot.pause()
        shown = screen_text(app)
        assert "The rehearsal is finished." in shown, shown
        assert [one.labels for one in app.desk.job.rehearsed] == [8]


# ---------------------------------------------------------------------- the chart


def test_marks_stand_where_the_scores_are() -> None:
    line = Line("auto", [At(64, 0.6, 0.6, 0.6), At(256, 0.8, 0.8, 0.8), At(1024, 0.9, 0.9, 0.9)], "●")
    rows = ["".join(character for character, _ in row) for row in chart([line], 60, 14)]
    assert all(len(row) <= 60 for row in rows)
    marks = [(row.index("●"), at) for at, row in enumerate(rows) if "●" in row]
    assert len(marks) == 3
    assert marks == sorted(marks, reverse=True)  # more to the right is higher
    columns = sorted(column for column, _ in marks)
    assert columns[1] - columns[0] == pytest.approx(columns[2] - columns[1], abs=1)  # four times as many either time
    assert rows[0].startswith("  90 %│")
    assert rows[-1].split() == ["64", "256", "1,024"]


def test_nothing_and_a_single_point_can_be_drawn() -> None:
    assert chart([], 60, 14) == []
    rows = chart([Line("auto", [At(64, 0.5, 0.4, 0.6)], "●")], 10, 2)
    assert sum(character == "●" for row in rows for character, _ in row) == 1
