"""The report measures model, keyword rule and majority class on the same labelled audit reviews, and on no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlmodel import select

from core.evaluate.baselines import KeywordRule
from core.files.importing import Choice, import_file
from core.labels import default_keywords
from core.report import Measured, measure
from core.storage import learning, runs
from core.storage.database import Database
from core.storage.tables import Review, Run
from tests.conftest import MakeProject, write_csv
from tests.storage.corpus import suggest

TEXTS = [f"{'good' if number % 3 else 'bad'} thing number {number}" for number in range(200)]
LABELS = ["positive" if number % 4 else "negative" for number in range(200)]


@pytest.fixture
def database(project: MakeProject, tmp_path: Path) -> Database:
    made = project()
    file = write_csv(tmp_path / "a.csv", ["text", "mark"], list(zip(TEXTS, LABELS, strict=True)))
    import_file(made, Choice(file, label_column="mark"), "ann")
    return made


def test_all_three_are_scored_on_the_audit_set(database: Database) -> None:
    with database.writing() as session:
        number = runs.start(session, "tiny", {}, [1, 2])
        audit = [review.id for review in session.exec(select(Review)) if review.audit]
        said = {review_id: (0.75, 0.25) if (review_id or 0) % 2 else (0.25, 0.75) for review_id in audit if review_id}
        suggest(session, number, said)
        measured = measure(session, session.get(Run, number))
    places = [review_id - 1 for review_id in audit if review_id]
    true = [LABELS[place] for place in places]
    assert measured.audit_size == len(places) > 0
    assert measured.model is not None
    assert measured.keyword_rule is not None
    assert measured.majority_class is not None
    right = sum((label == "positive") == (place % 2 == 0) for place, label in zip(places, true, strict=True))
    assert measured.model.accuracy == right / len(places)
    assert measured.majority_class.accuracy == true.count("positive") / len(true)
    rule = KeywordRule(["positive", "negative"], [default_keywords("positive"), default_keywords("negative")], False)
    chosen = rule.predict([TEXTS[place] for place in places], 0)[:, 0]
    right = sum(bool(one) == (label == "positive") for one, label in zip(chosen, true, strict=True))
    assert measured.keyword_rule.accuracy == right / len(places)
    assert Measured.from_json(json.loads(json.dumps(measured.to_json()))) == measured


def test_without_a_run_the_baselines_stand_alone(database: Database) -> None:
    with database.reading() as session:
        measured = measure(session, None)
        assert measured.audit_size == len(learning.examples(session, audit=True))
    assert measured.model is None
    assert measured.keyword_rule is not None


def test_with_nothing_to_measure_on_nothing_is_claimed(project: MakeProject) -> None:
    with project(reviews=["a"]).reading() as session:
        assert measure(session, None) == Measured(None, 0, None, None, None)
