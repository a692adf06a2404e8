"""`mistakes` and `consistency`: the figures of the screens, for scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.storage import repeats
from core.storage.database import Database, annotator_id
from core.storage.states import labelled, states
from tests.cli.conftest import Command, document, labelloop
from tests.conftest import MakeProject
from tests.test_mistakes import database, planted

__all__ = ["database", "document", "labelloop"]

Document = Callable[..., Any]


def test_mistakes_lists_the_most_likely_first(database: Database, labelloop: Command, document: Document) -> None:
    with database.reading() as session:
        wrong = planted(session)
    database.close()
    found = document("mistakes", database.path, "--limit", 3)
    assert found["suspected"] == len(wrong)
    # The audit set is drawn anew each time, and one 95 % interval in twenty is off by a review or two.
    assert found["expected_wrong_low"] - 3 <= len(wrong) <= found["expected_wrong_high"] + 3
    assert len(found["suspects"]) == 3
    chances = [one["chance_wrong"] for one in found["suspects"]]
    assert chances == sorted(chances, reverse=True)
    assert found["suspects"][0]["given"] != found["suspects"][0]["proposed"]
    told = labelloop("mistakes", database.path).output
    assert "are expected to be wrong" in told
    assert f"{len(wrong)} suspects, the most likely wrong first" in told


def test_mistakes_without_a_model_fails_with_what_to_do(project: MakeProject, labelloop: Command) -> None:
    made = project(reviews=["one review", "and another"])
    made.close()
    result = labelloop("mistakes", made.path)
    assert result.exit_code == 1
    assert "Label some more" in result.output


def test_consistency_tells_kappa_with_its_interval(
    database: Database, labelloop: Command, document: Document
) -> None:
    with database.writing() as session:
        who = annotator_id(session, "ann")
        for one in range(1, 31):
            said = states(session, [one])[one]
            repeats.answer(session, who, "again", one, labelled(who, list(said.label_ids)), said)
    database.close()
    found = document("consistency", database.path, "--annotator", "ann")
    assert found["overall"]["same"] == found["overall"]["reviews"] == 30
    assert found["overall"]["kappa_low"] < found["overall"]["kappa"] == 1
    assert found["swayed"] is None
    assert "Cohen’s kappa 1.00" in labelloop("consistency", database.path).output
    assert labelloop("consistency", database.path, "--annotator", "eve").exit_code == 1
