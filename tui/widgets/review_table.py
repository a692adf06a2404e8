"""Tables over the database: only the rows in sight are read, in a thread, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events, on
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

PAGE = 100
"""Rows read at a time."""

KEPT_PAGES = 20
"""Pages kept in memory; scrolling far back reads again."""


@dataclass(frozen=True)
class TableRow:
    """A row as shown. Cells are already safe to show."""

    key: int
    """The number of the review, or of whatever the row is about."""
    cells: tuple[str, ...]
    colour: str = ""
    """Variable of the theme for the second cell; empty for none."""
    dim: bool = False
    """Shown faintly: there is nothing to be done with it."""


Read = Callable[[int, int], list[TableRow]]
"""Gives the rows from an offset on, at most so many. Called in a thread."""


class ReviewTable(ScrollView, can_focus=True):
    """Shows reviews, or anything else in rows; the row under the cursor can be opened."""

    DEFAULT_CSS = """
    ReviewTable {
        height: 1fr; background: $surface; color: $foreground; scrollbar-size-vertical: 1; overflow-x: hidden;
    }
    """
    BINDINGS = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "move_page(-1)", "Page up", show=False),
        Binding("pagedown", "move_page(1)", "Page down", show=False),
        Binding("home", "move_to(0)", "Top", show=False),
        Binding("end", "move_to(-1)", "Bottom", show=False),
    ]

    cursor: reactive[int] = reactive(0)

    class Chosen(Message):
        """A row was clicked twice or opened."""

        def __init__(self, key: int) -> None:
            super().__init__()
            self.key = key

    class Moved(Message):
        """There is another row under the cursor, or it has only now been read."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, ReviewTable.Moved)

    class PageRead(Message):
        """A page was read in a thread."""

        def __init__(self, generation: int, number: int, rows: list[TableRow]) -> None:
            super().__init__()
            self.generation, self.number, self.rows = generation, number, rows

    def __init__(self, widths: Sequence[int], titles: Sequence[str]) -> None:
        """Make a table; the last column takes the room that the others leave."""
        super().__init__()
        self._widths, self._titles = list(widths), list(titles)
        self._read: Read = lambda _offset, _limit: []
        self._total = 0
        self._pages: dict[int, list[TableRow]] = {}
        self._generation = 0
        """Which rows are shown; what was read for others comes too late."""
        self._reading = False
        self._stale: set[int] = set()
        """Pages shown as they were, until they have been read anew."""

    def show(self, total: int | None, read: Read, first: list[TableRow] | None = None, at: int = 0) -> None:
        """Show other rows, beginning with the cursor on row `at`; `first` is the first page if it is known.

        A total of none says that it is still being counted: what has been read can be seen meanwhile.
        """
        self._read = read
        self._forget()
        if first is not None:
            self._pages[0] = first
        self.set_total(len(first or []) if total is None else total)
        self.scroll_to(y=0, animate=False)
        moved = self.cursor != at
        self.cursor = at
        if not moved:
            self.watch_cursor()

    def set_total(self, total: int) -> None:
        """Say how many rows there are."""
        self._total = total
        self.virtual_size = Size(1, total + 1)
        self.refresh()

    def renew(self, total: int, at: int, pages: dict[int, list[TableRow]]) -> None:
        """Show the rows of a list that has changed, with the cursor on row `at` where it stood on the screen.

        `pages` are those that were read beforehand.
        """
        above = self.cursor - self.scroll_offset.y
        self._forget()
        self._pages.update(pages)
        self.set_total(total)
        self.cursor = max(0, min(at, total - 1))
        self.scroll_to(y=max(0, self.cursor - above), animate=False, force=True)
        self.post_message(self.Moved())

    def reread(self) -> None:
        """Read the rows in sight anew; until then they are shown as they were."""
        stale = set(self._pages)
        pages = dict(self._pages)
        self._forget()
        self._pages, self._stale = pages, stale
        self.refresh()

    def _forget(self) -> None:
        self._pages.clear()
        self._stale.clear()
        self._generation += 1
        self._reading = False

    def row(self, position: int) -> TableRow | None:
        """The row at a position; none beyond the end, and while it is being read."""
        if not 0 <= position < self._total:
            return None
        number = position // PAGE
        page = self._pages.get(number)
        if page is None or number in self._stale:
            self._read_page(number)
        if page is None:
            return None
        return page[position % PAGE] if position % PAGE < len(page) else None

    def _read_page(self, number: int) -> None:
        """Read one page in a thread; others that are wanted come when they are still in sight after that."""
        if self._reading:
            return
        self._reading = True
        generation, read = self._generation, self._read

        def work() -> None:
            rows: list[TableRow] = []
            try:
                rows = read(number * PAGE, PAGE)
            finally:
                self.post_message(self.PageRead(generation, number, rows))

        self.run_worker(work, thread=True, group="pages", exit_on_error=False)

    @on(PageRead)
    def _page_read(self, event: PageRead) -> None:
        if event.generation != self._generation:
            return
        self._reading = False
        self._pages[event.number] = event.rows
        self._stale.discard(event.number)
        while len(self._pages) > KEPT_PAGES:
            del self._pages[next(iter(self._pages))]
        self.refresh()
        if self.cursor // PAGE == event.number:
            self.post_message(self.Moved())

    @property
    def chosen(self) -> int | None:
        """The review under the cursor."""
        row = self.row(self.cursor)
        return row.key if row else None

    # ------------------------------------------------------------------ drawing

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return self._line(self._titles, "", width, self._style("$faint", "$panel", bold=True), None)
        position = self.scroll_offset.y + y - 1
        row = self.row(position)
        if row is None:
            return Strip.blank(width, self.rich_style)
        at_cursor = position == self.cursor
        ground = "$block-cursor-background" if at_cursor and self.has_focus else "$panel" if at_cursor else "$surface"
        ink = "$block-cursor-foreground" if at_cursor and self.has_focus else "$foreground"
        if row.dim and not (at_cursor and self.has_focus):
            ink = "$faint"
        label = (
            None if (at_cursor and self.has_focus) or not row.colour else self._style(row.colour, ground, bold=True)
        )
        return self._line(row.cells, "", width, self._style(ink, ground), label)

    def _line(self, cells: Sequence[str], _mark: str, width: int, style: Style, label_style: Style | None) -> Strip:
        segments = [Segment(" ", style)]
        left = width - 1
        for position, cell in enumerate(cells):
            room = min(self._widths[position], left) if position < len(self._widths) else left
            text = _fit(cell, max(0, room - 1)) + " "
            segments.append(Segment(text, label_style if position == 1 and label_style else style))
            left -= room
        return Strip(segments).adjust_cell_length(width, style).simplify()

    def _style(self, ink: str, ground: str, bold: bool = False) -> Style:
        variables = self.app.theme_variables
        return Style(color=_rich(variables, ink), bgcolor=_rich(variables, ground), bold=bold)

    # ------------------------------------------------------------------ moving

    def watch_cursor(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 2), animate=False, force=True)
        self.refresh()
        self.post_message(self.Moved())

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self.virtual_size = Size(1, self._total + 1)

    def action_move(self, by: int) -> None:
        self._go(self.cursor + by)

    def action_move_page(self, by: int) -> None:
        self._go(self.cursor + by * max(1, self.size.height - 2))

    def action_move_to(self, position: int) -> None:
        self._go(self._total - 1 if position < 0 else position)

    def _go(self, position: int) -> None:
        self.cursor = max(0, min(position, self._total - 1))

    def on_click(self, event: events.Click) -> None:
        if event.y == 0:
            return
        position = self.scroll_offset.y + event.y - 1
        if position < self._total:
            again = position == self.cursor
            self.cursor = position
            if again and (key := self.chosen) is not None:
                self.post_message(self.Chosen(key))


def _fit(text: str, room: int) -> str:
    """The text cut or padded to so many cells."""
    from rich.cells import cell_len, set_cell_size

    return set_cell_size(text, room) if cell_len(text) <= room or room < 2 else set_cell_size(text, room - 1) + "…"


def _rich(variables: dict[str, str], name: str) -> str | None:
    value = variables.get(name.removeprefix("$"))
    if value is None or value.startswith("ansi_") or not value.startswith("#"):
        return None
    return value[:7]
