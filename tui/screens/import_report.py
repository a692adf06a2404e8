"""What was found in a file, before anything of it is imported, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Button, Footer, Select, Static

from core.files.import_report import Report
from core.files.importing import KnownLabels
from core.files.problems import ALLOWED, TITLES, Action, Problem
from core.phrases import one_line
from tui.bindings import bindings
from tui.import_words import examples, facts_of, offer

KNOWN = {
    KnownLabels.KEEP: "keep the labels there are",
    KnownLabels.FILL: "take the file’s where there are none",
    KnownLabels.REPLACE: "take the file’s for all",
}


@dataclass(frozen=True)
class Decided:
    """What a person wants done."""

    handling: dict[Problem, Action]
    known_labels: KnownLabels


class ImportReportScreen(Screen[Decided | None]):
    """Shows the report; gives what shall be done, or none to go back."""

    BINDINGS = bindings("close")
    CSS = """
    ImportReportScreen > VerticalScroll { padding: 1 3; height: 1fr; }
    ImportReportScreen .facts { height: auto; padding: 1 0 0 0; }
    ImportReportScreen .problem { height: auto; padding: 1 0 0 0; }
    ImportReportScreen .problem > Static { width: 24; }
    ImportReportScreen .problem > Select { width: 1fr; max-width: 84; }
    ImportReportScreen .examples { padding: 0 0 0 24; color: $faint; height: auto; }
    ImportReportScreen #sample { padding: 1 0; height: auto; }
    """

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def compose(self) -> ComposeResult:
        report = self._report
        with VerticalScroll(can_focus=False):
            yield Static(Content(f"What is in {one_line(report.file_name, 60)}"), classes="title")
            yield Static(Content("\n").join(_fact(*one) for one in facts_of(report)), classes="facts")
            for problem, tally in report.problems.items():
                with Horizontal(classes="problem"):
                    yield Static(_number(tally.count, TITLES[problem]))
                    choices = [(offer(problem, one), one) for one in ALLOWED[problem]]
                    yield Select[Action](
                        choices, value=tally.action, allow_blank=False, id=problem.value, compact=True
                    )
                yield Static(Content(examples(tally)), classes="examples")
            if report.comparison is not None and report.comparison.differs:
                with Horizontal(classes="problem"):
                    yield Static("known labels")
                    yield Select[KnownLabels](
                        [(says, one) for one, says in KNOWN.items()],
                        value=KnownLabels.KEEP,
                        allow_blank=False,
                        id="known",
                        compact=True,
                    )
            lines = [Content.styled("First texts:", "$faint")]
            lines += [Content(f"· {one_line(text, 160)}") for text in report.sample]
            yield Static(Content("\n").join(lines), id="sample")
            yield Button("Import", variant="primary", id="import")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._look()
        first = next((problem for problem in self._report.stops), None)
        self.query_one(f"#{first}" if first is not None else "#import").focus()

    @on(Select.Changed)
    def _look(self) -> None:
        """Import is offered once nothing is left that stops it."""
        stops = [TITLES[problem] for problem, action in self._decided().handling.items() if action is Action.STOP]
        button = self.query_one("#import", Button)
        button.disabled = bool(stops)
        button.label = f"Decide about {stops[0]} first" if stops else "Import"

    @on(Button.Pressed, "#import")
    def _import(self) -> None:
        self.dismiss(self._decided())

    def _decided(self) -> Decided:
        handling, known = {}, KnownLabels.KEEP
        for select in self.query(Select):
            value = select.value
            if isinstance(value, Action):
                handling[Problem(select.id or "")] = value
            elif isinstance(value, KnownLabels):
                known = value
        return Decided(handling, known)

    def action_close(self) -> None:
        self.dismiss(None)


def _fact(name: str, value: str) -> Content:
    return Content.assemble((f"{name:<24}", "$faint"), value)


def _number(count: int, title: str) -> Content:
    return Content.assemble((f"{count:,}", "bold"), f" {title}")
