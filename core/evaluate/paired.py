"""Whether one way of labelling is better than another on the same reviews, or whether that cannot be told yet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, log10, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from core.evaluate.binomial import at_most
from core.evaluate.f1 import f1, macro_f1, outcomes, summed
from core.evaluate.intervals import bootstrap, ends

SIGNIFICANT = 0.05
"""p-value below which a difference is believed."""

POWER = 0.8
"""Chance with which the number of labels that is named shows the difference."""

MOST_LABELS = 5_000
"""Further audit labels above which two runs are called alike for all that can be seen."""


class Verdict(StrEnum):
    """What a paired test says of the first of two."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "cannot be told yet"
    IDENTICAL = "identical"
    """They give the same labels to every review."""


@dataclass(frozen=True)
class Paired:
    """Two ways of labelling on the same reviews."""

    verdict: Verdict
    """Of the first one."""
    size: int
    fixed: int
    """Reviews the first one has right and the second wrong; multi-label: on which it has fewer labels wrong."""
    broken: int
    """The other way about."""
    p: float
    """Two-sided p-value of McNemar's exact test: were neither better, the chance of a split this uneven or more."""
    macro_f1_difference: float
    """The first's minus the second's."""
    macro_f1_low: float
    """Lower end of the 95 % paired bootstrap interval of that difference."""
    macro_f1_high: float
    more: int | None
    """Further audit labels that would probably tell, if the difference is what it seems; None where told, or no
    number can be named."""


def mcnemar(fixed: int, broken: int) -> float:
    """Two-sided p-value of the exact test for reviews that changed one way and the other.

    McNemar, “Note on the sampling error of the difference between correlated proportions or percentages” (1947), by
    the binomial distribution instead of its approximation. 1.0 where nothing changed.
    """
    return min(1.0, 2 * at_most(min(fixed, broken), fixed + broken, 0.5))


def compare(true: NDArray[np.bool_], first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Paired:
    """Whether `first` labels better than `second`; all of shape [reviews, labels]. Raises ValueError without reviews.

    In a multi-label scheme a review counts for whoever has fewer of its labels wrong, which makes the test the exact
    sign test; with one label a review it is McNemar's.
    """
    if len(true) == 0:
        raise ValueError("nothing to measure on")
    errors = (true != first).sum(axis=1), (true != second).sum(axis=1)
    fixed, broken = int((errors[0] < errors[1]).sum()), int((errors[0] > errors[1]).sum())
    p = mcnemar(fixed, broken)
    both = [outcomes(true, first), outcomes(true, second)]
    (mine,), (others,) = bootstrap(both, [macro_f1])
    low, high = ends(mine - others)
    totals = [summed(one) for one in both]
    verdict = _verdict(fixed, broken, p, bool((first == second).all()))
    return Paired(
        verdict=verdict,
        size=len(true),
        fixed=fixed,
        broken=broken,
        p=p,
        macro_f1_difference=float(macro_f1(totals[0]) - macro_f1(totals[1])),
        macro_f1_low=low,
        macro_f1_high=high,
        more=labels_to_tell(fixed, broken, len(true)) if verdict is Verdict.UNDECIDED else None,
    )


def f1_differences(
    true: NDArray[np.bool_], first: NDArray[np.bool_], second: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The first's F1 of each label minus the second's, shape [labels]."""
    mine, others = (f1(summed(outcomes(true, one))) for one in (first, second))
    difference: NDArray[np.float64] = mine - others
    return difference


def _verdict(fixed: int, broken: int, p: float, same: bool) -> Verdict:
    if same:
        return Verdict.IDENTICAL
    if p >= SIGNIFICANT:
        return Verdict.UNDECIDED
    return Verdict.BETTER if fixed > broken else Verdict.WORSE


def labels_to_tell(fixed: int, broken: int, size: int) -> int | None:
    """About how many further audit labels would show a difference like the observed one, in POWER of all cases.

    Sample size of McNemar's test (Miettinen 1968, Connor 1987), with one review added to either side so that a few
    lucky ones promise less. Rounded to one or two digits; None where the split is even or it takes MOST_LABELS.
    """
    changed = fixed + broken
    if fixed == broken:
        return None
    share = (max(fixed, broken) + 1) / (changed + 2)
    normal = NormalDist()
    reach = normal.inv_cdf(1 - SIGNIFICANT / 2) / 2 + normal.inv_cdf(POWER) * sqrt(share * (1 - share))
    needed = (reach / (share - 0.5)) ** 2 * size / changed
    more = max(needed - size, 1.0)
    step = 10 ** max(1, int(log10(more)) - 1)
    rounded = ceil(more / step) * step
    return rounded if rounded <= MOST_LABELS else None


def sentence(paired: Paired, first: str, second: str, multi: bool) -> str:
    """The verdict in words; the names are such as “run 7”."""
    of = f"{paired.size:,} {'review' if paired.size == 1 else 'reviews'}"
    if paired.verdict is Verdict.IDENTICAL:
        return f"{_capital(first)} and {second} give the same labels to all {of}."
    if multi:
        counts = f"on {paired.fixed:,} of {of} fewer labels are wrong, on {paired.broken:,} more"
    else:
        were = "review" if paired.fixed == 1 else "reviews"
        counts = (
            f"{paired.fixed:,} {were} of {paired.size:,} changed from wrong to right, {paired.broken:,} the other way"
        )
    told = f"{counts} (p {_p(paired.p)})"
    if paired.verdict is not Verdict.UNDECIDED:
        return f"{_capital(first)} is {paired.verdict} than {second}: {told}."
    return f"Whether {first} is better than {second} cannot be told yet: {told}. {_outlook(paired)}"


def _outlook(paired: Paired) -> str:
    if paired.more is not None:
        return f"If the difference is what it seems, about {paired.more:,} more audit labels would probably tell."
    return "On these reviews they are so alike that no number of further labels can be named."


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _p(p: float) -> str:
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"
