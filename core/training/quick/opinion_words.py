"""What a short English word list says about a text: for or against, before anybody has labelled anything."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from pathlib import Path

WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")

REACH = 3
"""Words after a negation that it turns round: “not a very good book”."""

TURNED = -0.7
"""What is left of a word's opinion when it is turned round: “not bad” is no praise."""


@cache
def _lists() -> tuple[dict[str, int], frozenset[str]]:
    lists = json.loads((Path(__file__).parent / "opinion_words.json").read_text(encoding="utf-8"))
    said = dict.fromkeys(lists["for"].split(), 1) | dict.fromkeys(lists["against"].split(), -1)
    return said, frozenset(lists["negations"].split())


def opinion(text: str) -> float:
    """Words for less words against, over the root of how many there are; 0 without any, about -5 to 5."""
    said, negations = _lists()
    total, found, negated = 0.0, 0, -REACH - 1
    words = WORD.findall(text.casefold().replace("’", "'").replace(" n't", "n't"))
    for place, word in enumerate(words):
        if word in negations or word.endswith("n't"):
            negated = place
        value = said.get(word)
        if value is not None:
            total += value * TURNED if 0 < place - negated <= REACH else value
            found += 1
    return total / math.sqrt(found) if found else 0.0
