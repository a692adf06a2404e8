"""Importing a table into a project: all of it or nothing, as one batch that can be undone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import column, func
from sqlalchemy import table as sql_table
from sqlmodel import Session, col, select

from core.errors import FileError
from core.files import columns, reading
from core.files.reading import Row, Table
from core.labels import SchemeKind
from core.storage import journal, scheme, sqlite
from core.storage.database import Database, annotator_id, project_of
from core.storage.states import AnnotationState
from core.storage.tables import Decision, Origin, Project, Review, Source, Subject, utc_now

if TYPE_CHECKING:
    from core.files.grouping import Groups

Progress = Callable[[str, int, int], None]
"""Told what is done now (“reading”, “comparing”, “writing”), with how many rows, and of how many.

While it is read, how many rows a file has is a guess from its size.
"""

PORTION = 2_000
"""Rows written with one statement."""

MOST_LABELS = 200
"""Distinct values of a label column; with more it is likely the wrong column."""

_REVIEWS = sql_table(
    "review",
    *(
        column(name)
        for name in (
            "id", "source_id", "row", "external_id", "text", "fields", "digest", "group_id", "shuffle", "audit",
        )
    ),
)  # fmt: skip


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
    alike: float = 0.8
    """Texts at least this similar are labelled as one; from 0.5, one half of what they are made of shared, to 1.0,
    which is equal texts only."""


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
    alike_texts: int
    """Different texts that are so similar to an earlier one, of the file or the project, that one label does."""


def _silent(_doing: str, _done: int, _of: int) -> None:
    """Nobody watches."""


def inspect(database: Database, choice: Choice, progress: Progress = _silent) -> tuple[Table, Report]:
    """Read the whole file and report what importing it would do. Writes nothing.

    Raises FileError when it cannot be imported.
    """
    found = _examine(database, choice, progress)
    return found.table, found.report


@dataclass(frozen=True)
class _Found:
    """All that reading the file once has told."""

    table: Table
    sha256: str
    report: Report
    groups: Groups


def _examine(database: Database, choice: Choice, progress: Progress) -> _Found:
    # numpy comes with it, which would cost a tenth of a second of the app's start.
    from core.files.grouping import Grouping, repeats, text_digest

    table = reading.open_table(choice.path, choice.encoding)
    text_column = columns.require(table, choice.text_column or columns.text_column(table))
    id_column = columns.require(table, choice.id_column) if choice.id_column else columns.id_column(table)
    label_column = columns.require(table, choice.label_column) if choice.label_column else None
    if label_column == text_column:
        raise FileError(f"The column “{text_column}” cannot be text and label.", "Choose another with --label.")
    sha256 = reading.sha256(table.path)
    with database.reading() as session:
        kind = project_of(session).kind
        known = set(scheme.ids_by_name(session))
        _refuse_twice(session, table.path, sha256)
    text_at = table.columns.index(text_column)
    id_at = table.columns.index(id_column) if id_column else None
    label_at = table.columns.index(label_column) if label_column else None
    ids = bytearray()
    counts: dict[str, int] = {}
    rows = labelled = empty = read = 0
    size = table.path.stat().st_size
    grouping = Grouping(database, choice.alike)
    try:
        for portion in _portions(table):
            rows += len(portion)
            texts = [row.cells[text_at] for row in portion]
            empty += sum(not text.strip() for text in texts)
            # Characters for bytes: fewer where letters take more than one, so that there seem to be more rows.
            read += sum(len(cell) + 1 for row in portion for cell in row.cells)
            progress("reading", rows, max(rows, rows * size // read))
            grouping.add(texts)
            if id_at is not None:
                ids += b"".join([text_digest(row.cells[id_at]) for row in portion])
            if label_at is not None:
                for row in portion:
                    names = label_names(row.cells[label_at], kind)
                    labelled += bool(names)
                    for name in names:
                        counts[name] = counts.get(name, 0) + 1
                    _refuse_many_labels(table, counts, label_column)
        if rows == 0:
            raise FileError(f"{table.path.name} has a header but no rows.", "Choose a file with reviews in it.")
        progress("comparing", 0, rows)
        groups = grouping.done()
    finally:
        grouping.close()
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
        duplicate_texts=groups.duplicate_texts,
        already_there=groups.already_there,
        duplicate_ids=repeats(bytes(ids)),
        alike_texts=groups.alike_texts,
    )
    return _Found(table, sha256, report, groups)


def import_file(
    database: Database,
    choice: Choice,
    annotator: str,
    progress: Progress = _silent,
) -> Report:
    """Import a file as one batch. Either all of it is in the project afterwards, or nothing.

    Raises FileError, SchemeError or ProjectError.
    """
    from core.files.grouping import sources

    found = _examine(database, choice, progress)
    with database.writing() as session, sqlite.filling(session.connection()):
        if sources(session) != found.groups.seen:
            found = _examine(database, choice, progress)
        table, report = found.table, found.report
        project = project_of(session)
        annotator_key = annotator_id(session, annotator)
        fresh, entries = scheme.adding(session, report.new_labels)
        label_ids = scheme.ids_by_name(session) | fresh
        source = Source(
            file_name=report.file_name,
            sha256=found.sha256,
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
            for review_id, names in _write_reviews(session, project, source, found, progress):
                state = AnnotationState(
                    annotator_id=annotator_key,
                    decision=Decision.LABELLED,
                    label_ids=tuple(sorted({label_ids[name] for name in names})),
                    origin=Origin.IMPORTED,
                    decided_at=source.imported_at,
                )
                yield journal.Entry(Subject.ANNOTATION, review_id, None, state.to_json())

        journal.record(session, annotator_key, f"import {report.file_name}", changes())
        sqlite.index_text(session.connection(), source.id)
        if reading.sha256(table.path) != found.sha256:
            raise FileError(f"{table.path.name} was changed while it was read.", "Import it again.")
    return report


def _write_reviews(
    session: Session,
    project: Project,
    source: Source,
    found: _Found,
    progress: Progress,
) -> Iterator[tuple[int, list[str]]]:
    """Insert the rows in portions; gives review id and label names of each row that brings a label."""
    from core.files.grouping import Places

    table, report, groups = found.table, found.report, found.groups
    first_id = 1 + (session.exec(select(func.max(Review.id))).one() or 0)
    text_at = table.columns.index(report.text_column)
    id_at = table.columns.index(report.id_column) if report.id_column else None
    label_at = table.columns.index(report.label_column) if report.label_column else None
    places = Places(session, project, groups)
    connection = session.connection()
    done = 0
    for portion in _portions(table):
        if done + len(portion) > report.rows:
            break
        rows = []
        for at, row in enumerate(portion, done):
            group = int(groups.firsts[at])
            shuffle, audit = places.of(at)
            cells = row.cells
            rows.append(
                (
                    first_id + at,
                    source.id,
                    row.number,
                    None if id_at is None else cells[id_at],
                    cells[text_at],
                    json.dumps(cells[:text_at] + cells[text_at + 1 :]),
                    groups.digest(at),
                    first_id + group if group >= 0 else -group,
                    shuffle,
                    audit,
                )
            )
        sqlite.insert_rows(connection, _REVIEWS, rows)
        if label_at is not None:
            for at, row in enumerate(portion, done):
                if names := label_names(row.cells[label_at], project.kind):
                    yield first_id + at, names
        done += len(portion)
        progress("writing", done, report.rows)


def _portions(table: Table) -> Iterator[list[Row]]:
    rows = table.rows()
    while portion := list(islice(rows, PORTION)):
        yield portion


def label_names(cell: str, kind: SchemeKind) -> list[str]:
    """The label names in a cell: itself, or in a multi-label scheme its parts between “|”. Empty: none."""
    parts = cell.split("|") if kind is SchemeKind.MULTI else [cell]
    return list(dict.fromkeys(name for part in parts if (name := part.strip())))


def _refuse_twice(session: Session, path: Path, sha256: str) -> None:
    same = session.exec(select(Source).where(col(Source.sha256) == sha256, col(Source.withdrawn).is_(False))).first()
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
