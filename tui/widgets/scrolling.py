"""Scrolling by keys what has no focus."""

from __future__ import annotations

from textual.containers import VerticalScroll


def scroll(box: VerticalScroll, pages: int) -> None:
    """Scroll by pages, leaving a line in sight."""
    box.scroll_relative(y=pages * max(1, box.size.height - 2), animate=False)
