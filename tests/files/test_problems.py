"""What is wrong in a file is told before anything is written and done about as a person says; nothing is lost."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from core import locations
from core.errors import FileError, LabelloopError, SchemeError
from core.files import problems
from core.files.importing import Choice, KnownLabels, Report, import_file, inspect
from core.files.problems import ALLOWED, LONGEST_TEXT, Action, Problem
from core.files.reading import BadRow, ReadingOptions, open_table
from core.storage import browse, journal
from core.storage.database import Database
from core.storage.tables import Review, Source
from tests.conftest import MakeProject, write_csv
from tests.files.test_importing import dump
from tests.files.test_importing import given as labels_given


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return path


def texts(database: Database) -> list[str]:
    with database.reading() as session:
        return [review.text for review in session.exec(select(Review))]


def bring(
    database: Database, file: Path, *on: str, label: str | None = None, known: KnownLabels = KnownLabels.KEEP
) -> Report:
    handling = dict(map(problems.parse, on))
    return import_file(database, Choice(file, label_column=label, handling=handling, known_labels=known), "ann")


BROKEN = (
    "id,text,stars\n1,fine,5\n2,one, two, three,4\n3,short\n"
    '4,"a"b,1\n5,caf\udce9,1\n6,é fine é fine é fine é fine,2\n'
)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    return write(tmp_path / "b.csv", BROKEN.encode("utf-8", "surrogateescape"))


def test_bad_lines_stop_the_import_unless_something_else_is_said(project: MakeProject, broken: Path) -> None:
    database = project()
    before = dump(database)
    with pytest.raises(
        FileError, match=r"b\.csv, line 3: 5 cells where the header has 3\. 3 more like it\."
    ) as caught:
        bring(database, broken)
    assert "--on bad-lines=leave-out or --on bad-lines=mend" in caught.value.remedy
    assert dump(database) == before


def test_bad_lines_are_left_out_and_told(project: MakeProject, broken: Path) -> None:
    database = project()
    report = bring(database, broken, "bad-lines=leave-out")
    assert texts(database) == ["fine", "é fine é fine é fine é fine"]
    assert (report.rows, report.new, report.left_out) == (6, 2, 4)
    assert [(one.line, one.what) for one in report.problems[Problem.BAD_LINE].examples] == [
        (3, "5 cells where the header has 3"),
        (4, "2 cells where the header has 3"),
        (5, "a quote within a quoted cell"),
        (6, "not written in UTF-8 (bytes E9)"),
    ]
    with database.reading() as session:
        assert [review.row for review in session.exec(select(Review))] == [1, 6], "rows keep their number in the file"


def test_bad_lines_are_mended_without_guessing_at_the_text(project: MakeProject, broken: Path) -> None:
    database = project()
    report = bring(database, broken, "bad-lines=mend")
    assert texts(database) == ["fine", "one, two, three", "short", '"a"b', "café", "é fine é fine é fine é fine"]
    assert (report.new, report.mended, report.left_out) == (6, 4, 0)
    with database.reading() as session:
        assert [review.fields for review in session.exec(select(Review))][1:3] == [["2", "4"], ["3", ""]]


def test_a_line_without_its_text_is_not_mended(project: MakeProject, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "id,stars,text\n1,5,fine\n2,4\n3\n")
    report = bring(project(), file, "bad-lines=mend")
    assert (report.new, report.left_out, report.problems[Problem.BAD_LINE].unmended) == (1, 2, 2)


def test_control_characters_are_kept_unless_they_are_to_go(project: MakeProject, tmp_path: Path) -> None:
    odd = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x00bell\x07\u202egnp"
    file = write_csv(tmp_path / "a.csv", ["text"], [["plain\r\n\tone"], [odd]])
    database = project()
    report = bring(database, file)
    assert texts(database) == ["plain\r\n\tone", odd]
    assert report.problems[Problem.CONTROL].count == 1
    assert texts_of(project, file, "control=leave-out") == ["plain\r\n\tone"]
    assert texts_of(project, file, "control=mend") == ["plain\r\n\tone", "red bellgnp"]
    with pytest.raises(FileError, match=r"line 4: U\+001B in"):
        texts_of(project, file, "control=stop")


def texts_of(project: MakeProject, file: Path, *on: str) -> list[str]:
    database = project(name=f"{random.random()}.db")
    bring(database, file, *on)
    return texts(database)


def test_long_texts_empty_ones_and_repeats(project: MakeProject, tmp_path: Path) -> None:
    long = "x" * (LONGEST_TEXT + 5)
    rows = [["1", long], ["2", ""], ["2", "same"], ["4", "same"], ["5", " "], ["6", "same"]]
    file = write_csv(tmp_path / "a.csv", ["id", "text"], rows)
    assert texts_of(project, file) == [text for _, text in rows]
    assert texts_of(project, file, "too-long=mend", "empty=leave-out") == [
        long[:LONGEST_TEXT],
        "same",
        "same",
        "same",
    ]
    assert texts_of(project, file, "too-long=leave-out", "same-texts=leave-out") == ["", "same", " "]
    assert texts_of(project, file, "same-ids=leave-out", "too-long=leave-out") == ["", "same", " ", "same"]
    _, report = inspect(project(name="x.db"), Choice(file, handling={Problem.SAME_TEXT: Action.STOP}))
    assert report.problems[Problem.SAME_TEXT].count == 2
    assert [one.line for one in report.problems[Problem.SAME_TEXT].examples] == [5, 7]
    assert report.stops == [Problem.SAME_TEXT]


def test_halves_of_characters_are_kept_out_of_the_text(project: MakeProject, tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.jsonl", '{"id": "a\\ud800", "text": "x\\ud83dy", "more": "\\udc00"}\n{"id": 2, "text": "ok"}\n'
    )
    with pytest.raises(FileError, match=r"line 1: U\+D83D in"):
        texts_of(project, file)
    assert texts_of(project, file, "surrogates=leave-out") == ["ok"]
    database = project()
    bring(database, file, "surrogates=mend")
    assert texts(database) == ["x\ufffdy", "ok"]
    with database.reading() as session:
        first = session.exec(select(Review)).first()
        assert first is not None
        assert first.fields == ["a\ud800", "\udc00"], "other columns stay as they are"
        assert first.external_id == "a?"


def test_values_with_types_are_kept_and_null_is_no_text(project: MakeProject, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 7, "text": "a", "n": 1.5, "ok": True, "deep": {"x": [None]}},
        {"id": None, "text": None},
        {"text": 12},
    ]
    database = project()
    report = bring(database, write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows))))
    with database.reading() as session:
        source = session.exec(select(Source)).one()
        assert (source.format, source.columns, source.column_types) == ("jsonl", [*rows[0]], ["json"] * 5)
        first, second, third = session.exec(select(Review)).all()
        fields: list[list[Any]] = [[*one.fields] for one in (first, second, third)]
    assert (first.external_id, first.text, fields[0]) == ("7", "a", [7, 1.5, True, {"x": [None]}])
    assert (second.external_id, second.text, fields[1][0]) == (None, "", None)
    assert (third.text, fields[2]) == ("12", [{"$missing": True}] * 4)
    assert {problem: tally.count for problem, tally in report.problems.items()} == {
        Problem.EMPTY: 1,
        Problem.NOT_TEXT: 1,
        Problem.SAME_ID: 1,
    }


# ---------------------------------------------------------------- labels


def test_labels_that_differ_in_case_are_pointed_out(project: MakeProject, tmp_path: Path) -> None:
    rows = [["a", "Positive"], ["b", "neutral"], ["c", "Neutral"], ["d", "negative"]]
    file = write_csv(tmp_path / "a.csv", ["text", "mark"], rows)
    database = project()
    with pytest.raises(SchemeError, match=r"line 2: “Positive”, where “positive” is another label\. 1 more like it"):
        bring(database, file, label="mark")
    report = bring(database, file, "label-case=mend", label="mark")
    assert report.label_variants == {"Positive": "positive", "Neutral": "neutral"}
    assert labels_given(database) == {1: {"positive"}, 2: {"neutral"}, 3: {"neutral"}, 4: {"negative"}}


def test_unknown_and_impossible_labels_can_be_left_off(project: MakeProject, tmp_path: Path) -> None:
    rows = [["a", "positive"], ["b", "neutral"], ["c", "x|y"], ["d", "x" * 70]]
    file = write_csv(tmp_path / "a.csv", ["text", "mark"], rows)
    database = project()
    report = bring(database, file, "unknown-labels=leave-out", "bad-labels=leave-out", label="mark")
    assert (report.new, report.labelled, report.new_labels) == (4, 1, [])
    assert report.problems[Problem.BAD_LABEL].count == 2
    assert labels_given(database) == {1: {"positive"}}
    with pytest.raises(FileError, match="line 3: “neutral”"):
        bring(project(name="x.db"), file, "unknown-labels=stop", "bad-labels=leave-out", label="mark")


def test_lists_of_labels(project: MakeProject, tmp_path: Path) -> None:
    rows = [{"text": "a", "tags": ["price", "service"]}, {"text": "b", "tags": []}, {"text": "c", "tags": None}]
    database = project(["price", "service"], multi=True)
    bring(database, write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows))), label="tags")
    assert labels_given(database) == {1: {"price", "service"}}


# ---------------------------------------------------------------- the same file again


def test_a_file_that_has_grown_brings_only_what_is_new(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    rows = [["1", "one"], ["2", "two"], ["3", "two"]]
    bring(database, write_csv(tmp_path / "a.csv", ["id", "text"], rows))
    grown = [["0", "zero"], *rows, ["1", "another one"], ["4", "two"]]
    report = bring(database, write_csv(tmp_path / "a.csv", ["id", "text"], grown))
    assert (report.rows, report.known, report.new) == (6, 3, 3)
    assert report.problems[Problem.ID_TAKEN].count == 1
    assert texts(database) == ["one", "two", "two", "zero", "another one", "two"]
    with database.reading() as session:
        assert [review.group_id for review in session.exec(select(Review))] == [1, 2, 2, 4, 5, 2]
        assert browse.counts(session).reviews == 6
    with database.writing() as session:
        journal.undo(session)
    with database.reading() as session:
        assert browse.counts(session).reviews == 3, "what was known is not undone with it"


def test_without_ids_equal_rows_are_counted(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    bring(database, write_csv(tmp_path / "a.csv", ["text", "stars"], [["good", "5"], ["good", "5"], ["bad", "1"]]))
    again = [["good", "5"], ["good", "4"], ["good", "5"], ["good", "5"], ["bad", "1"]]
    report = bring(database, write_csv(tmp_path / "b.csv", ["text", "stars"], again))
    assert (report.known, report.new) == (3, 2)


def test_an_id_with_another_text_can_be_left_out(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["one", "two"])
    file = write_csv(tmp_path / "a.csv", ["id", "text"], [["r1", "one, changed"], ["r9", "new"]])
    report = bring(database, file, "taken-ids=leave-out")
    assert (report.new, report.left_out) == (1, 1)
    assert texts(database) == ["one", "two", "new"]


def test_labels_of_known_reviews_are_compared_and_taken_when_asked(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["a", "b", "c", "d"])
    first = [["r1", "a", "positive"], ["r2", "b", "negative"]]
    bring(
        database, write_csv(tmp_path / "1.csv", ["id", "text", "mark"], first), label="mark", known=KnownLabels.FILL
    )
    assert labels_given(database) == {1: {"positive"}, 2: {"negative"}}
    second = [["r1", "a", "negative"], ["r2", "b", "negative"], ["r3", "c", "positive"], ["r4", "d", ""]]
    file = write_csv(tmp_path / "2.csv", ["id", "text", "mark"], second)
    before = dump(database)
    report = bring(database, file, label="mark")
    assert dump(database) == before
    found = report.comparison
    assert found is not None
    assert (found.same, found.different, found.only_file, found.only_project) == (1, 1, 1, 0)
    assert found.pairs == {("positive", "negative"): 1, ("", "positive"): 1}
    assert bring(database, file, label="mark", known=KnownLabels.FILL).relabelled == 1
    assert labels_given(database) == {1: {"positive"}, 2: {"negative"}, 3: {"positive"}}
    assert bring(database, file, label="mark", known=KnownLabels.REPLACE).relabelled == 1
    assert labels_given(database)[1] == {"negative"}
    with database.writing() as session:
        journal.undo(session)
    assert labels_given(database)[1] == {"positive"}


# ---------------------------------------------------------------- nothing is lost


def test_every_action_that_is_offered_is_taken_and_others_are_refused() -> None:
    for problem in Problem:
        for action in Action:
            if action in ALLOWED[problem]:
                assert problems.handling({problem: action})[problem] is action
                assert problems.means(problem, action)
            else:
                with pytest.raises(FileError, match="cannot be done about"):
                    problems.handling({problem: action})
    for words in ("bad-lines", "bad-lines=burn", "x=mend", ""):
        with pytest.raises(FileError, match="is not understood"):
            problems.parse(words)


def mutate(content: bytes, draw: random.Random) -> bytes:
    """Bytes changed, cut out, doubled and put in, a few at a time."""
    data = bytearray(content)
    for _ in range(draw.randint(1, 8)):
        at = draw.randrange(len(data))
        match draw.randrange(5):
            case 0:
                data[at] = draw.randrange(256)
            case 1:
                del data[at : at + draw.randint(1, 40)]
            case 2:
                data[at:at] = data[at : at + draw.randint(1, 60)]
            case 3:
                data[at:at] = draw.choice(
                    [b'"', b",", b"\n", b"\r", b"\x00", b"\\", b"{", b"]", b"\xff\xfe", b"\x1b[2J"]
                )
            case 4:
                data[at : at + 2] = draw.randbytes(2)
    return bytes(data)


@pytest.mark.parametrize(
    "name", ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.txt", "a.parquet", "a.xlsx", "a.csv.gz", "a.zip"]
)
def test_mutated_files_are_read_or_refused_and_every_row_is_accounted_for(
    project: MakeProject, tmp_path: Path, name: str
) -> None:
    content = sample_as(name, tmp_path)
    draw = random.Random(name)
    empty = project(name="empty.db")
    read = imported = 0
    for _ in range(40):
        file = write(tmp_path / name, mutate(content, draw))
        bad_lines = draw.choice([Action.LEAVE_OUT, Action.MEND])
        how = {Problem.BAD_LINE: bad_lines, Problem.SURROGATE: Action.LEAVE_OUT}
        try:
            _, report = inspect(empty, Choice(file, handling=how, alike=1.0))
            table = open_table(file).settled()
        except LabelloopError:
            continue
        read += 1
        entries = list(table.entries())
        bad = sum(isinstance(entry, BadRow) for entry in entries)
        assert len(entries) == report.rows == report.new + report.left_out
        tally = report.problems.get(Problem.BAD_LINE)
        assert (tally.count if tally else 0) == bad
        if bad and imported < 2:
            imported += 1
            database = project(name=f"{imported}.db")
            assert import_file(database, Choice(file, handling=how, alike=1.0), "ann") == report
            assert len(texts(database)) == report.new
    if name not in ("a.zip", "a.csv.gz", "a.xlsx"):  # which have checksums and XML: any change is damage
        assert read > 10


def sample_as(name: str, folder: Path) -> bytes:
    """The first sample reviews in a format."""
    import gzip
    import io
    import zipfile

    import openpyxl
    import pyarrow as pa
    import pyarrow.parquet as pq

    with locations.sample_reviews().open(encoding="utf-8", newline="") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(60), strict=False)]
    buffer = io.BytesIO()
    as_csv = write_csv(folder / "plain.csv", list(rows[0]), [list(row.values()) for row in rows]).read_bytes()
    match name.split(".", 1)[1]:
        case "tsv":
            return write_csv(folder / "x", list(rows[0]), [list(row.values()) for row in rows], "\t").read_bytes()
        case "jsonl":
            return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()
        case "json":
            return json.dumps(rows, ensure_ascii=False, indent=1).encode()
        case "txt":
            return "\n".join(row["text"] for row in rows).encode("cp1252", "replace")
        case "parquet":
            pq.write_table(pa.Table.from_pylist(rows), buffer, row_group_size=10, compression="none")
        case "xlsx":
            book = openpyxl.Workbook()
            for row in [list(rows[0]), *(list(row.values()) for row in rows)]:
                book.active.append(row)  # type: ignore[union-attr]
            book.save(buffer)
        case "csv.gz":
            return gzip.compress(as_csv)
        case "zip":
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr("a.csv", as_csv)
        case _:
            return as_csv
    return buffer.getvalue()


SUFFIXES = [".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet", ".xlsx", ".gz", ".zip", ""]


@settings(max_examples=150)
@given(content=st.binary(min_size=1, max_size=400) | st.text(
    st.sampled_from([*'abc,;\t|"\'\\\r\n{}[]:0.1e', "\x00", "\ufeff", "é", "😀"]), min_size=1, max_size=200
).map(str.encode), suffix=st.sampled_from(SUFFIXES))  # fmt: skip
def test_any_bytes_are_a_table_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    file = write(tmp_path_factory.getbasetemp() / f"any{suffix}", content)
    try:
        table = open_table(file).settled()
        entries = list(table.entries())
    except LabelloopError:
        return
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    for entry in entries:
        if not isinstance(entry, BadRow):
            assert len(entry.cells) == len(table.columns)
            json.dumps(entry.cells)
    table.close()


LINES = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=30), max_size=20
)


@settings(max_examples=100)
@given(lines=LINES)
def test_every_line_of_a_delimited_file_is_in_a_row(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    """Whatever quotes and delimiters stand in it: rows, good and bad, cover all lines that are not empty."""
    file = write(tmp_path_factory.getbasetemp() / "lines.csv", "id,text\n" + "\n".join(lines) + "\n")
    entries = list(open_table(file, "utf-8", ReadingOptions(delimiter=",", quote='"', header=True)).entries())
    shown = [(e.line, e.cells) for e in entries]
    joined = "".join(str(cell) for _, cells in shown for cell in cells or ())
    for letter in set("".join(lines)) - set('",'):
        assert joined.count(letter) >= sum(line.count(letter) for line in lines), (letter, shown)
