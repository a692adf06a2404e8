"""Text made to fit: so many columns of the terminal, whatever the script, and so many lines."""

from __future__ import annotations

from itertools import islice

from rich.cells import cell_len, set_cell_size

from core.phrases import one_line, visible
from tui.widgets.review_panel import wrapped


def cut(text: str, width: int) -> str:
    """The beginning of a text on one line of at most this many columns, which wide characters take two of."""
    shown = one_line(text, width)
    return shown if cell_len(shown) <= width else set_cell_size(shown, width - 1).rstrip() + "…"


def padded(text: str, width: int) -> str:
    """A text on one line of exactly this many columns."""
    shown = cut(text, width)
    return shown + " " * (width - cell_len(shown))


def first_lines(text: str, width: int, lines: int) -> list[str]:
    """The first lines of a text, of this width; the last one ends in “…” where there is more."""
    if lines == 1:
        return [cut(text, width)]
    # No line is longer than the width, so that no more characters can be seen.
    start = " ".join(visible(text[: (lines + 1) * (width + 1) * 2]).split())
    found = list(islice(wrapped(start, width), lines + 1))
    return [*found[: lines - 1], cut(" ".join(found[lines - 1 :]), width)] if len(found) > lines else found
