"""Labelling by keyboard, through the real app on a real file."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import settings
from core.errors import ProjectError
from core.files.importing import Choice, import_file
from core.storage.database import open_project
from core.storage.tables import Decision
from tests.conftest import MakeProject, write_csv
from tests.tui.conftest import SIZES, MakeApp, card_of, decided, screen_text, session_of, settle, walk_to
from tests.tui.suggesting import suggest_everything
from tui.app import LabelloopApp


async def test_one_key_labels_and_moves_on(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        first = card_of(app)
        await pilot.press("1")
        assert card_of(app).review_id != first.review_id
        await settle(pilot, app)
        assert decided(session_of(app).database) == {first.text: "positive"}


async def test_labelling_fast_loses_nothing_and_shows_no_review_twice(app_on: MakeApp, reviews: list[str]) -> None:
    app = app_on()
    seen = []
    async with app.run_test() as pilot:
        for number in range(len(reviews)):
            seen.append(card_of(app).text)
            await pilot.press("1" if number % 3 else "2")
        await settle(pilot, app)
        assert session_of(app).current is None
        assert "Every review has its decision" in screen_text(app)
        assert sorted(seen) == sorted(reviews)
        assert decided(session_of(app).database) == {
            text: "positive" if number % 3 else "negative" for number, text in enumerate(seen)
        }
        assert session_of(app).counts.labelled == len(reviews)


async def test_skip_flag_and_note_are_kept(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        noted = card_of(app).review_id
        await pilot.press("n", *"odd one", "enter", "f")
        await settle(pilot, app)
        assert card_of(app).review_id == noted
        assert "odd one" in screen_text(app)
        await pilot.press("space")
        assert card_of(app).review_id != noted
        await settle(pilot, app)
        await pilot.press("left")
        state = card_of(app).state
        assert state is not None
        assert (state.decision, state.flagged, state.note) == (Decision.SKIPPED, True, "odd one")


async def test_typing_a_note_gives_no_labels(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        await pilot.press("n", *"1212 ua", "escape")
        await settle(pilot, app)
        assert decided(session_of(app).database) == {}


async def test_undo_brings_the_review_back_and_redo_goes_on(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        shown = []
        for _ in range(4):
            shown.append(card_of(app).review_id)
            await pilot.press("2")
        await settle(pilot, app)
        for key, expected in (("u", shown[3]), ("backspace", shown[2]), ("ctrl+z", shown[1])):
            await pilot.press(key)
            await settle(pilot, app)
            assert card_of(app).review_id == expected
        assert session_of(app).counts.labelled == 1
        await pilot.press("r")
        await settle(pilot, app)
        assert session_of(app).counts.labelled == 2
        await pilot.press("r", "r", "r")
        await settle(pilot, app)
        assert session_of(app).counts.labelled == 4


async def test_undo_with_nothing_to_undo_says_so(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("u")
        await settle(pilot, app)
        await pilot.press("u")
        await settle(pilot, app)
        await pilot.pause()
        assert "nothing to undo" in screen_text(app)


async def test_everything_is_there_after_quitting_and_reopening(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        for key in ("1", "2", "space", "1"):
            await pilot.press(key)
        up = card_of(app).review_id
        path = session_of(app).database.path
        await pilot.press("q")
    again = LabelloopApp(path)
    async with again.run_test() as pilot:
        assert card_of(again).review_id == up
        assert session_of(again).counts.labelled == 3
        assert session_of(again).counts.skipped == 1
        await pilot.press("u")
        await settle(pilot, again)
        assert session_of(again).counts.labelled == 2


async def test_accept_takes_the_suggestion_with_run_and_probability(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        suggest_everything(session_of(app).database, probability=0.8)
        app.desk.project_changed.publish(None)
        await pilot.pause()
        card = await walk_to(pilot, app, lambda card: not card.audit)
        assert "80 %" in screen_text(app)
        await pilot.press("a")
        await settle(pilot, app)
        await pilot.press("left")
        state = card_of(app).state
        assert card.suggested is not None
        assert state is not None
        assert state.label_ids == card.suggested.label_ids
        assert (state.origin.value, state.run_id) == ("accepted", 1)
        assert state.probability == pytest.approx(0.8)


async def test_other_gives_the_label_that_was_not_suggested(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        suggest_everything(session_of(app).database)
        app.desk.project_changed.publish(None)
        await pilot.pause()
        card = await walk_to(pilot, app, lambda card: not card.audit)
        assert card.suggested is not None
        await pilot.press("x")
        await settle(pilot, app)
        await pilot.press("left")
        state = card_of(app).state
        assert state is not None
        assert state.label_ids
        assert state.label_ids != card.suggested.label_ids


async def test_the_suggestion_of_an_audit_review_is_held_back(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test() as pilot:
        suggest_everything(session_of(app).database)
        app.desk.project_changed.publish(None)
        await pilot.pause()
        card = await walk_to(pilot, app, lambda card: card.audit)
        assert "held back" in screen_text(app)
        assert "suggested" not in screen_text(app)
        await pilot.press("a")
        await settle(pilot, app)
        assert card_of(app).review_id == card.review_id
        assert decided(session_of(app).database) == {}


async def test_accept_without_a_suggestion_does_nothing_but_say_so(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(notifications=True) as pilot:
        up = card_of(app).review_id
        await pilot.press("enter")
        await pilot.pause()
        assert card_of(app).review_id == up
        assert "no suggestion" in screen_text(app)


async def test_jump_goes_to_an_id_and_says_when_there_is_none(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(notifications=True) as pilot:
        await pilot.press("j", *"r17", "enter")
        await pilot.pause()
        assert card_of(app).external_id == "r17"
        await pilot.press("j", *"nowhere", "enter")
        await pilot.pause()
        await pilot.pause()
        assert card_of(app).external_id == "r17"
        assert "nowhere" in screen_text(app)


async def test_multi_label_keys_toggle_and_enter_confirms(app_on: MakeApp) -> None:
    app = app_on(labels=("price", "quality", "service"), multi=True)
    async with app.run_test() as pilot:
        text = card_of(app).text
        await pilot.press("1", "3", "2", "2")
        assert decided(session_of(app).database) == {}
        await pilot.press("enter")
        await settle(pilot, app)
        assert decided(session_of(app).database) == {text: "price|service"}


async def test_a_label_without_a_key_is_found_by_its_name(app_on: MakeApp) -> None:
    names = tuple(f"topic {letter}" for letter in "abcdefghijklm")
    app = app_on(labels=names)
    async with app.run_test() as pilot:
        text = card_of(app).text
        await pilot.press("l", *"topic l", "enter")
        await settle(pilot, app)
        assert decided(session_of(app).database) == {text: "topic l"}


async def test_copies_of_a_text_are_labelled_once_and_undone_as_one(app_on: MakeApp) -> None:
    app = app_on(texts=["the same words", "something else", "the same words", "the same words"])
    async with app.run_test() as pilot:
        await walk_to(pilot, app, lambda card: card.text == "the same words")
        assert "+2 alike" in screen_text(app)
        await pilot.press("1")
        await settle(pilot, app)
        assert session_of(app).counts.labelled == 3
        assert card_of(app).text == "something else"
        await pilot.press("u")
        await settle(pilot, app)
        assert session_of(app).counts.labelled == 0


async def test_a_write_that_fails_brings_the_review_back_with_the_reason(
    app_on: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.storage import decisions

    app = app_on()
    async with app.run_test(notifications=True) as pilot:
        first = card_of(app).review_id

        def full(*_args: object) -> None:
            raise ProjectError("There is no room left on the disk.", "Free some space.")

        with monkeypatch.context() as patch:
            patch.setattr(decisions, "decide", full)
            await pilot.press("1")
            await settle(pilot, app)
            await pilot.pause()
        assert card_of(app).review_id == first
        assert card_of(app).state is None
        assert "no room left" in screen_text(app)
        assert session_of(app).counts.labelled == 0
        await pilot.press("2")
        await settle(pilot, app)
        assert session_of(app).counts.labelled == 1


async def test_hostile_text_is_shown_and_not_obeyed(app_on: MakeApp) -> None:
    hostile = "before \x1b[2J\x1b]0;owned\x07 [bold]mark[/bold] \u202eesrever\u202c after"
    app = app_on(texts=[hostile])
    async with app.run_test() as pilot:
        await pilot.pause()
        shown = screen_text(app)
        assert "\x1b" not in shown
        assert "[bold]mark[/bold]" in shown
        assert "␛[2J" in shown
        assert "\u202e" not in shown
        assert card_of(app).text == hostile


@pytest.mark.parametrize("size", SIZES)
async def test_the_screen_tells_what_matters_at_every_size(app_on: MakeApp, size: tuple[int, int]) -> None:
    app = app_on()
    async with app.run_test(size=size) as pilot:
        await pilot.press("1")
        await settle(pilot, app)
        await pilot.pause()
        shown = screen_text(app)
        assert card_of(app).text[:20] in shown
        for part in ("positive", "negative", "1 of 30", "Skip", "Undo"):
            assert part in shown, part


async def test_a_terminal_of_one_cell_does_not_end_the_app(app_on: MakeApp) -> None:
    app = app_on()
    async with app.run_test(size=(120, 40)) as pilot:
        for size in ((1, 1), (3, 2), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await pilot.press("1")
        await settle(pilot, app)
        assert session_of(app).counts.labelled == 1


async def test_another_process_labelling_is_noticed(app_on: MakeApp) -> None:
    from core.storage import decisions
    from core.storage.database import annotator_id
    from core.storage.states import labelled

    app = app_on()
    async with app.run_test() as pilot:
        other = open_project(session_of(app).database.path)
        with other.writing() as session:
            annotator = annotator_id(session, "someone")
            decisions.decide(session, annotator, "positive", {30: labelled(annotator, [1])})
        other.close()
        app._look()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert session_of(app).counts.labelled == 1


async def test_columns_named_in_the_settings_are_always_shown_and_the_others_by_a_key(
    project: MakeProject, tmp_path: Path
) -> None:
    rows = [["12", "kettle", "It leaks.", "[red]none[/]"]]
    file = write_csv(tmp_path / "r.csv", ["order", "product", "text", "reply"], rows)
    database = project()
    import_file(database, Choice(file, text_column="text", id_column="order"), "ann")
    database.close()
    settings.save({"columns": "product, colour"})
    app = LabelloopApp(database.path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot, app)
        assert "product: kettle" in screen_text(app)
        assert "reply" not in screen_text(app)
        await pilot.press("i")
        await settle(pilot, app)
        assert "reply: [red]none[/]" in screen_text(app)
