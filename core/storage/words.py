"""What a person types into the search, and the full-text expressions it stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r'-?"[^"]*"?|\S+')


@dataclass(frozen=True)
class Search:
    """An FTS5 expression, and whether a review has to fit it or must not."""

    expression: str
    without: bool = False
    """Only unwanted words were typed: every review is looked for that does not fit."""

    @property
    def has_prefix(self) -> bool:
        """Whether it has beginnings of words in it."""
        return '" *' in self.expression


def search(typed: str) -> Search | None:
    """What is looked for; none when nothing typed can be.

    Words must all occur; `"a phrase"` as it stands; `deliver*` any ending; `NOT word` or `-word` must not
    occur. Everything else is looked for literally, so that no query is a syntax error.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    negate = False
    for token in _TOKEN.findall(typed):
        if token == "NOT":
            negate = True
            continue
        bare = token[1:] if token.startswith("-") and len(token) > 1 else token
        term = _term(bare)
        if term:
            (unwanted if negate or bare is not token else wanted).append(term)
        negate = False
    avoided = " OR ".join(unwanted)
    if not wanted:
        return Search(avoided, without=True) if unwanted else None
    expression = " AND ".join(wanted)
    return Search(f"({expression}) NOT ({avoided})" if unwanted else expression)


def _term(token: str) -> str:
    """One word or phrase in FTS5's own quotes; empty for what has no letter or digit."""
    prefix = token.endswith("*") and not token.startswith('"')
    words = token.strip('"').rstrip("*").replace('"', " ").replace("\x00", " ")
    if not any(character.isalnum() for character in words):
        return ""
    return f'"{words}"' + (" *" if prefix else "")
