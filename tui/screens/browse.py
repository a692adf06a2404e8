"""Browse: every review in a table, searched, filtered and sorted in the database."""

from __future__ import annotations

import random
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
from core.storage.opened import Opened
from core.storage.tables import Decision
from tui.bindings import bindings
from tui.desk import Desk
from tui.messages import Given, StepMoved
from tui.screens.ask import Ask, FindLabel
from tui.screens.bookmarks import Bookmarks
from tui.screens.give_all import GiveAll
from tui.screens.label import LabelScreen
from tui.widgets.review_table import PAGE, ReviewTable, TableRow
from tui.widgets.step_strip import StepStrip

Choice = TypeVar("Choice")


HELP = """\
words · "a phrase" · begin* · -word or NOT word: without it · order:sure
state:open labelled skipped flagged noted suggested disagreed · label:NAME
suggested:NAME p>=0.9 p<=0.5 flipped:3-7 (runs 3 and 7 differ) · audit:yes
from:2024-01 to:2024-06-30 · origin:person accepted imported · source:FILE"""
"""What can be typed into the filter, for the narrowest screen."""

DRAWN = 10
"""Hits shown before all of them get a label."""

LOOKS_EVERY = 2.0
"""Seconds between looks at whether the project has changed."""

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
        self._opened: Opened | None = None
        """The list that is shown; what was read of another comes too late."""
        self._total: int | None = None
        self._renewing = False
        self._once_more = False
        """The project has changed while the list was gathered anew."""

    def compose(self) -> ComposeResult:
        yield Static(id="filters")
        yield Input(
            placeholder='words, "a phrase", begin*, -word · state:open label:… p>=0.9 order:sure …',
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
        self._desk.project_changed.subscribe(self, lambda _nothing: self._project_changed())
        self.set_interval(LOOKS_EVERY, self._look)
        self.call_after_refresh(self._apply)

    def on_unmount(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def _project_changed(self) -> None:
        """Labels, runs or suggestions are others."""
        with self._desk.session.database.reading() as reading:
            self._names = filter_text.names_of(reading)
            self._labels = scheme.labels(reading)
        self._renew()

    # ------------------------------------------------------------------ filters

    def _apply(self) -> None:
        """Show what the filter lets through: the first page as soon as it is read, the rest when it is gathered."""
        if self._opened is not None:
            self._opened.close()
        session = self._desk.session
        self._opened = opened = Opened(session.database, self._filter, session.multi)
        self._total = None
        self._say()

        def work() -> None:
            session.writer.flush(PATIENCE)
            if opened is not self._opened:
                return
            first = opened.first(PAGE)
            self.app.call_from_thread(self._show, opened, first)
            if opened.gather():
                self.app.call_from_thread(self._counted, opened, [card.review_id for card in first])

        self.run_worker(work, thread=True, group="browse", exit_on_error=False)

    def _show(self, opened: Opened, first: list[Card]) -> None:
        if opened is self._opened:
            self._table.show(
                None,
                lambda offset, limit: [self._row(card) for card in opened.page(offset, limit)],
                [self._row(card) for card in first],
            )
            self._preview()

    def _counted(self, opened: Opened, first: list[int]) -> None:
        if opened is self._opened and opened.ids is not None:
            self._total = len(opened.ids)
            self._table.set_total(self._total)
            if opened.ids[: len(first)].tolist() != first:
                self._table.reread()
            self._say()
            self._preview()

    def _look(self) -> None:
        """Notice what has been committed since the list was gathered, by this program or another."""
        if self.is_current:
            self._renew(only_if_stale=True)

    def _renew(self, only_if_stale: bool = False) -> None:
        """Show the rows as they are now, then gather the list anew and keep the place in it."""
        opened = self._opened
        if opened is None or opened.ids is None:
            return
        if self._renewing:
            self._once_more = self._once_more or not only_if_stale
            return
        self._renewing = True
        row, at = self._table.row(self._table.cursor), self._table.cursor
        review_id = row.key if row else None

        def work() -> None:
            try:
                if only_if_stale and not opened.is_stale():
                    return
                self.app.call_from_thread(self._table.reread)
                if opened.gather():
                    place = opened.place(review_id, at)
                    number = place // PAGE
                    page = opened.page(number * PAGE, PAGE)
                    self.app.call_from_thread(self._renewed, opened, at, place, {number: page})
            finally:
                self.app.call_from_thread(self._renewal_ended)

        self.run_worker(work, thread=True, group="browse", exit_on_error=False)

    def _renewed(self, opened: Opened, was: int, place: int, pages: dict[int, list[Card]]) -> None:
        if opened is not self._opened or opened.ids is None:
            return
        self._total = len(opened.ids)
        at = place if self._table.cursor == was else self._table.cursor
        rows = {number: [self._row(card) for card in page] for number, page in pages.items()}
        self._table.renew(self._total, at, rows)
        self._say()

    def _renewal_ended(self) -> None:
        self._renewing = False
        if self._once_more:
            self._once_more = False
            self._renew()

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

    def on_descendant_focus(self) -> None:
        self._preview()

    @on(ReviewTable.Moved)
    def _preview(self) -> None:
        """The text of the review under the cursor, to be read without opening it; while typing, what can be typed."""
        if self.query_one("#words").has_focus:
            self.query_one("#preview", Static).update(Content.styled(HELP, "$faint"))
            return
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
        """Choose a filter that was kept, or throw some away."""
        kept = self._desk.settings.bookmarks
        if not kept:
            self.notify("No filter was kept yet. K keeps the present one.", timeout=4, markup=False)
            return

        def choose(line: str | None) -> None:
            if line is not None:
                self.query_one("#words", Input).value = line

        def keep(left: dict[str, str]) -> None:
            self._desk.change_settings({"bookmarks": left})

        self.app.push_screen(Bookmarks(kept, keep), choose)

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
            ids = browse.every(reading, replace(wanted, order=Order.FILE))
            places = random.sample(range(len(ids)), min(DRAWN, len(ids)))
            drawn = cards.cards(reading, [ids[place] for place in places], session.multi)
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
        self.notify(
            f"{count(message.changes, 'review')} labelled, as one step. esc, then u, undoes it.", markup=False
        )

    def action_walk(self) -> None:
        """Go through just these hits in the label screen."""
        wanted, what = self._filter, filter_text.to_text(self._filter, self._names) or "all reviews"
        database = self._desk.session.database

        def work() -> None:
            with database.reading() as reading:
                ids = browse.every(reading, wanted)
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
