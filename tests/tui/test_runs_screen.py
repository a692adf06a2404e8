"""The runs: what is known of each, the reviews behind its figures, two beside each other, and which is in use."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import Session, col, select
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from core.files.importing import Choice, import_file
from core.labels import SchemeKind, new_labels
from core.storage import decisions, learning, runs
from core.storage.database import Database, create, open_project, project_of
from core.storage.states import accepted
from core.storage.tables import Annotation, Label, Review, Run, RunStatus
from core.worker.events import Event, Finished
from core.worker.jobs.train import train
from core.worker.requests import Suggest, Train
from core.worker.scripted import ScriptedWorker, scripted
from tests.conftest import learnable, write_csv
from tests.tui.conftest import SIZES, MakeApp, card_of, screen_text, session_of, settle
from tests.tui.suggesting import suggest_everything
from tui.app import LabelloopApp
from tui.screens.browse import BrowseScreen
from tui.screens.compare import CompareScreen
from tui.screens.label import LabelScreen
from tui.screens.read import ReadScreen
from tui.screens.run import RunScreen
from tui.screens.runs import RunsScreen
from tui.widgets.confusion import Chosen, ConfusionMatrix

LABELLED, OPEN = 300, 20
"""Enough labels that a fifth of them makes an audit set to measure on."""

ONE_WAY = 0
"""The label that the first run of these projects gives to everything."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:
    """A project with a made-up run 1 that says the first label of everything, and a trained run 2 in use."""
    folder = tmp_path_factory.mktemp("trained")
    database = create(folder / "reviews.db", SchemeKind.SINGLE, new_labels(["positive", "negative"]))
    pairs = learnable(LABELLED + OPEN)
    rows = [[text, label if number < LABELLED else ""] for number, (text, label) in enumerate(pairs)]
    import_file(database, Choice(write_csv(folder / "a.csv", ["text", "mark"], rows), label_column="mark"), "ann")
    suggest_everything(database, first=ONE_WAY)
    told: list[Event] = []
    length = {"epochs": 6, "learning_rate": 3e-3, "batch_size": 8}
    arguments = {"base_model": str(tiny_base), "freeze_embeddings": False, "precision": "fp32", **length}
    request = Train(str(database.path), arguments)
    told.append(train(database, request, told.append, lambda: False, ""))
    assert isinstance(told[-1], Finished)
    with database.writing() as session:
        if project_of(session).run_in_use != 2:
            runs.publish(session, 2, OPEN)
    database.close()
    return folder


@pytest.fixture
def app(trained: Path, tmp_path: Path) -> LabelloopApp:
    """An app on a copy of that project; jobs end at once."""
    shutil.copytree(trained, tmp_path / "copy")
    return LabelloopApp(tmp_path / "copy" / "reviews.db", start_worker=scripted([Finished(None, 0.0)]))


def run_of(app: LabelloopApp, run_id: int) -> Run:
    with session_of(app).database.reading() as session:
        return runs.existing(session, run_id)


def in_use(app: LabelloopApp) -> int | None:
    with session_of(app).database.reading() as session:
        return project_of(session).run_in_use


async def keys(app: LabelloopApp, pilot: Pilot[None], *pressed: str) -> None:
    """Press keys, each when what the one before it did is on the screen."""
    for key in pressed:
        await pilot.press(key)
        await settle(pilot, app)


async def test_every_run_is_listed_with_what_it_measured_and_the_details_follow_the_cursor(
    app: LabelloopApp,
) -> None:
    async with app.run_test(size=(120, 50)) as pilot:
        await keys(app, pilot, "R")
        assert isinstance(app.screen, RunsScreen)
        shown = screen_text(app)
        for fact in ("2 runs", "run 2 in use", "▸2", "finished", "learning_rate 0.003", "epochs 6", "keyword rule",
                     "majority class", "precision", "support", "of the audit set", "Macro-F1", "torch"):  # fmt: skip
            assert fact in shown, fact
        await keys(app, pilot, "down")
        assert "learning_rate" not in screen_text(app)
        assert "Run 1" in screen_text(app)


