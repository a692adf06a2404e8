"""`import`: reading a file into a project, with a report of what is in it."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.phrases import count, one_line
from tui.cli.failures import guarded
from tui.cli.opening import opened, settings
from tui.cli.options import Json, Project
from tui.cli.output import facts, print_json, say, show
from tui.cli.progress import watching

if TYPE_CHECKING:
    from core.files.import_report import Report

PANEL = "How the file is written; guessed if not given"


class Known(StrEnum):
    """`core.files.importing.KnownLabels`, for the command's help, which must not load the database."""

    KEEP = "keep"
    FILL = "fill"
    REPLACE = "replace"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("import")(import_)


def _option(name: str, metavar: str, text: str, panel: str | None = None) -> Any:
    return typer.Option(name, metavar=metavar, help=text, show_default=False, rich_help_panel=panel)


@guarded
def import_(
    project: Project,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="CSV, TSV, JSON, Parquet, xlsx or text, also packed (gz, zip); a folder of text files; - for "
            "standard input; hf:OWNER/NAME for a data set of the Hugging Face hub.",
            show_default=False,
        ),
    ],
    text: Annotated[str | None, _option("--text", "COL", "Column of the reviews; guessed if not given.")] = None,
    label: Annotated[str | None, _option("--label", "COL", "Column of labels they have already.")] = None,
    identifier: Annotated[str | None, _option("--id", "COL", "Column of ids; guessed if not given.")] = None,
    on: Annotated[
        list[str] | None,
        _option(
            "--on",
            "PROBLEM=ACTION",
            "What to do about a problem, such as bad-lines=leave-out: keep, leave-out, mend or stop. "
            "May be repeated; --dry-run names the problems.",
        ),
    ] = None,
    known_labels: Annotated[
        Known,
        typer.Option("--known-labels", help="The file's labels of reviews that are in the project already."),
    ] = Known.KEEP,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report; write nothing.")] = False,
    encoding: Annotated[str | None, _option("--encoding", "E", "Such as utf-8, cp1252 or gb18030.", PANEL)] = None,
    format: Annotated[
        str | None, _option("--format", "F", "csv, tsv, text, jsonl, json, parquet or xlsx.", PANEL)
    ] = None,
    delimiter: Annotated[str | None, _option("--delimiter", "C", "What stands between cells.", PANEL)] = None,
    quote: Annotated[str | None, _option("--quote", "C", "What stands around cells; empty for none.", PANEL)] = None,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            help="Whether the first line names the columns.",
            show_default=False,
            rich_help_panel=PANEL,
        ),
    ] = None,
    sheet: Annotated[str | None, _option("--sheet", "NAME", "Sheet of a workbook.", PANEL)] = None,
    as_json: Json = False,
) -> None:
    """Read reviews from a file into a project. Of a file that was imported before, only what is new."""
    from core.files import problems
    from core.files.importing import Choice, KnownLabels, import_file, inspect
    from core.files.table import ReadingOptions

    choice = Choice(
        file,
        text_column=text,
        id_column=identifier,
        label_column=label,
        encoding=encoding,
        alike=settings().alike,
        options=ReadingOptions(format, _sign(delimiter), header, quote, sheet),
        handling=dict(map(problems.parse, on or ())),
        known_labels=KnownLabels[known_labels.name],
    )
    with opened(project, changes=not dry_run) as database:
        if dry_run:
            _, report = inspect(database, choice)
        else:
            with watching() as progress:
                report = import_file(database, choice, settings().annotator, progress)
    if as_json:
        print_json({"imported": not dry_run, **_document(report)})
        return
    _tell(report, project, dry_run)


def _tell(report: Report, project: Path, dry_run: bool) -> None:
    from tui.import_words import facts_of, problems_of, result

    show(facts(facts_of(report)))
    if report.problems and (found := problems_of(report)):
        show(facts(found))
    if dry_run:
        for text in report.sample:
            show(f"· {one_line(text, 160)}")
        refusal = report.refusal()
        show(f"Nothing was written: this was a dry run.{' It would stop here: ' + str(refusal) if refusal else ''}")
    elif report.new or report.relabelled:
        show(f"Imported {count(report.new, 'review')} into {project}. “labelloop undo” takes it back.")
        say(f"Next: labelloop open {shlex.quote(str(project))}")
    else:
        show(result(report))


def _document(report: Report) -> dict[str, Any]:
    """The report as JSON: pairs of labels have no place among its keys."""
    found = asdict(report)
    if report.comparison is not None:
        found["comparison"]["pairs"] = [
            {"project": ours, "file": theirs, "reviews": number}
            for (ours, theirs), number in report.comparison.pairs.most_common()
        ]
    return found


def _sign(written: str | None) -> str | None:
    """A delimiter as people can write it in a shell."""
    return {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "space": " "}.get(written or "", written)
