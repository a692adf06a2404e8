"""When a training starts by itself, and when never."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.worker.retraining import FEWEST, Situation, Wanted, due, on_battery

BY_LABELS = Wanted(after_labels=100)
BY_TIME = Wanted(after_minutes=30)


@pytest.mark.parametrize(
    ("wanted", "now", "is_due", "sentence"),
    [
        (Wanted(), Situation(5_000, 5_000), False, "Training by itself is off."),
        (BY_LABELS, Situation(100, 0), True, "There are 100 new labels."),
        (BY_LABELS, Situation(99, 5_000), False, "Waiting for 1 more labels."),
        (BY_TIME, Situation(20, 30), True, "There are 20 new labels, and 30 minutes have passed."),
        (BY_TIME, Situation(5_000, 29), False, "Waiting for 1 more minutes."),
        (BY_TIME, Situation(19, 5_000), False, "There are 19 new labels, fewer than 20."),
        (Wanted(100, 30), Situation(50, 10), False, "Waiting for 50 more labels or 20 more minutes."),
        (Wanted(after_labels=5), Situation(10, 0), False, "There are 10 new labels, fewer than 20."),
        (BY_LABELS, Situation(500, 60, on_battery=True), False, "The machine runs on its battery."),
        (BY_LABELS, Situation(500, 60, quiet=True), False, "Quiet is asked for."),
        (BY_LABELS, Situation(500, 60, busy=True), False, "A job is running."),
        (BY_LABELS, Situation(500, 60, unchanged=True), False, "These annotations have been trained on."),
        (
            BY_LABELS,
            Situation(500, 60, new_when_failed=500),
            False,
            "The last training did not finish; the next one waits for more labels.",
        ),
        (BY_LABELS, Situation(501, 60, new_when_failed=500), True, "There are 501 new labels."),
    ],
)
def test_due(wanted: Wanted, now: Situation, is_due: bool, sentence: str) -> None:
    assert due(wanted, now) == (is_due, sentence)


SITUATIONS = st.builds(
    Situation,
    new_labels=st.integers(0, 10_000),
    minutes_since=st.floats(0, 1e5),
    on_battery=st.booleans(),
    quiet=st.booleans(),
    busy=st.booleans(),
    unchanged=st.booleans(),
    new_when_failed=st.none() | st.integers(0, 10_000),
)


@given(wanted=st.builds(Wanted, st.integers(0, 1_000), st.floats(0, 1e4)), now=SITUATIONS)
def test_it_never_starts_where_it_would_be_in_the_way(wanted: Wanted, now: Situation) -> None:
    is_due, sentence = due(wanted, now)
    assert sentence.endswith(".")
    if is_due:
        assert wanted.anything
        assert not any((now.on_battery, now.quiet, now.busy, now.unchanged))
        assert now.new_labels >= FEWEST
        assert due(wanted, replace(now, new_when_failed=now.new_labels))[0] is False, "not twice after a failure"


def test_a_machine_without_a_battery_is_not_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    class Battery:
        def __init__(self, plugged: bool | None) -> None:
            self.power_plugged = plugged

    for found, expected in ((None, False), (Battery(True), False), (Battery(False), True), (Battery(None), False)):
        monkeypatch.setattr(psutil, "sensors_battery", lambda found=found: found, raising=False)
        assert on_battery() is expected
    monkeypatch.delattr(psutil, "sensors_battery")
    assert on_battery() is False
