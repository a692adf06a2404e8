"""The runs screen: every training there was, and what can be done with it."""

from __future__ import annotations

from typing import TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from core.phrases import count, percent
from core.report import Measured
from core.storage import runs
from core.storage.database import project_of
from core.storage.tables import Run
from tui.bindings import bindings
from tui.desk import Desk
from tui.run_facts import COLOURS, status, when
from tui.run_views import RunView, view
from tui.screens.run_changes import RunChanges
from tui.trust import to_go_by
from tui.widgets.curve import Curve, draw_learning
from tui.widgets.job_strip import JobStrip
from tui.widgets.review_table import ReviewTable, TableRow
from tui.widgets.run_about import about
from tui.widgets.scrolling import scroll
from tui.widgets.step_strip import StepStrip

Result = TypeVar("Result")

NOT_IN_FOOTER = "r name · n note · w take back · z roll back · d delete · u undo · E rehearsal"
"""Told at the top, because a footer of 80 cells has no room for it."""


class RunsScreen(RunChanges):
    """A table of all runs, the newest first, with the details of the one under the cursor."""

    BINDINGS = [*bindings("runs"), *bindings("close")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    CSS = """
    RunsScreen #facts { height: 1; padding: 0 1; background: $panel; }
    RunsScreen #body { height: 1fr; layout: vertical; }
    RunsScreen #details { width: 100%; height: 2fr; padding: 0 2 0 1; border-top: solid $border;
        scrollbar-size-vertical: 1; }
    RunsScreen ReviewTable { height: 1fr; min-height: 4; }
    RunsScreen #curves { display: none; height: 16; padding: 1 0 0 0; }
    RunsScreen Curve { width: 1fr; background: $background; }
    RunsScreen.-wide #curves { display: block; }
    RunsScreen.-wide #body { layout: horizontal; }
    RunsScreen.-wide ReviewTable { width: 1fr; }
    RunsScreen.-wide #details { width: 1fr; height: 1fr; border-top: none; border-left: solid $border; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._runs: list[Run] = []
        self._in_use: int | None = None
        self._marked: list[int] = []
        self._looked = 0

    def compose(self) -> ComposeResult:
        yield Static(id="facts")
        with Container(id="body"):
            yield ReviewTable(
                widths=[7, 12, 8, 22, 17],
                titles=["run", "status", "labels", "accuracy (95 %)", "when", "name, device"],
            )
            with VerticalScroll(id="details", can_focus=False):
                yield Static(id="about")
                with Horizontal(id="curves"):
                    yield Curve(id="loss")
                    yield Curve(id="accuracy")
        yield StepStrip()
        yield JobStrip()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._table, self._strip = self.query_one(ReviewTable), self.query_one(StepStrip)
        self._table.focus()
        self._desk.job_changed.subscribe(self, lambda job: self.query_one(JobStrip).show(job))
        self._desk.project_changed.subscribe(self, lambda _nothing: self.reload())
        self.call_after_refresh(lambda: self.query_one(JobStrip).show(self._desk.job))
        self.reload()

    def on_resize(self) -> None:
        self._moved()

    # ------------------------------------------------------------------ reading

    def reload(self) -> None:
        """Read all runs anew; the cursor stays."""
        database = self._desk.session.database

        def work() -> None:
            with database.reading() as session:
                found, in_use = runs.all_runs(session), project_of(session).run_in_use
            self.app.call_from_thread(self._take, found, in_use)

        self.run_worker(work, thread=True, group="runs", exclusive=True, exit_on_error=False)

    def _take(self, found: list[Run], in_use: int | None) -> None:
        self._runs, self._in_use = found, in_use
        self._table.show(len(found), self._rows, at=min(self._table.cursor, max(0, len(found) - 1)))
        parts: list[str | tuple[str, str]] = [(count(len(found), "run"), "bold $primary")]
        if in_use is not None and not self.has_class("-narrow"):
            parts.append((f"   ▸ run {in_use} in use", "bold $accent"))
        parts.append((f"   {NOT_IN_FOOTER}", "$faint"))
        self.query_one("#facts", Static).update(Content.assemble(*parts))
        if not found:
            self.query_one("#about", Static).update(
                Content.styled("No run yet. Press t to go and train the first one.", "$faint")
            )

    def _rows(self, offset: int, limit: int) -> list[TableRow]:
        marked = list(self._marked)
        return [self._row(run, marked) for run in self._runs[offset : offset + limit]]

    def _row(self, run: Run, marked: list[int]) -> TableRow:
        assert run.id is not None
        mark = "●" if run.id in marked else " "
        use = "▸" if run.id == self._in_use else " "
        name = f"“{run.name}” " if run.name else ""
        return TableRow(
            run.id,
            (
                f"{mark}{use}{run.id}",
                status(run),
                f"{run.train_size + run.validation_size:>6,}",
                _accuracy(run),
                when(run.started_at),
                f"{name}{run.device}",
            ),
            COLOURS.get(run.status, "$warning"),
            dim=run.removed,
        )

    @on(ReviewTable.Moved)
    def _moved(self) -> None:
        """Read the details of the run under the cursor."""
        chosen = self._table.chosen
        self._looked += 1
        looked, database = self._looked, self._desk.session.database
        if chosen is None:
            return

        def work() -> None:
            if looked != self._looked:
                return
            with database.reading() as session:
                found = view(session, chosen)
            if found is not None:
                self.app.call_from_thread(self._tell, looked, found)

        self.run_worker(work, thread=True, group="details", exit_on_error=False)

    def _tell(self, looked: int, found: RunView) -> None:
        if looked == self._looked:
            width = max(40, self.query_one("#details").size.width - 2)
            self.query_one("#about", Static).update(about(found, width))
            draw_learning(self.query_one("#loss", Curve), self.query_one("#accuracy", Curve), found.curves)

    @property
    def run_under_cursor(self) -> Run | None:
        chosen = self._table.chosen
        return next((run for run in self._runs if run.id == chosen), None)

    # ------------------------------------------------------------------ looking closer

    def action_open(self) -> None:
        from tui.screens.run import RunScreen

        if (run_id := self._table.chosen) is not None:
            self.app.push_screen(RunScreen(self._desk, run_id, [run.id for run in self._runs if run.id is not None]))

    @on(ReviewTable.Chosen)
    def _chosen(self) -> None:
        self.action_open()

    def action_mark(self) -> None:
        """Mark the run; of more than two the one marked first loses its mark."""
        run_id = self._table.chosen
        if run_id is None:
            return
        if run_id in self._marked:
            self._marked.remove(run_id)
        else:
            self._marked = [*self._marked, run_id][-2:]
        self._table.reread()

    def action_compare(self) -> None:
        """Compare the two marked runs; else this one with the marked one, the one in use, or another."""
        from tui.screens.compare import CompareScreen

        here = self._table.chosen
        known = [run.id for run in self._runs if run.suggested]
        others = [one for one in (*self._marked, self._in_use, *known) if one is not None and one != here]
        pair = self._marked if len(self._marked) == 2 else [here, *others[:1]]
        if here is None or len(pair) != 2:
            self.notify("There is no other run to compare it with.", timeout=4, markup=False)
            return
        newer, older = sorted((one for one in pair if one is not None), reverse=True)
        self.app.push_screen(CompareScreen(self._desk, newer, older))

    def action_down(self) -> None:
        scroll(self.query_one("#details", VerticalScroll), 1)

    def action_up(self) -> None:
        scroll(self.query_one("#details", VerticalScroll), -1)

    def action_close(self) -> None:
        self.dismiss()


def _accuracy(run: Run) -> str:
    """As in its details, when it was measured last; else of the held-out reviews, which helped to choose it."""
    stored = run.metrics.get("audit")
    measured = Measured.from_json(stored) if stored else None
    model = to_go_by(measured)[0] if measured is not None else None
    if measured is not None and model is not None:
        by = " by folds" if measured.by_cross_validation else ""
        return (
            f"{percent(model.accuracy, 1):>7} ({model.accuracy_low * 100:.0f} – {model.accuracy_high * 100:.0f}){by}"
        )
    held_out = run.metrics.get("validation_accuracy")
    return f"{percent(held_out, 1):>7} held out" if held_out is not None else ""
