"""Exact tails of the hypergeometric distribution: what a sample drawn at random says about the rest."""

from __future__ import annotations

from math import exp, lgamma

NEGLIGIBLE = 1e-17
"""Terms below this share of the sum so far no longer change it."""


def at_most(found: int, population: int, marked: int, drawn: int) -> float:
    """Probability that of `drawn` things at most `found` are marked, of a population in which so many are.

    Exact but for rounding; the time grows with the standard deviation of the number, not with the population. Raises
    ValueError where more are marked or drawn than there are.
    """
    if not (0 <= marked <= population and 0 <= drawn <= population):
        raise ValueError(f"{drawn} drawn of {population}, {marked} of them marked, is no sample")
    least, most = max(0, drawn - (population - marked)), min(drawn, marked)
    if found < least:
        return 0.0
    if found >= most:
        return 1.0
    if found * (population + 2) < (drawn + 1) * (marked + 1):
        return _sum(found, -1, population, marked, drawn)
    return 1.0 - _sum(found + 1, 1, population, marked, drawn)


def _sum(start: int, step: int, population: int, marked: int, drawn: int) -> float:
    """The sum of probabilities from a number outwards, away from the most probable one, so that they only fall."""
    term = exp(_choices(marked, start) + _choices(population - marked, drawn - start) - _choices(population, drawn))
    total, number, others = 0.0, start, population - marked
    while term > total * NEGLIGIBLE:
        total += term
        if step > 0:
            term *= (marked - number) * (drawn - number) / ((number + 1) * (others - drawn + number + 1))
        else:
            term *= number * (others - drawn + number) / ((marked - number + 1) * (drawn - number + 1))
        number += step
    return min(1.0, total)


def _choices(of: int, some: int) -> float:
    """The logarithm of the number of ways to choose some."""
    return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)
