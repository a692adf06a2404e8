"""Two runs beside each other: scores on the same reviews, what flipped, and whether one takes the other's place."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from sqlmodel import Session, select

from core.comparison import FEWEST_TO_COMPARE, compare, differences, replaces
from core.errors import ModelError
from core.evaluate.paired import Verdict
from core.files.importing import Choice, import_file
from core.flips import flipped, flips
from core.storage import decisions, journal, learning, runs, scheme, scheme_changes
from core.storage.database import Database, annotator_id
from core.storage.quick_run import DIVERGENCE, LOG_LOSS
from core.storage.states import labelled
from core.storage.tables import Review, Run, RunKind, RunStatus
from tests.conftest import MakeProject, write_csv
from tests.evaluate.conftest import own_words
from tests.storage.corpus import suggest

SURE, OTHER = (0.9, 0.1), (0.2, 0.8)
Scores = dict[int, tuple[float, float]]


@pytest.fixture
def database(project: MakeProject, tmp_path: Path) -> Database:
    """400 reviews, all labelled “positive”."""
    made = project()
    rows = [(own_words(number), "positive") for number in range(400)]
    import_file(made, Choice(write_csv(tmp_path / "a.csv", ["text", "mark"], rows), label_column="mark"), "ann")
    return made


def store(session: Session, scores: Scores, multi: bool = False, **facts: object) -> Run:
    """A run that says this; its number is the next one."""
    number = runs.start(session, "tiny", {"epochs": 3, "seed": 0}, [1, 2])
    suggest(session, number, scores, multi)
    runs.change(session, number, folder=f"run-{number}", **facts)
    session.expire_all()
    return runs.existing(session, number)


def audit_of(session: Session) -> list[int]:
    return [one.review_id for one in learning.examples(session, audit=True)]


def wrong_on(ids: list[int], wrong: list[int]) -> Scores:
    return {one: OTHER if one in wrong else SURE for one in ids}


def test_both_are_scored_on_the_reviews_that_both_know(database: Database) -> None:
    with database.writing() as session:
        audit = audit_of(session)
        first = store(session, wrong_on(audit[:60], audit[:20]))
        second = store(session, wrong_on(audit[10:], audit[10:13] + audit[40:42]))
        found = compare(session, second, first)
        back = compare(session, first, second)
    assert found.audit is not None
    assert back.audit is not None
    assert found.audit.run.size == found.audit.against.size == found.both == 50
    assert (found.audit.run.accuracy, found.audit.against.accuracy) == (45 / 50, 40 / 50)
    assert (found.audit.to_right, found.audit.to_wrong, found.audit.changed) == (7, 2, 9)
    assert (found.audit.paired.fixed, found.audit.paired.broken) == (7, 2)
    assert found.audit.paired.verdict is Verdict.UNDECIDED
    assert found.audit.paired.p == pytest.approx(46 * 2 / 512)
    positive, negative = found.audit.labels
    assert positive.difference == pytest.approx(2 * 45 / 95 - 2 * 40 / 90)
    assert (positive.support, negative.support, negative.difference) == (50, 0, 0)
    assert [(flip.before, flip.after, flip.count) for flip in found.flips] == [
        ("negative", "positive", 7),
        ("positive", "negative", 2),
    ]
    assert (found.changed, back.audit.to_right, back.audit.to_wrong) == (9, 2, 7)
    json.dumps(found.to_json())


def test_a_run_beside_itself_is_identical(database: Database) -> None:
    with database.writing() as session:
        run = store(session, wrong_on(audit_of(session), []))
        found = compare(session, run, run)
    assert found.audit is not None
    assert found.audit.paired.verdict is Verdict.IDENTICAL
    assert (found.changed, found.flips, found.differences) == (0, (), ())


def test_what_differs_is_named(database: Database) -> None:
    with database.writing() as session:
        first = store(session, {}, device="CPU", train_size=100)
        second = store(session, {}, device="GPU", train_size=100, arguments={"epochs": 9, "seed": 0, "freeze": 2})
        told = [(one.name, one.run, one.against) for one in differences(second, first)]
        found = compare(session, second, first)
    assert told == [("epochs", 9, 3), ("freeze", 2, None), ("device", "GPU", "CPU")]
    assert (found.audit, found.both) == (None, 0)
    assert "No labelled audit review has suggestions of both run 2 and run 1" in found.sentence
    unstored = Run(
        status=RunStatus.RUNNING,
        base_model="tiny",
        arguments={},
        label_ids=[1, 2],
        started_at="",
        process_id=1,
        process_started=0.0,
    )
    with pytest.raises(ModelError, match="not stored"), database.reading() as session:
        compare(session, unstored, first)


def test_flips_lead_to_their_reviews_and_leave_out_undone_imports(database: Database, tmp_path: Path) -> None:
    rows = [[own_words(number)] for number in range(1000, 1010)]
    import_file(database, Choice(write_csv(tmp_path / "b.csv", ["text"], rows)), "ann")
    with database.writing() as session:
        ids = [one for one in session.exec(select(Review.id).order_by(Review.id)) if one is not None]  # type: ignore[arg-type]
        first, second = store(session, wrong_on(ids, [])), store(session, wrong_on(ids, ids[5:8] + ids[-4:]))
        assert flips(session, second, first)[:2] == (410, 7)
        assert flipped(session, second, first, 1, 2, limit=99) == ids[5:8] + ids[-4:]
        assert flipped(session, second, first, 1, 2, limit=2) == ids[5:7]
        assert flipped(session, first, second, 1, 2, limit=2) == []
        journal.undo(session)
        assert flips(session, second, first)[:2] == (400, 3)
        assert flipped(session, second, first, 1, 2, limit=99) == ids[5:8]


def test_labels_that_were_merged_since_are_no_flip(project: MakeProject) -> None:
    made = project(labels=("good", "fine", "bad"), reviews=[f"text {number}" for number in range(6)])
    with made.writing() as session:
        first = store(session, dict.fromkeys(range(1, 7), SURE))
        second = store(session, dict.fromkeys(range(1, 7), OTHER))
        assert [(one.before, one.after, one.count) for one in flips(session, second, first)[2]] == [
            ("good", "fine", 6)
        ]
        scheme_changes.merge(session, annotator_id(session, "ann"), 2, 1)
        assert scheme.standing(session)[2] == 1
        assert flips(session, second, first) == (6, 0, ())


def test_with_several_labels_flips_are_labels_gained_and_lost(project: MakeProject) -> None:
    made = project(multi=True, reviews=[own_words(number) for number in range(30)])
    with made.writing() as session:
        ids = list(range(1, 31))
        first = store(session, dict.fromkeys(ids, (0.9, 0.1)), multi=True)
        changed = {1: (0.9, 0.9), 2: (0.1, 0.9), 3: (0.1, 0.1)}
        second = store(session, dict.fromkeys(ids, (0.8, 0.2)) | changed, multi=True)
        both, number, found = flips(session, second, first)
        assert (both, number) == (30, 3)
        assert {(one.before, one.after): one.count for one in found} == {("positive", ""): 2, ("", "negative"): 2}
        assert flipped(session, second, first, 1, None, limit=9) == [2, 3]
        assert flipped(session, second, first, None, 2, limit=1) == [1]
        person = annotator_id(session, "ann")
        audit = [one.id for one in session.exec(select(Review)) if one.audit and one.id is not None]
        decisions.decide(session, person, "label", {one: labelled(person, [1]) for one in audit})
        compared = compare(session, second, first)
    assert compared.audit is not None
    assert compared.audit.run.micro_f1 is not None
    assert compared.audit.paired.size == len(audit)


@pytest.mark.parametrize(
    ("mine", "others", "replaced", "told"),
    [
        (0, 10, True, "Run 2 is better than run 1: 10 reviews of"),
        (10, 0, False, "Run 2 is worse than run 1: 0 reviews of"),
        (2, 1, False, "Whether run 2 is better than run 1 cannot be told yet: 0 reviews of"),
        (1, 2, True, "Whether run 2 is better than run 1 cannot be told yet: 1 review of"),
        (3, 3, True, "Run 2 and run 1 give the same labels to all"),
    ],
)
def test_a_run_that_does_worse_does_not_take_the_place(
    database: Database, mine: int, others: int, replaced: bool, told: str
) -> None:
    with database.writing() as session:
        audit = audit_of(session)
        old, new = store(session, wrong_on(audit, audit[:others])), store(session, wrong_on(audit, audit[:mine]))
        found, sentence = replaces(session, new, old)
    assert len(audit) >= FEWEST_TO_COMPARE
    assert found is replaced
    assert told in sentence
    assert ("Suggestions come from run 2 now." if replaced else "suggestions still come from run 1") in sentence


@pytest.mark.parametrize(("broken", "fixed", "replaced"), [(0, 0, True), (3, 0, True), (4, 0, False), (4, 3, True)])
def test_against_the_quick_learner_a_lower_log_loss_does_not_do_where_the_audit_set_speaks_against_it(
    database: Database, broken: int, fixed: int, replaced: bool
) -> None:
    with database.writing() as session:
        nine = audit_of(session)[:9]
        old = store(session, wrong_on(nine, nine[:fixed]), kind=RunKind.QUICK, metrics={LOG_LOSS: 0.533})
        new = store(session, wrong_on(nine, nine[fixed : fixed + broken]), metrics={LOG_LOSS: 0.529})
        found, sentence = replaces(session, new, old)
    assert found is replaced
    told = f"still come from the quick learner: with run 2 {broken} of 9 audit reviews became wrong and {fixed} right"
    assert ("its log-loss is 0.529" if replaced else told) in sentence


def test_the_two_learners_are_compared_on_reviews_that_both_were_measured_on(database: Database) -> None:
    """What the queue has chosen since the training is hard, and only the quick learner is measured on it."""
    easy, hard = struct.pack("<2f", 0.8, 0.2), struct.pack("<2f", 0.45, 0.55)
    with database.writing() as session:
        learned = [one.review_id for one in learning.examples(session, audit=False)][:100]
        tuned = store(session, {}, metrics={LOG_LOSS: 0.4})
        quick = store(session, {}, kind=RunKind.QUICK, metrics={LOG_LOSS: 0.6})
        assert tuned.id is not None
        assert quick.id is not None
        assert not replaces(session, quick, tuned)[0], "as long as each is known by its own measure alone"
        runs.store_out_of_fold(session, tuned.id, [(one, struct.pack("<2f", 0.7, 0.3)) for one in learned[:40]])
        runs.store_out_of_fold(session, quick.id, [(one, easy if one in learned[:40] else hard) for one in learned])
        found, sentence = replaces(session, quick, tuned)
    assert found
    assert sentence == (
        "Suggestions come from the quick learner now: its log-loss on the 40 reviews that measure both is 0.223, "
        "that of run 1 0.357."
    )


@pytest.mark.parametrize(("divergence", "replaced"), [(0.1, False), (0.2, True)])
def test_a_run_is_worth_less_than_the_teacher_it_was_measured_by(
    database: Database, divergence: float, replaced: bool
) -> None:
    """The teacher's log-loss is 0.357 there, the quick learner's 0.511."""
    with database.writing() as session:
        learned = [one.review_id for one in learning.examples(session, audit=False)][:40]
        tuned = store(session, {}, metrics={LOG_LOSS: 0.357 + divergence, DIVERGENCE: divergence})
        quick = store(session, {}, kind=RunKind.QUICK, metrics={LOG_LOSS: 0.511})
        for run, share in ((tuned, 0.7), (quick, 0.6)):
            assert run.id is not None
            rows = [(one, struct.pack("<2f", share, 1 - share)) for one in learned]
            runs.store_out_of_fold(session, run.id, rows)
        assert replaces(session, quick, tuned)[0] is replaced


def test_too_few_reviews_in_common_hold_nothing_back(database: Database) -> None:
    with database.writing() as session:
        audit = audit_of(session)
        old = store(session, wrong_on(audit, []))
        new = store(session, wrong_on(audit[: FEWEST_TO_COMPARE - 1], audit))
        assert replaces(session, new, old) == (
            True,
            "Suggestions come from run 2 now. Only 19 labelled audit reviews have suggestions of both it and run 1: "
            "too few to compare them.",
        )
        assert replaces(session, old, old) == (True, "Suggestions come from run 1 now.")
        unknown = store(session, {})
        assert replaces(session, unknown, old)[0]
        just_enough = store(session, wrong_on(audit[:FEWEST_TO_COMPARE], audit))
        assert not replaces(session, just_enough, old)[0]
