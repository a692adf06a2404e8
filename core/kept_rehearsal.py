"""The last rehearsal, kept between starts: it took minutes or hours, and what it measured is looked at again."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core import locations
from core.worker.events import RehearsalPrepared, Rehearsed
from core.worker.requests import Rehearse
from core.worker.state import BUSY, JobState, Phase

JOB = "rehearse"

LARGEST = 4_000_000
"""Bytes of the file: a thousand sessions of a thousand labels have less."""

CUT_SHORT = "The app was closed before its end."


@dataclass(frozen=True)
class Kept:
    """What was asked for, and what has come of it."""

    request: Rehearse
    job: JobState
    when: str
    """When it was kept last, local time, to the minute."""

    @property
    def of(self) -> str:
        """Name of the file or the project whose reviews were labelled."""
        return Path(self.request.file or self.request.project).name


def now(request: Rehearse, job: JobState) -> Kept:
    """A rehearsal as it is at this moment."""
    return Kept(request, job, datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"))


def keep(kept: Kept) -> None:
    """Write it in the place of the one before. A disk that refuses is no reason to stop, and is logged."""
    job = kept.job
    document = {
        "when": kept.when,
        "request": asdict(kept.request),
        "phase": job.phase.value,
        "message": job.message,
        "prepared": asdict(job.prepared) if job.prepared is not None else None,
        "rehearsed": [asdict(one) for one in job.rehearsed],
    }
    file = locations.last_rehearsal_file()
    draft = file.with_suffix(".tmp")
    try:
        locations.make_private(file.parent)
        draft.write_text(json.dumps(document), encoding="utf-8")
        draft.replace(file)
    except OSError:
        logging.exception("The rehearsal cannot be kept")


def last() -> Kept | None:
    """The one that was kept last; None where there is none, or it cannot be read."""
    file = locations.last_rehearsal_file()
    try:
        if not file.exists() or file.stat().st_size > LARGEST:
            return None
        return _read(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        logging.exception("The last rehearsal cannot be read")
        return None


def _read(document: dict[str, Any]) -> Kept:
    phase, prepared = Phase(document["phase"]), document["prepared"]
    cut_short = phase in BUSY
    job = JobState(
        phase=Phase.CANCELLED if cut_short else phase,
        job=JOB,
        message=CUT_SHORT if cut_short else str(document["message"]),
        prepared=RehearsalPrepared(**prepared) if prepared is not None else None,
        rehearsed=tuple(Rehearsed(**one) for one in document["rehearsed"]),
    )
    return Kept(Rehearse(**document["request"]), job, str(document["when"]))
