"""One run: how good it is, whom it takes for whom, whether its probabilities mean what they say, how it learned."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from core.errors import LabelloopError
from core.evaluate.metrics import Scores
from core.phrases import percent
from tui.bindings import bindings
from tui.desk import Desk
from tui.run_facts import name_of
from tui.run_views import Cell, RunView, cell, view
from tui.screens.read import label_screen_below
from tui.trust import to_go_by
from tui.widgets import run_details
from tui.widgets.confusion import ConfusionMatrix
from tui.widgets.curve import Curve, draw_learning
from tui.widgets.reliability import calibration
from tui.widgets.scores import by_label, interval, side_by_side
from tui.widgets.scrolling import scroll


class RunScreen(Screen[None]):
    """The cursor goes over the confusion matrix; enter reads the reviews of a cell."""

    BINDINGS = [*bindings("run"), *bindings("close")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    CSS = """
    RunScreen #sheet { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    RunScreen #columns { height: auto; layout: vertical; }
    RunScreen #left, RunScreen #right { height: auto; }
    RunScreen.-wide #columns { layout: horizontal; }
    RunScreen.-wide #left, RunScreen.-wide #right { width: 1fr; }
    RunScreen .card { height: auto; padding: 0 1; }
    RunScreen #curves { height: 14; layout: horizontal; }
    RunScreen.-wide #curves { height: 20; }
    RunScreen Curve { width: 1fr; }
    RunScreen #heading { padding: 0 1; }
    """

    def __init__(self, desk: Desk, run_id: int, others: Sequence[int]) -> None:
        """Show a run; `others` are all runs, the newest first, to go through."""
        super().__init__()
        self._desk, self._run_id, self._others = desk, run_id, list(others)
        self._found: RunView | None = None

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="sheet", can_focus=False):
            yield Static(id="heading")
            with Container(id="columns"):
                with Vertical(id="left"):
                    yield Static(id="good", classes="card")
                    with Vertical(id="matrix", classes="card"):
                        yield ConfusionMatrix()
                    yield Static(id="labels", classes="card")
                with Vertical(id="right"):
                    yield Static(id="reliability", classes="card")
                    with Horizontal(id="curves", classes="card"):
                        yield Curve(id="loss")
                        yield Curve(id="accuracy")
                    yield Static(id="facts", classes="card")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._matrix = self.query_one(ConfusionMatrix)
        for name, title in (
            ("good", "How good it is"),
            ("matrix", "Whom it takes for whom"),
            ("labels", "By label"),
            ("reliability", "Whether its probabilities mean what they say"),
            ("curves", "Loss and held-out accuracy"),
            ("facts", "What it was told, and what it ran on"),
        ):
            self.query_one(f"#{name}").border_title = title
        self._desk.project_changed.subscribe(self, lambda _nothing: self._read())
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # ------------------------------------------------------------------ drawing

    def _read(self) -> None:
        """Read the run in a thread."""
        run_id, database = self._run_id, self._desk.session.database

        def work() -> None:
            with database.reading() as session:
                found = view(session, run_id)
            self.app.call_from_thread(self._take, found)

        self.run_worker(work, thread=True, group="run", exclusive=True, exit_on_error=False)

    def _take(self, found: RunView | None) -> None:
        self._found = found
        model = self._model
        has_matrix = model is not None and bool(model.confusion or model.pairs)
        self.query_one("#matrix").display = has_matrix
        if model is not None and has_matrix:
            self._matrix.show(model)
            self._matrix.focus()
        self._show()

    @property
    def _model(self) -> Scores | None:
        measured = self._found.measured if self._found is not None else None
        return to_go_by(measured)[0] if measured is not None else None

    def _show(self) -> None:
        found = self._found
        if found is None:
            return
        half = self.size.width // 2 if self.has_class("-wide") else self.size.width
        width, model = max(40, half - 8), self._model
        self.query_one("#heading", Static).update(run_details.heading(found.run, found.in_use))
        self.query_one("#good", Static).update(_good(found, width))
        for name in ("labels", "reliability"):
            self.query_one(f"#{name}").display = model is not None
        if model is not None:
            self.query_one("#labels", Static).update(by_label(model, found.colours, width))
        self._show_reliability(found, width)
        told = Content("\n").join([run_details.arguments(found.run), run_details.facts(found.run)])
        self.query_one("#facts", Static).update(told)
        self._draw(found)

    def _show_reliability(self, found: RunView, width: int) -> None:
        measured, box = found.measured, self.query_one("#reliability", Static)
        folds = measured.cross_validation if measured is not None else None
        of = folds.calibration if folds is not None else measured.calibration if measured is not None else None
        box.display = of is not None
        if of is not None:
            box.update(calibration(of, width))

    def _draw(self, found: RunView) -> None:
        self.query_one("#curves").display = len(found.curves["loss"]) > 1
        self.query_one("#accuracy", Curve).display = len(found.curves["validation_accuracy"]) > 1
        draw_learning(self.query_one("#loss", Curve), self.query_one("#accuracy", Curve), found.curves)

    # ------------------------------------------------------------------ the cell

    def action_open(self) -> None:
        """Read the reviews of the cell under the cursor."""
        found, chosen = self._found, self._matrix.chosen
        if found is None or chosen is None:
            self.notify("There is no confusion matrix to go into.", timeout=4, markup=False)
            return
        if not chosen.number:
            self.notify("No review is in this cell.", timeout=3, markup=False)
            return
        by_folds = found.measured is not None and found.measured.by_cross_validation
        if not by_folds and not found.run.suggested:
            why = f"The suggestions of run {self._run_id} are no longer stored. Promote it, and it suggests anew."
            self.notify(why, timeout=6, markup=False)
            return
        what = f"run {self._run_id}: {chosen.told}"
        database = self._desk.session.database

        def work() -> None:
            try:
                with database.reading() as session:
                    reviews = cell(session, self._run_id, chosen.person, chosen.model, by_folds)
            except LabelloopError as error:
                self.app.call_from_thread(self.notify, str(error), severity="warning", markup=False)
            else:
                self.app.call_from_thread(self._go, reviews, what)

        self.run_worker(work, thread=True, group="cell", exclusive=True, exit_on_error=False)

    def _go(self, reviews: Cell, what: str) -> None:
        """Browse them; what no filter can say is walked through in the label screen."""
        if reviews.line is not None:
            self._desk.browse(reviews.line)
        elif not reviews.review_ids:
            self.notify("These reviews have been labelled otherwise since.", timeout=4, markup=False)
        elif (below := label_screen_below(self.app)) is not None:
            below.walk_through(reviews.review_ids, what)

    @on(ConfusionMatrix.Moved)
    def _follow(self) -> None:
        """Keep the matrix in sight."""
        self._matrix.scroll_visible(animate=False)

    # ------------------------------------------------------------------ going through the runs

    def action_newer(self) -> None:
        self._move(-1)

    def action_older(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        place = self._others.index(self._run_id) + by if self._run_id in self._others else -1
        if not 0 <= place < len(self._others):
            self.notify("There is no further run this way.", timeout=3, markup=False)
            return
        self._run_id = self._others[place]
        self._read()

    def action_down(self) -> None:
        scroll(self.query_one("#sheet", VerticalScroll), 1)

    def action_up(self) -> None:
        scroll(self.query_one("#sheet", VerticalScroll), -1)

    def action_close(self) -> None:
        self.dismiss()


def _good(found: RunView, width: int) -> Content:
    """Accuracy and macro-F1 with intervals beside the simple rules, and the verdict."""
    measured = found.measured
    model, rule, majority = to_go_by(measured) if measured is not None else (None, None, None)
    if measured is None or model is None:
        told = (
            f"Nothing is measured of {name_of(found.run)}: no review of the audit set has a label and a suggestion."
        )
        return Content.styled(told, "$faint")
    beside = [one for one in (model, rule, majority) if one is not None]
    lines = [side_by_side(beside, width)]
    for name, value, low, high in (
        ("Macro-F1", model.macro_f1, model.macro_f1_low, model.macro_f1_high),
        ("Micro-F1", model.micro_f1, model.micro_f1_low, model.micro_f1_high),
    ):
        if value is not None and low is not None and high is not None:
            lines.append(Content(f"{name} {percent(value, 1)}, 95 % interval {interval(low, high)}."))
    lines.append(Content.styled(measured.basis, "$faint"))
    if found.verdict:
        lines.append(Content(found.verdict))
    return Content("\n").join(lines)
