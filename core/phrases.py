"""Numbers and times in the words that screens and commands share."""

from __future__ import annotations

import re

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
"""A word of a review, as words are marked in it."""

_CONTROL = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_KEPT = {0x09: "  ", 0x0A: "\n"}
_INVISIBLE = [
    *range(0x80, 0xA0),
    *(0xAD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2065, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE0E),
    *range(0xFFF0, 0xFFFC),
    *range(0x1D173, 0x1D17B),
    *range(0xD800, 0xE000),
    *range(0xE0000, 0xE01F0),
]
_EMOJI = (0x200D,)
"""Zero-width joiner: without it, family and profession emoji fall apart. It stays only where it does that."""

_STYLES = "\ufe0e\ufe0f"
"""Whether a sign is drawn as text or as emoji; more than one after a sign is something hidden."""

_VISIBLE = _CONTROL | {code: f"⟨{code:X}⟩" for code in _INVISIBLE if code not in _EMOJI} | _KEPT


LONGEST_MARKS = 4
"""Combining marks kept on one letter when shown; more are a flood that spills over other lines."""


class _Marks(dict[str, bool]):
    """Whether a character stands on the one before it and takes no room of its own, looked up once each."""

    def __missing__(self, character: str) -> bool:
        from unicodedata import category

        self[character] = found = category(character) in ("Mn", "Me") or character == "\u200d"
        return found


_marks = _Marks()


def visible(text: str) -> str:
    """A review's text made safe to show: controls, escapes and invisible characters become visible ones.

    Only for showing. What is stored, trained on and exported stays as it is.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    shown = text.translate(_VISIBLE)
    if shown.isascii() or not any(map(_marks.__getitem__, shown)):
        return shown
    return _without_floods(shown)


def _is_sign(character: str) -> bool:
    """Whether it is an emoji or another sign, which may be joined to the next: from the arrows to the dingbats."""
    return "\u2190" <= character < "\u2e80" or character >= "\U0001f000"


def _without_floods(text: str) -> str:
    """Marks beyond the first few on a letter are cut, saying how many; joiners that join no emoji become visible."""
    kept: list[str] = []
    marks = cut = 0
    before = ""
    for at, character in enumerate(text):
        if not _marks[character]:
            if cut:
                kept.append(f"⟨+{cut}⟩")
            marks = cut = 0
            kept.append(character)
        elif character == "\u200d":
            after = text[at + 1 : at + 2]
            joins = before != "" and (_is_sign(before) or before in _STYLES) and _is_sign(after)
            kept.append(character if joins else "⟨200D⟩")
            marks = 0 if joins else marks
        elif character in _STYLES and (not before or before in _STYLES):
            kept.append(f"⟨{ord(character):X}⟩")
        else:
            marks += 1
            if marks <= LONGEST_MARKS:
                kept.append(character)
            else:
                cut += 1
        before = character
    if cut:
        kept.append(f"⟨+{cut}⟩")
    return "".join(kept)


def word_form(word: str) -> str:
    """A word as it is compared with others: in lower case, with one kind of apostrophe."""
    return word.casefold().replace("’", "'")


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
