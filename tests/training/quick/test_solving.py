"""Ridge regression: its answers to rows it had not seen, against real refits by the textbook's formulas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.training.quick import solving
from core.training.quick.solving import SLOPES, Solver, linear, log_loss, probabilities, shares_of

from .conftest import reviews

Floats = NDArray[np.float64]


def rows(count: int, classes: int, seed: int = 1) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    features, truth = reviews(count, classes, seed=seed)
    return features[:, :-1].astype(np.float32), truth


def refitted_without_each(
    x: Floats, truth: Floats, penalty: float, slope: float, multi_label: bool, offset: Floats
) -> Floats:
    """What fits say about the row they were made without."""
    found = np.zeros(truth.shape)
    for place in range(len(x)):
        others = np.arange(len(x)) != place
        mean = truth[others].mean(axis=0)
        square = x[others].T @ x[others] + penalty * np.eye(x.shape[1])
        sought = truth[others] - mean - offset[others]
        said = x[place] @ np.linalg.solve(square, x[others].T @ sought) + offset[place]
        if multi_label:
            shares = (truth[others].sum(axis=0) + 0.5) / (others.sum() + 1)
            found[place] = 1 / (1 + (1 - shares) / shares * np.exp(-slope * said / np.sqrt(shares * (1 - shares))))
        else:
            shares = (truth[others].sum(axis=0) + 0.5) / (others.sum() + 0.5 * truth.shape[1])
            powers = shares * np.exp(slope * said / np.sqrt(shares))
            found[place] = powers / powers.sum()
    return found


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("hinted", [False, True])
@pytest.mark.parametrize("count", [5, 30])
def test_answers_to_rows_are_those_of_real_refits_without_them(multi_label: bool, hinted: bool, count: int) -> None:
    x, classes = rows(count, 3)
    truth = np.eye(3)[classes]
    if multi_label:
        truth[::2, 0] = 1
        truth[3] = 0
    offset = np.random.default_rng(0).normal(size=truth.shape) * 0.3 if hinted else np.zeros(truth.shape)
    others = shares_of(truth, multi_label, truth)
    for one in Solver(x, truth, others, multi_label).solutions(offset=offset if hinted else None):
        said = probabilities(one.left_out, others, multi_label)
        expected = refitted_without_each(x.astype(np.float64), truth, one.penalty, one.slope, multi_label, offset)
        assert said == pytest.approx(expected, abs=2e-3)
        belief = solving.SLOPE_WEIGHT * np.log(one.slope / solving.SLOPE_PRIOR) ** 2
        assert one.loss == pytest.approx(count * log_loss(said, truth, multi_label) + belief, rel=1e-6)


def test_no_other_slope_has_a_much_lower_loss() -> None:
    for seed, count, classes in ((1, 8, 2), (2, 20, 3), (3, 60, 4)):
        x, truth = rows(count, classes, seed)
        labels = np.eye(classes)[truth]
        others = shares_of(labels, False, labels)
        for one in Solver(x, labels, others, False).solutions():
            losses = []
            for slope in SLOPES:
                said = probabilities(one.left_out / one.slope * slope, others, False)
                belief = solving.SLOPE_WEIGHT * np.log(slope / solving.SLOPE_PRIOR) ** 2
                losses.append(count * log_loss(said, labels, False) + belief)
            assert min(losses) <= one.loss + 1e-6 < min(losses) + 0.5


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_linear_classifier_says_what_the_rows_are(multi_label: bool) -> None:
    x, classes = rows(300, 3)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    weights, bias = linear(x, np.eye(3)[classes] * 0.8 + 0.2 / 3, multi_label)
    assert weights.shape == (x.shape[1], 3)
    logits = x @ weights + bias
    assert (logits.argmax(axis=1) == classes).mean() > 0.9
    if multi_label:
        assert ((logits > 0) == np.eye(3, dtype=bool)[classes]).mean() > 0.9
