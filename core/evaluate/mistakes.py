"""Which labels are likely wrong, and how many, from what models say that had not seen them.

A review is a suspect where confident learning says that it is of another class (Northcutt, Jiang and Chuang,
“Confident learning: estimating uncertainty in dataset labels”, JAIR 2021), or where another is simply more probable;
suspects are ordered by the probability of the given label, since ranking by out-of-sample loss finds more mistakes
than elaborate scores (Chong, Hong and Manning, “Detecting label errors by using pre-trained language models”, EMNLP
2022). With confident learning's suspects alone, 58 % of 5 % of labels flipped in cr were found among twice as many,
with both 75 %. The library cleanlab does both, but is under the AGPL and brings scikit-learn and pandas, which the
screen's process never imports.

How many are wrong is not taken from confident learning: it counts what a weak model is wrong about as a mistake of
the label. With 5 % of labels flipped it said 12 % on cr and 14 % on sst2, and 7 and 10 % with none flipped. A model
of flipped labels fitted to the probabilities said 6 and 4 %, and 1 and 0 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import TooFewLabels

FEWEST = 20
"""Labelled reviews from which on mistakes are looked for."""

MOST_FITTED = 10_000
"""Reviews, or pairs of review and label, that the model of flips is fitted to: half a second."""

SLOPES = np.exp(np.linspace(-0.5, 2.0, 26))
"""Slopes of the logits tried: probabilities that were calibrated on wrong labels are too timid."""

SLOPE_BEFORE = (0.25, 0.5)
"""Mean and deviation of the slope's logarithm before anything is seen. With some sixty labels the likelihood alone
makes it as steep as can be wherever the model happens to be right, and calls what is left wrong by more than 0.9."""

RATES = np.concatenate([[0.0], np.geomspace(0.002, 0.5, 45)])
"""Shares of wrong labels tried."""

RATE_BEFORE = 19.0
"""Beta(1, 19) before anything is seen: 5 % wrong on the average. Ten known sets have 3.3 % on the average, up to 10
(Northcutt, Athalye and Mueller, “Pervasive label errors in test sets”, 2021)."""

LEAST_WEIGHT = 1e-4
"""Of a slope and share that chances are averaged over."""

LARGEST_WEIGHT = 0.8
"""Of the worst label of a review of several, as in Thyagarajan et al. 2022."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WrongShare:
    """The share of labels expected to be wrong, 0 to 1, with its 95 % interval."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True)
class Mistakes:
    """What is to be thought of given labels."""

    suspects: NDArray[np.int64]
    """Rows of the suspects, the most likely wrong first."""
    chances: Floats
    """[reviews]: how likely each is wrong, by the model of flips."""
    confidences: Floats
    """[reviews]: probability of what is given; of several labels as `_worst_first` weighs them."""
    proposed: NDArray[np.bool_]
    """[reviews, labels]: what the probabilities speak for."""
    said: Floats
    """[reviews]: the probability of what is proposed."""
    wrong: WrongShare
    """Of reviews; one with several labels is wrong when one of them is."""


def find_mistakes(probabilities: NDArray[np.floating], given: NDArray[np.bool_], multi: bool) -> Mistakes:
    """Look for mistakes among given labels.

    Both are [reviews, labels]; the probabilities are out of sample: of no model that learned from the review. In a
    multi-label scheme each label is a question of its own, and a review is a suspect when one of its answers is
    (Thyagarajan, Snorrason, Northcutt and Mueller, “Identifying incorrect annotations in multi-label classification
    data”, 2022). Raises TooFewLabels for fewer than `FEWEST` reviews.
    """
    if len(given) < FEWEST:
        raise TooFewLabels(
            f"Models have answered for {len(given)} labelled reviews without having seen them; "
            f"mistakes are looked for from {FEWEST} on.",
            "Label some more.",
        )
    said = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    return _of_sets(said, given) if multi else _of_classes(said, given)


def confident_classes(probabilities: Floats, given: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class that each review confidently is, -1 for none; shapes [reviews, classes] and [reviews].

    It is confidently of a class when it is as probable for it as for the reviews that were given the class, on the
    average; of several the most probable one (Northcutt et al. 2021, equation 2).
    """
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(given)), given]
    sums = np.bincount(given, weights=own, minlength=classes)
    counts = np.bincount(given, minlength=classes)
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    above = probabilities >= thresholds - 1e-9
    best = np.where(above, probabilities, -1.0).argmax(axis=1)
    return np.where(above.any(axis=1), best, -1)


