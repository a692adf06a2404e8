"""Every format gives its rows with their types; packed files are unpacked; what is not to be trusted is refused."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import FileError
from core.files import columns
from core.files.arrow_values import to_arrow
from core.files.reading import BadRow, ReadingOptions, Row, open_table
from core.files.values import MISSING, Number, from_stored

CSV = 'id,text\n1,schön\n2,"two\nlines"\n'
ROWS = [["1", "schön"], ["2", "two\nlines"]]


def cells(path: Path | str, **options: Any) -> list[list[Any]]:
    table = open_table(path, options=ReadingOptions(**options)).settled()
    found = [
        [from_stored(cell, kind) for cell, kind in zip(row.cells, types(table), strict=True)] for row in table.rows()
    ]
    table.close()
    return found


def types(table: Any) -> list[str]:
    return table.types or [""] * len(table.columns)


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# ---------------------------------------------------------------- JSON


def test_lines_of_json_keep_their_types(tmp_path: Path) -> None:
    rows = [
        {
            "id": 12345678901234567890123,
            "text": "a",
            "score": 0.1,
            "ok": True,
            "none": None,
            "deep": {"a": [1, {"b": "c"}]},
        },
        {"id": "007", "text": "b\ud800", "late": 1, "$x": 2, "deep": {"$decimal": "no"}},
    ]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    table = open_table(path)
    assert (table.format, table.columns) == ("jsonl", ["id", "text", "score", "ok", "none", "deep", "late", "$x"])
    first, second = cells(path)
    assert first == [*rows[0].values(), MISSING, MISSING]
    assert second == ["007", "b\ud800", MISSING, MISSING, MISSING, {"$decimal": "no"}, 1, 2]


def test_numbers_that_no_float_holds_stay_as_they_are_written(tmp_path: Path) -> None:
    written = ["0.1", "1e2", "3.0", "0.12345678901234567890", "1e400", "-0.0"]
    path = write(tmp_path / "a.jsonl", "".join(f'{{"text": "x", "n": {one}}}\n' for one in written))
    found = [row[1] for row in cells(path)]
    assert found[:3] == [0.1, 100.0, 3.0]
    assert found[3:5] == [Number("0.12345678901234567890"), Number("1e400")]
    assert str(found[5]) == "-0.0"


def test_columns_that_come_late_are_no_loss(tmp_path: Path) -> None:
    lines = ['{"text": "a"}'] * 1_500 + ['{"text": "b", "late": 5}']
    for name, content in (("a.jsonl", "\n".join(lines)), ("a.json", f"[{','.join(lines)}]")):
        table = open_table(write(tmp_path / name, content))
        assert table.columns == ["text"]
        last = list(table.rows())[-1]
        assert last.more == {"late": 5}
        settled = table.settled()
        assert settled.columns == ["text", "late"]
        assert [from_stored(cell) for cell in list(settled.rows())[-1].cells] == ["b", 5]


@pytest.mark.parametrize(
    "document",
    [
        '[{"id": 1, "text": "a"},\n {"id": 2, "text": "b"}]',
        '{"meta": {"n": [1]}, "l": ["x"], "e": [],\n"rows": [{"id": 1, "text": "a"}, '
        '{"id": 2, "text": "b"}], "more": 1}',
        '\n\n[\n{"id":1,"text":"a"}\n,\n{"id":2,"text":"b"}\n]\n',
        '{"id": 1, "text": "a"}\n{"id": 2, "text": "b"}',
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a"])
def test_json_is_a_list_an_object_with_a_list_or_lines(tmp_path: Path, document: str, name: str) -> None:
    assert cells(write(tmp_path / name, document)) == [[1, "a"], [2, "b"]]


def test_one_object_on_one_line_is_what_its_file_is_called(tmp_path: Path) -> None:
    document = '{"text": [{"text": "a"}], "id": 1}'
    assert open_table(write(tmp_path / "a.json", document)).columns == ["text"]
    assert open_table(write(tmp_path / "a.jsonl", document)).columns == ["text", "id"]


def test_a_list_of_texts_is_a_table(tmp_path: Path) -> None:
    assert cells(write(tmp_path / "a.json", '["a", "b"]')) == [["a"], ["b"]]


def test_elements_longer_than_the_buffer_and_numbers_at_its_end(tmp_path: Path) -> None:
    long = "x" * 3_000_000
    path = write(tmp_path / "a.json", json.dumps([{"text": long, "n": 1}, {"text": "b", "n": 22}]))
    assert cells(path) == [[long, 1], ["b", 22]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"text": "a"', "no JSON"),
        ("[1, 2]", "no JSON object"),
        ('{"text": "a", "text": "b"}', "the key “text” stands twice"),
        ('{"text": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('{"text": ' + "[" * 300 + "]" * 300 + "}", "nested too deeply"),
    ],
)
def test_lines_that_are_no_row_are_told_and_the_others_read(tmp_path: Path, line: str, reason: str) -> None:
    path = write(tmp_path / "a.jsonl", f'{{"text": "first"}}\n{line}\n{{"text": "last"}}\n')
    first, bad, last = open_table(path).entries()
    assert isinstance(bad, BadRow)
    assert (bad.number, bad.line) == (2, 2)
    assert reason in bad.reason
    assert [first.cells, last.cells] == [["first"], ["last"]]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ('[{"text": "a"}, {"text": "b"', "no JSON"),
        ('[{"text": "a"} {"text": "b"}]', "no “,” or “]”"),
        ('[{"text": "a"},\n{"text": "a", "text": "b"}]', "stands twice"),
        ('[{"text": "a"}', "never closed"),
        ('[{"text": "a"}, ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_document_that_breaks_off_says_that_the_rest_is_not_read(
    tmp_path: Path, document: str, reason: str
) -> None:
    first, bad = open_table(write(tmp_path / "a.json", document)).entries()
    assert isinstance(first, Row)
    assert isinstance(bad, BadRow)
    assert reason in bad.reason
    assert "nothing after it can be read" in bad.reason
    assert bad.ends


# ---------------------------------------------------------------- Parquet


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    moment = datetime(2024, 2, 1, 12, 30, tzinfo=UTC)
    given = pa.table(
        {
            "text": ["a", "b", None],
            "big": pa.array([2**63, None, 0], pa.uint64()),
            "cents": pa.array([Decimal("1.10"), Decimal("-0.01"), None], pa.decimal128(10, 2)),
            "at": pa.array([moment, None, moment], pa.timestamp("us", tz="Europe/Paris")),
            "nano": pa.array([1_700_000_000_123_456_789, 1, None], pa.timestamp("ns")),
            "clock": pa.array([1, 86_399_999_999_999, None], pa.time64("ns")),
            "day": pa.array([date(2024, 1, 2), None, None]),
            "raw": pa.array([b"\x00\xff", None, b""]),
            "number": pa.array([float("nan"), float("inf"), 1.5]),
            "tags": pa.array([["x", None], [], None]),
            "deep": pa.array([{"a": 1, "$b": {"c": [1]}}, None, {"a": None, "$b": None}]),
            "kind": pa.array(["p", "q", "p"]).dictionary_encode(),
        }
    )
    pq.write_table(given, tmp_path / "a.parquet", row_group_size=2)
    table = open_table(tmp_path / "a.parquet")
    assert (table.format, table.known_rows, table.encoding) == ("parquet", 3, "")
    assert table.types[:4] == ["string", "uint64", "decimal128(10, 2)", "timestamp[us, tz=Europe/Paris]"]
    rows = json.loads(json.dumps([row.cells for row in table.rows()]))
    back = [to_arrow(cells, kind) for cells, kind in zip(zip(*rows, strict=True), table.types, strict=True)]
    for column, found in zip(given.columns, back, strict=True):
        assert found.type == column.type
        assert repr(found.to_pylist()) == repr(column.to_pylist())
    assert back[4].cast(pa.int64()).to_pylist() == [1_700_000_000_123_456_789, 1, None]
    assert back[5].cast(pa.int64()).to_pylist() == [1, 86_399_999_999_999, None]
    assert columns.text_column(table) == "text"


def test_parquet_text_that_is_no_utf8_is_a_bad_row(tmp_path: Path) -> None:
    raw = pa.array([b"fine", b"sch\xf6n", "größer".encode()], pa.binary())
    given = pa.table({"text": pa.Array.from_buffers(pa.string(), 3, raw.buffers())})
    pq.write_table(given, tmp_path / "a.parquet")
    first, bad, last = open_table(tmp_path / "a.parquet").entries()
    assert (first.cells, last.cells) == (["fine"], ["größer"])
    assert isinstance(bad, BadRow)
    assert "no UTF-8 (byte F6)" in bad.reason


def test_damaged_parquet_says_where_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"text {n}" for n in range(10_000)]}), path, row_group_size=1_000)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 400] = b"\xff" * 400
    entries = list(open_table(write(tmp_path / "b.parquet", bytes(content))).entries())
    assert isinstance(entries[-1], BadRow) or len(entries) == 10_000


def test_names_of_classes_come_with_data_sets_of_the_hub(tmp_path: Path) -> None:
    features = {
        "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
        "text": {"dtype": "string", "_type": "Value"},
    }
    metadata = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    pq.write_table(pa.table({"text": ["a"], "label": [1]}).replace_schema_metadata(metadata), tmp_path / "a.parquet")
    assert open_table(tmp_path / "a.parquet").classes == {"label": ["neg", "pos"]}


# ---------------------------------------------------------------- workbooks


def book(path: Path, *sheets: Sequence[Sequence[Any]]) -> Path:
    found = openpyxl.Workbook()
    found.remove(found.worksheets[0])
    for number, rows in enumerate(sheets, start=1):
        sheet = found.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(list(row))
    found.save(path)
    return path


def test_workbooks_keep_numbers_dates_and_gaps(tmp_path: Path) -> None:
    moment = datetime(2024, 2, 1, 12, 30)  # noqa: DTZ001
    rows: list[list[Any]] = [
        ["id", "text", "stars", "at"],
        [1, "a", 4.5, moment],
        [None] * 4,
        ["007", "b", None, None],
        [3, None, True, "x"],
    ]
    path = book(tmp_path / "a.xlsx", [], rows, [["other"]])
    table = open_table(path)
    assert (table.format, table.columns, table.types) == ("xlsx", rows[0], ["xlsx"] * 4)
    assert table.notes == ["sheet “Sheet 2”; not read: “Sheet 1”, “Sheet 3”"]
    assert cells(path) == [rows[1], rows[3], rows[4]]
    assert [row.line for row in table.rows()] == [2, 4, 5]
    assert cells(path, sheet="Sheet 3") == []
    with pytest.raises(FileError, match=r"has no sheet “x”\. Its sheets are: Sheet 1, Sheet 2, Sheet 3"):
        cells(path, sheet="x")


def test_workbooks_with_too_many_cells_and_escaped_characters(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [["text"], ["a_x000D_b_x001B_"], ["b", "surplus"]])
    first, bad = open_table(path).entries()
    assert first.cells == ["a\rb\x1b"]
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.reason) == (3, "2 cells where the header has 1")


# ---------------------------------------------------------------- text


def test_text_is_a_review_a_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", 'First, a good one.\r\n\r\nSecond; "fine"\nThird\tone\n')
    table = open_table(path)
    assert (table.format, table.columns) == ("text", ["text"])
    assert [(row.line, row.cells) for row in table.rows()] == [
        (1, ["First, a good one."]), (3, ['Second; "fine"']), (4, ["Third\tone"])
    ]  # fmt: skip


def test_a_table_in_a_text_file_is_a_table(tmp_path: Path) -> None:
    assert cells(write(tmp_path / "a.txt", "id\ttext\n1\ta, b\n2\tc\n")) == [["1", "a, b"], ["2", "c"]]
    assert cells(write(tmp_path / "b.txt", "id,text\n1,a\n"), format="text") == [["id,text"], ["1,a"]]


def test_a_folder_is_a_review_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "reviews"
    (folder / "neg").mkdir(parents=True)
    write(folder / "b.txt", "größer\n")
    write(folder / "neg" / "a.txt", "schön – für große Männer".encode("cp1252"))
    write(folder / ".hidden.txt", "no")
    write(folder / "x.jpg", b"\xff\xd8\xff")
    write(tmp_path / "secret.txt", "secret")
    os.symlink(tmp_path / "secret.txt", folder / "link.txt")
    table = open_table(folder)
    assert (table.format, table.columns, table.known_rows) == ("folder", ["file", "text"], 2)
    assert cells(folder) == [["b.txt", "größer\n"], ["neg/a.txt", "schön – für große Männer"]]
    digest = table.source.sha256()
    write(folder / "neg" / "a.txt", "changed")
    assert open_table(folder).source.sha256() != digest


# ---------------------------------------------------------------- dialects


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("id^text\n1^a,b\n2^c\n", [["1", "a,b"], ["2", "c"]]),
        ("id;text\n1;'a;b'\n2;'c, d'\n", [["1", "a;b"], ["2", "c, d"]]),
        ('id,text\n1,"say \\"no\\", twice"\n2,"b"\n', [["1", 'say "no", twice'], ["2", "b"]]),
        ('id\ttext\n1\t"Great" thing\n2\t"Bad" one\n3\t"So" so\n4\tit is 5" wide\n', [
            ["1", '"Great" thing'], ["2", '"Bad" one'], ["3", '"So" so'], ["4", 'it is 5" wide']]),
        ("id,text\n1,don't\n2,it's 'fine'\n", [["1", "don't"], ["2", "it's 'fine'"]]),
    ],
)  # fmt: skip
def test_how_it_is_written_is_guessed(tmp_path: Path, content: str, wanted: list[list[str]]) -> None:
    assert cells(write(tmp_path / "a.csv", content)) == wanted


def test_a_file_without_header_is_recognised_and_can_be_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "1,it was good\n2,it was bad\n3,so so\n")
    assert open_table(path).columns == ["column 1", "column 2"]
    assert cells(path)[0] == ["1", "it was good"]
    assert open_table(path, options=ReadingOptions(header=True)).columns == ["1", "it was good"]
    headed = write(tmp_path / "b.csv", "id,text\n1,a\n")
    assert cells(headed, header=False) == [["id", "text"], ["1", "a"]]
    assert cells(write(tmp_path / "c.csv", "1:a:b\n2:c:d\n"), delimiter=":", header=False) == [
        ["1", "a", "b"],
        ["2", "c", "d"],
    ]
    for options in ({"delimiter": "::"}, {"quote": "\n"}, {"delimiter": ""}, {"delimiter": '"', "quote": '"'}):
        with pytest.raises(FileError):
            cells(path, **options)


def test_cells_kept_from_being_run_are_as_they_were(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,text,guarded\n1,'=1+1,2\n2,'tis,\n'-x,'@y,1|2\n")
    assert open_table(path).columns == ["id", "text"]
    assert cells(path) == [["1", "=1+1"], ["2", "'tis"], ["-x", "@y"]]
    other = write(tmp_path / "b.csv", "id,text,guarded\n1,a,2\n2,b,by dogs\n")
    assert cells(other) == [["1", "a", "2"], ["2", "b", "by dogs"]], "a column that only has the name"


def test_one_quote_that_is_never_closed_costs_one_line(tmp_path: Path) -> None:
    rows = "".join(f"{n},fine\n" for n in range(3_000))
    path = write(tmp_path / "a.csv", f'id,text\n{rows}x,"open\n{rows}y,"also open\n{rows}')
    entries = list(open_table(path).entries())
    assert [entry.line for entry in entries if isinstance(entry, BadRow)] == [3_002, 6_003]
    assert len(entries) == 9_002
    assert entries[-1].line == 9_003


def test_a_line_without_end_is_one_bad_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (
        "table",
        "formats.delimited",
        "formats.dialect",
        "formats.plain_text",
        "formats.json_text",
        "formats.json_buffer",
    ):
        monkeypatch.setattr(f"core.files.{module}.LONGEST_LINE", 10_000)
    long = "x" * 25_000
    for name, content in (("a.csv", f"id,text\n1,a\n2,{long}\n3,b\n"), ("a.txt", f"a\n{long}\nb\n")):
        first, bad, last = open_table(write(tmp_path / name, content)).entries()
        assert isinstance(bad, BadRow)
        assert "longer than 10,000 characters" in bad.reason
        assert ((first.cells or [])[-1], (last.cells or [])[-1]) == ("a", "b")
        assert last.line == bad.line + 1


# ---------------------------------------------------------------- packed, standard input, hub


def packed(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    assert cells(write(tmp_path / "a.csv.gz", gzip.compress(CSV.encode("utf-16")))) == ROWS
    assert cells(packed(tmp_path / "a.zip", ("a.csv", CSV.encode()), ("__MACOSX/._a.csv", b"x"))) == ROWS
    given = io.BytesIO()
    pq.write_table(pa.table({"text": ["a"]}), given)
    table = open_table(packed(tmp_path / "b.zip", ("a.parquet", given.getvalue())))
    assert [row.cells for row in table.rows()] == [["a"]]
    kept = table.source.kept
    assert [path.exists() for path in kept] == [True]
    table.close()
    assert not kept[0].exists()


def test_names_in_archives_lead_nowhere(tmp_path: Path) -> None:
    here = tmp_path / "deep" / "here"
    here.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    assert cells(packed(here / "a.zip", ("../../escaped.csv", CSV.encode()))) == ROWS
    assert cells(packed(here / "b.zip", ("/etc/labelloop.csv", CSV.encode()))) == ROWS
    assert sorted(tmp_path.rglob("*")) == sorted([*before, here / "a.zip", here / "b.zip"])
    assert not Path("/etc/labelloop.csv").exists()


def test_archives_that_cannot_be_read(tmp_path: Path) -> None:
    several = packed(tmp_path / "a.zip", ("a.csv", b"a"), ("b.csv", b"b"))
    with pytest.raises(FileError, match=r"a\.zip holds 2 files: a\.csv, b\.csv"):
        open_table(several)
    with pytest.raises(FileError, match=r"holds 0 files"):
        open_table(packed(tmp_path / "none.zip"))
    cut = gzip.compress(os.urandom(50_000).hex().encode())[:30_000]
    path = write(tmp_path / "cut.txt.gz", cut)
    with pytest.raises(FileError, match=r"cut\.txt\.gz is damaged: it does not unpack"):
        list(open_table(path).entries())


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.files.inputs.BOMB_BYTES", 1_000_000)
    zeros = b"text\n" + b"aaaa\n" * 1_000_000
    for path in (write(tmp_path / "a.csv.gz", gzip.compress(zeros)), packed(tmp_path / "a.zip", ("a.csv", zeros))):
        with pytest.raises(FileError, match="unpacks to more than 100 times its size"):
            list(open_table(path).entries())
    path = book(tmp_path / "b.xlsx", [["text"], ["a"]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image.bin", bytes(5_000_000))
    with pytest.raises(FileError, match="unpacks to more than 100 times its size"):
        open_table(path)


PROGRAM = """
import json, sys
from core.files.reading import open_table
table = open_table("-")
print(json.dumps([table.name, table.format, table.columns, [row.cells for row in table.rows()], str(table.path)]))
table.close()
"""


@pytest.mark.parametrize(
    ("given", "format"),
    [
        (CSV.encode(), "csv"),
        (gzip.compress(CSV.encode()), "csv"),
        (b'{"id": "1", "text": "sch\xc3\xb6n"}\n{"id": "2", "text": "two\\nlines"}\n', "jsonl"),
    ],
)
def test_standard_input(given: bytes, format: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=given, capture_output=True, check=True)
    name, found, names, rows, path = json.loads(done.stdout)
    assert (name, found, names, rows) == ("standard input", format, ["id", "text"], ROWS)
    assert not Path(path).exists(), "what was kept meanwhile is gone"


def test_an_unreachable_hub_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError, match=r"no name of a data set"):
        open_table("hf:a b/c")
    with pytest.raises(FileError, match=r"stanfordnlp/imdb") as caught:
        open_table("hf:stanfordnlp/imdb")
    assert caught.value.remedy


def test_formats_have_names(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"There is no format “doc”\. The formats are: csv, tsv"):
        open_table(write(tmp_path / "a", "text\nx\n"), options=ReadingOptions(format="doc"))
