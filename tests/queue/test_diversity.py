"""Strategies that know where reviews lie: typical ones first, one of each kind, outliers late."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.queue.auto import DRAWN_FROM, RANDOM_EVERY, START, Auto, DoubtAndDiversity
from core.queue.covering import cover
from core.queue.diversity import Cover, Density, Farthest
from core.queue.order import Reason
from core.queue.pool import Pool
from core.queue.similar import similar
from core.queue.space import Space
from tests.queue.pools import blobs, table


def test_the_first_chosen_stands_for_most_the_next_for_what_is_left() -> None:
    # Candidates 0 and 1 stand for the first three, 2 for the last two; 1 does it a little better than 0.
    similarities = table([[0.9, 0.8, 0.8, 0, 0], [0.9, 0.9, 0.8, 0, 0], [0, 0, 0.1, 0.9, 0.9]])
    nothing, same = np.zeros(5, dtype=np.float32), np.ones(5, dtype=np.float32)
    found = cover(similarities, same, nothing, 3)
    assert found.chosen.tolist() == [1, 2, 0]
    assert np.allclose(found.shares, [0.6, 0.4, 0])
    assert not nothing.any(), "what was covered before is left as it was"


def test_weights_and_what_is_covered_already_decide() -> None:
    similarities = table([[1, 1, 0], [0, 0, 1]])
    same, nothing = np.ones(3, dtype=np.float32), np.zeros(3, dtype=np.float32)
    heavy = np.array([1, 1, 5], dtype=np.float32)
    assert cover(similarities, same, nothing, 1).chosen.tolist() == [0]
    assert cover(similarities, heavy, nothing, 1).chosen.tolist() == [1]
    assert cover(similarities, same, np.array([1, 1, 0], dtype=np.float32), 1).chosen.tolist() == [1]


def test_the_lazy_choice_is_the_greedy_choice() -> None:
    draw = np.random.default_rng(0)
    similarities = draw.random((30, 40), dtype=np.float32)
    weights, now = draw.random(40, dtype=np.float32), np.zeros(40, dtype=np.float32)
    lazy = cover(similarities, weights, now, 12).chosen.tolist()
    greedy: list[int] = []
    for _ in range(12):
        gains = [
            -1.0 if place in greedy else float(np.maximum(row - now, 0) @ weights)
            for place, row in enumerate(similarities)
        ]
        greedy.append(int(np.argmax(gains)))
        now = np.maximum(now, similarities[greedy[-1]])
    assert lazy == greedy


def test_covering_takes_one_of_each_kind_the_commonest_first_and_the_outlier_last() -> None:
    sizes = [60, 30, 20, 1]
    kinds = np.repeat(np.arange(4), sizes)
    queue = Cover().order(Pool(size=111, features=blobs(sizes)), 111)
    assert kinds[queue.positions[:3]].tolist() == [0, 1, 2]
    assert sorted(queue.positions.tolist()) == list(range(111))
    first = queue[0]
    assert first.reason is Reason.COVER
    assert first.value is not None
    assert 0.4 < first.value <= 1


def test_covering_leaves_out_what_a_labelled_review_stands_for() -> None:
    features = blobs([60, 30, 20])
    kinds = np.repeat(np.arange(3), [60, 30, 20])
    undecided = np.arange(1, 110)
    pool = Pool(
        size=109,
        features=features,
        rows=undecided,
        labelled=np.ones((1, 2), dtype=np.bool_),
        labelled_rows=np.array([0]),
    )
    assert kinds[undecided[Cover().order(pool, 2).positions]].tolist() == [1, 2]


def test_the_farthest_is_the_outlier_and_its_distance_is_told() -> None:
    features = blobs([40, 40, 1])
    pool = Pool(
        size=80,
        features=features,
        rows=np.arange(1, 81),
        labelled=np.ones((2, 2), dtype=np.bool_),
        labelled_rows=np.array([0, 45]),
    )
    first = Farthest().order(pool, 5)[0]
    assert (first.position, first.reason) == (79, Reason.DISTANCE)
    assert first.value is not None
    assert first.value > 0.5


def test_density_puts_the_doubted_of_a_crowd_before_the_doubted_outlier() -> None:
    features = blobs([50, 1])
    said = np.full((51, 2), 0.5, dtype=np.float32)
    queue = Density().order(Pool(size=51, features=features, probabilities=said), 51)
    assert queue.positions[-1] == 50
    assert queue[0].reason is Reason.DENSITY
    sure = said.copy()
    sure[:49] = [1, 0]
    assert Density().order(Pool(size=51, features=features, probabilities=sure), 51).positions[0] == 49


def two_doubts(doubted: int = 40) -> tuple[Pool, NDArray[np.int64]]:
    """A large and a small kind that are doubted, one doubted outlier, and many reviews the model is sure of."""
    sizes = [doubted, 20, 1, 1200]
    said = np.tile(np.array([0.52, 0.48], dtype=np.float32), (sum(sizes), 1))
    said[-1200:] = [0.95, 0.05]
    said[doubted + 20] = [0.5, 0.5]
    pool = Pool(
        size=sum(sizes), features=blobs(sizes), probabilities=said, labelled=np.eye(2, dtype=np.bool_)[[0, 1] * START]
    )
    return pool, np.repeat(np.arange(4), sizes)


def test_of_the_doubted_one_of_each_kind_comes_first_and_no_outlier() -> None:
    pool, kinds = two_doubts()
    queue = DoubtAndDiversity().order(pool, pool.size)
    assert kinds[queue.positions[:2]].tolist() == [0, 1]
    assert 2 not in kinds[queue.positions[:10]], "nothing is doubted more than the outlier, and it waits"
    assert queue[0].reason is Reason.MARGIN
    assert queue[0].value is not None
    assert abs(queue[0].value - 0.04) < 1e-6
    assert sorted(queue.positions.tolist()) == list(range(pool.size))


def test_a_label_with_few_examples_is_called_the_reason() -> None:
    said = np.tile(np.array([0.5, 0.05, 0.45], dtype=np.float32), (200, 1))
    said[:100] = [0.5, 0.4, 0.1]
    labelled = np.eye(3, dtype=np.bool_)[[0] * 20 + [1] * 20 + [2]]
    pool = Pool(size=200, features=blobs([100, 100]), probabilities=said, labelled=labelled)
    entries = list(DoubtAndDiversity().order(pool, 200))
    rare = [entry for entry in entries if entry.reason is Reason.RARE]
    assert rare
    assert all(entry.position >= 100 and entry.label == 2 for entry in rare), "where the rarer label is likely"
    assert rare[0].value is not None
    assert abs(rare[0].value - 0.45) < 1e-6
    assert {entry.reason for entry in entries if entry.position < 100} <= {Reason.MARGIN}


def test_behind_the_first_labels_one_in_so_many_is_drawn() -> None:
    pool, _ = two_doubts()
    few = replace(pool, labelled=np.eye(2, dtype=np.bool_)[[0, 1] * (START // 2)])
    assert Reason.RANDOM not in [entry.reason for entry in Auto().order(few, 30)], "nothing but doubts at first"
    pool = replace(pool, labelled=np.eye(2, dtype=np.bool_)[[0, 1] * (DRAWN_FROM // 2)])
    queue = Auto().order(pool, pool.size)
    assert sorted(queue.positions.tolist()) == list(range(pool.size)), "each once"
    drawn = [place for place, entry in enumerate(queue) if entry.reason is Reason.RANDOM]
    head = [place for place in drawn if place < 12]
    assert head == list(range(RANDOM_EVERY - 1 - DRAWN_FROM % RANDOM_EVERY, 12, RANDOM_EVERY))
    again = Auto().order(replace(pool, seed=pool.seed + 1), 12)
    assert [entry.position for entry in again if entry.reason is Reason.RANDOM] != [
        queue[place].position for place in head
    ]


def test_none_is_drawn_where_there_are_many_labels() -> None:
    pool, _ = two_doubts()
    many = replace(
        pool,
        probabilities=np.full((pool.size, 30), 1 / 30, dtype=np.float32),
        labelled=np.eye(30, dtype=np.bool_)[[at % 30 for at in range(DRAWN_FROM)]],
    )
    assert Reason.RANDOM not in {entry.reason for entry in Auto().order(many, 10)}


def test_its_turn_comes_however_often_the_queue_is_made_anew() -> None:
    pool, _ = two_doubts()
    reasons = []
    for more in range(6 * RANDOM_EVERY):
        labelled = np.eye(2, dtype=np.bool_)[[at % 2 for at in range(DRAWN_FROM + more)]]
        reasons.append(Auto().order(replace(pool, labelled=labelled), 5)[0].reason)
    assert reasons.count(Reason.RANDOM) == 6


def test_the_default_covers_first_and_doubts_when_there_are_enough_labels() -> None:
    pool, _ = two_doubts()
    assert {entry.reason for entry in Auto().order(pool, 10)} == {Reason.MARGIN}
    few = Pool(
        size=pool.size,
        features=pool.features,
        probabilities=pool.probabilities,
        labelled=np.eye(2, dtype=np.bool_)[[0, 1] * (START // 2 - 1)],
    )
    assert {entry.reason for entry in Auto().order(few, 3)} == {Reason.COVER}
    many = replace(
        pool,
        probabilities=np.full((pool.size, 99), 1 / 99, dtype=np.float32),
        labelled=np.zeros((START, 99), dtype=np.bool_),
    )
    assert {entry.reason for entry in Auto().order(many, 3)} == {Reason.COVER}, "fewer labelled than labels"
    assert {entry.reason for entry in Auto().order(Pool(size=5), 5)} == {Reason.RANDOM}


def test_more_like_this_finds_the_same_kind_the_nearest_first() -> None:
    features = blobs([5, 40, 40])
    pool = Pool(size=80, features=features, rows=np.arange(5, 85))
    queue = similar(pool, np.array([0]), 80)
    again = similar(Pool(size=85, features=features), np.array([0]), 4)
    assert sorted(again.positions.tolist()) == [1, 2, 3, 4], "not the review itself, but all of its kind"
    values = queue.values.tolist()
    assert values == sorted(values, reverse=True)
    assert queue[0].reason is Reason.SIMILAR
    both = similar(Pool(size=85, features=features), np.array([5, 45]), 78)
    assert min(both.positions.tolist()) >= 5, "like one of several is enough"
    assert len(similar(Pool(size=3), np.array([0]), 3)) == 0


def test_a_dimension_that_is_hundreds_of_times_wider_decides_nothing_alone() -> None:
    draw = np.random.default_rng(1)
    features = blobs([50, 50])
    features[:, 15] = 400 + 300 * draw.standard_normal(100)
    vectors = Space(features.astype(np.float16), np.arange(100), seed=0).vectors(np.arange(100))
    nearest = (vectors @ vectors.T - 2 * np.eye(100)).argmax(axis=1)
    assert ((nearest < 50) == (np.arange(100) < 50)).mean() > 0.8
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_projected_angles_are_nearly_the_angles() -> None:
    draw = np.random.default_rng(2)
    features = draw.standard_normal((60, 900), dtype=np.float32)
    features[30:] = features[:30] + 0.3 * draw.standard_normal((30, 900), dtype=np.float32)
    rows = np.arange(60)
    full, less = (Space(features, rows, 0, size).vectors(rows) for size in (None, 128))
    assert less.shape == (60, 128)
    assert np.abs(full @ full.T - less @ less.T).mean() < 0.09
    assert (np.diag(less[:30] @ less[30:].T) > 0.85).all()
