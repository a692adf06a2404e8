"""The review that is up: its text, where it comes from, what is noted on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from core.phrases import WORD, count, one_line, visible, word_form
from core.storage.cards import Card
from tui.widgets.lines import Inked, Piece

LONGEST_SHOWN = 50_000
"""Characters shown of one review, drawn in a quarter of a second at worst. The rest is in the file and is trained on
up to the model's length."""

MOST_LINES = 2_000
"""Lines shown of one review."""

WIDEST = 100
"""Columns of text: longer lines are hard to read."""


class ReviewPanel(Inked, ScrollView, can_focus=False):
    """Shows one review; long ones scroll.

    It draws its lines itself and repaints only those that changed. A layout and a repaint of the whole screen for
    every review would take three times as long as all else together.
    """

    DEFAULT_CSS = """
    ReviewPanel { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._card: Card | None = None
        self._with_columns = False
        self._always: Collection[str] = ()
        self._marked: Mapping[str, str] = {}
        self._strips: list[Strip] = []

    def show(self, card: Card | None, marked: Mapping[str, str] | None = None, columns: Collection[str] = ()) -> None:
        """Show a review, or that there is none left.

        `marked` are words in lower case with the style they get, `columns` the names of those that are shown in any
        case.
        """
        self._card, self._marked, self._always = card, marked or {}, columns
        if self.scroll_offset.y:
            self.scroll_to(y=0, animate=False, immediate=True)
        self.redraw()

    def toggle_columns(self) -> None:
        """Show or hide the review's other columns below its text."""
        self._with_columns = not self._with_columns
        self.redraw()

    def on_resize(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        room = self.scrollable_content_region.size
        if not room:
            return
        margin = 2 if room.width > 60 else 1
        width = max(1, min(room.width - 2 * margin, WIDEST))
        edge: Piece = (" " * margin, "")
        lines = [self.line([edge, *pieces], room.width) for pieces in self._lines(width)]
        before, self._strips = self._strips, lines
        # Fitting reviews all count as one line, so that no layout is made for them and no scrollbar stays behind.
        size = Size(room.width, len(lines) if len(lines) > room.height else 1)
        if size != self.virtual_size:
            self.virtual_size = size
            self.refresh()
        else:
            self.refresh(Region(0, 0, room.width, min(room.height, max(len(lines), len(before)))))

    def render_line(self, y: int) -> Strip:
        position = y + self.scroll_offset.y
        if position < len(self._strips):
            return self._strips[position]
        return Strip.blank(self.size.width, self.ink(""))

    def _lines(self, width: int) -> Iterator[Sequence[Piece]]:
        card = self._card
        if card is None:
            yield from ALL_DONE
            return
        shown = visible(card.text[:LONGEST_SHOWN])
        if not shown.strip():
            shown = "(This review is empty. Skip it with the space bar.)"
        yield _heading(card)
        yield ()
        lines = list(islice(wrapped(shown, width), MOST_LINES + 1))
        for line in lines[:MOST_LINES]:
            yield mark(line, self._marked)
        if len(lines) > MOST_LINES or len(card.text) > LONGEST_SHOWN:
            yield ()
            yield [(f"… {_not_shown(card.text, len(lines) > MOST_LINES)}", "$warning")]
        columns = [one for one in card.columns if self._with_columns or one[0] in self._always]
        if columns:
            yield ()
            for name, value in columns:
                yield (f"{one_line(name, 30)}: ", "bold $faint"), (one_line(value, 300), "$faint")


def _not_shown(text: str, by_lines: bool) -> str:
    """What is cut."""
    if by_lines:
        return f"cut after {MOST_LINES:,} lines; the review has {count(len(text), 'character')}."
    return f"{count(len(text) - LONGEST_SHOWN, 'more character')} not shown."


def wrapped(text: str, width: int) -> Iterator[str]:
    """The lines of a text, broken between words where they are longer than `width` cells."""
    for line in text.split("\n"):
        if not line.isascii():
            yield from (part.plain for part in Content(line).wrap(width))
            continue
        rest = line
        while len(rest) > width:
            end = rest.rfind(" ", 0, width + 1)
            end = end if end > 0 else width
            yield rest[:end]
            rest = rest[end:].lstrip(" ")
        yield rest


def mark(line: str, marked: Mapping[str, str]) -> list[Piece]:
    """The pieces of a line in which the words in `marked` (lower case) have their styles."""
    pieces: list[Piece] = []
    end = 0
    for found in WORD.finditer(line) if marked else ():
        style = marked.get(word_form(found[0]))
        if style is not None:
            pieces += [(line[end : found.start()], ""), (found[0], style)]
            end = found.end()
    return [*pieces, (line[end:], "")]


def _heading(card: Card) -> list[Piece]:
    """Id, file and what is noted on the review, in one line."""
    parts: list[Piece] = [(f"{one_line(card.name, 40)} · {one_line(card.source, 40)}", "$faint")]
    if card.alike:
        parts.append((f" · +{card.alike:,} alike", "$accent"))
    if card.state is not None and card.state.flagged:
        parts.append(("  ⚑ flagged", "bold $warning"))
    if card.state is not None and card.state.note:
        parts.append((f"  ✎ {one_line(card.state.note, 60)}", "$warning"))
    return parts


ALL_DONE: Sequence[Sequence[Piece]] = (
    [("Every review has its decision.", "bold $success")],
    [],
    [("Press e to export, b to browse, t to train once more, ← to go back.", "")],
)
"""What stands there when nothing is left."""
