"""The queue a person gets: nothing twice, never dry, the audit set's turn, near-duplicates once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from core.errors import SettingsError
from core.queue.choice import StrategyName, strategy
from core.queue.order import NO_LABEL, REASONS, Queue, Reason
from core.queue.plan import interleave, plan
from core.queue.pool import Pool
from core.queue.uncertainty import Margin, Random
from tests.queue.pools import any_pool, asked, blobs


def reasons(queue: Queue) -> list[Reason]:
    return [entry.reason for entry in queue]


def same(first: Queue, second: Queue) -> bool:
    return (
        first.positions.tolist() == second.positions.tolist()
        and first.reasons.tolist() == second.reasons.tolist()
        and np.array_equal(first.values, second.values, equal_nan=True)
    )


@pytest.mark.parametrize("name", list(StrategyName))
@given(pool=any_pool())
@settings(max_examples=40)
def test_nothing_twice_never_dry_and_the_same_seed_the_same_order(name: StrategyName, pool: Pool) -> None:
    chosen = strategy(name, label=0)
    queue = plan(pool, chosen)
    groups = np.arange(pool.size) if pool.groups is None else pool.groups
    came = groups[queue.positions].tolist()
    assert sorted(came) == sorted(set(groups.tolist())), "one of every group, and of none two"
    assert same(queue, plan(pool, chosen))
    audit = np.zeros(pool.size, dtype=np.bool_) if pool.audit is None else pool.audit
    assert [reason is Reason.AUDIT for reason in reasons(queue)] == audit[queue.positions].tolist()
    assert set(queue.labels.tolist()) <= {NO_LABEL, *range(4)}
    assert not np.isnan(
        queue.values[[REASONS[code] not in (Reason.RANDOM, Reason.AUDIT) for code in queue.reasons]]
    ).any()


@pytest.mark.parametrize("name", list(StrategyName))
@given(pool=any_pool())
@settings(max_examples=20)
def test_a_session_ends_when_everything_is_decided_and_not_before(name: StrategyName, pool: Pool) -> None:
    chosen, left, decided = strategy(name, label=0), np.arange(pool.size), 0
    while len(left):
        queue = plan(pool.part(left), chosen, count=3, since_audit=decided % 5)
        assert 1 <= len(queue) <= 3
        left = np.delete(left, queue.positions)
        decided += len(queue)
    assert decided == pool.size


@given(pool=any_pool())
def test_what_the_model_says_never_moves_an_audit_review(pool: Pool) -> None:
    pool = replace(pool, groups=None, settled=None)
    other = None if pool.probabilities is None else pool.probabilities[::-1].copy()
    drawn = [
        [entry.position for entry in plan(each, Margin()) if entry.reason is Reason.AUDIT]
        for each in (pool, replace(pool, probabilities=other))
    ]
    assert drawn[0] == drawn[1]


def test_every_fifth_is_an_audit_review_however_often_the_queue_is_made() -> None:
    audit = np.arange(100) % 4 == 0
    pool = Pool(size=100, audit=audit)
    assert [reason is Reason.AUDIT for reason in reasons(plan(pool, Random(), 10))] == [False] * 4 + [True] + [
        False
    ] * 4 + [True]
    since, seen = 0, []
    for _ in range(20):
        first = plan(pool, Random(), count=1, since_audit=since)[0].reason is Reason.AUDIT
        seen.append(first)
        since = 0 if first else since + 1
    assert seen == ([False] * 4 + [True]) * 4
    assert Reason.AUDIT not in reasons(plan(pool, Random(), audit_every=0))
    assert set(reasons(plan(pool, Random(), audit_every=1, count=25))) == {Reason.AUDIT}


def test_when_one_kind_is_used_up_the_other_goes_on() -> None:
    chosen, drawn = Queue.of(np.array([0, 1, 2]), Reason.RANDOM), Queue.of(np.array([7, 8]), Reason.AUDIT)
    assert interleave(chosen, drawn, 3).positions.tolist() == [0, 1, 7, 2, 8]
    assert interleave(chosen, drawn, 3, since=2).positions.tolist() == [7, 0, 1, 8, 2]
    assert interleave(chosen, drawn, 3, since=99).positions.tolist() == [7, 0, 1, 8, 2]
    assert interleave(chosen, drawn.taken(slice(0)), 2).positions.tolist() == [0, 1, 2]
    assert interleave(chosen.taken(slice(0)), drawn, 2).positions.tolist() == [7, 8]


def test_groups_come_once_and_those_settled_last() -> None:
    pool = asked(
        [0.5, 0.5],
        [0.5, 0.5],
        [0.9, 0.1],
        [0.6, 0.4],
        groups=np.array([1, 1, 2, 3]),
        settled=np.array([True, True, False, False]),
    )
    queue = plan(pool, Margin())
    assert queue.positions.tolist() == [3, 2, 0]
    assert reasons(queue) == [Reason.MARGIN, Reason.MARGIN, Reason.RANDOM]


def test_reviews_that_say_the_same_are_kept_apart() -> None:
    features = blobs([1] * 12, spread=0)
    # The three most doubted are copies of each other but for a trace; the fourth is one of a labelled review.
    features[1], features[2] = features[0] * 1.01, features[0] * 0.99
    features[3] = features[11]
    doubt = np.linspace(0.5, 0.9, 11)
    said = np.stack([doubt, 1 - doubt], axis=1).astype(np.float32)
    pool = Pool(
        size=11,
        features=features,
        rows=np.arange(11),
        probabilities=said,
        labelled=np.ones((1, 2), dtype=np.bool_),
        labelled_rows=np.array([11]),
    )
    assert plan(pool, Margin()).positions.tolist() == [0, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3]


def test_a_name_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(SettingsError, match=r"no strategy “best”. Use one of: auto, random"):
        strategy("best")
    with pytest.raises(SettingsError, match="looks for one label"):
        strategy("label")


def test_an_order_over_nothing_is_empty() -> None:
    assert list(plan(Pool(size=0), strategy("auto"))) == []
    assert list(plan(Pool(size=4), strategy("auto"), count=0)) == []
