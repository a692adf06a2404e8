"""More labels than keys, marked words, and the reminder to rest: through the real app."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.labels import codes
from tests.tui.conftest import SIZES, MakeApp, card_of, decided, screen_text, session_of, settle
from tui.widgets.review_panel import mark, wrapped

MANY = tuple(f"topic {number:02}" for number in range(1, 78))
TEXTS = ["Refund please", "Wonderful and quick", "Where is the parcel", "Nothing to add here", "Ten out of ten"]


async def test_seventy_seven_labels_are_two_keys_away(app_on: MakeApp) -> None:
    app = app_on(labels=MANY, texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        wanted = {}
        for number in (1, 10, 42, 77, 9):
            wanted[card_of(app).text] = f"topic {number:02}"
            await pilot.press(*f"{number:02}")
        await settle(pilot, app)
        assert decided(session_of(app).database) == wanted


async def test_the_first_digit_shows_which_labels_are_left(app_on: MakeApp) -> None:
    app = app_on(labels=MANY, texts=TEXTS)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await pilot.pause()
        shown = screen_text(app)
        assert "topic 40" in shown
        assert "topic 49" in shown
        assert "topic 50" not in shown
        await pilot.press("backspace", "1", "2")
        await settle(pilot, app)
        assert list(decided(session_of(app).database).values()) == ["topic 12"]
        assert session_of(app).counts.labelled == 1


async def test_a_number_beyond_the_last_label_gives_nothing(app_on: MakeApp) -> None:
    app = app_on(labels=MANY, texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("9", "7", "8")
        await settle(pilot, app)
        assert decided(session_of(app).database) == {}
        await pilot.press("7", "7")
        await settle(pilot, app)
        assert list(decided(session_of(app).database).values()) == ["topic 77"]


async def test_many_labels_are_toggled_by_number_where_a_review_can_have_several(app_on: MakeApp) -> None:
    app = app_on(labels=MANY[:13], multi=True, texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        text = card_of(app).text
        await pilot.press(*"01", *"13", *"05", *"05", "enter")
        await settle(pilot, app)
        assert decided(session_of(app).database) == {text: "topic 01|topic 13"}


@pytest.mark.parametrize("size", SIZES)
async def test_many_labels_leave_room_for_the_review(app_on: MakeApp, size: tuple[int, int]) -> None:
    app = app_on(labels=MANY, texts=TEXTS)
    async with app.run_test(size=size) as pilot:
        await pilot.press("7")
        await pilot.pause()
        assert card_of(app).text in screen_text(app)


def test_codes_are_all_different_and_none_is_the_beginning_of_another() -> None:
    for many in (2, 9, 10, 77, 99, 100, 250):
        found = list(codes([(number, str(number) if number < 10 else "") for number in range(1, many + 1)]).values())
        assert len(set(found)) == many
        assert not any(one != other and other.startswith(one) for one in found for other in found)


def test_words_are_marked_whole_and_whatever_their_case() -> None:
    text = "Great! The greatest. I don’t love it, GREAT?"
    pieces = mark(text, {"great": "bold", "don't": "underline"})
    assert "".join(piece for piece, _ in pieces) == text
    assert [piece for piece in pieces if piece[1]] == [("Great", "bold"), ("don’t", "underline"), ("GREAT", "bold")]


@given(st.text(st.sampled_from("ab -\n界é"), max_size=80), st.integers(4, 20))
def test_a_wrapped_text_keeps_every_word_and_fits(text: str, width: int) -> None:
    lines = list(wrapped(text, width))
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line.rstrip()) <= width for line in lines)


async def test_a_rest_is_suggested_once_after_long_work(app_on: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_on(texts=TEXTS)
    async with app.run_test(size=(120, 40)) as pilot:
        told: list[str] = []
        monkeypatch.setattr(app.screen, "notify", lambda message, **_options: told.append(message))
        await pilot.press("1")
        assert told == []
        session_of(app).pace.rest(time.monotonic() - 46 * 60)
        await pilot.press("1", "1")
        await settle(pilot, app)
        assert len(told) == 1
        assert "45 minutes without a break" in told[0]
