"""Logs of the screen, the commands and the worker: for their owner only, and never with a word of a review in them.

A review reaches a log through the message of an error: “could not convert string to float: 'I love it'”. So a log
gets the lines of code that an error came through, its class, and its message only where that class cannot quote data.
"""

from __future__ import annotations

import logging
import os
import traceback
from datetime import UTC, datetime
from pathlib import Path

from core import locations
from core.errors import LabelloopError

KEPT = 20
"""Logs of each kind that are kept, the newest."""

LONGEST = 400
"""Characters of a message."""

QUOTING_NOTHING = (LabelloopError, OSError, ImportError, MemoryError, NameError, AttributeError, RecursionError)
"""Errors whose messages name files, modules and attributes, never data."""

NAMES = ("sqlite3.", "sqlalchemy.exc.", "torch.")
"""Where the other errors come from that quote no data: parameters of SQL are hidden (see `core.storage.sqlite`)."""


def trace(error: BaseException) -> str:
    """The error with the lines of code it came through, and those of the errors behind it, oldest first."""
    parts: list[str] = []
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        frames = "".join(traceback.format_tb(at.__traceback__))
        parts.append(f"{frames}{type(at).__name__}: {told(at)}\n")
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return "which led to:\n".join(reversed(parts))


def told(error: BaseException) -> str:
    """The message of an error, if it cannot quote a review."""
    message = str(error)
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, QUOTING_NOTHING) or name.startswith(NAMES):
        return message[:LONGEST]
    return f"(message of {len(message):,} characters left out: it may quote a review)" if message else ""


class Formatter(logging.Formatter):
    """Formats errors as `trace` does."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(name)s %(message)s")

    def formatException(self, ei: object) -> str:  # noqa: N802
        error = ei[1] if isinstance(ei, tuple) else None
        return trace(error) if isinstance(error, BaseException) else ""


def path_of(kind: str) -> Path:
    """Where this process writes its log of a kind (“screen”, “worker”, “command”). Makes the folder, not the file.

    Raises OSError when there can be none.
    """
    folder = locations.log_folder()
    locations.make_private(folder)
    for old in sorted(folder.glob(f"{kind}-*.log"))[: -(KEPT - 1)]:
        old.unlink(missing_ok=True)
    return folder / f"{kind}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.log"


def write_error(kind: str, error: BaseException) -> Path:
    """Write a log that tells of one error; returns where it is. Raises OSError."""
    log = path_of(kind)
    log.touch(mode=0o600)
    with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(trace(error))
    return log


def to_file(kind: str) -> None:
    """Send what is logged in this process to a file, which is made with the first line. Never raises."""
    try:
        handler: logging.Handler = _PrivateFile(path_of(kind))
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(Formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


class _PrivateFile(logging.FileHandler):
    """A file that is made when something is logged, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace", delay=True)

    def _open(self):  # type: ignore[no-untyped-def]
        Path(self.baseFilename).touch(mode=0o600)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A full disk must not write into the picture that a screen draws."""
