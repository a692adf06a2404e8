"""The history: every batch, the newest first, and the way to any point of it."""

from __future__ import annotations

from datetime import datetime

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from core.errors import LabelloopError
from core.labelling.travel import Progress, Travel
from core.phrases import count, one_line
from core.storage import history
from core.storage.history import BEGINNING, Detail, Past, Way
from core.storage.journal import Step
from core.storage.tables import BatchState
from tui.bindings import bindings
from tui.desk import Desk
from tui.messages import StepMoved, StepTaken, TravelMoved
from tui.widgets.review_table import ReviewTable, TableRow
from tui.widgets.step_strip import StepStrip

DETAILS = 40
"""Changes of a batch that the details show."""

PATIENCE = 1.0
"""Seconds to wait for what is being written; after a large step the list is read again anyway."""

STATES = {BatchState.DONE: "done", BatchState.UNDONE: "undone", BatchState.DROPPED: "dropped"}

WHY_NOT = (
    "This step was undone, and then something else was done: it is kept for the record, "
    "but the way to it no longer exists."
)


class HistoryScreen(Screen[None]):
    """All batches in a table; enter goes to just after the one under the cursor."""

    BINDINGS = [*bindings("history"), *bindings("close")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    CSS = """
    HistoryScreen #facts { height: 1; padding: 0 1; background: $panel; }
    HistoryScreen #body { height: 1fr; layout: vertical; }
    HistoryScreen #details { width: 100%; height: 12; padding: 0 1; border-top: solid $border; }
    HistoryScreen.-narrow #details { height: 6; }
    HistoryScreen.-wide #body { layout: horizontal; }
    HistoryScreen.-wide ReviewTable { width: 3fr; }
    HistoryScreen.-wide #details { width: 2fr; height: 1fr; border-top: none; border-left: solid $border; }
    HistoryScreen #way { height: 1; padding: 0 1; background: $panel; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self._session = desk, desk.session
        self._present = BEGINNING
        self._total = 0
        self._way: Way | None = None
        self._travel: Travel | None = None
        self._looked = 0

    def compose(self) -> ComposeResult:
        yield Static(id="facts")
        with Container(id="body"):
            yield ReviewTable(widths=[2, 17, 12, 9, 8], titles=["", "when", "who", "changes", "state", "what"])
            yield Static(id="details")
        yield Static(id="way")
        yield StepStrip()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._table, self._strip = self.query_one(ReviewTable), self.query_one(StepStrip)
        self._table.focus()
        self._desk.project_changed.subscribe(self, lambda _nothing: self._reload())
        self._reload(at_present=True)

    # ------------------------------------------------------------------ reading

    def _reload(self, at_present: bool = False) -> None:
        """Read the history anew; the cursor stays, or goes to the present."""

        def work() -> None:
            self._session.writer.flush(PATIENCE)
            with self._session.database.reading() as session:
                total, present = history.count(session), history.present(session)
                at = history.position(session, present) if at_present else None
            self.app.call_from_thread(self._show, total, present, at)

        self.run_worker(work, thread=True, group="history", exclusive=True, exit_on_error=False)

    def _show(self, total: int, present: int, at: int | None) -> None:
        self._total, self._present = total, present
        self._table.show(total + 1, self._read, at=self._table.cursor if at is None else at)
        self.query_one("#facts", Static).update(
            Content.assemble(
                (count(total, "step"), "bold $primary"),
                ("   ▶ the present · enter goes to just after a step", "$faint"),
            )
        )

    def _read(self, offset: int, limit: int) -> list[TableRow]:
        with self._session.database.reading() as session:
            found = [_row(past, past.batch_id == self._present) for past in history.batches(session, offset, limit)]
        if offset + limit > self._total:
            mark = "▶" if self._present == BEGINNING else ""
            found.append(TableRow(BEGINNING, (mark, "", "", "", "", "the beginning: nothing done yet")))
        return found

    @on(ReviewTable.Moved)
    def _moved(self) -> None:
        """Say what lies between the present and the row under the cursor, and what its batch changed."""
        chosen = self._table.chosen
        self._way = None
        self._looked += 1
        looked = self._looked
        if chosen is None:
            return

        def work() -> None:
            if looked != self._looked:
                return
            with self._session.database.reading() as session:
                details = history.details(session, chosen, DETAILS)
                way = history.way_to(session, chosen)
            self.app.call_from_thread(self._tell, looked, way, details)

        self.run_worker(work, thread=True, group="details", exit_on_error=False)

    def _tell(self, looked: int, way: Way | None, details: list[Detail]) -> None:
        if looked != self._looked:
            return
        self._way = way
        self.query_one("#details", Static).update(_details(details))
        self.query_one("#way", Static).update(_preview(way))

    # ------------------------------------------------------------------ going

    def action_go(self) -> None:
        """Go to just after the batch under the cursor."""
        row, way = self._table.row(self._table.cursor), self._way
        if self._travel is not None or row is None:
            return
        if row.dim:
            self.notify(WHY_NOT, timeout=6, markup=False)
        elif way is not None and way.steps:
            self._strip.show(_doing(way), 0, way.changes, "s stops")
            self._travel = Travel(
                self._session.writer,
                way,
                lambda progress: self._post(TravelMoved(progress)),
                self._failed,
            )

    @on(ReviewTable.Chosen)
    def _chosen(self) -> None:
        self.action_go()

    def action_stop(self) -> None:
        if self._travel is not None:
            self._travel.stop()

    def _failed(self, error: LabelloopError) -> None:
        """From the writer's thread."""
        self.app.call_from_thread(self._give_up, str(error))

    def _give_up(self, reason: str) -> None:
        self._travel = None
        self._strip.clear()
        self.notify(reason, title="Not gone there", severity="error", timeout=20, markup=False)
        self._reload()

    def _post(self, message: TravelMoved | StepMoved | StepTaken) -> None:
        """From the writer's thread."""
        self.post_message(message)

    def on_travel_moved(self, message: TravelMoved) -> None:
        progress = message.progress
        if not progress.ended:
            self._strip.show(_doing(progress.way), progress.changes, progress.way.changes, "s stops")
            return
        self._travel = None
        self._strip.clear()
        self._session.refresh()
        self._reload()
        self.notify(_arrival(progress), timeout=5, markup=False)

    def action_undo(self) -> None:
        if self._travel is None:
            self._session.undo(
                lambda step: self._post(StepTaken(step, undone=True)),
                lambda title, done, total: self._post(StepMoved(title, done, total, undone=True)),
            )

    def action_redo(self) -> None:
        if self._travel is None:
            self._session.redo(
                lambda step: self._post(StepTaken(step, undone=False)),
                lambda title, done, total: self._post(StepMoved(title, done, total, undone=False)),
            )

    def on_step_moved(self, message: StepMoved) -> None:
        if message.done < message.total:
            self._strip.show(
                f"{'undoing' if message.undone else 'redoing'} {message.title}", message.done, message.total
            )

    def on_step_taken(self, message: StepTaken) -> None:
        self._strip.clear()
        step: Step | None = message.step
        if step is None:
            self.notify(f"There is nothing to {'undo' if message.undone else 'redo'}.", timeout=3, markup=False)
            return
        self._session.show_step(step, message.undone)
        self._reload(at_present=True)

    def action_close(self) -> None:
        """Leave; a journey under way ends at the next step."""
        self.action_stop()
        if self._travel is None:
            self.dismiss()


def _row(past: Past, is_present: bool) -> TableRow:
    when = datetime.fromisoformat(past.at).astimezone().strftime("%Y-%m-%d %H:%M")
    return TableRow(
        past.batch_id,
        (
            "▶" if is_present else "",
            when,
            one_line(past.annotator, 11),
            f"{past.changes:>7,}",
            STATES[past.state],
            one_line(past.title, 200),
        ),
        dim=past.state is BatchState.DROPPED,
    )


def _details(details: list[Detail]) -> Content:
    lines: list[Content] = []
    for detail in details:
        lines.append(
            Content.assemble(
                (f"{one_line(detail.name, 20)}  ", "bold"),
                (one_line(detail.before, 40), "$faint"),
                " → ",
                (one_line(detail.after, 40), "$accent"),
            )
        )
        if detail.text:
            lines.append(Content.styled(f"  {one_line(detail.text, 200)}", "$faint"))
    return Content("\n").join(lines)


def _preview(way: Way | None) -> Content:
    if way is None:
        return Content.styled(WHY_NOT, "$warning")
    if not way.steps:
        return Content.styled("This is the present.", "$faint")
    what = "will be taken back" if way.back else "will be done again"
    return Content.assemble(
        ("enter: ", "bold $accent"), f"{count(way.steps, 'step')}, {count(way.changes, 'change')} {what}"
    )


def _doing(way: Way) -> str:
    return "going back" if way.back else "going forward"


def _arrival(progress: Progress) -> str:
    done = "taken back" if progress.way.back else "done again"
    told = f"{count(progress.steps, 'step')}, {count(progress.changes, 'change')} {done}."
    return f"Stopped on the way: {told}" if progress.stopped else told[0].upper() + told[1:]
