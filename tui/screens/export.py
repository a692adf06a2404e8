"""The export screen: which reviews, into which file."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Footer, Input, RadioButton, RadioSet, Static

from core.files.exporting import What
from core.phrases import count, percent
from core.worker.requests import Export
from core.worker.state import JobState, Phase
from tui.bindings import bindings
from tui.desk import Desk

CHOICES = {
    What.LABELLED: "labelled: the reviews that have a label",
    What.SUGGESTED: "suggested: those that have none, with the model’s suggestion",
    What.ALL: "all: every review; suggestions stand in for missing labels",
}


class ExportScreen(Screen[None]):
    """Writes a CSV: every original column as it was, then what was decided."""

    BINDINGS = bindings("close")
    CSS = """
    ExportScreen > Vertical { padding: 1 3; height: 1fr; }
    ExportScreen RadioSet { width: 100%; border: round $border; background: $surface; }
    ExportScreen Button { margin: 1 0; }
    ExportScreen #told { height: auto; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._mine = False

    def compose(self) -> ComposeResult:
        path = self._desk.session.database.path
        with Vertical():
            yield Static("Export", classes="title")
            yield Static(self._what_there_is(), classes="faint")
            with RadioSet():
                for what, text in CHOICES.items():
                    yield RadioButton(text, value=what is What.LABELLED, name=what.value)
            yield Input(str(path.with_name(f"{path.stem}-labelled.csv")), id="path", max_length=4_000)
            yield Button("Export", variant="primary")
            yield Static(id="told")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._desk.job_changed.subscribe(self, self._job_changed)
        self.query_one(Button).focus()

    def _what_there_is(self) -> Content:
        counts = self._desk.session.counts
        return Content(f"{count(counts.reviews, 'review')}, {counts.labelled:,} labelled. The file gets every "
                       "column it was imported with, then label, source, annotator, time, probability, run, "
                       "flagged, note.")  # fmt: skip

    @on(Button.Pressed)
    @on(Input.Submitted)
    def _start(self) -> None:
        target = self.query_one("#path", Input).value.strip()
        pressed = self.query_one(RadioSet).pressed_button
        what = pressed.name if pressed is not None and pressed.name else What.LABELLED.value
        if not target:
            self._tell("Write where the file shall be.", "$warning")
            return
        if self._desk.job.busy:
            self._tell("A training is running. Export when it has ended, or stop it.", "$warning")
            return
        self._mine = True
        self._desk.start_job(
            Export(str(self._desk.session.database.path), str(Path(target).expanduser().absolute()), what)
        )

    def _job_changed(self, job: JobState) -> None:
        if not self._mine:
            return
        if job.phase is Phase.FINISHED and job.exported is not None:
            done = job.exported
            self._tell(f"✓ {count(done.rows, 'row')} written to {done.path}, read back and compared.", "$success")
        elif job.phase is Phase.FAILED:
            self._tell(job.message, "$error")
        elif job.total:
            self._tell(f"writing… {percent(job.share)}", "$accent")
        else:
            self._tell("writing…", "$accent")

    def _tell(self, text: str, style: str) -> None:
        self.query_one("#told", Static).update(Content.styled(text, style))

    def action_close(self) -> None:
        self.dismiss()
