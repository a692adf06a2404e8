"""How steadily people label: agreement with oneself, and whether suggestions are read or just accepted."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from core.consistency import Consistency, consistency
from core.phrases import one_line
from tui.bindings import bindings
from tui.desk import Desk
from tui.widgets import consistency_lines
from tui.widgets.scrolling import scroll

SHOWN = 14
"""Days that are listed, the latest."""

EDGES = 7
"""Columns that the frame of a box and the scrollbar take."""

SIDES = {
    "left": {
        "overall": "Agreement with yourself",
        "swayed": "Whether suggestions sway you",
        "reading": "Whether suggestions are read before they are accepted",
    },
    "right": {"labels": "By label", "days": "By day", "hours": "By hour into the session"},
}
"""The boxes with their titles; on a wide screen they stand in two columns."""


class ConsistencyScreen(Screen[None]):
    """Agreement with oneself and its parts, suggestions shown and held back, and whether they are read."""

    BINDINGS = [*bindings("consistency"), *bindings("close")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    CSS = """
    ConsistencyScreen #sheet { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    ConsistencyScreen .card { height: auto; padding: 0 1; }
    ConsistencyScreen #heading { padding: 0 1; color: $faint; height: auto; }
    ConsistencyScreen #columns, ConsistencyScreen #left, ConsistencyScreen #right { height: auto; }
    ConsistencyScreen.-wide #columns { layout: horizontal; }
    ConsistencyScreen.-wide #left, ConsistencyScreen.-wide #right { width: 1fr; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._everybody = False
        self._found: Consistency | None = None

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="sheet", can_focus=False):
            yield Static(id="heading")
            with Container(id="columns"):
                for side, names in SIDES.items():
                    with Vertical(id=side):
                        for name in names:
                            yield Static(id=name, classes="card")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        for names in SIDES.values():
            for name, title in names.items():
                box = self.query_one(f"#{name}")
                box.border_title, box.display = title, False
        self.query_one("#heading", Static).update("Measuring …")
        self._desk.project_changed.subscribe(self, lambda _nothing: self._read())
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _read(self) -> None:
        """Measure in a thread."""
        session, share = self._desk.session, self._desk.settings.hidden_share
        who = None if self._everybody else session.annotator

        def work() -> None:
            session.writer.flush()
            with session.database.reading() as reading:
                found = consistency(reading, who, share)
            self.app.call_from_thread(self._take, found)

        self.run_worker(work, thread=True, group="measure", exclusive=True, exit_on_error=False)

    def _take(self, found: Consistency) -> None:
        self._found = found
        self._show()

    # ------------------------------------------------------------------ drawing

    def _show(self) -> None:
        found, settings = self._found, self._desk.settings
        if found is None:
            return
        half = self.size.width // 2 if self.has_class("-wide") else self.size.width
        width, who = half - EDGES, "Everybody" if self._everybody else settings.annotator
        parts: list[str | tuple[str, str]] = [(one_line(who, 30), "bold $primary")]
        parts += [(f"\n⚠ {warning}", "bold $warning") for warning in found.warnings]
        self.query_one("#heading", Static).update(Content.assemble(*parts))
        self._put("overall", consistency_lines.overall(found.overall, settings.repeat_share, width))
        self._put("swayed", consistency_lines.swayed(found.swayed, settings.hidden_share, width))
        self._put("reading", consistency_lines.reading(found.reading))
        self._put("labels", consistency_lines.labels(found.by_label, width))
        self._put("days", consistency_lines.table(found.by_day[-SHOWN:], width))
        self._put("hours", consistency_lines.table(found.by_hour, width))

    def _put(self, name: str, content: Content | None) -> None:
        box = self.query_one(f"#{name}", Static)
        box.display = content is not None
        if content is not None:
            box.update(content)

    # ------------------------------------------------------------------ actions

    def action_everybody(self) -> None:
        self._everybody = not self._everybody
        self._read()

    def action_down(self) -> None:
        scroll(self.query_one("#sheet", VerticalScroll), 1)

    def action_up(self) -> None:
        scroll(self.query_one("#sheet", VerticalScroll), -1)

    def action_close(self) -> None:
        self.dismiss()
