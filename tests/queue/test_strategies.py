"""The reviews a model hesitates about come first, and no review is lost or comes twice."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.queue.strategies import Margin, MultiLabelMargin, interleaved, margins, multi_label_margins


def table(rows: list[list[float]]) -> NDArray[np.float32]:
    return np.array(rows, dtype=np.float32)


PROBABILITIES = (
    st.integers(1, 5)
    .flatmap(
        lambda labels: st.lists(
            st.lists(st.floats(0, 1, width=32), min_size=labels, max_size=labels), min_size=1, max_size=20
        )
    )
    .map(table)
)


def test_the_margin_is_between_the_two_most_probable_labels() -> None:
    found = margins(table([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.375, 0.25, 0.375], [0, 0, 1]]))
    assert found.tolist() == [0.25, 0.625, 0.0, 1.0]


def test_the_closest_call_comes_first_and_equals_keep_their_order() -> None:
    rows = table([[0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0.625, 0.375], [0.5, 0.5]])
    assert Margin().rank(rows).tolist() == [1, 4, 3, 0, 2]


def test_with_several_labels_the_one_nearest_to_one_half_decides() -> None:
    rows = table([[0, 1, 0], [0.875, 0.375, 0], [0.5, 1, 1], [0.125, 0.75, 0.875]])
    assert multi_label_margins(rows).tolist() == [1.0, 0.25, 0.0, 0.5]
    assert MultiLabelMargin().rank(rows).tolist() == [2, 1, 3, 0]


def test_one_label_is_never_a_close_call() -> None:
    assert margins(table([[0.5], [0.25]])).tolist() == [1.0, 1.0]
    assert Margin().rank(table([[0.5], [0.25]])).tolist() == [0, 1]


def test_nothing_to_rank_is_no_error() -> None:
    nothing = np.zeros((0, 3), dtype=np.float32)
    assert Margin().rank(nothing).tolist() == MultiLabelMargin().rank(nothing).tolist() == []


@pytest.mark.parametrize("strategy", [Margin(), MultiLabelMargin()])
@given(rows=PROBABILITIES)
def test_every_review_has_one_place_and_the_same_input_the_same_order(
    strategy: Margin | MultiLabelMargin, rows: NDArray[np.float32]
) -> None:
    before = rows.copy()
    order = strategy.rank(rows)
    assert sorted(order.tolist()) == list(range(len(rows)))
    assert order.tolist() == strategy.rank(rows).tolist()
    assert np.array_equal(rows, before), "the probabilities are left as they were"
    gaps = [sorted(row)[-1] - sorted(row)[-2] if len(row) > 1 else 1 for row in rows.tolist()]
    if isinstance(strategy, MultiLabelMargin):
        gaps = [min(abs(value - 0.5) for value in row) for row in rows.tolist()]
    ranked = [gaps[position] for position in order.tolist()]
    assert all(earlier <= later + 1e-6 for earlier, later in pairwise(ranked))


def mix(main: list[int], drawn: list[int], every: int) -> list[tuple[int, bool]]:
    return interleaved(np.array(main, dtype=np.int64), np.array(drawn, dtype=np.int64), every)


def test_every_third_place_is_drawn() -> None:
    mixed = mix([0, 1, 2, 3], [10, 11], 3)
    assert mixed == [(0, False), (1, False), (10, True), (2, False), (3, False), (11, True)]


def test_when_one_order_is_used_up_the_other_goes_on() -> None:
    assert mix([0], [10, 11, 12], 2) == [(0, False), (10, True), (11, True), (12, True)]
    assert mix([0, 1, 2], [], 2) == [(0, False), (1, False), (2, False)]
    assert mix([], [], 2) == []


def test_a_review_in_both_orders_comes_once() -> None:
    assert mix([0, 1, 2], [0, 2], 2) == [(0, False), (2, True), (1, False)]


@given(
    main=st.lists(st.integers(0, 20), unique=True, max_size=15),
    drawn=st.lists(st.integers(0, 20), unique=True, max_size=15),
    every=st.integers(1, 6),
)
def test_mixing_loses_nothing_and_keeps_both_orders(main: list[int], drawn: list[int], every: int) -> None:
    mixed = mix(main, drawn, every)
    positions = [position for position, _ in mixed]
    assert sorted(positions) == sorted({*main, *drawn})
    for order, flag in ((main, False), (drawn, True)):
        from_it = [position for position, came in mixed if came is flag]
        assert from_it == [position for position in order if position in set(from_it)]
    if not set(main) & set(drawn):
        full = min(len(mixed), every * min(len(main) // max(every - 1, 1), len(drawn))) if every > 1 else len(drawn)
        assert all(came == (place % every == every - 1) for place, (_, came) in enumerate(mixed[:full]))
