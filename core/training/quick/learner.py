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

TRUSTS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""How far a hint may be believed: by how many of the labels' deviations it moves an answer."""

MORE_PENALTIES = 3
"""How many penalties are tried beside a hint, from the best one without it on: there is less left to learn."""

BLURRED = 3.0
"""Nats of summed leave-one-out log-loss that count as one: those of a few reviews are chance. With 1 the log-loss of
airline_tweets at 16 labels was 0.794, with 2 0.765, with 4 0.747; of ag_news_lower with 2 0.604, with 4 0.630."""

CHANCE = 1e-3
"""Share of the belief below which what was tried is left out."""

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

    def predict(self, features: NDArray[np.floating], texts: Sequence[str] | None = None) -> NDArray[np.float32]:
        """Calibrated probabilities [m, classes] of reviews with these features [m, dimensions]."""
        del texts
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
        labels,
        others,
        unit(shares, multi_label),
        multi_label,
        space.has_opinion,
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
class _Candidate:
    solution: Solution
    belief: float
    """The logarithm of how probable it was before."""
    columns: int
    hint: NDArray[np.floating] | None


def _solve(
    x: NDArray[np.float32],
    labels: Floats,
    others: Floats,
    units: Floats,
    multi_label: bool,
    opinion: bool,
    hints: Sequence[NDArray[np.floating]],
) -> tuple[NDArray[np.float32], Floats]:
    """Weights [columns of x, classes] and leave-one-out answers [n, classes], of all that was tried.

    Each is believed by what it says of reviews it had not seen, and answers are averaged (pseudo-Bayesian model
    averaging: Yao et al. 2018, “Using Stacking to Average Bayesian Predictive Distributions”).
    """
    plain = x.shape[1] - (1 if opinion else 0)
    candidates: list[_Candidate] = []
    solvers = []
    kinds = (plain, x.shape[1]) if opinion else (plain,)
    none, some = (np.log(1 - HINT_BELIEF), np.log(HINT_BELIEF)) if hints else (0.0, 0.0)
    for columns in kinds:
        solver = Solver(x[:, :columns], labels, others, multi_label)
        found = solver.solutions()
        candidates += [_Candidate(one, none - np.log(len(kinds) * len(found)), columns, None) for one in found]
        solvers.append((min(found, key=lambda one: one.loss), columns, solver))
    best, columns, solver = min(solvers, key=lambda one: one[0].loss)
    penalties = [one for one in PENALTIES if one >= best.penalty][:MORE_PENALTIES]
    each = some - np.log(len(hints) * len(TRUSTS) * len(penalties)) if hints else 0.0
    for hint in hints:
        along = x[:, :plain] @ np.asarray(hint, dtype=np.float32)
        for trust in TRUSTS:
            scaled = trust * units
            found = solver.solutions(penalties, (along * scaled).astype(np.float64))
            candidates += [_Candidate(one, each, columns, hint * scaled) for one in found]
    scores = np.array([one.belief - one.solution.loss / BLURRED for one in candidates])
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    weights = np.zeros((x.shape[1], labels.shape[1]))
    left_out = np.zeros(labels.shape)
    for chance, one in zip(chances, candidates, strict=True):
        if chance < CHANCE:
            continue
        its = chance * one.solution.slope
        weights[: one.columns] += its * (x[:, : one.columns].T @ one.solution.weights.astype(np.float32))
        if one.hint is not None:
            weights[:plain] += its * one.hint
        left_out += chance * one.solution.left_out
    return weights.astype(np.float32), left_out
