"""Paths are completed while they are typed; a wrong one is only not completed."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from tests.tui.conftest import screen_text
from tui.app import LabelloopApp
from tui.screens.import_file import ImportScreen
from tui.widgets.path_input import completion


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    (folder / "exports").mkdir(parents=True)
    (folder / "exports" / "shop.csv").write_text("id,text\n1,fine\n", encoding="utf-8")
    for name in ("reviews.csv", "reviews.jsonl", ".secret", "with\nbreak.csv"):
        (folder / name).touch()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("rev", "reviews.csv"),
        ("reviews.j", "reviews.jsonl"),
        ("reviews.jsonl", None),
        ("e", "exports/"),
        ("exports/", "exports/shop.csv"),
        ("~/exports/s", "~/exports/shop.csv"),
        (".", ".secret"),
        ("./e", "./exports/"),
        ("with", None),
        ("nothing", None),
        ("nowhere/", None),
        ("~nobody-of-that-name/", None),
        ("a\0b/", None),
        ("reviews.csv/", None),
    ],
)
def test_what_a_path_may_go_on_with(here: Path, typed: str, expected: str | None) -> None:
    assert completion(typed) == expected
    assert completion(f"{here}/{typed}") == (f"{here}/{expected}" if expected and "~" not in typed else None)


async def test_tab_completes_the_file_to_import_and_then_moves_on(here: Path) -> None:
    app = LabelloopApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "enter", "e", "x")
        await pilot.pause(0.1)
        assert "exports/" in screen_text(app), "what tab would take is seen"
        path = app.screen.query_one("#path", Input)
        await pilot.press("tab", "s")
        await pilot.pause(0.1)
        await pilot.press("tab")
        assert path.value == "exports/shop.csv"
        assert path.has_focus
        await pilot.press("tab")
        assert not path.has_focus
        await pilot.press("shift+tab", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ImportScreen)
        assert "fine" in screen_text(app)
        assert str(here) not in path.value
