"""An import is all or nothing, says beforehand what it would do, and keeps every cell."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from sqlmodel import select

from core.errors import FileError, SchemeError
from core.files import columns, reading
from core.files.importing import Choice, import_file, inspect
from core.files.problems import Problem
from core.storage import browse, journal, scheme
from core.storage.database import Database
from core.storage.states import states
from core.storage.tables import Decision, Origin, Review
from tests.conftest import MakeProject, write_csv


def dump(database: Database) -> list[str]:
    """The whole content of the file."""
    with sqlite3.connect(database.path) as connection:
        content = list(connection.iterdump())
    connection.close()
    return content


def table(database: Database) -> list[Review]:
    with database.reading() as session:
        return list(session.exec(select(Review)))


def given(database: Database) -> dict[int, set[str]]:
    """Label names by review."""
    with database.reading() as session:
        names = {label_id: name for name, label_id in scheme.ids_by_name(session).items()}
        found = states(session, range(1, 1000))
        assert all(one.decision is Decision.LABELLED and one.origin is Origin.IMPORTED for one in found.values())
        return {review_id: {names[label_id] for label_id in one.label_ids} for review_id, one in found.items()}


def test_ids_text_and_other_columns_are_kept_as_they_stand(project: MakeProject, tmp_path: Path) -> None:
    rows = [["0012", "5", ' "Great",\nreally ', "2024-01-02"], ["99999999999999999999", "", "", "NA"]]
    database = project()
    report = import_file(
        database, Choice(write_csv(tmp_path / "a.csv", ["id", "stars", "text", "date"], rows)), "ann"
    )
    assert [(one.external_id, one.text, one.fields, one.row) for one in table(database)] == [
        ("0012", ' "Great",\nreally ', ["0012", "5", "2024-01-02"], 1),
        ("99999999999999999999", "", ["99999999999999999999", "", "NA"], 2),
    ]
    assert (report.rows, report.empty_texts, report.text_column, report.id_column) == (2, 1, "text", "id")
    with database.reading() as session:
        assert browse.find_by_name(session, "0012") == 1
        assert browse.find_by_name(session, "12") is None


def test_the_report_comes_before_anything_is_written(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["known", "other"])
    rows = [
        ["1", "known", "positive"],
        ["1", "new", "neutral"],
        ["2", "new", " "],
        ["3", " ", "neutral"],
        ["4", "new", "positive"],
    ]
    choice = Choice(write_csv(tmp_path / "a.csv", ["id", "text", "mark"], rows, ";"), label_column="mark")
    before = dump(database)
    _, report = inspect(database, choice)
    assert dump(database) == before
    assert (report.rows, report.new, report.known, report.left_out) == (5, 5, 0, 0)
    assert (report.format, report.encoding, report.delimiter, report.header) == ("csv", "utf-8-sig", ";", True)
    assert (report.text_column, report.id_column, report.label_column) == ("text", "id", "mark")
    assert (report.labelled, report.label_counts) == (4, {"positive": 2, "neutral": 2})
    assert report.new_labels == ["neutral"]
    assert (report.empty_texts, report.duplicate_texts, report.already_there) == (1, 2, 1)
    assert (report.duplicate_ids, report.alike_texts) == (1, 0)
    assert {problem: tally.count for problem, tally in report.problems.items()} == {
        Problem.EMPTY: 1,
        Problem.SAME_ID: 1,
        Problem.SAME_TEXT: 2,
        Problem.UNKNOWN_LABEL: 2,
    }
    assert [one.line for one in report.problems[Problem.SAME_TEXT].examples] == [4, 6]
    assert import_file(database, choice, "ann") == report, "and it does what it said"
    assert given(database) == {3: {"positive"}, 4: {"neutral"}, 6: {"neutral"}, 7: {"positive"}}


def test_copies_of_a_text_are_one_group_within_and_across_imports(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["same", "other", "same"])
    import_file(database, Choice(write_csv(tmp_path / "b.csv", ["text"], [["same"], ["some"], ["other"]])), "ann")
    reviews = table(database)
    assert [one.group_id for one in reviews] == [1, 2, 1, 1, 5, 2]
    for one in reviews:
        first = reviews[one.group_id - 1]
        assert (one.shuffle, one.audit, one.digest) == (first.shuffle, first.audit, first.digest)


def test_copies_of_an_undone_import_do_not_count(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    first = write_csv(tmp_path / "a.csv", ["text"], [["same"], ["same"]])
    import_file(database, Choice(first), "ann")
    with database.writing() as session:
        journal.undo(session)
    _, report = inspect(database, Choice(write_csv(tmp_path / "b.csv", ["text"], [["same"]])))
    assert report.already_there == 0
    import_file(database, Choice(tmp_path / "b.csv"), "ann")
    assert [one.group_id for one in table(database)][-1] == 3
    import_file(database, Choice(first), "ann")
    assert [one.group_id for one in table(database)][-2:] == [3, 3]


def test_about_the_audit_share_of_reviews_is_drawn_for_the_audit_set(project: MakeProject) -> None:
    database = project(reviews=[f"review {number}" for number in range(2_000)])
    drawn = sum(one.audit for one in table(database))
    assert 300 < drawn < 500, "a fifth, give or take five standard deviations"


def test_of_reviews_that_come_with_labels_the_audit_set_has_its_share_of_every_label(
    project: MakeProject, tmp_path: Path
) -> None:
    sizes = {"often": 403, "seldom": 20, "rare": 5, "once": 1}
    rows = [[f"{label} review {number}", label] for label, size in sizes.items() for number in range(size)]
    random.Random(3).shuffle(rows)
    database = project()
    file = write_csv(tmp_path / "a.csv", ["text", "label"], [*rows, ["nobody labelled this", ""]])
    import_file(database, Choice(file, label_column="label"), "ann")
    names, audit = given(database), {one.id for one in table(database) if one.audit}
    drawn = Counter(next(iter(label)) for review_id, label in names.items() if review_id in audit)
    assert drawn["often"] in (80, 81)
    assert (drawn["seldom"], drawn["rare"]) == (4, 1)
    places = [place for place, one in enumerate(table(database)) if one.id in audit]
    assert len({after - before for before, after in pairwise(places)}) > 5, "by chance, not every fifth"


def test_the_same_file_twice_brings_nothing_until_its_import_is_undone(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    file = write_csv(tmp_path / "a.csv", ["text"], [["one"], ["two"]])
    import_file(database, Choice(file), "ann")
    renamed = file.rename(tmp_path / "b.csv")
    before = dump(database)
    report = import_file(database, Choice(renamed), "ann")
    assert (report.new, report.known, report.rows) == (0, 2, 2)
    assert dump(database) == before, "not even an empty batch to undo"
    with database.writing() as session:
        journal.undo(session)
    import_file(database, Choice(renamed), "ann")
    with database.reading() as session:
        assert browse.counts(session).reviews == 2


def test_several_labels_in_a_cell(project: MakeProject, tmp_path: Path) -> None:
    database = project(["price", "service"], multi=True)
    rows = [["a", "price|service"], ["b", " service | price |service"], ["c", ""], ["d", "|"], ["e", "new|price"]]
    import_file(database, Choice(write_csv(tmp_path / "a.csv", ["text", "tags"], rows), label_column="tags"), "ann")
    assert given(database) == {1: {"price", "service"}, 2: {"price", "service"}, 5: {"new", "price"}}
    with database.reading() as session:
        assert [(one.name, one.key, one.position) for one in scheme.labels(session)][2] == ("new", "3", 2)


@pytest.mark.parametrize(
    ("label", "says"),
    [("a|b", "control character or “|”"), ("x" * 61, "61 characters long"), ("tab\there", "control character")],
)
def test_a_label_that_cannot_be_is_refused_and_nothing_imported(
    project: MakeProject, tmp_path: Path, label: str, says: str
) -> None:
    database = project()
    before = dump(database)
    file = write_csv(tmp_path / "a.csv", ["text", "mark"], [["fine", "positive"], ["odd", label]])
    with pytest.raises(SchemeError, match=says):
        import_file(database, Choice(file, label_column="mark"), "ann")
    assert dump(database) == before


def test_columns_that_cannot_be(project: MakeProject, tmp_path: Path) -> None:
    database = project()
    before = dump(database)
    many = write_csv(tmp_path / "many.csv", ["text", "mark"], [[f"t{n}", f"label {n}"] for n in range(250)])
    none = write_csv(tmp_path / "none.csv", ["text", "mark"], [])
    for choice, says in [
        (Choice(many, text_column="body"), "no column “body”"),
        (Choice(many, id_column="number"), "no column “number”"),
        (Choice(many, label_column="sentiment"), "no column “sentiment”"),
        (Choice(many, label_column="mark"), "“mark” of many.csv has more than 200 different values"),
        (Choice(many, label_column="text"), "cannot be text and label"),
        (Choice(none), "has a header but no rows"),
    ]:
        with pytest.raises(FileError, match=says) as caught:
            import_file(database, choice, "ann")
        assert caught.value.remedy
    assert dump(database) == before


def test_a_broken_row_at_the_end_leaves_the_project_byte_for_byte(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["kept"])
    before = dump(database)
    file = write_csv(
        tmp_path / "a.csv", ["id", "text"], [*([str(n), f"text {n}"] for n in range(5_000)), ["one cell"]]
    )
    with pytest.raises(FileError, match="line 5002"):
        import_file(database, Choice(file), "ann")
    assert dump(database) == before


def test_an_import_that_is_broken_off_leaves_the_project_byte_for_byte(project: MakeProject, tmp_path: Path) -> None:
    database = project(reviews=["kept"])
    before = dump(database)
    rows = [[str(n), f"text {n}", "new label"] for n in range(5_000)]
    choice = Choice(write_csv(tmp_path / "a.csv", ["id", "text", "mark"], rows), label_column="mark")
    seen: list[tuple[int, int]] = []

    def note(doing: str, done: int, of: int) -> None:
        if doing == "writing":
            seen.append((done, of))

    def give_up(doing: str, done: int, of: int) -> None:
        note(doing, done, of)
        if seen and done > 3_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(database, choice, "someone new", give_up)
    assert seen[0][1] == 5_000
    assert dump(database) == before
    seen.clear()
    import_file(database, choice, "ann", note)
    assert seen[-1] == (5_000, 5_000)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    with database.reading() as session:
        assert browse.counts(session).labelled == 5_000
        assert browse.total(session, browse.Filter(words='"text 4999"')) == 1


def test_guesses_can_be_shown_before_anything_is_read_in_full(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", ["ID", "review"], [["1", "a"], ["broken"]])
    table = reading.open_table(file)
    assert (columns.text_column(table), columns.id_column(table)) == ("review", "ID")
    assert columns.require(table, "ID") == "ID"


def test_an_import_says_how_far_it_is_from_the_first_row_on(project: MakeProject, tmp_path: Path) -> None:
    rows = [[str(number), f"Review {number}: the parcel came late, ünopened and wet."] for number in range(5000)]
    told: list[tuple[str, int, int]] = []
    import_file(
        project(), Choice(write_csv(tmp_path / "r.csv", ["id", "text"], rows)), "ann", lambda *one: told.append(one)
    )
    assert list(dict.fromkeys(doing for doing, _, _ in told)) == ["reading", "comparing", "writing"]
    reading = [(done, of) for doing, done, of in told if doing == "reading"]
    assert [done for done, _ in reading] == [2000, 4000, 5000]
    assert all(4500 < of < 5500 for _, of in reading), "guessed from the size of the file"
    assert told[-1] == ("writing", 5000, 5000)
