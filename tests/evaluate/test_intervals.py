"""The Wilson interval holds the shares that the observed one is not surprising under."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate.intervals import wilson

CASES = st.integers(1, 5_000).flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size)))


def solved(right: int, size: int, confidence: float) -> tuple[float, float]:
    """The shares p at which |right/size - p| = z·√(p(1-p)/size), found by halving instead of by the formula."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    observed = right / size

    def surprising(share: float) -> bool:
        return abs(observed - share) > z * sqrt(share * (1 - share) / size)

    def edge(inside: float, outside: float) -> float:
        if not surprising(outside):
            return outside
        for _ in range(200):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if surprising(middle) else (middle, outside)
        return inside

    return edge(observed, 0.0), edge(observed, 1.0)


@given(case=CASES, confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_its_ends_solve_the_equation_that_defines_it(case: tuple[int, int], confidence: float) -> None:
    assert wilson(*case, confidence) == pytest.approx(solved(*case, confidence), abs=1e-9)


@given(case=CASES)
def test_it_holds_the_share_and_mirrors(case: tuple[int, int]) -> None:
    right, size = case
    low, high = wilson(right, size)
    rounding = 1e-12
    assert 0 <= low <= right / size + rounding
    assert right / size - rounding <= high <= 1
    assert low < high
    assert wilson(size - right, size) == pytest.approx((1 - high, 1 - low), abs=1e-12)
    wider, higher = wilson(right, size, 0.99)
    assert wider <= low + rounding
    assert high <= higher + rounding


@pytest.mark.parametrize(("right", "size"), [(1, 0), (0, 0), (-1, 5), (6, 5)])
def test_what_is_no_share_is_refused(right: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"{right} of {size} is no share"):
        wilson(right, size)
