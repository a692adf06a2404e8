"""What is typed into a line is seen while it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.conftest import SIZES, MakeApp, screen_text
from tui.app import LabelloopApp


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opened_by", ["m", "n", "j", "l", "slash", "e shift+tab", "E", "comma tab tab"])
async def test_typed_words_are_on_the_screen(app_on: MakeApp, opened_by: str, size: tuple[int, int]) -> None:
    app = app_on()
    async with app.run_test(size=size) as pilot:
        for key in opened_by.split():
            await pilot.press(key)
            await pilot.pause(0.1)
        await pilot.press(*"zebra7")
        await pilot.pause()
        assert "zebra7" in screen_text(app)


async def test_typed_words_are_on_the_screen_before_there_is_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = LabelloopApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "down", "enter", *"zebra7")
        await pilot.pause()
        assert "zebra7" in screen_text(app)
