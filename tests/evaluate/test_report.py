"""The report measures model, keyword rule and majority class on the same labelled audit reviews, and on no others."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from core.errors import LabelloopError
from core.evaluate.baselines import KeywordRule
from core.evaluate.metrics import Scores
from core.files.importing import Choice, import_file
from core.labels import default_keywords
from core.report import FEWEST_AUDIT, Measured, cell, cell_filter, measure
from core.storage import browse, decisions, learning, runs
from core.storage.database import Database, annotator_id
from core.storage.filter_text import names_of, parse
from core.storage.states import labelled, skipped
from core.storage.tables import Review, Run
from tests.conftest import MakeProject, write_csv
from tests.evaluate.conftest import own_words
from tests.storage.corpus import suggest

TEXTS = [f"{'good' if number % 3 else 'bad'} {own_words(number)}" for number in range(200)]
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


def store(session: Session, scores: dict[int, tuple[float, float]], **facts: Any) -> Run:
    """A run that says this; its number is the next one."""
    number = runs.start(session, "tiny", facts.pop("arguments", {}), [1, 2])
    suggest(session, number, scores)
    runs.change(session, number, folder=f"run-{number}", **facts)
    session.flush()
    session.expire_all()
    return runs.existing(session, number)


def test_intervals_and_calibration_stand_beside_the_scores(database: Database) -> None:
    with database.writing() as session:
        audit = learning.examples(session, audit=True)
        said = {one.review_id: ((0.8, 0.2) if one.label_ids == (1,) else (0.4, 0.6)) for one in audit}
        run = store(session, said, metrics={"temperature": 2.0})
        measured = measure(session, run)
        unknown = measure(session, store(session, said))
    for part in (measured.model, measured.keyword_rule, measured.majority_class):
        assert part is not None
        assert part.macro_f1_low is not None
        assert part.macro_f1_high is not None
        assert part.macro_f1_low <= part.macro_f1 <= part.macro_f1_high
        assert part.micro_f1 is None, "with one label a review it is the accuracy"
    found = measured.calibration
    assert found is not None
    assert found.before is not None
    positives = sum(one.label_ids == (1,) for one in audit)
    shares = positives / len(audit), 1 - positives / len(audit)
    assert found.after.ece == pytest.approx(shares[0] * 0.2 + shares[1] * 0.4, abs=1e-6), "all right, less sure"
    before = 0.8**2 / (0.8**2 + 0.2**2), 0.6**2 / (0.6**2 + 0.4**2)
    assert found.before.ece == pytest.approx(shares[0] * (1 - before[0]) + shares[1] * (1 - before[1]), abs=1e-6)
    assert found.temperature == 2.0
    assert unknown.calibration is not None
    assert (unknown.calibration.before, unknown.calibration.temperature) == (None, None)


def test_while_the_audit_set_is_small_cross_validation_is_what_counts(database: Database) -> None:
    with database.writing() as session:
        audit = learning.examples(session, audit=True)
        trained = learning.examples(session, audit=False)
        assert 20 <= len(audit) < FEWEST_AUDIT
        run = store(session, {one.review_id: (0.9, 0.1) for one in audit}, metrics={"folds": 5})
        assert run.id is not None
        without = measure(session, run)
        said = {one.review_id: (0.9, 0.1) if place % 5 else (0.1, 0.9) for place, one in enumerate(trained)}
        runs.store_out_of_fold(session, run.id, [(one, struct.pack("<2f", *two)) for one, two in said.items()])
        measured = measure(session, run)
    assert not without.by_cross_validation
    assert without.basis == f"Measured on {len(audit)} labelled reviews of the audit set, which is few."
    assert measured.by_cross_validation
    assert measured.basis == (
        f"Measured by 5-fold cross-validation on {len(trained)} labelled reviews, "
        f"because only {len(audit)} of the audit set are labelled. "
        "Where the queue chose hard ones, all reviews come out better."
    )
    found = measured.cross_validation
    assert found is not None
    right = sum((one.label_ids == (1,)) == bool(place % 5) for place, one in enumerate(trained))
    assert (found.size, found.folds, found.model.accuracy) == (len(trained), 5, right / len(trained))
    assert found.majority_class.size == found.keyword_rule.size == found.calibration.after.size == len(trained)
    assert measured.model is not None
    assert measured.model.size == len(audit), "the audit set is still told"
    assert Measured.from_json(json.loads(json.dumps(measured.to_json()))) == measured


@pytest.mark.parametrize(("missed", "said"), [(0.0, "the model, which comes close."), (0.2, "and is worse.")])
def test_a_taught_run_does_not_pass_off_its_teachers_answers_as_its_own(
    database: Database, missed: float, said: str
) -> None:
    with database.writing() as session:
        run = store(session, {}, metrics={"folds": 3, "divergence": missed})
        assert run.id is not None
        trained = learning.examples(session, audit=False)
        runs.store_out_of_fold(session, run.id, [(one.review_id, struct.pack("<2f", 0.9, 0.1)) for one in trained])
        measured = measure(session, run)
    assert measured.basis.endswith(said)
    assert "the answers of what taught" in measured.basis
    assert Measured.from_json(json.loads(json.dumps(measured.to_json()))) == measured


def test_a_review_whose_label_was_taken_back_leaves_the_cross_validation(project: MakeProject) -> None:
    made = project(reviews=[own_words(number) for number in range(12)])
    with made.writing() as session:
        person = annotator_id(session, "ann")
        training = [review.id for review in session.exec(select(Review)) if not review.audit and review.id][:4]
        decisions.decide(session, person, "label", {one: labelled(person, [1]) for one in training})
        run = store(session, {})
        assert run.id is not None
        runs.store_out_of_fold(session, run.id, [(one, struct.pack("<2f", 0.9, 0.1)) for one in training])
        found = measure(session, run)
        assert found.cross_validation is not None
        assert (found.audit_size, found.model, found.cross_validation.size) == (0, None, 4)
        assert "because none of the audit set is labelled" in found.basis
        decisions.decide(session, person, "skip", {training[0]: skipped(person)})
        found = measure(session, run)
        assert found.cross_validation is not None
        assert found.cross_validation.size == 3


def test_records_of_older_versions_are_read(database: Database) -> None:
    with database.reading() as session:
        now = measure(session, None)
    data = json.loads(json.dumps(now.to_json()))
    old = {name: data[name] for name in ("run_id", "audit_size", "model", "keyword_rule", "majority_class")}
    for part in ("keyword_rule", "majority_class"):
        for name in ("macro_f1_low", "macro_f1_high", "micro_f1", "micro_f1_low", "micro_f1_high"):
            del old[part][name]
    read = Measured.from_json(old)
    assert read.keyword_rule is not None
    assert now.keyword_rule is not None
    assert read.keyword_rule.macro_f1 == now.keyword_rule.macro_f1
    assert (read.keyword_rule.macro_f1_low, read.calibration, read.cross_validation) == (None, None, None)


def test_a_cell_of_the_matrix_names_its_reviews_and_browse_finds_the_same(database: Database) -> None:
    with database.writing() as session:
        audit = learning.examples(session, audit=True)
        run = store(session, {one.review_id: (0.9, 0.1) if one.review_id % 3 else (0.1, 0.9) for one in audit})
        measured = measure(session, run)
        assert measured.model is not None
        for row, true in enumerate((1, 2)):
            for column, given in enumerate((1, 2)):
                found = cell(session, run, true, given)
                assert len(found) == measured.model.confusion[row][column] > 0
                assert found == [one.review_id for one in audit if one.label_ids == (true,) and
                                 (2 - bool(one.review_id % 3)) == given]  # fmt: skip
                typed = cell_filter(session, run, true, given)
                assert typed is not None
                assert list(browse.every(session, parse(typed, names_of(session)))) == found
        older = store(session, {audit[0].review_id: (0.9, 0.1)})
        assert cell_filter(session, run, 1, 2) is None, "browse speaks of the run in use"
        assert cell_filter(session, older, 1, 2) is not None
        for wrong in ((1, 7), (None, None)):
            with pytest.raises(LabelloopError, match="no such cell"):
                cell(session, run, *wrong)


def test_with_several_labels_a_cell_is_what_is_missed_or_given_wrongly(project: MakeProject) -> None:
    made = project(multi=True, reviews=[own_words(number) for number in range(60)])
    with made.writing() as session:
        person = annotator_id(session, "ann")
        audit = [review.id for review in session.exec(select(Review)) if review.audit and review.id]
        decisions.decide(session, person, "label", {one: labelled(person, [1, 2]) for one in audit[:3]})
        decisions.decide(session, person, "label", {one: labelled(person, []) for one in audit[3:5]})
        said = [(0.9, 0.9), (0.9, 0.1), (0.1, 0.1), (0.1, 0.1), (0.1, 0.6)]
        run = store(session, dict(zip(audit, said, strict=False)))
        assert cell(session, run, 2, None) == audit[1:3]
        assert cell(session, run, None, 2) == [audit[4]]
        assert cell(session, run, 1, 1) == audit[:2]
        assert cell_filter(session, run, 1, 1) is None
        measured = measure(session, run)
    assert measured.model is not None
    assert measured.model.pairs == ((2, 1, 0), (1, 2, 1)), "of each label: agreed, missed, wrongly given"
    assert Scores.from_json(json.loads(json.dumps(measured.model.to_json()))).pairs == measured.model.pairs
    assert measured.model.micro_f1 == pytest.approx(2 * 3 / (4 + 6))
    assert measured.model.micro_f1_low is not None
    assert measured.calibration is not None
    assert measured.calibration.after.size == 5 * 2
