"""The rehearsal screen: a simulated session on labelled reviews, to pick a strategy and a base model by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import Footer, Input, Select, Static

from core import kept_rehearsal, rehearsal_plan
from core.errors import LabelloopError
from core.evaluate.rehearsed import Row, rows
from core.files import columns
from core.files.reading import open_table
from core.kept_rehearsal import JOB
from core.worker.requests import TRAINER, Rehearse
from core.worker.state import JobState
from tui import rehearsal_table, rehearsal_words
from tui.bindings import bindings
from tui.desk import Desk
from tui.widgets.learning_curve import LearningCurve
from tui.widgets.path_input import PathInput
from tui.widgets.scrolling import scroll

OWN = "empty: this project's own labelled reviews"

LEARNERS = {"both learners": True, "quick learner alone": False}


class RehearsalScreen(Screen[None]):
    """Fields above, what is measured below: the curve grows as sessions reach their numbers of labels.

    The last rehearsal is shown again when the screen is opened, with the fields that it was started with.
    """

    BINDINGS = [
        *bindings("rehearsal"),
        *bindings("close"),
        ("up", "app.focus_previous", "Up"),
        ("down", "app.focus_next", "Down"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    CSS = """
    RehearsalScreen > VerticalScroll { padding: 1 2; height: 1fr; scrollbar-size-vertical: 1; }
    RehearsalScreen .row { height: 1; }
    RehearsalScreen .row > Static { width: 15; color: $faint; }
    RehearsalScreen .row > Static.second { padding: 0 0 0 2; }
    RehearsalScreen .row > Input, RehearsalScreen .row > Select { width: 1fr; }
    RehearsalScreen #told { height: auto; padding: 1 0; }
    RehearsalScreen LearningCurve { height: 13; display: none; }
    RehearsalScreen.-wide LearningCurve { height: 20; }
    RehearsalScreen #table { height: auto; padding: 1 0; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        if desk.rehearsal is None:
            desk.rehearsal = kept_rehearsal.last()
        self._job: JobState | None = None
        if desk.rehearsal is not None:
            self._job = desk.job if desk.job.job == JOB else desk.rehearsal.job

    def compose(self) -> ComposeResult:
        wanted = self._desk.settings
        where = f"path, then enter · {OWN}" if self._desk.has_project else "path of a file with labels, then enter"
        with VerticalScroll(can_focus=False):
            yield Static("Rehearsal: what a number of labels buys", classes="title")
            with Horizontal(classes="row"):
                yield Static("labelled file")
                yield PathInput(id="file", placeholder=where)
            with Horizontal(classes="row"):
                yield Static("measured on")
                yield PathInput(id="test", placeholder="path of a second file · empty: a fifth held out")
            for first, second in (
                (("text", "text column", "", "guessed"), ("label", "label column", "", "guessed")),
                (("budgets", "labels", "64,256,1024", ""), ("seeds", "sessions", "3", "")),
            ):
                with Horizontal(classes="row"):
                    for place, (name, says, value, empty) in enumerate((first, second)):
                        yield Static(says, classes="second" if place else "")
                        yield Input(value, id=name, placeholder=empty, max_length=400)
            with Horizontal(classes="row"):
                yield Static("strategy")
                options = [(name, name) for name in rehearsal_plan.STRATEGIES]
                value = wanted.strategy if wanted.strategy in rehearsal_plan.STRATEGIES else "auto"
                yield Select(options, value=value, id="strategy", allow_blank=False, compact=True)
                yield Static("learners", classes="second")
                yield Select(
                    [(name, name) for name in LEARNERS],
                    value="both learners",
                    id="learners",
                    allow_blank=False,
                    compact=True,
                )
            with Horizontal(classes="row"):
                yield Static("against")
                names = [*rehearsal_plan.STRATEGIES, *([TRAINER] if rehearsal_plan.has_trainer() else [])]
                yield Input(
                    ",".join(name for name in (rehearsal_plan.RANDOM, TRAINER) if name in names),
                    id="against",
                    placeholder="nothing",
                    suggester=SuggestFromList(names),
                )
                yield Static("base model", classes="second")
                yield Input(wanted.base_model, id="base_model", max_length=1_000)
            yield Static(id="told")
            yield LearningCurve()
            yield Static(id="table")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#file").focus()
        self._desk.job_changed.subscribe(self, self._job_changed)
        self._tell("f5 starts. The labels are given one by one as you would, by the app's own queue and learners.")
        if self._desk.rehearsal is not None:
            self._fill(self._desk.rehearsal.request)
        self.call_after_refresh(self._show)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _fill(self, asked: Rehearse) -> None:
        """Put what was asked for into the fields, so that they say what the table is of."""
        values = {
            "file": asked.file,
            "test": asked.test,
            "text": asked.text or "",
            "label": asked.label or "",
            "budgets": ",".join(map(str, asked.budgets)),
            "seeds": str(asked.seeds),
            "against": ",".join(asked.against),
            "base_model": asked.base_model,
        }
        for name, value in values.items():
            self.query_one(f"#{name}", Input).value = value
        if asked.strategy in rehearsal_plan.STRATEGIES:
            self.query_one("#strategy", Select).value = asked.strategy
        learners = next(name for name, train in LEARNERS.items() if train is asked.train)
        self.query_one("#learners", Select).value = learners

    # ------------------------------------------------------------------ the file

    @on(Input.Submitted, "#file")
    def _named(self, event: Input.Submitted) -> None:
        """Find the columns, in a thread."""
        name = event.value.strip()
        if not name:
            self.focus_next()
            return
        self.run_worker(lambda: self._look_into(name), thread=True, group="columns", exclusive=True)

    def _look_into(self, name: str) -> None:
        try:
            table = open_table(name)
            try:
                found = columns.text_column(table), columns.label_column(table), list(table.columns)
            finally:
                table.close()
        except LabelloopError as error:
            self.app.call_from_thread(self._tell, str(error), "$error")
        else:
            self.app.call_from_thread(self._take_columns, *found)

    def _take_columns(self, text: str, label: str | None, names: list[str]) -> None:
        self.query_one("#text", Input).value = text
        self.query_one("#label", Input).value = label or ""
        for name in ("text", "label"):
            self.query_one(f"#{name}", Input).suggester = SuggestFromList(names)
        which = "" if label else " Which one holds the labels?"
        self._tell(f"Columns: {', '.join(names)}.{which}", "" if label else "$warning")
        self.query_one("#label" if label is None else "#test", Input).focus()

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        if event.input.id != "file":
            self.focus_next()

    # ------------------------------------------------------------------ starting and stopping

    def action_start(self) -> None:
        """Check the fields, then start."""
        if self._desk.job.busy:
            self.notify("A job is running already: stop it first, or wait for it.", timeout=5, markup=False)
            return
        try:
            request = self._request()
        except LabelloopError as error:
            self._tell(str(error), "$error")
            return
        self._job = None
        self._desk.start_job(request)

    def _request(self) -> Rehearse:
        """What the fields say. Raises SettingsError or TrainingError."""
        file, test = self._value("file"), self._value("test")
        if not file and not self._desk.has_project:
            raise rehearsal_plan.nothing_named()
        where: dict[str, Any] = {"file": _path(file), "test": _path(test)} if file else {}
        if not file:
            where = {"project": str(self._desk.session.database.path)}
        strategy = str(self.query_one("#strategy", Select).value)
        listed = [part.strip() for part in self._value("against").split(",") if part.strip()]
        return Rehearse(
            **where,
            text=self._value("text") or None,
            label=self._value("label") or None,
            budgets=rehearsal_plan.budgets(self._value("budgets")),
            strategy=strategy,
            against=rehearsal_plan.methods(strategy, listed),
            seeds=rehearsal_plan.seeds(self._value("seeds")),
            base_model=self._value("base_model") or "auto",
            audit_every=self._desk.settings.drawn_every,
            train=LEARNERS[str(self.query_one("#learners", Select).value)],
        )

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def action_stop(self) -> None:
        if self._desk.job.busy and self._desk.job.job == JOB:
            self._desk.stop_job()

    def action_use(self) -> None:
        """Put the strategy that came out best, and the base model, into the settings."""
        best, kept = rehearsal_words.best(self._measured, self._multi), self._desk.rehearsal
        if best is None or kept is None:
            self.notify("Nothing is measured yet.", timeout=4, markup=False)
            return
        # The fields may have been changed since it was measured.
        if self._desk.change_settings({"strategy": best.method, "base_model": kept.request.base_model}):
            told = f"From now on the strategy “{best.method}” and the base model {self._desk.settings.base_model}."
            self.notify(told, timeout=6, markup=False)

    # ------------------------------------------------------------------ drawing

    @property
    def _measured(self) -> list[Row]:
        return rows(self._job.rehearsed) if self._job is not None else []

    @property
    def _multi(self) -> bool:
        return self._job is not None and self._job.prepared is not None and self._job.prepared.multi

    def _job_changed(self, job: JobState) -> None:
        if job.job == JOB:
            self._job = job
            self._show()

    def _show(self) -> None:
        job = self._job
        if not self.is_mounted or job is None:
            return
        self._tell(*rehearsal_words.progress(job, self._desk.rehearsal))
        found = self._measured
        curve = self.query_one(LearningCurve)
        curve.display = bool(found)
        curve.draw(rehearsal_table.lines(found, self._multi))
        self.query_one("#table", Static).update(self._table(found) if found else "")

    def _table(self, found: list[Row]) -> Content:
        headings = rehearsal_table.HEADINGS_MULTI if self._multi else rehearsal_table.HEADINGS
        cells = [list(headings), *(rehearsal_table.cells(row, self._multi) for row in found)]
        widths = [max(len(row[at]) for row in cells) for at in range(len(headings))]
        lines = [
            Content.styled(
                "  ".join(f"{cell:>{width}}" if at else f"{cell:<{width}}" for at, (cell, width) in enumerate(pairs)),
                "bold" if not place else "",
            )
            for place, pairs in enumerate(list(zip(row, widths, strict=True)) for row in cells)
        ]
        lines.append(Content.styled(rehearsal_table.spread_told(found), "$faint"))
        best = rehearsal_words.best(found, self._multi)
        if best is not None and not self._desk.job.busy:
            told = rehearsal_words.best_told(best, found, self._multi)
            lines.append(Content.styled(f"{told} f7 puts it into the settings.", "$success"))
        return Content("\n").join(lines)

    def _tell(self, told: str, style: str = "") -> None:
        self.query_one("#told", Static).update(Content.styled(told, style))

    def action_down(self) -> None:
        scroll(self.query_one(VerticalScroll), 1)

    def action_up(self) -> None:
        scroll(self.query_one(VerticalScroll), -1)

    def action_close(self) -> None:
        self.dismiss()


def _path(name: str) -> str:
    return name if not name or name.startswith("hf:") else str(Path(name).expanduser().absolute())
