"""The review that is up: its text, where it comes from, what is noted on it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from core.phrases import count, one_line, visible
from core.storage.cards import Card

LONGEST_SHOWN = 200_000
"""Characters shown of one review. The rest is in the file and is trained on up to the model's length."""


class ReviewPanel(VerticalScroll, can_focus=False):
    """Shows one review; long ones scroll."""

    DEFAULT_CSS = """
    ReviewPanel {
        border: round $border; padding: 0 2; height: 1fr; scrollbar-size-vertical: 1;
        border-title-color: $faint; border-subtitle-color: $warning; background: $surface;
    }
    ReviewPanel > #text { width: 100%; max-width: 100; padding: 1 0; }
    ReviewPanel > #columns { width: 100%; max-width: 100; color: $faint; padding: 0 0 1 0; display: none; }
    ReviewPanel.-columns > #columns { display: block; }
    """

    def compose(self) -> ComposeResult:
        yield Static(id="text")
        yield Static(id="columns")

    def show(self, card: Card | None) -> None:
        """Show a review, or that there is none left."""
        text = self.query_one("#text", Static)
        self.scroll_home(animate=False)
        if card is None:
            self.border_title, self.border_subtitle = "", ""
            text.update(_all_done())
            self.query_one("#columns", Static).update("")
            return
        alike = f" · +{card.alike} alike" if card.alike else ""
        self.border_title = Content(f" {one_line(card.name, 40)} · {one_line(card.source, 40)}{alike} ")
        marks = []
        if card.state is not None and card.state.flagged:
            marks.append("⚑ flagged")
        if card.state is not None and card.state.note:
            marks.append(f"✎ {one_line(card.state.note, 60)}")
        self.border_subtitle = Content(f" {'  '.join(marks)} " if marks else "")
        shown = visible(card.text[:LONGEST_SHOWN])
        if not shown.strip():
            shown = "(This review is empty. Skip it with the space bar.)"
        elif len(card.text) > LONGEST_SHOWN:
            shown += f"\n\n… {count(len(card.text) - LONGEST_SHOWN, 'more character')} not shown."
        text.update(Content(shown))
        columns = Content("\n").join(
            Content.assemble((f"{one_line(name, 30)}: ", "bold"), one_line(value, 300))
            for name, value in card.columns
        )
        self.query_one("#columns", Static).update(columns)


def _all_done() -> Content:
    return Content.assemble(
        ("Every review has its decision.\n\n", "bold $success"),
        "Press e to export, b to browse, t to train once more, ← to go back.",
    )
