"""What was imported comes out as it went in, with what was decided beside it; an export that fails harms nothing."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import FileError
from core.files import exporting
from core.files.exporting import ADDED, Exported, What, export
from core.files.importing import Choice, import_file
from core.labels import SchemeKind, new_labels
from core.storage import decisions, journal, runs
from core.storage.database import Database, annotator_id, create
from core.storage.states import accepted, labelled, skipped
from tests.conftest import MakeProject, write_csv
from tests.storage.corpus import suggest


def exported(database: Database, folder: Path, what: What = What.ALL) -> list[dict[str, str]]:
    """The rows of an export, read by another reader than the product's."""
    export(database, folder / "out.csv", what)
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10) | st.sampled_from(
    [
        "\r",
        "a\rb",
        "\r\n",
        "\n",
        '"',
        '""',
        ",",
        "NA",
        "null",
        "001",
        "1e5",
        " ",
        "\ufeff",
        "\x85",
        "\u2028",
        "=1+1",
        "#",
        "\\",
        "'",
    ]
)
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6)
)


@settings(max_examples=25)
@given(rows=TABLES)
def test_every_cell_comes_back_in_order(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    folder = tmp_path_factory.mktemp("trip")
    header = ["stars", "text", "id", "date"][: len(rows[0])]
    file = folder / "in.csv"
    with file.open("w", encoding="utf-16", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    database = create(folder / "p.db", SchemeKind.SINGLE, new_labels(["a", "b"]))
    import_file(database, Choice(file), "ann")
    found = exported(database, folder)
    database.close()
    assert [[row[name] for name in header] for row in found] == rows
    assert list(found[0]) == [*header, *ADDED]


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


def test_what_was_decided_stands_beside_each_review(project: MakeProject, tmp_path: Path) -> None:
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
    found = {row["text"]: row for row in exported(database, tmp_path)}
    told = {text: [row[name] for name in ADDED if name != "time"] for text, row in found.items()}
    assert told == {
        "person": ["positive", "person", "ann", "", "", "", ""],
        "accepted": ["positive", "accepted", "ann", "0.8765", str(run), "", ""],
        "skipped": ["", "skipped", "ann", "", "", "", ""],
        "suggested": ["negative", "suggested", "", "0.7500", str(run), "", ""],
        "untouched": ["", "", "", "", "", "", ""],
        "noted": ["", "", "", "", "", "", 'see "this",\nplease'],
        "flagged label": ["negative", "person", "ann", "", "", "yes", ""],
        "imported": ["negative", "imported", "bob", "", "", "", ""],
    }
    assert found["person"]["time"] == wanted[1].decided_at
    assert [row["text"] for row in exported(database, tmp_path, What.LABELLED)] == [
        "person",
        "accepted",
        "flagged label",
        "imported",
    ]
    assert [row["text"] for row in exported(database, tmp_path, What.SUGGESTED)] == ["suggested"]


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
    assert done == Exported(tmp_path / "out.csv", 0, list(ADDED))
    assert (tmp_path / "out.csv").read_text() == ",".join(ADDED) + "\n"


def test_none_labelled_is_a_header_too(project: MakeProject, tmp_path: Path) -> None:
    assert export(project(reviews=["a"]), tmp_path / "out.csv").rows == 0
    assert (tmp_path / "out.csv").read_text() == ",".join(["id", "text", *ADDED]) + "\n"


def test_large_exports_come_in_portions_that_fit_together(
    project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PORTION", 7)
    texts = [f"line {number}{chr(13) if number % 10 == 0 else ''}" for number in range(50)]
    database = project(reviews=texts)
    seen: list[tuple[int, int]] = []
    done = export(database, tmp_path / "out.csv", What.ALL, lambda done, of: seen.append((done, of)))
    assert done.rows == 50
    assert seen[-1] == (50, 50)
    assert [row["text"] for row in exported(database, tmp_path)] == texts


def test_where_it_cannot_be_written_a_sentence_says_so(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["a"])
    (tmp_path / "folder.csv").mkdir()
    closed = Path("/proc") if os.geteuid() == 0 else tmp_path / "closed"
    if os.geteuid():
        closed.mkdir(mode=0o500)
    before = sorted(os.listdir(tmp_path))
    for target, says in [
        (tmp_path / "no" / "out.csv", "folder .*no does not exist"),
        (tmp_path / "folder.csv", r"folder\.csv cannot be written: Is a directory"),
        (closed / "out.csv", r"out\.csv cannot be written"),
        (tmp_path / "out.ods", "“.ods” cannot be written yet"),
        (tmp_path / "out", "“out” cannot be written yet"),
        (tmp_path / f"{'long' * 70}.csv", "cannot be written: File name too long"),
    ]:
        with pytest.raises(FileError, match=says) as caught:
            export(database, target)
        assert caught.value.remedy
    assert sorted(os.listdir(tmp_path)) == before, "nothing is left behind"


def test_an_export_that_is_broken_off_leaves_the_old_file(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["a"])
    target = tmp_path / "out.csv"
    target.write_text("what I had")
    before = sorted(os.listdir(tmp_path))

    def give_up(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(database, target, What.ALL, give_up)
    assert target.read_text() == "what I had"
    assert sorted(os.listdir(tmp_path)) == before


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
