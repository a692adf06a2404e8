"""The temperature finds overconfidence, and stays near 1 without evidence."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.training.temperature import HIGHEST, LOWEST, fit_temperature, loss, probabilities


def drawn(count: int, scale: float, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits `scale` times too large for labels that were drawn from the softmax of the right ones."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(count, 3)) * 1.5
    shares = probabilities(logits, multi_label=False)
    targets = np.array([random.choice(3, p=row / row.sum()) for row in shares.astype(np.float64)])
    return logits * scale, targets


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_it_recovers_the_scale(scale: float) -> None:
    logits, targets = drawn(4_000, scale)
    assert fit_temperature(logits, targets) == pytest.approx(scale, rel=0.1)


def test_it_recovers_the_scale_of_sigmoids() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(3_000, 2))
    targets = (random.random(logits.shape) < probabilities(logits, multi_label=True)).astype(np.float32)
    assert fit_temperature(logits * 2, targets) == pytest.approx(2, rel=0.1)


def test_few_reviews_move_it_little_and_none_not_at_all() -> None:
    perfect = np.array([[5.0, 0.0], [0.0, 5.0]])
    wrong = np.array([1, 0])
    assert fit_temperature(np.zeros((0, 2)), np.zeros(0, dtype=np.int64)) == 1.0
    assert 0.8 < fit_temperature(perfect, np.array([0, 1])) <= 1.0
    assert 1.0 < fit_temperature(perfect, wrong) < HIGHEST
    assert fit_temperature(np.repeat(perfect, 500, 0), np.repeat(wrong, 500)) == pytest.approx(HIGHEST, rel=1e-3)
    small = np.array([[0.1, 0.0], [0.0, 0.1]])
    tight = fit_temperature(np.repeat(small, 5_000, 0), np.repeat([0, 1], 5_000))
    assert tight == pytest.approx(LOWEST, rel=1e-3)


def test_it_never_raises_the_loss() -> None:
    logits, targets = drawn(200, 2.5)
    assert loss(logits / fit_temperature(logits, targets), targets) < loss(logits, targets)


def test_extreme_logits_stay_finite() -> None:
    extreme = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype=np.float32)
    assert np.isfinite(loss(extreme, np.array([1, 1])))
    for multi_label in (True, False):
        assert np.isfinite(probabilities(extreme, multi_label)).all()
    assert probabilities(np.zeros((0, 2)), multi_label=False).shape == (0, 2)


def test_it_makes_a_model_as_sure_as_its_teacher() -> None:
    random = np.random.default_rng(0)
    taught = random.dirichlet([1.0, 1.0, 1.0], size=2_000)
    assert fit_temperature(np.log(taught) * 3, taught, probabilities=True) == pytest.approx(3, rel=0.02)
    one_hot = np.eye(3)[[0, 2, 1]]
    scores = random.normal(size=(3, 3))
    assert loss(scores, one_hot, probabilities=True) == pytest.approx(loss(scores, np.array([0, 2, 1])))
    by_hand = -np.log([0.8, 0.2]) @ [0.75, 0.25]
    assert loss(np.log([[0.8, 0.2]]), np.array([[0.75, 0.25]]), probabilities=True) == pytest.approx(by_hand)
    each = random.random((2_000, 2))
    odds = np.log(each / (1 - each))
    assert fit_temperature(odds * 2, each) == pytest.approx(2, rel=0.02)
