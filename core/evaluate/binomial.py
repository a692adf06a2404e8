"""Exact tails of the binomial distribution, stable for a million trials as for ten."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

SMALLEST = 1e-300
"""Stands for zero inside the continued fraction."""

CONVERGED = 1e-15

MOST_TERMS = 100_000
"""The fraction needs about the square root of the number of trials."""


def at_most(successes: int, trials: int, chance: float) -> float:
    """Probability of at most so many successes, each trial succeeding with `chance`; exact but for rounding.

    Raises ValueError for a chance outside 0 to 1 or a negative number of trials.
    """
    if not 0 <= chance <= 1 or trials < 0:
        raise ValueError(f"{trials} trials of chance {chance} are no binomial distribution")
    if successes < 0:
        return 0.0
    if successes >= trials:
        return 1.0
    return incomplete_beta(1 - chance, trials - successes, successes + 1)


def incomplete_beta(at: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_at(a, b), for a, b > 0 and `at` from 0 to 1.

    By its continued fraction (DLMF 8.17.22, https://dlmf.nist.gov/8.17), evaluated by Lentz's method as modified by
    Thompson and Barnett (1986); of I_x(a, b) and 1 - I_{1-x}(b, a) the one that converges quickly.
    """
    if at <= 0.0 or at >= 1.0:
        return 0.0 if at <= 0.0 else 1.0
    if at > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(1.0 - at, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(at) + b * log1p(-at))
    return min(1.0, front / a * _fraction(at, a, b))


def _fraction(at: float, a: float, b: float) -> float:
    ratio = 1.0 / _off_zero(1.0 - (a + b) * at / (a + 1))
    last, value = 1.0, ratio
    for m in range(1, MOST_TERMS):
        even = m * (b - m) * at / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * at / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for term in (even, odd):
            ratio = 1.0 / _off_zero(1.0 + term * ratio)
            last = _off_zero(1.0 + term / last)
            step = ratio * last
            value *= step
        if abs(step - 1.0) < CONVERGED:
            break
    return value


def _off_zero(value: float) -> float:
    return value if abs(value) > SMALLEST else SMALLEST