async def test_the_train_screen_says_how_good_the_run_is_and_how_it_compares(app: LabelloopApp) -> None:
    async with app.run_test(size=(120, 50)) as pilot:
        await keys(app, pilot, "t")
        shown = " ".join(screen_text(app).split())
        assert "Run 2 labels" in shown
        assert "95 % interval" in shown
        assert "The keyword rule labels" in shown
        assert "Run 2 is better than run 1" in shown


# ---------------------------------------------------------------------- one run


async def test_a_cell_of_the_confusion_matrix_is_entered_and_left(app: LabelloopApp) -> None:
    async with app.run_test(size=(120, 90)) as pilot:
        await keys(app, pilot, "R", "enter")
        assert isinstance(app.screen, RunScreen)
        shown = screen_text(app)
        for fact in ("How good it is", "the model says", "calibration error", "held-out", "weights", "versions"):
            assert fact in shown, fact
        matrix = app.screen.query_one(ConfusionMatrix)
        await keys(app, pilot, "up", "left")
        assert matrix.cell == (0, 0)
        await keys(app, pilot, "down", "right")
        assert matrix.chosen is not None
        assert (matrix.chosen.person, matrix.chosen.model) == (1, 1)
        many = matrix.chosen.number
        assert f"{many} reviews called “negative” by people" in screen_text(app)
        await keys(app, pilot, "enter")
        assert isinstance(app.screen, ReadScreen)
        line = app.screen.query_one("#words", Input).value
        assert {"label:negative", "suggested:negative", "audit:yes"} <= set(line.split())
        assert f"{many} reviews" in screen_text(app)
        await keys(app, pilot, "escape")
        assert isinstance(app.screen, RunScreen)
        assert app.screen.query_one(ConfusionMatrix).cell == (1, 1)
        await keys(app, pilot, "enter", "enter")
        assert isinstance(app.screen, LabelScreen)
        assert card_of(app).audit


async def test_the_cell_of_a_run_that_is_not_in_use_is_walked_through(app: LabelloopApp) -> None:
    async with app.run_test(size=(120, 60)) as pilot:
        await keys(app, pilot, "R", "down", "enter")
        matrix = app.screen.query_one(ConfusionMatrix)
        assert matrix.chosen is not None
        assert matrix.chosen.told == "negative taken for positive", "the largest mistake comes first"
        await keys(app, pilot, "enter")
        assert isinstance(app.screen, LabelScreen)
        walk = session_of(app).walk
        assert walk is not None
        assert len(walk.review_ids) == matrix.chosen.number
        assert "run 1: negative taken for positive" in screen_text(app)


async def test_an_empty_cell_is_not_entered(app: LabelloopApp) -> None:
    async with app.run_test(size=(120, 60), notifications=True) as pilot:
        await keys(app, pilot, "R", "down", "enter", "right", "enter")
        assert isinstance(app.screen, RunScreen)
        assert "No review is in this cell." in screen_text(app)


async def test_while_the_audit_set_is_small_cross_validation_is_shown_and_entered(tmp_path: Path) -> None:
    database = create(tmp_path / "few.db", SchemeKind.SINGLE, new_labels(["positive", "negative"]))
    rows = [[text, label] for text, label in learnable(60)]
    import_file(database, Choice(write_csv(tmp_path / "a.csv", ["text", "mark"], rows), label_column="mark"), "ann")
    suggest_everything(database)
    packed = np.array([0.1, 0.9], dtype="<f4").tobytes()
    with database.writing() as session:
        seen = learning.examples(session, audit=False)
        runs.store_out_of_fold(session, 1, [(example.review_id, packed) for example in seen])
        wrong = {example.review_id for example in seen if example.label_ids == (1,)}
    database.close()
    app = LabelloopApp(tmp_path / "few.db")
    async with app.run_test(size=(120, 60)) as pilot:
        await keys(app, pilot, "t")
        assert "Measured by cross-validation" in screen_text(app)
        await keys(app, pilot, "R", "enter")
        matrix = app.screen.query_one(ConfusionMatrix)
        assert matrix.chosen == Chosen(0, 1, len(wrong), "positive taken for negative")
        await keys(app, pilot, "enter")
        walk = session_of(app).walk
        assert walk is not None
        assert set(walk.review_ids) == wrong


