"""Names, keys and colours of labels: what a scheme is made of before it is stored."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from core.errors import SchemeError

LONGEST_NAME = 60
"""Characters of a label's name; longer ones do not fit beside a review at 80 columns."""

LONGEST_DESCRIPTION = 300
"""Characters of a label's description: three lines at most."""

KEYS = "123456789"
"""Keys given to labels in order. With more labels than these, see `codes`."""

COLOURS = ("green", "red", "blue", "orange", "purple", "cyan", "magenta", "yellow", "grey")
"""Colours given to labels in order; every one is a variable of the theme, so light and dark both work."""

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
"""A word of a review or of the keyword rule: letters and digits, with apostrophes inside."""

WORDS_FILE = Path(__file__).parent / "sentiment_words.json"


class SchemeKind(StrEnum):
    """How many labels a review can have."""

    SINGLE = "single"
    """Exactly one label a review."""
    MULTI = "multi"
    """Any number of labels a review, none included."""


@dataclass(frozen=True)
class NewLabel:
    """A label that is about to enter a scheme."""

    name: str
    """As shown, unique in the scheme; 1 to 60 characters."""
    key: str
    """The key that gives it; empty when there are more labels than keys."""
    colour: str
    """A name from `COLOURS`."""
    keywords: tuple[str, ...]
    """Words that speak for this label in the keyword rule; empty when none are known."""


def parse_names(text: str) -> list[str]:
    """Split `a,b,c` into label names.

    Raises SchemeError on an empty name, a repeated name or one that is too long.
    """
    return check_names(part.strip() for part in text.split(","))


def check_names(names: Iterable[str]) -> list[str]:
    """Return the names as a list if they can stand in one scheme, else raise SchemeError."""
    checked: list[str] = []
    for name in names:
        if not name:
            raise SchemeError("A label has no name.", "Write the labels as a,b,c with no empty place.")
        if len(name) > LONGEST_NAME:
            raise SchemeError(
                f"The label “{name[:30]}…” is {len(name)} characters long.", f"Use at most {LONGEST_NAME}."
            )
        if any(not character.isprintable() for character in name) or "|" in name:
            raise SchemeError(
                f"The label {name!r} holds a control character or “|”.", "Use printable characters only."
            )
        if name.casefold() in (known.casefold() for known in checked):
            raise SchemeError(f"The label “{name}” is named twice.", "Every label needs a name of its own.")
        checked.append(name)
    return checked


def check_keywords(words: Iterable[str]) -> list[str]:
    """Return the words in lower case, each once, if the keyword rule can find them, else raise SchemeError."""
    checked = []
    for word in words:
        plain = word.strip().casefold().replace("’", "'")
        if plain and not WORD.fullmatch(plain):
            raise SchemeError(
                f"“{plain[:40]}” is not a word that can be looked for.", "Use single words of letters and digits."
            )
        checked.append(plain)
    return [word for word in dict.fromkeys(checked) if word]


def new_labels(names: Iterable[str], taken: int = 0) -> list[NewLabel]:
    """Give keys, colours and keywords to label names, continuing after `taken` existing labels."""
    labels = []
    for position, name in enumerate(check_names(names), start=taken):
        labels.append(
            NewLabel(
                name=name,
                key=KEYS[position] if position < len(KEYS) else "",
                colour=COLOURS[position % len(COLOURS)],
                keywords=default_keywords(name),
            )
        )
    return labels


def codes(keys: Sequence[tuple[int, str]]) -> dict[int, str]:
    """What is typed for each label, by label id, from (label id, its key) in the scheme's order.

    Up to nine labels are given by their keys. With more, digits stand for places: the first label is `01`, two
    digits each, or three beyond 99, so that every label is as near as the first. A key that is no digit stays.
    """
    if len(keys) <= len(KEYS):
        return dict(keys)
    width = max(2, len(str(len(keys))))
    return {
        label_id: key if key and not key.isdigit() else f"{place:0{width}}"
        for place, (label_id, key) in enumerate(keys, start=1)
    }


def default_keywords(name: str) -> tuple[str, ...]:
    """The words of the keyword rule for a label that is recognisably positive or negative, else none."""
    lists = json.loads(WORDS_FILE.read_text(encoding="utf-8"))
    for sentiment in lists.values():
        if name.casefold() in sentiment["names"]:
            return tuple(sentiment["words"])
    return ()
