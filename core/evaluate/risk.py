"""How many of the suggestions above a threshold are wrong: a promise about those very reviews, from the audit set.

The audit reviews are a sample drawn at random, so of the reviews above a threshold, those labelled for the audit are
a sample without replacement, and the number of wrong ones among the rest follows from the hypergeometric distribution
(Clopper and Pearson's test inversion for a finite population: Buonaccorsi, “A note on confidence intervals for
proportions in finite populations”, The American Statistician 1987). It bounds the wrong ones that are accepted, a
number that is itself random, and not a rate from which they would still scatter; and it needs nothing of the model,
whose probabilities only put the reviews in order.

A threshold that the data choose is found by fixed-sequence testing (“Learn then test”, Angelopoulos, Bates, Candès,
Jordan and Lei 2021): thresholds are tested from strict to lenient in an order settled beforehand, each at the full
level, and the last one before the first that fails is taken. With 50 to 400 audit reviews this accepts two to ten
times as many as a union bound over the thresholds at a stated share of 5 %. The tests begin where the audit reviews
are enough to bear a few mistakes (`_mistakes_borne`): the strictest threshold of all has so few of them that nothing
would ever pass, and where one is enough but two are too many, a single mislabelled audit review ends the tests. With
300 audit reviews and a share of 20 %, 85 % of airline_tweets and 73 % of sst2 are accepted where five are borne, 76
and 57 % where one is.

What is assumed: reviews without a decision are wrong no more often, at the same probability, than reviews drawn at
random. The queue takes out those that models hesitate about, which are the harder ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log

import numpy as np
from numpy.typing import NDArray

from core.evaluate.binomial import at_most as binomial_at_most
from core.evaluate.hypergeometric import at_most

CONFIDENCE = 0.95

SHARES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
"""Shares of wrong ones that are offered to choose from."""

RUNGS = 20
"""Thresholds that are tested, at equal steps of the number of reviews above them."""

MARGIN = 1.1
"""How many times the audit reviews that the first test needs are expected above the first threshold."""

BELIEF = 25
"""Audit reviews that what the probabilities themselves say counts as, where the wrong ones are guessed."""

MOST_MISSING = 20_000
"""Audit labels beyond which it is not said how many are missing."""

MOST_BORNE = 5
"""Mistakes that the first test can bear, at most."""

TINY = 1e-9
"""Against the rounding of a share times a number."""


@dataclass(frozen=True)
class Evidence:
    """Confidences of the reviews that could be accepted, and of labelled audit reviews, both from high to low."""

    pool: NDArray[np.float64]
    audit: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    """Which of the audit reviews were suggested another label than people gave."""

    @classmethod
    def of(cls, pool: NDArray[np.floating], audit: NDArray[np.floating], wrong: NDArray[np.bool_]) -> Evidence:
        """From confidences in any order; `wrong` has the shape and order of `audit`. Raises ValueError otherwise."""
        if audit.shape != wrong.shape or pool.ndim != 1 or audit.ndim != 1:
            raise ValueError(f"{audit.shape} audit reviews, {wrong.shape} times right or wrong")
        order = np.argsort(-audit, kind="stable")
        return cls(-np.sort(-pool.astype(np.float64)), audit[order].astype(np.float64), wrong[order])

    def above(self, threshold: float) -> tuple[int, int, int]:
        """Reviews to accept at this confidence or more, audit reviews, and how many of these are wrong."""
        pool = int(np.searchsorted(-self.pool, -threshold, side="right"))
        audited = int(np.searchsorted(-self.audit, -threshold, side="right"))
        return pool, audited, int(self.wrong[:audited].sum())

    def rungs(self) -> list[float]:
        """The thresholds to test, from strict to lenient.

        They lie at equal steps through all reviews, audited or not: looking at only one of the two would tell which
        reviews the audit has drawn, and the tests must not depend on that.
        """
        both = -np.sort(-np.concatenate([self.pool, self.audit]))
        places = {ceil(len(both) * step / RUNGS) - 1 for step in range(1, RUNGS + 1)} if len(both) else set()
        return sorted({float(both[place]) for place in places}, reverse=True)


@dataclass(frozen=True)
class Promise:
    """What accepting all suggestions at a confidence or more comes to."""

    threshold: float
    accepted: int
    expected_wrong: float
    """The best guess: what the audit found, drawn a little towards what the probabilities say."""
    at_most_wrong: int
    """With the stated confidence no more of the accepted ones are wrong."""
    confidence: float
    audited: int
    """Labelled audit reviews at the threshold or above."""
    found_wrong: int
    """How many of those the suggestion is wrong for."""

    @property
    def share(self) -> float:
        """The most that can be wrong as a share of what is accepted; 0 where nothing is."""
        return self.at_most_wrong / self.accepted if self.accepted else 0.0


def most_wrong(found_wrong: int, audited: int, accepted: int, confidence: float = CONFIDENCE) -> int:
    """The most of `accepted` reviews that are wrong, where a random sample of them and `audited` others has so many.

    Holds with at least this confidence over the drawing of the sample, whatever the reviews are.
    """
    low, high = 0, accepted
    while low < high:
        middle = (low + high + 1) // 2
        if at_most(found_wrong, audited + accepted, found_wrong + middle, audited) > 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low


def at_least(evidence: Evidence, threshold: float, confidence: float = CONFIDENCE) -> Promise:
    """What is promised of all reviews at a threshold that was chosen without looking at the audit labels."""
    accepted, audited, found = evidence.above(threshold)
    most = most_wrong(found, audited, accepted, confidence)
    guess = min(_guess(evidence, accepted, audited, found) * accepted, float(most))
    return Promise(threshold, accepted, guess, most, confidence, audited, found)


def at_most_share(evidence: Evidence, share: float, confidence: float = CONFIDENCE) -> Promise | None:
    """The most reviews of which no larger share is wrong, and their threshold; None where nothing can be promised.

    The confidence holds though the threshold is chosen by the same audit reviews, for a share settled beforehand.
    Raises ValueError for a share outside 0 to 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"{share} is no share of wrong ones to aim at")
    passed: tuple[float, int, int, int] | None = None
    for threshold in _tested(evidence, share, confidence):
        accepted, audited, found = evidence.above(threshold)
        if not _passes(found, audited, accepted, share, confidence):
            break
        passed = threshold, accepted, audited, found
    if passed is None or passed[1] == 0:
        return None
    threshold, accepted, audited, found = passed
    most = floor(share * accepted + TINY)
    guess = min(_guess(evidence, accepted, audited, found) * accepted, float(most))
    return Promise(threshold, accepted, guess, most, confidence, audited, found)


