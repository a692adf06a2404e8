"""The confusion matrix with few labels and with more than a screen has room for."""

from __future__ import annotations

import numpy as np
import pytest
from textual.app import App, ComposeResult

from tests.tui.conftest import SIZES
from tui.widgets.confusion import ConfusionMatrix


class Alone(App[None]):
    """Nothing but a matrix."""

    def compose(self) -> ComposeResult:
        yield ConfusionMatrix()


def text_of(app: App[None]) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


@pytest.mark.parametrize("size", SIZES)
async def test_every_cell_of_thirty_labels_is_reached_and_told(size: tuple[int, int]) -> None:
    names = [f"label number {number}" for number in range(30)]
    counts = np.diag([3] * 30)
    counts[20, 9] = 5
    async with Alone().run_test(size=size) as pilot:
        matrix = pilot.app.query_one(ConfusionMatrix)
        matrix.show(names, counts.tolist())
        matrix.focus()
        await pilot.pause()
        assert matrix.chosen == ("label number 20", "label number 9", 5)
        assert "5 reviews called “label number 20” by people" in text_of(pilot.app)
        await pilot.press(*["down"] * 20, *["right"] * 30)
        await pilot.pause()
        assert matrix.chosen == ("label number 29", "label number 29", 3)
        shown = text_of(pilot.app)
        assert "of 30" in shown
        assert "3 reviews called “label number 29” by people and “label number 29” by the model" in " ".join(
            shown.split()
        )
        await pilot.press(*["up"] * 30, *["left"] * 30)
        assert matrix.cell == (0, 0)


async def test_what_was_never_said_is_no_division_by_nothing() -> None:
    async with Alone().run_test() as pilot:
        matrix = pilot.app.query_one(ConfusionMatrix)
        matrix.show(["a", "b"], [[0, 0], [0, 4]])
        matrix.focus()
        await pilot.press("up", "left")
        assert "0 reviews called “a” by people and “a” by the model." in text_of(pilot.app)
