"""`open` and `new`."""

from __future__ import annotations

import gc
import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from tui.cli.failures import guarded
from tui.cli.opening import opened
from tui.cli.options import Json, Project
from tui.cli.output import in_terminal, print_json, say, show


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("open")(open_)
    app.command("new")(new)


@guarded
def open_(project: Project) -> None:
    """Open the app on a project."""
    with opened(project):
        pass
    if not in_terminal():
        say(f"The app needs a terminal. “labelloop status {shlex.quote(str(project))}” tells how far the project is.")
        raise typer.Exit(2)
    run_app(project)


@guarded
def new(
    project: Project,
    labels: Annotated[
        str, typer.Option("--labels", metavar="a,b,c", help="The labels, with commas between.", show_default=False)
    ],
    multi: Annotated[bool, typer.Option("--multi", help="A review can have several labels, or none.")] = False,
    as_json: Json = False,
) -> None:
    """Make an empty project."""
    from core.errors import SchemeError
    from core.labels import SchemeKind, new_labels, parse_names
    from core.storage.database import create

    scheme = new_labels(parse_names(labels))
    if len(scheme) < 2 and not multi:
        raise SchemeError(
            f"“{scheme[0].name}” alone leaves nothing to decide.",
            "Name two labels or more, or add --multi if a review can have none.",
        )
    kind = SchemeKind.MULTI if multi else SchemeKind.SINGLE
    database = create(project, kind, scheme)
    database.close()
    if as_json:
        made = [{"name": label.name, "key": label.key} for label in scheme]
        print_json({"project": str(database.path), "kind": kind.value, "labels": made})
        return
    keys = ", ".join(f"{label.key} {label.name}" if label.key else label.name for label in scheme)
    show(f"Made {database.path}: {kind.value}-label, {keys}.")
    say(f"Next: labelloop import {shlex.quote(str(project))} FILE")


def open_last() -> None:
    """Open the app on the project that was opened last, or on the welcome screen."""
    from core import locations

    try:
        path = Path(locations.last_project_file().read_text(encoding="utf-8").strip())
    except (OSError, UnicodeError):
        run_app(None)
    else:
        run_app(path if path.is_file() else None)


def run_app(project: Path | None) -> None:
    """Show the app until it is left; its exit code is ours."""
    # Textual paints at most so often a second, read when it is imported. At its default of 60 a key waits up to
    # 17 ms for the next painting, at 500 up to 2; nothing is painted while nothing changes.
    os.environ.setdefault("TEXTUAL_FPS", "500")
    # Nothing that is imported becomes garbage: collecting meanwhile costs a tenth of the start. The app turns it on.
    gc.disable()
    from core import logs
    from core.worker.client import Worker
    from tui.app import LabelloopApp

    logs.to_file("screen")
    app = LabelloopApp(project, start_assist=Worker)
    app.run()
    raise typer.Exit(app.return_code or 0)
