"""Browse: every review in a table, searched, filtered and sorted in the database."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from core.phrases import count, one_line, percent
from core.storage import browse, cards, scheme
from core.storage.browse import Filter, Order, State
from core.storage.cards import Card
from core.storage.tables import Decision
from tui.bindings import bindings
from tui.desk import Desk
from tui.screens.label import LabelScreen
from tui.widgets.review_table import ReviewTable, TableRow

Choice = TypeVar("Choice")


class BrowseScreen(Screen[None]):
    """A table over all reviews, with a line of filters above it."""

    BINDINGS = [*bindings("browse"), *bindings("close")]
    CSS = """
    BrowseScreen #words { border: none; height: 1; margin: 0; padding: 0 1; background: $panel; }
    BrowseScreen #words:focus { background: $panel; color: $foreground; text-style: bold; }
    BrowseScreen #filters { height: 1; padding: 0 1; background: $panel; }
    BrowseScreen #preview { height: 5; padding: 0 2; border-top: solid $border; color: $foreground; }
    """

    def __init__(self, desk: Desk, search: bool = False) -> None:
        super().__init__()
        self._desk, self._search = desk, search
        self._filter = Filter()
        self._labels = list(desk.session.scheme)

    def compose(self) -> ComposeResult:
        yield Static(id="filters")
        yield Input(placeholder='search: words, "a phrase", begin*, NOT word', id="words", max_length=1_000)
        yield ReviewTable(widths=[13, 18, 22], titles=["review", "label", "suggestion", "text"])
        yield Static(id="preview")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._table = self.query_one(ReviewTable)
        self.watch(self._table, "cursor", self._preview, init=False)
        (self.query_one("#words") if self._search else self._table).focus()
        self._desk.project_changed.subscribe(self, lambda _nothing: self._table.reread())
        self.call_after_refresh(self._apply)

    # ------------------------------------------------------------------ filters

    def _apply(self) -> None:
        """Show what the filter lets through."""
        session = self._desk.session
        wanted = self._filter
        session.writer.flush()
        with session.database.reading() as reading:
            total = browse.total(reading, wanted)
        self._table.show(total, self._read)
        self._say(total)
        self._preview()

    def _say(self, total: int) -> None:
        label = next((one.name for one in self._labels if one.id == self._filter.label_id), "any")
        parts: list[str | tuple[str, str]] = [(f"{count(total, 'review')}", "bold $primary")]
        for name, value, default in (
            ("state", self._filter.state.value, State.ALL.value),
            ("label", label, "any"),
            ("order", self._filter.order.value, Order.FILE.value),
        ):
            parts.append((f"   {name} ", "$faint"))
            parts.append((value, "bold $accent" if value != default else ""))
        self.query_one("#filters", Static).update(Content.assemble(*parts))

    def _read(self, offset: int, limit: int) -> list[TableRow]:
        session = self._desk.session
        with session.database.reading() as reading:
            ids = browse.page(reading, self._filter, offset, limit)
            found = cards.cards(reading, ids, session.multi)
        return [self._row(card) for card in found]

    def _row(self, card: Card) -> TableRow:
        label, colour = "", ""
        if card.state is not None and card.state.decision is Decision.LABELLED:
            label = ", ".join(scheme.names(self._labels, card.state.label_ids)) or "no label"
            first = next((one for one in self._labels if one.id in card.state.label_ids), None)
            colour = f"$label-{first.colour}" if first else ""
        elif card.state is not None and card.state.decision is Decision.SKIPPED:
            label = "skipped"
        flag = "⚑" if card.state is not None and card.state.flagged else ""
        note = "✎" if card.state is not None and card.state.note else ""
        said = ""
        if card.suggested is not None and not (card.audit and card.state is None):
            names = ", ".join(scheme.names(self._labels, card.suggested.label_ids)) or "none"
            said = f"{percent(card.suggested.probability):>5} {names}"
        return TableRow(
            card.review_id,
            (
                one_line(card.name, 12),
                f"{flag}{note}{one_line(label, 17)}",
                one_line(said, 21),
                one_line(card.text, 400),
            ),
            colour,
        )

    def _preview(self) -> None:
        """The text of the review under the cursor, so that one need not open it to read it."""
        row = self._table.row(self._table.cursor)
        self.query_one("#preview", Static).update(
            Content(row.cells[-1])
            if row
            else Content.styled("No review passes these filters. c clears them.", "$faint")
        )

    @on(Input.Changed, "#words")
    def _words(self, event: Input.Changed) -> None:
        self._filter = replace(self._filter, words=event.value)
        self._apply()

    @on(Input.Submitted, "#words")
    def _search_done(self) -> None:
        self._table.focus()

    # ------------------------------------------------------------------ actions

    def action_words(self) -> None:
        self.query_one("#words").focus()

    def action_state(self) -> None:
        self._filter = replace(self._filter, state=_next(list(State), self._filter.state))
        self._apply()

    def action_order(self) -> None:
        self._filter = replace(self._filter, order=_next(list(Order), self._filter.order))
        self._apply()

    def action_label(self) -> None:
        choices = [None, *(label.id for label in self._labels)]
        self._filter = replace(self._filter, label_id=_next(choices, self._filter.label_id))
        self._apply()

    def action_clear(self) -> None:
        self._filter = Filter()
        words = self.query_one("#words", Input)
        if words.value:
            words.value = ""
        else:
            self._apply()

    def action_open(self) -> None:
        if (review_id := self._table.chosen) is not None:
            self._open(review_id)

    @on(ReviewTable.Chosen)
    def _chosen(self, event: ReviewTable.Chosen) -> None:
        self._open(event.review_id)

    def _open(self, review_id: int) -> None:
        below = self.app.screen_stack[-2]
        self.dismiss()
        if isinstance(below, LabelScreen):
            below.open_review(review_id)

    def action_close(self) -> None:
        if self.query_one("#words").has_focus:
            self._table.focus()
        else:
            self.dismiss()


def _next(choices: list[Choice], present: Choice) -> Choice:
    return choices[(choices.index(present) + 1) % len(choices)]
