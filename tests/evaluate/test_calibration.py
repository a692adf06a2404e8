"""Reliability by hand, and what taking the temperature out again gives."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluate.calibration import (
    FEWEST_IN_BIN,
    MOST_BINS,
    Calibration,
    expected_calibration_error,
    reliability,
    untempered,
)
from core.evaluate.intervals import wilson
from core.evaluate.metrics import indicator
from core.training.temperature import loss, probabilities


def answers(confidence: list[float], right: list[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Two labels, the first always the more probable one, and true where it is right."""
    said = np.array([[one, 1 - one] for one in confidence])
    return said, indicator([[0] if one else [1] for one in right], 2)


def test_a_constant_that_is_right_as_often_as_it_says_has_no_error() -> None:
    found = reliability(*answers([0.7] * 50, [True] * 35 + [False] * 15), multi=False)
    assert found.ece == pytest.approx(0, abs=1e-12)
    (one,) = found.bins
    assert (one.confidence, one.accuracy, one.count) == pytest.approx((0.7, 0.7, 50))
    assert (one.low, one.high) == wilson(35, 50)


def test_two_bins_worked_out_by_hand() -> None:
    confidence = [0.6] * 10 + [0.9] * 30
    right = [True] * 8 + [False] * 2 + [True] * 24 + [False] * 6
    found = reliability(*answers(confidence, right), multi=False)
    assert [one.confidence for one in found.bins] == pytest.approx([0.6, 0.9])
    assert [(one.accuracy, one.count) for one in found.bins] == [(0.8, 10), (0.8, 30)]
    assert found.ece == pytest.approx((10 * 0.2 + 30 * 0.1) / 40)
    said = 8 * np.log(0.6) + 2 * np.log(0.4) + 24 * np.log(0.9) + 6 * np.log(0.1)
    assert found.log_loss == pytest.approx(-said / 40)
    squares = 8 * 2 * 0.4**2 + 2 * 2 * 0.6**2 + 24 * 2 * 0.1**2 + 6 * 2 * 0.9**2
    assert found.brier == pytest.approx(squares / 40)


def test_several_labels_are_answers_of_their_own() -> None:
    said = np.tile([[0.9, 0.2]], (20, 1))
    true = indicator([[0]] * 15 + [[1]] * 5, 2)
    found = reliability(said, true, multi=True)
    assert found.size == 40
    assert [one.confidence for one in found.bins] == pytest.approx([0.2, 0.9])
    assert [(one.accuracy, one.count) for one in found.bins] == [(0.25, 20), (0.75, 20)]
    assert found.ece == pytest.approx((0.05 + 0.15) / 2)
    assert found.brier == pytest.approx((15 * (0.01 + 0.04) + 5 * (0.81 + 0.64)) / 40)


def test_a_certainty_that_is_wrong_costs_much_but_not_everything() -> None:
    found = reliability(*answers([1.0] * 10, [False] + [True] * 9), multi=False)
    assert found.log_loss == pytest.approx(-np.log(1e-6) / 10)


@given(pairs=st.lists(st.tuples(st.floats(0.5, 1), st.booleans()), min_size=1, max_size=300))
def test_bins_hold_every_answer_once_and_never_too_few(pairs: list[tuple[float, bool]]) -> None:
    said, true = answers([one for one, _ in pairs], [right for _, right in pairs])
    found = reliability(said, true, multi=False)
    sizes = [one.count for one in found.bins]
    assert sum(sizes) == len(pairs)
    assert len(sizes) <= MOST_BINS
    assert len(sizes) == 1 or min(sizes) >= FEWEST_IN_BIN
    means = [one.confidence for one in found.bins]
    assert means == sorted(means)
    assert found.ece == pytest.approx(
        sum(one.count * abs(one.confidence - one.accuracy) for one in found.bins) / len(pairs), abs=1e-9
    )
    shuffled = np.random.default_rng(0).permutation(len(pairs))
    assert reliability(said[shuffled], true[shuffled], multi=False).ece == pytest.approx(found.ece, abs=1e-9)
    assert Calibration.from_json(json.loads(json.dumps(Calibration(found, None, None).to_json()))).after == found


def test_honest_probabilities_show_about_the_error_that_chance_makes() -> None:
    draw = np.random.default_rng(4)
    found, expected = [], []
    for _ in range(60):
        confidence = draw.uniform(0.5, 1, 80)
        right = draw.random(80) < confidence
        one = reliability(*answers(list(confidence), list(right)), multi=False)
        found.append(one.ece)
        expected.append(one.ece_of_chance)
        assert one.ece == expected_calibration_error(confidence, right)
    assert np.mean(found) == pytest.approx(np.mean(expected), rel=0.12)
    assert np.mean(expected) > 0.04, "few answers never match exactly, which is worth saying"


@pytest.mark.parametrize("multi", [False, True])
def test_taking_the_temperature_out_gives_the_probabilities_of_the_logits(multi: bool) -> None:
    logits = np.random.default_rng(1).normal(0, 3, (200, 4))
    stored = probabilities(logits / 1.7, multi)
    assert untempered(stored, 1.7, multi) == pytest.approx(probabilities(logits, multi), abs=2e-5)
    assert untempered(stored, 1.0, multi) == pytest.approx(stored, abs=1e-6)
    true = logits + np.random.default_rng(2).normal(0, 2, logits.shape) > 0
    true = true if multi else indicator([[int(row.argmax())] for row in logits], 4)
    targets = true.astype(float) if multi else true.argmax(axis=1)
    after = reliability(stored, true, multi).log_loss
    assert after == pytest.approx(loss(logits / 1.7, targets), abs=1e-4), "the loss that training speaks of"


def test_certainties_stay_numbers() -> None:
    sure = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    for multi in (False, True):
        assert np.isfinite(untempered(sure, 2.0, multi)).all()


def test_nothing_to_measure_on_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to measure on"):
        reliability(np.zeros((0, 2)), indicator([], 2), multi=False)