async def test_one_goes_from_run_to_run(app: LabelloopApp) -> None:
    async with app.run_test(size=(120, 60), notifications=True) as pilot:
        await keys(app, pilot, "R", "enter", "o")
        assert "Run 1" in screen_text(app).splitlines()[0]
        await keys(app, pilot, "n")
        assert "Run 2" in screen_text(app).splitlines()[0]
        await keys(app, pilot, "n")
        assert "no further run this way" in screen_text(app)


# ---------------------------------------------------------------------- two runs


async def test_two_runs_are_compared_and_what_changed_is_read(app: LabelloopApp) -> None:
    async with app.run_test(size=(120, 60)) as pilot:
        await keys(app, pilot, "R", "space", "down", "space", "c")
        assert isinstance(app.screen, CompareScreen)
        shown = screen_text(app)
        assert "Run 2 is better than run 1" in shown
        assert "positive → negative" in shown
        assert "base model" in shown
        many = int(next(line for line in shown.splitlines() if "→ negative" in line).split()[1])
        await keys(app, pilot, "enter")
        assert isinstance(app.screen, ReadScreen)
        assert "flipped:1-2" in app.screen.query_one("#words", Input).value
        assert f"{many} review" in screen_text(app)
        await keys(app, pilot, "escape", "s")
        assert "Run 1 is worse than run 2" in screen_text(app)
        assert "negative → positive" in screen_text(app)
        verdict = app.screen.query_one("#verdict", Static).render()
        assert isinstance(verdict, Content)
        lines = {
            name: line for line in verdict.split("\n") for name in ("run 1", "run 2") if line.plain.startswith(name)
        }
        green = {name for name, line in lines.items() if any("$success" in str(span.style) for span in line.spans)}
        assert (set(lines), green) == ({"run 1", "run 2"}, {"run 2"})


async def test_without_marks_a_run_is_compared_with_another_one(app: LabelloopApp) -> None:
    async with app.run_test(size=(120, 60)) as pilot:
        await keys(app, pilot, "R", "c")
        assert isinstance(app.screen, CompareScreen)
        await keys(app, pilot, "escape", "down", "c")
        assert isinstance(app.screen, CompareScreen)


# ---------------------------------------------------------------------- changing


async def test_a_run_is_put_in_use_and_rolled_back(app: LabelloopApp) -> None:
    async with app.run_test(size=(120, 50)) as pilot:
        await keys(app, pilot, "R", "down", "p")
        assert in_use(app) == 1
        assert "run 1 in use" in screen_text(app)
        await keys(app, pilot, "z")
        assert in_use(app) == 2
        assert "run 2 in use" in screen_text(app)


async def test_a_run_whose_suggestions_are_gone_suggests_anew_when_it_is_put_in_use(app: LabelloopApp) -> None:
    asked: list[object] = []

    def start(request: object) -> ScriptedWorker:
        asked.append(request)
        return ScriptedWorker(request, [Finished(None, 0.0)])  # type: ignore[arg-type]

    app._jobs.start_worker = start
    async with app.run_test(size=(120, 50)) as pilot:
        with session_of(app).database.writing() as session:
            runs.change(session, 1, folder="run-1", suggested=0)
        await keys(app, pilot, "R", "down", "p")
    assert asked == [Suggest(str(app._project), 1)]


async def test_a_run_gets_a_name_and_a_note(app: LabelloopApp) -> None:
    async with app.run_test(size=(120, 50), notifications=True) as pilot:
        await keys(app, pilot, "R", "r", *"best", "enter", "n", *"kept", "enter")
        assert (run_of(app, 2).name, run_of(app, 2).note) == ("best", "kept")
        assert "“best”" in screen_text(app)
        assert "kept" in screen_text(app)
        await pilot.press("r")
        await pilot.pause()
        app.screen.query_one(Input).value = "x" * 61
        await keys(app, pilot, "enter")
        assert "Use at most 60" in screen_text(app)
        assert run_of(app, 2).name == "best"


