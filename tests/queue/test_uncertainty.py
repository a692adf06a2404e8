"""What a learner is least sure of comes first, with the number that says how unsure."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from core.queue.order import QueryStrategy, Queue, Reason
from core.queue.pool import Pool
from core.queue.scores import confidences, divergences, entropies
from core.queue.uncertainty import Disagreement, Entropy, LabelSearch, LeastConfidence, Margin, Random
from tests.queue.pools import asked, table

SURE, TIED, SPREAD, UNSURE = [0.9, 0.1, 0.0], [0.5, 0.5, 0.0], [0.4, 0.3, 0.3], [0.6, 0.2, 0.2]


def seen(queue: Queue) -> list[tuple[int, Reason, float | None]]:
    """The entries, values to three digits."""
    return [(entry.position, entry.reason, None if entry.value is None else round(entry.value, 3)) for entry in queue]


def test_least_confidence_margin_and_entropy_order_the_same_reviews_differently() -> None:
    pool = asked(SURE, TIED, SPREAD, UNSURE)
    assert seen(LeastConfidence().order(pool, 4)) == [
        (2, Reason.CONFIDENCE, 0.4),
        (1, Reason.CONFIDENCE, 0.5),
        (3, Reason.CONFIDENCE, 0.6),
        (0, Reason.CONFIDENCE, 0.9),
    ]
    assert seen(Margin().order(pool, 4)) == [
        (1, Reason.MARGIN, 0.0),
        (2, Reason.MARGIN, 0.1),
        (3, Reason.MARGIN, 0.4),
        (0, Reason.MARGIN, 0.8),
    ]
    assert [position for position, _, _ in seen(Entropy().order(pool, 4))] == [2, 3, 1, 0]


def test_with_several_labels_each_is_a_question_of_its_own() -> None:
    pool = asked([0.0, 0.5], [0.75, 0.25], [1.0, 0.0], multi=True)
    assert seen(Margin().order(pool, 3)) == [
        (0, Reason.MARGIN, 0.0),
        (1, Reason.MARGIN, 0.5),
        (2, Reason.MARGIN, 1.0),
    ]
    assert seen(LeastConfidence().order(pool, 1)) == [(0, Reason.CONFIDENCE, 0.5)]
    assert [round(float(value), 2) for value in confidences(table([[0.75, 0.25]]), multi=True)] == [0.56]
    # One bit of one label, and twice 0.811 bits: as a share of two bits.
    assert np.allclose(entropies(table([[0, 0.5], [0.75, 0.25]]), multi=True), [0.5, 0.811], atol=1e-3)


def test_entropy_is_a_share_of_the_greatest_possible() -> None:
    expected = [1.0, 0.0, log(2) / log(4)]
    found = entropies(table([[0.25] * 4, [1, 0, 0, 0], [0.5, 0.5, 0, 0]]), multi=False)
    assert np.allclose(found, expected, atol=1e-5)


def test_learners_that_are_certain_of_different_labels_disagree_most() -> None:
    first, second = table([[1, 0], [0.5, 0.5], [0.5, 0.5]]), table([[0, 1], [0.5, 0.5], [1, 0]])
    # The last: 1 bit of the mean (0.811) less the mean of 1 bit and 0.
    assert np.allclose(divergences(first, second, multi=False), [1, 0, 0.311], atol=1e-3)
    assert np.allclose(divergences(first, second, multi=True), [1, 0, 0.311], atol=1e-3)
    queue = Disagreement().order(Pool(size=3, probabilities=first, second=second), 3)
    assert seen(queue) == [
        (0, Reason.DISAGREEMENT, 1.0),
        (2, Reason.DISAGREEMENT, 0.311),
        (1, Reason.DISAGREEMENT, 0.0),
    ]


def test_one_learner_alone_cannot_disagree_so_its_margins_decide() -> None:
    assert seen(Disagreement().order(asked(SURE, TIED), 2)) == [(1, Reason.MARGIN, 0.0), (0, Reason.MARGIN, 0.8)]
    nan = [np.nan, np.nan, np.nan]
    pool = asked(SURE, TIED, UNSURE, second=table([nan, nan, SURE]))
    assert [reason for _, reason, _ in seen(Disagreement().order(pool, 3))] == [
        Reason.DISAGREEMENT,
        Reason.MARGIN,
        Reason.MARGIN,
    ]


def test_looking_for_a_label_brings_its_likeliest_reviews() -> None:
    queue = LabelSearch(1).order(asked(SURE, TIED, SPREAD), 2)
    assert seen(queue) == [(1, Reason.LABEL, 0.5), (2, Reason.LABEL, 0.3)]
    assert [entry.label for entry in queue] == [1, 1]
    with pytest.raises(ValueError, match="label 3 of 3"):
        LabelSearch(3).order(asked(SURE), 1)


@pytest.mark.parametrize("strategy", [LeastConfidence(), Margin(), Entropy(), Disagreement(), LabelSearch(0)])
def test_what_the_learner_has_not_seen_comes_at_the_end_at_random(strategy: QueryStrategy) -> None:
    pool = asked([np.nan, np.nan], [0.9, 0.1], [np.nan, np.nan], [0.5, 0.5])
    queue = strategy.order(pool, 4)
    assert {entry.position for entry in queue.taken(slice(2))} == {1, 3}
    assert {(entry.position, entry.reason, entry.value, entry.label) for entry in queue.taken(slice(2, 4))} == {
        (0, Reason.RANDOM, None, None),
        (2, Reason.RANDOM, None, None),
    }


def test_equals_come_in_random_order_not_in_the_files() -> None:
    pool = asked(*[[0.5, 0.5]] * 40)
    order = Margin().order(pool, 40).positions.tolist()
    assert order == pool.shuffled().tolist() != list(range(40))


def test_random_is_random() -> None:
    pool = Pool(size=30, seed=3)
    queue = Random().order(pool, 10)
    assert queue.positions.tolist() == pool.shuffled()[:10].tolist()
    assert {entry.reason for entry in queue} == {Reason.RANDOM}
