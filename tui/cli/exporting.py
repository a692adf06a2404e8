"""`export`: writing what was decided to a file, or to a folder that the library datasets reads."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.phrases import count
from tui.cli.failures import guarded
from tui.cli.opening import opened
from tui.cli.options import Json, Project
from tui.cli.output import print_json, say, show

if TYPE_CHECKING:
    from core.worker.events import Exported


class What(StrEnum):
    """`core.files.exporting.What`, for the command's help, which must not load the database; a test compares."""

    LABELLED = "labelled"
    SUGGESTED = "suggested"
    ALL = "all"


class Format(StrEnum):
    """`core.files.writing.table.Format`, for the same reason."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    XLSX = "xlsx"
    DATASET = "dataset"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("export")(export)


@guarded
def export(
    project: Project,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="The file to write: .csv, .tsv, .jsonl, .parquet or .xlsx. Without a suffix, a folder for datasets.",
            show_default=False,
        ),
    ],
    what: Annotated[
        What, typer.Option("--what", metavar="labelled/suggested/all", help="Which reviews.")
    ] = What.LABELLED,
    where: Annotated[
        str,
        typer.Option(
            "--where", metavar="FILTER", help="A filter as in browse: “label:good p>=0.9”.", show_default=False
        ),
    ] = "",
    format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="/".join(Format),
            help="What it is written as, if the suffix shall not say it.",
            show_default=False,
        ),
    ] = None,
    guard: Annotated[
        bool, typer.Option("--guard/--no-guard", help="Keep spreadsheets from running cells of csv and tsv.")
    ] = True,
    card: Annotated[bool, typer.Option("--card/--no-card", help="Write a data card beside it.")] = True,
    as_json: Json = False,
) -> None:
    """Write labels and suggestions to a file."""
    with opened(project) as database:
        path = database.path
    done, written = write(path, out, what, where, format.value if format else "", guard, card)
    rows = done.rows if done else 0
    if as_json:
        extra = {"card": done.card or None, "notes": done.notes} if done else {}
        print_json({"path": str(written), "rows": rows, "what": what.value, "where": where, **extra})
        return
    show(f"Wrote {count(rows, 'review')} to {written}, read back and compared.")
    if done is not None and done.card:
        say(f"Its data card is {done.card}.")
    for note in done.notes if done is not None else ():
        say(note)
    if rows == 0:
        missing = {
            What.LABELLED: "no review has a label yet, so only the header was written",
            What.SUGGESTED: "there is no suggestion for an unlabelled review; “labelloop train” makes them",
            What.ALL: "the project has no reviews; “labelloop import” brings them",
        }
        say(f"Note: {'nothing passes the filter' if where else missing[what]}.")


def write(
    project: Path, out: Path, what: What, where: str = "", format: str = "", guard: bool = True, card: bool = True
) -> tuple[Exported | None, Path]:
    """Export in the worker; gives what it told, and where it is."""
    from core.worker import requests
    from tui.cli.jobs import carry_out

    target = out.expanduser().absolute()
    request = requests.Export(str(project), str(target), what.value, where, format, guard, card)
    done = carry_out(request).state.exported
    return (done, Path(done.path)) if done else (None, target)
