"""`labelloop accept`, as scripts and people use it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.tui.suggesting import suggest_everything


@pytest.fixture
def suggested(project: Path) -> Path:
    """The project with a run that says “good” of everything, with 90 %."""
    from core.storage.database import open_project

    database = open_project(project)
    suggest_everything(database, 0.9)
    database.close()
    return project


def test_accepting_at_a_probability_says_what_it_will_cost_and_is_undone_as_one(
    suggested: Path, labelloop: Command, document: Callable[..., Any]
) -> None:
    before = document("status", suggested)
    looked = document("accept", suggested, "--at-least", "0.8", "--dry-run")
    assert (looked["dry_run"], looked["reviews"]) == (True, 0)
    assert 0 < looked["expected_wrong"] <= looked["at_most_wrong"] <= looked["suggestions"]
    assert [part["label"] for part in looked["by_label"]] == ["good", "bad"]
    assert document("status", suggested) == before, "a dry run changes nothing"
    told = labelloop("accept", suggested, "--at-least", "0.8")
    assert told.exit_code == 0
    said = f"{looked['suggestions']} suggestions at 0.8 or more: expect {looked['expected_wrong']:.0f} wrong, at most"
    assert said in told.stdout
    assert f"Accepted {looked['suggestions']} suggestions" in told.stdout
    assert labelloop("accept", suggested, "--at-least", "0.8").exit_code == 1, "nothing is left"
    undone = document("undo", suggested)
    assert undone["changes"] == looked["suggestions"]
    assert document("status", suggested)["labelled"] == before["labelled"]


def test_a_share_that_cannot_be_promised_is_exit_code_1(suggested: Path, document: Callable[..., Any]) -> None:
    refused = document("accept", suggested, "--max-wrong", "2%", code=1)
    assert refused["error"].startswith("Cannot promise 2 %")
    half = document("accept", suggested, "--max-wrong", "0.9", "--label", "good")
    assert half["at_most_wrong"] <= 0.9 * half["suggestions"]
    assert half["reviews"] == half["suggestions"]
    assert document("accept", suggested, "--at-least", "0.5", "--label", "bad", code=1)["error"].startswith("No open")
    assert "no label “ugly”" in document("accept", suggested, "--at-least", "0.5", "--label", "ugly", code=1)["error"]


def test_a_share_is_answered_for_each_label_alone(
    suggested: Path, labelloop: Command, document: Callable[..., Any]
) -> None:
    asked = document("accept", suggested, "--max-wrong", "0.9", "--dry-run")
    good, bad = asked["by_label"]
    assert (
        good["alone"]["suggestions"]
        == document("accept", suggested, "--max-wrong", "0.9", "--label", "good", "--dry-run")["suggestions"]
    )
    assert bad["alone"] is None
    assert asked["up_to_date"] is True
    assert "alone" not in document("accept", suggested, "--at-least", "0.5", "--dry-run")["by_label"][0]
    told = labelloop("accept", suggested, "--max-wrong", "0.9", "--dry-run").stdout
    assert f"{good['alone']['suggestions']} at 0.8999 or more" in told


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["--at-least", "0.9", "--max-wrong", "0.02"],
        ["--at-least", "1.5"],
        ["--max-wrong", "2"],
        ["--max-wrong", "few"],
        ["--max-wrong", "0.02", "--confidence", "1"],
    ],
)
def test_wrong_use_is_exit_code_2(suggested: Path, labelloop: Command, wrong: list[str]) -> None:
    assert labelloop("accept", suggested, *wrong).exit_code == 2


def test_without_a_run_there_is_nothing_to_accept(project: Path, document: Callable[..., Any]) -> None:
    assert "No run is in use" in document("accept", project, "--at-least", "0.9", code=1)["error"]
