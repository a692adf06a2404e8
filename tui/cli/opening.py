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
def opened(path: Path) -> Iterator[Database]:
    """The project, closed again at the end. Raises NotAProject or ProjectTooNew."""
    from core.storage.database import open_project

    database = open_project(path)
    try:
        yield database
    finally:
        database.close()


def settings() -> Settings:
    """The settings; what is wrong in their file is told on stderr."""
    from core.settings import load

    found, problems = load()
    for problem in problems:
        say(problem)
    return found
