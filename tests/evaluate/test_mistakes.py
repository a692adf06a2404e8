"""Mistakes among labels are found where some are planted, and none are claimed where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import TooFewLabels
from core.evaluate.mistakes import find_mistakes

Floats = NDArray[np.float64]
Given = NDArray[np.bool_]


def reviews(count: int, classes: int, flipped: float, seed: int = 0) -> tuple[Floats, Given, NDArray[np.bool_]]:
    """What a calibrated model says about reviews, their labels, and which of these are flipped.

    The model is right about six in seven, as the quick learner is.
    """
    draw = np.random.default_rng(seed)
    logits = draw.normal(0, 2.2, (count, classes))
    said = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    true = np.array([draw.choice(classes, p=row) for row in said])
    wrong = np.zeros(count, dtype=np.bool_)
    wrong[draw.choice(count, round(flipped * count), replace=False)] = True
    labels = np.where(wrong, (true + draw.integers(1, classes, count)) % classes, true)
    return said, np.eye(classes, dtype=np.bool_)[labels], wrong


@pytest.mark.parametrize("classes", [2, 5])
def test_the_first_suspects_are_mistakes_more_often_than_not(classes: int) -> None:
    said, given, wrong = reviews(2_000, classes, 0.05)
    found = find_mistakes(said, given, multi=False)
    first = found.suspects[: int(wrong.sum())]
    assert wrong[first[:40]].mean() > 0.5
    assert wrong[found.suspects[: 2 * int(wrong.sum())]].sum() > 0.6 * wrong.sum()
    assert not (given[first] & found.proposed[first]).any()
    assert (np.diff(found.confidences[found.suspects]) >= 0).all()


@pytest.mark.parametrize("flipped", [0.0, 0.02, 0.1])
def test_the_interval_holds_the_share_of_wrong_labels(flipped: float) -> None:
    held = 0
    for seed in range(12):
        said, given, _ = reviews(800, 3, flipped, seed)
        share = find_mistakes(said, given, multi=False).wrong
        assert share.low <= share.expected <= share.high
        held += share.low - 1e-9 <= flipped <= share.high + 1e-9
    assert held >= 10


def test_a_wider_interval_comes_of_fewer_labels() -> None:
    few, many = (find_mistakes(*reviews(count, 3, 0.1)[:2], multi=False).wrong for count in (100, 3_000))
    assert few.high - few.low > 2 * (many.high - many.low)


def test_sixty_right_labels_make_none_of_them_surely_wrong() -> None:
    highest = []
    for seed in range(30):
        said, given, _ = reviews(60, 2, 0.0, seed)
        found = find_mistakes(said, given, multi=False)
        highest.append(found.chances[found.suspects].max() if len(found.suspects) else 0.0)
    assert max(highest) < 0.97


def test_in_a_multi_label_scheme_a_label_that_is_missing_is_proposed() -> None:
    draw = np.random.default_rng(1)
    said = draw.beta(0.3, 0.6, (600, 4))
    given = draw.random((600, 4)) < said
    # The ones that are surest to have the label lose it.
    taken = np.argsort(-said[:, 2] * given[:, 2])[:25]
    given[taken, 2] = False
    found = find_mistakes(said, given, multi=True)
    first = set(found.suspects[:50].tolist())
    assert len(first & set(taken.tolist())) > 20
    assert found.proposed[taken, 2].all()
    assert 0 < found.wrong.low <= found.wrong.expected <= found.wrong.high < 0.3


def test_a_label_that_no_review_has_is_never_proposed() -> None:
    said, given, _ = reviews(200, 3, 0.1)
    wider = np.column_stack([said * 0.99, np.full(200, 0.01)])
    with_none = np.column_stack([given, np.zeros(200, dtype=np.bool_)])
    assert not find_mistakes(wider, with_none, multi=False).proposed[:, 3].any()


def test_too_few_labels_are_refused_with_what_to_do() -> None:
    said, given, _ = reviews(12, 2, 0)
    with pytest.raises(TooFewLabels, match=r"12 labelled reviews .* from 20 on"):
        find_mistakes(said, given, multi=False)
