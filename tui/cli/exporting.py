"""`export`: writing what was decided to a file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core.phrases import count
from tui.cli.failures import guarded
from tui.cli.opening import opened
from tui.cli.options import Json, Project
from tui.cli.output import print_json, say, show


class What(StrEnum):
    """`core.files.exporting.What`, for the command's help, which must not load the database; a test compares."""

    LABELLED = "labelled"
    SUGGESTED = "suggested"
    ALL = "all"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("export")(export)


@guarded
def export(
    project: Project,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write, .csv.", show_default=False)],
    what: Annotated[
        What, typer.Option("--what", metavar="labelled/suggested/all", help="Which reviews.")
    ] = What.LABELLED,
    as_json: Json = False,
) -> None:
    """Write labels and suggestions to a file."""
    with opened(project) as database:
        path = database.path
    rows, written = write(path, out, what)
    if as_json:
        print_json({"path": str(written), "rows": rows, "what": what.value})
        return
    show(f"Wrote {count(rows, 'review')} to {written}, read back and compared.")
    if rows == 0:
        missing = {
            What.LABELLED: "no review has a label yet, so only the header was written",
            What.SUGGESTED: "there is no suggestion for an unlabelled review; “labelloop train” makes them",
            What.ALL: "the project has no reviews; “labelloop import” brings them",
        }
        say(f"Note: {missing[what]}.")


def write(project: Path, out: Path, what: What) -> tuple[int, Path]:
    """Export in the worker; gives the number of rows and where they are."""
    from core.worker import requests
    from tui.cli.jobs import carry_out

    target = out.expanduser().absolute()
    done = carry_out(requests.Export(str(project), str(target), what.value)).state.exported
    return (done.rows, Path(done.path)) if done else (0, target)
