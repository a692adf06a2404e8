"""The train screen: start, watch, stop; the curves of the run, the runs before it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static
from textual_plot import HiResMode, PlotWidget

from core.phrases import count, duration, one_line, percent
from core.storage import runs
from core.storage.database import project_of
from core.storage.tables import Run, RunStatus
from core.worker.requests import Suggest, Train
from core.worker.state import JobState, Phase
from tui.bindings import bindings
from tui.desk import Desk
from tui.widgets.job_strip import JobStrip

FEW = 20
"""Labels below which it is said that a training will hardly learn anything."""

LOG_LINES = 200


class TrainScreen(Screen[None]):
    """One key starts a training with good defaults; everything else is for looking at."""

    BINDINGS = [*bindings("train"), *bindings("close")]
    CSS_PATH = "../styles/train.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="sheet", can_focus=False):
            yield Static(id="facts")
            with Horizontal(id="plots"):
                with Vertical(classes="card plot") as box:
                    box.border_title = "Loss"
                    yield Curve(id="loss")
                with Vertical(classes="card plot") as box:
                    box.border_title = "Held-out accuracy"
                    yield Curve(id="accuracy")
            yield Static(id="runs", classes="card")
            yield Static(id="log", classes="card")
        yield JobStrip()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#runs").border_title = "Runs"
        self.query_one("#log").border_title = "Log of the worker"
        self.query_one("#log").display = False
        self._desk.job_changed.subscribe(self, self._job_changed)
        self._seen_points = -1
        self.call_after_refresh(self._show_all)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_all)

    # ------------------------------------------------------------------ drawing

    def _show_all(self) -> None:
        self._seen_points = -1
        self._job_changed(self._desk.job)
        self._show_runs()

    def _job_changed(self, job: JobState) -> None:
        self.query_one(JobStrip).show(job)
        self.query_one("#facts", Static).update(self._facts(job))
        points = len(job.losses) + 1000 * len(job.evaluations)
        if points != self._seen_points:
            self._seen_points = points
            self._draw(job)
        if job.phase in (Phase.FINISHED, Phase.CANCELLED, Phase.FAILED):
            self._show_runs()
        if self.query_one("#log").display:
            self._show_log()

    def _facts(self, job: JobState) -> Content:
        """Two lines: what there is to learn from, and what the worker is at."""
        counts = self._desk.session.counts
        learn = counts.labelled - counts.audit_labelled
        first = [
            ("Training learns from ", ""),
            (count(learn, "labelled review"), "bold"),
            (f"; {counts.audit_labelled:,} more are set aside in the audit set to measure it on.", ""),
        ]
        if learn < FEW and not job.busy:
            first.append((f"\nLabel some more: under {FEW} it hardly learns anything.", "$warning"))
        lines = [Content.assemble(*first)]
        if job.phase is Phase.IDLE:
            lines.append(Content.styled(f"Press t to train. Base model: {self._desk.settings.base_model}.", "$faint"))
        if job.loaded is not None:
            loaded = job.loaded
            lines.append(
                Content.assemble(
                    (f"{loaded.base_model} · {loaded.device} · {loaded.precision} · ", "$faint"),
                    (f"{loaded.train:,} to train, {loaded.validation:,} to choose the best weights on", "$faint"),
                    (f" · up to {loaded.max_length} tokens", "$faint"),
                )
            )
        if job.message and job.phase is not Phase.FAILED:
            lines.append(Content.styled(one_line(job.message, 300), "$faint"))
        return Content("\n").join(lines)

    def _draw(self, job: JobState) -> None:
        losses: Sequence[tuple[int, float]] = job.losses
        held_out = [(point.step, point.loss) for point in job.evaluations]
        accuracy = [(point.step, point.accuracy) for point in job.evaluations]
        if job.job != "train" or (not losses and not job.busy):
            losses, held_out, accuracy = self._stored()
        self.query_one("#plots").display = len(losses) > 1
        self.query_one("#loss", Curve).draw([("training", losses, "primary"), ("held-out", held_out, "accent")])
        self.query_one("#accuracy", Curve).draw([("held-out", accuracy, "success")], top=1.0)

    def _stored(self) -> tuple[list[tuple[int, float]], list[tuple[int, float]], list[tuple[int, float]]]:
        """The curves of the newest run there is."""
        with self._desk.session.database.reading() as session:
            newest = next((run.id for run in runs.all_runs(session) if run.id is not None), None)
            if newest is None:
                return [], [], []
            loss, held_out, accuracy = (
                runs.curve(session, newest, name) for name in ("loss", "validation_loss", "validation_accuracy")
            )
        return loss, held_out, accuracy

    def _show_runs(self) -> None:
        with self._desk.session.database.reading() as session:
            found = runs.all_runs(session)
            in_use = project_of(session).run_in_use
        lines = [_run_line(run, run.id == in_use) for run in found[:12]]
        if not lines:
            lines = [Content.styled("No run yet.", "$faint")]
        self.query_one("#runs", Static).update(Content("\n").join(lines))

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
        database = self._desk.session.database
        self._desk.start_job(Train(str(database.path), {"base_model": self._desk.settings.base_model}))

    def action_stop(self) -> None:
        if not self._desk.job.busy:
            self.notify("Nothing is running.", timeout=3, markup=False)
        self._desk.stop_job()

    def action_suggest(self) -> None:
        self._desk.start_job(Suggest(str(self._desk.session.database.path)))

    def action_log(self) -> None:
        log = self.query_one("#log")
        log.display = not log.display
        if log.display:
            self._show_log()
            self.call_after_refresh(log.scroll_visible)

    def action_close(self) -> None:
        self.dismiss()


class Curve(PlotWidget, can_focus=False):
    """A small plot of one or two curves; empty until there are two points."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, allow_pan_and_zoom=False)

    def draw(self, curves: Sequence[tuple[str, Sequence[tuple[int, float]], str]], top: float | None = None) -> None:
        """Draw curves of (name, points, colour of the theme)."""
        self.clear()
        drawn = False
        for name, points, colour in curves:
            if len(points) < 2:
                continue
            steps, values = zip(*points, strict=True)
            style = self.app.theme_variables[colour][:7]
            self.plot(steps, values, line_style=style, hires_mode=HiResMode.BRAILLE, label=name)
            drawn = True
        if drawn:
            low = 0.0 if top is None else max(0.0, min(v for _, p, _ in curves for _, v in p) - 0.05)
            self.set_ylimits(low, top)
            if len(curves) > 1:
                self.show_legend(is_visible=True)
        self.refresh()


