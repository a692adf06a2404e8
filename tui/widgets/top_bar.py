"""The line at the top: which project, how far, how fast."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from core.phrases import duration, percent
from core.storage.browse import Counts

WIDE = 100
"""Columns from which the pace and the time left are shown in full."""


class TopBar(Static):
    """Project name, progress and pace in one line."""

    DEFAULT_CSS = """
    TopBar { height: 1; dock: top; background: $panel; color: $foreground; padding: 0 1; }
    """

    def show(
        self, name: str, counts: Counts, per_minute: float | None, minutes_left: float | None, streak: int
    ) -> None:
        """Draw the line anew."""
        width = max(self.size.width - 2, 40)
        done = counts.labelled + counts.skipped
        share = done / counts.reviews if counts.reviews else 0.0
        left = Content.assemble(("labelloop ", "bold $primary"), (f"{name}  ", "$foreground"))
        parts: list[Content | str | tuple[str, str]] = [
            (f"{counts.labelled:,}", "bold"),
            (f" of {counts.reviews:,} labelled ", ""),
            *_bar(share, 20 if width >= WIDE else 8),
            (f" {percent(share)}", ""),
        ]
        if width >= WIDE:
            if counts.skipped:
                parts.append((f"  {counts.skipped:,} skipped", "$faint"))
            if counts.flagged:
                parts.append((f"  ⚑ {counts.flagged:,}", "$warning"))
            parts.append((f"  {streak:,} in a row" if streak > 1 else "", "$faint"))
        if per_minute is not None:
            parts.append((f"  {per_minute:.0f}/min", "$accent"))
            if minutes_left is not None and width >= WIDE:
                parts.append((f"  {duration(minutes_left * 60)} left", "$faint"))
        right = Content.assemble(*parts)
        gap = width - left.cell_length - right.cell_length
        if gap < 1:
            left = Content.assemble((name[: max(4, width - right.cell_length - 2)], "bold $primary"))
            gap = max(1, width - left.cell_length - right.cell_length)
        self.update(Content.assemble(left, " " * gap, right), layout=False)


def _bar(share: float, width: int) -> list[tuple[str, str]]:
    full = round(share * width)
    return [("━" * full, "$success"), ("─" * (width - full), "$border")]