def flip_rate(probabilities: Floats, given: NDArray[np.int64]) -> tuple[WrongShare, Floats]:
    """The share of labels that are flipped, and how likely each is; shapes [reviews, classes] and [reviews].

    A label is the true one or, with the same chance for each review, any of the others (Bootkrajang and Kabán,
    “Label-noise robust logistic regression and its applications”, 2012). The slope of the logits is unknown with it:
    flips are what stays improbable however steep they are made. Both are averaged over, as probable as the labels
    make them on a grid; the interval holds 95 % of what the share may be.
    """
    used = np.arange(len(given))
    if len(used) > MOST_FITTED:
        used = np.random.default_rng(0).choice(len(used), MOST_FITTED, replace=False)
    others = max(probabilities.shape[1] - 1, 1)
    logits = np.log(probabilities)
    likely = _before()
    for at, slope in enumerate(SLOPES):
        own = _own(logits[used], given[used], slope)
        for place, rate in enumerate(RATES):
            likely[at, place] += np.log((1 - rate) * own + rate / others * (1 - own) + 1e-12).sum()
    weights = np.exp(likely - likely.max())
    weights /= weights.sum()
    chances = np.zeros(len(given))
    for at in map(int, np.flatnonzero(weights.max(axis=1) > LEAST_WEIGHT)):
        own = _own(logits, given, float(SLOPES[at]))
        for place in map(int, np.flatnonzero(weights[at] > LEAST_WEIGHT)):
            flipped = RATES[place] / others * (1 - own)
            chances += weights[at, place] * flipped / (flipped + (1 - RATES[place]) * own)
    of_rates = weights.sum(axis=0)
    low, high = np.interp([0.025, 0.975], np.cumsum(of_rates), RATES)
    return WrongShare(float(of_rates @ RATES), float(low), float(high)), chances


def _before() -> Floats:
    """[slopes, rates]: logarithms of what is thought of each before a label is seen."""
    mean, deviation = SLOPE_BEFORE
    slopes = -0.5 * ((np.log(SLOPES) - mean) / deviation) ** 2
    ends = np.concatenate([[0.0], (RATES[1:] + RATES[:-1]) / 2, [1.0]])
    return slopes[:, None] + np.log(-np.diff((1 - ends) ** RATE_BEFORE))[None, :]


def _own(logits: Floats, given: NDArray[np.int64], slope: float) -> Floats:
    """Probabilities of the given classes, from logits made steeper."""
    powers = np.exp(slope * (logits - logits.max(axis=1, keepdims=True)))
    own: Floats = powers[np.arange(len(given)), given] / powers.sum(axis=1)
    return own


def _of_classes(said: Floats, given: NDArray[np.bool_]) -> Mistakes:
    labels, rows = given.argmax(axis=1), np.arange(len(given))
    own = said[rows, labels]
    confident = confident_classes(said, labels)
    other = np.where((confident >= 0) & (confident != labels), confident, said.argmax(axis=1))
    proposed = np.zeros_like(given)
    proposed[rows, other] = True
    wrong, chances = flip_rate(said, labels)
    suspects = np.flatnonzero(other != labels)
    return Mistakes(
        suspects[np.argsort(own[suspects], kind="stable")], chances, own, proposed, said[rows, other], wrong
    )


def _of_sets(said: Floats, given: NDArray[np.bool_]) -> Mistakes:
    reviews, labels = given.shape
    pairs = np.stack([1 - said, said], axis=2)
    proposed = given.copy()
    for label in range(labels):
        labels_of_it = given[:, label].astype(np.int64)
        confident = confident_classes(pairs[:, label], labels_of_it)
        sure_of_other = (confident >= 0) & (confident != labels_of_it)
        proposed[:, label] = np.where(sure_of_other, confident == 1, said[:, label] >= 0.5)
    suspects = np.flatnonzero((proposed != given).any(axis=1))
    own = np.where(given, said, 1 - said)
    rate, flipped = flip_rate(pairs.reshape(-1, 2), given.reshape(-1).astype(np.int64))
    chances = 1 - np.prod(1 - flipped.reshape(reviews, labels), axis=1)
    of_reviews = WrongShare(*(1 - (1 - share) ** labels for share in (rate.expected, rate.low, rate.high)))
    worst, instead = _worst_first(own), _worst_first(np.where(proposed, said, 1 - said))
    return Mistakes(
        suspects[np.argsort(worst[suspects], kind="stable")], chances, worst, proposed, instead, of_reviews
    )


def _worst_first(own: Floats) -> Floats:
    """[reviews]: a mean of each row in which the least probable answer weighs most."""
    ordered = np.sort(own, axis=1)[:, ::-1]
    mean = ordered[:, 0]
    for column in ordered.T[1:]:
        mean = LARGEST_WEIGHT * column + (1 - LARGEST_WEIGHT) * mean
    return mean