def whichever(evidence: Evidence, threshold: float, confidence: float = CONFIDENCE) -> int:
    """The most wrong ones at a threshold, however it was chosen: after comparing promises, or by what looked best.

    A union bound over all rungs, of which the next one below the threshold counts.
    """
    rungs = evidence.rungs()
    below = next((rung for rung in rungs if rung <= threshold), threshold)
    accepted, audited, found = evidence.above(below)
    most = most_wrong(found, audited, accepted, 1 - (1 - confidence) / max(1, len(rungs)))
    return min(most, evidence.above(threshold)[0])


def missing_labels(evidence: Evidence, share: float, confidence: float = CONFIDENCE) -> int | None:
    """About how many more audit labels it would take to promise the share for the most probable reviews, in tens.

    Supposes that further audit reviews are wrong as often as is guessed now. None where that is too often.
    """
    everything, fewest = len(evidence.pool) + len(evidence.audit), None
    for threshold in evidence.rungs():
        accepted, audited, found = evidence.above(threshold)
        rate = _guess(evidence, accepted, audited, found)
        if not accepted or rate >= share:
            continue
        more = _more(found, audited, accepted, rate, share, confidence)
        if more is not None:
            labels = ceil(more * everything / (accepted + audited))
            fewest = labels if fewest is None else min(fewest, labels)
    return ceil(fewest / 10) * 10 if fewest is not None and fewest <= MOST_MISSING else None


def _more(found: int, audited: int, accepted: int, rate: float, share: float, confidence: float) -> int | None:
    """How many more audit reviews above a threshold would make its test pass."""
    more = 1
    while not _passes(found + ceil(rate * more - TINY), audited + more, accepted, share, confidence):
        more = ceil(more * 1.05) if more > 20 else more + 1
        if more > MOST_MISSING:
            return None
    return more


def _tested(evidence: Evidence, share: float, confidence: float) -> list[float]:
    """The rungs from which on tests can pass; which one is first depends on numbers of reviews alone."""
    labelled, rungs = len(evidence.audit), evidence.rungs()
    needed = _needed(_mistakes_borne(labelled, share, confidence), share, confidence)
    everything = len(evidence.pool) + labelled
    both = -np.sort(-np.concatenate([evidence.pool, evidence.audit]))
    above = [int(np.searchsorted(-both, -rung, side="right")) for rung in rungs]
    first = next((place for place, many in enumerate(above) if labelled * many >= needed * MARGIN * everything), None)
    if first is None:
        return rungs[-1:]
    return rungs[first:]


def _passes(found: int, audited: int, accepted: int, share: float, confidence: float) -> bool:
    """Whether a larger share of the accepted being wrong is refuted by so few wrong ones in the audit."""
    too_many = floor(share * accepted + TINY) + 1
    if too_many > accepted:
        return True
    return at_most(found, audited + accepted, found + too_many, audited) <= 1 - confidence


def _mistakes_borne(labelled: int, share: float, confidence: float) -> int:
    """How many mistakes the first test is to bear: several if a quarter of the audit reviews do, one if half do."""
    for mistakes in range(MOST_BORNE, 1, -1):
        if _needed(mistakes, share, confidence) <= labelled / 4:
            return mistakes
    return int(_needed(1, share, confidence) <= labelled / 2)


def _needed(mistakes: int, share: float, confidence: float) -> int:
    """The fewest audit reviews that refute a larger share though so many of them are wrong."""
    many = ceil(log(1 - confidence) / log(1 - share))
    while binomial_at_most(mistakes, many, share) > 1 - confidence:
        many += 1
    return many


def _guess(evidence: Evidence, accepted: int, audited: int, found: int) -> float:
    """The share of wrong ones to expect."""
    said = float(np.mean(1 - evidence.pool[:accepted])) if accepted else 0.0
    return (found + BELIEF * said) / (audited + BELIEF)
