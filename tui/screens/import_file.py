"""The import screen: choose a file, see what is in it, import it."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Footer, Input, Select, Static

from core.errors import FileError, LabelloopError
from core.files import columns, reading
from core.files.importing import Choice, Report, import_file
from core.files.reading import Table
from core.labels import SchemeKind, new_labels, parse_names
from core.phrases import count, one_line, percent
from core.storage.database import Database, create
from tui.bindings import bindings
from tui.desk import Desk

NONE = "(none)"


class ImportScreen(Screen[None]):
    """Imports a file into the open project, or into a new one when none is open."""

    BINDINGS = bindings("close")
    CSS = """
    ImportScreen > VerticalScroll { padding: 1 3; height: 1fr; }
    ImportScreen .row { height: auto; }
    ImportScreen .row > Static { width: 14; padding: 1 0 0 0; color: $faint; }
    ImportScreen .row > Input, ImportScreen .row > Select { width: 1fr; }
    ImportScreen #told { height: auto; padding: 1 0; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._into_open = desk.has_project
        self._table: Table | None = None

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=False):
            where = f"into {self._desk.session.name}" if self._into_open else "into a new project beside the file"
            yield Static(Content(f"Import reviews {where}"), classes="title")
            with Horizontal(classes="row"):
                yield Static("CSV file")
                yield Input(placeholder="path of the file, then enter", id="path", max_length=4_000)
            with Horizontal(classes="row"):
                yield Static("text column")
                yield Select[str]([], id="text", prompt="choose the file first")
            with Horizontal(classes="row"):
                yield Static("id column")
                yield Select[str]([], id="id", prompt=NONE)
            with Horizontal(classes="row"):
                yield Static("label column")
                yield Select[str]([], id="label", prompt="(none: the reviews come unlabelled)")
            if not self._into_open:
                with Horizontal(classes="row"):
                    yield Static("labels")
                    yield Input("positive,negative", id="labels", max_length=4_000)
            yield Static(id="told")
            yield Button("Import", variant="primary", disabled=True)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#path").focus()

    @on(Input.Submitted, "#path")
    def _recognise(self, event: Input.Submitted) -> None:
        """Read the header and the first rows, and show what they are taken for."""
        try:
            if not event.value.strip():
                raise FileError("No file is named.", "Write its path, then press enter.")
            table = reading.open_table(Path(event.value.strip()))
            text, own_id = columns.text_column(table), columns.id_column(table)
        except LabelloopError as error:
            self._table = None
            self.query_one(Button).disabled = True
            self._tell(str(error), "$error")
            return
        self._table = table
        options = [(one_line(name, 60) or "(no name)", name) for name in table.columns]
        for name, value in (("text", text), ("id", own_id), ("label", None)):
            select = self.query_one(f"#{name}", Select)
            select.set_options(options)
            if value is not None:
                select.value = value
        self._show_sample(table, text)
        button = self.query_one(Button)
        button.disabled = False
        button.focus()

    def _show_sample(self, table: Table, text: str) -> None:
        position = table.columns.index(text)
        lines = [
            Content.styled(
                f"{count(len(table.columns), 'column')}, read as {table.encoding}. First reviews:", "$faint"
            )
        ]
        try:
            for row, _ in zip(table.rows(), range(3), strict=False):
                lines.append(Content(f"· {one_line(row.cells[position], 160)}"))
        except FileError as error:
            lines.append(Content.styled(str(error), "$error"))
        self.query_one("#told", Static).update(Content("\n").join(lines))

    @on(Button.Pressed)
    def _start(self) -> None:
        if self._table is None:
            return
        choice = Choice(
            self._table.path,
            text_column=self._chosen("text"),
            id_column=self._chosen("id"),
            label_column=self._chosen("label"),
            alike=self._desk.settings.alike,
        )
        self.query_one(Button).disabled = True
        self._tell("importing…", "$accent")
        names = "" if self._into_open else self.query_one("#labels", Input).value
        self.run_worker(lambda: self._import(choice, names), thread=True, exclusive=True)

    def _chosen(self, name: str) -> str | None:
        value = self.query_one(f"#{name}", Select).value
        return value if isinstance(value, str) else None

    def _import(self, choice: Choice, names: str) -> None:
        """In a thread of its own."""
        app = self.app
        try:
            if self._into_open:
                database = self._desk.session.database
                self._desk.session.writer.flush()
                report = import_file(database, choice, self._desk.settings.annotator, self._progressed)
                app.call_from_thread(self._imported, report, database.path)
            else:
                path, report = new_project(choice, names, self._desk.settings.annotator, self._progressed)
                app.call_from_thread(self._imported, report, path)
        except LabelloopError as error:
            app.call_from_thread(self._failed, str(error))

    def _progressed(self, doing: str, done: int, total: int) -> None:
        share = f" {percent(done / total)}" if done and total else ""
        self.app.call_from_thread(self._tell, f"{doing}…{share}", "$accent")

    def _failed(self, reason: str) -> None:
        self.query_one(Button).disabled = False
        self._tell(f"{reason} Nothing was imported.".replace("Nothing was imported. Nothing", "Nothing"), "$error")

    def _imported(self, report: Report, path: Path) -> None:
        twice = (
            f" {count(report.duplicate_texts, 'text')} stand there more than once." if report.duplicate_texts else ""
        )
        if report.alike_texts:
            twice += f" {count(report.alike_texts, 'text')} nearly repeat another and are labelled with it."
        self.notify(f"{count(report.rows, 'review')} imported.{twice}", timeout=8, markup=False)
        self.dismiss()
        if self._into_open:
            self._desk.project_changed.publish(None)
        else:
            self._desk.open_path(path)

    def _tell(self, text: str, style: str) -> None:
        self.query_one("#told", Static).update(Content.styled(text, style))

    def action_close(self) -> None:
        self.dismiss()


def new_project(choice: Choice, names: str, annotator: str, progress: object = None) -> tuple[Path, Report]:
    """Make a project beside a file and import it; no project is left behind when that fails."""
    path = choice.path.expanduser().absolute().with_suffix(".db")
    database: Database = create(path, SchemeKind.SINGLE, new_labels(parse_names(names)))
    try:
        report = import_file(database, choice, annotator, progress)  # type: ignore[arg-type]
    except BaseException:
        database.close()
        path.unlink(missing_ok=True)
        raise
    database.close()
    return path, report
