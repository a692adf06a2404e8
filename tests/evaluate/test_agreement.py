"""Agreement with oneself: known values, honest intervals."""

from __future__ import annotations

import random

import pytest

from core.evaluate.agreement import agreement, difference


def test_kappa_is_the_textbook_value() -> None:
    """Cohen's kappa of the table 20, 5, 10, 15 is 0.4."""
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = agreement(first, second)
    assert (found.reviews, found.same, found.share) == (50, 35, 0.7)
    assert found.kappa == pytest.approx(0.4)
    assert found.kappa_low is not None
    assert found.kappa_high is not None
    # The large-sample standard error is 0.13 (Fleiss, Cohen and Everitt 1969).
    assert found.kappa_low == pytest.approx(0.4 - 1.96 * 0.13, abs=0.05)
    assert found.kappa_high == pytest.approx(0.4 + 1.96 * 0.13, abs=0.05)


def test_full_agreement_on_few_reviews_promises_little() -> None:
    found = agreement(["a", "b"] * 3, ["a", "b"] * 3)
    assert found.kappa == 1
    assert found.kappa_low is not None
    assert found.kappa_low < 0.4


def test_one_answer_throughout_has_no_kappa() -> None:
    found = agreement(["a"] * 9, ["a"] * 9)
    assert (found.kappa, found.share) == (None, 1.0)


def test_nothing_or_halves_of_different_length_are_refused() -> None:
    for first, second in (([], []), (["a"], ["a", "b"])):
        with pytest.raises(ValueError, match="two answers"):
            agreement(first, second)


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    draw = random.Random(4)
    held = 0
    for _ in range(60):
        first = [draw.random() < 0.4 for _ in range(80)]
        second = [one if draw.random() < 0.85 else not one for one in first]
        found = agreement(first, second)
        # 85 % the same; by chance 0.4 · 0.43 + 0.6 · 0.57.
        held += found.kappa_low <= (0.85 - 0.514) / (1 - 0.514) <= found.kappa_high  # type: ignore[operator]
    assert held >= 54


def test_the_difference_of_two_shares_is_newcombes() -> None:
    """The example of Newcombe 1998: 56 of 70 against 48 of 80."""
    low, high = difference(56, 70, 48, 80)
    assert low == pytest.approx(0.0524, abs=5e-4)
    assert high == pytest.approx(0.3339, abs=5e-4)
