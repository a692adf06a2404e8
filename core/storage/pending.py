"""Decisions that are on the screen and not yet in the project: noted, so that a killed process loses none.

Before the next review comes up, a decision is handed to the operating system as a line of a small file beside the
project, which takes ten microseconds; when the project has it, the file is emptied. A process that is killed in the
milliseconds between leaves the line, and the next session enters it. (Against a power cut only the project itself
stands: it is flushed to the disk with every decision.)
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Text, type_coerce
from sqlmodel import Session, col, select

from core.phrases import count
from core.storage import decisions, queue
from core.storage.database import Database
from core.storage.states import AnnotationState
from core.storage.tables import Change, Review, Subject

_NUMBERS = itertools.count(1)
_MINE: set[Path] = set()
"""Files of sessions of this process that are open."""


class Pending:
    """The file of one session. Where none can be made, decisions are as safe as the project makes them."""

    def __init__(self, project: Path) -> None:
        self._path = project.with_name(f".{project.name}.{os.getpid()}.{next(_NUMBERS)}.pending")
        self._lock = threading.Lock()
        self._open = 0
        self._noted = True
        """Whether every line of late could be written down."""
        self._file: int | None = None
        with contextlib.suppress(OSError):
            self._file = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
            _MINE.add(self._path)

    def note(self, title: str, review_id: int, state: AnnotationState, beside: bool) -> None:
        """Note what is decided about a review and those alike, or with `beside` its flag and note alone."""
        line = {"title": title, "review": review_id, "state": state.to_json(), "beside": beside}
        with self._lock:
            self._open += 1
            noted = False
            if self._file is not None:
                data = json.dumps(line).encode() + b"\n"
                with contextlib.suppress(OSError):
                    noted = os.write(self._file, data) == len(data)
            self._noted = self._noted and noted

    def settled(self) -> None:
        """The oldest that was noted is in the project, or could not be written and the person knows."""
        with self._lock:
            self._open -= 1
            if self._open == 0:
                self._noted = True
                if self._file is not None:
                    with contextlib.suppress(OSError):
                        os.ftruncate(self._file, 0)

    def close(self) -> str:
        """The session ends. What is not in the project stays noted; returns a sentence that says so, or nothing."""
        with self._lock:
            if self._file is not None:
                with contextlib.suppress(OSError):
                    os.close(self._file)
                self._file = None
                _MINE.discard(self._path)
                if self._open <= 0:
                    with contextlib.suppress(OSError):  # nothing is in it: whoever opens the project next removes it
                        self._path.unlink()
            return self._told()

    def _told(self) -> str:
        if self._open <= 0:
            return ""
        what = f"{count(self._open, 'decision')} could not be written to the project."
        if not self._noted:
            return f"{what} They are lost: label those reviews once more."
        return f"{what} They are noted in {self._path}, and entered when the project is opened next."


def recover(database: Database) -> int:
    """Enter what killed processes have noted and the project does not have; returns how many decisions."""
    entered = 0
    for path in _abandoned(database.path):
        lines = list(_lines(path))
        if lines:
            with database.writing() as session:
                entered += sum(_enter(session, line) for line in lines)
        with contextlib.suppress(OSError):  # where it cannot be removed it is known by now, and entered once
            path.unlink()
    return entered


def _abandoned(project: Path) -> list[Path]:
    """Files whose process is gone."""
    found = []
    with contextlib.suppress(OSError):
        for path in sorted(project.parent.glob(f".{_escaped(project.name)}.*.pending")):
            process = path.name.rsplit(".", 3)[1]
            if path not in _MINE and not _lives(int(process) if process.isdigit() else 0, path):
                found.append(path)
    return found


def _lives(process: int, path: Path) -> bool:
    """Whether the process that made the file still lives; its number may be another's by now."""
    if process == os.getpid():
        return False
    import psutil

    try:
        return psutil.Process(process).create_time() <= path.stat().st_mtime + 1
    except (psutil.Error, OSError, ValueError):
        return False


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines that are whole."""
    with contextlib.suppress(OSError):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                yield json.loads(line)


def _enter(session: Session, line: dict[str, Any]) -> bool:
    """Enter a decision if the journal does not have it."""
    review_id = int(line["review"])
    state = AnnotationState.from_json(line["state"])
    if session.get(Review, review_id) is None or _is_known(session, review_id, state, line["beside"]):
        return False
    if line["beside"]:
        flagged, note = state.flagged, state.note
        done = decisions.amend(session, state.annotator_id, line["title"], review_id, flagged=flagged, note=note)
        return done is not None
    wanted = dict.fromkeys(queue.group(session, review_id), state)
    return decisions.decide(session, state.annotator_id, line["title"], wanted) is not None


def _is_known(session: Session, review_id: int, state: AnnotationState, beside: bool) -> bool:
    """Whether the journal has had this decision, undone since or not."""
    query = select(type_coerce(Change.after, Text)).where(
        col(Change.subject) == Subject.ANNOTATION, col(Change.subject_id) == review_id
    )
    for form in session.connection().execute(query).scalars():
        if form is None:
            continue
        found = AnnotationState.from_json(json.loads(form))
        if found == (state if beside else replace(state, flagged=found.flagged, note=found.note)):
            return True
    return False


def _escaped(name: str) -> str:
    """A name as `glob` takes it for itself."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)
