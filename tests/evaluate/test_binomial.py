"""Tails of the binomial distribution, against sums of its exact probabilities."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate.binomial import at_most

CASES = st.integers(0, 80).flatmap(lambda trials: st.tuples(st.integers(-1, trials), st.just(trials)))


@given(case=CASES, percent=st.integers(0, 100))
def test_it_is_the_sum_of_the_exact_probabilities(case: tuple[int, int], percent: int) -> None:
    successes, trials = case
    chance = Fraction(percent, 100)
    exact = sum(comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(successes + 1))
    assert at_most(successes, trials, percent / 100) == pytest.approx(float(exact), rel=1e-9, abs=1e-15)


def test_a_million_trials() -> None:
    below, at = at_most(499_999, 1_000_000, 0.5), at_most(500_000, 1_000_000, 0.5)
    assert below + at == pytest.approx(1, abs=1e-8), "the two tails are each other's mirror image"
    assert at - below == pytest.approx(0.000797884, rel=1e-4), "√(2 / (π n)), by Stirling's formula"


@pytest.mark.parametrize(("trials", "chance"), [(3, -0.1), (3, 1.1), (-1, 0.5)])
def test_what_is_no_distribution_is_refused(trials: int, chance: float) -> None:
    with pytest.raises(ValueError, match="no binomial distribution"):
        at_most(0, trials, chance)
