"""The quick learner: ridge classification over frozen features.

Logistic regression on the same features is as accurate (mean of cr, sst2, trec, airline_tweets and ag_news_lower at
64 and 256 labels: within half a point), and its log-loss was higher at 256.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import TooFewLabels
from core.training.quick.solving import PENALTIES, Floats, Solution, Solver, log_loss, probabilities, shares_of, unit
from core.training.quick.space import Space

HINTED = 400
"""Labelled reviews up to which a hint is thought of: with more they say it themselves."""

MOST_HINTED = 40_000
"""Labelled reviews times classes up to which it is looked at closely: of 256 reviews and 77 classes it takes half a
second. Of more it is tried with `FEWER_TRUSTS` and one penalty: not at all would be a fall back."""

TRUSTS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""How far a hint may be believed: by how many of the labels' deviations it moves an answer."""

FEWER_TRUSTS = (0.2, 0.8)
"""The same where each try is costly."""

MORE_PENALTIES = 3
"""How many penalties are tried beside a hint, from the best one without it on: there is less left to learn."""

BLURRED = 3.0
"""Nats of summed leave-one-out log-loss that count as one: those of a few reviews are chance. With 1 the log-loss of
airline_tweets at 16 labels was 0.794, with 2 0.765, with 4 0.747; of ag_news_lower with 2 0.604, with 4 0.630."""

HINT_BELIEF = 0.3
"""How probable it is, before any label, that a hint is of use."""

FEWEST = 2
"""Labelled reviews, and classes among them, without which there is nothing to tell apart."""

MOST = 4_000
"""Labelled reviews that are fitted to: the time grows with their cube, and 4,000 take some seconds."""


