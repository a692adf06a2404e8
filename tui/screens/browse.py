"""Browse: every review in a table, searched, filtered and sorted in the database."""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from core.errors import FilterError
from core.phrases import count, one_line, percent
from core.storage import browse, cards, filter_text, scheme
from core.storage.browse import Filter, Order, State
from core.storage.cards import Card
from core.storage.tables import Decision
from tui.bindings import bindings
from tui.desk import Desk
from tui.messages import Given, StepMoved
from tui.screens.ask import Ask, ChooseBookmark, FindLabel
from tui.screens.give_all import GiveAll
from tui.screens.label import LabelScreen
from tui.widgets.review_table import PAGE, ReviewTable, TableRow
from tui.widgets.step_strip import StepStrip

Choice = TypeVar("Choice")


DRAWN = 10
"""Hits shown before all of them get a label."""

PATIENCE = 1.0
"""Seconds to wait for decisions being written, so that the list shows them."""


class BrowseScreen(Screen[None]):
    """A table over all reviews, with the filter as a line of text above it."""

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
        with desk.session.database.reading() as reading:
            self._names = filter_text.names_of(reading)
        self._asked = 0
        """How often something else was asked for: an answer to an earlier question comes too late."""
        self._total: int | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="filters")
        yield Input(
            placeholder='words, "a phrase", begin*, NOT word · state:open label:… p>=0.9 order:sure …',
            id="words",
            max_length=1_000,
        )
        yield ReviewTable(widths=[13, 18, 22], titles=["review", "label", "suggestion", "text"])
        yield Static(id="preview")
        yield StepStrip()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._table, self._strip = self.query_one(ReviewTable), self.query_one(StepStrip)
        (self.query_one("#words") if self._search else self._table).focus()
        self._desk.project_changed.subscribe(self, lambda _nothing: self._table.reread())
        self.call_after_refresh(self._apply)

    # ------------------------------------------------------------------ filters

    def _apply(self) -> None:
        """Show what the filter lets through: the first page as soon as it is read, the count when it is counted."""
        self._asked += 1
        asked, wanted, session = self._asked, self._filter, self._desk.session
        self._total = None
        self._say()

        def work() -> None:
            session.writer.flush(PATIENCE)
            if asked != self._asked:
                return
            first = self._read(wanted, 0, PAGE)
            self.app.call_from_thread(self._show, asked, first)
            if asked != self._asked:
                return
            if len(first) < PAGE:
                total = len(first)
            else:
                with session.database.reading() as reading:
                    total = browse.total(reading, wanted)
            self.app.call_from_thread(self._counted, asked, total)

        self.run_worker(work, thread=True, group="browse", exit_on_error=False)

    def _show(self, asked: int, first: list[TableRow]) -> None:
        if asked == self._asked:
            wanted = self._filter
            self._table.show(None, lambda offset, limit: self._read(wanted, offset, limit), first)
            self._preview()

    def _counted(self, asked: int, total: int) -> None:
        if asked == self._asked:
            self._total = total
            self._table.set_total(total)
            self._say()
            self._preview()

    def _say(self, problem: str = "") -> None:
        """The count, and the filter in words; or what is wrong with what was typed."""
        if problem:
            self.query_one("#filters", Static).update(Content.styled(one_line(problem, 400), "$warning"))
            return
        hits = "counting…" if self._total is None else count(self._total, "review")
        parts: list[str | tuple[str, str]] = [(hits, "bold $primary")]
        label = next((one.name for one in self._labels if one.id == self._filter.label_id), "any")
        for name, value, default in (
            ("state", self._filter.state.value, State.ALL.value),
            ("label", label, "any"),
            ("order", self._filter.order.value, Order.FILE.value),
        ):
            parts.append((f"   {name} ", "$faint"))
            parts.append((value, "bold $accent" if value != default else ""))
        self.query_one("#filters", Static).update(Content.assemble(*parts))

    def _read(self, wanted: Filter, offset: int, limit: int) -> list[TableRow]:
        """Rows of the table. Called in a thread."""
        session = self._desk.session
        with session.database.reading() as reading:
            ids = browse.page(reading, wanted, offset, limit)
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

    @on(ReviewTable.Moved)
    def _preview(self) -> None:
        """The text of the review under the cursor, so that one need not open it to read it."""
        row = self._table.row(self._table.cursor)
        nothing = "" if self._total is None else "No review passes these filters. c clears them."
        self.query_one("#preview", Static).update(
            Content(row.cells[-1]) if row else Content.styled(nothing, "$faint")
        )

    @on(Input.Changed, "#words")
    def _words(self, event: Input.Changed) -> None:
        try:
            wanted = filter_text.parse(event.value, self._names)
        except FilterError as error:
            self._say(str(error))
            return
        if wanted != self._filter:
            self._filter = wanted
            self._apply()
        else:
            self._say()

    @on(Input.Submitted, "#words")
    def _search_done(self) -> None:
        self._table.focus()

    def _edit(self, wanted: Filter) -> None:
        """Write a filter into the line, which puts it into effect."""
        self.query_one("#words", Input).value = filter_text.to_text(wanted, self._names)

    # ------------------------------------------------------------------ actions

    def action_words(self) -> None:
        self.query_one("#words").focus()

    def action_state(self) -> None:
        self._edit(replace(self._filter, state=_next(list(State), self._filter.state)))

    def action_order(self) -> None:
        self._edit(replace(self._filter, order=_next(list(Order), self._filter.order)))

    def action_label(self) -> None:
        choices = [None, *(label.id for label in self._labels)]
        present = self._filter.label_id if self._filter.label_id in choices else None
        self._edit(replace(self._filter, label_id=_next(choices, present)))

    def action_clear(self) -> None:
        self._edit(Filter())

    def action_keep(self) -> None:
        """Keep the filter under a name, in the settings."""
        line = filter_text.to_text(self._filter, self._names)
        kept = self._desk.settings.bookmarks

        def keep(name: str | None) -> None:
            if name and name.strip():
                self._desk.change_settings({"bookmarks": {**kept, name.strip(): line}})
                self.notify(f"Kept as “{name.strip()}”. B lists what was kept.", timeout=4, markup=False)

        self.app.push_screen(Ask("Keep this filter under a name", "", line or "all reviews"), keep)

    def action_bookmarks(self) -> None:
        """Choose a filter that was kept."""
        kept = self._desk.settings.bookmarks
        if not kept:
            self.notify("No filter was kept yet. K keeps the present one.", timeout=4, markup=False)
            return

        def choose(name: str | None) -> None:
            if name is not None:
                self.query_one("#words", Input).value = kept[name]

        self.app.push_screen(ChooseBookmark(kept), choose)

    # ------------------------------------------------------------------ all hits

    def action_give(self) -> None:
        """Choose a label for all hits, and look at some of them first."""
        if self._total == 0:
            self.notify("No review passes these filters.", timeout=4, markup=False)
            return

        def draw(label_id: int | None) -> None:
            if label_id is not None:
                wanted = self._filter.to_be_given
                self.run_worker(lambda: self._draw(wanted, label_id), thread=True, group="draw", exit_on_error=False)

        self.app.push_screen(FindLabel(self._labels), draw)

    def _draw(self, wanted: Filter, label_id: int) -> None:
        session = self._desk.session
        with session.database.reading() as reading:
            ids = list(browse.every(reading, replace(wanted, order=Order.FILE)))
            drawn = cards.cards(reading, random.sample(ids, min(DRAWN, len(ids))), session.multi)
        self.app.call_from_thread(self._ask, wanted, label_id, len(ids), [card.text for card in drawn])

    def _ask(self, wanted: Filter, label_id: int, hits: int, texts: list[str]) -> None:
        session = self._desk.session

        def give(yes: bool | None) -> None:
            if yes:
                self._strip.show(f"labelling {session.names([label_id])}", 0, hits)
                session.give_all(
                    wanted,
                    label_id,
                    lambda changes: self._post(Given(changes)),
                    lambda title, done, total: self._post(StepMoved(title, done, total, undone=False)),
                )

        without_audit = wanted != self._filter
        self.app.push_screen(GiveAll(session.names([label_id]), hits, texts, without_audit), give)

    def _post(self, message: Given | StepMoved) -> None:
        """From the writer's thread."""
        self.post_message(message)

    def on_step_moved(self, message: StepMoved) -> None:
        self._strip.show(f"labelling {message.title}", message.done, message.total)

    def on_given(self, message: Given) -> None:
        self._strip.clear()
        self._desk.session.keep_place()
        self._apply()
        self.notify(f"{count(message.changes, 'review')} labelled, as one step. u undoes it.", markup=False)

    def action_walk(self) -> None:
        """Go through just these hits in the label screen."""
        wanted, what = self._filter, filter_text.to_text(self._filter, self._names) or "all reviews"

        def work() -> None:
            with self._desk.session.database.reading() as reading:
                ids = array("q", browse.every(reading, wanted))
            self.app.call_from_thread(self._walk, ids, what)

        self.run_worker(work, thread=True, group="walk", exclusive=True, exit_on_error=False)

    def _walk(self, ids: Sequence[int], what: str) -> None:
        below = self.app.screen_stack[-2]
        if not ids:
            self.notify("No review passes these filters.", timeout=4, markup=False)
        elif isinstance(below, LabelScreen):
            self.dismiss()
            below.walk_through(ids, what)

    def action_open(self) -> None:
        if (review_id := self._table.chosen) is not None:
            self._open(review_id)

    @on(ReviewTable.Chosen)
    def _chosen(self, event: ReviewTable.Chosen) -> None:
        self._open(event.key)

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
