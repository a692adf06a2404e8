"""Runs as versions, by commands: listed, named, put in use, rolled back, compared, taken back, deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.storage import decisions, learning, runs, versions
from core.storage.database import annotator_id, open_project
from core.storage.states import accepted
from core.storage.tables import Suggestion
from tests.cli.conftest import Command

Document = Callable[..., Any]


@pytest.fixture
def two(project: Path, tiny_bert: Path) -> Path:
    """The project after two trainings, the second of which came into use."""
    from core.worker import jobs
    from core.worker.requests import Suggest, Train

    arguments = {"base_model": str(tiny_bert), "epochs": 2, "learning_rate": 0.003}
    for seed in (0, 1):
        request = Train(str(project), {**arguments, "seed": seed}, cross_validate=False)
        jobs.run(request, lambda _event: None, lambda: False, "")
    jobs.run(Suggest(str(project), 2), lambda _event: None, lambda: False, "")
    return project


def test_the_life_of_two_runs(two: Path, labelloop: Command, document: Document) -> None:
    assert document("runs", two) == document("runs", "list", two)
    listed = document("runs", two)
    assert [(run["run"], run["in_use"], run["status"]) for run in listed] == [
        (2, True, "finished"),
        (1, False, "finished"),
    ]
    assert document("runs", "back", two) == {"run_in_use": 1}
    assert document("runs", "use", two, 2) == {"run_in_use": 2}
    assert document("runs", "name", two, 1, "first try") == {"run": 1, "name": "first try"}
    assert document("runs", "note", two, 1, "seed 0") == {"run": 1, "note": "seed 0"}
    shown = labelloop("runs", two)
    assert shown.exit_code == 0
    for part in ("2 (in use)", "first try", "seed 0", "finished", "%"):
        assert part in shown.stdout
    one = document("runs", "show", two, 1)
    assert (one["name"], one["annotations_unchanged"], one["arguments"]["seed"]) == ("first try", True, 0)
    assert [step for step, _ in one["curves"]["loss"]] == list(range(1, one["metrics"]["total_steps"] + 1))
    told = labelloop("runs", "show", two, 1).stdout
    for part in ("run 1 “first try”"[4:], "unchanged since", "torch", "MiB at most", "reviews/s", "seed 0"):
        assert part in told
    assert document("runs", "delete", two, 1) == {"deleted": 1}
    assert not (two.with_suffix(".models") / "run-1").exists()
    gone = document("runs", "show", two, 1)
    assert (gone["deleted"], gone["folder"], gone["name"], gone["curves"]["loss"] != []) == (
        True,
        "",
        "first try",
        True,
    )
    again = labelloop("runs", "use", two, 1)
    assert again.exit_code == 1
    assert "Run 1 was deleted" in again.stderr


def test_two_runs_beside_each_other(two: Path, labelloop: Command, document: Document) -> None:
    found = document("runs", "compare", two, 2, 1)
    assert (found["run_id"], found["against_id"]) == (2, 1)
    assert {"name": "seed", "run": 1, "against": 0} in found["differences"]
    assert sum(flip["count"] for flip in found["flips"]) == found["changed"] <= found["both"]
    shown = labelloop("runs", "compare", two, 2, 1)
    assert shown.exit_code == 0
    for part in (found["sentence"][:30], "F1 by label", "What the runs differ in", "seed"):
        assert part in " ".join(shown.stdout.split())
    with_dropped(two)
    refused = labelloop("runs", "compare", two, 2, 1)
    assert refused.exit_code == 1
    assert "The suggestions of run 1 are not stored." in refused.stderr
    assert f"labelloop suggest {two} --run 1" in refused.stderr.replace("\n", "")


def with_dropped(project: Path) -> None:
    """The suggestions of run 1 are deleted, as those of older runs are."""
    database = open_project(project)
    versions.drop_suggestions(database, 1)
    database.close()


def test_what_a_run_decided_is_taken_back_and_given_again(two: Path, labelloop: Command, document: Document) -> None:
    database = open_project(two)
    with database.writing() as session:
        person = annotator_id(session, "ann")
        ids = [review_id for review_id, _ in learning.to_suggest(session, 0, 100)]
        said = {one: session.get(Suggestion, (2, one)) for one in ids}
        wanted = {
            one: accepted(person, [found.label_id], 2, found.probability)
            for one, found in said.items()
            if found is not None and found.label_id is not None and one > 40
        }
        decisions.decide(session, person, "accept", wanted)
    database.close()
    before = document("status", two)["labelled"]
    assert before == 40 + len(wanted) == 60
    assert document("runs", "take-back", two, 2, "--dry-run") == {"run": 2, "reviews": 20, "dry_run": True}
    assert document("status", two)["labelled"] == before
    done = labelloop("runs", "take-back", two, 2)
    assert "Took back what run 2 decided about 20 reviews." in done.stdout
    assert "labelloop undo" in done.stderr
    status = document("status", two)
    assert (status["labelled"], status["next_undo"]) == (40, "take back what run 2 decided")
    document("undo", two)
    assert document("status", two)["labelled"] == before


def test_what_cannot_be_done_says_why(two: Path, labelloop: Command, document: Document) -> None:
    for words, sentence in (
        (("delete", two, 2), "Run 2 is in use. Put another run in use, or roll back, then delete it."),
        (("use", two, 9), "There is no run 9."),
        (("take-back", two, 9), "There is no run 9."),
        (("name", two, 1, "x" * 61), "The name has 61 characters."),
    ):
        result = labelloop("runs", *words)
        assert result.exit_code == 1
        assert sentence in " ".join(result.stderr.split())
    failure = document("runs", "delete", two, 2, code=1)
    assert failure["kind"] == "ModelError"
    assert labelloop("runs", "use", two, "two").exit_code == 2
    assert labelloop("runs", "use", two).exit_code == 2


def test_a_project_without_runs_says_what_to_do(project: Path, labelloop: Command, document: Document) -> None:
    shown = labelloop("runs", project)
    assert shown.exit_code == 0
    assert f"labelloop train {project}" in shown.stderr.replace("\n", "")
    assert document("runs", project) == []
    back = labelloop("runs", "back", project)
    assert back.exit_code == 1
    assert "No run is in use." in back.stderr


def test_a_run_whose_process_is_gone_is_listed_as_interrupted(two: Path, document: Document) -> None:
    database = open_project(two)
    with database.writing() as session:
        number = runs.start(session, "tiny", {}, [1, 2])
        runs.change(session, number, process_started=1.0)
    database.close()
    assert document("runs", two)[0]["status"] == "interrupted"
