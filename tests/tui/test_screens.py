"""The other screens: welcome, import, browse, train, export, settings, help, and the palette."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, Static

from core import locations, settings
from core.storage import runs
from core.storage.database import open_project
from core.storage.tables import RunStatus
from core.worker import events
from core.worker.client import Worker
from core.worker.requests import Train
from core.worker.scripted import Scripted, ScriptedWorker
from core.worker.state import Phase
from tests.conftest import MakeProject, learnable, write_csv
from tests.tui.conftest import SIZES, MakeApp, card_of, screen_text, session_of, settle, walk_to
from tests.tui.suggesting import suggest_everything
from tui.app import LabelloopApp
from tui.bindings import ACTIONS
from tui.messages import WorkerTold
from tui.screens.browse import BrowseScreen
from tui.screens.export import ExportScreen
from tui.screens.help import HelpScreen
from tui.screens.import_file import ImportScreen
from tui.screens.label import LabelScreen
from tui.screens.settings import SettingsScreen
from tui.screens.train import TrainScreen
from tui.screens.welcome import WelcomeScreen
from tui.widgets.review_table import ReviewTable

LOADED = events.Loaded("tiny", "a folder", "CPU, 2 threads", "fp32", 1_000, 20, 4, 0, 64, 100)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


async def test_the_first_start_offers_the_sample_and_opens_it(here: Path) -> None:
    app = LabelloopApp()
    async with app.run_test(size=(120, 40)) as pilot:
        assert isinstance(app.screen, WelcomeScreen)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, LabelScreen)
        assert session_of(app).counts.reviews >= 500
        assert (here / "labelloop-demo.db").exists()
        assert locations.last_project_file().read_text(encoding="utf-8") == str(here / "labelloop-demo.db")


async def test_importing_a_file_makes_a_project_beside_it(here: Path) -> None:
    rows = [(f"a{number}", text, "x") for number, (text, _) in enumerate(learnable(12))]
    write_csv(here / "shop.csv", ["key", "comment", "other"], rows)
    app = LabelloopApp()
    async with app.run_test(size=(120, 50)) as pilot:
        await pilot.press("down", "enter")
        assert isinstance(app.screen, ImportScreen)
        await pilot.press(*"shop.csv", "enter")
        await pilot.pause()
        assert "comment" in screen_text(app)
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, LabelScreen)
        assert session_of(app).counts.reviews == 12
        assert dict(card_of(app).columns).keys() == {"key", "other"}


@pytest.mark.parametrize(
    ("typed", "told"),
    [("missing.csv", "does not exist"), ("empty.csv", "is empty"), ("twice.csv", "more than one column named")],
)
async def test_a_file_that_cannot_be_imported_gets_a_sentence(here: Path, typed: str, told: str) -> None:
    (here / "empty.csv").write_bytes(b"")
    (here / "twice.csv").write_text("text,a,a\nx,1,2\n", encoding="utf-8")
    app = LabelloopApp()
    async with app.run_test(size=(120, 50)) as pilot:
        await pilot.press("down", "enter", *typed, "enter")
        await pilot.pause()
        assert told in screen_text(app)
        assert not list(here.glob("*.db"))


async def test_a_broken_row_leaves_no_project_behind(here: Path) -> None:
    (here / "bad.csv").write_text("text,a\nfine,1\nshort\n", encoding="utf-8")
    app = LabelloopApp()
    async with app.run_test(size=(120, 50)) as pilot:
        await pilot.press("down", "enter", *"bad.csv", "enter")
        await pilot.pause()
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "line 3" in screen_text(app)
        assert not list(here.glob("*.db*"))


async def test_what_is_no_project_is_not_opened_and_the_welcome_screen_stays(here: Path) -> None:
    (here / "notes.db").write_text("not a database", encoding="utf-8")
    app = LabelloopApp(here / "notes.db")
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, WelcomeScreen)
        assert "is not a labelloop project" in screen_text(app)
        await pilot.press("b", "t", "e")
        assert isinstance(app.screen, WelcomeScreen)


async def test_another_project_is_made_while_one_is_open(here: Path, app_on: MakeApp) -> None:
    write_csv(here / "shop.csv", ["comment"], [(text,) for text, _ in learnable(12)])
    app = app_on()
    async with app.run_test(size=(120, 50)) as pilot:
        await pilot.press("1", "P")
        await pilot.pause()
        assert isinstance(app.screen, WelcomeScreen)
        assert "esc goes back to it" in screen_text(app)
        await pilot.press("escape")
        assert isinstance(app.screen, LabelScreen)
        await pilot.press("P", "down", "enter")
        assert "into a new project beside the file" in screen_text(app)
        await pilot.press(*"shop.csv", "enter")
        await pilot.pause()
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, LabelScreen)
        assert session_of(app).counts.reviews == 12
        assert locations.last_project_file().read_text(encoding="utf-8") == str(here / "shop.db")


async def test_browse_lists_filters_searches_and_opens(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("1", "2", "1")
        await settle(pilot, app)
        await pilot.press("b")
        await settle(pilot, app)
        assert isinstance(app.screen, BrowseScreen)
        assert "30 reviews" in screen_text(app)
        await pilot.press("s", "s")
        await settle(pilot, app)
        assert f"{session_of(app).counts.labelled} reviews" in screen_text(app)
        await pilot.press("l")
        await settle(pilot, app)
        assert f"{session_of(app).counts.by_label[1]} reviews" in screen_text(app)
        await pilot.press("c", "slash", *"excellent", "enter")
        await settle(pilot, app)
        expected = [text for text, _ in learnable(30) if "excellent" in text]
        assert f"{len(expected)} reviews" in screen_text(app)
        await pilot.press("enter")
        await settle(pilot, app)
        assert isinstance(app.screen, LabelScreen)
        assert card_of(app).text == expected[0]


async def test_a_search_without_hits_says_how_to_go_on(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash", *'zebra "', "enter")
        await settle(pilot, app)
        shown = screen_text(app)
        assert "0 reviews" in shown
        assert "c clears them" in shown
        await pilot.press("enter", "down", "end")
        assert isinstance(app.screen, BrowseScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, LabelScreen)


async def test_browse_reads_only_what_is_in_sight(project: MakeProject) -> None:
    database = project(reviews=[f"number {number}" for number in range(3_000)])
    database.close()
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("b")
        await settle(pilot, app)
        await pilot.press("end")
        await settle(pilot, app)
        table = app.screen.query_one(ReviewTable)
        assert "number 2999" in screen_text(app)
        assert sum(len(page) for page in table._pages.values()) <= 600


async def test_a_training_is_shown_in_every_screen_and_its_end_is_told(app_on: MakeApp) -> None:
    script = [
        events.Started("train", 3, "/nowhere/worker.log"),
        LOADED,
        *(events.StepDone(step, 100, step / 10, 1.0 / step, 25.0, 100 - step) for step in range(1, 50)),
        events.Evaluated(25, 2.5, 0.4, 0.75, True),
        events.Evaluated(50, 5.0, 0.3, 0.875, True),
    ]
    app = app_on(script)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("t", "t")
        await pilot.pause()
        await pilot.pause()
        shown = screen_text(app)
        assert "49 %" in shown
        assert "20 to train" in shown
        await pilot.press("escape")
        await pilot.pause()
        assert "run 3 training" in screen_text(app)
        await pilot.press("1")
        await settle(pilot, app)
        assert session_of(app).counts.labelled == 1

        app.post_message(WorkerTold(events.Failed("OutOfMemory", "The card is full.", "Close programs.", "x.log")))
        await pilot.pause()
        await pilot.pause()
        assert "The card is full. Close programs." in screen_text(app)
        assert app.desk.job.phase is Phase.FAILED
        await pilot.press("2")
        await settle(pilot, app)
        assert session_of(app).counts.labelled == 2


async def test_stop_reaches_the_worker(app_on: MakeApp, project: MakeProject) -> None:
    made: list[ScriptedWorker] = []
    app = app_on()

    def start(request: object) -> ScriptedWorker:
        script = [events.Started("train", 1, ""), LOADED, events.StepDone(1, 9, 0.1, 1.0, 1.0, 9.0)]
        made.append(ScriptedWorker(request, script, step_by_step=True))  # type: ignore[arg-type]
        return made[-1]

    app._jobs.start_worker = start
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("t", "t")
        made[0].advance(2)
        await pilot.pause()
        await pilot.press("t")
        assert len(made) == 1
        await pilot.press("x", "s")
        await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.pause()
        assert made[0].stopped
        assert app.desk.job.phase is Phase.CANCELLED
        assert isinstance(made[0].request, Train)


async def test_suggestions_appear_when_the_worker_has_stored_them(app_on: MakeApp) -> None:
    app = app_on()
    path = app._project
    assert path is not None

    def store() -> None:
        database = open_project(path)
        suggest_everything(database, 0.83)
        database.close()

    script: list[Scripted] = [
        events.Started("train", 1, ""),
        LOADED,
        store,
        events.SuggestionsStored(1, 30, True, "Run 1 speaks now."),
    ]
    app._jobs.start_worker = lambda request: ScriptedWorker(request, [*script, events.Finished(1, 2.0)])
    async with app.run_test(size=(120, 40)) as pilot:
        await walk_to(pilot, app, lambda card: not card.audit)
        assert "83 %" not in screen_text(app)
        await pilot.press("t", "t", "escape")
        for _ in range(5):
            await pilot.pause()
        assert "83 %" in screen_text(app)
        assert "Run 1 speaks now." in screen_text(app)


async def test_a_run_whose_process_is_gone_is_called_interrupted_at_the_next_start(project: MakeProject) -> None:
    database = project(reviews=["one", "two"])
    with database.writing() as session:
        run_id = runs.start(session, "tiny", {}, [1, 2])
        runs.change(session, run_id, process_id=2**22 - 1, process_started=1.0)
    database.close()
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.pause()
        assert "Run 1 was interrupted" in screen_text(app)
        with session_of(app).database.reading() as session:
            assert runs.all_runs(session)[0].status is RunStatus.INTERRUPTED


async def test_export_from_the_screen_writes_a_verified_file(app_on: MakeApp) -> None:
    import pandas as pd

    app = app_on()
    app._jobs.start_worker = Worker
    async with app.run_test(size=(120, 40)) as pilot:
        labelled = []
        for _ in range(5):
            labelled.append(card_of(app).text)
            await pilot.press("2")
        await pilot.press("e")
        await pilot.pause()
        assert isinstance(app.screen, ExportScreen)
        target = app.screen.query_one("#path", Input).value
        await pilot.press("enter")
        assert app._jobs.following is not None
        await app._jobs.following
        await pilot.pause()
        await pilot.pause()
        assert "5 rows written" in screen_text(app)
    frame = pd.read_csv(target, dtype=str, keep_default_na=False)
    assert sorted(frame["text"]) == sorted(labelled)
    assert set(frame["label"]) == {"negative"}


async def test_export_into_a_missing_folder_is_refused_with_a_sentence(app_on: MakeApp) -> None:
    app = app_on()
    app._jobs.start_worker = Worker
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("e")
        app.screen.query_one("#path", Input).value = "/no/such/folder/out.csv"
        await pilot.press("enter")
        assert app._jobs.following is not None
        await app._jobs.following
        await pilot.pause()
        await pilot.pause()
        assert "does not exist" in screen_text(app)


async def test_a_key_can_be_changed_and_the_help_shows_it(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.press("comma")
        assert isinstance(app.screen, SettingsScreen)
        from textual.widgets import OptionList

        options = app.screen.query_one(OptionList)
        options.focus()
        options.highlighted = next(index for index, action in enumerate(ACTIONS) if action.id == "label.skip")
        await pilot.press("enter", "z")
        await pilot.pause()
        await pilot.press("escape", "z")
        await settle(pilot, app)
        assert session_of(app).counts.skipped == 1
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        assert any("z " in line and "Skip" in line for line in screen_text(app).splitlines())
    assert settings.load()[0].keys == {"label.skip": "z"}


async def test_a_key_that_is_taken_is_refused(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(120, 60), notifications=True) as pilot:
        await pilot.press("comma")
        from textual.widgets import OptionList

        options = app.screen.query_one(OptionList)
        options.focus()
        options.highlighted = next(index for index, action in enumerate(ACTIONS) if action.id == "label.skip")
        await pilot.press("enter", "f")
        await pilot.pause()
        await pilot.pause()
        assert "already means “Flag”" in screen_text(app)
    assert settings.load()[0].keys == {}


async def test_a_bad_settings_file_is_named_with_its_line_and_the_app_starts(app_on: MakeApp) -> None:
    path = locations.settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('theme = "labelloop-light"\nbase_modle = "x"\n', encoding="utf-8")
    app = app_on()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.pause()
        told = " ".join(notice.message for notice in app._notifications)
        assert f"{path}, line 2" in told
        assert "base_modle" in told
        assert app.theme == "labelloop-light"


async def test_every_action_with_a_key_is_in_the_help_and_does_something(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(200, 260)) as pilot:
        await pilot.press("f1")
        await pilot.pause()
        shown = str(app.screen.query(Static).last().render()) + screen_text(app)
        for action in ACTIONS:
            assert action.name in shown
        classes = {"label": LabelScreen, "browse": BrowseScreen, "train": TrainScreen, "app": LabelloopApp}
        for action in ACTIONS:
            if action.group in classes:
                assert hasattr(classes[action.group], f"action_{action.method}"), action.id


async def test_the_command_palette_finds_actions_by_name(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(120, 40)) as pilot:
        commands = {command.title for command in app.get_system_commands(app.screen)}
        names = {action.name for action in ACTIONS if action.group in ("label", "app")}
        assert names <= commands
        await pilot.press("ctrl+p", *"Browse")
        for _ in range(50):
            await pilot.pause(0.05)
            if "List, search" in screen_text(app):
                break
        await pilot.press("enter")
        await pilot.pause()
        await pilot.pause()
        assert isinstance(app.screen, BrowseScreen)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["b", "t", "e", "m", "comma", "question_mark"])
async def test_every_screen_opens_and_closes_at_every_size(app_on: MakeApp, size: tuple[int, int], key: str) -> None:
    app = app_on()
    async with app.run_test(size=size) as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert not isinstance(app.screen, LabelScreen)
        assert "Back" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, LabelScreen)
