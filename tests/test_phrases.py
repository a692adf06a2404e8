"""Review text is data: whatever it holds, showing it is safe. Numbers read as people say them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.phrases import LONGEST_MARKS, count, duration, one_line, percent, visible

ANY = st.text(st.characters(), max_size=50) | st.text(
    st.sampled_from(
        [*map(chr, range(0xA0)), "\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\ud800", "\u0301", "a", "😀"]
    )
)


@given(text=ANY)
def test_nothing_invisible_or_commanding_is_left(text: str) -> None:
    shown = visible(text)
    for character in shown:
        kind = unicodedata.category(character)
        assert kind not in ("Cc", "Cs") or character == "\n", f"{character!r} controls"
        assert unicodedata.bidirectional(character) not in (
            "RLO",
            "LRO",
            "RLE",
            "LRE",
            "RLI",
            "LRI",
            "FSI",
            "PDF",
            "PDI",
        )
    assert "\x1b" not in shown
    assert visible(shown) == shown, "safe text is shown as it is"
    shown.encode("utf-8")


@given(text=st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=50))
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_escape_sequences_are_shown_and_not_obeyed() -> None:
    assert visible("\x1b[31mred\x1b[0m\x07\x00") == "␛[31mred␛[0m␇␀"
    assert visible("a\tb\r\nc\rd") == "a  b\nc␍d", "a lone carriage return would write over the line"
    assert visible("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x9b2J") == "␛]8;;http://x␛\\link␛]8;;␛\\ ⟨9B⟩2J"
    assert visible("pay \u202egnp.exe") == "pay ⟨202E⟩gnp.exe"
    assert visible("\u2066a\u2069\u200f") == "⟨2066⟩a⟨2069⟩⟨200F⟩"
    assert (
        visible("[bold red]no[/] [link=x]markup[/link] &amp; <b>")
        == "[bold red]no[/] [link=x]markup[/link] &amp; <b>"
    )
    assert visible("a\u3164b\U000e0041\U000e0100\ufe01") == "a⟨3164⟩b⟨E0041⟩⟨E0100⟩⟨FE01⟩"
    assert visible("zero\u200bwidth\xadhyphen") == "zero⟨200B⟩width⟨AD⟩hyphen"


def test_families_stay_together_and_floods_of_marks_are_cut() -> None:
    assert visible("👩‍👧") == "👩‍👧"
    assert visible("❤️ 👩🏽‍🚀 🏴‍☠️ ☝🏽") == "❤️ 👩🏽‍🚀 🏴‍☠️ ☝🏽"
    assert visible("e" + "\u0301" * 50 + "!") == "e" + "\u0301" * LONGEST_MARKS + "⟨+46⟩!", "and it says how many"
    assert visible("a" + "\u0489" * 9) == "a" + "\u0489" * LONGEST_MARKS + "⟨+5⟩", "also marks without a class"
    assert visible("สวัสดี ไม่ดี नमस्ते") == "สวัสดี ไม่ดี नमस्ते"


def test_joiners_and_variation_selectors_that_hide_something_are_shown() -> None:
    assert visible("a\u200db") == "a⟨200D⟩b"
    assert visible("👩" + "\u200d" * 3 + "👧") == "👩⟨200D⟩⟨200D⟩⟨200D⟩👧"
    assert visible("批\u200d評") == "批⟨200D⟩評"
    assert visible("☺\ufe0f\ufe0f\ufe0e") == "☺\ufe0f⟨FE0F⟩⟨FE0E⟩"
    assert visible("\ufe0fx") == "⟨FE0F⟩x"


@given(text=ANY, length=st.integers(1, 30))
def test_one_line_is_one_line_of_at_most_its_length(text: str, length: int) -> None:
    shown = one_line(text, length)
    assert "\n" not in shown
    assert len(shown) <= length
    if shown.endswith("…") and "…" not in text:
        assert len(" ".join(visible(text).split())) > len(shown) - 1


def test_a_cut_is_marked() -> None:
    assert one_line("a  b\n\nc", 10) == "a b c"
    assert one_line("abcdef", 6) == "abcdef"
    assert one_line("abcdefg", 6) == "abcde…"
    assert one_line("x" + " " * 5_000 + "y", 20) == "x…", "also when the rest is far away"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"), (-5, "0 s"), (0.4, "0 s"), (42, "42 s"), (59.4, "59 s"), (59.6, "1 min"), (60, "1 min"),
        (200, "3 min 20 s"), (599.6, "10 min"), (3_599, "59 min"), (3_600, "1 h"), (8_280, "2 h 18 min"),
        (90_000, "25 h"),
    ],
)  # fmt: skip
def test_durations(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0, "0 %"),
        (0.001, "<1 %"),
        (0.01, "1 %"),
        (0.5, "50 %"),
        (0.99, "99 %"),
        (0.995, ">99 %"),
        (0.9999, ">99 %"),
        (1, "100 %"),
    ],
)  # fmt: skip
def test_shares_are_never_rounded_to_a_certainty(share: float, told: str) -> None:
    assert percent(share) == told


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0 reviews"), (1, "1 review"), (2, "2 reviews"), (1_234_567, "1,234,567 reviews")]
)
def test_counts(number: int, told: str) -> None:
    assert count(number, "review") == told


def test_irregular_nouns() -> None:
    assert (count(1, "entry", "entries"), count(3, "entry", "entries")) == ("1 entry", "3 entries")
