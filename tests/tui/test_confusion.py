"""The confusion matrix with few labels and with more than a screen has room for."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from core.evaluate.metrics import Scores, indicator, scores
from tests.tui.conftest import SIZES
from tui.widgets.confusion import Chosen, ConfusionMatrix


class Alone(App[None]):
    """Nothing but a matrix."""

    def compose(self) -> ComposeResult:
        yield ConfusionMatrix()


def text_of(app: App[None]) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def of(names: list[str], pairs: list[tuple[int, int]]) -> Scores:
    """Scores of reviews, each with the place of the label people gave, and of the one the model gave."""
    true, predicted = (indicator([[pair[side]] for pair in pairs], len(names)) for side in (0, 1))
    return scores("run 1", names, true, predicted, multi=False)


@pytest.mark.parametrize("size", SIZES)
async def test_every_cell_of_thirty_labels_is_reached_and_told(size: tuple[int, int]) -> None:
    names = [f"label number {number}" for number in range(30)]
    pairs = [(number, number) for number in range(30) for _ in range(3)] + [(20, 9)] * 5
    async with Alone().run_test(size=size) as pilot:
        matrix = pilot.app.query_one(ConfusionMatrix)
        matrix.show(of(names, pairs))
        matrix.focus()
        await pilot.pause()
        assert matrix.chosen == Chosen(20, 9, 5, "label number 20 taken for label number 9")
        assert "5 reviews called “label number 20” by people" in text_of(pilot.app)
        await pilot.press(*["down"] * 20, *["right"] * 30)
        await pilot.pause()
        assert matrix.chosen == Chosen(29, 29, 3, "label number 29 taken for label number 29")
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
        matrix.show(of(["a", "b"], [(1, 1)] * 4))
        matrix.focus()
        await pilot.press("up", "left")
        assert "0 reviews called “a” by people and “a” by the model." in text_of(pilot.app)


@pytest.mark.parametrize("size", SIZES)
async def test_of_several_labels_each_has_what_is_agreed_missed_and_wrongly_given(size: tuple[int, int]) -> None:
    true = indicator([[0], [0, 1], [0, 1], [1], []], 2)
    predicted = indicator([[0, 1], [0], [], [1], [1]], 2)
    async with Alone().run_test(size=size) as pilot:
        matrix = pilot.app.query_one(ConfusionMatrix)
        matrix.show(scores("run 1", ["food", "service"], true, predicted, multi=True))
        matrix.focus()
        await pilot.pause()
        assert matrix.chosen == Chosen(1, None, 2, "service: missed"), "the largest mistake, and the upper first"
        assert "2 reviews called “service” by people, not by the model, 67 % of all" in " ".join(
            text_of(pilot.app).split()
        )
        await pilot.press("right", "right", "right")
        assert matrix.chosen == Chosen(None, 1, 2, "service: wrongly given")
        await pilot.pause()
        assert "not by people, 67 % of all it gives that to" in " ".join(text_of(pilot.app).split())
        await pilot.press("up", "left", "left", "left")
        assert matrix.chosen == Chosen(0, 0, 2, "food: both say it")
