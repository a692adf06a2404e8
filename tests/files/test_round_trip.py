"""Importing what was exported gives back every cell: any text, any type, in every format."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.files.exporting import What, Wish, export
from core.files.importing import Choice, import_file
from core.files.reading import open_table
from core.files.table import Row
from core.files.values import as_text
from core.files.writing.workbook import escaped, unescaped
from core.labels import SchemeKind, new_labels
from core.storage import decisions
from core.storage.database import Database, annotator_id, create, open_project
from core.storage.states import labelled, states

SUFFIXES = [".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ""]

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10) | st.sampled_from(
    ["\r", "a\rb", "\r\n", "\n", '"', '""', ",", "\t", "NA", "null", "001", "1e5", "\ufeff", "\x85", "\u2028", "\0",
     "=1+1", "'=1", "''", "-5", "@x", "#", "\\", "'", "_x0041_x0042_", "<r>x</r>", "&amp;", "\ufffe", "true", "[1]",
     "\x1b[31m", "\u202e", "e\u0301" * 20, " lead", "trail ", "{}"]
)  # fmt: skip
FULL = TEXTS.filter(lambda text: text.strip() != "")
TABLES = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.tuples(FULL, *[TEXTS] * width).map(list), min_size=1, max_size=6)
)

LARGEST_IN_A_SHEET = 9.99e307
"""Beyond it a workbook has no numbers."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without reviews."""
    path = tmp_path_factory.mktemp("empty") / "p.db"
    create(path, SchemeKind.SINGLE, new_labels(["good", "bad"])).close()
    return path


def project_with(file: Path, empty: Path, name: str = "p.db", **columns: str) -> Database:
    """A new project beside a file, with the file imported."""
    path = file.with_name(name)
    shutil.copyfile(empty, path)
    database = open_project(path)
    import_file(database, Choice(file, text_column="text", alike=1.0, **columns), "ann")  # type: ignore[arg-type]
    return database


def cells_of(path: Path, width: int) -> list[list[Any]]:
    """The first cells of every row of a file, as labelloop reads it; nothing may be bad."""
    table = open_table(path / "data" / "train.parquet" if path.is_dir() else path).settled()
    entries = list(table.entries())
    assert all(isinstance(entry, Row) for entry in entries), entries
    return [list(entry.cells or [])[:width] for entry in entries]


def exported(file: Path, empty: Path, suffix: str) -> Path:
    database = project_with(file, empty)
    target = file.with_name(f"out{suffix}")
    export(database, target, Wish(What.ALL, card=False))
    database.close()
    return target


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=8)
@given(rows=TABLES)
def test_every_text_comes_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, empty: Path, suffix: str, rows: list[list[str]]
) -> None:
    file = tmp_path_factory.mktemp("trip") / "in.csv"
    header = ["text", "stars", "id", "date"][: len(rows[0])]
    with file.open("w", encoding="utf-16", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    found = cells_of(exported(file, empty, suffix), len(header))
    assert [[as_text(cell) for cell in row] for row in found] == rows


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(FULL, JSON_VALUES, JSON_VALUES), min_size=1, max_size=5))
def test_every_json_value_comes_back_with_its_type(
    tmp_path_factory: pytest.TempPathFactory, empty: Path, rows: list[tuple[str, Any, Any]]
) -> None:
    file = tmp_path_factory.mktemp("trip") / "in.jsonl"
    lines = [json.dumps({"text": text, "a": a, **({"b": b} if b is not None else {})}) for text, a, b in rows]
    file.write_text("\n".join(lines), encoding="utf-8")
    names = open_table(file).settled().columns
    before = cells_of(file, len(names))
    after = cells_of(exported(file, empty, ".jsonl"), len(names))
    assert after == before


TYPES: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int8(), st.integers(-128, 127)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.float32(), st.floats(width=32, allow_nan=False)),
    (pa.bool_(), st.booleans()),
    (pa.string(), TEXTS),
    (pa.binary(), st.binary(max_size=4)),
    (pa.date32(), st.dates()),
    (pa.timestamp("us"), st.datetimes()),
    (pa.timestamp("ns", "Europe/Paris"), st.integers(0, 2**61)),
    (pa.decimal128(9, 3), st.integers(-999_999, 999_999).map(lambda n: Decimal(n).scaleb(-3))),
    (pa.list_(pa.int32()), st.lists(st.integers(0, 9), max_size=3)),
    (pa.struct([("x", pa.int64()), ("y", pa.string())]), st.fixed_dictionaries({"x": st.integers(0, 9), "y": TEXTS})),
]


@settings(max_examples=15)
@given(data=st.data())
def test_every_column_of_parquet_comes_back_with_its_type(
    tmp_path_factory: pytest.TempPathFactory, empty: Path, data: st.DataObject
) -> None:
    file = tmp_path_factory.mktemp("trip") / "in.parquet"
    texts = data.draw(st.lists(FULL, min_size=1, max_size=4))
    columns: dict[str, pa.Array] = {"text": pa.array(texts, pa.string())}
    for at, (kind, values) in enumerate(TYPES):
        drawn = data.draw(st.lists(st.none() | values, min_size=len(texts), max_size=len(texts)))
        columns[f"c{at}"] = pa.array(drawn, kind)
    pq.write_table(pa.table(columns), file)
    before = pq.read_table(file)
    after = pq.read_table(exported(file, empty, ".parquet")).select(before.column_names)
    assert after.schema.remove_metadata() == before.schema.remove_metadata()
    assert after.equals(before)


@settings(max_examples=12)
@given(
    rows=st.lists(
        st.tuples(
            FULL.filter(lambda text: text == unescaped(escaped(text))),
            st.none() | st.integers(-(2**53), 2**53) | st.floats(-LARGEST_IN_A_SHEET, LARGEST_IN_A_SHEET)
            | st.booleans()
            | st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
                lambda at: at.replace(microsecond=0)
            ),
        ),
        min_size=1,
        max_size=5,
    )
)  # fmt: skip
def test_every_cell_of_a_workbook_comes_back_with_its_type(
    tmp_path_factory: pytest.TempPathFactory, empty: Path, rows: Sequence[tuple[str, Any]]
) -> None:
    file = tmp_path_factory.mktemp("trip") / "in.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for at, row in enumerate([("text", "value"), *rows], start=1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(at, column)
            cell.value = escaped(value) if isinstance(value, str) else value
            if isinstance(value, str):
                cell.data_type = "s"
    book.save(file)
    before = cells_of(file, 2)
    assert len(before) == len(rows)
    assert cells_of(exported(file, empty, ".xlsx"), 2) == before


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_labels_come_back_with_their_reviews(tmp_path: Path, empty: Path, suffix: str) -> None:
    file = tmp_path / "in.csv"
    file.write_text("id,text\nR1,fine\nR2,broken\nR3,so so\n", encoding="utf-8")
    database = project_with(file, empty)
    with database.writing() as session:
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "x", {1: labelled(person, [1]), 2: labelled(person, [2])})
    target = tmp_path / f"out{suffix}"
    export(database, target, What.ALL)
    database.close()
    source = target / "data" / "train.parquet" if target.is_dir() else target
    again = (
        project_with(source, empty, "again.db", label_column="label", id_column="id") if not target.is_dir() else None
    )
    if again is None:
        shutil.copyfile(source, tmp_path / "copy.parquet")
        again = project_with(tmp_path / "copy.parquet", empty, "again.db", label_column="label", id_column="id")
    with again.reading() as session:
        found = {review: state.label_ids for review, state in states(session, [1, 2, 3]).items()}
    again.close()
    assert found == {1: (1,), 2: (2,)}
