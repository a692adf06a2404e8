"""Jobs that wait are done in the order they came, and can be cancelled."""

from __future__ import annotations

from core.worker.line_up import LineUp
from core.worker.requests import Export, Train

FIRST, SECOND, THIRD = Train("a.db"), Train("a.db", {"seed": 1}), Export("a.db", "out.csv")


def test_jobs_come_in_their_order_and_a_cancelled_one_does_not_come() -> None:
    line_up = LineUp()
    assert line_up.next() is None
    numbers = [line_up.add(request).number for request in (FIRST, SECOND, THIRD)]
    assert [waiting.request for waiting in line_up.waiting] == [FIRST, SECOND, THIRD]
    assert line_up.cancel(numbers[1])
    assert not line_up.cancel(numbers[1]), "it does not wait any more"
    assert len(line_up) == 2
    assert [line_up.next(), line_up.next(), line_up.next()] == [FIRST, THIRD, None]


def test_equal_requests_are_told_apart_by_their_numbers() -> None:
    line_up = LineUp()
    first, second = line_up.add(FIRST), line_up.add(FIRST)
    assert line_up.cancel(second.number)
    assert line_up.waiting == (first,)
    assert line_up.add(FIRST).number not in (first.number, second.number)


def test_a_closed_project_leaves_nothing_waiting() -> None:
    line_up = LineUp()
    line_up.add(FIRST)
    line_up.add(SECOND)
    assert line_up.clear() == 2
    assert (len(line_up), line_up.next()) == (0, None)
