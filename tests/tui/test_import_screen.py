"""The import screen: how a file is read is shown and can be changed; the report comes before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Select

from core.files.importing import Choice, import_file
from core.files.problems import Action, Problem
from tests.conftest import MakeProject, write_csv
from tests.tui.conftest import card_of, screen_text, session_of
from tui.app import LabelloopApp
from tui.screens.import_file import ImportScreen
from tui.screens.import_report import ImportReportScreen
from tui.screens.label import LabelScreen
from tui.widgets.review_panel import MOST_LINES, ReviewPanel


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def look(pilot: Pilot[None], app: LabelloopApp) -> None:
    """Wait for the work in the background and for what it puts on the screen."""
    await pilot.pause()
    await app.workers.wait_for_complete()
    await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_report_comes_first_and_asks_what_to_do(here: Path, size: tuple[int, int]) -> None:
    (here / "shop.csv").write_bytes(
        "id;text;mark\n1;schön – für alle;good\n2;a;b;bad\n3;\x1b[2Jx;bad\n".encode("cp1252")
    )
    app = LabelloopApp()
    async with app.run_test(size=size) as pilot:
        await pilot.press("down", "enter", *"shop.csv", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ImportScreen)
        shown = screen_text(app)
        assert "Windows-1252, cells between semicolons" in " ".join(shown.split())
        assert "schön – für alle" in shown
        await pilot.press("enter")
        await look(pilot, app)
        report = app.screen
        assert isinstance(report, ImportReportScreen)
        assert "bad lines" in screen_text(app)
        assert "\x1b" not in screen_text(app)
        button = report.query_one("#import", Button)
        assert button.disabled, "a bad line stops the import"
        assert not list(here.glob("*.db"))
        report.query_one(f"#{Problem.BAD_LINE}", Select).value = Action.MEND
        await pilot.pause()
        assert not button.disabled
        button.press()
        await look(pilot, app)
        await look(pilot, app)
        assert isinstance(app.screen, LabelScreen)
        assert session_of(app).counts.reviews == 3


async def test_going_back_from_the_report_imports_nothing(here: Path) -> None:
    (here / "shop.csv").write_text("id,text\n1,fine\n2,\n", encoding="utf-8")
    app = LabelloopApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("down", "enter", *"shop.csv", "enter")
        await pilot.pause()
        await pilot.press("enter")
        await look(pilot, app)
        assert isinstance(app.screen, ImportReportScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, ImportScreen)
        assert "Nothing was imported" in screen_text(app)
        assert not list(here.glob("*.db"))


async def test_how_a_file_is_read_can_be_changed(here: Path) -> None:
    (here / "a.csv").write_bytes("text\nпривет всё хорошо\n".encode("cp1251"))
    app = LabelloopApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("down", "enter", *"a.csv", "enter")
        await pilot.pause()
        for encoding, shown in (("cp1252", "ïðèâåò"), ("cp1251", "привет")):
            app.screen.query_one("#encoding", Select).value = encoding
            await pilot.pause()
            assert shown in screen_text(app)


HOSTILE = (
    "\x1b[2J\x1b[31mred\x1b[0m \x1b]0;owned\x07 \x9b31m [bold]markup[/] invoice\u202egnp.exe ad\u200bmin "
    "Z" + "\u0301" * 40 + " NUL\x00 good\rbad\n"
)


async def test_hostile_text_is_shown_and_kept_as_it_is(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    text = HOSTILE + "x" * 10_000_000
    file = write_csv(tmp_path / "h.csv", ["id", "text", "\x1b[7mcolumn"], [["\x1b[31mid", text, "[red]\x1b]0;x\x07"]])
    import_file(database, Choice(file), "ann")
    app = LabelloopApp(database.path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert card_of(app).text == text
        shown = screen_text(app)
        for part in ("␛[2J␛[31mred␛[0m", "␛]0;owned␇", "⟨9B⟩31m", "[bold]markup[/]", "invoice⟨202E⟩gnp.exe",
                     "ad⟨200B⟩min", "⟨+36⟩", "NUL␀", "good␍bad", "␛[31mid"):  # fmt: skip
            assert part in shown
        assert not set(shown) & set("\x1b\x07\x00\x9b\u202e\r")


async def test_endless_texts_are_cut_visibly(project: MakeProject) -> None:
    app = LabelloopApp(project(reviews=["\n" * 30_000 + "end"]).path)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        panel = app.screen.query_one(ReviewPanel)
        assert MOST_LINES < panel.virtual_size.height < MOST_LINES + 10
        assert f"cut after {MOST_LINES:,} lines" in panel.render_line(panel.virtual_size.height - 1).text
