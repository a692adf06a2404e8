"""Opening what a command works on: the project, and the settings it is done with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tui.cli.output import say

if TYPE_CHECKING:
    from core.settings import Settings
    from core.storage.database import Database


@contextmanager
def opened(path: Path, changes: bool = False) -> Iterator[Database]:
    """The project, closed again at the end. Raises NotAProject or ProjectTooNew.

    Of a project that the command `changes`, the daily backup is taken then, if it is due: it has the change.
    """
    from core.storage.database import open_project

    database = open_project(path)
    try:
        yield database
        if changes:
            _back_up(database.path)
    finally:
        database.close()


def _back_up(project: Path) -> None:
    """Take the daily backup if it is due; what was done is done, so that there can be none is said and no failure."""
    from core.errors import ProjectError
    from core.storage import backups

    try:
        backups.daily(project, settings().backups)
    except ProjectError as error:
        say(f"No backup: {error}")


def settings() -> Settings:
    """The settings; what is wrong in their file is told on stderr."""
    from core.settings import load

    found, problems = load()
    for problem in problems:
        say(problem)
    return found
