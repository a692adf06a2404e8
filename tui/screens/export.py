"""The export screen: which reviews, as what, into which file."""

from __future__ import annotations

from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Button, Footer, Input, Select, Static

from core.errors import LabelloopError
from core.files.exporting import What
from core.files.writing.table import Format
from core.phrases import count, percent
from core.storage import browse
from core.storage.filter_text import names_of, parse
from core.worker.requests import Export
from core.worker.state import JobState, Phase
from tui.bindings import bindings
from tui.desk import Desk

CHOICES = {
    What.LABELLED: "labelled: the reviews that have a label",
    What.SUGGESTED: "suggested: those that have none, with the model’s suggestion",
    What.ALL: "all: every review; suggestions stand in for missing labels",
}

PAUSE = 0.3
"""Seconds without a letter after which the hits of a filter are counted."""

FORMATS = {
    Format.CSV: "csv: for spreadsheets and everything else",
    Format.TSV: "tsv: as csv, with tabs",
    Format.JSONL: "jsonl: an object a line, every value with its type",
    Format.PARQUET: "parquet: typed columns, small and quick to read",
    Format.XLSX: "xlsx: a workbook",
    Format.DATASET: "dataset: a folder for the library datasets and the Hugging Face hub",
}


class ExportScreen(Screen[None]):
    """Writes every original column as it was, then what was decided; and a data card beside it."""

    BINDINGS = bindings("close")
    CSS = """
    ExportScreen > VerticalScroll { padding: 1 3; height: 1fr; }
    ExportScreen .row { height: auto; padding: 1 0 0 0; }
    ExportScreen .row > Static { width: 10; color: $faint; }
    ExportScreen .row > Input, ExportScreen .row > Select { width: 1fr; }
    ExportScreen #passing { height: auto; padding: 0 0 0 10; color: $faint; }
    ExportScreen Button { margin: 1 0 0 10; }
    ExportScreen #told { height: auto; padding: 1 0; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._mine = False
        self._waits: Timer | None = None

    def compose(self) -> ComposeResult:
        path = self._desk.session.database.path
        with VerticalScroll(can_focus=False):
            yield Static("Export", classes="title")
            yield Static(self._what_there_is(), classes="faint")
            with Horizontal(classes="row"):
                yield Static("reviews")
                whats = [(text, what) for what, text in CHOICES.items()]
                yield Select(whats, value=What.LABELLED, allow_blank=False, id="what", compact=True)
            with Horizontal(classes="row"):
                yield Static("filter")
                hint = "all of them; or as in browse: label:positive p>=0.9 from:2026"
                yield Input(placeholder=hint, id="where", max_length=4_000)
            yield Static(id="passing")
            with Horizontal(classes="row"):
                yield Static("format")
                formats = [(text, format) for format, text in FORMATS.items()]
                yield Select(formats, value=Format.CSV, allow_blank=False, id="format", compact=True)
            with Horizontal(classes="row"):
                yield Static("file")
                yield Input(str(path.with_name(f"{path.stem}-labelled.csv")), id="path", max_length=4_000)
            yield Button("Export", variant="primary")
            yield Static(id="told")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._desk.job_changed.subscribe(self, self._job_changed)
        self.query_one(Button).focus()

    def _what_there_is(self) -> Content:
        counts = self._desk.session.counts
        return Content(f"{count(counts.reviews, 'review')}, {counts.labelled:,} labelled. Every column they were "
                       "imported with is written, then label, source, annotator, time, probability, run, flagged, "
                       "note; a data card goes beside it.")  # fmt: skip

    @on(Select.Changed, "#format")
    def _suffix(self, event: Select.Changed) -> None:
        """Let the file's name say the format."""
        field = self.query_one("#path", Input)
        path = Path(field.value.strip())
        known = {f".{format}" for format in FORMATS}
        bare = path.with_suffix("") if path.suffix.casefold() in known else path
        field.value = str(bare) if event.value is Format.DATASET else f"{bare}.{event.value}"

    @on(Input.Changed, "#where")
    def _narrowed(self, event: Input.Changed) -> None:
        """Say how many reviews pass, or what is not understood, when no letter comes any more."""
        if self._waits is not None:
            self._waits.stop()
        self._waits = self.set_timer(PAUSE, lambda: self._count(event.value))

    @work(thread=True, exclusive=True, group="passing", exit_on_error=False)
    def _count(self, where: str) -> None:
        if not where.strip():
            told = Content("")
        else:
            try:
                with self._desk.session.database.reading() as session:
                    passing = browse.total(session, parse(where, names_of(session)))
                told = Content(f"{count(passing, 'review')} {'passes' if passing == 1 else 'pass'}.")
            except LabelloopError as error:
                told = Content.styled(str(error), "$warning")
        self.app.call_from_thread(self.query_one("#passing", Static).update, told)

    @on(Button.Pressed)
    @on(Input.Submitted)
    def _start(self) -> None:
        target = self.query_one("#path", Input).value.strip()
        where = self.query_one("#where", Input).value.strip()
        if not target:
            self._tell("Write where the file shall be.", "$warning")
            return
        if self._desk.job.busy:
            self._tell("A training is running. Export when it has ended, or stop it.", "$warning")
            return
        what, format = self.query_one("#what", Select).value, self.query_one("#format", Select).value
        project, target = str(self._desk.session.database.path), str(Path(target).expanduser().absolute())
        self._mine = True
        self._desk.start_job(Export(project, target, str(what), where, str(format)))

    def _job_changed(self, job: JobState) -> None:
        if not self._mine:
            return
        if job.phase is Phase.FINISHED and job.exported is not None:
            done = job.exported
            told = f"✓ {count(done.rows, 'row')} written to {done.path}, read back and compared."
            self._tell("\n".join([told, *done.notes]), "$success")
        elif job.phase is Phase.FAILED:
            self._tell(job.message, "$error")
        elif job.total:
            self._tell(f"writing… {percent(job.share)}", "$accent")
        else:
            self._tell("writing…", "$accent")

    def _tell(self, text: str, style: str) -> None:
        told = self.query_one("#told", Static)
        told.update(Content.styled(text, style))
        told.scroll_visible(animate=False)

    def action_close(self) -> None:
        self.dismiss()
