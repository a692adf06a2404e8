"""What was imported comes out as it went in, with what was decided beside it; an export that fails harms nothing."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
import yaml

from core.errors import FileError, FilterError
from core.files import decided_rows
from core.files.decided_rows import ADDED
from core.files.exporting import Format, What, Wish, export
from core.files.importing import Choice, import_file
from core.storage import decisions, journal, runs
from core.storage.database import Database, annotator_id
from core.storage.states import accepted, labelled, skipped
from tests.conftest import MakeProject, write_csv
from tests.storage.corpus import suggest

SUFFIXES = [".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ""]
"""Of every format; none is a folder."""


def exported(database: Database, folder: Path, wish: What | Wish = What.ALL) -> list[dict[str, str]]:
    """The rows of a CSV export, read by another reader than the product's."""
    export(database, folder / "out.csv", wish)
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of an export of any format, by the readers that people use."""
    if path.is_dir():
        path = path / "data" / "train.parquet"
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    if path.suffix == ".xlsx":
        header, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)  # type: ignore[union-attr]
        return [dict(zip(map(str, header), row, strict=True)) for row in rows]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True, delimiter="\t" if path.suffix == ".tsv" else ","))


def listing(folder: Path) -> list[str]:
    """What stands in a folder, but for the files of an open project."""
    return sorted(name for name in os.listdir(folder) if not name.endswith(("-wal", "-shm")))


def test_two_files_with_different_columns_are_one_table(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    import_file(database, Choice(write_csv(tmp_path / "a.csv", ["id", "text"], [["1", "one"]])), "ann")
    import_file(
        database, Choice(write_csv(tmp_path / "b.csv", ["body", "id"], [["two", "2"]]), text_column="body"), "ann"
    )
    assert [(row["id"], row["text"], row["body"]) for row in exported(database, tmp_path)] == [
        ("1", "one", ""),
        ("2", "", "two"),
    ]
    export(database, tmp_path / "out.jsonl", What.ALL)
    assert ["body" in row for row in rows_of(tmp_path / "out.jsonl")] == [False, True], "what was not there is not"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_decided_stands_beside_each_review(project: MakeProject, tmp_path: Path, suffix: str) -> None:
    database = project(reviews=["person", "accepted", "skipped", "suggested", "untouched", "noted", "flagged label"])
    rows = [["imported", "negative"]]
    import_file(database, Choice(write_csv(tmp_path / "b.csv", ["text", "mark"], rows), label_column="mark"), "bob")
    with database.writing() as session:
        person = annotator_id(session, "ann")
        run = runs.start(session, "tiny", {}, [1, 2])
        suggest(session, run, {2: (0.87654, 0.1), 4: (0.25, 0.75)})
        wanted = {
            1: labelled(person, [1]),
            2: accepted(person, [1], run, 0.87654),
            3: skipped(person),
            7: labelled(person, [2]),
        }
        for review_id, state in wanted.items():
            decisions.decide(session, person, "x", {review_id: state})
        decisions.amend(session, person, "note", 6, note='see "this",\nplease')
        decisions.amend(session, person, "flag", 7, flagged=True)
    target = tmp_path / f"out{suffix}"
    export(database, target, What.ALL)
    found = {row["text"]: row for row in rows_of(target)}
    is_text = suffix in (".csv", ".tsv")

    def cell(value: Any) -> Any:
        if is_text:
            return "" if value is None or value is False else "yes" if value is True else str(value)
        return None if suffix == ".xlsx" and value == "" else value

    told = {text: [row[name] for name in ADDED if name != "time"] for text, row in found.items()}
    nothing = [None, None, None, None, None, False]
    expected: dict[str, list[Any]] = {
        "person": ["positive", "person", "ann", None, None, False, ""],
        "accepted": ["positive", "accepted", "ann", 0.87654, run, False, ""],
        "skipped": [None, "skipped", "ann", None, None, False, ""],
        "suggested": ["negative", "suggested", None, 0.75, run, False, ""],
        "untouched": [*nothing, ""],
        "noted": [*nothing, 'see "this",\nplease'],
        "flagged label": ["negative", "person", "ann", None, None, True, ""],
        "imported": ["negative", "imported", "bob", None, None, False, ""],
    }
    assert told == {text: [cell(value) for value in values] for text, values in expected.items()}
    assert found["person"]["time"] == wanted[1].decided_at
    export(database, target, What.LABELLED)
    assert [row["text"] for row in rows_of(target)] == ["person", "accepted", "flagged label", "imported"]
    export(database, target, What.SUGGESTED)
    assert [row["text"] for row in rows_of(target)] == ["suggested"]


def test_several_labels_are_joined_in_the_order_of_the_scheme(project: MakeProject, tmp_path: Path) -> None:
    database = project(["price", "service", "place"], multi=True, reviews=["a", "b", "c"])
    with database.writing() as session:
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "x", {1: labelled(person, [3, 1]), 2: labelled(person, [])})
    rows = exported(database, tmp_path, What.LABELLED)
    assert [(row["text"], row["label"], row["source"]) for row in rows] == [
        ("a", "price|place", "person"),
        ("b", "", "person"),
    ]


def test_a_filter_narrows_an_export_as_it_does_browse(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["good kettle", "bad kettle", "good phone", "phone"])
    with database.writing() as session:
        person = annotator_id(session, "ann")
        run = runs.start(session, "tiny", {}, [1, 2])
        suggest(session, run, {1: (0.9, 0.1), 2: (0.3, 0.7), 3: (0.6, 0.4), 4: (0.5, 0.5)})
        decisions.decide(session, person, "x", {1: labelled(person, [1]), 2: labelled(person, [2])})

    def texts(where: str, what: What = What.ALL) -> list[str]:
        return [row["text"] for row in exported(database, tmp_path, Wish(what, where))]

    assert texts("kettle") == ["good kettle", "bad kettle"]
    assert texts("kettle label:negative") == ["bad kettle"]
    assert texts("p>=0.6", What.SUGGESTED) == ["good phone"]
    assert texts("order:unsure") == ["phone", "good phone", "bad kettle", "good kettle"]
    assert texts("kettle", What.SUGGESTED) == []
    with pytest.raises(FilterError, match="no label “great”"):
        texts("label:great")


def test_columns_of_the_same_name_are_all_kept_however_often_an_export_is_imported(
    project: MakeProject, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "0.csv", ["text", "label"], [["hello", "old"]])
    for generation in range(1, 4):
        database = project(name=f"{generation}.db")
        import_file(database, Choice(file), "ann")
        file = tmp_path / f"{generation}.csv"
        done = export(database, file, What.ALL)
        assert len(set(done.columns)) == len(done.columns)
        with file.open(encoding="utf-8", newline="") as stream:
            (row,) = csv.DictReader(stream)
        assert (row["text"], row["label"], list(row)) == ("hello", "old", done.columns)


def test_undone_imports_are_not_exported(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["kept"])
    import_file(database, Choice(write_csv(tmp_path / "b.csv", ["text", "extra"], [["gone", "x"]])), "ann")
    with database.writing() as session:
        journal.undo(session)
    (row,) = exported(database, tmp_path)
    assert (row["text"], "extra" in row) == ("kept", False)


@pytest.mark.parametrize("what", What)
def test_an_export_of_nothing_is_a_header(project: MakeProject, tmp_path: Path, what: What) -> None:
    done = export(project(), tmp_path / "out.csv", what)
    assert (done.path, done.rows, done.columns) == (tmp_path / "out.csv", 0, list(ADDED))
    assert (tmp_path / "out.csv").read_text() == ",".join(ADDED) + "\n"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_large_exports_come_in_portions_that_fit_together(
    project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(decided_rows, "PORTION", 7)
    texts = [f"line {number}{chr(10) if number % 10 == 0 else ''}" for number in range(50)]
    database = project(reviews=texts)
    seen: list[tuple[int, int]] = []
    target = tmp_path / f"out{suffix}"
    done = export(database, target, What.ALL, lambda done, of: seen.append((done, of)))
    assert done.rows == 50
    assert seen[-1] == (50, 50)
    assert [row["text"] for row in rows_of(target)] == texts


# ---------------------------------------------------------------------- spreadsheets

FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "＝1",
    "'=1",
    "''=1",
]
HARMLESS = ["-5", "+3.25", "-1e5", "a=1", " =1", "'", "'quoted'", "", "5-3", "-1,234.50"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_no_cell_of_an_export_is_run_by_a_spreadsheet(project: MakeProject, tmp_path: Path, suffix: str) -> None:
    database = project(reviews=[*FORMULAS, *HARMLESS])
    done = export(database, tmp_path / f"out{suffix}", What.ALL)
    rows = rows_of(tmp_path / f"out{suffix}")
    shown = [row["text"] for row in rows]
    assert shown[len(FORMULAS) :] == HARMLESS, "what is no formula is as it was"
    for cell, was in zip(shown, FORMULAS, strict=False):
        assert cell == f"'{was}"
    assert [row["guarded"] for row in rows] == ["2"] * len(FORMULAS) + [""] * len(HARMLESS)
    assert any("apostrophe" in one for one in done.notes)
    assert "guarded" in (tmp_path / f"out{suffix}.md").read_text(encoding="utf-8")


def test_names_of_columns_and_notes_are_kept_from_being_run_too(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    file = write_csv(tmp_path / "a.csv", ["text", "=1+1", "guarded"], [["fine", "x", "y"]])
    import_file(database, Choice(file), "ann")
    with database.writing() as session:
        decisions.amend(session, annotator_id(session, "ann"), "note", 1, note="@all look")
    (row,) = exported(database, tmp_path)
    assert (row["'=1+1"], row["guarded"], row["note"], row["labelloop_guarded"]) == ("x", "y", "'@all look", "11")


def test_without_the_guard_cells_are_as_they_were(project: MakeProject, tmp_path: Path) -> None:
    rows = exported(project(reviews=FORMULAS), tmp_path, Wish(What.ALL, guard=False))
    assert [row["text"] for row in rows] == FORMULAS
    assert list(rows[0]) == ["id", "text", *ADDED]


def test_a_formula_in_a_workbook_is_a_text_and_stays_one_when_edited(project: MakeProject, tmp_path: Path) -> None:
    export(project(reviews=[*FORMULAS, "plain"]), tmp_path / "out.xlsx", What.ALL)
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    assert sheet is not None
    cells = [row[1] for row in list(sheet.iter_rows())[1:]]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
    assert [bool(cell.quotePrefix) for cell in cells] == [True] * 10 + [False]


# ---------------------------------------------------------------------- folders, cards, permissions


def test_the_folder_of_a_data_set_is_loaded_by_the_library(
    project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    database = project(reviews=["one", "two\n=2"])
    with database.writing() as session:
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "x", {2: labelled(person, [1])})
    done = export(database, tmp_path / "set", What.ALL)
    assert done.card == tmp_path / "set" / "README.md"
    loaded = datasets.load_dataset(str(tmp_path / "set"), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded["text"][:] == ["one", "two\n=2"]
    assert loaded["label"][:] == [None, "positive"]
    assert str(loaded.features["flagged"].dtype) == "bool"


def test_the_card_tells_what_the_export_holds_and_keeps_the_licence(project: MakeProject, tmp_path: Path) -> None:
    database = project(["good", "bad"], reviews=["one", "two", "three"], name="kettles.db")
    with database.writing() as session:
        from core.storage import scheme_changes

        person = annotator_id(session, "ann")
        scheme_changes.describe(session, person, 1, "the | writer is content")
        decisions.decide(session, person, "x", {1: labelled(person, [1]), 2: labelled(person, [1])})
    target = tmp_path / "out.csv"
    card = export(database, target).card
    assert card == tmp_path / "out.csv.md"
    told = card.read_text(encoding="utf-8")
    front = yaml.safe_load(told.split("---")[1])
    assert front["pretty_name"] == "kettles"
    assert front["size_categories"] == ["n<1K"]
    assert "license" not in front, "that is the owner's to say"
    assert "| good | 2 | the \\| writer is content |" in told
    assert "| bad | 0 | (not described) |" in told
    assert "| person | 2 |" in told
    assert "kettles.db.first.csv" in told
    assert "one\n" not in told, "no text of a review"
    card.write_text(told.replace("# license: choose one", "license: cc-by-4.0 #"), encoding="utf-8")
    export(database, target, What.ALL)
    again = yaml.safe_load(card.read_text(encoding="utf-8").split("---")[1])
    assert again["license"] == "cc-by-4.0"
    assert export(database, target, Wish(card=False)).card is None


@pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_exports_are_readable_by_their_owner_alone(project: MakeProject, tmp_path: Path, suffix: str) -> None:
    before = os.umask(0o022)
    try:
        target = export(project(reviews=["a"]), tmp_path / f"out{suffix}", What.ALL).path
    finally:
        os.umask(before)
    for path in [target, *target.rglob("*"), *tmp_path.glob("out*.md")]:
        assert path.stat().st_mode & 0o077 == 0, path


# ---------------------------------------------------------------------- what goes wrong


def test_where_it_cannot_be_written_a_sentence_says_so(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["a"])
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.csv" / "mine.txt").touch()
    closed = Path("/proc") if os.geteuid() == 0 else tmp_path / "closed"
    if os.geteuid():
        closed.mkdir(mode=0o500)
    before = listing(tmp_path)
    for target, says in [
        (tmp_path / "no" / "out.csv", "folder .*no does not exist"),
        (tmp_path / "folder.csv", r"folder\.csv cannot be written: Is a directory"),
        (closed / "out.csv", r"out\.csv cannot be written"),
        (closed / "out", "out cannot be written"),
        (tmp_path / "out.ods", "Exports to “ods” cannot be written"),
        (tmp_path / f"{'long' * 70}.csv", "cannot be written: File name too long"),
    ]:
        with pytest.raises(FileError, match=says) as caught:
            export(database, target)
        assert caught.value.remedy
    with pytest.raises(FileError, match="there already, and is no data set that labelloop wrote"):
        export(database, tmp_path / "folder.csv", Wish(format="dataset"))
    assert listing(tmp_path) == before, "nothing is left behind"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_export_that_is_broken_off_leaves_the_old_one(project: MakeProject, tmp_path: Path, suffix: str) -> None:
    database = project(reviews=["a"])
    target = tmp_path / f"out{suffix}"
    export(database, target, What.ALL)
    written = rows_of(target)
    before = listing(tmp_path)

    def give_up(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(database, target, What.LABELLED, give_up)
    assert rows_of(target) == written
    assert listing(tmp_path) == before


def test_an_export_that_does_not_read_back_leaves_the_old_file(project: MakeProject, tmp_path: Path) -> None:
    """Something spoils the draft while it is written: the comparison notices."""
    database = project(reviews=["a", "b"])
    target = tmp_path / "out.csv"
    target.write_text("what I had")

    def spoil(_done: int, _of: int) -> None:
        (draft,) = tmp_path.glob(".out.csv.*")
        with draft.open("a", encoding="utf-8") as file:
            file.write("x" * 10_000 + "\n")

    with pytest.raises(FileError, match="did not read back as it was written") as caught:
        export(database, target, What.ALL, spoil)
    assert "was left as it was" in str(caught.value)
    assert target.read_text() == "what I had"


def test_what_a_workbook_cannot_hold_is_said_and_nothing_is_cut(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["short", "long " * 7_000])
    with pytest.raises(
        FileError, match=r"Row 2, column “text”: 35,000 characters, and a cell .* holds 32,767"
    ) as caught:
        export(database, tmp_path / "out.xlsx", What.ALL)
    assert "jsonl or parquet" in caught.value.remedy
    assert listing(tmp_path) == ["reviews.db", "reviews.db.first.csv"]
    assert export(database, tmp_path / "out.parquet", What.ALL).rows == 2


def test_a_data_set_is_replaced_by_the_next_and_nothing_else_is(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["a", "b"])
    with database.writing() as session:
        person = annotator_id(session, "ann")
        decisions.decide(session, person, "x", {1: labelled(person, [1])})
    export(database, tmp_path / "set", What.ALL)
    export(database, tmp_path / "set", What.LABELLED)
    assert [row["text"] for row in rows_of(tmp_path / "set")] == ["a"]
    assert listing(tmp_path) == ["reviews.db", "reviews.db.first.csv", "set"]


def test_every_format_has_a_suffix() -> None:
    assert {suffix.removeprefix(".") or "dataset" for suffix in SUFFIXES} == {str(one) for one in Format}


def test_a_folder_that_is_removed_while_it_is_written_to_is_named(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["one", "two"])
    folder = tmp_path / "gone"
    for suffix in (".csv", ".parquet"):
        folder.mkdir()
        with pytest.raises(FileError, match="gone was removed while out") as caught:
            export(database, folder / f"out{suffix}", What.ALL, lambda _done, _of: shutil.rmtree(folder, True))
        assert "export once more" in caught.value.remedy
        assert not folder.exists()
