"""The confusion matrix, with a cursor: whom the model takes for whom."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from core.phrases import count, one_line, percent

NAMES = 16
"""Widest column of names."""

WIDEST = 14
NARROWEST = 6
"""Cells of a column."""

Part = str | Content | tuple[str, str]


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
        self._counts: tuple[tuple[int, ...], ...] = ()

    def show(self, names: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
        """Draw counts [labels, labels]; the cursor begins on the largest mistake."""
        self._names, self._counts = tuple(names), tuple(tuple(row) for row in counts)
        wrong = [
            (number, row, column)
            for row, cells in enumerate(self._counts)
            for column, number in enumerate(cells)
            if row != column
        ]
        _, row, column = max(wrong, key=lambda found: found[0], default=(0, 0, 0))
        self.cell = (row, column)
        self.refresh(layout=True)

    @property
    def chosen(self) -> tuple[str, str, int] | None:
        """What people said, what the model said, and how many reviews that is."""
        row, column = self.cell
        if not self._counts:
            return None
        return self._names[row], self._names[column], self._counts[row][column]

    def action_move(self, down: int, right: int) -> None:
        last = len(self._names) - 1
        row, column = self.cell
        self.cell = (max(0, min(row + down, last)), max(0, min(column + right, last)))

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
        width = max(NARROWEST, min(WIDEST, max(cell_len(name) for name in self._names) + 2))
        seen = max(1, min(len(self._names), room // width))
        tall = max(1, min(len(self._names), max(6, self.app.size.height - 14)))
        left, top = _window(self.cell[1], seen, len(self._names)), _window(self.cell[0], tall, len(self._names))
        columns, rows = range(left, left + seen), range(top, top + tall)
        more = f"{left + 1}–{left + seen} of {len(self._names)}" if seen < len(self._names) else ""
        lines = [
            Content.styled(f"{' ' * names}the model says →  {more}", "$faint"),
            self._header(names, width, columns),
        ]
        lines += [self._row(row, names, width, columns) for row in rows]
        if tall < len(self._names):
            lines.append(Content.styled(f"rows {top + 1}–{top + tall} of {len(self._names)}", "$faint"))
        return Content("\n").join([*lines, self._sentence()])

    def _header(self, names: int, width: int, columns: range) -> Content:
        parts: list[Part] = [("people ↓".ljust(names)[:names], "$faint")]
        for column in columns:
            style = "bold underline" if column == self.cell[1] else "bold"
            parts += [" ", (one_line(self._names[column], width - 1).rjust(width - 1), style)]
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
        colour = "$success" if row == column else "$error"
        return f"{'bold ' if row == column else ''}on {colour} {max(10, round(share * 60))}%{marked}"

    def _sentence(self) -> Content:
        assert self.chosen is not None
        person, model, number = self.chosen
        of_all = sum(self._counts[self.cell[0]])
        people = f"{count(number, 'review')} called “{one_line(person, 30)}” by people"
        what = f"{people} and “{one_line(model, 30)}” by the model"
        share = f", {percent(number / of_all)} of the former." if of_all else "."
        return Content.assemble("\n", what, share, ("  enter reads them" if number else "", "bold $accent"))


def _window(at: int, seen: int, total: int) -> int:
    """First of `seen` places such that `at` is among them, in the middle where that can be."""
    return max(0, min(at - seen // 2, total - seen))
