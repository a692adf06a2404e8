"""The checks of a project's parts, each within one reading transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import exists, func
from sqlmodel import Session, col, select

from core.check.findings import Finding, damaged, good, notice
from core.check.replay import differences
from core.phrases import count
from core.storage import runs, sqlite
from core.storage.database import project_of
from core.storage.tables import (
    Change,
    QueueEntry,
    Review,
    Run,
    RunKind,
    RunStatus,
    Source,
    Suggestion,
)

PORTION = 5_000
DIGEST = 16
"""Bytes of a text's SHA-256 that are stored."""


def tables(session: Session) -> Finding:
    """SQLite's own check of every page, row and index."""
    found = sqlite.page_errors(session.connection())
    if found:
        return damaged("tables", f"{count(len(found), 'page or row')} or more cannot be read as they should", found)
    return good("tables", "every page and every index is whole")


def references(session: Session) -> Finding:
    """Rows that point to rows that are not there."""
    found = sqlite.orphans(session.connection())
    if found:
        by_kind = [f"{number:,} of {name} point to a missing row of {to}" for (name, to), number in found.items()]
        return damaged("references", f"{count(sum(found.values()), 'row')} point nowhere", by_kind)
    return good("references", "every row that is pointed to is there")


def reviews(session: Session) -> Finding:
    """Whether all rows of the imports are there, and every text is the one that was imported, by its digest."""
    wrong: list[str] = []
    rows = dict(session.exec(select(Review.source_id, func.count()).group_by(col(Review.source_id))).all())
    for source in session.exec(select(Source).order_by(col(Source.id))):
        if source.id is not None and rows.get(source.id, 0) != source.rows:
            wrong.append(f"import {source.id}: {rows.get(source.id, 0):,} of {source.rows:,} reviews are there")
    query = select(Review.id, Review.text, Review.digest).order_by(col(Review.id))
    total = 0
    for review_id, text, digest in session.exec(query.execution_options(yield_per=PORTION)):
        total += 1
        if hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:DIGEST] != digest:
            wrong.append(f"review {review_id}: the text is not the one that was imported")
    if wrong:
        return damaged("reviews", f"{count(len(wrong), 'thing')} not as imported", wrong)
    return good("reviews", f"{count(total, 'text')} as imported")


def journal(session: Session) -> Finding:
    """The journal replayed, and compared with annotations, labels, groups and imports; gaps in it."""
    found = differences(session)
    last = session.exec(select(func.max(col(Change.id)))).one() or 0
    missing = last - session.exec(select(func.count()).select_from(Change)).one()
    if missing:
        return damaged("journal", f"{count(missing, 'entry', 'entries')} of {last:,} are missing", found.sentences())
    if found.number:
        told = f"{count(found.number, 'thing is', 'things are')} not what the journal says"
        return damaged("journal", told, found.sentences())
    changes = f"{count(last, 'change')} replayed"
    return good("journal", f"{changes}: {count(found.compared, 'annotation is', 'annotations are')} what they say")


def search(session: Session) -> Finding:
    """The full-text index against the texts."""
    reason = sqlite.search_errors(session.connection())
    if reason is None:
        return good("search", "the full-text index has every text")
    return damaged("search", f"the full-text index is not that of the texts ({reason})")


def queue(session: Session) -> Finding:
    """The stored queue, the place to go on from, and the suggestions of the run in use."""
    wrong: list[str] = []
    absent = ~exists().where(col(Review.id) == col(QueueEntry.review_id))
    wrong += [
        f"place {one} of the queue is of no review" for one in session.exec(select(QueueEntry.position).where(absent))
    ]
    project = project_of(session)
    if project.current_review is not None and session.get(Review, project.current_review) is None:
        wrong.append(f"the review to go on with, {project.current_review}, is not there")
    if project.run_in_use is not None:
        run = session.get(Run, project.run_in_use)
        if run is None:
            wrong.append(f"the run in use, {project.run_in_use}, is not there")
        elif run.kind is not RunKind.QUICK:
            stored = session.exec(
                select(func.count()).select_from(Suggestion).where(col(Suggestion.run_id) == run.id)
            ).one()
            if stored < run.suggested:
                wrong.append(f"{stored:,} of the {run.suggested:,} suggestions of run {run.id}, which is in use")
    places = session.exec(select(func.count()).select_from(QueueEntry)).one()
    if wrong:
        return damaged("queue", f"{count(len(wrong), 'thing')} not in order", wrong)
    return good("queue", f"{count(places, 'place')}, each of a review")


def models(session: Session, folder: Path) -> Finding:
    """Every run's model against its record: the folder, and the SHA-256 of each file in it."""
    wrong: list[str] = []
    looked_at = 0
    for run in session.exec(select(Run).where(col(Run.folder) != "").order_by(col(Run.id))):
        looked_at += 1
        wrong += [f"run {run.id}: {reason}" for reason in model_errors(folder / run.folder, run.weights_sha256)]
    if wrong:
        return damaged("models", f"{count(len(wrong), 'file')} not as recorded", wrong)
    return good("models", f"{count(looked_at, 'model')} as recorded" if looked_at else "there is none yet")


def model_errors(folder: Path, weights: str) -> Iterator[str]:
    """What of a model is not as its run and its own list of files say."""
    try:
        facts: dict[str, Any] = json.loads((folder / "labelloop.json").read_text(encoding="utf-8"))
        listed = {**dict(facts["files"]), "model.safetensors": weights}
    except FileNotFoundError:
        yield f"{folder} is missing or has no labelloop.json"
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"{folder / 'labelloop.json'} cannot be read ({type(error).__name__})"
        return
    for name, digest in listed.items():
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            yield f"{folder / name}: {error.strerror}"
            continue
        if found != digest:
            yield f"{folder / name} has another SHA-256"


def running(session: Session) -> Finding | None:
    """Runs whose process is gone: opening the project enters them as interrupted."""
    gone = [
        run.id
        for run in session.exec(select(Run).where(col(Run.status) == RunStatus.RUNNING))
        if not runs.is_alive(run)
    ]
    if not gone:
        return None
    return notice("runs", f"run {', '.join(map(str, gone))} ended without a word; opening the project notes that")