def _run_line(run: Run, in_use: bool) -> Content:
    colour = {
        RunStatus.FINISHED: "$success",
        RunStatus.RUNNING: "$accent",
        RunStatus.FAILED: "$error",
    }.get(run.status, "$warning")
    audit = (run.metrics.get("audit") or {}).get("model")
    parts: list[str | tuple[str, str]] = [
        (f"{'▸' if in_use else ' '} run {run.id:<3}", "bold" if in_use else ""),
        (f" {run.status.value:<12}", colour),
        (f" {run.train_size + run.validation_size:>6,} labels", ""),
    ]
    if audit:
        parts.append((f"  audit {percent(audit['accuracy']):>5}", "bold $success"))
        low, high = percent(audit["accuracy_low"]), percent(audit["accuracy_high"])
        parts.append((f" ({low} to {high}, {audit['size']} reviews)", "$faint"))
    elif run.metrics.get("validation_accuracy") is not None:
        parts.append((f"  held-out {percent(run.metrics['validation_accuracy']):>5}", ""))
    if run.metrics.get("seconds"):
        parts.append((f"  {duration(run.metrics['seconds'])}", "$faint"))
    if in_use:
        parts.append(("  in use", "bold $accent"))
    if run.message:
        parts.append((f"  {one_line(run.message, 90)}", "$faint"))
    return Content.assemble(*parts)
