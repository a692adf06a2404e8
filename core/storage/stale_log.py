"""The write-ahead log of a file that was replaced: left beside the new file, SQLite would play it into that one.

Nothing in a log says of which file it is (https://www.sqlite.org/howtocorrupt.html, “Mispairing database files and
hot journals”). A program that synchronises folders replaces files in just this way.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from core.storage import sqlite

ENDS = ("-wal", "-shm")

IN_USE = 128
"""The byte of the “-shm” file on which every connection to it holds a shared lock."""

Known = dict[Path, tuple[int, int]]
"""Which files were beside a project when it was open."""


def beside(project: Path) -> Known:
    """The log and its index, as they are now."""
    paths = [project.with_name(project.name + end) for end in ENDS]
    return {path: found for path in paths if (found := sqlite.identity(path)) is not None}


def remove(known: Known) -> None:
    """Remove those of the files that are still the same and that no other process uses."""
    still = [path for path, its in known.items() if sqlite.identity(path) == its]
    if not any(_is_used(path) for path in still if path.name.endswith(ENDS[1])):
        for path in still:
            with contextlib.suppress(OSError):
                path.unlink()


def _is_used(index: Path) -> bool:
    """Whether another process has it open. Where that cannot be told, yes."""
    try:
        import fcntl

        descriptor = os.open(index, os.O_RDWR)
    except (ImportError, OSError):
        return True
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, IN_USE)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
