"""A line for the path of a file that completes it, as a shell does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
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

    def action_complete(self) -> None:
        """Take what is suggested, or go on to the next field, as behind a slash: the folder itself may be meant."""
        before = self.value
        if self.cursor_at_end and not before.endswith("/"):
            self.action_cursor_right()
        if self.value == before:
            self.screen.focus_next()


class _Paths(Suggester):
    async def get_suggestion(self, value: str) -> str | None:
        """In a thread that nobody waits for: a folder may be on a drive that does not answer."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[str | None] = loop.create_future()

        def tell(path: str | None) -> None:
            if not found.done():
                found.set_result(path)

        def look() -> None:
            path = completion(value)
            with contextlib.suppress(RuntimeError):  # the app has ended meanwhile
                loop.call_soon_threadsafe(tell, path)

        threading.Thread(target=look, daemon=True).start()
        return await found


def completion(typed: str) -> str | None:
    """The first path by name that begins with what is typed, a folder's with a slash; None if nothing more is known.

    One that is just what is typed comes first. Hidden files are left out until their dot is typed, and names that
    cannot be shown altogether. Of more than `LOOKED_AT` entries some are not looked at.
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
    first = min(known, key=lambda one: (one.rstrip("/") != name, one), default=name)
    return None if first == name else typed + first[len(name) :]
