"""The train screen: start, watch, stop, go on; what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from core.phrases import count, one_line
from core.storage import learning, runs
from core.storage.database import project_of
from core.storage.tables import Run, RunKind
from core.worker.requests import Suggest
from core.worker.state import JobState, Phase
from tui.bindings import bindings
from tui.desk import Desk
from tui.plan import PRESETS
from tui.run_facts import name_of
from tui.screens.choose import Choose
from tui.trust import said_of
from tui.widgets.curve import Curve, draw_learning
from tui.widgets.run_lines import run_line
from tui.widgets.scrolling import scroll
from tui.widgets.training import no_curve, progress

FEW = 20
"""Labels below which it is said that a training will hardly learn anything."""

LOG_LINES = 200

LISTED = 6
"""Runs that this screen lists; the runs screen has them all."""

OVER = (Phase.FINISHED, Phase.CANCELLED, Phase.FAILED)

Curves = tuple[list[tuple[int, float]], list[tuple[int, float]], list[tuple[int, float]]]
"""Training loss, held-out loss and held-out accuracy, as (step, value)."""


@dataclass(frozen=True)
class Records:
    """What the project's records say of its runs."""

    runs: list[Run]
    """The newest first."""
    in_use: int | None
    resumable: Run | None
    """The newest one that can be gone on with: it saw exactly the labels there are."""
    curves: Curves
    """Of the newest run."""
    said: list[str]
    """What is known of how good the newest run is, in sentences."""


