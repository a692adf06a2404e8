"""`check` tells whether a project is whole, by a table, by JSON and by its exit code; `export` in every format."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.cli.conftest import Command

Document = Callable[..., Any]


def test_a_sound_project(labelloop: Command, document: Document, project: Path) -> None:
    result = labelloop("check", project)
    assert result.exit_code == 0
    assert "The project is whole." in result.stdout
    report = document("check", project)
    assert report["whole"] is True
    assert {one["part"]: one["verdict"] for one in report["findings"]}["journal"] == "good"


def test_a_damaged_project_is_told_and_repaired(labelloop: Command, document: Document, project: Path) -> None:
    with closing(sqlite3.connect(project)) as connection, connection:
        connection.execute("DELETE FROM annotation_label")
    result = labelloop("check", project)
    assert result.exit_code == 1
    assert "The project is damaged." in result.stdout
    assert "--repair" in result.stderr
    assert document("check", project, code=1)["whole"] is False
    repaired = labelloop("check", project, "--repair")
    assert repaired.exit_code == 0
    assert "made what the journal says" in repaired.stdout
    assert "Nothing was lost." in repaired.stdout
    assert len(list(project.parent.glob("reviews.damaged-*.db"))) == 1
    assert document("status", project)["labelled"] == 40
    assert "There was nothing to repair." in labelloop("check", project, "--repair").stdout


def test_what_is_no_project_and_wrong_use(labelloop: Command, tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("no project")
    result = labelloop("check", tmp_path / "a.db")
    assert result.exit_code == 1
    assert "is not a labelloop project" in result.stderr
    assert labelloop("check").exit_code == 2


def test_an_export_of_a_filter_in_another_format(document: Document, labelloop: Command, project: Path) -> None:
    told = document("export", project, project.with_name("o.jsonl"), "--what", "all", "--where", "label:good")
    assert (told["rows"], told["card"]) == (20, str(project.with_name("o.jsonl.md")))
    result = labelloop("export", project, project.with_name("set"), "--no-card")
    assert result.exit_code == 0
    assert (project.with_name("set") / "data" / "train.parquet").is_file()
    wrong = labelloop("export", project, project.with_name("o.csv"), "--where", "label:great")
    assert wrong.exit_code == 1
    assert "There is no label “great”" in wrong.stderr
