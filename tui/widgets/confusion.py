"""The confusion matrix, with a cursor: whom the model takes for whom.

Where a review has several labels no label is taken for another one; there the rows are the labels, and the columns
say on how many reviews people and model agree, which the model misses, and which it gives wrongly.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from core.evaluate.metrics import Scores
from core.phrases import count, one_line, percent

NAMES = 16
"""Widest column of names."""

WIDEST = 14
NARROWEST = 6
"""Cells of a column."""

Part = str | Content | tuple[str, str]


PAIRS = ("both say it", "missed", "wrongly given")
"""The columns where a review has several labels, in the order of `Scores.pairs`."""


@dataclass(frozen=True)
class Chosen:
    """A cell."""

    person: int | None
    """The place of the label that people gave; None where they have not given what the model gave."""
    model: int | None
    """The same of the model."""
    number: int
    """Reviews in the cell."""
    told: str
    """What it is, as “food taken for service” or “food: missed”."""


class ConfusionMatrix(Widget, can_focus=True):
    """Rows are what people said, columns what the model said; the cursor goes over the cells."""

    DEFAULT_CSS = """
    ConfusionMatrix { height: auto; }
    """
    BINDINGS = [
        Binding("up,k", "move(-1, 0)", "Up", show=False),
        Binding("down,j", "move(1, 0)", "Down", show=False),
        Binding("left", "move(0, -1)", "Left", show=False),
        Binding("right,l", "move(0, 1)", "Right", show=False),
    ]

    cell: reactive[tuple[int, int]] = reactive((0, 0), layout=True)
    """(row, column) of the cursor."""

    class Moved(Message):
        """The cursor is on another cell."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, ConfusionMatrix.Moved)

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._names: tuple[str, ...] = ()
        self._columns: tuple[str, ...] = ()
        self._counts: tuple[tuple[int, ...], ...] = ()

    def show(self, of: Scores) -> None:
        """Draw how often whom is taken for whom; the cursor begins on the largest mistake."""
        self._names = tuple(one.label for one in of.labels)
        self._columns, self._counts = (self._names, of.confusion) if of.confusion else (PAIRS, of.pairs)
        wrong = [
            (number, row, column)
            for row, cells in enumerate(self._counts)
            for column, number in enumerate(cells)
            if not self._is_right(row, column)
        ]
        _, row, column = max(wrong, key=lambda found: found[0], default=(0, 0, 0))
        self.cell = (row, column)
        self.refresh(layout=True)

    @property
    def _is_square(self) -> bool:
        return self._columns != PAIRS

    def _is_right(self, row: int, column: int) -> bool:
        return row == column if self._is_square else column == 0

    @property
    def chosen(self) -> Chosen | None:
        """The cell under the cursor; none while there is no matrix."""
        row, column = self.cell
        if not self._counts:
            return None
        number, name = self._counts[row][column], self._names[row]
        if self._is_square:
            return Chosen(row, column, number, f"{name} taken for {self._columns[column]}")
        person, model = (None if column == 2 else row), (None if column == 1 else row)
        return Chosen(person, model, number, f"{name}: {self._columns[column]}")

    def action_move(self, down: int, right: int) -> None:
        row, column = self.cell
        lowest, last = len(self._names) - 1, len(self._columns) - 1
        self.cell = (max(0, min(row + down, lowest)), max(0, min(column + right, last)))

    def watch_cell(self) -> None:
        self.post_message(self.Moved())

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    # ------------------------------------------------------------------ drawing

    def render(self) -> Content:
        if not self._counts:
            return Content("")
        names = min(NAMES, max(cell_len(name) for name in self._names)) + 2
        room = max(20, self.size.width - names - 2)
        width = max(NARROWEST, min(WIDEST, max(cell_len(name) for name in self._columns) + 2))
        seen = max(1, min(len(self._columns), room // width))
        tall = max(1, min(len(self._names), max(6, self.app.size.height - 14)))
        left, top = _window(self.cell[1], seen, len(self._columns)), _window(self.cell[0], tall, len(self._names))
        columns, rows = range(left, left + seen), range(top, top + tall)
        more = f"{left + 1}–{left + seen} of {len(self._columns)}" if seen < len(self._columns) else ""
        says = "the model says →" if self._is_square else "people and model:"
        lines = [
            Content.styled(f"{' ' * names}{says}  {more}", "$faint"),
            self._header(names, width, columns),
        ]
        lines += [self._row(row, names, width, columns) for row in rows]
        if tall < len(self._names):
            lines.append(Content.styled(f"rows {top + 1}–{top + tall} of {len(self._names)}", "$faint"))
        return Content("\n").join([*lines, self._sentence()])

    def _header(self, names: int, width: int, columns: range) -> Content:
        parts: list[Part] = [(("people ↓" if self._is_square else "").ljust(names)[:names], "$faint")]
        for column in columns:
            style = "bold underline" if column == self.cell[1] else "bold"
            parts += [" ", (one_line(self._columns[column], width - 1).rjust(width - 1), style)]
        return Content.assemble(*parts)

    def _row(self, row: int, names: int, width: int, columns: range) -> Content:
        total = max(1, sum(self._counts[row]))
        style = "bold underline" if row == self.cell[0] else "bold"
        name = one_line(self._names[row], names - 1)
        parts: list[Part] = [(name, style), " " * (names - cell_len(name))]
        for column in columns:
            number = self._counts[row][column]
            text = f"{number:,} ".rjust(width - 1)
            parts += [" ", (text, self._ground(row, column, number / total))]
        return Content.assemble(*parts)

    def _ground(self, row: int, column: int, share: float) -> str:
        if (row, column) == self.cell and self.has_focus:
            return "bold $block-cursor-foreground on $block-cursor-background"
        marked = " underline" if (row, column) == self.cell else ""
        if share == 0:
            return f"$faint on $panel{marked}"
        colour = "$success" if self._is_right(row, column) else "$error"
        return f"{'bold ' if self._is_right(row, column) else ''}on {colour} {max(10, round(share * 60))}%{marked}"

    def _sentence(self) -> Content:
        row, column = self.cell
        name, number = one_line(self._names[row], 30), self._counts[row][column]
        if self._is_square:
            of_all = sum(self._counts[row])
            people = f"{count(number, 'review')} called “{name}” by people"
            what = f"{people} and “{one_line(self._columns[column], 30)}” by the model"
        else:
            hits, missed, wrongly = self._counts[row]
            of_all = hits + (wrongly if column == 2 else missed)
            what = (
                f"{count(number, 'review')} called “{name}” by people and model",
                f"{count(number, 'review')} called “{name}” by people, not by the model",
                f"{count(number, 'review')} called “{name}” by the model, not by people",
            )[column]
        former = "all it gives that to" if not self._is_square and column == 2 else "all that people called so"
        share = f", {percent(number / of_all)} of {former}." if of_all else "."
        return Content.assemble("\n", what, share, ("  enter reads them" if number else "", "bold $accent"))


def _window(at: int, seen: int, total: int) -> int:
    """First of `seen` places such that `at` is among them, in the middle where that can be."""
    return max(0, min(at - seen // 2, total - seen))
