"""`undo` and `redo`: one batch back or forth, whoever made it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.phrases import count, one_line
from tui.cli.failures import guarded
from tui.cli.opening import opened
from tui.cli.options import Json, Project
from tui.cli.output import print_json, show

if TYPE_CHECKING:
    from sqlmodel import Session

    from core.storage.journal import Step


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("undo")(undo)
    app.command("redo")(redo)


@guarded
def undo(project: Project, as_json: Json = False) -> None:
    """Take back the last batch of changes."""
    from core.storage import journal

    _move(project, journal.undo, "undo", "undone", as_json)


@guarded
def redo(project: Project, as_json: Json = False) -> None:
    """Do again what was undone last."""
    from core.storage import journal

    _move(project, journal.redo, "redo", "redone", as_json)


def _move(project: Path, take: Callable[[Session], Step | None], verb: str, participle: str, as_json: bool) -> None:
    from core.errors import ProjectError
    from core.storage import journal

    with opened(project, changes=True) as database:
        with database.writing() as session:
            step = take(session)
        with database.reading() as session:
            next_undo, next_redo = journal.next_undo(session), journal.next_redo(session)
    if step is None:
        other = "redo" if verb == "undo" else "undo"
        there = next_redo if verb == "undo" else next_undo
        remedy = f"“labelloop {other}” would {other} “{there}”." if there else "Nothing has been changed in it yet."
        raise ProjectError(f"There is nothing to {verb} in {project}.", remedy)
    if as_json:
        print_json({participle: step.title, "changes": step.changes, "next_undo": next_undo, "next_redo": next_redo})
        return
    show(f"{participle.capitalize()}: “{one_line(step.title)}”, {count(step.changes, 'change')}.")
    following = next_undo if verb == "undo" else next_redo
    show(f"Next to {verb}: “{one_line(following)}”." if following else f"There is nothing more to {verb}.")
