"""Numbers and times in the words that screens and commands share."""

from __future__ import annotations

_CONTROL = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_KEPT = {0x09: "  ", 0x0A: "\n"}
_INVISIBLE = [
    *range(0x80, 0xA0),
    *(0xAD, 0x061C, 0x180E, 0xFEFF),
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFFF9, 0xFFFC),
    *range(0xD800, 0xE000),
    *range(0xE0000, 0xE0080),
]
_JOINERS = (0x200D,)
"""Zero-width joiner: without it, family and profession emoji fall apart."""

_VISIBLE = _CONTROL | {code: f"⟨{code:X}⟩" for code in _INVISIBLE if code not in _JOINERS} | _KEPT | {0x0D: ""}

LONGEST_MARKS = 4
"""Combining marks kept on one letter when shown; more are a flood that spills over other lines."""


def visible(text: str) -> str:
    """A review's text made safe to show: controls, escapes and invisible characters become visible ones.

    Only for showing. What is stored, trained on and exported stays as it is.
    """
    shown = text.translate(_VISIBLE)
    return shown if shown.isascii() else _without_floods(shown)


def _without_floods(text: str) -> str:
    from unicodedata import combining

    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if combining(character) else 0
        if marks <= LONGEST_MARKS:
            kept.append(character)
    return "".join(kept)


def one_line(text: str, length: int = 200) -> str:
    """The beginning of a text on one line, safe to show, cut with “…” after `length` characters."""
    shown = " ".join(visible(text[: length * 4]).split())
    is_all = len(shown) <= length and not text[length * 4 :].strip()
    return shown if is_all else shown[: length - 1] + "…"


def duration(seconds: float) -> str:
    """A time in the largest fitting units: `42 s`, `3 min 20 s`, `2 h 18 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 10:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def percent(share: float, digits: int = 0) -> str:
    """A share of 0 to 1 in percent, whole or with digits, never rounded to a certainty that is none."""
    least = 10.0 ** -(digits + 2)
    if 0 < share < least:
        return f"<{least * 100:.{digits}f} %"
    if 1 - least < share < 1:
        return f">{100 - least * 100:.{digits}f} %"
    return f"{share * 100:.{digits}f} %"


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 review`, `2,000 reviews`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
