"""Importing a table into a project: all of it or nothing, as one batch that can be undone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import func, insert, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.errors import FileError
from core.files import columns, reading
from core.files.reading import Table
from core.labels import SchemeKind
from core.storage import journal, scheme, sqlite
from core.storage.database import Database, annotator_id, project_of
from core.storage.queue import current
from core.storage.states import AnnotationState
from core.storage.tables import Decision, Origin, Project, Review, Source, Subject, utc_now

PORTION = 2_000
"""Rows written with one statement."""

MOST_LABELS = 200
"""Distinct values of a label column; with more it is likely the wrong column."""


@dataclass(frozen=True)
class Choice:
    """Which file to import, and what its columns mean."""

    path: Path
    text_column: str | None = None
    """None: guessed."""
    id_column: str | None = None
    """None: guessed; a table without one is fine."""
    label_column: str | None = None
    """None: the reviews come without labels."""
    encoding: str | None = None
    """None: UTF-8, or UTF-16 when its byte order mark is there."""


@dataclass(frozen=True)
class Report:
    """What an import found, whether or not it was carried out."""

    file_name: str
    rows: int
    columns: list[str]
    encoding: str
    delimiter: str
    text_column: str
    id_column: str | None
    label_column: str | None
    labelled: int
    """Rows that bring a label."""
    label_counts: dict[str, int]
    new_labels: list[str]
    """Labels that the scheme does not have yet."""
    empty_texts: int
    duplicate_texts: int
    """Rows whose text stands in an earlier row of the file."""
    already_there: int
    """Rows whose text stands in the project already."""
    duplicate_ids: int


def inspect(database: Database, choice: Choice) -> tuple[Table, Report]:
    """Read the whole file and report what importing it would do. Writes nothing.

    Raises FileError when it cannot be imported.
    """
    table = reading.open_table(choice.path, choice.encoding)
    text_column = columns.require(table, choice.text_column or columns.text_column(table))
    id_column = columns.require(table, choice.id_column) if choice.id_column else columns.id_column(table)
    label_column = columns.require(table, choice.label_column) if choice.label_column else None
    if label_column == text_column:
        raise FileError(f"The column “{text_column}” cannot be text and label.", "Choose another with --label.")
    with database.reading() as session:
        kind = project_of(session).kind
        known = set(scheme.ids_by_name(session))
        _refuse_twice(session, table.path)
    text_at = table.columns.index(text_column)
    id_at = table.columns.index(id_column) if id_column else None
    label_at = table.columns.index(label_column) if label_column else None
    digests: set[bytes] = set()
    ids: set[str] = set()
    counts: dict[str, int] = {}
    rows = labelled = empty = repeated_texts = repeated_ids = 0
    for row in table.rows():
        rows += 1
        text = row.cells[text_at]
        empty += not text.strip()
        digest = text_digest(text)
        repeated_texts += digest in digests
        digests.add(digest)
        if id_at is not None:
            repeated_ids += row.cells[id_at] in ids
            ids.add(row.cells[id_at])
        if label_at is not None:
            names = label_names(row.cells[label_at], kind)
            labelled += bool(names)
            for name in names:
                counts[name] = counts.get(name, 0) + 1
            _refuse_many_labels(table, counts, label_column)
    if rows == 0:
        raise FileError(f"{table.path.name} has a header but no rows.", "Choose a file with reviews in it.")
    with database.reading() as session:
        already = _already_there(session, digests)
    report = Report(
        file_name=table.path.name,
        rows=rows,
        columns=table.columns,
        encoding=table.encoding,
        delimiter=table.delimiter,
        text_column=text_column,
        id_column=id_column,
        label_column=label_column,
        labelled=labelled,
        label_counts=counts,
        new_labels=[name for name in counts if name not in known],
        empty_texts=empty,
        duplicate_texts=repeated_texts,
        already_there=already,
        duplicate_ids=repeated_ids,
    )
    return table, report


def import_file(
    database: Database,
    choice: Choice,
    annotator: str,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Report:
    """Import a file as one batch. Either all of it is in the project afterwards, or nothing.

    `progress` is told rows done and rows in all. Raises FileError, SchemeError or ProjectError.
    """
    table, report = inspect(database, choice)
    with database.writing() as session:
        project = project_of(session)
        annotator_key = annotator_id(session, annotator)
        fresh, entries = scheme.adding(session, report.new_labels)
        label_ids = scheme.ids_by_name(session) | fresh
        source = Source(
            file_name=report.file_name,
            sha256=reading.sha256(table.path),
            encoding=table.encoding,
            delimiter=table.delimiter,
            columns=table.columns,
            text_column=report.text_column,
            id_column=report.id_column,
            label_column=report.label_column,
            rows=report.rows,
            imported_at=utc_now(),
            withdrawn=True,
        )
        session.add(source)
        session.flush()
        assert source.id is not None
        entries.append(journal.Entry(Subject.SOURCE, source.id, None, {"file_name": report.file_name}))

        def changes() -> Iterator[journal.Entry]:
            yield from entries
            for review_id, names in _write_reviews(session, project, source, table, report, progress):
                state = AnnotationState(
                    annotator_id=annotator_key,
                    decision=Decision.LABELLED,
                    label_ids=tuple(sorted(label_ids[name] for name in names)),
                    origin=Origin.IMPORTED,
                    decided_at=source.imported_at,
                )
                yield journal.Entry(Subject.ANNOTATION, review_id, None, state.to_json())

        journal.record(session, annotator_key, f"import {report.file_name}", changes())
        _group(session, source.id)
        sqlite.index_text(session.connection(), source.id)
    return report


def _write_reviews(
    session: Session,
    project: Project,
    source: Source,
    table: Table,
    report: Report,
    progress: Callable[[int, int], None],
) -> Iterator[tuple[int, list[str]]]:
    """Insert the rows in portions; gives review id and label names of each row that brings a label."""
    first_id = 1 + (session.exec(select(func.max(Review.id))).one() or 0)
    text_at = table.columns.index(report.text_column)
    id_at = table.columns.index(report.id_column) if report.id_column else None
    label_at = table.columns.index(report.label_column) if report.label_column else None
    portion: list[dict[str, object]] = []
    labelled: list[tuple[int, list[str]]] = []
    for row in table.rows():
        review_id = first_id + row.number - 1
        text = row.cells[text_at]
        digest = text_digest(text)
        shuffle = shuffled(project.salt, digest)
        portion.append(
            {
                "id": review_id,
                "source_id": source.id,
                "row": row.number,
                "external_id": None if id_at is None else row.cells[id_at],
                "text": text,
                "fields": [cell for position, cell in enumerate(row.cells) if position != text_at],
                "digest": digest,
                "group_id": review_id,
                "shuffle": shuffle,
                "audit": shuffle % 10_000 < round(project.audit_share * 10_000),
            }
        )
        if label_at is not None and (names := label_names(row.cells[label_at], project.kind)):
            labelled.append((review_id, names))
        if len(portion) == PORTION:
            session.execute(insert(Review), portion)
            portion = []
            progress(row.number, report.rows)
            yield from labelled
            labelled = []
    if portion:
        session.execute(insert(Review), portion)
    progress(report.rows, report.rows)
    yield from labelled


def text_digest(text: str) -> bytes:
    """What tells texts apart: the first 16 bytes of the SHA-256 of the UTF-8 text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def shuffled(salt: int, digest: bytes) -> int:
    """A text's place in the project's random order, 0 to 2^62 - 1; equal texts get equal places."""
    keyed = hashlib.blake2b(digest, digest_size=8, key=salt.to_bytes(8, "big")).digest()
    return int.from_bytes(keyed, "big") >> 2


