"""The learning curve of a project's session: what is stored of it, and what is forecast from it."""

from __future__ import annotations

import numpy as np
import pytest

from core import forecasting
from core.evaluate.forecast import Outlook as Kind
from core.evaluate.metrics import scores
from core.forecasting import Recorder
from core.report import Measured
from core.storage import quick_run, runs
from core.storage.database import Database
from tests.conftest import MakeProject, learnable

LABELS = [1, 2]


@pytest.fixture
def database(project: MakeProject) -> Database:
    return project(reviews=[text for text, _ in learnable(250)])


def measured(right: int, size: int) -> Measured:
    """A model that was right about so many audit reviews."""
    true = np.zeros((size, 2), dtype=bool)
    true[:, 0] = True
    said = true.copy()
    said[right:] = ~said[right:]
    found = scores("run 1", ["positive", "negative"], true, said, False)
    return Measured(1, size, found, found, found)


def record(database: Database, recorder: Recorder, labels: int, right: int, size: int, said: int = 0) -> None:
    """A fit with so many labels that says one thing about all reviews but `said` of them."""
    run_id = quick_run.prepare(database, "base", {}, LABELS, "cpu", "fp32")
    probabilities = np.tile(np.array([0.9, 0.1], dtype=np.float32), (1_000, 1))
    probabilities[: 500 + said] = (0.1, 0.9)
    with database.writing() as session:
        quick_run.fitted(session, run_id, labels, "", 0.5, 0.1)
        run = runs.existing(session, run_id)
        recorder.record(session, run, labels, measured(right, size), probabilities)
        session.add(run)


def rising(database: Database) -> Recorder:
    """A session whose accuracy rises steeply."""
    recorder = Recorder()
    for step in range(5):
        labels = 20 * 2**step
        record(database, recorder, labels, round(2_000 * (1 - 2 * labels**-0.5)), 2_000)
    return recorder


def read(database: Database, per_minute: float | None = None) -> forecasting.Outlook:
    with database.reading() as session:
        return forecasting.outlook(session, per_minute)


def test_nothing_is_told_before_anything_is_measured(database: Database) -> None:
    found = read(database)
    assert found.points == ()
    assert found.sentence == ""
    assert found.to_json() is None


def test_a_rising_curve_promises_points_for_labels_at_the_persons_pace(database: Database) -> None:
    rising(database)
    found = read(database, per_minute=10)
    assert [point.labels for point in found.points] == [20 * 2**step for step in range(5)]
    assert found.told.outlook is Kind.HELPS
    assert found.told.more is not None
    assert found.told.more <= 250  # no more reviews are left
    assert found.told.minutes == pytest.approx(found.told.more / 10)
    assert "more labels" in found.sentence
    assert "at your pace" in found.sentence


def test_a_few_audit_reviews_are_no_measure_and_it_is_said_how_many_it_takes(database: Database) -> None:
    recorder = Recorder()
    for labels in range(10, 100, 10):
        record(database, recorder, labels, labels // 10, labels // 10)
    found = read(database)
    assert found.points == ()
    assert found.told.outlook is Kind.UNTOLD
    assert found.sentence == (
        "What more labels bring is measured once 10 reviews of the audit set are labelled: 9 are so far."
    )
    for labels in (100, 120):
        record(database, recorder, labels, labels // 10 - 2, labels // 10)
    found = read(database)
    assert [point.labels for point in found.points] == [100, 120]
    assert found.sentence.startswith("What more labels bring can be told from about 200 labels on")


def test_a_flat_and_stable_curve_says_that_one_can_stop(database: Database) -> None:
    recorder = Recorder()
    for step in range(8):
        record(database, recorder, 40 * 2**step, 9_000, 10_000)
    found = read(database)
    assert found.told.outlook is Kind.HARDLY
    assert found.told.stop
    assert found.sentence.startswith("You can stop: more labels will hardly help")


def test_what_was_measured_with_labels_taken_back_since_does_not_count(database: Database) -> None:
    recorder = rising(database)
    record(database, recorder, 100, 1_600, 2_000)
    assert [point.labels for point in read(database).points] == [20, 40, 80, 100]


def test_another_scheme_begins_another_curve(database: Database) -> None:
    recorder = rising(database)
    run_id = quick_run.prepare(database, "base", {}, [1, 2, 3], "cpu", "fp32")
    with database.writing() as session:
        quick_run.fitted(session, run_id, 1_300, "", 0.5, 0.1)
        run = runs.existing(session, run_id)
        recorder.record(session, run, 1_300, measured(90, 100), np.full((10, 3), 0.3, dtype=np.float32))
        session.add(run)
    assert [point.labels for point in read(database).points] == [1_300]


def test_points_next_to_each_other_count_once(database: Database) -> None:
    recorder = Recorder()
    for labels in range(20, 61):
        record(database, recorder, labels, 80, 100)
    points = read(database).points
    assert points[0].labels == 20
    assert points[-1].labels == 60
    assert len(points) < 12


def test_predictions_that_change_are_no_reason_to_stop(database: Database) -> None:
    recorder = Recorder()
    for step in range(8):
        record(database, recorder, 40 * 2**step, 9_000, 10_000, said=100 * (step % 2))
    found = read(database)
    assert found.told.outlook is Kind.HARDLY
    assert not found.told.stop
