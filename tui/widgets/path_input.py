"""A line for the path of a file that completes it, as a shell does."""

from __future__ import annotations

import asyncio
import os
from itertools import islice
from pathlib import Path
from typing import Any

from textual.binding import Binding
from textual.suggester import Suggester
from textual.widgets import Input

LOOKED_AT = 20_000
"""Entries of a folder that are looked at; more would take longer than a pause between two keys."""


class PathInput(Input):
    """Shows how the path may go on; tab or → takes it, tab moves on where there is nothing to take."""

    BINDINGS = [Binding("tab", "complete", show=False)]

    def __init__(self, value: str = "", **arguments: Any) -> None:
        super().__init__(value, max_length=4_000, suggester=_Paths(use_cache=False, case_sensitive=True), **arguments)

    async def action_complete(self) -> None:
        """Take what is known of the path, or go to the next field."""
        found = await asyncio.to_thread(completion, self.value) if self.value and self.cursor_at_end else None
        if found is None:
            self.screen.focus_next()
        else:
            self.value = found
            self.cursor_position = len(found)


class _Paths(Suggester):
    async def get_suggestion(self, value: str) -> str | None:
        # In a thread: a folder may be on a drive that takes seconds to answer.
        return await asyncio.to_thread(completion, value)


def completion(typed: str) -> str | None:
    """The first path by name that begins with what is typed, a folder's with a slash; None if nothing more is known.

    Hidden files are left out until their dot is typed, and names that cannot be shown altogether.
    """
    head, name = os.path.split(typed)
    try:
        with os.scandir(Path(head).expanduser()) as entries:
            known = [
                f"{entry.name}/" if entry.is_dir() else entry.name
                for entry in islice(entries, LOOKED_AT)
                if entry.name.startswith(name)
                and entry.name.isprintable()
                and (name or not entry.name.startswith("."))
            ]
    except (OSError, RuntimeError, ValueError):  # no such folder, no such user, a zero byte
        return None
    first = min(known, default=name)
    return None if first == name else typed + first[len(name) :]