def label_names(cell: str, kind: SchemeKind) -> list[str]:
    """The label names in a cell: itself, or in a multi-label scheme its parts between “|”. Empty: none."""
    parts = cell.split("|") if kind is SchemeKind.MULTI else [cell]
    return list(dict.fromkeys(name for part in parts if (name := part.strip())))


def _group(session: Session, source_id: int) -> None:
    """Give reviews with the same text one group, named after the earliest of them."""
    other = aliased(Review)
    earliest = (
        select(func.min(col(other.id)))
        .where(col(other.digest) == col(Review.digest))
        .where(col(other.source_id).not_in(select(Source.id).where(col(Source.withdrawn))))
        .scalar_subquery()
    )
    session.execute(update(Review).where(col(Review.source_id) == source_id).values(group_id=earliest))


def _already_there(session: Session, digests: set[bytes]) -> int:
    if session.exec(select(func.count()).select_from(Source)).one() == 0:
        return 0
    there = 0
    wanted = list(digests)
    for start in range(0, len(wanted), PORTION):
        query = select(Review.digest).where(col(Review.digest).in_(wanted[start : start + PORTION]), current())
        there += len(set(session.exec(query)))
    return there


def _refuse_twice(session: Session, path: Path) -> None:
    same = session.exec(
        select(Source).where(col(Source.sha256) == reading.sha256(path), col(Source.withdrawn).is_(False))
    ).first()
    if same is not None:
        raise FileError(
            f"{path.name} is in this project already: {same.rows:,} reviews, imported {same.imported_at[:16]} UTC.",
            "Nothing was imported.",
        )


def _refuse_many_labels(table: Table, counts: dict[str, int], label_column: str | None) -> None:
    if len(counts) > MOST_LABELS:
        raise FileError(
            f"The column “{label_column}” of {table.path.name} has more than {MOST_LABELS} different values.",
            "Choose the column that holds the labels with --label.",
        )


def with_guesses(choice: Choice) -> Choice:
    """The choice with its guessed columns filled in, for showing before anything is read in full."""
    table = reading.open_table(choice.path, choice.encoding)
    return replace(
        choice,
        text_column=choice.text_column or columns.text_column(table),
        id_column=choice.id_column or columns.id_column(table),
    )