class TrainScreen(Screen[None]):
    """One key starts a training with good defaults; everything else is for looking at."""

    BINDINGS = [*bindings("train"), *bindings("close")]
    CSS_PATH = "../styles/train.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-tall")]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._records = Records([], None, None, ([], [], []), [])
        self._drawn = (-1, -1)
        self._ended: tuple[Phase, int | None] | None = None

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="sheet", can_focus=False):
            yield Static(id="facts")
            yield Static(id="progress")
            with Horizontal(id="plots"):
                with Vertical(classes="card plot") as box:
                    box.border_title = "Loss"
                    yield Curve(id="loss")
                with Vertical(classes="card plot") as box:
                    box.border_title = "Held-out accuracy"
                    yield Curve(id="accuracy")
                    yield Static(id="no-curve")
            yield Static(id="said", classes="card")
            yield Static(id="runs", classes="card")
            yield Static(id="log", classes="card")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#said").border_title = "How good it is"
        self.query_one("#runs").border_title = "Runs · R shows all, with their mistakes and curves"
        self.query_one("#log").border_title = "Log of the worker"
        self.query_one("#log").display = self.query_one("#said").display = False
        self._desk.job_changed.subscribe(self, self._job_changed)
        self._desk.project_changed.subscribe(self, lambda _nothing: self._read())
        self.call_after_refresh(self._show)
        self._read()

    def on_resize(self) -> None:
        self._drawn = (-1, -1)
        self.call_after_refresh(self._show)

    def on_screen_resume(self) -> None:
        self._drawn = (-1, -1)
        self._show()
        self._read()

    # ------------------------------------------------------------------ reading

    def _read(self) -> None:
        """Read the records in a thread."""
        database = self._desk.session.database

        def work() -> None:
            with database.reading() as session:
                found = [run for run in runs.all_runs(session) if run.kind is RunKind.FINE_TUNED]
                newest = found[0].id if found else None
                names = ("loss", "validation_loss", "validation_accuracy")
                loss, held_out, accuracy = ([] if newest is None else runs.curve(session, newest, n) for n in names)
                records = Records(
                    found,
                    project_of(session).run_in_use,
                    next((run for run in runs.resumable(session) if learning.unchanged_since(session, run)), None),
                    (loss, held_out, accuracy),
                    said_of(session, found[0]) if found else [],
                )
            self.app.call_from_thread(self._take, records)

        self.run_worker(work, thread=True, group="records", exclusive=True, exit_on_error=False)

    def _take(self, records: Records) -> None:
        self._records = records
        self._drawn = (-1, -1)
        self._show()

    # ------------------------------------------------------------------ drawing

    def _job_changed(self, job: JobState) -> None:
        """Draw; when a job has ended, read what it left in the records."""
        ended = (job.phase, job.run_id) if job.phase in OVER else None
        if ended is not None and ended != self._ended:
            self._read()
        self._ended = ended
        self._show()

    def _show(self) -> None:
        if not self.is_mounted or not self._desk.has_project:
            return
        job, width = self._desk.job, max(40, self.size.width - 11)
        self.query_one("#facts", Static).update(self._facts(job))
        box = self.query_one("#progress", Static)
        box.display = job.phase is not Phase.IDLE
        box.update(progress(job, width))
        self._draw(job)
        records, said = self._records, self.query_one("#said", Static)
        said.display = bool(records.said) and not job.busy
        said.update(Content("\n".join(line for line in records.said if line not in job.message)))
        lines = [run_line(run, run.id == records.in_use, width) for run in records.runs[:LISTED]]
        self.query_one("#runs", Static).update(
            Content("\n").join(lines or [Content.styled("No run yet: t trains the first one.", "$faint")])
        )
        if self.query_one("#log").display:
            self._show_log()
        self.refresh_bindings()

    def _facts(self, job: JobState) -> Content:
        """What there is to learn from, how it will be done, and what waits."""
        counts, plan = self._desk.session.counts, self._desk.plan
        learn = counts.labelled - counts.audit_labelled
        lines = [
            Content.assemble(
                "Training learns from ",
                (count(learn, "labelled review"), "bold"),
                f"; {counts.audit_labelled:,} more are set aside in the audit set to measure it on.",
            )
        ]
        if learn < FEW and not job.busy:
            lines.append(Content.styled(f"Label some more: under {FEW} it hardly learns anything.", "$warning"))
        base = self._desk.settings.base_model
        lines.append(
            Content.assemble(
                ("Next: ", "$faint"),
                (one_line(plan.told, 120), "bold"),
                (f" · base model {one_line(base, 60)}", "$faint"),
            )
        )
        stopped = self._records.resumable
        if stopped is not None and not job.busy:
            lines.append(
                Content.assemble(
                    (f"{name_of(stopped).capitalize()} {stopped.status.value}: ", "$warning"),
                    ("c", "bold $accent"),
                    " goes on from its last checkpoint.",
                )
            )
        if self._desk.aside:
            cancel = " · x lets the last one not begin" if self._desk.waiting else ""
            lines.append(Content.assemble((self._desk.aside, "bold $accent"), (cancel, "$faint")))
        return Content("\n").join(lines)

    def _draw(self, job: JobState) -> None:
        """Draw the curves anew when they have other points."""
        losses, held_out, accuracy = self._records.curves
        if job.job == "train" and (job.busy or not losses):
            # A run that goes on has its points up to there in the records.
            newest = self._records.runs[0].id if self._records.runs else None
            upto = job.resumed_step if newest == job.run_id else 0
            losses = [*(point for point in losses if point[0] <= upto), *job.losses]
            held_out = [*(point for point in held_out if point[0] <= upto)]
            accuracy = [*(point for point in accuracy if point[0] <= upto)]
            held_out += [(point.step, point.loss) for point in job.evaluations]
            accuracy += [(point.step, point.accuracy) for point in job.evaluations]
        curve, why = self.query_one("#accuracy", Curve), self.query_one("#no-curve", Static)
        curve.display, why.display = len(accuracy) > 1, len(accuracy) < 2
        if why.display:
            why.update(Content.styled(no_curve(job, [score for _, score in accuracy]), "$faint"))
        drawn = (len(losses), len(accuracy))
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self.query_one("#plots").display = len(losses) > 1
        curves = {"loss": losses, "validation_loss": held_out, "validation_accuracy": accuracy}
        draw_learning(self.query_one("#loss", Curve), curve, curves)

    def _show_log(self) -> None:
        path = self._desk.job.log
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace") if path else ""
        except OSError as error:
            text = f"{path} cannot be read: {error.strerror}."
        lines = [one_line(line, 500) for line in text.splitlines()[-LOG_LINES:]]
        shown = "\n".join(lines) or "Nothing in it."
        self.query_one("#log", Static).update(Content(f"{path}\n{shown}" if path else "No worker has run yet."))

    # ------------------------------------------------------------------ actions

    def action_start(self) -> None:
        self._desk.train()

    def action_stop(self) -> None:
        if not self._desk.job.busy:
            self.notify("Nothing is running.", timeout=3, markup=False)
        elif self._desk.waiting:
            self.notify("What waits begins then; x lets it not begin.", timeout=5, markup=False)
        self._desk.stop_job()

    def action_resume(self) -> None:
        """Go on with the newest run that stopped."""
        stopped = self._records.resumable
        if self._desk.job.busy:
            self.notify("A job is running. When it has stopped, c goes on from its checkpoint.", markup=False)
        elif stopped is None or stopped.id is None:
            self.notify("No run that was stopped has a checkpoint to go on from. t trains.", markup=False)
        else:
            self._desk.train(stopped.id)

    def action_unqueue(self) -> None:
        told = "It will not begin." if self._desk.unqueue() else "No training waits."
        self.notify(told, timeout=3, markup=False)

    def action_preset(self) -> None:
        """Choose a preset; what was set in the arguments form stays."""
        names = list(PRESETS)
        lines = [(name, Content.assemble((f"{name:<12}", "bold"), (PRESETS[name], "$faint"))) for name in names]

        def take(name: str | None) -> None:
            if name is not None:
                self._desk.plan.preset = name
                self._show()

        self.app.push_screen(Choose("How thoroughly to train", lines, at=names.index(self._desk.plan.preset)), take)

    def action_arguments(self) -> None:
        from tui.screens.arguments import ArgumentsScreen

        self.app.push_screen(ArgumentsScreen(self._desk), lambda _none: self._show())

    def action_suggest(self) -> None:
        self._desk.start_job(Suggest(str(self._desk.session.database.path)))

    def action_log(self) -> None:
        log = self.query_one("#log")
        log.display = not log.display
        if log.display:
            self._show_log()
            self.call_after_refresh(log.scroll_visible)

    def action_down(self) -> None:
        scroll(self.query_one("#sheet", VerticalScroll), 1)

    def action_up(self) -> None:
        scroll(self.query_one("#sheet", VerticalScroll), -1)

    def action_close(self) -> None:
        self.dismiss()
