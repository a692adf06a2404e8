"""`import`: reading a file into a project, with a report of what is in it."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.phrases import count, one_line
from tui.cli.failures import guarded
from tui.cli.opening import opened, settings
from tui.cli.options import Json, Project
from tui.cli.output import facts, print_json, say, show
from tui.cli.progress import watching

if TYPE_CHECKING:
    from core.files.importing import Report

MOST_SHOWN = 12
"""Labels or columns named in the report."""


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("import")(import_)


@guarded
def import_(
    project: Project,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or TSV file.", show_default=False)],
    text: Annotated[
        str | None,
        typer.Option(
            "--text", metavar="COL", help="Column of the reviews; guessed if not given.", show_default=False
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", metavar="COL", help="Column of labels they have already.", show_default=False),
    ] = None,
    identifier: Annotated[
        str | None,
        typer.Option("--id", metavar="COL", help="Column of ids; guessed if not given.", show_default=False),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option("--encoding", metavar="E", help="Such as cp1252; UTF-8 if not given.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report; write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Read reviews from a file into a project."""
    from core.files.importing import Choice, import_file, inspect

    choice = Choice(
        file,
        text_column=text,
        id_column=identifier,
        label_column=label,
        encoding=encoding,
        alike=settings().alike,
    )
    with opened(project) as database:
        if dry_run:
            _, report = inspect(database, choice)
        else:
            with watching() as progress:
                report = import_file(database, choice, settings().annotator, progress)
    if as_json:
        print_json({"imported": not dry_run, **asdict(report)})
        return
    show(facts(_rows(report)))
    if dry_run:
        show("Nothing was written: this was a dry run.")
    else:
        show(f"Imported {count(report.rows, 'review')} into {project}. “labelloop undo” takes it back.")
        say(f"Next: labelloop open {shlex.quote(str(project))}")


def _rows(report: Report) -> list[tuple[str, str]]:
    """The report as names and values; what is not there is left out, except where that is news."""
    rows = [
        ("file", f"{one_line(report.file_name)}, {_format(report.encoding, report.delimiter)}"),
        ("reviews", f"{report.rows:,}"),
        ("text", _column(report.text_column)),
        ("id", _column(report.id_column) if report.id_column else "none; reviews are called by their row"),
    ]
    others = [
        name for name in report.columns if name not in (report.text_column, report.id_column, report.label_column)
    ]
    if others:
        rows.append(("also kept", _listed([_column(name) for name in others])))
    if report.label_column is not None:
        rows.append(("label", f"{_column(report.label_column)}, {count(report.labelled, 'review')} labelled"))
        by_count = sorted(report.label_counts.items(), key=lambda item: -item[1])
        rows.append(("labels", _listed([f"{one_line(name, 60)} {number:,}" for name, number in by_count])))
    if report.new_labels:
        rows.append(("new labels", _listed([one_line(name, 60) for name in report.new_labels])))
    if report.empty_texts:
        rows.append(("empty texts", f"{report.empty_texts:,}, which are never trained on"))
    if report.duplicate_texts:
        rows.append(("same texts", f"{report.duplicate_texts:,} repeat an earlier row; one decision labels all"))
    if report.alike_texts:
        rows.append(("nearly the same", f"{count(report.alike_texts, 'text')}, labelled with what they are like"))
    if report.already_there:
        rows.append(("already there", f"{count(report.already_there, 'text')} stand in the project already"))
    if report.duplicate_ids:
        rows.append(("same ids", f"{count(report.duplicate_ids, 'row')} repeat an earlier row's id"))
    return rows


def _column(name: str) -> str:
    return f"“{one_line(name, 60)}”"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_SHOWN]) or "none"
    return shown + (f" and {len(names) - MOST_SHOWN:,} more" if len(names) > MOST_SHOWN else "")


def _format(encoding: str, delimiter: str) -> str:
    name = "UTF-8" if encoding.startswith("utf-8") else encoding
    between = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}.get(delimiter, delimiter)
    return f"{name}, cells between {between}"