async def test_a_run_is_deleted_after_a_question_and_the_one_in_use_never(app: LabelloopApp) -> None:
    async with app.run_test(size=(120, 50), notifications=True) as pilot:
        await keys(app, pilot, "R", "d", "down", "enter")
        assert "Run 2 is in use." in screen_text(app)
        await keys(app, pilot, "down", "d", "enter")
        assert not run_of(app, 1).removed
        await keys(app, pilot, "d", "down", "enter")
        assert run_of(app, 1).removed
        assert "deleted" in screen_text(app)


def accept_from(session: Session, run_id: int, many: int) -> list[int]:
    """Take the run's suggestions for some open reviews."""
    decided = select(Annotation.review_id)
    query = select(Review.id).where(col(Review.id).not_in(decided)).order_by(col(Review.id)).limit(many)
    ids = [review_id for review_id in session.exec(query) if review_id is not None]
    label_id = session.exec(select(Label.id).order_by(col(Label.position))).first()
    assert label_id is not None
    decisions.decide_all(session, 1, "accept some", ids, accepted(1, [label_id], run_id, 0.9))
    return ids


async def test_what_a_run_decided_is_taken_back_as_one_step(app: LabelloopApp) -> None:
    async with app.run_test(size=(120, 50), notifications=True) as pilot:
        with session_of(app).database.writing() as session:
            accept_from(session, 2, 6)
        app.desk.session.refresh()
        before = session_of(app).counts.labelled
        await keys(app, pilot, "R", "w")
        assert "6 reviews got the label that run 2 suggested" in " ".join(screen_text(app).split())
        await keys(app, pilot, "enter")
        assert session_of(app).counts.labelled == before
        await keys(app, pilot, "w", "down", "enter")
        assert "6 decisions taken back" in screen_text(app)
        assert session_of(app).counts.labelled == before - 6
        await keys(app, pilot, "w")
        assert "stands unconfirmed" in screen_text(app)
        await keys(app, pilot, "u")
        assert "Undone: take back what run 2 decided" in screen_text(app)
        assert session_of(app).counts.labelled == before


# ---------------------------------------------------------------------- nothing there, and every size


async def test_without_a_run_every_key_is_harmless(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(120, 40)) as pilot:
        await keys(app, pilot, "R", *"cprnwd", "enter", "space", "z", "u")
        assert isinstance(app.screen, RunsScreen)
        assert "No run yet" in screen_text(app)


async def test_a_run_that_failed_is_shown_with_why(app_on: MakeApp) -> None:
    app = app_on()
    database: Database = open_project(app._project)  # type: ignore[arg-type]
    with database.writing() as session:
        run_id = runs.start(session, "tiny", {}, [1, 2])
        runs.end(session, run_id, RunStatus.FAILED, "The disk is full. Make room.")
    database.close()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await keys(app, pilot, "R")
        assert "The disk is full. Make room." in screen_text(app)
        await keys(app, pilot, "enter")
        assert "Nothing is measured of run 1" in screen_text(app)
        await keys(app, pilot, "enter")
        assert "There is no confusion matrix" in screen_text(app)
        await keys(app, pilot, "escape", "p")
        assert "has no model" in screen_text(app)


@pytest.mark.parametrize("size", SIZES)
async def test_the_runs_can_be_read_in_every_size(app: LabelloopApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await keys(app, pilot, "R")
        assert "run 2" in screen_text(app).casefold()
        assert "keyword rule" in screen_text(app)
        await keys(app, pilot, "enter")
        assert "the model says" in screen_text(app)
        before = screen_text(app)
        await keys(app, pilot, "pagedown")
        assert size[1] >= 50 or screen_text(app) != before
        await keys(app, pilot, "escape", "c")
        assert "run 1" in screen_text(app)
        assert app.screen.query_one(OptionList).has_focus
        await keys(app, pilot, "escape", "escape", "b")
        assert isinstance(app.screen, BrowseScreen)
