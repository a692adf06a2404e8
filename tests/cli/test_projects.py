"""Making projects, importing, looking, undoing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import settings
from tests.cli.conftest import Command, in_process

Document = Callable[..., Any]


def test_new_says_its_labels_and_keys(labelloop: Command, document: Document, tmp_path: Path) -> None:
    result = labelloop("new", tmp_path / "a.db", "--labels", "good, bad")
    assert result.exit_code == 0
    assert "1 good, 2 bad" in result.stdout
    status = document("status", tmp_path / "a.db")
    assert [(label["name"], label["key"]) for label in status["labels"]] == [("good", "1"), ("bad", "2")]
    assert status["kind"] == "single"


def test_new_multi(document: Document, tmp_path: Path) -> None:
    made = document("new", tmp_path / "m.db", "--labels", "price", "--multi")
    assert made["kind"] == "multi"


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ("good,,bad", "A label has no name."),
        ("good,Good", "The label “Good” is named twice."),
        ("good", "“good” alone leaves nothing to decide."),
        ("x" * 61 + ",y", "is 61 characters long"),
    ],
)
def test_new_refuses_labels_that_make_no_scheme(
    labels: str, sentence: str, labelloop: Command, tmp_path: Path
) -> None:
    result = labelloop("new", tmp_path / "a.db", "--labels", labels)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert not (tmp_path / "a.db").exists()


def test_new_never_overwrites(labelloop: Command, project: Path) -> None:
    before = project.read_bytes()
    result = labelloop("new", project, "--labels", "a,b")
    assert result.exit_code == 1
    assert f"{project} exists already" in result.stderr
    assert project.read_bytes() == before


def test_import_reports_what_is_in_the_file(labelloop: Command, tmp_path: Path, reviews: Path) -> None:
    labelloop("new", tmp_path / "a.db", "--labels", "good,fair")
    result = labelloop("import", tmp_path / "a.db", reviews, "--label", "label")
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    for part in (
        "reviews 60",
        "text “text”",
        "id “id”",
        "also kept “stars”",
        "40 reviews labelled",
        "new labels bad",
    ):
        assert part in words


def test_dry_run_writes_nothing(document: Document, tmp_path: Path, reviews: Path) -> None:
    path = tmp_path / "a.db"
    document("new", path, "--labels", "good,bad")
    report = document("import", path, reviews, "--label", "label", "--dry-run")
    assert (report["imported"], report["rows"], report["labelled"]) == (False, 60, 40)
    status = document("status", path)
    assert (status["reviews"], status["next_undo"]) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.csv"], "nowhere.csv does not exist. Check the path."),
        (["again.csv", "--text", "body"], "no column “body”. Its columns are: id, text, stars, label."),
        (["again.csv", "--label", "mood"], "no column “mood”. Its columns are: id, text, stars, label."),
        (["again.csv", "--id", "key"], "no column “key”."),
        (["again.csv", "--text", "text", "--label", "text"], "cannot be text and label"),
        (["again.csv", "--encoding", "klingon"], "There is no encoding “klingon”. Try utf-8"),
        (["again.csv", "--encoding", "ascii"], "not written in ascii"),
        (["broken.csv"], "broken.csv, line 3: 3 cells where the header has 2."),
        (["empty.csv"], "empty.csv is empty."),
        (["book.xlsx"], "book.xlsx is no workbook (xlsx), or is damaged. Save it anew, or as CSV."),
    ],
)
def test_import_that_fails_leaves_the_project_as_it_was(
    arguments: list[str], sentence: str, document: Document, labelloop: Command, project: Path, reviews: Path
) -> None:
    folder = reviews.parent
    (folder / "again.csv").write_text(reviews.read_text(encoding="utf-8") + "r60,schön,1,\n", encoding="utf-8")
    (folder / "broken.csv").write_text("id,text\n1,fine\n2,not,fine\n", encoding="utf-8")
    (folder / "empty.csv").touch()
    (folder / "book.xlsx").write_bytes(b"PK")
    before = document("status", project)
    result = labelloop("import", project, *arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert sentence in result.stderr
    assert document("status", project) == before
    failure = document("import", project, *arguments, code=1)
    assert sentence in f"{failure['error']} {failure['remedy']}"


def test_status_counts_and_says_what_is_next(labelloop: Command, document: Document, project: Path) -> None:
    status = document("status", project)
    assert (status["reviews"], status["labelled"]) == (60, 40)
    assert {label["name"]: label["reviews"] for label in status["labels"]} == {"good": 20, "bad": 20}
    assert status["audit"]["model"] is None
    assert status["runs"] == []
    shown = labelloop("status", project)
    assert "takes back “import reviews.csv”" in shown.stdout
    assert f"labelloop train {project}" in shown.stderr


def test_undo_and_redo_walk_through_the_history(labelloop: Command, document: Document, project: Path) -> None:
    undone = labelloop("undo", project)
    assert undone.exit_code == 0
    assert "Undone: “import reviews.csv”, 41 changes." in undone.stdout
    assert document("status", project)["reviews"] == 0
    nothing = labelloop("undo", project)
    assert nothing.exit_code == 1
    assert "There is nothing to undo" in nothing.stderr
    assert "“labelloop redo” would redo “import reviews.csv”" in nothing.stderr
    assert document("redo", project) == {
        "redone": "import reviews.csv",
        "changes": 41,
        "next_undo": "import reviews.csv",
        "next_redo": "",
    }
    status = document("status", project)
    assert (status["reviews"], status["labelled"]) == (60, 40)
    assert labelloop("redo", project).exit_code == 1


def test_evaluate_without_labels_says_what_to_do(labelloop: Command, document: Document, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    document("new", path, "--labels", "good,bad")
    result = labelloop("evaluate", path)
    assert result.exit_code == 1
    assert "nothing to measure on" in result.stderr
    assert "label some more" in result.stderr


@pytest.mark.parametrize("command", ["status", "undo", "redo", "evaluate", "train", "suggest"])
def test_a_missing_project_is_named(command: str, labelloop: Command, tmp_path: Path) -> None:
    result = labelloop(command, tmp_path / "gone.db")
    assert result.exit_code == 1
    assert f"{tmp_path / 'gone.db'} cannot be read" in result.stderr
    assert not (tmp_path / "gone.db").exists()


def test_json_is_alone_on_stdout_in_a_process_of_its_own(project: Path) -> None:
    done = in_process("status", project, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["labelled"] == 40
    assert done.stderr == ""


def test_wrong_settings_are_told_and_do_no_harm(labelloop: Command, document: Document, home: Path) -> None:
    (home / "settings.toml").write_text("annotator = 7\n", encoding="utf-8")
    document("new", "a.db", "--labels", "good,bad")
    Path("few.csv").write_text("text\nfine\n", encoding="utf-8")
    result = labelloop("import", "a.db", "few.csv")
    assert result.exit_code == 0
    assert "“annotator”" in result.stderr


def test_import_tells_of_near_duplicates_and_heeds_the_setting(
    labelloop: Command, document: Document, tmp_path: Path
) -> None:
    first = "Great little kettle, works perfectly, and my wife loves the colour."
    file = tmp_path / "a.csv"
    file.write_text(f'text\n"{first}"\n"{first[:-1]}!"\n', encoding="utf-8")
    labelloop("new", tmp_path / "a.db", "--labels", "good,bad")
    assert "1 text, labelled with what" in labelloop("import", tmp_path / "a.db", file, "--dry-run").stdout
    settings.save({"alike": 1.0})
    assert document("import", tmp_path / "a.db", file, "--dry-run")["alike_texts"] == 0
    settings.save({"alike": 0.4})
    result = labelloop("import", tmp_path / "a.db", file)
    assert "alike" in result.stderr, "what is wrong in the settings is named"
    assert "nearly the same" in result.stdout
