"""The import screen: choose a file, see how it is read and what is in it, import it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Footer, Input, Select, Static

from core.errors import FileError, LabelloopError
from core.files import columns, encodings, hub, reading
from core.files.importing import Choice, Examined, Report, examine, import_file
from core.files.problems import Problem
from core.files.table import ReadingOptions, Row, Table
from core.files.values import as_text
from core.labels import SchemeKind, new_labels, parse_names
from core.phrases import count, one_line, percent
from core.storage.database import create
from tui.bindings import bindings
from tui.desk import Desk
from tui.import_words import SIGNS, result, written
from tui.new_project import new_project
from tui.screens.import_report import Decided, ImportReportScreen
from tui.widgets.path_input import PathInput

NONE = "(none)"

ENCODINGS = ("utf-8-sig", "utf-16", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257",
             "iso8859-1", "iso8859-2", "iso8859-15", "koi8-r", "cp932", "euc_jp", "gb18030", "big5",
             "cp949")  # fmt: skip
"""Encodings that are offered; others are named to the command."""

HEADER, NO_HEADER = "header", "no header"

MENTIONED = frozenset({Problem.SAME_TEXT})
"""Problems that need no look before the import."""


class ImportScreen(Screen[None]):
    """Imports a file into the open project, or into a new one."""

    BINDINGS = bindings("close")
    CSS = """
    ImportScreen > VerticalScroll { padding: 1 3; height: 1fr; }
    ImportScreen .row { height: auto; }
    ImportScreen .row > Static { width: 14; color: $faint; }
    ImportScreen .row > Input, ImportScreen .row > Select { width: 1fr; }
    ImportScreen #how { display: none; }
    ImportScreen #told { height: auto; padding: 1 0; }
    """

    def __init__(self, desk: Desk, new: bool = False) -> None:
        """`new` makes a project though one is open."""
        super().__init__()
        self._desk = desk
        self._into_open = desk.has_project and not new
        self._table: Table | None = None
        self._named = ""

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=False):
            where = f"into {self._desk.session.name}" if self._into_open else "into a new project beside the file"
            yield Static(Content(f"Import reviews {where}"), classes="title")
            with Horizontal(classes="row"):
                yield Static("file")
                yield PathInput(
                    placeholder="path (tab completes it) or hf:owner/name, then enter",
                    id="path",
                    compact=True,
                )
            with Horizontal(classes="row", id="how"):
                yield Static("read as")
                for name in ("encoding", "delimiter", "header"):
                    yield Select[str]([], id=name, prompt=name, compact=True)
            for name, says, prompt in (
                ("text", "text column", "choose the file first"),
                ("id", "id column", NONE),
                ("label", "label column", "(none: the reviews come unlabelled)"),
            ):
                with Horizontal(classes="row"):
                    yield Static(says)
                    yield Select[str]([], id=name, prompt=prompt, compact=True)
            if not self._into_open:
                with Horizontal(classes="row"):
                    yield Static("labels")
                    yield Input("positive,negative", id="labels", max_length=4_000, compact=True)
            yield Static(id="told")
            yield Button("Import", variant="primary", disabled=True)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#path").focus()

    def on_unmount(self) -> None:
        if self._table is not None:
            self._table.close()

    # ------------------------------------------------------------------ the file

    @on(Input.Submitted, "#path")
    def _submitted(self, event: Input.Submitted) -> None:
        """Read the header and the first rows, and show what they are taken for."""
        self._named = event.value.strip()
        if hub.named(self._named) is not None:
            self._tell("fetching…", "$accent")
            self.query_one(Button).disabled = True
            named = self._named
            self.run_worker(lambda: self._fetch(named), thread=True, exclusive=True)
        else:
            self._recognise(None, ReadingOptions())

    def _fetch(self, named: str) -> None:
        """In a thread of its own."""
        try:
            table = reading.open_table(named)
        except LabelloopError as error:
            self.app.call_from_thread(self._refuse, error)
        else:
            self.app.call_from_thread(self._show, table)

    def _recognise(self, encoding: str | None, options: ReadingOptions) -> None:
        try:
            if not self._named or self._named == "-":
                raise FileError("No file is named.", "Write its path, then press enter.")
            self._show(reading.open_table(self._named, encoding, options))
        except LabelloopError as error:
            self._refuse(error)

    def _refuse(self, error: LabelloopError) -> None:
        self._table = None
        self.query_one(Button).disabled = True
        self._tell(str(error), "$error")

    def _show(self, table: Table) -> None:
        """Offer the columns, those that are guessed chosen."""
        try:
            text, own_id, label = columns.text_column(table), columns.id_column(table), columns.label_column(table)
        except LabelloopError as error:
            table.close()
            self._refuse(error)
            return
        if self._table is not None:
            self._table.close()
        self._table = table
        options = [(one_line(name, 60) or "(no name)", name) for name in table.columns]
        for name, value in (("text", text), ("id", own_id), ("label", None)):
            select = self.query_one(f"#{name}", Select)
            select.set_options(options)
            if value is not None:
                select.value = value
        self._show_reading(table)
        self._show_sample(table, text, label)
        button = self.query_one(Button)
        button.disabled = False
        button.focus()

    def _show_reading(self, table: Table) -> None:
        """How the file is read, to be changed where the guess is wrong."""
        self.query_one("#how").display = bool(table.encoding) and table.format != "folder"
        offered: dict[str, list[tuple[str, str]]] = {
            "encoding": [(encodings.shown(one), one) for one in dict.fromkeys((*ENCODINGS, table.encoding))],
            "delimiter": [(SIGNS.get(one, one), one) for one in dict.fromkeys((*SIGNS, table.delimiter))],
            "header": [("a header line", HEADER), ("no header line", NO_HEADER)],
        }
        now = (table.encoding, table.delimiter, HEADER if table.header else NO_HEADER)
        for (name, options), value in zip(offered.items(), now, strict=True):
            select = self.query_one(f"#{name}", Select)
            select.display = name == "encoding" or bool(table.delimiter)
            with select.prevent(Select.Changed):
                select.set_options([(says, one) for says, one in options if one])
                if value:
                    select.value = value

    @on(Select.Changed, "#encoding")
    @on(Select.Changed, "#delimiter")
    @on(Select.Changed, "#header")
    def _otherwise(self) -> None:
        """Read the file in another way than was guessed."""
        table = self._table
        if table is None:
            return
        encoding, delimiter = self._value("encoding"), self._value("delimiter")
        header = self._value("header") != NO_HEADER
        now = (encoding, delimiter or "", header)
        if encoding is None or now == (table.encoding, table.delimiter, table.header or not table.delimiter):
            return
        options = ReadingOptions(delimiter=delimiter, header=header) if table.delimiter else ReadingOptions()
        self._recognise(encoding, options)

    def _show_sample(self, table: Table, text: str, label: str | None) -> None:
        position = table.columns.index(text)
        lines = [Content.styled(f"{count(len(table.columns), 'column')}, {written(table)}. First reviews:", "$faint")]
        for entry, _ in zip(table.entries(), range(3), strict=False):
            if isinstance(entry, Row):
                lines.append(Content(f"· {one_line(as_text(entry.cells[position]), 160)}"))
            else:
                lines.append(Content.styled(f"{table.place(entry.line)}: {one_line(entry.reason)}", "$error"))
        if label is not None:
            lines.append(Content.styled(f"“{one_line(label, 40)}” may be the label column.", "$faint"))
        self.query_one("#told", Static).update(Content("\n").join(lines))

    # ------------------------------------------------------------------ the import

    @on(Button.Pressed)
    def _start(self) -> None:
        if self._table is None:
            return
        table = self._table
        delimited = bool(table.delimiter)
        choice = Choice(
            self._named,
            text_column=self._value("text"),
            id_column=self._value("id"),
            label_column=self._value("label"),
            encoding=table.encoding if table.encoding and table.format != "folder" else None,
            alike=self._desk.settings.alike,
            options=ReadingOptions(delimiter=table.delimiter, header=table.header, quote=table.quote)
            if delimited
            else ReadingOptions(),
        )
        self._work(lambda: self._examine(choice))

    def _work(self, work: Callable[[], None]) -> None:
        self.query_one(Button).disabled = True
        self._tell("reading…", "$accent")
        self.run_worker(work, thread=True, exclusive=True)

    def _value(self, name: str) -> str | None:
        value = self.query_one(f"#{name}", Select).value
        return value if isinstance(value, str) else None

    def _examine(self, choice: Choice) -> None:
        """In a thread of its own."""
        try:
            if self._into_open:
                self._desk.session.writer.flush()
                found = examine(self._desk.session.database, choice, self._progressed)
            else:
                found = self._examine_for_new(choice)
        except LabelloopError as error:
            self.app.call_from_thread(self._failed, str(error))
        else:
            self.app.call_from_thread(self._examined, choice, found)

    def _examine_for_new(self, choice: Choice) -> Examined:
        """Against an empty project that goes again: none is left behind by a look."""
        names = self.query_one("#labels", Input).value
        with tempfile.TemporaryDirectory(prefix="labelloop-") as folder:
            database = create(Path(folder) / "empty.db", SchemeKind.SINGLE, new_labels(parse_names(names)))
            try:
                return examine(database, choice, self._progressed)
            finally:
                database.close()

    def _examined(self, choice: Choice, found: Examined) -> None:
        """Show the report where there is something to decide; else go on."""
        report = found.report
        if not report.known and set(report.problems) <= MENTIONED:
            self._work(lambda: self._import(choice, found))
            return

        def decided(how: Decided | None) -> None:
            if how is None:
                found.table.close()
                self.query_one(Button).disabled = False
                self._tell("Nothing was imported.", "$faint")
                return
            wanted = replace(choice, handling=how.handling, known_labels=how.known_labels)
            same = wanted.known_labels == choice.known_labels and all(
                how.handling[problem] is tally.action for problem, tally in report.problems.items()
            )
            if not same:
                found.table.close()
            self._work(lambda: self._import(wanted, found if same else None))

        self.app.push_screen(ImportReportScreen(report), decided)

    def _import(self, choice: Choice, found: Examined | None) -> None:
        """In a thread of its own."""
        app, annotator = self.app, self._desk.settings.annotator
        try:
            if self._into_open:
                database = self._desk.session.database
                self._desk.session.writer.flush()
                report = import_file(database, choice, annotator, self._progressed, found)
                app.call_from_thread(self._imported, report, database.path)
            else:
                names = self.query_one("#labels", Input).value
                path, report = new_project(choice, names, annotator, self._progressed, found)
                app.call_from_thread(self._imported, report, path)
        except LabelloopError as error:
            app.call_from_thread(self._failed, str(error))

    def _progressed(self, doing: str, done: int, total: int) -> None:
        share = f" {percent(done / total)}" if done and total else ""
        self.app.call_from_thread(self._tell, f"{doing}…{share}", "$accent")

    def _failed(self, reason: str) -> None:
        self.query_one(Button).disabled = False
        says = reason if "othing was imported" in reason else f"{reason} Nothing was imported."
        self._tell(says, "$error")

    def _imported(self, report: Report, path: Path) -> None:
        twice = (
            f" {count(report.duplicate_texts, 'text')} stand there more than once." if report.duplicate_texts else ""
        )
        if report.alike_texts:
            twice += f" {count(report.alike_texts, 'text')} nearly repeat another and are labelled with it."
        self.notify(f"{result(report)}{twice}", timeout=8, markup=False)
        self.dismiss()
        if self._into_open:
            self._desk.project_changed.publish(None)
        else:
            self._desk.open_path(path)

    def _tell(self, text: str, style: str) -> None:
        self.query_one("#told", Static).update(Content.styled(one_line(text, 600), style))

    def action_close(self) -> None:
        self.dismiss()
