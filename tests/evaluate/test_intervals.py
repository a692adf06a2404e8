"""Intervals hold the shares and scores that the observed one is not surprising under."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate.binomial import at_most
from core.evaluate.f1 import macro_f1, micro_f1, outcomes, summed
from core.evaluate.intervals import clopper_pearson, macro_f1_interval, micro_f1_interval, wilson
from core.evaluate.metrics import indicator

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


@pytest.mark.parametrize(
    ("right", "size", "low", "high"),
    [
        (3, 50, 0.0125485878, 0.1654819466),
        (81, 263, 0.2527367456, 0.3676219226),
        (0, 30, 0.0, 1 - 0.025 ** (1 / 30)),
        (10, 10, 0.025 ** (1 / 10), 1.0),
    ],
)
def test_known_clopper_pearson_intervals(right: int, size: int, low: float, high: float) -> None:
    assert clopper_pearson(right, size) == pytest.approx((low, high), abs=1e-9)


@given(case=CASES)
def test_the_exact_interval_leaves_half_of_the_rest_on_each_side(case: tuple[int, int]) -> None:
    right, size = case
    low, high = clopper_pearson(right, size)
    assert low <= right / size <= high
    assert right == 0 or 1 - at_most(right - 1, size, low) == pytest.approx(0.025, rel=1e-5)
    assert right == size or at_most(right, size, high) == pytest.approx(0.025, rel=1e-5)
    with pytest.raises(ValueError, match="is no share"):
        clopper_pearson(size + 1, size)


def labelled(seed: int, size: int, multi: bool) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted labels drawn at random: three labels, the model right in four cases of five."""
    draw = np.random.default_rng(seed)
    if multi:
        true = draw.random((size, 3)) < [0.5, 0.3, 0.2]
        return true, true ^ (draw.random((size, 3)) < 0.1)
    truth = draw.choice(3, size, p=[0.5, 0.3, 0.2])
    said = np.where(draw.random(size) < 0.8, truth, draw.integers(0, 3, size))
    return indicator([[int(one)] for one in truth], 3), indicator([[int(one)] for one in said], 3)


@pytest.mark.parametrize("multi", [False, True])
def test_the_bootstrap_interval_covers_what_very_many_reviews_give(multi: bool) -> None:
    of = macro_f1 if not multi else micro_f1
    interval = macro_f1_interval if not multi else micro_f1_interval
    truth = float(of(summed(outcomes(*labelled(999, 200_000, multi)))))
    held = 0
    for seed in range(120):
        low, high = interval(*labelled(seed, 150, multi))
        held += low <= truth <= high
    assert 0.88 <= held / 120 <= 1.0


def test_the_bootstrap_gives_the_same_interval_each_time_and_a_narrower_one_for_more_reviews() -> None:
    few, many = (macro_f1_interval(*labelled(1, size, multi=False)) for size in (100, 1_600))
    assert macro_f1_interval(*labelled(1, 100, multi=False)) == few
    assert (few[1] - few[0]) / (many[1] - many[0]) == pytest.approx(4, rel=0.35)
    wider = macro_f1_interval(*labelled(1, 100, multi=False), confidence=0.99)
    assert wider[0] < few[0] < few[1] < wider[1]


def test_all_right_is_not_said_to_be_certain() -> None:
    true, _ = labelled(1, 20, multi=False)
    low, high = macro_f1_interval(true, true)
    assert (low, high) == pytest.approx((wilson(20, 20)[0], 1.0))
    low, high = macro_f1_interval(true, np.roll(true, 1, axis=1))
    assert (low, high) == pytest.approx((0.0, wilson(0, 20)[1]))
    with pytest.raises(ValueError, match="nothing to measure on"):
        macro_f1_interval(true[:0], true[:0])
