"""The line at the top: which project, how far, how fast."""

from __future__ import annotations

from rich.cells import cell_len
from textual.strip import Strip

from core.phrases import duration, percent
from core.storage.browse import Counts
from tui.widgets.lines import Lines, Piece

WIDE = 100
"""Columns from which the pace and the time left are shown in full."""


class TopBar(Lines):
    """Project name, progress and pace in one line."""

    DEFAULT_CSS = """
    TopBar { height: 1; dock: top; background: $panel; color: $foreground; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._project = ""
        self._counts: Counts | None = None
        self._per_minute: float | None = None
        self._minutes_left: float | None = None
        self._streak = 0

    def show(
        self, name: str, counts: Counts, per_minute: float | None, minutes_left: float | None, streak: int
    ) -> None:
        """Draw the line anew."""
        self._project, self._counts, self._streak = name, counts, streak
        self._per_minute, self._minutes_left = per_minute, minutes_left
        self.redraw()

    def drawn(self, width: int) -> list[Strip]:
        if self._counts is None:
            return []
        right = self._right(self._counts, width >= WIDE)
        used = sum(cell_len(text) for text, _ in right)
        left: list[Piece] = [("labelloop ", "bold $primary"), (f"{self._project}  ", "$foreground")]
        gap = width - used - sum(cell_len(text) for text, _ in left)
        if gap < 1:
            left = [(self._project[: max(4, width - used - 2)], "bold $primary")]
            gap = max(1, width - used - cell_len(left[0][0]))
        return [self.line([*left, (" " * gap, ""), *right], width)]

    def _right(self, counts: Counts, wide: bool) -> list[Piece]:
        """How far, and how fast."""
        done = counts.labelled + counts.skipped
        share = done / counts.reviews if counts.reviews else 0.0
        pieces: list[Piece] = [
            (f"{counts.labelled:,}", "bold"),
            (f" of {counts.reviews:,} labelled ", ""),
            *_bar(share, 20 if wide else 8),
            (f" {percent(share)}", ""),
        ]
        if wide:
            if counts.skipped:
                pieces.append((f"  {counts.skipped:,} skipped", "$faint"))
            if counts.flagged:
                pieces.append((f"  ⚑ {counts.flagged:,}", "$warning"))
            pieces.append((f"  {self._streak:,} in a row" if self._streak > 1 else "", "$faint"))
        if self._per_minute is not None:
            pieces.append((f"  {self._per_minute:.0f}/min", "$accent"))
            if self._minutes_left is not None and wide:
                pieces.append((f"  {duration(self._minutes_left * 60)} left", "$faint"))
        return pieces


def _bar(share: float, width: int) -> list[Piece]:
    full = round(share * width)
    return [("━" * full, "$success"), ("─" * (width - full), "$border")]
