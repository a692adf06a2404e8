"""How a delimited file is written: what stands between cells and around them, and whether it has a header line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

from core.errors import FileError
from core.files.table import LONGEST_LINE

DELIMITERS = (",", ";", "\t", "|", "\x1f", "\x01", "^", "~")
"""What is tried, the more likely first."""

QUOTES = ('"', "'", "")

ROWS = 50
"""Rows from which the dialect is guessed."""

UNQUOTED = 3
"""Cells that show that a file does not quote."""

KNOWN = frozenset(
    [
        "text",
        "review",
        "reviews",
        "review_text",
        "reviewtext",
        "comment",
        "content",
        "body",
        "sentence",
        "message",
        "feedback",
        "tweet",
        "verbatim",
        "title",
        "id",
        "review_id",
        "reviewid",
        "uid",
        "uuid",
        "key",
        "label",
        "labels",
        "class",
        "category",
        "sentiment",
        "rating",
        "stars",
        "score",
        "date",
        "time",
        "user",
        "author",
        "name",
        "url",
        "source",
        "lang",
        "language",
        "product",
    ]
)
"""Names of columns in headers, in lower case."""

LONGEST_NAME = 80
"""Characters of a column's name; a longer first line is a review."""

_NUMBER = re.compile(r"[-+]?\d[\d.,:/\- T]*Z?")


@dataclass(frozen=True)
class Dialect:
    """How cells are told apart."""

    delimiter: str = ","
    quote: str = '"'
    """Empty: cells are not quoted, and quotes are part of them."""
    escape: str = ""
    """What stands before a quote within a quoted cell; empty: the quote itself, doubled."""
    header: bool = True

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Cut lines into rows. Raises csv.Error where quotes do not match."""
        csv.field_size_limit(LONGEST_LINE)
        return csv.reader(lines, **self._arguments())

    def unquoted(self, line: str) -> list[str]:
        """A line cut at every delimiter, whatever its quotes say."""
        return line.rstrip("\r\n").split(self.delimiter)

    def _arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {"delimiter": self.delimiter, "strict": True}
        if not self.quote:
            return found | {"quoting": csv.QUOTE_NONE, "quotechar": None}
        if self.escape:
            found |= {"doublequote": False, "escapechar": self.escape}
        return found | {"quotechar": self.quote}


def guess(text: str, whole: bool, delimiter: str | None, quote: str | None, header: bool | None) -> Dialect:
    """The dialect of the beginning of a file; what is given is not guessed. Raises FileError for what cannot be."""
    for name, given in (("delimiter", delimiter), ("quote", quote)):
        if given and (len(given) != 1 or given in "\r\n"):
            raise FileError(f"“{given}” cannot be the {name}.", "Give one character, such as “;”.")
    if delimiter == "" or (delimiter is not None and delimiter == quote):
        raise FileError("Delimiter and quote must be two different characters.", "Give one character each.")
    best, best_score = Dialect(delimiter or ",", '"' if quote is None else quote), (0.0, 0.0, 0)
    for sign in DELIMITERS if delimiter is None else (delimiter,):
        for one in _quotings(sign, text, quote):
            score = _score(one, text, whole)
            if score > best_score and (score[2] > 1 or delimiter is not None):
                best, best_score = one, score
    if not best_score[2]:
        # One column: the quotes are all there is to tell.
        single = [(_score(one, text, whole), one) for one in _quotings(best.delimiter, text, quote)]
        if single and max(score[:2] for score, _ in single) > (0.0, 0.0):
            best = max(single, key=lambda pair: pair[0][:2])[1]
    return Dialect(best.delimiter, best.quote, best.escape, has_header(best, text) if header is None else header)


def _quotings(sign: str, text: str, quote: str | None) -> list[Dialect]:
    found = [Dialect(sign, one) for one in (QUOTES if quote is None else (quote,)) if one != sign]
    if '\\"' in text and quote in (None, '"'):
        found.insert(1, Dialect(sign, '"', "\\"))
    return found


def _score(dialect: Dialect, text: str, whole: bool) -> tuple[float, float, int]:
    """Share of rows as wide as the first, share of rows that are read, and how wide they are."""
    rows, broken = sampled(dialect, text, whole)
    widths = [len(row) for row in rows if row]
    if not widths:
        return 0.0, 0.0, 0
    if not dialect.quote and not _is_unquoted(rows):
        return 0.0, 0.0, 0
    if dialect.quote == "'" and not any(cell for row in rows for cell in row if "," in cell or "\n" in cell):
        # Apostrophes are letters first: they are quotes only where they hold something together.
        return 0.0, 0.0, 0
    whole_rows = len(widths) + broken
    return sum(width == widths[0] for width in widths) / whole_rows, len(widths) / whole_rows, widths[0]


def _is_unquoted(rows: list[list[str]]) -> bool:
    """Whether quotes are plainly letters: cells begin with one and end without, and none has one at both ends."""
    begun = [cell for row in rows for cell in row if cell.startswith('"')]
    return len(begun) >= UNQUOTED and not any(cell.endswith('"') and len(cell) > 1 for cell in begun)


def sampled(dialect: Dialect, text: str, whole: bool) -> tuple[list[list[str]], int]:
    """The first rows, without one that the end of the text cuts, and how many could not be read."""
    lines = StringIO(text, newline="")
    rows: list[list[str]] = []
    broken = 0
    reader = dialect.reader(lines)
    while len(rows) + broken < ROWS:
        try:
            row = next(reader, None)
        except csv.Error:
            if not whole and not lines.read(1):
                break
            broken += 1
            reader = dialect.reader(lines)
            continue
        if row is None:
            if not whole and len(rows) > 1:
                rows.pop()
            break
        rows.append(row)
    return rows, broken


def has_header(dialect: Dialect, text: str) -> bool:
    """Whether the first line names the columns: yes, unless it is plainly a row like the others."""
    rows, _ = sampled(dialect, text, True)
    rows = [row for row in rows if row]
    if not rows:
        return True
    first = rows[0]
    if any(cell.strip().casefold().replace(" ", "_") in KNOWN for cell in first):
        return True
    if any(len(cell) > LONGEST_NAME for cell in first):
        return False
    below = [row for row in rows[1:] if len(row) == len(first)]
    if len(below) < 2:
        return True
    return not any(
        _NUMBER.fullmatch(cell.strip()) and all(_NUMBER.fullmatch(row[at].strip() or "0") for row in below)
        for at, cell in enumerate(first)
    )