@dataclass(frozen=True)
class QuickModel:
    """A fitted quick learner."""

    space: Space
    weights: NDArray[np.float32]
    """[coordinates of the space, classes]."""
    shares: Floats
    """[classes]: how frequent the labels are, smoothed."""
    multi_label: bool
    out_of_fold: NDArray[np.float32]
    """[n, classes]: calibrated probabilities of the labelled reviews by fits that had not seen them."""
    out_of_sample_log_loss: float
    """Nats a review, of `out_of_fold`; multi-label: a review and label."""

    def predict(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Calibrated probabilities [m, classes] of reviews with these features [m, dimensions]."""
        said = self.space.coordinates(features, self.space.has_opinion) @ self.weights
        return probabilities(said.astype(np.float64), self.shares, self.multi_label)

    def speaks_for(self, vectors: NDArray[np.floating], column: int) -> Floats:
        """How much each of these vectors [tokens, dimensions without the opinion] speaks for a class rather than
        the others; up to a factor, what the class says of their mean is the mean of this."""
        opinion = np.zeros((len(vectors), 1), dtype=vectors.dtype)
        said = (
            self.space.coordinates(np.concatenate([vectors, opinion], axis=1), self.space.has_opinion) @ self.weights
        )
        others = np.zeros(len(said)) if self.multi_label else (said.sum(axis=1) - said[:, column])
        return np.asarray(said[:, column] - others / max(said.shape[1] - 1, 1), dtype=np.float64)


def fit(
    features: NDArray[np.floating],
    targets: NDArray[np.generic],
    classes: int,
    multi_label: bool,
    pool: NDArray[np.floating] | Space,
    hints: Sequence[NDArray[np.floating]] = (),
    seed: int = 0,
) -> QuickModel:
    """Fit to labelled reviews.

    `features` is [n, dimensions], `targets` [n] class indices or [n, classes] zeros and ones, `pool` features of any
    reviews, or the `Space` made of them, `hints` directions that the labels' names point to (see `names`). Of more
    than `MOST` reviews that many are drawn by `seed`; `out_of_fold` has rows for all. Raises `TooFewLabels` for fewer
    than two reviews or a single class.
    """
    truth = np.asarray(targets, dtype=np.float64) if multi_label else np.eye(classes)[targets.astype(np.int64)]
    if len(truth) < FEWEST or len(np.unique(truth, axis=0)) < FEWEST:
        raise TooFewLabels(
            "All labelled reviews are of one class." if len(truth) >= FEWEST else "Too few reviews are labelled.",
            "Label some more reviews, of at least two classes.",
        )
    space = pool if isinstance(pool, Space) else Space.of(pool)
    used = np.arange(len(truth))
    if len(used) > MOST:
        used = np.sort(np.random.default_rng(seed).choice(len(used), MOST, replace=False))
    labels, shares = truth[used], shares_of(truth, multi_label)
    others = shares_of(truth, multi_label, labels)
    x = space.coordinates(features[used], space.has_opinion)
    weights, left_out = _solve(
        x,
        space.has_opinion,
        labels,
        others,
        unit(shares, multi_label),
        multi_label,
        hints if len(used) <= HINTED else (),
    )
    said = probabilities(left_out, others, multi_label)
    model = QuickModel(space, weights, shares, multi_label, said, log_loss(said, labels, multi_label))
    if len(used) == len(truth):
        return model
    everything = model.predict(features)
    everything[used] = said
    return replace(model, out_of_fold=everything)


@dataclass(frozen=True)
class _Tried:
    solution: Solution
    belief: float
    """The logarithm of how probable it was before any label."""
    columns: int
    """Of the coordinates, how many it looks at: with the opinion's or without."""
    hint: NDArray[np.floating] | None = None
    """[columns without the opinion, classes]."""
    trust: float = 0.0


def _solve(
    x: NDArray[np.float32],
    opinion: bool,
    labels: Floats,
    others: Floats,
    units: Floats,
    multi_label: bool,
    hints: Sequence[NDArray[np.floating]],
) -> tuple[NDArray[np.float32], Floats]:
    """Weights [columns of x, classes] and leave-one-out answers [n, classes], averaged over all that was tried.

    Each counts by what it says of reviews it had not seen (pseudo-Bayesian model averaging: Yao et al. 2018, “Using
    Stacking to Average Bayesian Predictive Distributions”).
    """
    tried = _try(x, opinion, labels, others, multi_label, hints)
    scores = np.array([one.belief - one.solution.loss / BLURRED for one in tried])
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    plain = x.shape[1] - opinion
    left_out, weights = np.zeros(labels.shape), np.zeros((x.shape[1], labels.shape[1]))
    of_rows = {one.columns: np.zeros(labels.shape) for one in tried}
    for chance, one in zip(chances, tried, strict=True):
        left_out += chance * one.solution.left_out
        of_rows[one.columns] += chance * one.solution.slope * one.solution.weights
        if one.hint is not None:
            weights[:plain] += one.hint * (chance * one.solution.slope * one.trust * units)
    for columns, dual in of_rows.items():
        weights[:columns] += x[:, :columns].T @ dual.astype(np.float32)
    return weights.astype(np.float32), left_out


def _try(
    x: NDArray[np.float32],
    opinion: bool,
    labels: Floats,
    others: Floats,
    multi_label: bool,
    hints: Sequence[NDArray[np.floating]],
) -> list[_Tried]:
    """Every penalty with and without the opinion, and beside the better of these every hint as far as it may go."""
    plain = x.shape[1] - opinion
    kinds = [plain, x.shape[1]][: 1 + opinion]
    alone = np.log((1 - HINT_BELIEF if hints else 1.0) / (len(kinds) * len(PENALTIES)))
    solvers = {columns: Solver(x[:, :columns], labels, others, multi_label) for columns in kinds}
    tried = [_Tried(one, alone, columns) for columns in kinds for one in solvers[columns].solutions()]
    if not hints:
        return tried
    best = min(tried, key=lambda one: one.solution.loss)
    close = labels.size <= MOST_HINTED
    penalties = [one for one in PENALTIES if one >= best.solution.penalty][: MORE_PENALTIES if close else 1]
    trusts = TRUSTS if close else FEWER_TRUSTS
    each = np.log(HINT_BELIEF / (len(hints) * len(trusts) * len(penalties)))
    # In units of the others' shares: by its own label a review would tell the hint which one is right.
    units = unit(others, multi_label)
    for hint in hints:
        along = (x[:, :plain] @ np.asarray(hint, dtype=np.float32)).astype(np.float64)
        for trust in trusts:
            found = solvers[best.columns].solutions(penalties, along * trust * units)
            tried += [_Tried(one, each, best.columns, hint, trust) for one in found]
    return tried
