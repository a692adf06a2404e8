"""One line about a large step through the history, or anything else that is written in portions."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from core.phrases import one_line


class StepStrip(Static):
    """What is being written and how far it is; takes no room while there is nothing to tell."""

    DEFAULT_CSS = """
    StepStrip { height: 1; padding: 0 1; background: $panel; display: none; }
    StepStrip.-shown { display: block; }
    """

    def show(self, doing: str, done: int, total: int, hint: str = "") -> None:
        """Draw the line: “undoing many labels … 40,000 of 100,000”."""
        width = max(self.size.width - 2, 40)
        bar = 24 if width >= 100 else 10
        full = round(min(done, total) / total * bar) if total else bar
        self.set_class(True, "-shown")
        self.update(
            Content.assemble(
                (f"▶ {one_line(doing, width - bar - 34 - len(hint))} … ", "bold $accent"),
                ("━" * full, "$accent"),
                ("─" * (bar - full), "$border"),
                f" {done:,} of {total:,}",
                (f"  {hint}" if hint else "", "$faint"),
            )
        )

    def clear(self) -> None:
        """Take the line away."""
        self.set_class(False, "-shown")
