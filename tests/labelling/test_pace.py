"""The pace is that of the work, breaks left out."""

from __future__ import annotations

import pytest

from core.labelling.pace import FEWEST, PAUSE, REMEMBERED, Pace


def at(*times: float) -> Pace:
    pace = Pace()
    for time in times:
        pace.decide(time)
    return pace


def test_no_pace_is_told_before_there_is_one() -> None:
    few = at(*range(FEWEST))
    assert (few.per_minute, few.minutes_left(100), few.decided) == (None, None, FEWEST)
    assert at(*range(FEWEST + 1)).per_minute is not None


@pytest.mark.parametrize("seconds", [0.5, 2.0, 30.0])
def test_an_even_pace_is_told_as_it_is(seconds: float) -> None:
    pace = at(*(1000 + seconds * number for number in range(10)))
    assert pace.per_minute == pytest.approx(60 / seconds)
    assert pace.minutes_left(120) == pytest.approx(2 * seconds)
    assert pace.minutes_left(0) == 0


def test_a_break_is_not_work() -> None:
    assert at(0, 2, 4, 4 + PAUSE, 6 + PAUSE, 8 + PAUSE).per_minute == pytest.approx(30)


def test_only_the_latest_decisions_count() -> None:
    slow = [10.0 * number for number in range(20)]
    fast = [slow[-1] + number for number in range(1, REMEMBERED + 1)]
    assert at(*slow, *fast).per_minute == pytest.approx(60)


def test_decisions_at_one_and_the_same_moment_give_a_number() -> None:
    pace = at(5, 5, 5, 5, 5)
    assert pace.per_minute is not None
    assert pace.per_minute < 1e6
