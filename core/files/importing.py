"""Importing a table into a project: all of it or nothing, as one batch that can be undone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from sqlalchemy import column, func
from sqlalchemy import table as sql_table
from sqlmodel import Session, select

from core.errors import FileError
from core.files.choice import Choice, KnownLabels, Progress
from core.files.examined import Examined, Fate, portions
from core.files.examining import examine
from core.files.import_report import Report
from core.files.table import Table
from core.storage import journal, scheme, sqlite
from core.storage.database import Database, annotator_id, project_of
from core.storage.states import AnnotationState, states
from core.storage.tables import Decision, Origin, Project, Review, Source, Subject, utc_now

__all__ = ["Choice", "Examined", "KnownLabels", "Progress", "Report", "examine", "import_file", "inspect"]

_REVIEWS = sql_table(
    "review",
    *(
        column(name)
        for name in (
            "id", "source_id", "row", "external_id", "text", "fields", "digest", "group_id", "shuffle", "audit",
        )
    ),
)  # fmt: skip


def _silent(_doing: str, _done: int, _of: int) -> None:
    """Nobody watches."""


def inspect(database: Database, choice: Choice, progress: Progress = _silent) -> tuple[Table, Report]:
    """Read the whole file and report what importing it would do. Writes nothing.

    Raises FileError when it cannot be read; for what would stop an import, see `Report.refusal`.
    """
    found = examine(database, choice, progress)
    found.table.close()
    return found.table, found.report


def import_file(
    database: Database,
    choice: Choice,
    annotator: str,
    progress: Progress = _silent,
    examined: Examined | None = None,
) -> Report:
    """Import a file as one batch: what of it is new. Either all of that is in the project afterwards, or nothing.

    `examined` is what `examine` has found with the same choice, if that was asked for before.
    Raises FileError, SchemeError or ProjectError.
    """
    found = examined or examine(database, choice, progress)
    try:
        return _import(database, choice, annotator, progress, found)
    finally:
        found.table.close()


def _import(database: Database, choice: Choice, annotator: str, progress: Progress, found: Examined) -> Report:
    from core.files.grouping import sources

    if refusal := found.report.refusal():
        raise refusal
    if not found.report.new and not found.report.relabelled:
        return found.report
    with database.writing() as session, sqlite.filling(session.connection()):
        if found.groups is not None and sources(session) != found.groups.seen:
            found = examine(database, choice, progress, found.table)
            if refusal := found.report.refusal():
                raise refusal
        _write(session, choice, annotator, progress, found)
        if found.table.source.sha256() != found.sha256:
            raise FileError(f"{found.table.name} was changed while it was read.", "Import it again.")
    return found.report


def _write(session: Session, choice: Choice, annotator: str, progress: Progress, found: Examined) -> None:
    table, report = found.table, found.report
    annotator_key = annotator_id(session, annotator)
    fresh, entries = scheme.adding(session, report.new_labels)
    label_ids = scheme.ids_by_name(session) | fresh
    now = utc_now()
    source = _source(session, found, now) if report.new else None
    if source is not None and source.id is not None:
        entries.append(journal.Entry(Subject.SOURCE, source.id, None, {"file_name": source.file_name}))

    def changes() -> Iterator[journal.Entry]:
        yield from entries
        given = AnnotationState(annotator_key, Decision.LABELLED, origin=Origin.IMPORTED, decided_at=now)
        known: list[tuple[int, AnnotationState]] = []
        for review_id, names, is_new in _reviews(session, project_of(session), source, found, progress):
            state = replace(given, label_ids=tuple(sorted({label_ids[name] for name in names})))
            if is_new:
                yield journal.Entry(Subject.ANNOTATION, review_id, None, state.to_json())
                continue
            known.append((review_id, state))
            if len(known) == journal.AT_ONCE:
                yield from _relabelled(session, known, choice.known_labels)
                known = []
        yield from _relabelled(session, known, choice.known_labels)

    journal.record(session, annotator_key, f"import {_storable(table.name)}", changes())
    if source is not None and source.id is not None:
        sqlite.index_text(session.connection(), source.id)


def _source(session: Session, found: Examined, now: str) -> Source:
    """The file's entry among the sources, withdrawn until the journal brings it in."""
    table, report = found.table, found.report
    source = Source(
        file_name=_storable(table.name),
        sha256=found.sha256,
        encoding=table.encoding,
        delimiter=table.delimiter,
        columns=table.columns,
        text_column=report.text_column,
        id_column=report.id_column,
        label_column=report.label_column,
        rows=report.new,
        column_types=table.types,
        format=table.format,
        imported_at=now,
        withdrawn=True,
    )
    session.add(source)
    session.flush()
    return source


def _reviews(
    session: Session, project: Project, source: Source | None, found: Examined, progress: Progress
) -> Iterator[tuple[int, tuple[str, ...], bool]]:
    """Insert the rows in portions; gives of each row that brings labels the review, their names, and if it is new."""
    from core.files.grouping import Places

    roles, groups, fates = found.roles, found.groups, found.fates
    first_id = 1 + (session.exec(select(func.max(Review.id))).one() or 0)
    places = Places(session, project, groups) if groups is not None else None
    connection, text_at = session.connection(), roles.text
    known_ids = iter(found.known_ids)
    at = seen = 0
    for portion in portions(found.table):
        if seen + len(portion) > len(fates):
            break  # It has grown: its digest will tell.
        rows, labelled = [], []
        for entry, fate in zip(portion, fates[seen : seen + len(portion)], strict=True):
            if fate == Fate.LEFT_OUT:
                continue
            row = found.screening.of(entry)
            if row is None:
                continue
            names = found.labels.of(row.cells[roles.label], row.line) if roles.label is not None else ()
            if fate == Fate.KNOWN:
                review_id = next(known_ids)
            else:
                assert groups is not None
                assert places is not None
                assert source is not None
                review_id, cells, group = first_id + at, row.cells, int(groups.firsts[at])
                shuffle, audit = places.of(at, names)
                rows.append(
                    (
                        review_id,
                        source.id,
                        row.number,
                        roles.external_id(cells),
                        row.text,
                        json.dumps(cells[:text_at] + cells[text_at + 1 :]),
                        groups.digest(at),
                        first_id + group if group >= 0 else -group,
                        shuffle,
                        audit,
                    )
                )
                at += 1
            if names:
                labelled.append((review_id, names, fate == Fate.IMPORTED))
        sqlite.insert_rows(connection, _REVIEWS, rows)
        yield from labelled
        seen += len(portion)
        progress("writing", seen, len(fates))


def _relabelled(
    session: Session, known: list[tuple[int, AnnotationState]], wanted: KnownLabels
) -> Iterator[journal.Entry]:
    """The changes of reviews that were there before."""
    if wanted is KnownLabels.KEEP or not known:
        return
    before: Mapping[int, AnnotationState] = states(session, [review_id for review_id, _ in known])
    for review_id, state in known:
        old = before.get(review_id)
        is_decided = old is not None and old.decision is not None
        if is_decided and (wanted is KnownLabels.FILL or (old is not None and old.label_ids == state.label_ids)):
            continue
        after = replace(state, flagged=old.flagged, note=old.note) if old is not None else state
        yield journal.Entry(Subject.ANNOTATION, review_id, old.to_json() if old else None, after.to_json())


def _storable(name: str) -> str:
    """A file's name as SQLite can store it."""
    return name.encode("utf-8", "replace").decode()
